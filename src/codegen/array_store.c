/* array_stores: where the elements of each array are. `put`, loop variables and results of loops
 * take the place of an array that is not read after them, and so does the next value of a loop's
 * array whose elements are computed each from its own; everything else is copied. */
#include "array_nest.h"

/* -------------------------------------------------------------------------- who reads it */

bool array_is_before(const array_nest *a, node user, node by)
{
    node at = array_ancestor(a, user, a->t->region[by]);
    if (at == 0 || user == a->t->region[by])
        return false;
    if (a->head[at] != a->head[by])
        return a->head[at];
    if (a->t->region[by] == 0 && a->sample[at] != a->sample[by])
        return a->sample[by]; /* what is computed once per call comes before all samples */
    return at < by;
}

bool array_is_output(const graph *g, node n)
{
    for (int32_t i = 0; i < g->n_outputs; i++)
        if (g->outputs[i].value == n)
            return true;
    return false;
}

bool array_names(const graph *g, node n, int32_t i)
{
    const node_data *d = graph_node(g, n);
    return d->op == OP_loop && i < (int32_t)d->imm;
}

/* x is not read by anybody but `heir`, once `by` is computed. */
static bool is_dead_after(const array_nest *a, node x, node heir, node by)
{
    const graph *g = a->g;
    if (array_is_output(g, x))
        return false;
    for (node n = 1; n < g->n_nodes; n++) {
        if (!a->t->used[n] || n == heir)
            continue;
        for (int32_t i = 0; i < graph_node(g, n)->n_in; i++)
            if (graph_in(g, n, i) == x && !array_names(g, n, i) && !array_is_before(a, n, by))
                return false;
    }
    return true;
}

/* `heir` may have x's elements; `by` is where it begins to write. */
static bool may_inherit(const array_nest *a, node x, node heir, node by)
{
    const array_storage *s = &a->storages[a->storage[x]];
    bool same_place = a->t->region[x] == a->t->region[by] && a->level[x] == a->level[by] &&
                      a->sample[x] == a->sample[by];
    bool lanes = a->group && a->t->varies[heir];
    return s->kind != STORAGE_INPUT && same_place && s->lanes == lanes &&
           is_dead_after(a, x, heir, by);
}

/* -------------------------------------------------------------------------- storages */

static int32_t new_storage(array_nest *a, node n, node home)
{
    array_storage *s = &a->storages[a->n_storages];
    *s = (array_storage){ .kind = STORAGE_WORK,
                          .shape = graph_node(a->g, n)->shape,
                          .dtype = graph_dtype(a->g, n),
                          .home = home,
                          .by_sample = home == 0 && a->sample[n],
                          .lanes = a->group && a->t->varies[n] };
    return a->n_storages++;
}

/* For the rows of one map after the other. */
static void store_strips(array_nest *a)
{
    for (int32_t i = 0; i < a->n_binds; i++) {
        array_bind *b = &a->binds[i];
        if (!b->packed)
            continue;
        b->strip = new_storage(a, graph_in(a->g, b->packed, 0), b->n);
        a->storages[b->strip].strip = (int32_t)array_columns_of(a, b);
    }
}

static node loop_of(const array_nest *a, node phi)
{
    return a->t->region[phi];
}

static void store_phi(array_nest *a, node n)
{
    node init = graph_in(a->g, n, 0), loop = loop_of(a, n);
    if (may_inherit(a, init, n, loop)) {
        a->storage[n] = a->storage[init];
        return;
    }
    a->storage[n] = new_storage(a, n, a->t->region[loop]);
    a->storages[a->storage[n]].by_sample = a->t->region[loop] == 0 && a->sample[n];
}

/* The variable of a loop in whose place its next value can be made; 0: none. */
static node changed_in_place(const array_nest *a, node n)
{
    const graph *g = a->g;
    node loop = a->t->region[n];
    if (a->group || graph_node(g, n)->op != OP_map || graph_node(g, loop)->op != OP_loop)
        return 0;
    const array_bind *b = array_bind_of(a, n);
    int32_t k = (int32_t)graph_node(g, loop)->imm;
    for (int32_t i = 0; i < k && !b->row_axis && !b->panels; i++) {
        node phi = graph_in(g, loop, i);
        if (graph_in(g, loop, k + 1 + i) == n && a->sample[phi] == a->sample[n] &&
            graph_node(g, phi)->shape == graph_node(g, n)->shape &&
            graph_dtype(g, phi) == graph_dtype(g, n) && array_is_last_to_read(a, phi, n))
            return phi;
    }
    return 0;
}

