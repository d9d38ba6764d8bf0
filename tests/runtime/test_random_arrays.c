/* Random array programs called on random layouts: compiled code against the interpreter on packed
 * copies of the same arrays, bit for bit, with batches, threads, workspaces, results in place or
 * over other arrays. FUSEJIT_SEED sets the first seed, FUSEJIT_PROGRAMS how many. */
#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cpu_levels.h"
#include "random_array_program.h"
#include "random_layout.h"
#include "sanitizers.h"

#if WITH_ASAN || WITH_TSAN
enum { PROGRAMS = 20 };
#else
enum { PROGRAMS = 80 };
#endif
enum { TRIALS = 4, MOST_WORK = 400000 };

typedef struct pair { /* of the same function */
    jit_module *module[2];
    jit_kernel *kernel[2]; /* compiled, interpreted */
} pair;

typedef enum aliasing { APART, IN_PLACE, OVERLAPPING } aliasing;

typedef struct trial {
    const random_array_program *p;
    const pair *k;
    uint64_t seed;
    random_source r;
    aliasing alias;
    int64_t size[N_SIZES], batch[2];
    int batch_rank;
    layout in[ARRAY_PROGRAM_IN], out[ARRAY_PROGRAM_OUT];
    jit_array plain_in[ARRAY_PROGRAM_IN], want[ARRAY_PROGRAM_OUT];
    jit_status status;
    uint32_t flags;
} trial;

static void fail(const trial *t, const char *what, const char *why)
{
    cr_assert_fail("seed %llu: %s: %s\nsizes %lld %lld %lld, batch rank %d\n%s",
                   (unsigned long long)t->seed, what, why, (long long)t->size[0],
                   (long long)t->size[1], (long long)t->size[2], t->batch_rank, t->p->text);
}

/* ---------------------------------------------------------------- shapes */

static void choose_sizes(trial *t)
{
    static const int64_t sizes[] = { 0, 1, 1, 2, 3, 4, 5, 7, 8, 9, 13, 17, 33, 64, 70 };
    bool large = random_below(&t->r, 6) == 0;
    for (int i = 0; i < N_SIZES; i++)
        t->size[i] = sizes[random_below(&t->r, i == 0 && large ? 15 : 9)];
    if (random_below(&t->r, 4))
        for (int i = 0; i < N_SIZES; i++)
            t->size[i] += t->size[i] == 0;
    t->batch_rank = (int)random_below(&t->r, 3);
    for (int i = 0; i < 2; i++)
        t->batch[i] = random_below(&t->r, 20) ? 1 + random_below(&t->r, i ? 3 : 9) : 0;
}

static bool too_large(const trial *t)
{
    double all = 1, most = 0;
    for (int i = 0; i < t->p->n_sizes; i++)
        most = most > (double)t->size[i] ? most : (double)t->size[i];
    for (int i = 0; i < t->p->depth || i < 3; i++)
        all *= most;
    for (int i = 0; i < t->batch_rank; i++)
        all *= (double)(t->batch[i] + 1);
    return all > (double)MOST_WORK;
}

static jit_array input_like(trial *t, const array_type *type)
{
    jit_array a = { .dtype = type->dtype };
    int lead = type->shared ? 0 : (int)random_below(&t->r, t->batch_rank + 1);
    for (int i = t->batch_rank - lead; i < t->batch_rank; i++)
        a.shape[a.rank++] = random_below(&t->r, 4) ? t->batch[i] : 1;
    for (int i = 0; i < type->rank; i++)
        a.shape[a.rank++] = array_extent_value(&type->extent[i], t->size);
    return a;
}

static bool makes_sense(const trial *t)
{
    for (int i = 0; i < t->p->n_in; i++)
        for (int k = 0; k < t->p->in[i].rank; k++)
            if (array_extent_value(&t->p->in[i].extent[k], t->size) < 0)
                return false;
    for (int i = 0; i < t->p->n_out; i++)
        for (int k = 0; k < t->p->out[i].rank; k++)
            if (array_extent_value(&t->p->out[i].extent[k], t->size) < 0)
                return false;
    return !too_large(t);
}

/* ---------------------------------------------------------------- running */

static jit_args args_of(const trial *t, jit_array *in, jit_array *out)
{
    return (jit_args){ .in = in,
                       .n_in = t->p->n_in,
                       .out = out,
                       .n_out = t->p->n_out,
                       .uniform = t->p->uniform,
                       .n_uniform = t->p->n_uniform,
                       .fuel = 100000,
                       .seed = 5 };
}

