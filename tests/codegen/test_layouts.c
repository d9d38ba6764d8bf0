/* One kernel, every layout: sizes around groups and blocks, steps, rows, in place, streaming.
 */
#include <criterion/criterion.h>

#include "compared.h"

static const char *const programs[] = {
    "fn add(x: f32, y: f32) -> (z: f32)\n"
    "  %1 = arg #0 : f32\n  %2 = arg #1 : f32\n  %3 = add %1 %2 : f32\n  return %3\n",
    "fn mixed(x: u8, y: f64) -> (a: f64, b: i16)\n"
    "  %1 = arg #0 : u8\n  %2 = arg #1 : f64\n  %3 = cast %1 : f64\n  %4 = mul %3 %2 : f64\n"
    "  %5 = cast %4 : i16\n  return %4, %5\n",
    "fn where_am_i(x: u64) -> (z: u64)\n"
    "  %1 = arg #0 : u64\n  %2 = index : u64\n  %3 = add %1 %2 : u64\n  return %3\n",
    "fn quotient(x: u64) -> (z: u64)\n" /* would divide by 0 behind the last element only */
    "  %1 = arg #0 : u64\n  %2 = index : u64\n  %3 = const 99999991 : u64\n"
    "  %4 = add %2 %3 : u64\n  %5 = floordiv %1 %4 : u64\n  return %5\n",
};
enum { N_PROGRAMS = (int)(sizeof programs / sizeof programs[0]) };

static void check(linked_text *k, const layout *where)
{
    random_state r = { 1 };
    const char *wrong = compared(k->g, &k->l, where, &r, NULL);
    cr_assert_null(wrong, "%s: n %lld, rows %lld, step %d, in place %d, streaming %d: %s",
                   k->g->name, (long long)where->n, (long long)where->rows, (int)where->step[0],
                   (int)where->in_place, (int)where->streaming, wrong);
}

Test(layouts, every_step_at_every_size)
{
    for (int32_t p = 0; p < N_PROGRAMS; p++) {
        linked_text k = linked_text_make(programs[p], (codegen_options){ .vector_lanes = 0 });
        int64_t w = k.l.object.vector_lanes, group = w * k.l.object.interleave;
        const int64_t sizes[] = { 0,         1,     2,         w - 1, w,   w + 1,
                                  group - 1, group, group + 1, 1000,  5000 };
        for (size_t s = 0; s < sizeof sizes / sizeof sizes[0]; s++)
            for (int32_t step = 0; step < STEP_KINDS * STEP_KINDS; step++) {
                layout where = { .n = sizes[s], .rows = 1 };
                step_kind first = (step_kind)(step % STEP_KINDS);
                step_kind second = (step_kind)(step / STEP_KINDS);
                where.step[0] = where.step[3] = first;
                where.step[1] = where.step[2] = second;
                check(&k, &where);
            }
        linked_text_free(&k);
    }
}

Test(layouts, rows_in_place_and_streams)
{
    for (int32_t p = 0; p < N_PROGRAMS; p++) {
        linked_text k = linked_text_make(programs[p], (codegen_options){ .vector_lanes = 0 });
        for (int64_t n = 1; n < 3000; n = n * 3 + 1)
            for (int32_t i = 0; i < 8 * STEP_KINDS; i++) {
                layout where = {
                    .n = n, .rows = i & 1 ? 70 : 3, .in_place = i & 2, .streaming = i & 4
                };
                where.step[0] = where.step[1] = (step_kind)(i / 8);
                where.step[2] = i / 8 % 2 ? where.step[0] : STEP_NEXT;
                check(&k, &where);
            }
        linked_text_free(&k);
    }
}

/* Rows enough for parts of rows, in either type's number. */
Test(layouts, transposed_operands)
{
    static const step_kind kinds[] = { STEP_NEXT, STEP_ZERO, STEP_TURNED, STEP_UPWARDS };
    static const int64_t lengths[] = { 3, 40, 83, 84, 200, 1031 };
    for (int32_t p = 0; p < N_PROGRAMS; p++) {
        linked_text k = linked_text_make(programs[p], (codegen_options){ .vector_lanes = 0 });
        for (size_t s = 0; s < sizeof lengths / sizeof lengths[0]; s++)
            for (int32_t i = 0; i < 64 * 3; i++) {
                layout where = { .n = lengths[s],
                                 .rows = (int64_t[]){ 7, 16, 37 }[i / 64],
                                 .in_place = i & 1,
                                 .streaming = i & 2 };
                where.step[0] = kinds[i / 4 % 4];
                where.step[1] = kinds[i / 16 % 4];
                where.step[2] = kinds[(i / 4 + i / 16) % 4];
                check(&k, &where);
            }
        linked_text_free(&k);
    }
}

Test(layouts, nothing_to_do)
{
    linked_text k = linked_text_make(programs[0], (codegen_options){ .vector_lanes = 0 });
    kernel_call none = { .n = 0, .rows = 5 }, no_rows = { .n = 5, .rows = 0 };
    cr_assert_eq(block_run(&k.l.object.shape, k.l.block, &none), 0);
    cr_assert_eq(block_run(&k.l.object.shape, k.l.block, &no_rows), 0);
    linked_text_free(&k);
}
