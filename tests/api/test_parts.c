/* One large sample of an array function on several threads: the bits, the flags, the faults and the
 * workspace are those of one thread. */
#include <criterion/criterion.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <fusejit.h>

typedef struct shape {
    int rank;
    int64_t extent[3];
} shape;

typedef struct subject {
    const char *text, *types; /* function f; types NULL: all dimensions free */
    int n_in, n_out;
    shape in[5], out[2];
} subject;

static const subject subjects[] = {
    { "fn f(a: [n,k], b: [k,m]) -> [n,m] = a @ b",
      "f32[200,200], f32[200,512] -> f32[200,512]",
      2,
      1,
      { { 2, { 200, 200 } }, { 2, { 200, 512 } } },
      { { 2, { 200, 512 } } } },
    { "fn f(a: [n,k], b: [k,m]) -> [n,m] = relu(a @ b) + 1",
      NULL,
      2,
      1,
      { { 2, { 411, 97 } }, { 2, { 97, 301 } } },
      { { 2, { 411, 301 } } } },
    { "fn f(a: [n,k], b: [k,m]) -> [n,m] = a @ b", /* a narrow result: rows alone */
      "f32[1999,256], f32[256,40] -> f32[1999,40]",
      2,
      1,
      { { 2, { 1999, 256 } }, { 2, { 256, 40 } } },
      { { 2, { 1999, 40 } } } },
    { "fn f(x: [b,i], W1: [i,h], b1: [h], W2: [h,o], b2: [o]) -> [b,o] ="
      " sigmoid(relu(x @ W1 + b1) @ W2 + b2)",
      NULL,
      5,
      1,
      { { 2, { 9001, 10 } }, { 2, { 10, 20 } }, { 1, { 20 } }, { 2, { 20, 5 } }, { 1, { 5 } } },
      { { 2, { 9001, 5 } } } },
    { "fn f(x: [n,d], y: [m,d]) -> r: [n,m] { r[i,j] = sqrt(sum[k]((x[i,k] - y[j,k])**2)) }",
      NULL,
      2,
      1,
      { { 2, { 301, 3 } }, { 2, { 703, 3 } } },
      { { 2, { 301, 703 } } } },
    { "fn f(x: [n]) -> [n] = softmax(x)",
      NULL,
      1,
      1,
      { { 1, { 400003 } } },
      { { 1, { 400003 } } } },
    { "fn f(x: [n]) -> [n] = exp(sin(x))",
      "f32[100003] -> f32[100003]",
      1,
      1,
      { { 1, { 100003 } } },
      { { 1, { 100003 } } } },
    { "fn f(x: [k], W: [k,n], b: [n]) -> [n] = relu(x @ W + b)", /* few samples */
      "f32[B,700], f32[700,1023], f32[1023] -> f32[B,1023]",
      3,
      1,
      { { 2, { 3, 700 } }, { 2, { 700, 1023 } }, { 1, { 1023 } } },
      { { 2, { 3, 1023 } } } },
    { "fn f(x: [n]) -> (a: [n,n], s) { let e[i] = exp(x[i])  let t = sum(e)"
      "  a[i,j] = e[i]*e[j]/t  s = t/max(e) }", /* two results, a scalar between */
      NULL,
      1,
      2,
      { { 1, { 1801 } } },
      { { 2, { 1801, 1801 } }, { 0, { 0 } } } },
    { "fn f(x: [n,m]) -> y: [n,m] { y[i,j] = row(x[i])[j] }" /* an array in each row */
      "fn row(x: [m]) -> y: [m] { var s = 0  for i in 0 .. m { s = s*0.5 + x[i]  y[i] = s }"
      "  for i in 1 .. m { y[i] = y[i] + y[i-1] } }",
      NULL,
      1,
      1,
      { { 2, { 900, 300 } } },
      { { 2, { 900, 300 } } } },
    { "fn f(x: [n,m]) -> y: [n,m] { y[i,j] = x[i,j]//1 % 3 + exp(x[i,j])*sin(x[i,j]) }",
      NULL,
      1,
      1,
      { { 3, { 2, 301, 703 } } },
      { { 3, { 2, 301, 703 } } } },
    { "fn f(; n: dim = 700) -> y: f32[n,n] { y[i,j] = f32(sin(0.01*i*j)*exp(-0.001*(i + j))) }",
      NULL,
      0,
      1,
      { { 0, { 0 } } },
      { { 2, { 700, 700 } } } },
};

