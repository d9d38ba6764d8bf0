/* Counted loops, extents, axes. */
#include "array_code.h"
#include "emit.h"
#include "values.h"

bool array_is_known(ir_value v, int64_t *n)
{
    if (!LLVMIsAConstantInt(v))
        return false;
    *n = LLVMConstIntGetSExtValue(v);
    return true;
}

ir_value array_whole(array_code *c, ir_value n, int64_t step)
{
    emitter *e = c->e;
    if (step == 1)
        return n;
    if ((step & (step - 1)) == 0)
        return build_and(e, n, build_i64(e, -step));
    return build_sub(e, n, LLVMBuildSRem(e->b, n, build_i64(e, step), ""));
}

/* The loop is entered only if it has a round, and tests at its end. */
bool array_loop_begin(array_code *c, array_loop *l, ir_value from, ir_value to, int64_t step)
{
    emitter *e = c->e;
    int64_t a = 0, b = 0;
    bool known = array_is_known(from, &a) && array_is_known(to, &b);
    l->i = from;
    l->to = to;
    l->step = build_i64(e, step);
    l->once = known && a < b && b - a <= step;
    l->guarded = !known;
    if (known && a >= b)
        return false;
    if (l->once)
        return true;
    emit_flush_flags(e);
    size_t n = (size_t)l->n_carried + 1;
    l->phi = arena_alloc(e->g->ar, n * sizeof *l->phi);
    l->first = arena_alloc(e->g->ar, n * sizeof *l->first);
    if (!l->phi || !l->first) { /* what is emitted will not be used */
        e->failed = l->once = true;
        return true;
    }
    l->head = build_block(e, "axis");
    l->end = build_block(e, "axis_end");
    l->before = LLVMGetInsertBlock(e->b);
    if (known)
        LLVMBuildBr(e->b, l->head);
    else
        build_branch(e, build_icmp(e, LLVMIntSLT, from, to), l->head, l->end);
    LLVMPositionBuilderAtEnd(e->b, l->head);
    l->i = LLVMBuildPhi(e->b, e->i64, "");
    LLVMAddIncoming(l->i, &from, &l->before, 1);
    for (int32_t k = 0; k < l->n_carried; k++) {
        l->first[k] = l->carried[k];
        l->phi[k] = LLVMBuildPhi(e->b, LLVMTypeOf(l->carried[k]), "");
        LLVMAddIncoming(l->phi[k], &l->carried[k], &l->before, 1);
        l->carried[k] = l->phi[k];
    }
    return true;
}

void array_loop_end(array_code *c, array_loop *l)
{
    emitter *e = c->e;
    emit_flush_flags(e);
    if (l->once)
        return;
    ir_value next = build_add(e, l->i, l->step);
    next = l->followed ? next : build_counter(e, next);
    ir_block last = LLVMGetInsertBlock(e->b);
    build_branch(e, build_icmp(e, LLVMIntSLT, next, l->to), l->head, l->end);
    LLVMAddIncoming(l->i, &next, &last, 1);
    for (int32_t k = 0; k < l->n_carried; k++)
        LLVMAddIncoming(l->phi[k], &l->carried[k], &last, 1);
    LLVMPositionBuilderAtEnd(e->b, l->end);
    for (int32_t k = 0; l->guarded && k < l->n_carried; k++) {
        ir_value r = LLVMBuildPhi(e->b, LLVMTypeOf(l->carried[k]), "");
        LLVMAddIncoming(r, (ir_value[]){ l->first[k], l->carried[k] },
                        (ir_block[]){ l->before, last }, 2);
        l->carried[k] = r;
    }
}

ir_value array_extent(array_code *c, node axis)
{
    int32_t lanes = c->e->lanes;
    c->e->lanes = 1;
    ir_value n = values_get(c->e, graph_in(c->a->g, axis, 0), 0), zero = build_i64(c->e, 0);
    int64_t known;
    if (array_is_known(n, &known))
        n = known < 0 ? zero : n;
    else
        n = build_intrinsic(c->e, "llvm.smax", (ir_value[]){ n, zero }, 2);
    c->e->lanes = lanes;
    return n;
}

/* Sets a flag, fails, or takes a time of its own. */
static bool noticed(const graph *g, node n)
{
    op o = (op)graph_node(g, n)->op;
    return (op_info(o)->flags & OP_FLAGS) || o == OP_bound || o == OP_loop || o == OP_map ||
           o == OP_fold || o == OP_put;
}

static bool any_noticed(const array_code *c, const array_bind *b, int32_t d)
{
    for (; d < b->n_axes - 1; d++)
        for (int32_t i = 0; i < b->level[d].n; i++)
            if (noticed(c->a->g, b->level[d].node[i]))
                return true;
    return false;
}

ir_value array_rounds(array_code *c, const array_bind *b, int32_t d)
{
    emitter *e = c->e;
    ir_value n = array_extent(c, graph_in(e->g, b->n, d)), zero = build_i64(e, 0);
    if (!c->minds || !any_noticed(c, b, d))
        return n;
    for (int32_t k = d + 1; k < b->n_axes; k++) {
        int64_t known;
        ir_value inner = array_extent(c, graph_in(e->g, b->n, k));
        if (!array_is_known(inner, &known))
            n = LLVMBuildSelect(e->b, build_icmp(e, LLVMIntEQ, inner, zero), zero, n, "");
        else if (known == 0)
            n = zero;
    }
    return n;
}

void array_set_axis(array_code *c, node axis, ir_value i)
{
    int32_t lanes = c->e->lanes;
    c->e->lanes = 1;
    values_set(c->e, axis, 0, i);
    c->e->lanes = lanes;
}
