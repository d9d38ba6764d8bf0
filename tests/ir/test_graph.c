/* Making nodes, errors, rebuilding, ownership, and what verify_graph finds. */
#include <criterion/criterion.h>
#include <stdlib.h>
#include <string.h>

#include "eval.h"
#include "print.h"
#include "random_graph.h"
#include "verify.h"

static const span nowhere = { 0, 0 };

typedef struct fixture {
    arena *ar;
    diag d;
    jit_error err;
    graph *g;
} fixture;

static void begin(fixture *f, int32_t max_nodes)
{
    static graph_input inputs[] = { { .name = "x", .dtype = JIT_F32 },
                                    { .name = "i", .dtype = JIT_I32 },
                                    { .name = "h", .dtype = JIT_F16 } };
    f->ar = arena_new(NULL, 0);
    diag_init(&f->d, &f->err, NULL);
    f->g = graph_new(f->ar, &f->d, "f", max_nodes);
    f->g->inputs = inputs;
    f->g->n_inputs = 3;
}

static graph *parse(fixture *f, const char *text)
{
    f->ar = arena_new(NULL, 0);
    diag_init(&f->d, &f->err, NULL);
    graph *g = print_parse(f->ar, text, &f->d);
    cr_assert(g, "%s\n%s", f->err.diagnostic[0].message, text);
    return g;
}

Test(graph, nodes_are_typed_and_found_again)
{
    fixture f;
    begin(&f, 0);
    graph *g = f.g;
    node x = graph_arg(g, 0), i = graph_arg(g, 1), two = graph_real(g, JIT_F32, 2);
    node a = graph_apply2(g, OP_add, x, two, nowhere),
         b = graph_apply2(g, OP_add, two, x, nowhere);
    cr_expect_eq(a, b);
    cr_expect_eq(graph_in(g, a, 1), two, "constants come second");
    cr_expect_neq(graph_apply2(g, OP_sub, x, two, nowhere),
                  graph_apply2(g, OP_sub, two, x, nowhere));
    cr_expect_eq(graph_dtype(g, graph_apply2(g, OP_lt, x, two, nowhere)), JIT_BOOL);
    cr_expect_eq(graph_dtype(g, graph_apply1(g, OP_sqrt, i, nowhere)), JIT_F64);
    cr_expect_eq(graph_cast(g, JIT_F32, x, nowhere), x);
    cr_expect_eq(graph_real(g, JIT_F32, 0.1), graph_real(g, JIT_F32, (double)0.1f));
    cr_expect_neq(graph_real(g, JIT_F32, 0.0), graph_real(g, JIT_F32, -0.0));
    g->relaxed = NODE_FAST;
    cr_expect_neq(graph_apply2(g, OP_add, x, two, nowhere), a, "@fast is another sum");
    cr_expect_eq(graph_real(g, JIT_F32, 2), two, "leaves are the same everywhere");
    cr_expect_neq(graph_phi(g, x, nowhere), graph_phi(g, x, nowhere));
    cr_expect(!g->failed);
    arena_free(f.ar);
}

Test(graph, errors_are_sticky)
{
    fixture f;
    begin(&f, 0);
    node x = graph_arg(f.g, 0), i = graph_arg(f.g, 1);
    cr_expect_eq(graph_apply2(f.g, OP_add, x, 0, nowhere), 0);
    cr_expect(!f.g->failed && !diag_failed(&f.d), "an operand 0 is an old error");
    cr_expect_eq(graph_apply2(f.g, OP_add, x, i, nowhere), 0);
    cr_expect(f.g->failed);
    cr_expect_eq(f.err.status, JIT_ERR_INTERNAL);
    int32_t n = diag_count(&f.d);
    cr_expect_eq(graph_apply1(f.g, OP_neg, x, nowhere), 0);
    cr_expect_eq(graph_real(f.g, JIT_F32, 1), 0);
    cr_expect_eq(graph_arg(f.g, 0), 0);
    cr_expect_eq(graph_phi(f.g, x, nowhere), 0);
    cr_expect_eq(diag_count(&f.d), n);
    cr_expect_not_null(verify_graph(f.ar, f.g));
    arena_free(f.ar);
}

