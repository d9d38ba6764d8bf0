/* Signatures without batch axes: code is made for one sample, and any batch still runs. */
#include <criterion/criterion.h>
#include <string.h>

#include <fusejit.h>

enum { SAMPLES = 7, LENGTH = 24, MOST = SAMPLES * LENGTH };

typedef struct subject {
    const char *text, *one, *batch; /* function f; signatures */
    const char *for_many;           /* what the nest of the latter says */
    int32_t n_out;                  /* elements of a sample's result */
} subject;

static const subject subjects[] = {
    { "fn f(x: [n]) -> [n] = softmax(x)", "f32[n]", "f32[B,n]", "samples together", LENGTH },
    { "fn f(x: [n]; a = 0.75) -> y: [n] {\n"
      "  var s = 0.0\n"
      "  for i in 0 .. n { s = a*s + x[i]  y[i] = s }\n"
      "}",
      "f32[24] -> f32[24]", "f32[B,24] -> f32[B,24]", "for groups of", LENGTH },
    { "fn f(x: [n]; k: dim = 17) -> y: [k] {\n"
      "  param W: [n,k] = he_uniform(n, k)\n"
      "  y[j] = sum[i](x[i]*W[i,j])\n"
      "}",
      "f32[24]", "f32[B,24]", "rows of", 17 },
};
enum { N_SUBJECTS = sizeof subjects / sizeof subjects[0] };

static bool says(jit_module *m, const char *signature, const char *words)
{
    jit_error err;
    char *text = jit_stage_text(m, "f", signature, NULL, JIT_STAGE_NEST, &err);
    cr_assert_not_null(text, "%s", err.diagnostic[0].message);
    bool found = strstr(text, words) != NULL;
    jit_text_free(text);
    return found;
}

/* Narrow vectors gain nothing by samples together. */
static bool vectors_are_wide(void)
{
    char *facts = jit_system_info(NULL, NULL);
    bool narrow = strstr(facts, "vector_bytes 16\n");
    jit_text_free(facts);
    return !narrow;
}

/* Of `rows` samples; 0: one, without a batch axis. */
static void run(jit_module *m, const subject *s, const char *signature, int64_t rows, float *y)
{
    float x[MOST];
    jit_error err;
    for (int32_t i = 0; i < MOST; i++)
        x[i] = (float)((i * 37) % 101) / 32 - 1.5f;
    int64_t axes[2] = { rows, LENGTH }, out_axes[2] = { rows, s->n_out };
    int32_t rank = rows ? 2 : 1;
    jit_array in = jit_array_of(JIT_F32, x, rank, axes + 2 - rank);
    jit_array out = jit_array_of(JIT_F32, y, rank, out_axes + 2 - rank);
    jit_params *p = jit_params_new(m, "f", "f32[24]", NULL, &err);
    jit_kernel *k = jit_prepare(m, "f", signature, NULL, &err);
    cr_assert(p && k, "%s: %s", s->text, err.diagnostic[0].message);
    jit_args args = { .in = &in, .n_in = 1, .out = &out, .n_out = 1 };
    args.params = jit_params_count(p) ? p : NULL;
    cr_assert_eq(jit_run(k, &args, &err), JIT_OK, "%s", err.diagnostic[0].message);
    jit_kernel_release(k);
    jit_params_free(p);
}

Test(one_sample, has_less_code_and_runs_any_batch)
{
    for (int32_t i = 0; i < N_SUBJECTS; i++) {
        const subject *s = &subjects[i];
        float wanted[MOST], y[MOST];
        jit_error err;
        jit_module *m = jit_compile(s->text, NULL, &err);
        cr_assert(m, "%s", err.diagnostic[0].message);
        cr_expect(says(m, s->batch, s->for_many) || (i == 0 && !vectors_are_wide()), "%s",
                  s->text);
        cr_expect_not(says(m, s->one, s->for_many), "%s", s->text);
        for (int64_t rows = 0; rows <= SAMPLES; rows++) {
            size_t size = (size_t)(rows ? rows : 1) * (size_t)s->n_out * sizeof y[0];
            run(m, s, s->batch, rows, wanted);
            run(m, s, s->one, rows, y);
            cr_expect_arr_eq(y, wanted, size, "%s, %d samples", s->text, (int)rows);
        }
        jit_release(m);
    }
}
