#include "array_made.h"

#include <stdlib.h>
#include <string.h>

#include <criterion/criterion.h>

#include "array_work.h"
#include "print.h"
#include "verify.h"

static const span nowhere = { 0, 0 };

made begin(const char *name, int32_t n_dims)
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

node input(made *m, jit_dtype t, const node *extent, int32_t rank)
{
    int32_t i = m->g->n_inputs++;
    m->g->inputs[i] =
        (graph_input){ .name = "x", .dtype = t, .shape = graph_shape_of(m->g, extent, rank) };
    return graph_arg(m->g, i);
}

node weights(made *m, jit_dtype t, const node *extent, int32_t rank)
{
    node n = input(m, t, extent, rank);
    m->g->inputs[m->g->n_inputs - 1].shared = true;
    return n;
}

void give(made *m, node n)
{
    m->g->outputs[m->g->n_outputs++] = (graph_output){ n, "y" };
}

node axis(made *m, node extent)
{
    return graph_axis(m->g, extent, nowhere);
}

node at1(made *m, node a, node i)
{
    return graph_at(m->g, a, &i, nowhere);
}

node at2(made *m, node a, node i, node j)
{
    return graph_at(m->g, a, (node[]){ i, j }, nowhere);
}

node map1(made *m, node i, node v)
{
    return graph_map(m->g, &i, 1, v, nowhere);
}

node map2(made *m, node i, node j, node v)
{
    return graph_map(m->g, (node[]){ i, j }, 2, v, nowhere);
}

node fold1(made *m, node i, fold_kind k, fold_order o, node x, node y)
{
    return graph_fold(m->g, &i, 1, (graph_fold_spec){ k, o, x, y }, nowhere);
}

node op1(made *m, op o, node a)
{
    return graph_apply1(m->g, o, a, nowhere);
}

node op2(made *m, op o, node a, node b)
{
    return graph_apply2(m->g, o, a, b, nowhere);
}

node real(made *m, jit_dtype t, double v)
{
    return graph_real(m->g, t, v);
}

node whole(made *m, int64_t v)
{
    return graph_const(m->g, JIT_I64, (cell){ .i = v });
}

/* -------------------------------------------------------------------------- running */

cell small(random_state *r, jit_dtype t, int32_t i)
{
    (void)i;
    int64_t v = random_below(r, 41) - 20;
    if (type_is_float(t))
        return type_round(t, (cell){ .f = (double)v / 8 + (random_below(r, 9) ? 0 : 1e-3) });
    return type_round(t, (cell){ .i = type_is_unsigned(t) ? v + 20 : v });
}

cell any(random_state *r, jit_dtype t, int32_t i)
{
    if (random_below(r, 4) || i < 0)
        return small(r, t, i);
    return random_cell(r, t);
}

static node fix(void *user, graph *dst, const graph *src, node old, const node *in)
{
    const int64_t *const *dim = user;
    (void)in;
    if (graph_node(src, old)->op != OP_dim)
        return -1;
    return graph_const(dst, JIT_I64, (cell){ .i = (*dim)[graph_node(src, old)->imm] });
}

void fix_dims(graph *to, const graph *g, const int64_t *dim)
{
    cr_assert(graph_rebuild(to, g, fix, &dim));
}

graph *fixed_copy(const made *m, const int64_t *dim, bool constant)
{
    graph *g = graph_new(m->ar, m->g->d, m->g->name, 0);
    g->simplify = true;
    fix_dims(g, m->g, dim);
    for (int32_t i = 0; constant && i < g->n_inputs; i++)
        g->inputs[i].constant = g->inputs[i].shared;
    return g;
}

bool llvm_says(made *m, const graph *g, const char *words)
{
    target host;
    cr_assert(target_init(&host, NULL, &m->d));
    codegen_options o = { .target = &host };
    char *text = codegen_text(g, &o, CODEGEN_LLVM, &m->d);
    cr_assert(text);
    bool found = strstr(text, words) != NULL;
    arena_free(m->ar);
    return found;
}

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

const graph *without_fma(const graph *g)
{
    graph *split_graph = graph_new(g->ar, g->d, g->name, 0);
    cr_assert(graph_rebuild(split_graph, g, split, NULL));
    return split_graph;
}