static void misuse(int32_t kind, graph *g)
{
    node x = graph_arg(g, 0), i = graph_arg(g, 1);
    node p = graph_phi(g, x, nowhere), bit = graph_apply2(g, OP_eq, x, x, nowhere);
    switch (kind) {
    case 0:
        (void)graph_apply(g, OP_cast, &x, nowhere);
        break;
    case 1:
        (void)graph_apply(g, OP_arg, &x, nowhere);
        break;
    case 2:
        (void)graph_arg(g, 3);
        break;
    case 3:
        (void)graph_uniform(g, 0);
        break;
    case 4:
        (void)graph_leaf(g, OP_add);
        break;
    case 5:
        (void)graph_bitcast(g, JIT_U64, x, nowhere);
        break;
    case 6:
        (void)graph_loop(g, &p, 1, x, &p, nowhere);
        break;
    case 7:
        (void)graph_loop(g, &x, 1, bit, &x, nowhere);
        break;
    case 8:
        (void)graph_loop(g, &p, 1, bit, &i, nowhere);
        break;
    case 9:
        (void)graph_proj(g, x, 0);
        break;
    case 10:
        (void)graph_proj(g, graph_loop(g, &p, 1, bit, &p, nowhere), 1);
        break;
    default:
        (void)graph_phi(g, graph_loop(g, &p, 1, bit, &p, nowhere), nowhere);
        break;
    }
}

Test(graph, misuse_is_a_diagnostic)
{
    for (int32_t kind = 0; kind < 12; kind++) {
        fixture f;
        begin(&f, 0);
        misuse(kind, f.g);
        cr_expect(f.g->failed, "kind %d", (int)kind);
        cr_expect_eq(f.err.diagnostic[0].code, DIAG_internal, "kind %d", (int)kind);
        arena_free(f.ar);
    }
}

Test(graph, the_node_limit_is_told)
{
    fixture f;
    begin(&f, 10);
    node n = graph_arg(f.g, 0);
    for (int32_t i = 0; i < 9; i++)
        n = graph_apply1(f.g, OP_exp, n, nowhere);
    cr_expect(n == 10 && !f.g->failed);
    cr_expect_eq(graph_arg(f.g, 0), 1, "what is there may be used");
    cr_expect_eq(graph_apply1(f.g, OP_exp, n, nowhere), 0);
    cr_expect_eq(f.err.diagnostic[0].code, 410);
    cr_expect_eq(f.err.status, JIT_ERR_LIMIT);
    cr_expect_not_null(strstr(f.err.diagnostic[0].message, "10 operations"));
    arena_free(f.ar);
}

/* -------------------------------------------------------------------------- large graphs */

Test(graph, a_hundred_thousand_nodes)
{
    fixture f;
    begin(&f, 200000);
    graph *g = f.g, *h = graph_new(f.ar, &f.d, NULL, 200000);
    node n = graph_arg(g, 0), x = n;
    for (int32_t i = 0; i < 50000; i++) {
        n = graph_apply2(g, OP_add, n, graph_real(g, JIT_F32, i + 0.5), nowhere);
        n = graph_apply2(g, OP_mul, n, x, nowhere);
    }
    graph_output out = { n, "y" };
    g->outputs = &out;
    g->n_outputs = 1;
    h->simplify = true;
    cr_assert(n > 100000 && graph_rebuild(h, g, NULL, NULL));
    cr_expect_eq(h->n_nodes, g->n_nodes);
    cr_expect_null(verify_graph(f.ar, h));
    char *text = print_graph(f.ar, h);
    graph *again = print_parse(f.ar, text, &f.d);
    cr_assert(again);
    cr_expect_str_eq(print_graph(f.ar, again), text);
    eval_plan *p = eval_prepare(NULL, h);
    cr_assert(p);
    eval_free(p);
    arena_free(f.ar);
}

