/* Linked code: freed, shared by many kernels to a mapping, never writable and executable. */
#include <criterion/criterion.h>
#include <malloc.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>

#include <fusejit.h>

#include "codegen.h"
#include "engine.h"
#include "print.h"
#include "sanitizers.h"

#if WITH_ASAN || WITH_TSAN
/* Their allocators keep what is freed. */
enum { CYCLES = 300, LIVE = 500, COMPILES = 100, GROWTH_KIB = 1 << 30 };
#else
enum { CYCLES = 10000, LIVE = 20000, COMPILES = 10000, GROWTH_KIB = 1024 };
#endif
enum { LIVE_BYTES = 256 }; /* of heap, beside the pages: a unit, nothing of the linker */

static const char graph_text[] = "fn f(x: f64) -> (_: f64)\n"
                                 "  %1 = arg #0 : f64\n"
                                 "  %2 = const 0x1.8p+1 : f64\n"
                                 "  %3 = mul %1 %2 : f64\n"
                                 "  return %3\n";

typedef struct sample {
    jit_allocator allocator;
    target target;
    arena *ar;
    diag d;
    codegen_options options;
    codegen_object object;
} sample;

static void make_sample(sample *s)
{
    memset(s, 0, sizeof *s);
    diag_init(&s->d, NULL, NULL);
    cr_assert(target_init(&s->target, NULL, &s->d));
    s->ar = arena_new(&s->allocator, 0);
    graph *g = print_parse(s->ar, graph_text, &s->d);
    cr_assert(g, "%s", s->d.own.diagnostic[0].message);
    s->options = (codegen_options){ .target = &s->target, .allocator = &s->allocator };
    cr_assert(codegen_compile(g, &s->options, &s->object, &s->d));
}

static void free_sample(sample *s)
{
    codegen_free(&s->options, &s->object);
    arena_free(s->ar);
}

typedef struct mappings {
    int all, writable_code;
} mappings;

static mappings count_mappings(void)
{
    mappings m = { 0, 0 };
    char line[512];
    FILE *f = fopen("/proc/self/maps", "r");
    cr_assert(f);
    while (fgets(line, sizeof line, f)) {
        const char *flags = strchr(line, ' ');
        m.all++;
        m.writable_code += flags && flags[2] == 'w' && flags[3] == 'x';
    }
    fclose(f);
    return m;
}

static long resident_kib(void)
{
    long pages = 0;
    FILE *f = fopen("/proc/self/statm", "r");
    cr_assert(f);
    cr_assert_eq(fscanf(f, "%*d %ld", &pages), 1);
    fclose(f);
    return pages * 4;
}

static long heap_bytes(void)
{
    struct mallinfo2 i = mallinfo2();
    return (long)(i.uordblks + i.hblkhd);
}

static void check_code(const sample *s, const engine_code *c)
{
    double x[5] = { 1, 2, 3, 4, 5 }, y[5] = { 0 };
    char *data[2] = { (char *)x, (char *)y };
    const int64_t step[2] = { 8, 8 };
    static const volatile int32_t no;
    kernel_call call = { .n = 5,
                         .rows = 1,
                         .data = data,
                         .step = step,
                         .row_step = step,
                         .fuel = INT64_MAX,
                         .cancel = &no };
    cr_assert_eq(block_run(&s->object.shape, c->block, &call), 0);
    for (int i = 0; i < 5; i++)
        cr_assert_eq(y[i], 3 * x[i]);
}

Test(engine, code_is_freed_and_its_pages_used_again)
{
    sample s;
    make_sample(&s);
    engine *e = engine_new(&s.allocator);
    engine_code c;
    long before = 0;
    for (int i = 0; i < CYCLES; i++) {
        cr_assert(engine_link(e, s.object.bytes, s.object.size, &c, &s.d));
        if (i % 1000 == 0)
            check_code(&s, &c);
        cr_assert_eq(count_mappings().writable_code * (i % 100 == 0), 0);
        engine_unlink(e, &c);
        cr_assert_null(c.block);
        if (i == CYCLES / 10)
            before = resident_kib();
    }
    slab_usage u = engine_usage(e);
    cr_assert(u.slabs == 1 && u.pages_used == 0);
    cr_assert_lt(resident_kib() - before, GROWTH_KIB, "%ld KiB more after %d cycles",
                 resident_kib() - before, CYCLES);
    engine_free(e);
    free_sample(&s);
}

Test(engine, many_live_kernels_share_mappings)
{
    sample s;
    make_sample(&s);
    engine *e = engine_new(&s.allocator);
    engine_code *c = malloc(LIVE * sizeof *c);
    cr_assert(engine_link(e, s.object.bytes, s.object.size, &c[0], &s.d));
    int before = count_mappings().all;
    long heap = heap_bytes();
    for (int i = 1; i < LIVE; i++)
        cr_assert(engine_link(e, s.object.bytes, s.object.size, &c[i], &s.d));
    cr_assert_lt((heap_bytes() - heap) / LIVE, LIVE_BYTES, "%ld bytes of heap for a kernel",
                 (heap_bytes() - heap) / LIVE);
    mappings m = count_mappings();
    cr_assert_eq(m.writable_code, 0);
    cr_assert_lt(m.all - before, 100 + LIVE / 100, "%d mappings for %d kernels", m.all - before,
                 LIVE);
    for (int i = 0; i < LIVE; i += 97)
        check_code(&s, &c[i]);
    for (int i = 0; i < LIVE; i += 2) /* holes do not split mappings */
        engine_unlink(e, &c[i]);
    cr_assert_lt(count_mappings().all - before, 100 + LIVE / 100);
    for (int i = 1; i < LIVE; i += 2)
        check_code(&s, &c[i]);
    for (int i = 1; i < LIVE; i += 2)
        engine_unlink(e, &c[i]);
    cr_assert_eq(engine_usage(e).pages_used, 0);
    cr_assert_leq(engine_usage(e).slabs, 2);
    cr_assert_lt(heap_bytes() - heap, LIVE, "%ld bytes of heap for %d freed kernels",
                 heap_bytes() - heap, LIVE);
    engine_free(e);
    free_sample(&s);
    free(c);
}

