/* Extents and subscripts as polynomials: sums of integers times products of leaves, which are
 * dimensions, axes and whatever else is no sum or product.
 *
 * An extent is made from its polynomial in one order, so that equal extents are one node:
 * n + 1 - 1 is n. A subscript between its least and its most value is in range if the polynomials
 * extent - 1 - most and least have no term that can be below 0: then nothing is checked. */
#include <string.h>

#include "lower_state.h"

enum { MOST_TERMS = 12, MOST_FACTORS = 4, MOST_DEPTH = 48, MOST_VISITS = 1000 };

typedef struct term {
    int64_t c;
    int32_t n;
    node f[MOST_FACTORS]; /* in order */
} term;

typedef struct poly {
    int32_t n;
    term t[MOST_TERMS]; /* no two with the same factors, none with c == 0 */
} poly;

/* ------------------------------------------------------------------------------ arithmetic */

static bool same_factors(const term *a, const term *b)
{
    return a->n == b->n && memcmp(a->f, b->f, (size_t)a->n * sizeof *a->f) == 0;
}

static bool add_term(poly *p, term t)
{
    for (int32_t i = 0; i < p->n; i++) {
        if (!same_factors(&p->t[i], &t))
            continue;
        if (__builtin_add_overflow(p->t[i].c, t.c, &p->t[i].c))
            return false;
        if (p->t[i].c == 0)
            p->t[i] = p->t[--p->n];
        return true;
    }
    if (t.c == 0)
        return true;
    if (p->n == MOST_TERMS)
        return false;
    p->t[p->n++] = t;
    return true;
}

static bool times(const term *a, const term *b, term *out)
{
    *out = *a;
    if (a->n + b->n > MOST_FACTORS || __builtin_mul_overflow(a->c, b->c, &out->c))
        return false;
    for (int32_t i = 0; i < b->n; i++) {
        int32_t k = out->n++;
        for (; k > 0 && out->f[k - 1] > b->f[i]; k--)
            out->f[k] = out->f[k - 1];
        out->f[k] = b->f[i];
    }
    return true;
}

/* p += c*q */
static bool add_scaled(poly *p, const poly *q, int64_t c)
{
    for (int32_t i = 0; i < q->n; i++) {
        term t = q->t[i];
        if (__builtin_mul_overflow(t.c, c, &t.c) || !add_term(p, t))
            return false;
    }
    return true;
}

static bool multiply(poly *out, const poly *a, const poly *b)
{
    poly r = { 0 };
    for (int32_t i = 0; i < a->n; i++)
        for (int32_t k = 0; k < b->n; k++) {
            term t;
            if (!times(&a->t[i], &b->t[k], &t) || !add_term(&r, t))
                return false;
        }
    *out = r;
    return true;
}

static poly poly_const(int64_t c)
{
    poly p = { .n = c != 0 };
    p.t[0].c = c;
    return p;
}

static poly poly_leaf(node n)
{
    return (poly){ 1, { { 1, 1, { n } } } };
}

typedef struct reading {
    const graph *g;
    int32_t depth, visits;
} reading;

static bool read_poly(reading *r, node n, poly *out);

/* What is neither sum nor difference. */
static bool read_factor(reading *r, node n, poly *out)
{
    const node_data *d = graph_node(r->g, n);
    cell v;
    poly a, b;
    *out = poly_leaf(n);
    if (graph_is_const(r->g, n, &v))
        *out = poly_const(v.i);
    if ((d->op != OP_mul && d->op != OP_neg) || d->dtype != JIT_I64)
        return true;
    if (!read_poly(r, graph_in(r->g, n, 0), &a))
        return false;
    if (d->op == OP_mul)
        return read_poly(r, graph_in(r->g, n, 1), &b) && multiply(out, &a, &b);
    *out = poly_const(0);
    return add_scaled(out, &a, -1);
}

static bool is_sum(const node_data *d)
{
    return (d->op == OP_add || d->op == OP_sub) && d->dtype == JIT_I64;
}

/* The length of a sum is no depth, whichever side its rest is on. */
static bool read_poly(reading *r, node n, poly *out)
{
    poly one;
    bool fine = r->depth < MOST_DEPTH;
    *out = poly_const(0);
    r->depth++;
    while (fine && is_sum(graph_node(r->g, n))) {
        bool plus = graph_node(r->g, n)->op == OP_add;
        node rest = graph_in(r->g, n, 0), other = graph_in(r->g, n, 1);
        if (plus && !is_sum(graph_node(r->g, rest))) {
            rest = other;
            other = graph_in(r->g, n, 0);
        }
        fine = ++r->visits <= MOST_VISITS && read_poly(r, other, &one) &&
               add_scaled(out, &one, plus ? 1 : -1);
        n = rest;
    }
    fine = fine && ++r->visits <= MOST_VISITS && read_factor(r, n, &one) &&
           add_scaled(out, &one, 1);
    r->depth--;
    return fine;
}