/* Loop in loop in loop, deeper than any stack of calls should go. */
Test(graph, a_thousand_nested_loops)
{
    enum { DEPTH = 1000 };
    static node phis[DEPTH];
    fixture f;
    begin(&f, 0);
    graph *g = f.g;
    node value = graph_arg(g, 1), one = graph_real(g, JIT_I32, 1);
    for (int32_t i = 0; i < DEPTH; i++)
        phis[i] = value = graph_phi(g, value, nowhere);
    for (int32_t i = DEPTH - 1; i >= 0; i--) {
        node cond = graph_apply2(g, OP_lt, phis[i], graph_real(g, JIT_I32, i + 1), nowhere);
        node next = graph_apply2(g, OP_add, phis[i], one, nowhere);
        if (i < DEPTH - 1)
            next = graph_apply2(g, OP_max, next, value, nowhere);
        value = graph_proj(g, graph_loop(g, &phis[i], 1, cond, &next, nowhere), 0);
    }
    graph_output out = { value, NULL };
    g->outputs = &out;
    g->n_outputs = 1;
    const char *wrong = verify_graph(f.ar, g);
    cr_assert_null(wrong, "%s", wrong);
    eval_plan *p = eval_prepare(NULL, g);
    void *scratch = malloc(eval_scratch(p));
    cell in[3] = { { 0 }, { .i = 0 } }, y;
    eval_call call = { .in = in, .out = &y, .fuel = -1 };
    cr_expect_eq(eval_run(p, &call, scratch), JIT_OK);
    cr_expect_eq(y.i, DEPTH);
    free(scratch);
    eval_free(p);
    arena_free(f.ar);
}

/* -------------------------------------------------------------------------- rebuild, owners */

static const char nested[] = "fn f(x: f32, n: i32) -> (y: f32)\n"
                             "  %1 = arg #0 : f32\n"
                             "  %2 = arg #1 : i32\n"
                             "  %3 = const 0 : i32\n"
                             "  %4 = const 1 : i32\n"
                             "  %5 = phi %3 : i32\n"     /* outer i          */
                             "  %6 = phi %1 : f32\n"     /* outer value      */
                             "  %7 = lt %5 %2 : bool\n"  /* outer condition  */
                             "  %8 = phi %3 : i32\n"     /* inner j          */
                             "  %9 = phi %6 : f32\n"     /* inner value      */
                             "  %10 = lt %8 %5 : bool\n" /* j < i            */
                             "  %11 = add %8 %4 : i32\n"
                             "  %12 = mul %1 %9 : f32\n"
                             "  %13 = loop %8 %9 | %10 | %11 %12\n"
                             "  %14 = proj #1 %13 : f32\n"
                             "  %15 = add %4 %5 : i32\n"
                             "  %16 = loop %5 %6 | %7 | %15 %14\n"
                             "  %17 = proj #1 %16 : f32\n"
                             "  return %17\n";

Test(graph, owners_are_the_innermost_loops)
{
    static const node expected[] = { 0,  0,  0,  0,  0,  16, 16, 16, 13,
                                     13, 13, 13, 13, 16, 16, 16, 0,  0 };
    fixture f;
    graph *g = parse(&f, nested);
    const node *owner = graph_owners(g);
    cr_expect_null(verify_graph(f.ar, g));
    for (node n = 1; n < g->n_nodes; n++)
        cr_expect_eq(owner[n], expected[n], "%%%d: %d", (int)n, (int)owner[n]);
    arena_free(f.ar);
}

typedef struct rebuild_case {
    bool simplify;
    const char *before, *after;
} rebuild_case;