/* The interpreter on packed arrays. */
static void find_wanted(trial *t)
{
    jit_error err;
    for (int i = 0; i < t->p->n_in; i++)
        t->plain_in[i] = layout_copy(&t->in[i]);
    for (int i = 0; i < t->p->n_out; i++)
        t->want[i] = (jit_array){ .rank = -1 };
    jit_args args = args_of(t, t->plain_in, t->want);
    t->status = jit_run(t->k->kernel[1], &args, &err);
    t->flags = args.flags;
    if (t->status != JIT_OK && t->status != JIT_ERR_INDEX && t->status != JIT_ERR_FUEL)
        fail(t, "interpreted", err.diagnostic[0].message);
}

/* The shapes of results as both kernels tell them before a run. */
static void find_shapes(const trial *t, jit_array *out)
{
    jit_array in[ARRAY_PROGRAM_IN], other[ARRAY_PROGRAM_OUT];
    for (int i = 0; i < t->p->n_in; i++)
        in[i] = t->in[i].a;
    jit_error err;
    jit_args args = args_of(t, in, out), again = args_of(t, in, other);
    jit_status a = jit_kernel_shapes(t->k->kernel[0], &args, &err);
    jit_status b = jit_kernel_shapes(t->k->kernel[1], &again, NULL);
    if (a != b)
        fail(t, "jit_kernel_shapes", err.diagnostic[0].message);
    for (int i = 0; a == JIT_OK && i < t->p->n_out; i++)
        if (out[i].rank != other[i].rank ||
            memcmp(out[i].shape, other[i].shape, (size_t)out[i].rank * 8) != 0)
            fail(t, "jit_kernel_shapes", "another shape");
}

/* An input that a result of this shape and type can be; -1: none. */
static int input_like_output(const trial *t, const jit_array *o)
{
    for (int i = 0; i < t->p->n_in; i++) {
        const jit_array *a = &t->in[i].a;
        bool stretched = false;
        for (int k = 0; k < a->rank; k++)
            stretched |= a->stride[k] == 0 && a->shape[k] > 1;
        if (!stretched && a->dtype == o->dtype && a->rank == o->rank &&
            memcmp(a->shape, o->shape, (size_t)a->rank * sizeof a->shape[0]) == 0)
            return i;
    }
    return -1;
}

static void free_outputs(trial *t)
{
    for (int i = 0; i < t->p->n_out; i++)
        layout_free(&t->out[i]);
}

/* False: this aliasing is not possible here. */
static bool place_outputs(trial *t, const jit_array *like)
{
    bool taken = false;
    for (int i = 0; i < t->p->n_out; i++) {
        int from = t->alias == IN_PLACE ? input_like_output(t, &like[i])
                                        : (int)random_below(&t->r, t->p->n_in);
        if (t->alias != APART && !taken && from >= 0) {
            t->out[i] = t->alias == IN_PLACE
                            ? t->in[from]
                            : layout_make(&t->r, &like[i], false, &t->in[from]);
            t->out[i].owned = false;
            t->out[i].before = NULL;
            taken = t->out[i].memory != NULL;
        } else {
            t->out[i] = layout_make(&t->r, &like[i], false, NULL);
        }
        if (!t->out[i].memory)
            return false;
    }
    return taken || t->alias == APART;
}

static void check_results(const trial *t, jit_status status, const jit_args *args,
                          const jit_error *err)
{
    char why[256] = "";
    static const char *const how[] = { "apart", "in place", "overlapping" };
    if (status == JIT_ERR_OVERLAP && t->alias == OVERLAPPING &&
        !(args->options & JIT_COPY_OVERLAP))
        return;
    if (status != t->status) {
        (void)snprintf(why, sizeof why, "status %d, not %d: %.150s", (int)status,
                       (int)t->status, status ? err->diagnostic[0].message : "");
        fail(t, how[t->alias], why);
    }
    if (status == JIT_OK && args->flags != t->flags) {
        (void)snprintf(why, sizeof why, "flags %u, not %u", args->flags, t->flags);
        fail(t, how[t->alias], why);
    }
    for (int i = 0; i < t->p->n_out && status == JIT_OK; i++)
        if (!layout_same(&t->out[i], &t->want[i], why, sizeof why))
            fail(t, how[t->alias], why);
    for (int i = 0; i < t->p->n_out; i++)
        if (t->out[i].owned && !layout_intact(&t->out[i], false))
            fail(t, how[t->alias], "something written beside a result");
    for (int i = 0; i < t->p->n_in && t->alias == APART; i++)
        if (!layout_intact(&t->in[i], true))
            fail(t, how[t->alias], "an input has changed");
}

