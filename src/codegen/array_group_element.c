/* Elements of arrays that all samples of a group have side by side: at a subscript that is the
 * same for all they are vectors, else each lane has a place of its own. */
#include "array_group.h"
#include "emit_memory.h"
#include "values.h"

typedef struct place { /* of an element, in all lanes */
    node n;            /* at or put */
    int32_t storage, rank;
    jit_dtype t;
    ir_value start; /* what all lanes share of its number, */
    bool spread;    /*   and whether there is more */
    ir_value fits;  /* no subscript that all share is out of range; NULL: certainly */
} place;

static int32_t bytes_of(jit_dtype t)
{
    return type_bits(t) / 8;
}

/* -------------------------------------------------------------------------- vectors */

/* Of lane 0 of vector u. */
static ir_value vector_at(array_code *c, int32_t storage, ir_value index, int32_t u)
{
    emitter *e = c->e;
    int64_t bytes = bytes_of(c->a->storages[storage].dtype);
    ir_value at = build_mul(e, index, build_i64(e, c->a->group * bytes));
    at = build_offset(e, array_pointer(c, storage), at);
    return build_offset(e, at, build_i64(e, u * c->a->lanes * bytes));
}

static int32_t alignment(const array_code *c, jit_dtype t)
{
    int32_t bytes = c->a->lanes * bytes_of(t);
    return bytes < 64 ? bytes : 64;
}

static ir_value load_at(array_code *c, jit_dtype t, ir_value p)
{
    emitter *e = c->e;
    return memory_value(e, t, build_load(e, memory_type(e, t), p, alignment(c, t)));
}

static void store_at(array_code *c, jit_dtype t, ir_value v, ir_value p)
{
    build_store(c->e, memory_bits(c->e, t, v), p, alignment(c, t));
}

/* Element `index` of any storage, in lanes. */
static ir_value element_of(array_code *c, int32_t storage, ir_value index, int32_t u)
{
    emitter *e = c->e;
    jit_dtype t = c->a->storages[storage].dtype;
    if (group_has(c, storage))
        return load_at(c, t, vector_at(c, storage, index, u));
    int32_t lanes = e->lanes;
    e->lanes = 1;
    ir_value v = memory_load(e, t, array_element(c, array_pointer(c, storage), t, index));
    e->lanes = lanes;
    return build_splat(e, v);
}

/* -------------------------------------------------------------------------- subscripts */

static ir_value stride_of(const array_code *c, const place *p, int32_t d)
{
    int32_t shape = c->a->storages[p->storage].shape;
    return c->stride[shape * (GRAPH_MAX_RANK + 1) + d];
}

/* Both sides of a bound, in e->lanes. */
static ir_value is_within(array_code *c, node bound, int32_t u)
{
    ir_value i = values_get(c->e, graph_in(c->e->g, bound, 0), u);
    ir_value n = values_get(c->e, graph_in(c->e->g, bound, 1), u);
    return build_icmp(c->e, LLVMIntULT, i, n);
}

static ir_value both(const emitter *e, ir_value a, ir_value b)
{
    return a && b ? build_and(e, a, b) : a ? a : b;
}

static place place_of(array_code *c, node n, int32_t storage)
{
    emitter *e = c->e;
    place p = { .n = n, .storage = storage };
    p.rank = graph_shape_at(e->g, graph_in(e->g, n, 0))->rank;
    p.t = c->a->storages[storage].dtype;
    p.start = build_i64(e, 0);
    e->lanes = 1;
    for (int32_t d = 0; d < p.rank; d++) {
        node sub = graph_in(e->g, n, d + 1);
        p.spread |= c->t->varies[sub];
        if (c->t->varies[sub])
            continue;
        ir_value i = build_mul(e, values_get(e, sub, 0), stride_of(c, &p, d));
        p.start = build_add(e, p.start, i);
        if (graph_node(e->g, sub)->op == OP_bound)
            p.fits = both(e, p.fits, is_within(c, sub, 0));
    }
    e->lanes = e->full;
    return p;
}

/* What lanes do not share of the number. */
static ir_value own_index(array_code *c, const place *p, int32_t u)
{
    emitter *e = c->e;
    ir_value index = build_splat(e, p->start);
    for (int32_t d = 0; d < p->rank; d++) {
        node sub = graph_in(e->g, p->n, d + 1);
        if (!c->t->varies[sub])
            continue;
        ir_value stride = build_splat(e, stride_of(c, p, d));
        index = build_add(e, index, build_mul(e, values_get(e, sub, u), stride));
    }
    if (!group_has(c, p->storage))
        return index;
    ir_value lane = build_add(e, build_lane_numbers(e, 64),
                              build_splat(e, build_i64(e, (int64_t)u * e->full)));
    return build_add(e, build_mul(e, index, build_bits(e, 64, (uint64_t)c->a->group)), lane);
}