static const rebuild_case rebuilds[] = {
    /* dead nodes */
    { false,
      "fn f(x: f32) -> (y: f32)\n  %1 = arg #0 : f32\n  %2 = exp %1 : f32\n"
      "  %3 = neg %1 : f32\n  return %3\n",
      "fn f(x: f32) -> (y: f32)\n  %1 = arg #0 : f32\n  %2 = neg %1 : f32\n  return %2\n" },
    /* a loop variable that only feeds itself */
    { false,
      "fn f(n: i32) -> (y: i32)\n  %1 = arg #0 : i32\n  %2 = const 1 : i32\n  %3 = phi %2 : "
      "i32\n"
      "  %4 = phi %2 : i32\n  %5 = lt %3 %1 : bool\n  %6 = add %2 %3 : i32\n"
      "  %7 = mul %4 %4 : i32\n  %8 = loop %4 %3 | %5 | %7 %6\n  %9 = proj #1 %8 : i32\n"
      "  return %9\n",
      "fn f(n: i32) -> (y: i32)\n  %1 = arg #0 : i32\n  %2 = const 1 : i32\n  %3 = phi %2 : "
      "i32\n"
      "  %4 = lt %3 %1 : bool\n  %5 = add %3 %2 : i32\n  %6 = loop %3 | %4 | %5\n"
      "  %7 = proj #0 %6 : i32\n  return %7\n" },
    /* a loop variable that never changes, and a loop of only those */
    { true,
      "fn f(n: i32) -> (y: i32)\n  %1 = arg #0 : i32\n  %2 = phi %1 : i32\n"
      "  %3 = const 9 : i32\n  %4 = lt %2 %3 : bool\n  %5 = loop %2 | %4 | %2\n"
      "  %6 = proj #0 %5 : i32\n  return %6\n",
      "fn f(n: i32) -> (y: i32)\n  %1 = arg #0 : i32\n  return %1\n" },
    /* a loop variable that is set to its first value */
    { true,
      "fn f(n: i32) -> (y: i32)\n  %1 = arg #0 : i32\n  %2 = phi %1 : i32\n"
      "  %3 = const 9 : i32\n  %4 = lt %2 %3 : bool\n  %5 = loop %2 | %4 | %1\n"
      "  %6 = proj #0 %5 : i32\n  return %6\n",
      "fn f(n: i32) -> (y: i32)\n  %1 = arg #0 : i32\n  return %1\n" },
    /* a loop that never runs */
    { true,
      "fn f(n: i32) -> (y: i32)\n  %1 = arg #0 : i32\n  %2 = phi %1 : i32\n"
      "  %3 = const false : bool\n  %4 = neg %2 : i32\n  %5 = loop %2 | %3 | %4\n"
      "  %6 = proj #0 %5 : i32\n  %7 = abs %6 : i32\n  return %7\n",
      "fn f(n: i32) -> (y: i32)\n  %1 = arg #0 : i32\n  %2 = abs %1 : i32\n  return %2\n" },
};

/* Twice: what simplifying made dead goes in the second round. */
Test(graph, rebuild_drops_what_is_not_needed)
{
    for (size_t i = 0; i < sizeof rebuilds / sizeof rebuilds[0]; i++) {
        fixture f;
        graph *g = parse(&f, rebuilds[i].before);
        for (int32_t round = 0; round < 2; round++) {
            graph *h = graph_new(f.ar, &f.d, NULL, 0);
            h->simplify = rebuilds[i].simplify;
            cr_assert(graph_rebuild(h, g, NULL, NULL));
            g = h;
        }
        cr_expect_null(verify_graph(f.ar, g));
        cr_expect_str_eq(print_graph(f.ar, g), rebuilds[i].after, "case %zu:\n%s", i,
                         print_graph(f.ar, g));
        arena_free(f.ar);
    }
}

static node exp_to_exp2(void *user, graph *dst, const graph *src, node old, const node *in)
{
    ++*(int32_t *)user;
    if (graph_node(src, old)->op != OP_exp)
        return -1;
    return graph_apply1(dst, OP_exp2, in[0], graph_node(src, old)->at);
}

Test(graph, rebuild_rewrites)
{
    fixture f;
    int32_t calls = 0;
    graph *g = parse(&f, "fn f(x: f32; a: f64) -> (y: f32, z: f32) ftz\n  %1 = arg #0 : f32\n"
                         "  %2 = exp %1 : f32 fast\n  return %2, %1\n");
    graph *h = graph_new(f.ar, &f.d, NULL, 0);
    cr_assert(graph_rebuild(h, g, exp_to_exp2, &calls));
    cr_expect_eq(calls, 2);
    cr_expect_str_eq(print_graph(f.ar, h),
                     "fn f(x: f32; a: f64) -> (y: f32, z: f32) ftz\n  %1 = arg #0 : f32\n"
                     "  %2 = exp2 %1 : f32 fast\n  return %2, %1\n");
    arena_free(f.ar);
}

/* -------------------------------------------------------------------------- verify */

typedef struct breakage { /* nested, with one number changed */
    const char *what;     /* part of the sentence expected */
    node n;
    enum { OPERAND, OPERATOR, DTYPE, NUMBER, N_IN, OUTPUT } field;
    int32_t i;
    uint64_t value;
} breakage;