static bool poly_of(const lowering *lw, node n, poly *out)
{
    reading r = { .g = lw->g };
    return n > 0 && read_poly(&r, n, out);
}

/* ------------------------------------------------------------------------------ nodes */

/* More factors first, then older ones; the constant is last. */
static bool before(const term *a, const term *b)
{
    if (a->n != b->n)
        return a->n > b->n;
    for (int32_t i = 0; i < a->n; i++)
        if (a->f[i] != b->f[i])
            return a->f[i] < b->f[i];
    return false;
}

static void sort_terms(poly *p)
{
    for (int32_t i = 1; i < p->n; i++) {
        term t = p->t[i];
        int32_t k = i;
        for (; k > 0 && before(&t, &p->t[k - 1]); k--)
            p->t[k] = p->t[k - 1];
        p->t[k] = t;
    }
}

/* Extents are the same nodes in relaxed code. */
static node poly_node(lowering *lw, poly p)
{
    graph *g = lw->g;
    span at = { 0, 0 };
    uint16_t relaxed = g->relaxed;
    node sum = 0;
    g->relaxed = 0;
    sort_terms(&p);
    for (int32_t i = 0; i < p.n; i++) {
        node t = p.t[i].n > 0 ? p.t[i].f[0] : graph_const(g, JIT_I64, (cell){ .i = p.t[i].c });
        for (int32_t k = 1; k < p.t[i].n; k++)
            t = graph_apply2(g, OP_mul, t, p.t[i].f[k], at);
        if (p.t[i].n > 0 && p.t[i].c != 1)
            t = graph_apply2(g, OP_mul, t, graph_const(g, JIT_I64, (cell){ .i = p.t[i].c }),
                             at);
        sum = sum ? graph_apply2(g, OP_add, sum, t, at) : t;
    }
    sum = p.n > 0 ? sum : graph_const(g, JIT_I64, (cell){ .i = 0 });
    g->relaxed = relaxed;
    return sum;
}

node extent_node(lowering *lw, node n)
{
    poly p;
    return poly_of(lw, n, &p) ? poly_node(lw, p) : n;
}

static node combined(lowering *lw, op o, node a, node b)
{
    uint16_t relaxed = lw->g->relaxed;
    lw->g->relaxed = 0;
    node n = graph_apply2(lw->g, o, a, b, (span){ 0, 0 });
    lw->g->relaxed = relaxed;
    return extent_node(lw, n);
}

node extent_add(lowering *lw, node a, node b)
{
    return combined(lw, OP_add, a, b);
}

node extent_sub(lowering *lw, node a, node b)
{
    return combined(lw, OP_sub, a, b);
}

node extent_mul(lowering *lw, node a, node b)
{
    return combined(lw, OP_mul, a, b);
}

node extent_const(lowering *lw, int64_t v)
{
    return graph_const(lw->g, JIT_I64, (cell){ .i = v });
}

value extent_value(lowering *lw, node n)
{
    cell v;
    if (n && graph_is_const(lw->g, n, &v))
        return value_integer((wide)v.i);
    return value_weak(n);
}

static bool known_within(const graph *g, node n, int32_t depth, int32_t *visits)
{
    const node_data *d = graph_node(g, n);
    if (d->op == OP_const || d->op == OP_dim || d->op == OP_uniform)
        return true;
    if (d->shape != 0 || op_info((op)d->op)->rule == RULE_LEAF || depth == 0 ||
        ++*visits > MOST_VISITS)
        return false;
    for (int32_t i = 0; i < d->n_in; i++)
        if (!known_within(g, graph_in(g, n, i), depth - 1, visits))
            return false;
    return true;
}

bool extent_known(const lowering *lw, node n)
{
    int32_t visits = 0;
    return known_within(lw->g, n, MOST_DEPTH, &visits);
}

/* e = factor*unknown + rest; 0: it is not of that form. */
static int64_t factor_of(lowering *lw, node e, node unknown, poly *rest)
{
    poly p;
    int64_t factor = 0;
    if (!poly_of(lw, e, &p))
        return 0;
    for (int32_t i = 0; i < p.n; i++) {
        const term *t = &p.t[i];
        bool has = false;
        for (int32_t k = 0; k < t->n; k++)
            has = has || t->f[k] == unknown;
        if (has && t->n > 1)
            return 0;
        if (has)
            factor = t->c;
        else if (!add_term(rest, *t))
            return 0;
    }
    return factor;
}

