/* Programs as a whole: names, free names, attributes, stages, limits, memory that runs out. */
#include <criterion/criterion.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "lower_case.h"

/* ---------------------------------------------------------------------------- names */

static bool has_name(lower_text *t, const char *name)
{
    int32_t n;
    const char *const *names = program_names(t->program, &n);
    for (int32_t i = 0; i < n; i++) {
        if (strcmp(names[i], name) == 0) {
            return true;
        }
    }
    return false;
}

Test(lower, finds_functions_and_lists_names)
{
    static const char *const there[] = {
        "f", "relu", "exp", "rand", "clamp", "bitcast", "gelu"
    };
    static const char *const hidden[] = {
        "k", "_philox", "mad", "exp_f32", "add", "pi", "index"
    };
    lower_text t;
    lower_text_make(&t, "const k = 1\nfn f(x) = x\nfn gelu(x) = 2*x");
    for (size_t i = 0; i < sizeof there / sizeof *there; i++) {
        cr_expect(has_name(&t, there[i]), "%s", there[i]);
    }
    for (size_t i = 0; i < sizeof hidden / sizeof *hidden; i++) {
        cr_expect(!has_name(&t, hidden[i]), "%s", hidden[i]);
        cr_expect_null(program_find(t.program, hidden[i]), "%s", hidden[i]);
    }
    cr_expect(!program_find(t.program, "gelu")->src->prelude);
    cr_expect(program_find(t.program, "relu")->src->prelude);
    cr_expect_null(program_find(t.program, "exp")); /* an operator */
    cr_expect_null(program_find(t.program, "nosuch"));
    lower_text_free(&t);
}

Test(lower, free_names_in_order_of_appearance)
{
    static const char *const keep[] = { "e" };
    static const struct {
        const char *text, *names;
        int n_keep;
    } rows[] = {
        { "x + y*x", "x,y", 0 },
        { "b ? a : c", "b,a,c", 0 },
        { "sigmoid(z)*pi + exp(y)", "z,y", 0 },
        { "f(q; k = r) + k", "q,r", 0 },
        { "x*e", "x", 0 },
        { "x*e", "x,e", 1 },
        { "sum[i](a[i]*b[i]) + i", "a,b,i", 0 },
        { "sum[i in 0 .. n](i)", "n", 0 },
        { "nosuch(x)", "x", 0 },
        { "f32(x) + bitcast(y, u32)", "x,y", 0 },
        { "-(a, b, !c)", "a,b,c", 0 },
        { "1 + 2", "", 0 },
        /* ': in subscripts alone */
        { "x[i, j + 1]*w", "x,i',j',w", 0 },
        { "x[i] + i", "x,i", 0 },
        { "i + x[i]", "i,x", 0 },
        { "x[y[i]]", "x,y,i'", 0 },
        { "x[sum(y)] + x[argmax(z) + i]", "x,y,z,i'", 0 },
        { "x[(a @ b) + i]", "x,a,b,i", 0 },
    };
    lower_text t;
    lower_text_make(&t, "const k = 1\nfn f(x; k = 1) = x + k");
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        source src = { "-e", rows[i].text, (int32_t)strlen(rows[i].text), false };
        jit_error err;
        diag d;
        diag_init(&d, &err, &src);
        free_names names;
        char got[128] = "";
        const ast_expr *e = parse_expression(t.ar, &src, NULL, &d);
        cr_assert(e, "%s", rows[i].text);
        cr_assert(lower_free_names(t.program, e, keep, rows[i].n_keep, t.ar, &names));
        for (int32_t k = 0; k < names.n; k++) {
            strcat(got, k ? "," : "");
            strcat(got, names.name[k]);
            strcat(got, names.subscript[k] ? "'" : "");
        }
        cr_expect_str_eq(got, rows[i].names, "%s: %s", rows[i].text, got);
    }
    lower_text_free(&t);
}