static const breakage breakages[] = {
    { "does not come before", 12, OPERAND, 0, 12 },
    { "does not come before", 12, OPERAND, 0, 15 },
    { "does not come before", 12, OPERAND, 0, 0 },
    { "a loop as an operand", 15, OPERAND, 0, 13 },
    { "no such operator", 12, OPERATOR, 0, OP_COUNT },
    { "no such operator", 12, OPERATOR, 0, OP_none },
    { "wrong number of operands", 12, OPERATOR, 0, OP_sqrt },
    { "wrong number of operands", 12, OPERATOR, 0, OP_fma },
    { "wrong number of operands", 12, OPERATOR, 0, OP_index },
    { "wrong number of operands", 5, N_IN, 0, 0 },
    { "operands outside", 12, N_IN, 0, 9999 },
    { "types that do not fit", 12, DTYPE, 0, JIT_F64 },
    { "types that do not fit", 12, OPERAND, 1, 8 },
    { "types that do not fit", 12, OPERATOR, 0, OP_and },
    { "no such argument", 1, NUMBER, 0, 2 },
    { "not of the argument's type", 1, DTYPE, 0, JIT_F64 },
    { "no type", 3, DTYPE, 0, JIT_NONE },
    { "bits that its type does not have", 3, NUMBER, 0, 1ull << 32 },
    { "not of its first value's type", 6, DTYPE, 0, JIT_F64 },
    { "operands that are not phis", 13, NUMBER, 0, 1 },
    { "operands that are not phis", 13, DTYPE, 0, JIT_F32 },
    { "a condition that is not bool", 13, OPERAND, 2, 11 },
    { "a variable that is no phi", 13, OPERAND, 0, 4 },
    { "has a loop already", 16, OPERAND, 0, 8 },
    { "of another type than its variable", 13, OPERAND, 3, 12 },
    { "an operand that is no loop", 17, OPERAND, 0, 15 },
    { "no such loop variable", 17, NUMBER, 0, 2 },
    { "not of its variable's type", 17, NUMBER, 0, 0 },
    { "uses the inside of a loop that is closed", 15, OPERAND, 1, 8 },
    { "uses the inside of a loop that is closed", 16, OPERAND, 4, 9 },
    { "an output that is no node", 0, OUTPUT, 0, 0 },
    { "an output that is no node", 0, OUTPUT, 0, 18 },
    { "a loop as an output", 0, OUTPUT, 0, 16 },
    { "an output inside a loop", 0, OUTPUT, 0, 12 },
};

static void damage(graph *g, const breakage *b)
{
    node_data *d = &g->nodes[b->n];
    if (b->field == OPERAND)
        g->in[d->first_in + b->i] = (node)b->value;
    else if (b->field == OPERATOR)
        d->op = (uint8_t)b->value;
    else if (b->field == DTYPE)
        d->dtype = (uint8_t)b->value;
    else if (b->field == NUMBER)
        d->imm = b->value;
    else if (b->field == N_IN)
        d->n_in = (int32_t)b->value;
    else
        g->outputs[0].value = (node)b->value;
}

static const char *const ill_formed[][2] = {
    { "a phi without a loop",
      "fn f(x: f32) -> (y: f32)\n  %1 = arg #0 : f32\n  %2 = phi %1 : f32\n  return %1\n" },
    { "a first value from inside its loop",
      "fn f(x: bool) -> (y: bool)\n  %1 = arg #0 : bool\n  %2 = phi %1 : bool\n"
      "  %3 = phi %2 : bool\n  %4 = loop %2 %3 | %1 | %2 %3\n  %5 = proj #0 %4 : bool\n"
      "  return %5\n" },
    { "uses the inside of a loop that is closed",
      "fn f(x: bool) -> (y: bool)\n  %1 = arg #0 : bool\n  %2 = phi %1 : bool\n"
      "  %3 = loop %2 | %1 | %2\n  %4 = not %2 : bool\n  return %1\n" },
    { "uses the inside of a loop that is closed",
      "fn f(x: bool) -> (y: bool)\n  %1 = arg #0 : bool\n  %2 = phi %1 : bool\n"
      "  %3 = loop %2 | %1 | %2\n  %4 = phi %1 : bool\n  %5 = loop %4 | %1 | %2\n"
      "  return %1\n" },
};