static int64_t count(const shape *s)
{
    int64_t n = 1;
    for (int i = 0; i < s->rank; i++)
        n *= s->extent[i];
    return n;
}

static float *filled(int64_t n, int seed)
{
    float *x = malloc((size_t)(n + 1) * sizeof *x);
    for (int64_t i = 0; i < n; i++)
        x[i] = (float)((i * 37 + seed * 11) % 101) / 32 - 1.5f;
    return x;
}

typedef struct call {
    jit_array in[5], out[2];
    jit_args args;
    size_t bytes[2];
} call;

static void make_call(call *c, const subject *s)
{
    for (int i = 0; i < s->n_in; i++)
        c->in[i] =
            jit_array_of(JIT_F32, filled(count(&s->in[i]), i), s->in[i].rank, s->in[i].extent);
    for (int i = 0; i < s->n_out; i++) {
        c->bytes[i] = (size_t)count(&s->out[i]) * sizeof(float);
        c->out[i] =
            jit_array_of(JIT_F32, malloc(c->bytes[i]), s->out[i].rank, s->out[i].extent);
    }
    c->args = (jit_args){ .in = c->in, .n_in = s->n_in, .out = c->out, .n_out = s->n_out };
}

static void free_call(call *c, const subject *s)
{
    for (int i = 0; i < s->n_in; i++)
        free(c->in[i].data);
    for (int i = 0; i < s->n_out; i++)
        free(c->out[i].data);
}

static jit_kernel *prepared(const jit_module *m, const subject *s)
{
    jit_error err;
    char types[64] = "";
    for (int i = 0; i < s->n_in; i++)
        strcat(types, i ? ", f32" : "f32");
    jit_kernel *k =
        jit_prepare((jit_module *)(uintptr_t)m, "f", s->types ? s->types : types, NULL, &err);
    cr_assert(k, "%s: %s", s->text, err.diagnostic[0].message);
    return k;
}

/* With a workspace of exactly the size that was asked for, and bytes after it. */
static void run(const jit_kernel *k, call *c, int threads, const char *text)
{
    enum { AFTER = 64 };
    jit_error err;
    size_t bytes = 0;
    c->args.threads = threads;
    cr_assert_eq(jit_kernel_workspace(k, &c->args, &bytes, &err), JIT_OK, "%s: %s", text,
                 err.diagnostic[0].message);
    char *workspace = malloc(bytes + AFTER);
    memset(workspace, 0xa5, bytes + AFTER);
    c->args.workspace = workspace;
    c->args.workspace_bytes = bytes;
    for (int i = 0; i < c->args.n_out; i++)
        memset(c->out[i].data, 0xee, c->bytes[i]);
    cr_assert_eq(jit_run(k, &c->args, &err), JIT_OK, "%s: %s", text, err.diagnostic[0].message);
    for (int i = 0; i < AFTER; i++)
        cr_assert_eq((unsigned char)workspace[bytes + (size_t)i], 0xa5, "%s", text);
    free(workspace);
}

Test(parts, of_a_sample_give_the_bits_of_one_thread)
{
    static const int threads[] = { 2, 3, 7 };
    jit_error err;
    for (size_t i = 0; i < sizeof subjects / sizeof subjects[0]; i++) {
        const subject *s = &subjects[i];
        jit_module *m = jit_compile(s->text, NULL, &err);
        cr_assert(m, "%s: %s", s->text, err.diagnostic[0].message);
        jit_kernel *k = prepared(m, s);
        call one, more;
        make_call(&one, s);
        make_call(&more, s);
        run(k, &one, 1, s->text);
        for (size_t t = 0; t < sizeof threads / sizeof threads[0]; t++) {
            run(k, &more, threads[t], s->text);
            cr_expect_eq(more.args.flags, one.args.flags);
            for (int o = 0; o < s->n_out; o++)
                cr_expect_eq(memcmp(one.out[o].data, more.out[o].data, one.bytes[o]), 0,
                             "%s: result %d on %d threads", s->text, o, threads[t]);
        }
        free_call(&one, s);
        free_call(&more, s);
        jit_kernel_release(k);
        jit_release(m);
    }
}

