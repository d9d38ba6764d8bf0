/* Columns of short rows; see array_row.h. Of rows of 3 in vectors of 4:
 *
 *     vectors   a0 b0 c0 a1 | b1 c1 a2 b2 | c2 a3 b3 c3
 *     column 0  a0 .. .. a1 | .. .. a2 .. | .. a3 .. ..    each lane of one vector only:
 *     chosen    a0 a3 a2 a1                                then moved
 *
 * With 2 and 4 it is in the same lanes of several: they are moved two vectors at a time. */
#include "array_row.h"

enum { MOST_LANES = 16, MOST_LENGTH = 4 };

bool array_row_loads(int32_t lanes, int64_t length)
{
    return length >= 2 && length <= MOST_LENGTH && lanes <= MOST_LANES;
}

/* Lanes of a and b, by number; -1: any. */
static ir_value shuffle(const array_code *c, ir_value a, ir_value b, const int32_t *lane)
{
    const emitter *e = c->e;
    ir_value at[MOST_LANES];
    for (int32_t i = 0; i < e->full; i++)
        at[i] = lane[i] < 0 ? LLVMGetPoison(e->i32) : build_i32(e, lane[i]);
    return LLVMBuildShuffleVector(e->b, a, b, LLVMConstVector(at, (unsigned)e->full), "");
}

/* Length 3. */
static ir_value choose_and_move(const array_code *c, const ir_value *v, array_row r)
{
    int32_t full = c->e->full, lane[MOST_LANES];
    ir_value all = v[0];
    for (int32_t k = 1; k < r.length; k++) {
        for (int32_t i = 0; i < full; i++)
            lane[i] = (k * full + i) % r.length == r.column ? full + i : i;
        all = shuffle(c, all, v[k], lane);
    }
    for (int32_t i = 0; i < full; i++)
        lane[i] = (r.length * i + r.column) % full;
    return shuffle(c, all, all, lane);
}

/* Of the vectors first, first + 1 what belongs to the column, each in its lane. */
static ir_value move_two(const array_code *c, const ir_value *v, int32_t first, array_row r)
{
    int32_t full = c->e->full, lane[MOST_LANES];
    for (int32_t i = 0; i < full; i++) {
        int32_t at = r.length * i + r.column - first * full;
        lane[i] = at >= 0 && at < 2 * full ? at : -1;
    }
    return shuffle(c, v[first], v[first + 1], lane);
}

static ir_value move_pairs(const array_code *c, const ir_value *v, array_row r)
{
    int32_t full = c->e->full, lane[MOST_LANES];
    ir_value low = move_two(c, v, 0, r);
    if (r.length == 2)
        return low;
    for (int32_t i = 0; i < full; i++)
        lane[i] = i < full / 2 ? i : full + i;
    return shuffle(c, low, move_two(c, v, 2, r), lane);
}

ir_value array_row_load(array_code *c, ir_type type, ir_value rows, array_row r)
{
    emitter *e = c->e;
    ir_value v[MOST_LENGTH];
    int64_t bytes = (int64_t)e->full * r.bytes;
    for (int32_t i = 0; i < r.length; i++)
        v[i] = build_load(e, type, build_offset(e, rows, build_i64(e, i * bytes)), 1);
    return r.length == 3 ? choose_and_move(c, v, r) : move_pairs(c, v, r);
}