static void store_map(array_nest *a, node n)
{
    node from = changed_in_place(a, n);
    if (from == 0) {
        a->storage[n] = new_storage(a, n, a->t->region[n]);
        return;
    }
    a->storage[n] = a->storage[from];
    a->binds[a->bind_at[n]].over = true;
}

static void store_node(array_nest *a, node n)
{
    const graph *g = a->g;
    const node_data *d = graph_node(g, n);
    switch ((op)d->op) {
    case OP_arg:
        a->storage[n] = new_storage(a, n, 0);
        if (a->group && a->t->varies[n])
            a->storages[a->storage[n]].staged = true;
        else
            a->storages[a->storage[n]].kind = STORAGE_INPUT;
        a->storages[a->storage[n]].number = (int32_t)d->imm;
        break;
    case OP_put:
        a->storage[n] = may_inherit(a, graph_in(g, n, 0), n, n)
                            ? a->storage[graph_in(g, n, 0)]
                            : new_storage(a, n, a->t->region[n]);
        break;
    case OP_phi:
        store_phi(a, n);
        break;
    case OP_proj:
        a->storage[n] = a->storage[graph_in(g, graph_in(g, n, 0), (int32_t)d->imm)];
        break;
    default: /* map, also, select */
        store_map(a, n);
        break;
    }
}

/* Of a product that is read block by block there is one block. */
static void store_blocks(array_nest *a)
{
    cell columns;
    for (int32_t i = 0; i < a->n_binds; i++) {
        const array_bind *b = &a->binds[i];
        if (!b->product ||
            !graph_is_const(a->g, graph_in(a->g, graph_in(a->g, b->n, 1), 0), &columns))
            continue;
        array_storage *s = &a->storages[a->storage[b->product]];
        s->block = b->block * columns.i * (type_bits(s->dtype) / 8);
        s->by_sample = false;
    }
}

/* The next value of one variable may lie where another's is written. */
static void store_swaps(array_nest *a, node loop)
{
    const graph *g = a->g;
    int32_t k = (int32_t)graph_node(g, loop)->imm;
    for (int32_t i = 0; i < k; i++) {
        node phi = graph_in(g, loop, i), next = graph_in(g, loop, k + 1 + i);
        for (int32_t j = 0; array_is(a, phi) && j < k; j++) {
            node other = graph_in(g, loop, j);
            if (j != i && array_is(a, other) && a->swap[phi] < 0 &&
                a->storage[next] == a->storage[other])
                a->swap[phi] = new_storage(a, phi, a->t->region[loop]);
        }
    }
}

node array_written_by(const graph *g, node n)
{
    return graph_node(g, n)->op == OP_also ? graph_in(g, n, 0) : n;
}

/* An array that is given out is made where it is to be. */
static void place_outputs(array_nest *a)
{
    const graph *g = a->g;
    for (int32_t i = 0; !a->group && i < g->n_outputs; i++) {
        node n = g->outputs[i].value, map = array_written_by(g, n);
        array_storage *s = array_is(a, n) ? &a->storages[a->storage[n]] : NULL;
        bool over = a->over && a->over[i] >= 0;
        if (!s || s->kind != STORAGE_WORK || !s->by_sample ||
            (over && !array_may_be_over(a, n, a->over[i])))
            continue;
        s->kind = STORAGE_OUTPUT;
        s->number = i;
        if (!over)
            continue;
        a->binds[a->bind_at[map]].over = true;
        a->commit = a->commit == 0 || map < a->commit ? map : a->commit;
    }
}

/* -------------------------------------------------------------------------- workspace */

static int32_t position(const array_nest *a, node n)
{
    node at = array_ancestor(a, n, 0);
    return at ? at : n;
}

