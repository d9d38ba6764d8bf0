/* From node to instructions: the table of emitters, lists of nodes, status flags, and the runs
 * of a nest that is cut. */
#include "emit.h"

#include "array_code.h"
#include "values.h"

typedef ir_value (*emit_function)(emitter *e, const emit_args *a);

/* Operators that are expanded and leaves have no function; the integer forms of numeric ones
 * that expand do. */
static const emit_function table[OP_COUNT] = {
#define OP(name, arity, rule, flags, value, adjoint, lo, hi, ulp_f32, ulp_f64, doc)            \
    [OP_##name] = (rule) == RULE_LEAF || (((flags)&OP_EXPAND) && (rule) != RULE_NUMERIC)       \
                      ? NULL                                                                   \
                      : emit_##name,
#include "ops.def"
#undef OP
};

/* -------------------------------------------------------------------------- functions of a call */

ir_value emit_begin_call(emitter *e, const char *name)
{
    ir_type type = LLVMFunctionType(e->i32, &e->pointer, 1, 0);
    ir_value f = LLVMAddFunction(e->module, name, type);
    e->frame = (emit_frame){ .function = f };
    LLVMPositionBuilderAtEnd(e->b, build_block(e, "entry"));
    return f;
}

void emit_begin_flags(emitter *e)
{
    e->frame.flags = build_local(e, e->i32, 4);
    build_store(e, build_i32(e, 0), e->frame.flags, 4);
}

void emit_return_flags(emitter *e, uint32_t more)
{
    ir_value flags = build_i32(e, (int32_t)more);
    if (e->frame.flags)
        flags = build_or(e, build_load(e, e->i32, e->frame.flags, 4), flags);
    LLVMBuildRet(e->b, flags);
}

/* -------------------------------------------------------------------------- status flags */

static void store_flags(emitter *e, uint32_t flag)
{
    ir_value old = build_load(e, e->i32, e->frame.flags, 4);
    build_store(e, build_or(e, old, build_i32(e, (int32_t)flag)), e->frame.flags, 4);
}

static void store_flags_if(emitter *e, uint32_t flag, ir_value any)
{
    ir_block set = build_block(e, "flag"), on = build_block(e, "on");
    build_rare_branch(e, any, set, on);
    LLVMPositionBuilderAtEnd(e->b, set);
    store_flags(e, flag);
    build_goto(e, on);
}

void emit_raise(emitter *e, uint32_t flag, ir_value mask)
{
    int32_t i = flag == JIT_FLAG_INT_DIVIDE ? 0 : 1;
    if (e->lanes < e->full) { /* the same for all lanes, of which at least one is here */
        store_flags_if(e, flag, mask);
        return;
    }
    if (e->mask_loop)
        mask = build_and(e, mask, values_get(e, e->mask_loop, e->vector));
    e->raised[i] = e->raised[i] ? build_or(e, e->raised[i], mask) : mask;
}

void emit_flush_flags(emitter *e)
{
    static const uint32_t flags[2] = { JIT_FLAG_INT_DIVIDE, JIT_FLAG_INT_CAST };
    for (int32_t i = 0; i < 2; i++) {
        if (e->raised[i])
            store_flags_if(e, flags[i], build_any(e, e->raised[i]));
        e->raised[i] = NULL;
    }
}

/* -------------------------------------------------------------------------- nodes */

static void get_operands(emitter *e, node n, emit_args *a)
{
    for (int32_t i = 0; i < a->n_in; i++) {
        node in = graph_in(e->g, n, i);
        a->is_const[i] = graph_is_const(e->g, in, &a->constant[i]);
        a->v[i] = values_get(e, in, e->vector);
    }
}

static ir_value emit_operator(emitter *e, node n)
{
    const node_data *d = graph_node(e->g, n);
    emit_args a = { .n = n, .o = (op)d->op, .out = (jit_dtype)d->dtype, .n_in = d->n_in };
    a.in = graph_dtype(e->g, graph_in(e->g, n, d->op == OP_select ? 1 : 0));
    get_operands(e, n, &a);
    return table[d->op](e, &a);
}

static bool is_leaf(const emitter *e, node n)
{
    return op_info((op)graph_node(e->g, n)->op)->rule == RULE_LEAF;
}

ir_value emit_value(emitter *e, op o, jit_dtype t, const ir_value *v, int32_t n)
{
    emit_args a = { .o = o, .in = t, .out = t, .n_in = n };
    for (int32_t i = 0; i < n; i++)
        a.v[i] = v[i];
    return table[o](e, &a);
}

/* Several vectors go through the operators side by side. LLVM would put their chains one after the
 * other, which takes fewer registers, but then the machine waits for each: it looks some 60
 * operations ahead. */
static void keep_side_by_side(emitter *e, int32_t vectors)
{
    if (vectors - e->first_vector > 1 && e->lanes > 1 && !e->arrays)
        build_order(e);
}

void emit_node(emitter *e, node n, int32_t vectors)
{
    int32_t lanes = e->lanes;
    if (!e->t->varies[n]) {
        e->lanes = 1;
        vectors = 1;
    }
    for (e->vector = e->first_vector; e->vector < vectors; e->vector++)
        values_set(e, n, e->vector, emit_operator(e, n));
    keep_side_by_side(e, vectors);
    e->lanes = lanes;
}

static void emit_one(emitter *e, node n, int32_t vectors)
{
    if (!is_leaf(e, n))
        emit_node(e, n, vectors);
}

/* -------------------------------------------------------------------------- runs */

/* Nodes of one run as a function void run(spill, flags). */
static void emit_run(emitter *e, const node *nodes, int32_t n)
{
    ir_block here = LLVMGetInsertBlock(e->b);
    emit_frame outer = e->frame;
    ir_value spill = e->values->spill;
    ir_type parameters[2] = { e->pointer, e->pointer };
    ir_type type = LLVMFunctionType(LLVMVoidTypeInContext(e->context), parameters, 2, 0);
    ir_value f = LLVMAddFunction(e->module, "run", type);
    LLVMSetLinkage(f, LLVMInternalLinkage);
    e->frame = (emit_frame){ .function = f, .flags = LLVMGetParam(f, 1) };
    e->values->spill = LLVMGetParam(f, 0);
    LLVMPositionBuilderAtEnd(e->b, build_block(e, "entry"));
    values_forget(e);
    for (int32_t i = 0; i < n; i++)
        emit_one(e, nodes[i], 1);
    emit_flush_flags(e);
    LLVMBuildRetVoid(e->b);
    e->frame = outer;
    e->values->spill = spill;
    LLVMPositionBuilderAtEnd(e->b, here);
    values_forget(e);
    ir_value flags = outer.flags ? outer.flags : LLVMConstNull(e->pointer);
    LLVMBuildCall2(e->b, type, f, (ir_value[]){ spill, flags }, 2, "");
}

/* Leaves among the nodes have their values already. */
static int32_t run_length(const emitter *e, const node *nodes, int32_t n)
{
    const int32_t *run = e->values->cut.run;
    int32_t length = 1;
    while (length < n && (run[nodes[length]] == run[nodes[0]] ||
                          (is_leaf(e, nodes[length]) && e->t->loop_at[nodes[length]] < 0)))
        length++;
    return length;
}

void emit_list(emitter *e, const nest_list *l, int32_t vectors)
{
    if (e->arrays) {
        array_list(e->arrays, l, vectors);
        return;
    }
    for (int32_t i = 0; i < l->n; i++) {
        node n = l->node[i];
        if (e->t->loop_at[n] >= 0) {
            emit_control(e, n, vectors);
        } else if (e->values->is_cut && e->values->cut.run[n]) {
            int32_t length = run_length(e, l->node + i, l->n - i);
            emit_run(e, l->node + i, length);
            i += length - 1;
        } else {
            emit_one(e, n, vectors);
        }
    }
}