/* By the prepared kernel or by jit_call; with a workspace of the size asked for or not. */
static void run(trial *t)
{
    jit_array in[ARRAY_PROGRAM_IN], out[ARRAY_PROGRAM_OUT];
    jit_error err;
    for (int i = 0; i < t->p->n_in; i++)
        in[i] = t->in[i].a;
    for (int i = 0; i < t->p->n_out; i++)
        out[i] = t->out[i].a;
    jit_args args = args_of(t, in, out);
    args.threads = (int32_t)random_below(&t->r, 4);
    args.options = random_below(&t->r, 3) ? JIT_COPY_OVERLAP : 0;
    int which = random_below(&t->r, 6) == 0;
    void *workspace = NULL;
    if (random_below(&t->r, 2)) {
        size_t bytes = 0;
        if (jit_kernel_workspace(t->k->kernel[which], &args, &bytes, NULL) == JIT_OK)
            workspace = malloc(bytes + 16);
        args.workspace = workspace ? (char *)workspace + random_below(&t->r, 16) : NULL;
        args.workspace_bytes = bytes;
    }
    jit_status status = random_below(&t->r, 2)
                            ? jit_run(t->k->kernel[which], &args, &err)
                            : jit_call(t->k->module[which], "f", &args, &err);
    free(workspace);
    check_results(t, status, &args, &err);
}

static void free_trial(trial *t)
{
    for (int i = 0; i < t->p->n_in; i++) {
        layout_free(&t->in[i]);
        jit_array_free(&t->plain_in[i]);
    }
    for (int i = 0; i < t->p->n_out; i++)
        jit_array_free(&t->want[i]);
    free_outputs(t);
}

static void one_trial(const random_array_program *p, const pair *k, uint64_t seed, int i)
{
    trial t = { .p = p, .k = k, .seed = seed, .r = { seed * 31 + (uint64_t)i } };
    jit_array like[ARRAY_PROGRAM_OUT];
    do
        choose_sizes(&t);
    while (!makes_sense(&t));
    t.alias = (aliasing)random_below(&t.r, 3);
    for (int n = 0; n < p->n_in; n++) {
        jit_array a = input_like(&t, &p->in[n]);
        t.in[n] = layout_make(&t.r, &a, t.alias != IN_PLACE, NULL);
        cr_assert(t.in[n].memory && t.in[n].before);
        layout_fill(&t.r, &t.in[n]);
    }
    find_wanted(&t);
    find_shapes(&t, like);
    if (t.status == JIT_OK)
        for (int n = 0; n < p->n_out; n++)
            like[n] = t.want[n];
    if (like[0].rank >= 0) {
        if (!place_outputs(&t, like)) {
            free_outputs(&t);
            t.alias = APART;
            cr_assert(place_outputs(&t, like));
        }
        run(&t);
    }
    free_trial(&t);
}

/* ---------------------------------------------------------------- programs */

static jit_context *level[LEVELS];

/* False: the program is refused, by both. */
static bool make_pair(pair *k, const random_array_program *p, uint64_t seed)
{
    jit_error err[2];
    for (int i = 0; i < 2; i++) {
        jit_options o = { .size = sizeof o, .interpret = i, .context = level[seed % LEVELS] };
        k->module[i] = jit_compile(p->text, &o, &err[i]);
        k->kernel[i] =
            k->module[i] ? jit_prepare(k->module[i], "f", NULL, NULL, &err[i]) : NULL;
    }
    if (k->kernel[0] && k->kernel[1])
        return true;
    cr_assert(!k->kernel[0] && !k->kernel[1], "seed %llu: refused by one: %s\n%s",
              (unsigned long long)seed, err[k->kernel[0] != NULL].diagnostic[0].message,
              p->text);
    cr_assert_neq(err[0].status, JIT_ERR_INTERNAL, "seed %llu: %s\n%s",
                  (unsigned long long)seed, err[0].diagnostic[0].message, p->text);
    return false;
}

static bool one_program(uint64_t seed)
{
    static random_array_program p;
    pair k;
    random_array_program_make(&p, seed);
    bool fine = make_pair(&k, &p, seed);
    for (int i = 0; i < TRIALS && fine; i++)
        one_trial(&p, &k, seed, i);
    for (int i = 0; i < 2; i++) {
        jit_kernel_release(k.kernel[i]);
        jit_release(k.module[i]);
    }
    return fine;
}

Test(random_arrays, compiled_and_interpreted_programs_agree_for_any_layout)
{
    const char *text = getenv("FUSEJIT_PROGRAMS");
    uint64_t seed = random_seed("random array programs", 500);
    int n = text ? atoi(text) : PROGRAMS, refused = 0;
    cpu_levels_make(level);
    for (int i = 0; i < n; i++)
        refused += !one_program(seed + (uint64_t)i);
    cr_expect_leq(refused, n / 4 + 2, "%d of %d programs were refused", refused, n);
    cpu_levels_free(level);
}
