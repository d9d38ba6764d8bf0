/* How exact an expression is: compiled for f32, against the same in double; and
 * whether interpreter and compiled code give the same bits. */
#include <inttypes.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "element.h"
#include "repl_commands.h"
#include "repl_points.h"

enum { POINTS = 1 << 14 };

typedef struct tally {
    double worst, sum;
    int64_t at, counted, other; /* other: one is NaN or infinite, the other is not */
    int64_t different;          /* bits of interpreter and compiled code */
    int64_t first_different, first_other;
} tally;

/* The distance between f32 numbers around v. */
static double ulp_f32(double v)
{
    enum { LEAST = -149, DIGITS = 24 };
    int e;
    (void)frexp(v, &e);
    return ldexp(1, e - DIGITS < LEAST ? LEAST : e - DIGITS);
}

static bool overflows(double v)
{
    return fabs(v) >= 0x1.ffffffp+127;
}

static void compare(tally *t, int64_t i, double got, double wanted)
{
    bool same = (isnan(got) && isnan(wanted)) || got == wanted ||
                (isinf(got) && overflows(wanted) && signbit(got) == signbit(wanted));
    if (same || (isfinite(got) && isfinite(wanted))) {
        double error = same ? 0 : fabs(got - wanted) / ulp_f32(wanted);
        t->counted += !isnan(got);
        t->sum += error;
        if (error > t->worst) {
            t->worst = error;
            t->at = i;
        }
    } else if (t->other++ == 0) {
        t->first_other = i;
    }
}

/* -------------------------------------------------------------------------- runs */

/* The real arguments of a call, as another type, for that call or another one. */
static int cast(const bound_call *from, bound_call *to, jit_dtype type)
{
    jit_error err;
    for (int i = 0; i < from->n_in; i++) {
        const jit_array *a = &from->in[i];
        jit_array b;
        if (element_kind_of(a->dtype) != ELEMENT_FLOAT)
            continue;
        if (jit_array_new(&b, type, a->rank, a->shape, &err) != JIT_OK)
            return EXIT_USER;
        for (int64_t k = 0; k < jit_array_count(a); k++) {
            element e = { .kind = ELEMENT_FLOAT, .real = element_real(a, k) };
            element_write(type, (char *)b.data + (size_t)k * jit_dtype_size(type), e);
        }
        if (to->owned[i])
            jit_array_free(&to->in[i]);
        to->owned[i] = true;
        to->in[i] = b;
    }
    return EXIT_DONE;
}

typedef struct checked {
    expression compiled, interpreted, reference;
    points p[3];
    bool small; /* the interpreter ran too */
} checked;

static int run(session *s, expression *e)
{
    jit_error err;
    int code = session_try(s, e, &err);
    return session_fault(s, code, &err);
}

/* Whether the interpreter is done soon: it takes some 20 ns an operation. */
static bool is_small(session *s, checked *k)
{
    const double most = 5e7;
    jit_kernel_info info;
    jit_kernel *kernel = repl_prepare(s, &k->compiled);
    bool known = kernel && jit_kernel_describe(kernel, &info) == JIT_OK && info.flops >= 0;
    double each = points_are_whole(&k->compiled.call.info)
                      ? 1
                      : (double)jit_array_count(&k->compiled.call.out[0]);
    jit_kernel_release(kernel);
    return !known || each * (double)info.flops < most;
}

static int run_all(session *s, const char *text, checked *k)
{
    points_request r = { text, POINTS, POINTS_WIDE, false };
    int code = points_compile(&k->p[0], s, &r, &k->compiled);
    r.interpret = true;
    code = code ? code : points_compile(&k->p[1], s, &r, &k->interpreted);
    r.interpret = false;
    code = code ? code : points_compile(&k->p[2], s, &r, &k->reference);
    if (code)
        return code;
    code = cast(&k->compiled.call, &k->compiled.call, JIT_F32);
    code = code ? code : cast(&k->compiled.call, &k->interpreted.call, JIT_F32);
    code = code ? code : cast(&k->compiled.call, &k->reference.call, JIT_F64);
    code = code ? code : run(s, &k->compiled);
    k->small = !code && is_small(s, k);
    if (!code && k->small)
        code = run(s, &k->interpreted);
    return code ? code : run(s, &k->reference);
}