/* From where it is made to the last that reads or writes it. */
static void find_spans(array_nest *a)
{
    const graph *g = a->g;
    for (int32_t i = 0; i < a->n_storages; i++)
        a->storages[i].first = g->n_nodes;
    for (node n = 1; n < g->n_nodes; n++) {
        if (!a->t->used[n])
            continue;
        int32_t at = position(a, array_written_by(g, n));
        for (int32_t i = -1; i < graph_node(g, n)->n_in; i++) {
            node x = i < 0 ? n : graph_in(g, n, i);
            array_storage *s = array_is(a, x) ? &a->storages[a->storage[x]] : NULL;
            if (s && at < s->first)
                s->first = at;
            if (s && at > s->last)
                s->last = at;
        }
    }
    for (int32_t i = 0; i < g->n_outputs; i++)
        if (array_is(a, g->outputs[i].value))
            a->storages[a->storage[g->outputs[i].value]].last = g->n_nodes;
    for (node n = 1; n < g->n_nodes; n++)
        if (a->swap[n] >= 0) {
            array_storage *s = &a->storages[a->swap[n]];
            s->first = s->last = position(a, n);
        }
    for (int32_t i = 0; i < a->n_storages; i++)
        if (a->storages[i].staged)
            a->storages[i].first = 0;
}

static bool fits(const array_nest *a, const array_piece *p, const array_storage *s)
{
    if (p->strips && s->strip > 0)
        return true;
    if (!p->by_sample || !s->by_sample)
        return false;
    for (int32_t i = 0; i < p->n_storages; i++) {
        const array_storage *o = &a->storages[p->storage[i]];
        if (o->first <= s->last && s->first <= o->last)
            return false;
    }
    return true;
}

static bool add_to_piece(array_nest *a, int32_t storage)
{
    array_storage *s = &a->storages[storage];
    int32_t i = 0;
    while (i < a->n_pieces && !fits(a, &a->pieces[i], s))
        i++;
    array_piece *p = &a->pieces[i];
    if (i == a->n_pieces) {
        a->n_pieces++;
        p->by_sample = s->by_sample;
        p->own = s->home != 0 || s->block > 0;
        p->strips = s->strip > 0;
        p->storage = arena_alloc(a->g->ar, (size_t)a->n_storages * sizeof *p->storage);
    }
    s->piece = i;
    if (p->storage)
        p->storage[p->n_storages++] = storage;
    return p->storage != NULL;
}

static bool make_pieces(array_nest *a)
{
    a->pieces = arena_alloc(a->g->ar, ((size_t)a->n_storages + 2) * sizeof *a->pieces);
    bool ok = a->pieces != NULL;
    for (int32_t i = 0; ok && i < a->n_storages; i++)
        if (a->storages[i].kind == STORAGE_WORK)
            ok = add_to_piece(a, i);
    if (ok && a->n_call_slots > 0)
        a->pieces[a->n_pieces++] = (array_piece){ .fixed = 8 * (int64_t)a->n_call_slots };
    if (ok && a->n_slots > 0)
        a->pieces[a->n_pieces++] =
            (array_piece){ .by_sample = true, .fixed = 8 * (int64_t)a->n_slots };
    return ok;
}

bool array_stores(array_nest *a)
{
    const graph *g = a->g;
    size_t n = (size_t)g->n_nodes;
    a->storages = arena_alloc(g->ar, 2 * n * sizeof *a->storages);
    a->storage = arena_alloc(g->ar, n * sizeof *a->storage);
    a->swap = arena_alloc(g->ar, n * sizeof *a->swap);
    if (!a->storages || !a->storage || !a->swap)
        return false;
    for (node i = 0; i < g->n_nodes; i++)
        a->swap[i] = -1;
    for (node i = 1; i < g->n_nodes; i++) {
        if (a->t->used[i] && array_is(a, i))
            store_node(a, i);
        if (a->t->loop_at[i] >= 0)
            store_swaps(a, i);
    }
    store_strips(a);
    store_blocks(a);
    place_outputs(a);
    find_spans(a);
    return make_pieces(a);
}
