/* Each allocation of a compile fails once: a diagnostic, nothing lost, no crash. */
#include <criterion/criterion.h>
#include <stdlib.h>

#include "codegen.h"
#include "print.h"

typedef struct failing {
    int64_t left; /* allocations until all fail; -1: none does */
    int64_t count, bytes;
} failing;

static void *resize(void *user, void *p, size_t old, size_t size)
{
    failing *f = user;
    f->bytes += (int64_t)size - (int64_t)old;
    if (size == 0) {
        free(p);
        return NULL;
    }
    f->count++;
    if (f->left == 0) {
        f->bytes -= (int64_t)size - (int64_t)old;
        return NULL;
    }
    f->left -= f->left > 0;
    return realloc(p, size);
}

static const char loops[] =
    "fn loops(x: f32, y: f32) -> (z: f32)\n"
    "  %1 = arg #0 : f32\n  %2 = arg #1 : f32\n  %3 = const 0x1p+0 : f32\n"
    "  %4 = gt %1 %3 : bool\n  %5 = sub %3 %1 : f32\n  %6 = phi %4 : bool\n"
    "  %7 = phi %1 : f32\n  %8 = const false : bool\n  %9 = loop %6 %7 | %6 | %8 %5\n"
    "  %10 = proj #1 %9 : f32\n  %11 = phi %10 : f32\n  %12 = lt %11 %2 : bool\n"
    "  %13 = add %11 %3 : f32\n  %14 = loop %11 | %12 | %13\n  %15 = proj #0 %14 : f32\n"
    "  return %15\n";

/* A dense layer, a sum, an array that changes in a loop. */
static const char arrays[] =
    "fn arrays[_, _](x: f32[%1], w: shared f32[%1 %2]) -> (y: f32[%2], s: f32, z: f32[%1])\n"
    "  %1 = dim #0 : i64\n  %2 = dim #1 : i64\n  %3 = arg #0 : f32[%1]\n"
    "  %4 = arg #1 : f32[%1 %2]\n  %5 = axis %2 : i64\n  %6 = axis %1 : i64\n"
    "  %7 = at %3 %6 : f32\n  %8 = at %4 %6 %5 : f32\n  %9 = fold dot seq %6 %7 %8 : f32\n"
    "  %10 = map %5 %9 : f32[%2]\n  %11 = axis %2 : i64\n  %12 = at %10 %11 : f32\n"
    "  %13 = fold sum %11 %12 : f32\n  %14 = const 0 : i64\n  %15 = phi %14 : i64\n"
    "  %16 = phi %3 : f32[%1]\n  %17 = lt %15 %1 : bool\n  %18 = const 1 : i64\n"
    "  %19 = add %15 %18 : i64\n  %20 = bound #0 _ 0 %15 %1 %17 : i64\n"
    "  %21 = put %16 %20 %13 %17 : f32[%1]\n  %22 = loop %15 %16 | %17 | %19 %21\n"
    "  %23 = proj #1 %22 : f32[%1]\n  return %10, %13, %23\n";

static const char *const texts[] = { loops, arrays };

/* True if it compiled. */
static bool compile(failing *f, int32_t which, size_t limit)
{
    jit_allocator a = { resize, f };
    jit_error err;
    diag d;
    diag_init(&d, &err, NULL);
    target t;
    cr_assert(target_init(&t, NULL, &d));
    arena *ar = arena_new(&a, limit);
    graph *g = ar ? print_parse(ar, texts[which / 2], &d) : NULL;
    codegen_options o = { .target = &t,
                          .allocator = &a,
                          .entry_loop = true,
                          .entry_scalar = true,
                          .cut = which % 2 == 1 };
    codegen_object object = { .bytes = NULL };
    bool ok = g && codegen_compile(g, &o, &object, &d);
    if (g && !ok)
        cr_assert(err.status == JIT_ERR_MEMORY || err.status == JIT_ERR_LIMIT, "%s",
                  err.diagnostic[0].message);
    codegen_free(&o, &object);
    if (ar)
        arena_free(ar);
    cr_assert_eq(f->bytes, 0, "%lld bytes lost", (long long)f->bytes);
    return ok;
}

Test(memory, each_allocation_fails_once)
{
    for (int32_t which = 0; which < 3; which++) {
        failing f = { .left = -1 };
        cr_assert(compile(&f, which, 0));
        for (int64_t n = f.count - 1; n >= 0; n--) {
            failing one = { .left = n };
            cr_assert_not(compile(&one, which, 0), "allocation %lld was not needed",
                          (long long)n);
        }
    }
}

/* The arena gives memory in chunks; a limit makes it fail at any of its allocations. */
Test(memory, the_arena_fails_anywhere)
{
    for (int32_t which = 0; which < 3; which++) {
        bool ok = false;
        for (size_t limit = 64; !ok; limit += 16) {
            failing f = { .left = -1 };
            ok = compile(&f, which, limit);
        }
    }
}
