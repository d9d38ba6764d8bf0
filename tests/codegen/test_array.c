/* Array functions: compiled code against the interpreter, bit for bit, at every level. */
#include <criterion/criterion.h>
#include <math.h>

#include "array_compared.h"
#include "print.h"
#include "verify.h"

static const span nowhere = { 0, 0 };

typedef struct made { /* a graph being made */
    arena *ar;
    jit_error err;
    diag d;
    graph *g;
    node dim[8];
    node yes;
} made;

static made begin(const char *name, int32_t n_dims)
{
    made m = { .ar = arena_new(NULL, 0) };
    diag_init(&m.d, &m.err, NULL);
    m.g = graph_new(m.ar, &m.d, name, 0);
    m.g->inputs = arena_alloc(m.ar, 16 * sizeof *m.g->inputs);
    m.g->uniforms = arena_alloc(m.ar, 16 * sizeof *m.g->uniforms);
    m.g->outputs = arena_alloc(m.ar, 16 * sizeof *m.g->outputs);
    m.g->dims = arena_alloc(m.ar, 16 * sizeof *m.g->dims);
    m.g->n_dims = n_dims;
    for (int32_t i = 0; i < n_dims; i++)
        m.dim[i] = graph_dim(m.g, i);
    m.yes = graph_const(m.g, JIT_BOOL, (cell){ .u = 1 });
    return m;
}

static node input(made *m, jit_dtype t, const node *extent, int32_t rank)
{
    int32_t i = m->g->n_inputs++;
    m->g->inputs[i] =
        (graph_input){ .name = "x", .dtype = t, .shape = graph_shape_of(m->g, extent, rank) };
    return graph_arg(m->g, i);
}

static node weights(made *m, jit_dtype t, const node *extent, int32_t rank)
{
    node n = input(m, t, extent, rank);
    m->g->inputs[m->g->n_inputs - 1].shared = true;
    return n;
}

static void give(made *m, node n)
{
    m->g->outputs[m->g->n_outputs++] = (graph_output){ n, "y" };
}

static node axis(made *m, node extent)
{
    return graph_axis(m->g, extent, nowhere);
}

static node at1(made *m, node a, node i)
{
    return graph_at(m->g, a, &i, nowhere);
}

static node at2(made *m, node a, node i, node j)
{
    return graph_at(m->g, a, (node[]){ i, j }, nowhere);
}

static node map1(made *m, node i, node v)
{
    return graph_map(m->g, &i, 1, v, nowhere);
}

static node map2(made *m, node i, node j, node v)
{
    return graph_map(m->g, (node[]){ i, j }, 2, v, nowhere);
}

static node fold1(made *m, node i, fold_kind k, fold_order o, node x, node y)
{
    return graph_fold(m->g, &i, 1, (graph_fold_spec){ k, o, x, y }, nowhere);
}

static node op1(made *m, op o, node a)
{
    return graph_apply1(m->g, o, a, nowhere);
}

static node op2(made *m, op o, node a, node b)
{
    return graph_apply2(m->g, o, a, b, nowhere);
}

static node real(made *m, jit_dtype t, double v)
{
    return graph_real(m->g, t, v);
}

static node whole(made *m, int64_t v)
{
    return graph_const(m->g, JIT_I64, (cell){ .i = v });
}

/* -------------------------------------------------------------------------- functions */

static made scaled_sum(jit_dtype t)
{
    made m = begin("scaled_sum", 1);
    node x = input(&m, t, m.dim, 1), y = input(&m, t, m.dim, 1), i = axis(&m, m.dim[0]);
    node a = graph_cast(m.g, type_compute(t), at1(&m, x, i), nowhere);
    node b = graph_cast(m.g, type_compute(t), at1(&m, y, i), nowhere);
    node v = op2(&m, OP_add, op2(&m, OP_mul, a, a), b);
    give(&m, map1(&m, i, graph_cast(m.g, t, v, nowhere)));
    return m;
}