/* ---------------------------------------------------------------------------- attributes */

static int count_fast(const graph *g)
{
    int n = 0;
    for (node i = 1; i < g->n_nodes; i++) {
        n += (graph_node(g, i)->relaxed & NODE_FAST) != 0;
    }
    return n;
}

Test(lower, attributes_reach_the_graph)
{
    lower_text t;
    lower_text_make(&t, "fn f(x, y) @fast = x*y + 1\nfn g(x, y) = f(x, y) - x\n"
                        "fn h(x) @ftz @ulp(2) @seq = x*x\nfn k(x, y) @fast = g(x, y)");
    graph *g = lower_text_graph(&t, "f", "f32,f32", PIPELINE_SSA);
    cr_assert(g);
    cr_expect(count_fast(g) >= 2 && !g->ftz);
    g = lower_text_graph(&t, "g", "f32,f32", PIPELINE_SSA);
    cr_assert(g);
    for (node i = 1; i < g->n_nodes; i++) {
        cr_expect(graph_node(g, i)->op != OP_sub || !graph_node(g, i)->relaxed);
    }
    cr_expect(count_fast(g) >= 2);
    g = lower_text_graph(&t, "h", "f32", PIPELINE_SSA);
    cr_assert(g);
    cr_expect(g->ftz && count_fast(g) == 0);
    g = lower_text_graph(&t, "k", "f32,f32", PIPELINE_SSA);
    cr_assert(g);
    cr_expect(count_fast(g) >= 3);
    lower_text_free(&t);
}

/* ---------------------------------------------------------------------------- stages */

static void note_stage(void *user, char letter, const char *function, const char *text)
{
    char *seen = user;
    cr_expect_str_eq(function, "f");
    cr_expect(strlen(text) > 10);
    seen[strlen(seen)] = letter;
}

Test(lower, stages_are_dumped_by_letter)
{
    lower_text t;
    char seen[8] = "";
    jit_dtype in = JIT_F32, out = JIT_F16;
    lower_text_make(&t, "fn f(x; a = 2) = a*exp(x)");
    specialisation s = { .fn = program_find(t.program, "f"), .in = &in, .n_in = 1 };
    pipeline_dump dump = { "tmfso", note_stage, seen };
    cr_assert(pipeline_run(t.program, &s, PIPELINE_MATH, &dump, t.ar, &t.d));
    cr_expect_str_eq(seen, "tsofm");
    s.out = &out;
    s.n_out = 1;
    graph *g = pipeline_run(t.program, &s, PIPELINE_OPT, NULL, t.ar, &t.d);
    cr_assert(g);
    cr_expect_eq(graph_dtype(g, g->outputs[0].value), JIT_F16);
    lower_text_free(&t);
}

Test(lower, inlines_on_given_nodes)
{
    lower_text t;
    node out[2];
    lower_text_make(&t, "fn f(x) = x");
    graph *g = graph_new(t.ar, &t.d, "g", 1000);
    g->inputs = &(graph_input){ .name = "x", .dtype = JIT_F64 };
    g->n_inputs = 1;
    node x = graph_arg(g, 0);
    cr_expect(lower_inline(t.program, g, "modf", &x, 1, out, 2, (span){ 0, 1 }));
    cr_expect_eq(graph_dtype(g, out[1]), JIT_F64);
    cr_expect(!lower_inline(t.program, g, "nosuch", &x, 1, out, 1, (span){ 0, 1 }));
    lower_text_free(&t);
}

/* ---------------------------------------------------------------------------- diag.def */

Test(lower, examples_of_the_error_table_get_their_error)
{
    int32_t n;
    const diag_row *rows = diag_rows(&n);
    for (int32_t i = 0; i < n; i++) {
        if (rows[i].code < 100 || rows[i].code > 399 || !rows[i].example[0]) {
            continue;
        }
        lower_text t;
        lower_text_make(&t, rows[i].example);
        cr_expect_eq(t.err.diagnostic[0].code, rows[i].code, "E%04d: %s gives E%04d",
                     (int)rows[i].code, rows[i].example, (int)t.err.diagnostic[0].code);
        cr_expect_eq(t.err.status, rows[i].status, "E%04d", (int)rows[i].code);
        lower_text_free(&t);
    }
}

