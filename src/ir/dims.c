/* Finding dimensions: each step divides one extent, in an order chosen once. */
#include "dims.h"

typedef struct planner {
    const graph *g;
    dims_plan *p;
    arena *ar;
    diag *d;
    node *root;
    int32_t n_roots;
    uint64_t *uses; /* per node: a bit per dimension that it depends on */
    uint64_t found;
    dims_step *steps;
    bool wide; /* no limit on extents */
} planner;

/* -------------------------------------------------------------------------- roots */

static int32_t shape_of_operand(const planner *q, int32_t i)
{
    const graph *g = q->g;
    return i < g->n_inputs ? g->inputs[i].shape
                           : graph_node(g, g->outputs[i - g->n_inputs].value)->shape;
}

static int32_t count_roots(const planner *q)
{
    int32_t n = 3 * q->g->n_checks;
    for (int32_t i = 0; i < q->p->n_operands; i++)
        n += q->g->shapes[shape_of_operand(q, i)].rank;
    return n;
}

static bool collect_roots(planner *q)
{
    dims_plan *p = q->p;
    int32_t *rank = arena_alloc(q->ar, (size_t)p->n_operands * sizeof *rank);
    int32_t *first = arena_alloc(q->ar, ((size_t)p->n_operands + 1) * sizeof *first);
    int32_t *is_dim = arena_alloc(q->ar, ((size_t)count_roots(q) + 1) * sizeof *is_dim);
    int32_t *site = arena_alloc(q->ar, ((size_t)p->n_checks + 1) * sizeof *site);
    q->root = arena_alloc(q->ar, ((size_t)count_roots(q) + 1) * sizeof *q->root);
    if (!rank || !first || !is_dim || !site || !q->root)
        return false;
    for (int32_t i = 0; i < p->n_operands; i++) {
        const graph_shape *s = &q->g->shapes[shape_of_operand(q, i)];
        rank[i] = s->rank;
        first[i] = q->n_roots;
        for (int32_t k = 0; k < s->rank; k++) {
            const node_data *e = graph_node(q->g, s->extent[k]);
            is_dim[q->n_roots] = e->op == OP_dim ? (int32_t)e->imm : -1;
            q->root[q->n_roots++] = s->extent[k];
        }
    }
    first[p->n_operands] = q->n_roots;
    for (int32_t i = 0; i < p->n_checks; i++) {
        const graph_check *c = &q->g->checks[i];
        site[i] = c->site;
        q->root[q->n_roots++] = c->value;
        q->root[q->n_roots++] = c->extent;
        q->root[q->n_roots++] = c->when;
    }
    p->rank = rank;
    p->first = first;
    p->is_dim = is_dim;
    p->check_site = site;
    return true;
}

static bool find_uses(planner *q)
{
    q->uses = arena_alloc(q->g->ar, (size_t)q->g->n_nodes * sizeof *q->uses);
    for (node n = 1; q->uses && n < q->g->n_nodes; n++) {
        const node_data *d = graph_node(q->g, n);
        q->uses[n] = d->op == OP_dim ? (uint64_t)1 << d->imm : 0;
        for (int32_t i = 0; i < d->n_in; i++)
            q->uses[n] |= q->uses[graph_in(q->g, n, i)];
    }
    return q->uses != NULL;
}

/* -------------------------------------------------------------------------- steps */

/* The extent where `dim` is v and the others are `others`. */
static bool value_where(const planner *q, node extent, int32_t dim, int64_t v, int64_t others,
                        int64_t *out)
{
    int64_t dims[DIMS_MOST];
    for (int32_t i = 0; i < q->p->n_dims; i++)
        dims[i] = i == dim ? v : others;
    return graph_value(q->g, extent, &(graph_known){ dims, NULL }, q->g->ar, out);
}