/* Lanes whose own subscripts are in range and that take part. */
static ir_value own_guard(array_code *c, const place *p, int32_t u)
{
    emitter *e = c->e;
    ir_value fine = p->fits ? build_splat(e, p->fits) : NULL;
    for (int32_t d = 0; d < p->rank; d++) {
        node sub = graph_in(e->g, p->n, d + 1);
        if (c->t->varies[sub] && graph_node(e->g, sub)->op == OP_bound)
            fine = both(e, fine, is_within(c, sub, u));
    }
    return e->mask_loop ? both(e, fine, values_get(e, e->mask_loop, u)) : fine;
}

/* Where lane `lane` of vector u is; `other` where the guard does not hold. */
typedef struct lane_places {
    ir_value index, guard, other;
} lane_places;

static ir_value lane_pointer(array_code *c, const place *p, const lane_places *l, int32_t lane)
{
    emitter *e = c->e;
    ir_value base = array_pointer(c, p->storage);
    ir_value at = array_element(c, base, p->t, build_lane(e, l->index, lane));
    return l->guard ? build_select(e, build_lane(e, l->guard, lane), at, l->other) : at;
}

/* -------------------------------------------------------------------------- loads */

static ir_value load_lanes(array_code *c, const place *p, int32_t u)
{
    emitter *e = c->e;
    lane_places l = { own_index(c, p, u), own_guard(c, p, u), c->nothing };
    ir_value v = LLVMGetPoison(memory_type(e, p->t));
    for (int32_t lane = 0; lane < e->full; lane++) {
        ir_value at = lane_pointer(c, p, &l, lane);
        e->lanes = 1;
        ir_value one = build_load(e, memory_type(e, p->t), at, 1);
        e->lanes = e->full;
        v = LLVMBuildInsertElement(e->b, v, one, build_i32(e, lane), "");
    }
    return memory_value(e, p->t, v);
}

static void load_shared(array_code *c, const place *p)
{
    emitter *e = c->e;
    ir_value at = array_element(c, array_pointer(c, p->storage), p->t, p->start);
    at = p->fits ? build_select(e, p->fits, at, c->nothing) : at;
    e->lanes = 1;
    values_set(e, p->n, 0, memory_load(e, p->t, at));
    e->lanes = e->full;
}

static ir_value load_vector(array_code *c, const place *p, int32_t u)
{
    ir_value at = vector_at(c, p->storage, p->start, u);
    at = p->fits ? build_select(c->e, p->fits, at, c->nothing) : at;
    return load_at(c, p->t, at);
}

void group_at(array_code *c, node n)
{
    emitter *e = c->e;
    int32_t lanes = e->lanes;
    place p = place_of(c, n, group_of(c, graph_in(e->g, n, 0)));
    bool shared = !p.spread && !group_has(c, p.storage);
    if (shared)
        load_shared(c, &p);
    for (int32_t u = 0; !shared && u < c->vectors; u++)
        values_set(e, n, u, p.spread ? load_lanes(c, &p, u) : load_vector(c, &p, u));
    e->lanes = lanes;
}

/* -------------------------------------------------------------------------- changes */

/* Lanes in which the element is replaced, but for what `fits` says; NULL: all. */
static ir_value changed_lanes(array_code *c, const place *p, int32_t u)
{
    emitter *e = c->e;
    cell known;
    node when = graph_in(e->g, p->n, p->rank + 2);
    bool always = graph_is_const(e->g, when, &known) && known.u;
    ir_value mask = always || !c->t->varies[when] ? NULL : values_get(e, when, u);
    return e->mask_loop ? both(e, mask, values_get(e, e->mask_loop, u)) : mask;
}

/* The condition that all lanes share; NULL: it holds. */
static ir_value shared_condition(array_code *c, const place *p)
{
    emitter *e = c->e;
    cell known;
    node when = graph_in(e->g, p->n, p->rank + 2);
    bool always = graph_is_const(e->g, when, &known) && known.u;
    if (always || c->t->varies[when])
        return p->fits;
    e->lanes = 1;
    ir_value held = both(e, p->fits, values_get(e, when, 0));
    e->lanes = e->full;
    return held;
}