Test(verify, every_rule_when_broken_is_found)
{
    for (size_t i = 0; i < sizeof ill_formed / sizeof ill_formed[0]; i++) {
        fixture f;
        graph *g = parse(&f, ill_formed[i][1]);
        const char *wrong = verify_graph(f.ar, g);
        cr_expect(wrong && strstr(wrong, ill_formed[i][0]), "text %zu: %s", i,
                  wrong ? wrong : "nothing");
        arena_free(f.ar);
    }
    for (size_t i = 0; i < sizeof breakages / sizeof breakages[0]; i++) {
        fixture f;
        graph *g = parse(&f, nested);
        cr_assert_null(verify_graph(f.ar, g));
        damage(g, &breakages[i]);
        const char *wrong = verify_graph(f.ar, g);
        cr_expect(wrong && strstr(wrong, breakages[i].what), "case %zu: %s, not %s", i,
                  wrong ? wrong : "nothing", breakages[i].what);
        arena_free(f.ar);
    }
    fixture f;
    graph *g = parse(&f, nested);
    g->n_outputs = 0;
    cr_expect_str_eq(verify_graph(f.ar, g), "no outputs");
    arena_free(f.ar);
}

Test(verify, random_graphs_are_right)
{
    uint64_t seed = random_seed();
    for (uint64_t i = 0; i < 300; i++) {
        fixture f;
        begin(&f, 0);
        random_options o = { .n_nodes = 80,
                             .loops = true,
                             .math = true,
                             .fast = i % 2,
                             .flags_in_loops = true,
                             .floats_only = i % 3 == 0,
                             .simplify = i % 2 };
        graph *g = random_graph(f.ar, &f.d, seed + i, &o);
        cr_assert(g, "%s", f.err.diagnostic[0].message);
        const char *wrong = verify_graph(f.ar, g);
        cr_assert_null(wrong, "seed %llu: %s\n%s", (unsigned long long)(seed + i), wrong,
                       print_graph(f.ar, g));
        arena_free(f.ar);
    }
}

/* -------------------------------------------------------------------------- memory */

typedef struct failing { /* an allocator whose n-th request fails, and all after it */
    int64_t left, live;
} failing;

static void *failing_resize(void *user, void *ptr, size_t old, size_t size)
{
    failing *a = user;
    (void)old;
    if (size == 0) {
        a->live -= ptr != NULL;
        free(ptr);
        return NULL;
    }
    if (a->left-- <= 0)
        return NULL;
    a->live += ptr == NULL;
    return realloc(ptr, size);
}

/* Everything once; true if nothing failed. */
static bool whole_run(const jit_allocator *a, jit_error *err)
{
    diag d;
    bool done = false;
    diag_init(&d, err, NULL);
    arena *ar = arena_new(a, 0);
    graph *g = ar ? print_parse(ar, nested, &d) : NULL;
    random_options o = { .n_nodes = 400, .loops = true };
    graph *r = g ? random_graph(ar, &d, 5, &o) : NULL,
          *h = r ? graph_new(ar, &d, "h", 0) : NULL;
    if (h && graph_rebuild(h, r, NULL, NULL) && print_graph(ar, h)) {
        const char *wrong = verify_graph(ar, h);
        eval_plan *p = wrong ? NULL : eval_prepare(a, h);
        done = p != NULL;
        eval_free(p);
    }
    if (ar)
        arena_free(ar);
    return done;
}

Test(graph, every_allocation_may_fail)
{
    for (int64_t n = 0;; n++) {
        failing a = { .left = n };
        jit_allocator allocator = { failing_resize, &a };
        jit_error err;
        bool done = whole_run(&allocator, &err);
        cr_assert_eq(a.live, 0, "request %lld leaks", (long long)n);
        if (done) {
            cr_expect_gt(n, 5);
            break;
        }
        cr_assert(err.status == JIT_ERR_MEMORY || err.status == JIT_OK,
                  "request %lld: status %d", (long long)n, (int)err.status);
    }
}