/* -------------------------------------------------------------------------- what is said */

static bool same_bits(const jit_array *a, const jit_array *b, int64_t i)
{
    size_t size = jit_dtype_size(a->dtype), at = (size_t)i * size;
    bool real = element_kind_of(a->dtype) == ELEMENT_FLOAT;
    return memcmp((const char *)a->data + at, (const char *)b->data + at, size) == 0 ||
           (real && isnan(element_real(a, i)) && isnan(element_real(b, i)));
}

static void count(tally *t, const checked *k, int result)
{
    const jit_array *got = &k->compiled.call.out[result];
    const jit_array *same = &k->interpreted.call.out[result];
    const jit_array *wanted = &k->reference.call.out[result];
    for (int64_t i = 0; i < jit_array_count(got); i++) {
        if (k->small && !same_bits(got, same, i) && t->different++ == 0)
            t->first_different = i;
        if (got->dtype == JIT_F32)
            compare(t, i, element_real(got, i), element_real(wanted, i));
    }
}

/* "x = 0.5, y = 2": the arguments of an element, where they are numbers. */
static bool print_arguments(FILE *f, const bound_call *b, int64_t at, int64_t n)
{
    const char *comma = "";
    for (int i = 0; i < b->n_in; i++) {
        int64_t count = jit_array_count(&b->in[i]);
        if (b->info.in_rank[i] > 0 || (count != n && count != 1))
            continue;
        (void)fprintf(f, "%s%s = %.9g", comma, b->info.in_name[i],
                      element_real(&b->in[i], count == 1 ? 0 : at));
        comma = ", ";
    }
    return *comma != 0;
}

static void print_place(FILE *f, const checked *k, int result, int64_t at)
{
    const jit_array *got = &k->compiled.call.out[result];
    (void)fputs("         at ", f);
    if (!print_arguments(f, &k->compiled.call, at, jit_array_count(got)))
        (void)fprintf(f, "element %" PRId64, at);
    (void)fprintf(f, ": %.9g, in double %.17g\n", element_real(got, at),
                  element_real(&k->reference.call.out[result], at));
}

static int print_result(FILE *f, const checked *k, int result)
{
    const jit_array *got = &k->compiled.call.out[result];
    tally t = { .worst = 0 };
    count(&t, k, result);
    if (got->dtype == JIT_F32) {
        (void)fprintf(f,
                      "error    at most %.3g ulp of f32, %.2g on average, %" PRId64 " points\n",
                      t.worst, t.counted ? t.sum / (double)t.counted : 0, t.counted);
        if (t.worst > 0)
            print_place(f, k, result, t.at);
        if (t.other > 0) {
            (void)fprintf(f,
                          "         %" PRId64
                          " more are NaN or infinite, and not in double, or "
                          "the reverse\n",
                          t.other);
            print_place(f, k, result, t.first_other);
        }
    } else if (element_kind_of(got->dtype) == ELEMENT_FLOAT) {
        (void)fprintf(f, "error    not known: the result is %s\n", jit_dtype_name(got->dtype));
    }
    if (t.different == 0) {
        (void)fputs(k->small ? "bits     the interpreter gives the same\n"
                             : "bits     not compared: the interpreter would take long\n",
                    f);
        return EXIT_DONE;
    }
    (void)fprintf(f, "bits     the interpreter gives others at %" PRId64 " points, first ",
                  t.different);
    (void)print_arguments(f, &k->compiled.call, t.first_different, jit_array_count(got));
    (void)fputc('\n', f);
    return EXIT_CHECK;
}

int repl_check(session *s, const repl_command *self, const char *rest)
{
    (void)self;
    checked *k = memory_take(sizeof *k);
    char *text = repl_called(s, rest);
    int code = run_all(s, text, k);
    for (int i = 0; i < k->compiled.call.info.n_out && !code; i++)
        code = print_result(s->c->out, k, i);
    expression *all[] = { &k->compiled, &k->interpreted, &k->reference };
    for (int i = 0; i < 3; i++) {
        session_release(all[i]);
        points_free(&k->p[i]);
    }
    free(text);
    free(k);
    return code;
}
