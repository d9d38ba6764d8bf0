/* Calls of a kernel that was made for fixed extents, with arrays that are not as plain as the
 * short path takes them: what comes of it is what the interpreter says, which has no such path. */
#include <criterion/criterion.h>
#include <stdlib.h>
#include <string.h>

#include <fusejit.h>

enum { SAMPLES = 7, K = 3, N = 5, FLOATS = 256 };

static const char text[] = "fn f(x: [k], W: [k,n], c: [o]) -> (y: [n], s: [k]) {\n"
                           "    y[j] = sum[i](x[i]*W[i,j]) + c[0]\n"
                           "    s[i] = relu(x[i]) - c[0]\n"
                           "}\n";

typedef struct subject {
    float in[3][FLOATS], out[2][FLOATS];
    jit_array arrays[5];
    jit_args args;
} subject;

static void make(subject *u)
{
    static const int64_t shape[5][2] = {
        { SAMPLES, K }, { K, N }, { 1 }, { SAMPLES, N }, { SAMPLES, K }
    };
    static const int rank[5] = { 2, 2, 1, 2, 2 };
    memset(u, 0, sizeof *u);
    for (int i = 0; i < 5; i++) {
        float *to = i < 3 ? u->in[i] : u->out[i - 3];
        for (int e = 0; e < FLOATS; e++)
            to[e] = i < 3 ? (float)((e * 37 + i * 11) % 101) / 32 - 1.5f : -9;
        u->arrays[i] = jit_array_of(JIT_F32, to, rank[i], shape[i]);
    }
    u->args = (jit_args){ .in = u->arrays, .n_in = 3, .out = u->arrays + 3, .n_out = 2 };
}

/* Takes the batch axis off. */
static void unbatch(jit_array *a)
{
    *a = jit_array_of(a->dtype, a->data, a->rank - 1, a->shape + 1);
}

typedef enum change {
    NOTHING,
    ONE_SAMPLE,
    NO_BATCH,
    NO_SAMPLES,
    OUTPUTS_ALONE,
    ONE_OUTPUT_ALONE,
    OUTPUT_WITHOUT,
    FIRST_OUTPUT_WITHOUT,
    OTHER_BATCH,
    BATCH_OF_ONE,
    ALL_BATCHES,
    TWO_BATCH_AXES,
    FIRST_EXTENT,
    SECOND_EXTENT,
    OUTPUT_EXTENT,
    TRANSPOSED,
    SPREAD,
    STRIDE_OF_ONE,
    SAMPLES_APART,
    SAMPLES_BACKWARD,
    SAMPLE_REPEATED,
    OUTPUT_REPEATED,
    OUTPUT_TOUCHES,
    OUTPUT_IS_INPUT,
    OUTPUT_OVERLAPS_WEIGHTS,
    OUTPUTS_OVERLAP,
    OUTPUT_NEXT_TO_INPUT,
    NO_DATA,
    OTHER_TYPE,
    NEGATIVE_RANK,
    VAST_STEP,
    END_OF_MEMORY,
    FEWER_INPUTS,
    FEWER_OUTPUTS,
    THREADS,
    N_CHANGES
} change;

static void change_batch(subject *u, change what)
{
    jit_array *a = u->arrays;
    bool outputs = what == OUTPUTS_ALONE || what == ONE_OUTPUT_ALONE;
    switch (what) {
    case ONE_SAMPLE:
    case NO_SAMPLES:
        a[0].shape[0] = a[3].shape[0] = a[4].shape[0] = what == ONE_SAMPLE;
        break;
    case NO_BATCH:
    case OUTPUTS_ALONE:
    case ONE_OUTPUT_ALONE:
        unbatch(&a[0]);
        for (int i = 3; i < 5; i++)
            if (!outputs || (what == ONE_OUTPUT_ALONE && i == 3))
                unbatch(&a[i]);
        break;
    case OUTPUT_WITHOUT:
        unbatch(&a[4]);
        break;
    case FIRST_OUTPUT_WITHOUT:
        unbatch(&a[3]);
        break;
    case OTHER_BATCH:
    case BATCH_OF_ONE:
        a[0].shape[0] = what == OTHER_BATCH ? SAMPLES - 1 : 1;
        break;
    case ALL_BATCHES:
        a[1] = jit_array_of(JIT_F32, u->in[1], 3, (int64_t[]){ SAMPLES, K, N });
        a[2] = jit_array_of(JIT_F32, u->in[2], 2, (int64_t[]){ SAMPLES, 1 });
        break;
    case TWO_BATCH_AXES:
        for (int i = 0; i < 5; i++)
            if (i == 0 || i > 2)
                a[i] = jit_array_of(JIT_F32, a[i].data, 3, (int64_t[]){ 2, 3, a[i].shape[1] });
        break;
    default:
        break;
    }
}