static made fold_of(jit_dtype t, fold_kind k, fold_order o)
{
    made m = begin("fold", 1);
    node x = input(&m, t, m.dim, 1), y = input(&m, t, m.dim, 1), i = axis(&m, m.dim[0]);
    give(&m, fold1(&m, i, k, o, at1(&m, x, i), k == FOLD_DOT ? at1(&m, y, i) : 0));
    return m;
}

/* Over both axes of a matrix. */
static made fold_of_matrix(jit_dtype t, fold_kind k, fold_order o)
{
    made m = begin("fold2", 2);
    node x = input(&m, t, m.dim, 2), i = axis(&m, m.dim[0]), j = axis(&m, m.dim[1]);
    graph_fold_spec f = { k, o, at2(&m, x, i, j), 0 };
    give(&m, graph_fold(m.g, (node[]){ i, j }, 2, f, nowhere));
    return m;
}

/* x[i] of rows: TREE folds in a map, and exact ones. */
static made row_statistics(jit_dtype t)
{
    made m = begin("rows", 2);
    node x = input(&m, t, m.dim, 2);
    fold_kind kinds[] = { FOLD_SUM, FOLD_MAX, FOLD_ARGMAX, FOLD_PROD };
    for (int32_t k = 0; k < 4; k++) {
        node i = axis(&m, m.dim[0]), j = axis(&m, m.dim[1]);
        give(&m, map1(&m, i, fold1(&m, j, kinds[k], FOLD_TREE, at2(&m, x, i, j), 0)));
    }
    for (int32_t k = 0; k < 4; k++) { /* columns */
        node i = axis(&m, m.dim[0]), j = axis(&m, m.dim[1]);
        give(&m, map1(&m, j, fold1(&m, i, kinds[k], FOLD_SEQUENTIAL, at2(&m, x, i, j), 0)));
    }
    return m;
}

static made matmul(jit_dtype t)
{
    made m = begin("matmul", 3);
    node a = input(&m, t, (node[]){ m.dim[0], m.dim[1] }, 2);
    node b = input(&m, t, (node[]){ m.dim[1], m.dim[2] }, 2);
    node c = weights(&m, t, &m.dim[2], 1);
    node i = axis(&m, m.dim[0]), j = axis(&m, m.dim[2]), k = axis(&m, m.dim[1]);
    node s = fold1(&m, k, FOLD_DOT, FOLD_SEQUENTIAL, at2(&m, a, i, k), at2(&m, b, k, j));
    node v = op2(&m, OP_add, s, at1(&m, c, j));
    give(&m, map2(&m, i, j, op2(&m, OP_max, v, real(&m, t, 0))));
    return m;
}

/* Two dense layers and softmax, weights for all samples. */
static node dense(made *m, jit_dtype t, node x, node in, node out)
{
    node w = weights(m, t, (node[]){ in, out }, 2), b = weights(m, t, &out, 1);
    node j = axis(m, out), k = axis(m, in);
    node s = fold1(m, k, FOLD_DOT, FOLD_SEQUENTIAL, at1(m, x, k), at2(m, w, k, j));
    return map1(m, j, op2(m, OP_max, op2(m, OP_add, s, at1(m, b, j)), real(m, t, 0)));
}

static made network(jit_dtype t)
{
    made m = begin("network", 3);
    node x = input(&m, t, m.dim, 1);
    node scale = input(&m, t, NULL, 0);
    node h = dense(&m, t, x, m.dim[0], m.dim[1]), y = dense(&m, t, h, m.dim[1], m.dim[2]);
    node i = axis(&m, m.dim[2]), j = axis(&m, m.dim[2]), k = axis(&m, m.dim[2]);
    node most = fold1(&m, i, FOLD_MAX, FOLD_TREE, at1(&m, y, i), 0);
    node less = op2(&m, OP_sub, at1(&m, y, j), most);
    node sum = fold1(&m, j, FOLD_SUM, FOLD_TREE, op2(&m, OP_mul, less, less), 0);
    node v = op2(&m, OP_div, op2(&m, OP_sub, at1(&m, y, k), most), op2(&m, OP_add, sum, scale));
    give(&m, map1(&m, k, v));
    give(&m, sum);
    give(&m, h);
    return m;
}