bool extent_can_solve(lowering *lw, node e, node unknown)
{
    poly rest = { 0 };
    return factor_of(lw, e, unknown, &rest) != 0;
}

node extent_solve(lowering *lw, node e, node unknown, node have)
{
    poly q, rest = { 0 };
    int64_t factor = factor_of(lw, e, unknown, &rest);
    if (factor == 0 || !poly_of(lw, have, &q) || !add_scaled(&q, &rest, -1))
        return 0;
    for (int32_t i = 0; i < q.n; i++) {
        if (q.t[i].c % factor != 0)
            return 0;
        q.t[i].c /= factor;
    }
    if (q.n == 1 && q.t[0].n == 0 && q.t[0].c < 0)
        return 0;
    return poly_node(lw, q);
}

/* ------------------------------------------------------------------------------ signs */

/* What cannot be below 0. */
static bool never_negative(const graph *g, node n)
{
    return graph_node(g, n)->op == OP_dim || graph_node(g, n)->op == OP_axis;
}

/* An axis around has this extent: it has an element. */
static bool has_elements(const lowering *lw, node extent)
{
    for (int32_t i = 0; i < lw->n_axes; i++)
        if (graph_in(lw->g, lw->axes[i], 0) == extent)
            return true;
    return false;
}

static bool at_least(const lowering *lw, const poly *p, int64_t least)
{
    int64_t sum = 0;
    for (int32_t i = 0; i < p->n; i++) {
        const term *t = &p->t[i];
        if (t->n > 0 && t->c < 0)
            return false;
        for (int32_t k = 0; k < t->n; k++)
            if (!never_negative(lw->g, t->f[k]))
                return false;
        bool counts = t->n == 0 || (t->n == 1 && has_elements(lw, t->f[0]));
        if (counts && __builtin_add_overflow(sum, t->c, &sum))
            return false;
    }
    return sum >= least;
}

bool extent_at_least(lowering *lw, node n, int64_t least)
{
    poly p;
    return poly_of(lw, n, &p) && at_least(lw, &p, least);
}

/* ------------------------------------------------------------------------------ ranges */

typedef struct limits { /* of an axis or the variable of a `for` */
    poly least, most;
    bool exact; /* it takes both */
} limits;

static bool limits_of(const lowering *lw, node n, limits *out)
{
    const node_data *d = graph_node(lw->g, n);
    poly one = poly_const(1);
    if (d->op == OP_axis) {
        *out = (limits){ .exact = true };
        return poly_of(lw, graph_in(lw->g, n, 0), &out->most) &&
               add_scaled(&out->most, &one, -1);
    }
    for (int32_t i = lw->n_ranges - 1; d->op == OP_phi && i >= 0; i--)
        if (lw->ranges[i].i == n) {
            out->exact = false;
            return poly_of(lw, lw->ranges[i].from, &out->least) &&
                   poly_of(lw, lw->ranges[i].to, &out->most) &&
                   add_scaled(&out->most, &one, -1);
        }
    return false;
}

/* The youngest leaf that has limits: those of others may depend on older ones. */
static node youngest(const lowering *lw, const poly *p)
{
    node found = 0;
    for (int32_t i = 0; i < p->n; i++)
        for (int32_t k = 0; k < p->t[i].n; k++) {
            const node_data *d = graph_node(lw->g, p->t[i].f[k]);
            if ((d->op == OP_axis || d->op == OP_phi) && p->t[i].f[k] > found)
                found = p->t[i].f[k];
        }
    return found;
}

/* The other factors of a term with `leaf`; false: it is there twice, or the sign of the others is
 * not known. */
static bool cofactor(const lowering *lw, const term *t, node leaf, term *out)
{
    *out = (term){ .c = t->c };
    for (int32_t k = 0; k < t->n; k++) {
        if (t->f[k] == leaf)
            continue;
        if (!never_negative(lw->g, t->f[k]))
            return false;
        out->f[out->n++] = t->f[k];
    }
    return out->n == t->n - 1;
}

static bool has_leaf(const term *t, node leaf)
{
    for (int32_t k = 0; k < t->n; k++)
        if (t->f[k] == leaf)
            return true;
    return false;
}