/* Of an extent a*dim + b, a a constant other than 0; else 0. */
static int64_t factor_of(const planner *q, node extent, int32_t dim)
{
    int64_t at[4], elsewhere[2];
    for (int32_t v = 0; v < 4; v++)
        if (!value_where(q, extent, dim, v, 3, &at[v]))
            return 0;
    for (int32_t v = 0; v < 2; v++)
        if (!value_where(q, extent, dim, v, 11, &elsewhere[v]))
            return 0;
    int64_t a = at[1] - at[0];
    bool linear = at[2] - at[1] == a && at[3] - at[2] == a && elsewhere[1] - elsewhere[0] == a;
    return linear ? a : 0;
}

static bool try_extent(planner *q, int32_t operand, int32_t axis, bool plain)
{
    int32_t at = q->p->first[operand] + axis;
    uint64_t open = q->uses[q->root[at]] & ~q->found;
    if (open == 0 || (open & (open - 1)) != 0 || (plain && q->p->is_dim[at] < 0))
        return false;
    int32_t dim = __builtin_ctzll(open);
    int64_t factor = q->p->is_dim[at] >= 0 ? 1 : factor_of(q, q->root[at], dim);
    if (factor == 0)
        return false;
    q->steps[q->p->n_steps++] =
        (dims_step){ dim, operand, axis, factor, q->p->is_dim[at] >= 0 };
    q->found |= open;
    return true;
}

static bool try_all(planner *q, bool plain)
{
    bool any = false;
    for (int32_t i = 0; i < q->p->n_inputs; i++)
        for (int32_t k = 0; k < q->p->rank[i]; k++)
            any = try_extent(q, i, k, plain) || any;
    return any;
}

static bool choose_steps(planner *q)
{
    uint64_t needed = 0;
    q->steps = arena_alloc(q->ar, ((size_t)q->p->n_dims + 1) * sizeof *q->steps);
    if (!q->steps)
        return false;
    try_all(q, true);
    while (try_all(q, false))
        ;
    q->p->steps = q->steps;
    for (node n = 1; n < q->g->n_nodes; n++)
        needed |= q->uses[n];
    uint64_t open = needed & ~q->found;
    if (open == 0)
        return true;
    const char *name = q->p->name[__builtin_ctzll(open)];
    diag_plain(q->d, DIAG_unknown_dim,
               "dimension '%s' of %s does not follow from the shapes of its arguments",
               name ? name : "?", q->g->name);
    diag_hint(q->d, "make it a 'dim' argument after ';'");
    return false;
}

static bool copy_names(planner *q)
{
    const char **name = arena_alloc(q->ar, ((size_t)q->g->n_dims + 1) * sizeof *name);
    for (int32_t i = 0; name && i < q->g->n_dims; i++) {
        const char *s = q->g->dims[i];
        name[i] = s ? arena_format(q->ar, "%s", s) : NULL;
    }
    q->p->name = name;
    return name && !arena_failed(q->ar);
}

static bool within_limits(const planner *q)
{
    if (q->g->n_dims <= DIMS_MOST && (q->wide || (q->n_roots <= DIMS_MOST_ROOTS &&
                                                  q->p->extents.n_steps <= DIMS_MOST_STEPS)))
        return true;
    diag_plain(q->d, DIAG_many_dims,
               "%s has %d dimensions and %d extents: it may have %d and %d", q->g->name,
               (int)q->g->n_dims, (int)q->n_roots, (int)DIMS_MOST, (int)DIMS_MOST_ROOTS);
    return false;
}

static bool make(dims_plan *p, planner q)
{
    const graph *g = q.g;
    *p = (dims_plan){ .n_dims = g->n_dims,
                      .n_inputs = g->n_inputs,
                      .n_operands = g->n_inputs + g->n_outputs,
                      .n_checks = g->n_checks };
    q.p = p;
    bool room = collect_roots(&q) && copy_names(&q);
    if (room && g->n_dims > DIMS_MOST)
        return within_limits(&q);
    if (room && find_uses(&q)) {
        if (known_make(&p->extents, g, q.root, q.n_roots, q.ar))
            return within_limits(&q) && choose_steps(&q);
        if (!arena_failed(q.ar) && !arena_failed(g->ar)) {
            diag_plain(q.d, DIAG_internal, "an extent of %s is not known before a run",
                       g->name);
            return false;
        }
    }
    diag_no_memory(q.d);
    return false;
}