/* Much to do with the sums of two products, and a loop in it. */
static made gated(jit_dtype t)
{
    made m = begin("gated", 2);
    node x = input(&m, t, m.dim, 1), w = weights(&m, t, m.dim, 2), v = weights(&m, t, m.dim, 2);
    node j = axis(&m, m.dim[1]), k = axis(&m, m.dim[0]), l = axis(&m, m.dim[0]);
    node a = fold1(&m, k, FOLD_DOT, FOLD_SEQUENTIAL, at1(&m, x, k), at2(&m, w, k, j));
    node b = fold1(&m, l, FOLD_DOT, FOLD_SEQUENTIAL, at1(&m, x, l), at2(&m, v, l, j));
    for (int32_t i = 0; i < 8; i++)
        a = op2(&m, OP_add, op2(&m, OP_mul, a, real(&m, t, 0.25)), real(&m, t, i));
    node p = graph_phi(m.g, a, nowhere), more = op2(&m, OP_lt, p, real(&m, t, 4));
    node next = op2(&m, OP_add, p, op2(&m, OP_add, op1(&m, OP_abs, b), real(&m, t, 1)));
    node loop = graph_loop(m.g, &p, 1, more, &next, nowhere);
    node r = op2(&m, OP_mul, graph_proj(m.g, loop, 0), b);
    give(&m, map1(&m, j, op2(&m, OP_add, r, graph_cast(m.g, t, j, nowhere))));
    return m;
}

static made convolution(jit_dtype t)
{
    made m = begin("convolution", 2);
    node n = op2(&m, OP_sub, op2(&m, OP_add, m.dim[0], m.dim[1]), whole(&m, 1));
    node x = input(&m, t, &n, 1), w = input(&m, t, &m.dim[1], 1);
    node i = axis(&m, m.dim[0]), k = axis(&m, m.dim[1]);
    node s = fold1(&m, k, FOLD_DOT, FOLD_SEQUENTIAL, at1(&m, x, op2(&m, OP_add, i, k)),
                   at1(&m, w, k));
    give(&m, map1(&m, i, s));
    node r = axis(&m, n); /* backwards */
    node back = op2(&m, OP_sub, op2(&m, OP_sub, n, whole(&m, 1)), r);
    give(&m, map1(&m, r, at1(&m, x, back)));
    return m;
}

static node checked(made *m, node i, node extent, node when)
{
    return graph_bound(m->g, i, extent, when, (graph_site){ "x", 0, nowhere });
}

static made gather(jit_dtype t)
{
    made m = begin("gather", 2);
    node x = input(&m, t, m.dim, 1), z = input(&m, JIT_I32, &m.dim[1], 1);
    node i = axis(&m, m.dim[1]);
    node at = graph_cast(m.g, JIT_I64, at1(&m, z, i), nowhere);
    node plain = op2(&m, OP_mod, at, m.dim[0]);
    node odd = op2(&m, OP_eq, op2(&m, OP_and, at, whole(&m, 1)), whole(&m, 1));
    node a = at1(&m, x, checked(&m, plain, m.dim[0], m.yes));
    node b = at1(&m, x, checked(&m, at, m.dim[0], op2(&m, OP_and, odd, op1(&m, OP_not, odd))));
    give(&m, map1(&m, i, graph_apply3(m.g, OP_select, odd, a, b, nowhere)));
    return m;
}

static made faulting_gather(jit_dtype t)
{
    made m = begin("faulting", 2);
    node x = input(&m, t, m.dim, 1), z = input(&m, JIT_I32, &m.dim[1], 1);
    node i = axis(&m, m.dim[1]);
    node at = graph_cast(m.g, JIT_I64, at1(&m, z, i), nowhere);
    give(&m, map1(&m, i, at1(&m, x, checked(&m, at, m.dim[0], m.yes))));
    return m;
}