static void change_layout(subject *u, change what)
{
    jit_array *a = u->arrays;
    switch (what) {
    case FIRST_EXTENT:
        a[0].shape[1] = K + 1;
        break;
    case SECOND_EXTENT:
        a[1].shape[1] = N - 1;
        break;
    case OUTPUT_EXTENT:
        a[4].shape[1] = K + 1;
        break;
    case TRANSPOSED:
        a[1].stride[0] = 4;
        a[1].stride[1] = 4 * K;
        break;
    case SPREAD:
        a[0].stride[1] = a[3].stride[1] = 8;
        a[0].stride[0] = 8 * K;
        a[3].stride[0] = 8 * N;
        break;
    case STRIDE_OF_ONE:
        a[2].stride[0] = 12345;
        break;
    case SAMPLES_APART:
        a[0].stride[0] = a[4].stride[0] = 4 * 11;
        break;
    case SAMPLES_BACKWARD:
        a[0].data = u->in[0] + (SAMPLES - 1) * K;
        a[0].stride[0] = -4 * K;
        break;
    case SAMPLE_REPEATED:
        a[0].stride[0] = 0;
        break;
    case OUTPUT_REPEATED:
        a[3].stride[0] = 0;
        break;
    case OUTPUT_TOUCHES:
        a[3].stride[0] = 4 * N - 4;
        break;
    case VAST_STEP:
        a[0].stride[0] = INT64_MAX / 2;
        break;
    default:
        break;
    }
}

static void change_memory(subject *u, change what)
{
    jit_array *a = u->arrays;
    switch (what) {
    case OUTPUT_IS_INPUT:
        a[4].data = a[0].data;
        break;
    case OUTPUT_OVERLAPS_WEIGHTS:
        a[4].data = u->in[1] + K * N - 1;
        break;
    case OUTPUT_NEXT_TO_INPUT:
        a[4].data = u->in[1] + K * N;
        break;
    case OUTPUTS_OVERLAP:
        a[4].data = u->out[0] + SAMPLES * N - 1;
        break;
    case NO_DATA:
        a[1].data = NULL;
        break;
    case END_OF_MEMORY:
        a[0].shape[0] = a[3].shape[0] = a[4].shape[0] = 0;
        a[1].data = (void *)(UINTPTR_MAX - 3); /* nothing of it is read */
        break;
    case OTHER_TYPE:
        a[1].dtype = JIT_I32;
        break;
    case NEGATIVE_RANK:
        a[0].rank = -3;
        break;
    case FEWER_INPUTS:
        u->args.n_in = 2;
        break;
    case FEWER_OUTPUTS:
        u->args.n_out = 1;
        break;
    case THREADS:
        u->args.threads = 3;
        break;
    default:
        break;
    }
}

typedef struct outcome {
    jit_status status;
    int code;
    float out[2][FLOATS], in[3][FLOATS];
} outcome;

static outcome run(change what, const char *signature, int interpret)
{
    static subject u;
    static outcome r;
    jit_options o = { .size = sizeof o, .interpret = interpret };
    jit_error err;
    jit_module *m = jit_compile(text, &o, &err);
    cr_assert(m, "%s", err.diagnostic[0].message);
    jit_kernel *k = jit_prepare(m, "f", signature, NULL, &err);
    cr_assert(k, "%s", err.diagnostic[0].message);
    make(&u);
    change_batch(&u, what);
    change_layout(&u, what);
    change_memory(&u, what);
    r.status = jit_run(k, &u.args, &err);
    r.code = r.status == JIT_OK ? 0 : err.diagnostic[0].code;
    memcpy(r.out, u.out, sizeof r.out);
    memcpy(r.in, u.in, sizeof r.in);
    jit_kernel_release(k);
    jit_release(m);
    return r;
}

Test(fixed, unusual_arrays_give_what_the_interpreter_says)
{
    static const char *const signatures[] = { "f32[3], f32[3,5], f32[1]", "f32, f32, f32" };
    int n_right = 0;
    for (int i = 0; i < 2 * N_CHANGES; i++) {
        const char *signature = signatures[i / N_CHANGES];
        change what = (change)(i % N_CHANGES);
        outcome ours = run(what, signature, 0), theirs = run(what, signature, 1);
        cr_expect(ours.status == theirs.status && ours.code == theirs.code,
                  "change %d of %s: E%04d, not E%04d", (int)what, signature, ours.code,
                  theirs.code);
        cr_expect_eq(memcmp(ours.out, theirs.out, sizeof ours.out), 0, "change %d of %s",
                     (int)what, signature);
        cr_expect_eq(memcmp(ours.in, theirs.in, sizeof ours.in), 0, "change %d of %s",
                     (int)what, signature);
        n_right += ours.status == JIT_OK;
    }
    cr_expect(n_right > N_CHANGES / 2 && n_right < 2 * N_CHANGES - 10, "%d", n_right);
}

/* Its core dimension is no axis of the batch. */
Test(fixed, an_array_that_is_not_read)
{
    jit_error err;
    jit_module *m = jit_compile("fn f(x: [2], t) = 2*t", NULL, &err);
    float x[6] = { 0 }, t[3] = { 1, 2, 3 }, y[3], expected[3] = { 2, 4, 6 };
    jit_array in[2] = { jit_array_of(JIT_F32, x, 2, (int64_t[]){ 3, 2 }),
                        jit_array_of(JIT_F32, t, 1, (int64_t[]){ 3 }) };
    jit_array out = jit_array_of(JIT_F32, y, 1, (int64_t[]){ 3 });
    jit_args args = { .in = in, .n_in = 2, .out = &out, .n_out = 1 };
    cr_assert_eq(jit_call(m, "f", &args, &err), JIT_OK, "%s", err.diagnostic[0].message);
    cr_expect_arr_eq(y, expected, sizeof y);
    in[0].shape[1] = 3;
    cr_expect_eq(jit_call(m, "f", &args, &err), JIT_ERR_SHAPE);
    jit_release(m);
}
