/* A matrix the other way round, t[k, j] = a[j, k]: vectors along j, whose elements lie in as many
 * rows of a. Read and written in pieces of 16 bytes and more, a strip of j after the other:
 *
 *     for j by a line of t     for k by a tile     v[0 .. tile-1] = a[j .., k ..]; t[k + q, j ..] = v[q]
 *     what is left over, of k in those strips and of j, one by one
 *
 * needs   a map of two axes and nothing but the element       cost   each element moved once */
#include "array_pace.h"
#include "array_part.h"
#include "array_turn.h"
#include "emit.h"

enum { LINE = 64, MOST_VECTORS = 4 };

typedef struct transposition {
    array_code *c;
    const array_bind *b;
    array_turn turn;
    int32_t vectors;         /* of a strip */
    ir_value from, from_row; /* a; elements from row to row */
    ir_value to, to_row;     /* t */
    ir_value row[TURN_LANES * MOST_VECTORS];
} transposition;

typedef struct rectangle { /* of t */
    ir_value k[2], j[2];
} rectangle;

bool array_is_transposition(const array_nest *a, const array_bind *b)
{
    const graph *g = a->g;
    if (graph_node(g, b->n)->op != OP_map || graph_node(g, b->n)->imm > 0 || b->n_axes != 2 ||
        !b->vector || b->lanes < 2)
        return false;
    node value = graph_in(g, b->n, 2);
    const node_data *d = graph_node(g, value);
    return d->op == OP_at && d->n_in == 3 && graph_in(g, value, 1) == graph_in(g, b->n, 1) &&
           graph_in(g, value, 2) == graph_in(g, b->n, 0) && !array_panel_of(a, value) &&
           type_bits((jit_dtype)d->dtype) >= 8;
}

/* -------------------------------------------------------------------------- elements */

static ir_value element(const transposition *t, ir_value base, ir_value i)
{
    return LLVMBuildGEP2(t->c->e->b, array_turn_type(&t->turn), base, &i, 1, "");
}

static ir_value element_of_a(const transposition *t, ir_value j, ir_value k)
{
    emitter *e = t->c->e;
    return element(t, t->from, build_add(e, build_mul(e, j, t->from_row), k));
}

static ir_value element_of_t(const transposition *t, ir_value k, ir_value j)
{
    emitter *e = t->c->e;
    return element(t, t->to, build_add(e, build_mul(e, k, t->to_row), j));
}

static void one_by_one(const transposition *t, const rectangle *r)
{
    array_code *c = t->c;
    array_loop rows = { 0 }, columns = { 0 };
    if (!array_loop_begin(c, &rows, r->k[0], r->k[1], 1))
        return;
    array_tick(c, t->b);
    if (array_loop_begin(c, &columns, r->j[0], r->j[1], 1)) {
        ir_value one =
            build_load(c->e, array_turn_type(&t->turn), element_of_a(t, columns.i, rows.i), 1);
        build_store(c->e, one, element_of_t(t, rows.i, columns.i), 1);
        array_loop_end(c, &columns);
    }
    array_loop_end(c, &rows);
}

/* -------------------------------------------------------------------------- tiles */

static void move_tile(const transposition *t, ir_value k, ir_value j)
{
    emitter *e = t->c->e;
    ir_value v[TURN_PART];
    for (int32_t u = 0; u < t->vectors; u++) {
        array_turn_load(&t->turn, t->row + u * t->turn.lanes, k, v);
        for (int32_t q = 0; q < t->turn.tile; q++) {
            ir_value to = element_of_t(t, build_add(e, k, build_i64(e, q)),
                                       build_add(e, j, build_i64(e, u * t->turn.lanes)));
            build_store(e, v[q], to, 1);
        }
    }
}

static void find_rows(transposition *t, ir_value j)
{
    emitter *e = t->c->e;
    for (int32_t r = 0; r < t->turn.lanes * t->vectors; r++)
        t->row[r] = element_of_a(t, build_add(e, j, build_i64(e, r)), build_i64(e, 0));
}

static void strip(transposition *t, ir_value j, const ir_value *k)
{
    array_code *c = t->c;
    array_loop blocks = { 0 }, tiles = { 0 };
    ir_value part[2] = { k[0], k[1] };
    find_rows(t, j);
    if (!array_blocks_begin(c, t->b, &blocks, part, t->turn.tile))
        return;
    if (array_loop_begin(c, &tiles, part[0], part[1], t->turn.tile)) {
        move_tile(t, tiles.i, j);
        array_loop_end(c, &tiles);
    }
    array_loop_end(c, &blocks);
}

static void all_strips(transposition *t, const rectangle *r)
{
    array_code *c = t->c;
    array_loop l = { 0 };
    if (!array_loop_begin(c, &l, r->j[0], r->j[1], (int64_t)t->turn.lanes * t->vectors))
        return;
    array_tick(c, t->b);
    strip(t, l.i, r->k);
    array_loop_end(c, &l);
}

/* -------------------------------------------------------------------------- all */

static transposition transposition_of(array_code *c, const array_bind *b)
{
    const graph *g = c->a->g;
    node array = graph_in(g, graph_in(g, b->n, 2), 0);
    jit_dtype type = graph_dtype(g, b->n);
    int32_t bytes = type_bits(type) / 8;
    transposition t = { .c = c, .b = b, .turn = array_turn_of(c, bytes, b->lanes) };
    t.vectors = LINE / (bytes * b->lanes) > 1 ? LINE / (bytes * b->lanes) : 1;
    t.from = array_pointer(c, c->a->storage[array]);
    t.from_row = c->stride[graph_node(g, array)->shape * (GRAPH_MAX_RANK + 1)];
    t.to = array_pointer(c, c->a->storage[b->n]);
    t.to_row = c->stride[graph_node(g, b->n)->shape * (GRAPH_MAX_RANK + 1)];
    return t;
}

void array_transpose(array_code *c, const array_bind *b)
{
    emitter *e = c->e;
    int32_t lanes = e->lanes;
    e->lanes = 1;
    transposition t = transposition_of(c, b);
    ir_value n = array_extent(c, graph_in(c->a->g, b->n, 1)), k[2] = { build_i64(e, 0), NULL };
    k[1] = array_extent(c, graph_in(c->a->g, b->n, 0));
    array_part_range(c, b, 0, k);
    ir_value whole = array_whole(c, n, (int64_t)b->lanes * t.vectors);
    ir_value tiles = build_add(e, k[0], array_whole(c, build_sub(e, k[1], k[0]), t.turn.tile));
    rectangle most = { { k[0], tiles }, { build_i64(e, 0), whole } };
    all_strips(&t, &most);
    one_by_one(&t, &(rectangle){ { tiles, k[1] }, { most.j[0], whole } });
    one_by_one(&t, &(rectangle){ { k[0], k[1] }, { whole, n } });
    e->lanes = lanes;
}