/* ---------------------------------------------------------------------------- limits */

typedef struct text {
    char *at;
    size_t n;
} text;

static text text_new(void)
{
    text t = { malloc(8u << 20), 0 };
    cr_assert(t.at);
    return t;
}

#define PUT(t, ...) ((t)->n += (size_t)sprintf((t)->at + (t)->n, __VA_ARGS__))

static void put_chain(text *t, const char *first, const char *each, int n)
{
    PUT(t, "%s", first);
    for (int i = 1; i < n; i++) {
        t->n += (size_t)sprintf(t->at + t->n, each, i, i - 1, i - 1);
    }
}

/* Compiles and lowers p<last>; the code of the first error, 0 if there is none. */
static int outcome(const text *t, const char *fn)
{
    lower_text l;
    struct timespec a, b;
    clock_gettime(CLOCK_MONOTONIC, &a);
    lower_text_make(&l, t->at);
    if (l.program && program_find(l.program, fn)) {
        (void)lower_text_graph(&l, fn, "f32", PIPELINE_OPT);
    }
    clock_gettime(CLOCK_MONOTONIC, &b);
    int code = l.err.n_diagnostics ? (int)l.err.diagnostic[0].code : 0;
    lower_text_free(&l);
    cr_expect(b.tv_sec - a.tv_sec < 20, "hangs");
    return code;
}

static void *bombs(void *unused)
{
    text t = text_new();
    put_chain(&t, "fn p0(x) = x*x + 1\n", "fn p%d(x) = p%d(x) + p%d(x)\n", 60);
    cr_expect_eq(outcome(&t, "p59"), 125);
    t.n = 0;
    put_chain(&t, "fn p0(x) = x*x + 1\n", "fn p%d(x) = p%d(x + 1) + p%d(x*3)\n", 60);
    cr_expect_eq(outcome(&t, "p59"), 125);
    t.n = 0; /* the check meets ever new constants */
    put_chain(&t, "fn p0(x, k) = x + k\n", "fn p%d(x, k) = p%d(x, 2*k) + p%d(x, 2*k + 1)\n",
              60);
    PUT(&t, "fn g(x) = p59(x, 0)");
    cr_expect_eq(outcome(&t, "g"), 125);
    t.n = 0;
    put_chain(&t, "fn p0(x) = x\n", "fn p%d(x) { var s = 0 s = p%d(x) return s }\n", 40);
    cr_expect_eq(outcome(&t, "p39"), 0);
    t.n = 0;
    put_chain(&t, "fn p0(x) = x\n", "fn p%d(x) = p%d(x)\n", 5000);
    cr_expect_eq(outcome(&t, "p4999"), 124);
    t.n = 0;
    PUT(&t, "fn f(x) = x");
    for (int i = 0; i < 20000; i++) {
        PUT(&t, " + x*%d", i);
    }
    cr_expect_eq(outcome(&t, "f"), 0);
    for (int i = 0; i < 40000; i++) {
        PUT(&t, " + x*%d", 100000 + i);
    }
    cr_expect_eq(outcome(&t, "f"), 410);
    t.n = 0;
    PUT(&t, "fn f(x) { var s = x ");
    for (int i = 0; i < 3000; i++) {
        PUT(&t, "if x > %d { return s } s = s + 1 ", i);
    }
    PUT(&t, "return s }");
    cr_expect_eq(outcome(&t, "f"), 0);
    free(t.at);
    return unused;
}