bool dims_make(dims_plan *p, const graph *g, arena *ar, diag *d)
{
    return make(p, (planner){ .g = g, .ar = ar, .d = d });
}

bool dims_make_wide(dims_plan *p, const graph *g, arena *ar, diag *d)
{
    return make(p, (planner){ .g = g, .ar = ar, .d = d, .wide = true });
}

/* -------------------------------------------------------------------------- calls */

static bool evaluate(const dims_plan *p, const graph_known *given, int64_t *extents)
{
    cell slots[DIMS_MOST_STEPS];
    return known_run(&p->extents, given, slots, extents);
}

/* The same where some have no value: 12 // w is none where w is 0, which harms nothing while
 * another extent is looked at, and in a check that need not hold. To a subscript it is 0. */
static bool evaluate_some(const dims_plan *p, const graph_known *given, int32_t only,
                          int64_t *extents)
{
    known_slot slots[DIMS_MOST_STEPS], roots[DIMS_MOST_ROOTS];
    int32_t n = p->first[p->n_operands];
    bool fine = true;
    known_run_each(&p->extents, given, slots, roots);
    for (int32_t i = 0; i < p->extents.n_roots; i++)
        extents[i] = roots[i].value.i;
    if (only >= 0)
        return roots[only].known && !roots[only].divided;
    for (int32_t i = 0; i < n; i++)
        fine = fine && roots[i].known && !roots[i].divided;
    for (int32_t i = n; i < p->extents.n_roots; i += 3) {
        bool idle = roots[i + 2].known && roots[i + 2].value.i == 0;
        fine = fine && (idle || (roots[i].known && roots[i + 1].known && roots[i + 2].known));
    }
    return fine;
}

static bool solve_step(const dims_plan *p, const dims_step *s, int64_t have,
                       const cell *uniforms, int64_t *dims)
{
    int64_t extents[DIMS_MOST_ROOTS];
    dims[s->dim] = have;
    if (s->plain)
        return true;
    int64_t known[DIMS_MOST];
    for (int32_t i = 0; i < p->n_dims; i++)
        known[i] = dims[i] < 0 || i == s->dim ? 0 : dims[i];
    if (!evaluate_some(p, &(graph_known){ known, uniforms }, p->first[s->operand] + s->axis,
                       extents))
        return false;
    int64_t rest;
    if (__builtin_sub_overflow(have, extents[p->first[s->operand] + s->axis], &rest) ||
        (rest == INT64_MIN && s->factor == -1))
        return false;
    dims[s->dim] = rest / s->factor;
    return rest % s->factor == 0 && dims[s->dim] >= 0;
}

/* Extents of results, and the checks. */
static dims_fault check_values(const dims_plan *p, const int64_t *extents)
{
    for (int32_t i = p->first[p->n_inputs]; i < p->first[p->n_operands]; i++)
        if (extents[i] < 0)
            return (dims_fault){ .kind = DIMS_NO_VALUE, .operand = p->n_inputs };
    for (int32_t i = 0; i < p->n_checks; i++) {
        const int64_t *c = extents + p->first[p->n_operands] + 3 * (int64_t)i;
        if (c[2] != 0 && (c[0] < 0 || c[0] >= c[1]))
            return (dims_fault){ DIMS_OUT_OF_RANGE, .site = p->check_site[i], .want = c[1],
                                 .have = c[0] };
    }
    return (dims_fault){ 0 };
}

static dims_fault compare(const dims_plan *p, const int64_t *const *core,
                          const int64_t *extents)
{
    for (int32_t i = 0; i < p->n_inputs; i++)
        for (int32_t k = 0; k < p->rank[i]; k++) {
            int64_t want = extents[p->first[i] + k];
            if (core[i][k] != want)
                return (dims_fault){ DIMS_DIFFER, i, k, 0, want, core[i][k] };
        }
    return check_values(p, extents);
}

