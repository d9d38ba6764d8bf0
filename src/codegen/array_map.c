/* Maps: each axis a loop, the last in strips of vectors; what is left over from them; rows. */
#include "array_group.h"
#include "array_pace.h"
#include "array_part.h"
#include "emit.h"
#include "emit_memory.h"
#include "values.h"

/* -------------------------------------------------------------------------- strips */

static int32_t row_count(const array_code *c, const array_bind *b)
{
    bool together = c->together && array_by_row(c, b->n);
    return together || (b->row_axis && b->row_axis == c->e->values->row_axis) ? c->rows : 1;
}

ir_value array_map_index(array_code *c, const array_bind *b, ir_value i)
{
    emitter *e = c->e;
    int32_t shape = graph_node(e->g, b->n)->shape, lanes = e->lanes;
    ir_value index = i;
    e->lanes = 1;
    for (int32_t d = 0; d < b->n_axes - 1; d++) {
        ir_value at = values_get(e, graph_in(e->g, b->n, d), 0);
        ir_value stride = c->stride[shape * (GRAPH_MAX_RANK + 1) + d];
        index = build_add(e, index, build_mul(e, at, stride));
    }
    e->lanes = lanes;
    return index;
}

static void store_vector(array_code *c, node value, ir_value p, int32_t u)
{
    emitter *e = c->e;
    jit_dtype t = graph_dtype(e->g, value);
    ir_value v = values_get(e, value, u);
    ir_value at = build_offset(e, p, build_i64(e, (int64_t)u * e->full * type_bits(t) / 8));
    if (!c->mask || e->full == 1) {
        memory_store(e, t, v, at);
        return;
    }
    ir_value bits = memory_bits(e, t, v);
    ir_type over[2] = { LLVMTypeOf(bits), e->pointer };
    unsigned id = LLVMLookupIntrinsicID("llvm.masked.store", 17);
    ir_value f = LLVMGetIntrinsicDeclaration(e->module, id, over, 2);
    LLVMBuildCall2(e->b, LLVMGlobalGetValueType(f), f,
                   (ir_value[]){ bits, at, build_i32(e, 1), c->mask[u] }, 4, "");
}

/* The elements of all of b's arrays, at b's axes and i. */
static void store_row(array_code *c, const array_bind *b, ir_value i)
{
    const graph *g = c->a->g;
    ir_value index = array_map_index(c, b, i);
    for (int32_t k = 0; k < graph_n_values(graph_node(g, b->n)); k++) {
        node array = array_of(b, k), value = graph_in(g, b->n, b->n_axes + k);
        if (!array)
            continue;
        ir_value p = array_element(c, array_pointer(c, c->a->storage[array]),
                                   graph_dtype(g, array), index);
        for (int32_t u = 0; u < c->vectors; u++)
            store_vector(c, value, p, u);
    }
}

static void store_strip(array_code *c, const array_bind *b, ir_value i)
{
    emit_values *v = c->e->values;
    if (c->samples) {
        group_store(c, b, array_map_index(c, b, i));
        return;
    }
    int32_t rows = row_count(c, b), row = v->row;
    for (int32_t r = 0; r < rows; r++) {
        v->row = rows > 1 ? r : row;
        store_row(c, b, i);
    }
    v->row = row;
}

void array_one_strip(array_code *c, const array_bind *b, ir_value i, ir_value left)
{
    array_strip(c, b, i, left);
    store_strip(c, b, i);
}

/* Whether each begins at an even number of vectors: where code can know. */
static bool begins_even(const array_code *c, const array_bind *b, array_width w,
                        const ir_value *range)
{
    int64_t from, to, both = 2 * (int64_t)w.lanes;
    bool part = b == c->divided && range[0] == c->from[0] && b->vectors % 2 == 0;
    bool known = array_is_known(range[0], &from) && from % both == 0;
    if (!(known || part) || (c->origin && !c->even_origin))
        return false;
    bool once = array_is_known(range[1], &to) && to - from <= (int64_t)w.lanes * w.vectors;
    return once || w.vectors % 2 == 0;
}