/* p with the leaf at its limit, so that p is largest (or smallest). */
static bool replace(const lowering *lw, poly *p, node leaf, bool largest, bool *exact)
{
    limits l;
    poly r = { 0 };
    bool up = false, down = false;
    if (!limits_of(lw, leaf, &l))
        return false;
    for (int32_t i = 0; i < p->n; i++) {
        term c;
        if (!has_leaf(&p->t[i], leaf)) {
            if (!add_term(&r, p->t[i]))
                return false;
            continue;
        }
        if (!cofactor(lw, &p->t[i], leaf, &c))
            return false;
        up = up || c.c > 0;
        down = down || c.c < 0;
        poly factor = { 1, { c } }, product;
        if (!multiply(&product, &factor, (c.c > 0) == largest ? &l.most : &l.least) ||
            !add_scaled(&r, &product, 1))
            return false;
    }
    *exact = *exact && l.exact && up != down;
    *p = r;
    return true;
}

/* Without axes and variables: false if a leaf is something else that is not known before a run. */
static bool extreme(const lowering *lw, poly *p, bool largest, bool *exact)
{
    for (int32_t round = 0; round < 32; round++) {
        node leaf = youngest(lw, p);
        if (leaf == 0)
            break;
        if (!replace(lw, p, leaf, largest, exact))
            return false;
    }
    for (int32_t i = 0; i < p->n; i++)
        for (int32_t k = 0; k < p->t[i].n; k++)
            if (!extent_known(lw, p->t[i].f[k]))
                return false;
    return true;
}

static bool is_number(const poly *p, int64_t *v)
{
    *v = p->n > 0 ? p->t[0].c : 0;
    return p->n == 0 || (p->n == 1 && p->t[0].n == 0);
}

subscript_range extent_range(lowering *lw, node i, node extent, subscript_bounds *b)
{
    poly p, least, most, room;
    poly one = poly_const(1);
    bool exact = true;
    int64_t low = 0, left = 0;
    if (!poly_of(lw, i, &p) || !poly_of(lw, extent, &room))
        return SUBSCRIPT_DATA;
    least = most = p;
    if (!extreme(lw, &least, false, &exact) || !extreme(lw, &most, true, &exact) ||
        !add_scaled(&room, &most, -1) || !add_scaled(&room, &one, -1))
        return SUBSCRIPT_DATA;
    bool below = is_number(&least, &low) && low < 0;
    bool above = is_number(&room, &left) && left < 0;
    b->least = poly_node(lw, least);
    b->most = poly_node(lw, most);
    b->wrong = below ? b->least : b->most;
    if (exact && (below || above))
        return SUBSCRIPT_WRONG;
    if (at_least(lw, &least, 0) && at_least(lw, &room, 0))
        return SUBSCRIPT_PROVEN;
    return exact ? SUBSCRIPT_AFFINE : SUBSCRIPT_DATA;
}

/* ------------------------------------------------------------------------------ text */

static const char *leaf_text(lowering *lw, node n)
{
    const node_data *d = graph_node(lw->g, n);
    const char *name = NULL;
    if (d->op == OP_dim)
        name = lw->g->dims[d->imm];
    else if (d->op == OP_uniform)
        name = lw->g->uniforms[d->imm].name;
    return name ? name : "?";
}

const char *extent_text(lowering *lw, node n)
{
    poly p;
    const char *text = "";
    if (!poly_of(lw, n, &p))
        return "?";
    sort_terms(&p);
    for (int32_t i = 0; i < p.n && text; i++) {
        const term *t = &p.t[i];
        bool minus = t->c < 0;
        uint64_t c = minus ? 0 - (uint64_t)t->c : (uint64_t)t->c;
        const char *sign = i == 0 ? (minus ? "-" : "") : minus ? "-" : "+";
        text = arena_format(lw->ar, "%s%s", text, sign);
        if (text && (c != 1 || t->n == 0))
            text = arena_format(lw->ar, "%s%llu%s", text, (unsigned long long)c,
                                t->n > 0 ? "*" : "");
        for (int32_t k = 0; k < t->n && text; k++)
            text =
                arena_format(lw->ar, "%s%s%s", text, k > 0 ? "*" : "", leaf_text(lw, t->f[k]));
    }
    return !text ? "?" : p.n == 0 ? "0" : text;
}

const char *extents_text(lowering *lw, const graph_shape *s)
{
    const char *text = "[";
    for (int32_t i = 0; i < s->rank && text; i++)
        text = arena_format(lw->ar, "%s%s%s", text, i > 0 ? "," : "",
                            extent_text(lw, s->extent[i]));
    text = text ? arena_format(lw->ar, "%s]", text) : NULL;
    return text ? text : "[?]";
}