dims_fault dims_find(const dims_plan *p, const int64_t *const *core, const cell *uniforms,
                     int64_t *dims, int64_t *extents)
{
    for (int32_t i = 0; i < p->n_dims; i++)
        dims[i] = -1;
    for (int32_t i = 0; i < p->n_steps; i++) {
        const dims_step *s = &p->steps[i];
        int64_t have = core[s->operand][s->axis];
        if (!solve_step(p, s, have, uniforms, dims))
            return (dims_fault){ DIMS_NO_VALUE, .operand = s->operand, .axis = s->axis,
                                 .have = have };
    }
    for (int32_t i = 0; i < p->n_dims; i++)
        dims[i] = dims[i] < 0 ? 0 : dims[i]; /* used by nothing */
    graph_known given = { dims, uniforms };
    if (!evaluate(p, &given, extents) && !evaluate_some(p, &given, -1, extents))
        return (dims_fault){ .kind = DIMS_TOO_LARGE };
    return compare(p, core, extents);
}

dims_fault dims_given(const dims_plan *p, const graph_known *given, cell *slots,
                      int64_t *extents)
{
    if (!known_run(&p->extents, given, slots, extents))
        return (dims_fault){ .kind = DIMS_TOO_LARGE };
    return check_values(p, extents);
}

bool dims_fixed(const dims_plan *p, int64_t *extents)
{
    cell slots[DIMS_MOST_STEPS];
    int64_t own[DIMS_MOST_ROOTS];
    if (p->n_steps > 0 || !known_run(&p->extents, &(graph_known){ NULL, NULL }, slots, own))
        return false;
    for (int32_t i = 0; i < p->extents.n_roots; i++)
        extents[i] = own[i];
    return check_values(p, own).kind == DIMS_FINE;
}

/* Extents with the dimensions that are not known at two different values: those that do not change
 * are known. */
static dims_fault compare_some(const dims_plan *p, const int64_t *const *core,
                               const int64_t *dims)
{
    enum { SOME = 2, OTHER = 1009 };
    int64_t at[2][DIMS_MOST_ROOTS], full[DIMS_MOST];
    cell slots[DIMS_MOST_STEPS];
    for (int32_t t = 0; t < 2; t++) {
        for (int32_t i = 0; i < p->n_dims; i++)
            full[i] = dims[i] >= 0 ? dims[i] : t ? OTHER : SOME;
        if (!known_run(&p->extents, &(graph_known){ full, NULL }, slots, at[t]))
            return (dims_fault){ 0 }; /* it depends on more than dimensions, or is too large */
    }
    for (int32_t i = 0; i < p->n_operands; i++)
        for (int32_t k = 0; k < p->rank[i]; k++) {
            int64_t want = at[0][p->first[i] + k];
            if (core[i][k] >= 0 && want == at[1][p->first[i] + k] && want != core[i][k])
                return (dims_fault){ DIMS_DIFFER, i, k, 0, want, core[i][k] };
        }
    return (dims_fault){ 0 };
}

dims_fault dims_find_some(const dims_plan *p, const int64_t *const *core, int64_t *dims)
{
    for (int32_t i = 0; i < p->n_dims; i++)
        dims[i] = -1;
    for (int32_t i = 0; i < p->n_inputs; i++)
        for (int32_t k = 0; k < p->rank[i]; k++) {
            int32_t dim = p->is_dim[p->first[i] + k];
            if (core[i][k] < 0 || dim < 0)
                continue;
            if (dims[dim] >= 0 && dims[dim] != core[i][k])
                return (dims_fault){ DIMS_DIFFER, i, k, 0, dims[dim], core[i][k] };
            dims[dim] = core[i][k];
        }
    return compare_some(p, core, dims);
}