/* -------------------------------------------------------------------------- the host's threads */

typedef struct host { /* runs tasks one after the other, last first, and counts them */
    int64_t n, most;
} host;

static void run_backwards(void *user, int64_t n, jit_task task, void *arg)
{
    host *h = user;
    h->n++;
    h->most = n > h->most ? n : h->most;
    for (int64_t i = n - 1; i >= 0; i--)
        task(arg, i);
}

Test(parts, are_given_to_the_host)
{
    host h = { 0 };
    jit_error err;
    jit_context_options co = { .size = sizeof co,
                               .parallel = { .run = run_backwards, .user = &h, .threads = 3 } };
    jit_context *context = jit_context_new(&co, &err);
    jit_options o = { .size = sizeof o, .context = context };
    for (size_t i = 0; i < sizeof subjects / sizeof subjects[0]; i++) {
        const subject *s = &subjects[i];
        jit_module *m = jit_compile(s->text, &o, &err);
        cr_assert(m, "%s", err.diagnostic[0].message);
        jit_kernel *k = prepared(m, s);
        call one, more;
        make_call(&one, s);
        make_call(&more, s);
        run(k, &one, 1, s->text);
        h = (host){ 0 };
        run(k, &more, -1, s->text);
        cr_expect(h.n >= 1 && h.most >= 2, "%s: %d jobs", s->text, (int)h.n);
        for (int r = 0; r < s->n_out; r++)
            cr_expect_eq(memcmp(one.out[r].data, more.out[r].data, one.bytes[r]), 0, "%s",
                         s->text);
        free_call(&one, s);
        free_call(&more, s);
        jit_kernel_release(k);
        jit_release(m);
    }
    jit_context_free(context);
}

/* -------------------------------------------------------------------------- faults */

/* The one that a thread alone would meet first, which is not in the first part in time. */
Test(parts, report_the_first_fault)
{
    enum { N = 1000, M = 700 };
    jit_error err;
    float *p = filled(N, 0), *x = filled(M, 1), *y = malloc(sizeof(float) * N * M);
    for (int i = 0; i < N; i++)
        p[i] = (float)(i >= 777 && i % 7 == 0 ? M + i : i % 50);
    jit_module *m = jit_compile(
        "fn f(p: [n], x: [m]) -> y: [n,m] { y[i,j] = sum[k in 0 .. 9](x[i32(p[i]) + k]*j) }",
        NULL, &err);
    cr_assert(m, "%s", err.diagnostic[0].message);
    jit_array in[2] = { jit_array_of(JIT_F32, p, 1, (int64_t[]){ N }),
                        jit_array_of(JIT_F32, x, 1, (int64_t[]){ M }) };
    jit_array out = jit_array_of(JIT_F32, y, 2, (int64_t[]){ N, M });
    for (int threads = 1; threads <= 4; threads++) {
        jit_args args = { .in = in, .n_in = 2, .out = &out, .n_out = 1, .threads = threads };
        cr_assert_eq(jit_call(m, "f", &args, &err), JIT_ERR_INDEX);
        cr_expect_str_eq(err.diagnostic[0].message,
                         "subscript 1 of 'x' is 1477: it has 700 elements", "%d threads: %s",
                         threads, err.diagnostic[0].message);
    }
    free(p);
    free(x);
    free(y);
    jit_release(m);
}

/* -------------------------------------------------------------------------- without end */

typedef struct endless {
    const char *text; /* n: far too many */
    int rank;         /* of the result */
} endless;

static const endless endlesses[] = {
    { "fn f(x; n: i64 = 5) = sum[i in 0 .. n](1/(x + i))", 0 },      /* a tree */
    { "fn f(x; n: i64 = 5) = max[i in 0 .. n](i % 7 + x)", 0 },      /* exact, in vectors */
    { "fn f(x; n: i64 = 5) @seq = sum[i in 0 .. n](1/(x + i))", 0 }, /* one by one */
    { "fn f(x; n: i64 = 5) = sum[i in 0 .. n, j in 0 .. n, k in 0 .. 3](x*i + j*k)", 0 },
    { "fn f(x: [m]; n: i64 = 5) -> y: [m] { y[j] = sum[k in 0 .. n](x[j]*k + j) }", 1 },
};

static int32_t stop_word;