/* Strips of the range, relative to c->origin; partly: the last is masked. */
static void strips(array_code *c, const array_bind *b, array_width w, const ir_value *range,
                   bool partly)
{
    emitter *e = c->e;
    array_loop l = { 0 };
    int64_t from, to;
    if (array_is_known(range[0], &from) && array_is_known(range[1], &to) && from >= to)
        return;
    array_context outer = array_enter(c, b, w);
    c->even = begins_even(c, b, w, range);
    array_loop blocks = { .once = true };
    ir_value part[2] = { range[0], range[1] };
    int64_t step = (int64_t)w.lanes * w.vectors;
    ir_block swept = NULL;
    if (!partly && array_sweep(c, b, part, &swept)) {
        array_leave(c, outer);
        return;
    }
    if (b->folds || partly || array_blocks_begin(c, b, &blocks, part, step)) {
        if (array_loop_begin(c, &l, part[0], part[1], step)) {
            if (b->folds && !b->row_axis)
                array_tick(c, b);
            ir_value i = c->origin ? build_add(e, c->origin, l.i) : l.i;
            array_one_strip(c, b, i, partly ? build_sub(e, range[1], l.i) : NULL);
            array_loop_end(c, &l);
        }
        array_loop_end(c, &blocks);
    }
    if (swept)
        build_goto(e, swept);
    array_leave(c, outer);
}

/* What is left over from whole strips, of a number of elements that is known: whole vectors,
 * then one strip that overlaps what was done, or is masked if there is too little. */
static void known_rest(array_code *c, const array_bind *b, const int64_t *range, int32_t most)
{
    emitter *e = c->e;
    int64_t left = range[1] - range[0], from = range[0];
    int32_t lanes = b->lanes, vectors = 1;
    if (b->folds)
        vectors = (int32_t)((left + lanes - 1) / lanes);
    vectors = vectors > most ? most : vectors;
    int64_t whole = left - left % ((int64_t)lanes * vectors);
    strips(c, b, (array_width){ lanes, vectors },
           (ir_value[]){ build_i64(e, from), build_i64(e, from + whole) }, false);
    if (whole == left)
        return;
    bool overlaps = range[1] >= (int64_t)lanes * vectors && !b->panels && !b->over;
    from = overlaps ? range[1] - (int64_t)lanes * vectors : from + whole;
    ir_value rest[2] = { build_i64(e, from), build_i64(e, range[1]) };
    bool masked = !overlaps && b->masks;
    array_width w = { overlaps || masked ? lanes : 1, overlaps || masked ? vectors : 1 };
    strips(c, b, w, rest, masked);
}

/* ... unknown: masked vectors, all at a time if they share the loops of folds; or scalars. */
static void rest_of_strips(array_code *c, const array_bind *b, const ir_value *range,
                           int32_t vectors)
{
    int64_t known[2];
    array_width w = { b->masks ? b->lanes : 1, b->masks && b->folds ? vectors : 1 };
    if (array_is_known(range[0], &known[0]) && array_is_known(range[1], &known[1])) {
        if (known[0] < known[1])
            known_rest(c, b, known, vectors);
        return;
    }
    strips(c, b, w, range, b->masks);
}

/* Of samples together: one loop, whose last strip overlaps the one before. */
static void run_overlapping(array_code *c, const array_bind *b)
{
    array_loop l = { 0 };
    int64_t known;
    ir_value n = array_extent(c, graph_in(c->a->g, b->n, b->n_axes - 1));
    bool whole = array_is_known(n, &known) && known % b->lanes == 0;
    bool masked = array_is_known(n, &known) && known < b->lanes;
    array_context outer = array_enter(c, b, (array_width){ b->lanes, 1 });
    if (array_loop_begin(c, &l, build_i64(c->e, 0), n, b->lanes)) {
        ir_value i = whole || masked ? l.i : array_overlapping(c, l.i, n);
        array_one_strip(c, b, i, masked ? n : NULL);
        array_loop_end(c, &l);
    }
    array_leave(c, outer);
}