/* On a stack of 256 KiB (more where the sanitizers need it). */
Test(lower, bombs_are_limited)
{
#if defined(__SANITIZE_ADDRESS__) || !defined(__OPTIMIZE__)
    size_t stack = 4u << 20;
#else
    size_t stack = 256u << 10;
#endif
    pthread_t thread;
    pthread_attr_t attr;
    cr_assert_eq(pthread_attr_init(&attr), 0);
    cr_assert_eq(pthread_attr_setstacksize(&attr, stack), 0);
    cr_assert_eq(pthread_create(&thread, &attr, bombs, NULL), 0);
    pthread_join(thread, NULL);
    pthread_attr_destroy(&attr);
}

/* ---------------------------------------------------------------------------- memory */

typedef struct failing {
    int left;
} failing;

static void *failing_resize(void *user, void *ptr, size_t old, size_t size)
{
    failing *f = user;
    (void)old;
    if (size == 0) {
        free(ptr);
        return NULL;
    }
    return f->left-- > 0 ? realloc(ptr, size) : NULL;
}

static const char everything[] =
    "const k = 2*pi\nfn g(x; a = 1, act: fn = relu, n: dim = 2) @fast { let (p, q) = modf(x)\n"
    " var s = 0 for i in 0 .. n { if x > i { s += p*i } else { s = act(q) } }\n"
    " while s > 100 { s = s/2 if s < 0 { return a } } return s + rand() }\n"
    "fn f(x, y: i32 = 3) -> (u: f16, v) { u = g(x; n = 3) + k  v = y // 2 ** x + sin(x) }";

static const char every_array[] =
    "fn half(x: [2*n]; k: dim = 2) -> (y: [n], z) { y[i] = x[i] + x[i+n]  z = sum(y)*k }\n"
    "fn r(x: [n], p: i32[n]) -> y: [n] { y[p[i]] += x[i]  y[0] = max(x)  y[p[0]] *= 2\n"
    " for i in 0 .. n { if x[i] > 0 { y[i] = sum[j in 0 .. i](x[j]*x[i]) } } }\n"
    "fn f(x: [m,4], p: i32[m,4]; w: [4] = 1) -> (a, b: [m,4], c: f16[4]) {\n"
    " let q[i,j] = x[i,j] > 0 ? x[i,j] + rand() : i\n let (h, s) = half(x)\n"
    " var t = q  while any(t[0] > 9) { t = t/2 }\n"
    " let d = dense(x; 4, relu)  a = argmin(q @ w) + s[0] + h[0,1]\n"
    " b = r(x, p) + softmax(t)*d  c = x[0] }";

/* True if the compile had memory enough. */
static bool compile_with(const char *program_text, int allocations)
{
    failing f = { allocations };
    jit_allocator a = { failing_resize, &f };
    jit_error err;
    diag d;
    source src = { "<text>", program_text, (int32_t)strlen(program_text), false };
    diag_init(&d, &err, &src);
    arena *ar = arena_new(&a, 0);
    if (!ar) {
        return false;
    }
    const ast_program *tree = parse_program(ar, &src, NULL, &d);
    program *p = tree ? program_new(ar, tree, NULL, &d) : NULL;
    specialisation s = { .fn = p ? program_find(p, "f") : NULL };
    s.in = (jit_dtype[]){ JIT_F32, JIT_I32 };
    s.n_in = 2;
    graph *g = s.fn ? pipeline_run(p, &s, PIPELINE_MATH, NULL, ar, &d) : NULL;
    cr_expect_eq(g == NULL, d.out->status == JIT_ERR_MEMORY, "after %d: %s", allocations,
                 err.diagnostic[0].message);
    arena_free(ar);
    return g != NULL;
}

Test(lower, survives_each_failing_allocation)
{
    static const char *const texts[] = { everything, every_array };
    for (int i = 0; i < 2; i++) {
        int n = 0;
        while (n < 5000 && !compile_with(texts[i], n)) {
            n++;
        }
        cr_expect(n > 5 && n < 5000, "%d", n);
    }
}
