/* Ticks. What happens at most of them is that a counter in memory goes down by one. */
#include "array_pace.h"

#include "emit.h"

enum {
    TICKS = 64,      /* from one look to the next: a unit of fuel */
    ROUNDS = 1 << 14 /* of an innermost loop, at most, between two ticks */
};

void array_pace_begin(array_code *c)
{
    emitter *e = c->e;
    c->ticks = build_local(e, e->i64, 8);
    build_store(e, build_i64(e, TICKS), c->ticks, 8);
}

/* What has begun to write over its inputs goes on to the end. */
static bool paces(const array_code *c, const array_bind *b)
{
    node commit = c->a->commit;
    return !b->brief && c->ticks && (commit == 0 || array_ancestor(c->a, b->n, 0) < commit);
}

void array_tick(array_code *c, const array_bind *b)
{
    emitter *e = c->e;
    if (!paces(c, b))
        return;
    ir_block look = build_block(e, "look"), on = build_block(e, "tick");
    ir_value left = build_sub(e, build_load(e, e->i64, c->ticks, 8), build_i64(e, 1));
    build_store(e, left, c->ticks, 8);
    build_rare_branch(e, build_icmp(e, LLVMIntSLT, left, build_i64(e, 0)), look, on);
    LLVMPositionBuilderAtEnd(e->b, look);
    emit_check_cancel(e);
    emit_use_fuel(e);
    build_store(e, build_i64(e, TICKS), c->ticks, 8);
    build_goto(e, on);
}

bool array_blocks_begin(array_code *c, const array_bind *b, array_loop *l, ir_value *range,
                        int64_t step)
{
    emitter *e = c->e;
    int64_t from, to, block = ROUNDS * step;
    bool known = array_is_known(range[0], &from) && array_is_known(range[1], &to);
    if (!paces(c, b) || (known && to - from <= block)) {
        l->once = true;
        return !known || from < to;
    }
    if (!array_loop_begin(c, l, range[0], range[1], block))
        return false;
    array_tick(c, b);
    ir_value end = build_add(e, l->i, build_i64(e, block));
    range[0] = l->i;
    range[1] = build_intrinsic(e, "llvm.smin", (ir_value[]){ end, range[1] }, 2);
    return true;
}