static void *stop_soon(void *arg)
{
    (void)arg;
    nanosleep(&(struct timespec){ .tv_nsec = 20000000 }, NULL);
    __atomic_store_n(&stop_word, 1, __ATOMIC_RELAXED);
    return NULL;
}

static jit_status run_endless(const jit_kernel *k, const endless *s, jit_args args,
                              jit_error *err)
{
    static float values[3000], results[3000];
    int64_t n = 3000, many = (int64_t)1 << 50;
    uint8_t set = 1;
    jit_array in = jit_array_of(JIT_F32, values, s->rank, &n);
    jit_array out = jit_array_of(JIT_F32, results, s->rank, &n);
    for (int i = 0; i < 3000; i++)
        values[i] = 1;
    args.in = &in;
    args.n_in = 1;
    args.out = &out;
    args.n_out = 1;
    args.uniform_i64 = &many;
    args.uniform_set = &set;
    args.n_uniform = 1;
    return jit_run(k, &args, err);
}

/* By both engines, and on threads. */
Test(parts, endless_sums_stop)
{
    jit_error err;
    for (size_t i = 0; i < sizeof endlesses / sizeof endlesses[0]; i++)
        for (int way = 0; way < 3; way++) {
            const endless *s = &endlesses[i];
            jit_options o = { .size = sizeof o, .interpret = way == 2 };
            jit_args args = { .threads = way == 1 ? 2 : 1, .fuel = 3 };
            jit_module *m = jit_compile(s->text, &o, &err);
            cr_assert(m, "%s: %s", s->text, err.diagnostic[0].message);
            jit_kernel *k = jit_prepare(m, "f", "f32 -> f32", NULL, &err);
            cr_assert(k, "%s: %s", s->text, err.diagnostic[0].message);
            cr_expect_eq(run_endless(k, s, args, &err), JIT_ERR_FUEL, "%s: way %d", s->text,
                         way);
            pthread_t thread;
            stop_word = 0;
            args.fuel = -1;
            args.cancel = &stop_word;
            cr_assert_eq(pthread_create(&thread, NULL, stop_soon, NULL), 0);
            cr_expect_eq(run_endless(k, s, args, &err), JIT_ERR_CANCELLED, "%s: way %d",
                         s->text, way);
            pthread_join(thread, NULL);
            jit_kernel_release(k);
            jit_release(m);
        }
}

/* -------------------------------------------------------------------------- fuel */

static const char hungry[] = /* 200 rounds for each vector of y */
    "fn spin(x) { var y = x  for i in 0 .. 200 { y = y*0.5 + 1 }  return y }\n"
    "fn f(x: [n]) -> y: [n] { y[i] = spin(x[i]) }";

static jit_status run_hungry(const jit_kernel *k, int64_t fuel, int threads)
{
    enum { N = 100000 };
    static float values[N], results[N];
    jit_array in = jit_array_of(JIT_F32, values, 1, (int64_t[]){ N });
    jit_array out = jit_array_of(JIT_F32, results, 1, (int64_t[]){ N });
    jit_args args = {
        .in = &in, .n_in = 1, .out = &out, .n_out = 1, .fuel = fuel, .threads = threads
    };
    return jit_run(k, &args, NULL);
}

/* All of them together have what one thread has. */
Test(parts, share_the_fuel)
{
    jit_error err;
    jit_module *m = jit_compile(hungry, NULL, &err);
    cr_assert(m, "%s", err.diagnostic[0].message);
    jit_kernel *k = jit_prepare(m, "f", "f32", NULL, &err);
    cr_assert(k, "%s", err.diagnostic[0].message);
    int64_t enough = 1, little = 0;
    while (run_hungry(k, enough, 1) == JIT_ERR_FUEL)
        enough *= 2;
    while (enough - little > 1) {
        int64_t middle = little + (enough - little) / 2;
        *(run_hungry(k, middle, 1) == JIT_OK ? &enough : &little) = middle;
    }
    for (int threads = 2; threads <= 7; threads++) {
        cr_expect_eq(run_hungry(k, enough + 10, threads), JIT_OK, "%d threads", threads);
        cr_expect_eq(run_hungry(k, enough - 10, threads), JIT_ERR_FUEL, "%d threads", threads);
    }
    jit_kernel_release(k);
    jit_release(m);
}