/* s = a*s + x[i]; y[i] = s; one sample after the other. */
static made onepole(jit_dtype t)
{
    made m = begin("onepole", 1);
    node x = input(&m, t, m.dim, 1), e = axis(&m, m.dim[0]);
    node zeros = map1(&m, e, real(&m, t, 0));
    node i = graph_phi(m.g, whole(&m, 0), nowhere), s = graph_phi(m.g, real(&m, t, 0), nowhere);
    node y = graph_phi(m.g, zeros, nowhere);
    node go_on = op2(&m, OP_lt, i, m.dim[0]);
    node next = op2(&m, OP_add, op2(&m, OP_mul, s, real(&m, t, 0.75)),
                    at1(&m, x, checked(&m, i, m.dim[0], m.yes)));
    node put = graph_put(m.g, y, &i, next, m.yes, nowhere);
    node loop = graph_loop(m.g, (node[]){ i, s, y }, 3, go_on,
                           (node[]){ op2(&m, OP_add, i, whole(&m, 1)), next, put }, nowhere);
    give(&m, graph_proj(m.g, loop, 2));
    give(&m, graph_proj(m.g, loop, 1));
    return m;
}

/* Two arrays that change places each round, and a sum over one that is written. */
static made swapped(jit_dtype t)
{
    made m = begin("swapped", 1);
    node x = input(&m, t, m.dim, 1), z = input(&m, t, m.dim, 1);
    node a = graph_phi(m.g, x, nowhere), b = graph_phi(m.g, z, nowhere);
    node k = graph_phi(m.g, whole(&m, 0), nowhere);
    node go_on = op2(&m, OP_lt, k, whole(&m, 5));
    node i = axis(&m, m.dim[0]), j = axis(&m, m.dim[0]);
    node sum = fold1(&m, j, FOLD_SUM, FOLD_TREE, at1(&m, a, j), 0);
    node next = map1(&m, i,
                     op2(&m, OP_add, op2(&m, OP_mul, at1(&m, a, i), real(&m, t, 0.5)),
                         op2(&m, OP_sub, at1(&m, b, i), sum)));
    node first = checked(&m, k, m.dim[0], m.yes);
    node put = graph_put(m.g, a, &first, sum, op2(&m, OP_lt, k, m.dim[0]), nowhere);
    node loop = graph_loop(m.g, (node[]){ a, b, k }, 3, go_on,
                           (node[]){ next, put, op2(&m, OP_add, k, whole(&m, 1)) }, nowhere);
    give(&m, graph_proj(m.g, loop, 0));
    give(&m, graph_proj(m.g, loop, 1));
    return m;
}

/* A map in a map, read by a fold; a loop in lanes; positions. */
static made nested(jit_dtype t)
{
    made m = begin("nested", 2);
    node x = input(&m, t, m.dim, 2), i = axis(&m, m.dim[0]), j = axis(&m, m.dim[1]);
    node inner = map1(&m, j, op2(&m, OP_mul, at2(&m, x, i, j), real(&m, t, 0.5)));
    node k = axis(&m, m.dim[1]), l = axis(&m, m.dim[1]);
    node back = op2(&m, OP_sub, op2(&m, OP_sub, m.dim[1], whole(&m, 1)), k);
    node sum = fold1(&m, k, FOLD_SUM, FOLD_TREE,
                     op2(&m, OP_mul, at1(&m, inner, k), at1(&m, inner, back)), 0);
    give(&m, map1(&m, i, sum));
    node p = axis(&m, m.dim[0]);
    node v = graph_phi(m.g, at2(&m, x, p, l), nowhere);
    node count = graph_phi(m.g, graph_cast(m.g, JIT_I32, l, nowhere), nowhere);
    node go_on = op2(&m, OP_and, op2(&m, OP_lt, v, real(&m, t, 100)),
                     op2(&m, OP_lt, count, graph_const(m.g, JIT_I32, (cell){ .i = 12 })));
    node more = op2(&m, OP_add, v, real(&m, t, 17));
    node loop = graph_loop(
        m.g, (node[]){ v, count }, 2, go_on,
        (node[]){ more, op2(&m, OP_add, count, graph_const(m.g, JIT_I32, (cell){ .i = 1 })) },
        nowhere);
    give(&m, map2(&m, p, l,
                  op2(&m, OP_add, graph_proj(m.g, loop, 0),
                      graph_cast(m.g, t, graph_proj(m.g, loop, 1), nowhere))));
    return m;
}