static void run_vectors(array_code *c, const array_bind *b, int32_t vectors)
{
    emitter *e = c->e;
    if (c->together && c->rows > 1) {
        run_overlapping(c, b);
        return;
    }
    ir_value n = c->length ? c->length : array_extent(c, graph_in(e->g, b->n, b->n_axes - 1));
    array_width w = { b->lanes, vectors };
    int64_t step = (int64_t)w.lanes * w.vectors, known;
    bool fixed = array_is_known(n, &known);
    const array_bind *divided = b->n_axes == 1 ? b : NULL;
    ir_value whole = fixed ? array_whole(c, n, step) : NULL;
    ir_value range[2] = { build_i64(e, 0), fixed ? whole : n };
    array_part_range(c, divided, 0, range);
    ir_value rest[2] = { whole, n };
    if (!fixed) {
        rest[1] = range[1];
        rest[0] =
            build_add(e, range[0], array_whole(c, build_sub(e, range[1], range[0]), step));
        range[1] = rest[0];
    }
    strips(c, b, w, range, false);
    ir_block after = array_rest_begin(c, divided, n);
    rest_of_strips(c, b, rest, vectors);
    array_rest_end(c, after);
}

/* -------------------------------------------------------------------------- columns */

/* Rows of a product read the same columns: so many of them pass by all rows before the next. */
int64_t array_columns_of(const array_nest *a, const array_bind *b)
{
    enum { VECTORS = 8 };
    cell n;
    int64_t columns = (int64_t)b->lanes * VECTORS;
    node extent = graph_in(a->g, graph_in(a->g, b->n, b->n_axes - 1), 0);
    bool known = graph_is_const(a->g, extent, &n);
    for (int32_t i = VECTORS; known && i >= VECTORS / 2; i--)
        if (i % b->vectors == 0 && n.i % ((int64_t)b->lanes * i) == 0)
            return (int64_t)b->lanes * i;
    for (int32_t i = 2 * VECTORS; known && i >= VECTORS / 2; i--)
        if ((i % b->vectors == 0 || i < VECTORS) && n.i % ((int64_t)b->lanes * i) == 0)
            return (int64_t)b->lanes * i;
    return columns;
}

int64_t array_columns(const array_code *c, const array_bind *b)
{
    cell n;
    int64_t columns = array_columns_of(c->a, b);
    node extent = graph_in(c->a->g, graph_in(c->a->g, b->n, b->n_axes - 1), 0);
    return graph_is_const(c->a->g, extent, &n) && n.i <= 2 * columns ? 0 : columns;
}

/* Of the only row: no other reads the same. */
static bool all_columns(array_code *c, array_loop *l, const ir_value *range)
{
    int64_t from;
    bool all = array_is_known(range[0], &from) && from == 0;
    l->once = true;
    c->origin = all ? NULL : range[0];
    c->length = all ? NULL : build_sub(c->e, range[1], range[0]);
    return true;
}

bool array_columns_begin(array_code *c, const array_bind *b, array_loop *l)
{
    emitter *e = c->e;
    ir_value n = array_extent(c, graph_in(e->g, b->n, b->n_axes - 1));
    int64_t columns = array_columns(c, b), known;
    ir_value range[2] = { build_i64(e, 0), n };
    *l = (array_loop){ 0 };
    if (columns == 0)
        columns = LLVMConstIntGetSExtValue(n) > 0 ? LLVMConstIntGetSExtValue(n) : 1;
    array_part_range(c, b, 1, range);
    c->even_origin = columns % (2 * (int64_t)b->lanes) == 0;
    if (c->alone && b->row_axis == ROW_SAMPLE)
        return all_columns(c, l, range);
    if (!array_loop_begin(c, l, range[0], range[1], columns))
        return false;
    if (!l->once)
        array_tick(c, b);
    c->origin = l->once ? NULL : l->i;
    c->length = build_i64(e, columns);
    if (!array_is_known(n, &known) || known % columns != 0)
        c->length = build_intrinsic(e, "llvm.smin",
                                    (ir_value[]){ build_sub(e, n, l->i), c->length }, 2);
    return true;
}

void array_columns_end(array_code *c, array_loop *l)
{
    c->origin = c->length = NULL;
    array_loop_end(c, l);
}