static void put_vector(array_code *c, const place *p, ir_value held, int32_t u)
{
    emitter *e = c->e;
    ir_value at = vector_at(c, p->storage, p->start, u), mask = changed_lanes(c, p, u);
    ir_value v = values_get(e, graph_in(e->g, p->n, p->rank + 1), u);
    at = held ? build_select(e, held, at, c->nowhere) : at;
    if (mask)
        v = build_select(e, mask, v, load_at(c, p->t, at));
    store_at(c, p->t, v, at);
}

static void put_lanes(array_code *c, const place *p, ir_value held, int32_t u)
{
    emitter *e = c->e;
    ir_value guard = both(e, own_guard(c, p, u), changed_lanes(c, p, u));
    guard = held ? both(e, guard, build_splat(e, held)) : guard;
    lane_places l = { own_index(c, p, u), guard, c->nowhere };
    ir_value v = memory_bits(e, p->t, values_get(e, graph_in(e->g, p->n, p->rank + 1), u));
    for (int32_t lane = 0; lane < e->full; lane++)
        build_store(e, build_lane(e, v, lane), lane_pointer(c, p, &l, lane), 1);
}

void group_put(array_code *c, node n)
{
    emitter *e = c->e;
    int32_t lanes = e->lanes;
    group_copy(c, group_of(c, n), group_of(c, graph_in(e->g, n, 0)));
    place p = place_of(c, n, group_of(c, n));
    ir_value held = shared_condition(c, &p);
    for (int32_t u = 0; u < c->vectors; u++) {
        if (p.spread)
            put_lanes(c, &p, held, u);
        else
            put_vector(c, &p, held, u);
    }
    e->lanes = lanes;
}

static void store_value(array_code *c, node array, node value, ir_value index)
{
    emitter *e = c->e;
    int32_t storage = group_of(c, array), lanes = e->lanes;
    jit_dtype t = c->a->storages[storage].dtype;
    e->lanes = group_has(c, storage) ? e->full : 1;
    for (int32_t u = 0; e->lanes > 1 && u < c->vectors; u++)
        store_at(c, t, values_get(e, value, u), vector_at(c, storage, index, u));
    if (e->lanes == 1)
        memory_store(e, t, values_get(e, value, 0),
                     array_element(c, array_pointer(c, storage), t, index));
    e->lanes = lanes;
}

void group_store(array_code *c, const array_bind *b, ir_value index)
{
    const graph *g = c->e->g;
    for (int32_t i = 0; i < graph_n_values(graph_node(g, b->n)); i++)
        if (array_of(b, i))
            store_value(c, array_of(b, i), graph_in(g, b->n, b->n_axes + i), index);
}

/* -------------------------------------------------------------------------- whole arrays */

static ir_value count_of(const array_code *c, int32_t storage)
{
    int32_t shape = c->a->storages[storage].shape;
    return c->stride[shape * (GRAPH_MAX_RANK + 1) + c->a->g->shapes[shape].rank];
}

void group_copy(array_code *c, int32_t to, int32_t from)
{
    emitter *e = c->e;
    array_loop l = { 0 };
    int32_t lanes = e->lanes;
    if (to == from || !array_loop_begin(c, &l, build_i64(e, 0), count_of(c, to), 1))
        return;
    e->lanes = e->full;
    for (int32_t u = 0; u < c->vectors; u++) {
        ir_value at = vector_at(c, to, l.i, u), v = element_of(c, from, l.i, u);
        jit_dtype t = c->a->storages[to].dtype;
        if (e->mask_loop)
            v = build_select(e, values_get(e, e->mask_loop, u), v, load_at(c, t, at));
        store_at(c, t, v, at);
    }
    e->lanes = lanes;
    array_loop_end(c, &l);
}

void group_choice(array_code *c, node n)
{
    emitter *e = c->e;
    const graph *g = e->g;
    array_loop l = { 0 };
    int32_t to = group_of(c, n), yes = group_of(c, graph_in(g, n, 1));
    int32_t no = group_of(c, graph_in(g, n, 2)), lanes = e->lanes;
    if (!array_loop_begin(c, &l, build_i64(e, 0), count_of(c, to), 1))
        return;
    e->lanes = e->full;
    for (int32_t u = 0; u < c->vectors; u++) {
        ir_value a = element_of(c, yes, l.i, u), b = element_of(c, no, l.i, u);
        ir_value v = build_select(e, values_get(e, graph_in(g, n, 0), u), a, b);
        store_at(c, c->a->storages[to].dtype, v, vector_at(c, to, l.i, u));
    }
    e->lanes = lanes;
    array_loop_end(c, &l);
}
