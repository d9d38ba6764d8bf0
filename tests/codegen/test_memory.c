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

/* True if it compiled. */
static bool compile(failing *f, bool cut, size_t limit)
{
    jit_allocator a = { resize, f };
    jit_error err;
    diag d;
    diag_init(&d, &err, NULL);
    target t;
    cr_assert(target_init(&t, NULL, &d));
    arena *ar = arena_new(&a, limit);
    graph *g = ar ? print_parse(ar, loops, &d) : NULL;
    codegen_options o = {
        .target = &t, .allocator = &a, .entry_loop = true, .entry_scalar = true, .cut = cut
    };
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
    for (int32_t cut = 0; cut < 2; cut++) {
        failing f = { .left = -1 };
        cr_assert(compile(&f, cut, 0));
        for (int64_t n = f.count - 1; n >= 0; n--) {
            failing one = { .left = n };
            cr_assert_not(compile(&one, cut, 0), "allocation %lld was not needed",
                          (long long)n);
        }
    }
}

/* The arena gives memory in chunks; a limit makes it fail at any of its allocations. */
Test(memory, the_arena_fails_anywhere)
{
    for (int32_t cut = 0; cut < 2; cut++) {
        bool ok = false;
        for (size_t limit = 64; !ok; limit += 16) {
            failing f = { .left = -1 };
            ok = compile(&f, cut, limit);
        }
    }
}
