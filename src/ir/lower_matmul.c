/* The matrix product x @ y, by NumPy's rules: sums of products over the last axis of x and the
 * last but one of y (its only one, of a vector); axes before these broadcast.
 *
 *     [k] @ [k]        a number        [m,k] @ [k]     [m]
 *     [k] @ [k,n]      [n]             [m,k] @ [k,n]   [m,n]        [b,m,k] @ [k,n]   [b,m,n] */
#include "lower_state.h"

typedef struct product {
    graph_shape x, y, batch;
    bool row, column;              /* x has rows, y has columns */
    node axes[GRAPH_MAX_RANK + 2]; /* of the result */
    span at;
} product;

static bool is_matrix_operand(lowering *lw, value v, const char *side, span at)
{
    if (value_is_array(lw, v))
        return true;
    if (v.kind > VALUE_POISON && v.kind < VALUE_TUPLE)
        lower_error(lw, DIAG_array_needed, at, "'@' takes arrays, but the %s side is %s", side,
                    type_text(type_of_value(lw, v)));
    return false;
}

static value without_matrix(lowering *lw, value v, int32_t drop, span at)
{
    graph_shape s = value_shape(lw, v);
    s.rank = s.rank > drop ? s.rank - drop : 0;
    return s.rank == 0 ? value_integer(0) : array_fill(lw, value_bool(lw, false), &s, at);
}

static bool read_shapes(lowering *lw, product *p, value x, value y)
{
    span at = p->at;
    p->x = value_shape(lw, x);
    p->y = value_shape(lw, y);
    p->row = p->x.rank > 1;
    p->column = p->y.rank > 1;
    node a = p->x.extent[p->x.rank - 1], b = p->y.extent[p->column ? p->y.rank - 2 : 0];
    if (a != b) {
        lower_error(lw, DIAG_matmul, at,
                    "cannot multiply %s with %s: %s columns on the left, %s rows on the right",
                    value_text(lw, x), value_text(lw, y), extent_text(lw, a),
                    extent_text(lw, b));
        return false;
    }
    value both[2] = { without_matrix(lw, x, 2, at), without_matrix(lw, y, 2, at) };
    return array_broadcast_shape(lw, both, 2, &p->batch, at) &&
           p->batch.rank + p->row + p->column <= GRAPH_MAX_RANK;
}

/* The element at the batch axes, then at the given ones: one of a vector, two of a matrix. */
static value element(lowering *lw, const product *p, value v, const node *last)
{
    graph_shape s = value_shape(lw, v);
    node subscript[GRAPH_MAX_RANK];
    int32_t lead = s.rank > 2 ? s.rank - 2 : 0;
    for (int32_t i = 0; i < lead; i++) {
        node axis = p->axes[p->batch.rank - lead + i];
        bool same = graph_in(lw->g, axis, 0) == s.extent[i];
        subscript[i] = same ? axis : extent_const(lw, 0);
    }
    for (int32_t i = lead; i < s.rank; i++)
        subscript[i] = last[i - lead];
    return lower_array_at(lw, v, subscript, p->at);
}

static graph_shape result_shape(const product *p)
{
    graph_shape s = p->batch;
    if (p->row)
        s.extent[s.rank++] = p->x.extent[p->x.rank - 2];
    if (p->column)
        s.extent[s.rank++] = p->y.extent[p->y.rank - 1];
    return s;
}

value lower_matmul(lowering *lw, value x, value y, span at)
{
    product p = { .at = at };
    if (!is_matrix_operand(lw, x, "left", at) || !is_matrix_operand(lw, y, "right", at) ||
        !read_shapes(lw, &p, x, y))
        return value_poison();
    int32_t n = p.batch.rank;
    graph_shape result = result_shape(&p);
    node k = graph_axis(lw->g, p.x.extent[p.x.rank - 1], lower_place(lw, at));
    if (!k || (result.rank > 0 && !array_axes(lw, &result, p.axes, at)))
        return value_poison();
    node left[2] = { p.row ? p.axes[n] : k, k };
    node right[2] = { k, p.column ? p.axes[n + p.row] : 0 };
    value both[2] = { element(lw, &p, x, left), element(lw, &p, y, right) };
    if (!axes_push(lw, p.axes, result.rank))
        return value_poison();
    value v = reduce_over(lw, REDOP_SUM, &k, 1, lower_apply(lw, OP_mul, both, 2, at), at);
    axes_pop(lw, result.rank);
    return result.rank == 0 || v.kind == VALUE_POISON
               ? v
               : lower_array_map(lw, p.axes, result.rank, v, at);
}