/* Nothing is printed: ORC would by itself. */
Test(engine, damaged_objects_are_errors)
{
    sample s;
    make_sample(&s);
    engine *e = engine_new(&s.allocator);
    engine_code c;
    jit_error err;
    diag d;
    diag_init(&d, &err, NULL);
    cr_assert_not(engine_link(e, "no object at all", 16, &c, &d));
    cr_assert_eq(err.status, JIT_ERR_INTERNAL);
    char *renamed = malloc(s.object.size);
    memcpy(renamed, s.object.bytes, s.object.size);
    for (size_t i = 0; i + 4 < s.object.size; i++)
        if (memcmp(renamed + i, "\0k0", 4) == 0)
            renamed[i + 2] = '9';
    diag_init(&d, &err, NULL);
    cr_assert_not(engine_link(e, renamed, s.object.size, &c, &d));
    cr_assert_eq(err.status, JIT_ERR_INTERNAL);
    free(renamed);
    cr_assert_eq(engine_usage(e).pages_used, 0);
    cr_assert(engine_link(e, s.object.bytes, s.object.size, &c, &s.d));
    check_code(&s, &c);
    engine_unlink(e, &c);
    engine_unlink(e, &c);
    engine_free(e);
    engine_free(NULL);
    free_sample(&s);
}

static void compile_and_release(int i)
{
    char text[64];
    snprintf(text, sizeof text, "fn f(x) = x*%d + 1", i);
    jit_module *m = jit_compile(text, NULL, NULL);
    cr_assert(m);
    float x[4] = { 1, 2, 3, 4 };
    jit_array in = jit_array_of(JIT_F32, x, 1, (int64_t[]){ 4 }), out = in;
    jit_args args = { .in = &in, .n_in = 1, .out = &out, .n_out = 1 };
    cr_assert_eq(jit_call(m, "f", &args, NULL), JIT_OK);
    cr_assert_eq(x[3], (float)(4 * i + 1));
    jit_release(m);
}

Test(engine, compiling_and_releasing_keeps_memory_bounded)
{
    long before = 0;
    for (int i = 0; i < COMPILES; i++) {
        compile_and_release(i);
        if (i == COMPILES / 4)
            before = resident_kib();
    }
    cr_assert_lt(resident_kib() - before, GROWTH_KIB, "%ld KiB more", resident_kib() - before);
    cr_assert_eq(count_mappings().writable_code, 0);
}

Test(engine, the_limit_of_live_kernels_is_an_error)
{
    jit_context_options co = { .size = sizeof co, .limits = { .live_kernels = 3 } };
    jit_context *c = jit_context_new(&co, NULL);
    jit_options o = { .size = sizeof o, .context = c, .interpret = 1 };
    jit_module *m = jit_compile("fn f(x) = x", &o, NULL);
    static const char *const types[] = { "f32", "f64", "i8", "i16" };
    jit_kernel *k[4];
    jit_error err;
    for (int i = 0; i < 4; i++)
        k[i] = jit_prepare(m, "f", types[i], NULL, &err);
    cr_assert(k[2] && !k[3]);
    cr_assert_eq(err.diagnostic[0].code, 522);
    jit_kernel_release(k[0]);
    k[0] = jit_prepare(m, "f", "i16", NULL, &err);
    cr_assert(k[0]);
    for (int i = 0; i < 3; i++)
        jit_kernel_release(k[i]);
    jit_release(m);
    jit_context_free(c);
}

/* Memory that gains the right to be executed is refused from here on, for good: last. */
Test(engine, refused_executable_memory_is_an_error)
{
    enum { SET_MDWE = 65, REFUSE_EXEC_GAIN = 1 }; /* of newer headers */
    jit_error err;
    jit_context *c = jit_context_new(NULL, NULL);
    cr_assert(c);
    if (prctl(SET_MDWE, REFUSE_EXEC_GAIN, 0L, 0L, 0L) != 0) {
        jit_context_free(c);
        return; /* an older kernel */
    }
    for (int interpret = 0; interpret < 3; interpret++) {
        jit_options o = { .size = sizeof o, .context = c, .interpret = interpret };
        jit_module *m = jit_compile("fn f(x) = x*x + 1", &o, &err);
        cr_assert(m);
        double x = 3;
        jit_array in = jit_array_of(JIT_F64, &x, 0, NULL), out = in;
        jit_args args = { .in = &in, .n_in = 1, .out = &out, .n_out = 1 };
        for (int i = 0; i < 5 && interpret == 0; i++) {
            cr_assert_eq(jit_call(m, "f", &args, &err), JIT_ERR_UNSUPPORTED);
            cr_assert_eq(err.diagnostic[0].code, 530, "%s", err.diagnostic[0].message);
        }
        if (interpret > 0)
            cr_assert_eq(jit_call(m, "f", &args, &err), JIT_OK, "%s",
                         err.diagnostic[0].message);
        cr_assert_eq(x, interpret ? 10 : 3);
        jit_release(m);
    }
    jit_context_free(c);
}
