/* See array_turn.h. */
#include "array_turn.h"

#include "emit.h"

array_turn array_turn_of(array_code *c, int32_t bytes, int32_t lanes)
{
    int32_t tile = TURN_PART / bytes;
    return (array_turn){ c, bytes, lanes, lanes % tile == 0 ? tile : 1 };
}

ir_type array_turn_type(const array_turn *t)
{
    return LLVMIntTypeInContext(t->c->e->context, 8 * (unsigned)t->bytes);
}

static ir_value shuffle(const array_turn *t, ir_value a, ir_value b, const int32_t *at,
                        int32_t n)
{
    ir_value mask[TURN_LANES];
    emitter *e = t->c->e;
    for (int32_t i = 0; i < n; i++)
        mask[i] = build_i32(e, at[i]);
    return LLVMBuildShuffleVector(e->b, a, b, LLVMConstVector(mask, (unsigned)n), "");
}

static ir_value joined(const array_turn *t, ir_value a, ir_value b, int32_t n)
{
    int32_t at[TURN_LANES];
    for (int32_t i = 0; i < 2 * n; i++)
        at[i] = i;
    return shuffle(t, a, b, at, 2 * n);
}

/* The low or high halves of each part, taken in turns. */
static ir_value unpacked(const array_turn *t, ir_value a, ir_value b, bool high)
{
    int32_t at[TURN_LANES], half = t->tile / 2;
    for (int32_t i = 0; i < t->lanes; i++) {
        int32_t part = i / t->tile * t->tile, k = i % t->tile;
        at[i] = part + k / 2 + (high ? half : 0) + (k % 2 ? t->lanes : 0);
    }
    return shuffle(t, a, b, at, t->lanes);
}

static void turn(const array_turn *t, ir_value *v)
{
    ir_value w[TURN_PART];
    int32_t half = t->tile / 2;
    for (int32_t round = 1; round < t->tile; round *= 2) {
        for (int32_t i = 0; i < half; i++) {
            w[2 * i] = unpacked(t, v[i], v[i + half], false);
            w[2 * i + 1] = unpacked(t, v[i], v[i + half], true);
        }
        for (int32_t i = 0; i < t->tile; i++)
            v[i] = w[i];
    }
}

static ir_value in_row(const array_turn *t, ir_value row, ir_value i)
{
    return LLVMBuildGEP2(t->c->e->b, array_turn_type(t), row, &i, 1, "");
}

static ir_value load_parts(const array_turn *t, const ir_value *row, int32_t q, ir_value i)
{
    emitter *e = t->c->e;
    ir_value v[TURN_LANES];
    int32_t n = t->lanes / t->tile, width = t->tile;
    ir_type type = LLVMVectorType(array_turn_type(t), (unsigned)width);
    for (int32_t k = 0; k < n; k++)
        v[k] = build_load(e, type, in_row(t, row[k * t->tile + q], i), 1);
    for (; n > 1; n /= 2, width *= 2)
        for (int32_t k = 0; k < n / 2; k++)
            v[k] = joined(t, v[2 * k], v[2 * k + 1], width);
    return v[0];
}

void array_turn_load(const array_turn *t, const ir_value *row, ir_value i, ir_value *v)
{
    for (int32_t q = 0; q < t->tile; q++)
        v[q] = load_parts(t, row, q, i);
    turn(t, v);
}

static void store_parts(const array_turn *t, ir_value v, int32_t q, const ir_value *to)
{
    int32_t at[TURN_LANES];
    for (int32_t k = 0; k < t->lanes / t->tile; k++) {
        for (int32_t j = 0; j < t->tile; j++)
            at[j] = k * t->tile + j;
        ir_value part = shuffle(t, v, LLVMGetPoison(LLVMTypeOf(v)), at, t->tile);
        build_store(t->c->e, part, to[k * t->tile + q], 1);
    }
}

void array_turn_store(const array_turn *t, ir_value *v, const ir_value *row, ir_value i)
{
    ir_value to[TURN_LANES];
    for (int32_t k = 0; k < t->lanes; k++)
        to[k] = in_row(t, row[k], i);
    turn(t, v);
    for (int32_t q = 0; q < t->tile; q++)
        store_parts(t, v[q], q, to);
}