static made transposed(jit_dtype t)
{
    made m = begin("transposed", 2);
    node x = input(&m, t, m.dim, 2), s = input(&m, t, NULL, 0);
    node i = axis(&m, m.dim[0]), j = axis(&m, m.dim[1]);
    give(&m, map2(&m, j, i, op2(&m, OP_add, at2(&m, x, i, j), s)));
    node index = graph_cast(m.g, t, graph_leaf(m.g, OP_index), nowhere);
    give(&m, op2(&m, OP_add, s, index));
    give(&m, x);
    return m;
}

static made integers(jit_dtype t)
{
    made m = begin("integers", 1);
    node x = input(&m, t, m.dim, 1), y = input(&m, t, m.dim, 1);
    fold_kind kinds[] = { FOLD_SUM, FOLD_PROD, FOLD_MIN, FOLD_MAX, FOLD_ARGMIN, FOLD_ARGMAX };
    for (int32_t k = 0; k < 6; k++) {
        node i = axis(&m, m.dim[0]);
        give(&m, fold1(&m, i, kinds[k], FOLD_TREE, at1(&m, x, i), 0));
    }
    node i = axis(&m, m.dim[0]), j = axis(&m, m.dim[0]), k = axis(&m, m.dim[0]);
    node less = op2(&m, OP_lt, at1(&m, x, i), at1(&m, y, i));
    give(&m, fold1(&m, i, FOLD_ANY, FOLD_TREE, less, 0));
    give(&m,
         fold1(&m, j, FOLD_ALL, FOLD_TREE, op2(&m, OP_le, at1(&m, x, j), at1(&m, y, j)), 0));
    give(&m, map1(&m, k, op2(&m, OP_floordiv, at1(&m, x, k), at1(&m, y, k))));
    return m;
}

/* -------------------------------------------------------------------------- running */

static cell small(random_state *r, jit_dtype t, int32_t i)
{
    (void)i;
    int64_t v = random_below(r, 41) - 20;
    if (type_is_float(t))
        return type_round(t, (cell){ .f = (double)v / 8 + (random_below(r, 9) ? 0 : 1e-3) });
    return type_round(t, (cell){ .i = type_is_unsigned(t) ? v + 20 : v });
}

static cell any(random_state *r, jit_dtype t, int32_t i)
{
    if (random_below(r, 4) || i < 0)
        return small(r, t, i);
    return random_cell(r, t);
}

static graph *fixed_copy(const made *m, const int64_t *dim);

static const graph *without_fma(const graph *g);

static void run_one(const graph *g, const char *name, const array_layout *where, draw from)
{
    random_state r = { 1234 };
    int32_t n_levels;
    const char *const *levels = target_levels(&n_levels);
    for (int32_t k = 0; k < n_levels; k++) {
        jit_error err;
        diag d;
        diag_init(&d, &err, NULL);
        target t;
        linked l;
        cr_assert(target_init(&t, levels[k], &d));
        codegen_options o = { .target = &t };
        const graph *compiled = t.fma ? g : without_fma(g);
        cr_assert(linked_make(&l, compiled, &o, &d), "%s, %s: %s", name, t.cpu,
                  err.diagnostic[0].message);
        array_layout w = *where;
        for (int32_t i = 0; i < 4; i++) {
            static const int64_t rows[] = { 1, 0, 3, 131 };
            w.rows = where->rows ? where->rows : rows[i];
            w.shift = i;
            w.spread = i % 2;
            const char *wrong = array_compared(compiled, &l, &w, &r, from);
            cr_assert_null(wrong, "%s, %s, rows %lld, dims %lld %lld %lld: %s\n%s", name, t.cpu,
                           (long long)w.rows, (long long)w.dim[0], (long long)w.dim[1],
                           (long long)w.dim[2], wrong, print_graph(g->ar, compiled));
        }
        linked_free(&l);
    }
}