enum { LAYOUTS = 4, MOST_DIMS = 16, MOST_WORK = 10000000 };

/* One code is run for several dimensions; other code of the same graph is compared with the same
 * answers: of each layout, of machines without and with a fused multiply-add. */
typedef struct subject {
    const char *name;
    run_dims dims;
    draw from;
    array_layout like;
    array_answer answers[MOST_DIMS][LAYOUTS][2];
} subject;

static subject *subject_new(const char *name, run_dims dims, draw from, array_layout like)
{
    subject *s = calloc(1, sizeof *s);
    cr_assert(s && dims.n <= MOST_DIMS);
    s->name = name;
    s->dims = dims;
    s->from = from;
    s->like = like;
    return s;
}

static void subject_free(subject *s)
{
    array_answer *all = s->answers[0][0];
    for (int32_t i = 0; i < MOST_DIMS * LAYOUTS * 2; i++)
        array_answer_free(&all[i]);
    free(s);
}

/* Many where that is not too much for the interpreter. */
static int64_t rows_of(const graph *g, const array_layout *where, int32_t how)
{
    static const int64_t rows[LAYOUTS] = { 1, 0, 3, 131 };
    if (where->rows || how < 3)
        return where->rows ? where->rows : rows[how];
    return work_of(g, where->dim) * (double)rows[how] <= (double)MOST_WORK ? rows[how] : 9;
}

static void run_code(subject *s, const graph *g, const linked *l, const target *t)
{
    for (int32_t i = 0; i < s->dims.n * LAYOUTS; i++) {
        int32_t how = i % LAYOUTS;
        random_state r = { 1234 + (uint64_t)i }; /* at every level the same operands */
        array_layout w = s->like;
        memcpy(w.dim, s->dims.of[i / LAYOUTS], sizeof s->dims.of[0]);
        w.rows = rows_of(g, &w, how);
        w.shift = how;
        w.spread = how % 2;
        w.answer = &s->answers[i / LAYOUTS][how][t->fma];
        const char *wrong = array_compared(g, l, &w, &r, s->from);
        cr_assert_null(wrong, "%s, %s, rows %lld, dims %lld %lld %lld: %s\n%s", s->name, t->cpu,
                       (long long)w.rows, (long long)w.dim[0], (long long)w.dim[1],
                       (long long)w.dim[2], wrong, print_graph(g->ar, g));
    }
}

static void run_levels(subject *s, const graph *g)
{
    int32_t n_levels;
    const char *const *levels = target_levels(&n_levels);
    for (int32_t k = 0; k < n_levels; k++) {
        jit_error err;
        diag d;
        diag_init(&d, &err, NULL);
        target t;
        linked l;
        cr_assert(target_init(&t, levels[k], &d));
        codegen_options o = {
            .target = &t, .products = s->like.products, .sweep = s->like.sweep, .reload = k % 2
        };
        const graph *compiled = t.fma ? g : without_fma(g);
        cr_assert(linked_make(&l, compiled, &o, &d), "%s, %s: %s", s->name, t.cpu,
                  err.diagnostic[0].message);
        run_code(s, compiled, &l, &t);
        linked_free(&l);
    }
}

void run_layouts(maker make, jit_dtype t, run_dims dims, draw from, array_layout like)
{
    made m = make(t);
    cr_assert(!m.g->failed, "%s", m.err.diagnostic[0].message);
    const char *wrong = verify_graph(m.ar, m.g);
    cr_assert_null(wrong, "%s: %s", m.g->name, wrong);
    for (int32_t i = 0; i < dims.n && i < 3; i++) {
        int64_t dim[8] = { 0 };
        memcpy(dim, dims.of[i], sizeof dims.of[i]);
        subject *known = subject_new(m.g->name, (run_dims){ dims.of + i, 1 }, from, like);
        for (int32_t k = 0; k < 2; k++) /* the same graph but for the mark of constants */
            run_levels(known, fixed_copy(&m, dim, k));
        subject_free(known);
    }
    subject *unknown = subject_new(m.g->name, dims, from, like);
    run_levels(unknown, m.g);
    subject_free(unknown);
    arena_free(m.ar);
}

void run(maker make, jit_dtype t, run_dims dims, draw from, bool products)
{
    run_layouts(make, t, dims, from, (array_layout){ .products = products });
}