/* -------------------------------------------------------------------------- axes */

static void run_axis(array_code *c, const array_bind *b, int32_t d, int32_t vectors);

static void run_inside(array_code *c, const array_bind *b, int32_t d, int32_t vectors)
{
    array_list(c, &b->level[d], c->vectors);
    if (d + 1 < b->n_axes)
        run_axis(c, b, d + 1, vectors);
    else
        store_strip(c, b, *values_scalar(c->e, graph_in(c->a->g, b->n, d)));
}

static void run_rows_of(array_code *c, const array_bind *b, int32_t d, array_loop *l)
{
    emit_values *v = c->e->values;
    for (v->row = 0; v->row < c->rows; v->row++)
        array_set_axis(c, graph_in(c->a->g, b->n, d),
                       build_add(c->e, l->i, build_i64(c->e, v->row)));
    v->row = 0;
}

/* The axis that makes rows: as many as there are together, then fewer. */
static void run_row_axis(array_code *c, const array_bind *b, int32_t d)
{
    emitter *e = c->e;
    ir_value n = array_rounds(c, b, d), range[2] = { build_i64(e, 0), n };
    int64_t known;
    bool fixed = array_is_known(n, &known);
    const array_bind *divided = d == 0 ? b : NULL;
    ir_block after = NULL;
    node outer = e->values->row_axis;
    if (fixed)
        range[1] = array_whole(c, n, b->rows);
    array_part_range(c, divided, 0, range);
    ir_value from = range[0];
    n = fixed ? n : range[1];
    e->values->row_axis = b->row_axis;
    for (int32_t rows = b->rows; rows > 0; rows = array_fewer_rows(rows)) {
        array_loop l = { 0 };
        bool first = rows == b->rows && fixed;
        ir_value to =
            first ? range[1] : build_add(e, from, array_whole(c, build_sub(e, n, from), rows));
        if (array_loop_begin(c, &l, from, to, rows)) {
            if (rows == b->rows)
                array_tick(c, b);
            c->rows = rows;
            run_rows_of(c, b, d, &l);
            run_inside(c, b, d, array_row_vectors(b, rows));
            c->rows = 1;
            array_loop_end(c, &l);
        }
        from = first ? array_whole(c, n, rows) : to;
        if (first)
            after = array_rest_begin(c, divided, n);
    }
    array_rest_end(c, after);
    e->values->row_axis = outer;
}

static void run_axis(array_code *c, const array_bind *b, int32_t d, int32_t vectors)
{
    emitter *e = c->e;
    node axis = graph_in(e->g, b->n, d);
    array_loop l = { 0 };
    if (b->vector && d == b->n_axes - 1) {
        run_vectors(c, b, vectors);
        return;
    }
    if (axis == b->row_axis) {
        ir_block done = array_product_begin(c, b, array_rounds(c, b, d));
        if (array_columns_begin(c, b, &l)) {
            array_pack_begin(c, b, d);
            run_row_axis(c, b, d);
            c->packed = 0;
            array_columns_end(c, &l);
        }
        array_product_end(c, done);
        return;
    }
    ir_value range[2] = { build_i64(e, 0), array_rounds(c, b, d) };
    array_part_range(c, d == 0 ? b : NULL, 0, range);
    if (array_loop_begin(c, &l, range[0], range[1], 1)) {
        array_tick(c, b);
        array_set_axis(c, axis, l.i);
        run_inside(c, b, d, vectors);
        array_loop_end(c, &l);
    }
}

void array_map(array_code *c, node n)
{
    const array_bind *b = array_bind_of(c->a, n);
    if (b->product)
        array_pair(c, b);
    else if (!b->paired)
        array_run_map(c, b);
}

void array_run_map(array_code *c, const array_bind *b)
{
    emit_flush_flags(c->e);
    if (c->rows == 1 && !c->samples && array_is_transposition(c->a, b)) {
        array_transpose(c, b);
        return;
    }
    bool rows = b->row_axis && b->row_axis == c->e->values->row_axis;
    run_axis(c, b, 0, rows ? array_row_vectors(b, c->rows) : b->vectors);
}