static node fix(void *user, graph *dst, const graph *src, node old, const node *in)
{
    const int64_t *dim = user;
    (void)in;
    if (graph_node(src, old)->op != OP_dim)
        return -1;
    return graph_const(dst, JIT_I64, (cell){ .i = dim[graph_node(src, old)->imm] });
}

/* The same for dimensions that are known. */
static graph *fixed_copy(const made *m, const int64_t *dim)
{
    graph *g = graph_new(m->ar, m->g->d, m->g->name, 0);
    int64_t values[8];
    for (int32_t i = 0; i < 8; i++)
        values[i] = dim[i];
    g->simplify = true;
    cr_assert(graph_rebuild(g, m->g, fix, values));
    return g;
}

/* As expand_unfused. */
static node split(void *user, graph *dst, const graph *src, node old, const node *in)
{
    const node_data *n = graph_node(src, old);
    (void)user;
    if (n->op != OP_fold || graph_fold_kind(n) != FOLD_DOT)
        return -1;
    int32_t k = graph_n_axes(n);
    node x = graph_apply2(dst, OP_mul, in[k], in[k + 1], n->at);
    return graph_fold(dst, in, k, (graph_fold_spec){ FOLD_SUM, graph_fold_order(n), x, 0 },
                      n->at);
}

static const graph *without_fma(const graph *g)
{
    graph *split_graph = graph_new(g->ar, g->d, g->name, 0);
    cr_assert(graph_rebuild(split_graph, g, split, NULL));
    return split_graph;
}

typedef made (*maker)(jit_dtype t);

static void run(maker make, jit_dtype t, const int64_t (*dims)[3], int32_t n, draw from)
{
    made m = make(t);
    cr_assert(!m.g->failed, "%s", m.err.diagnostic[0].message);
    const char *wrong = verify_graph(m.ar, m.g);
    cr_assert_null(wrong, "%s: %s", m.g->name, wrong);
    for (int32_t i = 0; i < n; i++) {
        array_layout where = { .dim = { dims[i][0], dims[i][1], dims[i][2] } };
        if (i < 3)
            run_one(fixed_copy(&m, where.dim), m.g->name, &where, from);
        run_one(m.g, m.g->name, &where, from);
    }
    arena_free(m.ar);
}

#define RUN(make, t, dims, from)                                                               \
    run(make, t, dims, (int32_t)(sizeof dims / sizeof dims[0]), from)

static const int64_t lengths[][3] = { { 1 }, { 37 }, { 64 },  { 0 },
                                      { 7 }, { 8 },  { 100 }, { 1000 } };
static const int64_t some[][3] = { { 1 }, { 37 }, { 130 } };
static const int64_t matrices[][3] = { { 7, 13 }, { 1, 1 }, { 33, 130 },
                                       { 5, 16 }, { 0, 3 }, { 40, 7 } };
static const int64_t products[][3] = { { 7, 5, 19 }, { 12, 8, 32 },  { 1, 1, 1 },   { 0, 3, 4 },
                                       { 3, 0, 4 },  { 13, 17, 41 }, { 64, 64, 64 } };

static const jit_dtype all_types[] = { JIT_I8,  JIT_I16, JIT_I32, JIT_I64,  JIT_U8,  JIT_U16,
                                       JIT_U32, JIT_U64, JIT_F16, JIT_BF16, JIT_F32, JIT_F64 };

Test(array, maps_of_all_types)
{
    for (int32_t i = 0; i < 12; i++)
        RUN(scaled_sum, all_types[i], some, any);
    RUN(scaled_sum, JIT_F32, lengths, any);
}

