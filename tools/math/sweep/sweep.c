/* Proves the accuracy of the compiled mathematical functions.
 *
 *     sweep [-s STRIDE] [-n COUNT] [-w EACH] [-t f32|f64] [--tier ULP] [--hard FILE]
 *           [--misrounded FILE] [NAME]...
 *
 * f32 functions of one argument: all 2**32 arguments, or every STRIDE-th block of 1024 of them; the
 * others: all pairs of special values, and COUNT random arguments (default 10**8). In every tier of
 * accuracy, or one (0: the default), and at every vector width of this machine: SSE2, without fused multiply-add, on every
 * EACH-th block (default 256), the interpreter on a small sample. A reference in
 * double (f64: long double) finds the points that matter, and MPFR decides them.
 *
 * A line of the output, with tabs between: function, type, tier, width, largest error in ulp, its
 * argument or arguments, how many results are not the correctly rounded ones, how many are wrong
 * in kind (NaN, infinity, zero, sign), how many differ from those at the first width, how many were
 * tested, seconds of the function, and, where a result is wrong or over its bound, that. FILE of --hard gets the hardest points
 * found, which tests/api/test_accuracy.c reads; FILE of --misrounded every argument that @ulp(0.5)
 * does not round correctly: "function width argument wanted got". */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "chance.h"
#include "every.h"
#include "quick.h"

typedef struct options {
    every_options every;
    chance_options chance;
    jit_dtype type; /* JIT_NONE: both */
} options;

static int usage(void)
{
    fprintf(stderr, "usage: sweep [-s STRIDE] [-n COUNT] [-w EACH] [-t f32|f64] [--tier ULP] "
                    "[--hard FILE] [--misrounded FILE] [NAME]...\n");
    return 2;
}

static FILE *open_file(const char *path)
{
    FILE *f = fopen(path, "w");
    if (!f) {
        perror(path);
        exit(1);
    }
    return f;
}

static void run(const subject *s, const options *o)
{
    for (jit_dtype t = JIT_F32; t <= JIT_F64; t++) {
        if (o->type != JIT_NONE && o->type != t)
            continue;
        if (t == JIT_F32 && s->arity == 1)
            every_run(s, &o->every);
        else
            chance_run(s, t, &o->chance);
    }
}

/* One option with its value; false: not one. */
static bool take(options *o, const char *name, const char *value)
{
    if (strcmp(name, "-s") == 0)
        o->every.stride = (uint32_t)strtoul(value, NULL, 10);
    else if (strcmp(name, "-w") == 0)
        o->every.slow = o->chance.slow = (uint32_t)strtoul(value, NULL, 10);
    else if (strcmp(name, "-n") == 0)
        o->chance.count = strtoll(value, NULL, 10);
    else if (strcmp(name, "-t") == 0)
        o->type = jit_dtype_parse(value);
    else if (strcmp(name, "--tier") == 0)
        o->every.tier = o->chance.tier = strtod(value, NULL);
    else if (strcmp(name, "--hard") == 0)
        o->every.hard = o->chance.hard = open_file(value);
    else if (strcmp(name, "--misrounded") == 0)
        o->every.misrounded = open_file(value);
    else
        return false;
    return true;
}

int main(int argc, char **argv)
{
    options o = { .every = { .stride = 1, .slow = 256, .tier = -1 },
                  .chance = { .count = 100000000, .slow = 256, .tier = -1 } };
    int first = 1;
    for (; first + 1 < argc && argv[first][0] == '-'; first += 2)
        if (!take(&o, argv[first], argv[first + 1]))
            return usage();
    if ((first < argc && argv[first][0] == '-') || o.every.stride == 0 || o.every.slow == 0)
        return usage();
    for (int i = first; i < argc; i++)
        if (!subject_find(argv[i])) {
            fprintf(stderr, "no function %s\n", argv[i]);
            return 2;
        }
    if (!quick_begin())
        fprintf(stderr, "without SLEEF: slow\n");
    for (int i = 0; i < n_subjects && first == argc; i++)
        run(&subjects[i], &o);
    for (int i = first; i < argc; i++)
        run(subject_find(argv[i]), &o);
    return 0;
}