static made tree_sum(jit_dtype t)
{
    return fold_of(t, FOLD_SUM, FOLD_TREE);
}
static made tree_dot(jit_dtype t)
{
    return fold_of(t, FOLD_DOT, FOLD_TREE);
}
static made tree_product(jit_dtype t)
{
    return fold_of(t, FOLD_PROD, FOLD_TREE);
}
static made plain_dot(jit_dtype t)
{
    return fold_of(t, FOLD_DOT, FOLD_SEQUENTIAL);
}
static made tree_matrix(jit_dtype t)
{
    return fold_of_matrix(t, FOLD_SUM, FOLD_TREE);
}
static made plain_matrix(jit_dtype t)
{
    return fold_of_matrix(t, FOLD_SUM, FOLD_SEQUENTIAL);
}
static made most_of_matrix(jit_dtype t)
{
    return fold_of_matrix(t, FOLD_MAX, FOLD_TREE);
}

Test(array, folds)
{
    static const int64_t n[][3] = { { 127 }, { 128 }, { 5000 }, { 0 },   { 1 },
                                    { 9 },   { 200 }, { 4096 }, { 8200 } };
    for (int32_t i = 0; i < 2; i++) {
        jit_dtype t = i ? JIT_F64 : JIT_F32;
        RUN(tree_sum, t, n, small);
        RUN(tree_dot, t, some, small);
        RUN(tree_product, t, some, any);
        RUN(plain_dot, t, some, any);
        RUN(tree_matrix, t, matrices, any);
        RUN(plain_matrix, t, matrices, any);
    }
}

Test(array, exact_folds)
{
    static const int64_t n[][3] = { { 1 }, { 37 }, { 128 }, { 300 }, { 3 } };
    static const int64_t m[][3] = { { 7, 13 }, { 1, 1 }, { 33, 130 } };
    for (int32_t i = 0; i < 8; i++)
        RUN(integers, all_types[i], n, small);
    RUN(most_of_matrix, JIT_F32, m, small);
    RUN(most_of_matrix, JIT_I16, m, any);
    RUN(row_statistics, JIT_F32, m, small);
    RUN(row_statistics, JIT_F64, m, any);
}

Test(array, products)
{
    RUN(matmul, JIT_F32, products, any);
    RUN(matmul, JIT_F64, products, small);
    RUN(network, JIT_F32, products, small);
    RUN(network, JIT_F64, products, small);
    RUN(gated, JIT_F32, matrices, small);
    RUN(gated, JIT_F64, matrices, small);
}

Test(array, subscripts)
{
    static const int64_t n[][3] = { { 30, 5 }, { 1, 1 }, { 64, 3 }, { 9, 40 } };
    static const int64_t z[][3] = { { 41, 37 }, { 100, 16 }, { 100, 1 } };
    RUN(convolution, JIT_F32, n, any);
    RUN(convolution, JIT_F64, n, any);
    RUN(gather, JIT_F32, z, small);
    RUN(gather, JIT_I8, z, small);
    RUN(faulting_gather, JIT_F64, z, small);
    RUN(transposed, JIT_F32, matrices, small);
}

Test(array, loops)
{
    RUN(onepole, JIT_F32, lengths, small);
    RUN(onepole, JIT_F64, some, small);
    RUN(swapped, JIT_F32, lengths, small);
    RUN(nested, JIT_F32, matrices, small);
    RUN(nested, JIT_F64, matrices, small);
}

/* Machines without AVX-512 at least see that its code is made. */
Test(array, compiles_for_avx512_anywhere)
{
    static const maker makers[] = { matmul,      network, gated,   row_statistics, onepole,
                                    convolution, gather,  swapped, nested };
    static const int64_t dims[8] = { 17, 40, 9, 5, 6, 7, 8, 4 };
    target t;
    diag d;
    diag_init(&d, NULL, NULL);
    if (!target_avx512(&t, &d))
        return;
    for (size_t i = 0; i < 2 * sizeof makers / sizeof makers[0]; i++) {
        made m = makers[i / 2](JIT_F32);
        codegen_options o = { .target = &t };
        codegen_object object;
        const graph *g = i % 2 ? fixed_copy(&m, dims) : m.g;
        cr_assert(codegen_compile(g, &o, &object, &m.d), "%s: %s", m.g->name,
                  m.err.diagnostic[0].message);
        codegen_free(&o, &object);
        arena_free(m.ar);
    }
}
