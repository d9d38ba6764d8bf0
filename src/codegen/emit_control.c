/* Loops. All lanes of a group go round together while any of them has work:
 *
 *     before:  inits
 *     head:    v = phi(init, selected)      what the condition needs
 *              active = cond(v) and the mask around the loop
 *              if no lane is active: goto end
 *     body:    fuel, cancel                 the rest of the loop
 *              selected = active ? next(v) : v;   goto head
 *     end:     the variables are those of head
 *
 * A lane that has left keeps its v, so its condition stays false and needs no mask of its own.
 * Where the condition does not vary there is no mask and no select. In a nest that is cut,
 * variables and mask are in the spill area instead of phis. */
#include "array_code.h"
#include "emit.h"
#include "emit_rare.h"

#include "values.h"

typedef struct control {
    const nest_loop *l;
    int32_t n_phis, vectors;
    int32_t *which; /* the variables that are scalars: arrays stay where they are */
    bool masked;    /* lanes may leave at different times */
    node outer_mask;
    ir_block before, head, body, end;
    ir_value *phi;  /* LLVM's, [variable][vector] */
    ir_value go_on; /* the condition, where one bit tells it */
} control;

static node variable(const emitter *e, const control *c, int32_t i)
{
    return graph_in(e->g, c->l->loop, c->which[i]);
}

static node condition_of(const emitter *e, const control *c)
{
    return graph_in(e->g, c->l->loop, (int32_t)graph_node(e->g, c->l->loop)->imm);
}

static node next_of(const emitter *e, const control *c, int32_t i)
{
    int32_t k = (int32_t)graph_node(e->g, c->l->loop)->imm;
    return graph_in(e->g, c->l->loop, k + 1 + c->which[i]);
}

/* -------------------------------------------------------------------------- variables */

static bool is_carried_wide(const emitter *e, node n)
{
    return e->values->widens && e->full > 1 && e->t->varies[n] &&
           graph_dtype(e->g, n) == JIT_BOOL;
}

static ir_value carry(emitter *e, node phi, ir_value v)
{
    return is_carried_wide(e, phi) ? values_widen(e, v) : v;
}

static ir_value uncarry(emitter *e, node phi, ir_value v)
{
    return is_carried_wide(e, phi) ? values_narrow(e, v) : v;
}

/* With e->lanes as variable i needs it. */
static int32_t enter_variable(emitter *e, node phi, int32_t vectors)
{
    e->lanes = e->t->varies[phi] ? e->full : 1;
    return e->t->varies[phi] ? vectors : 1;
}

static void begin_variables(emitter *e, control *c)
{
    int32_t lanes = e->lanes;
    for (int32_t i = 0; i < c->n_phis; i++) {
        node phi = variable(e, c, i), init = graph_in(e->g, phi, 0);
        int32_t n = enter_variable(e, phi, c->vectors);
        for (int32_t u = 0; u < n; u++) {
            ir_value v = values_get(e, init, u);
            c->phi[i * c->vectors + u] = e->values->is_cut ? v : carry(e, phi, v);
        }
    }
    e->lanes = lanes;
}

/* In head: c->phi goes from inits to LLVM's phis, which join_variables completes. */
static void head_variables(emitter *e, control *c)
{
    for (int32_t i = 0; i < c->n_phis; i++) {
        int32_t n = enter_variable(e, variable(e, c, i), c->vectors);
        for (int32_t u = 0; u < n; u++) {
            ir_value init = c->phi[i * c->vectors + u];
            ir_value phi = LLVMBuildPhi(e->b, LLVMTypeOf(init), "");
            LLVMAddIncoming(phi, &init, &c->before, 1);
            c->phi[i * c->vectors + u] = phi;
        }
    }
    for (int32_t i = 0; i < c->n_phis; i++) {
        node phi = variable(e, c, i);
        int32_t n = enter_variable(e, phi, c->vectors);
        for (int32_t u = 0; u < n; u++)
            values_set(e, phi, u, uncarry(e, phi, c->phi[i * c->vectors + u]));
    }
}

static void store_variables(emitter *e, control *c, ir_value *from)
{
    for (int32_t i = 0; i < c->n_phis; i++) {
        node phi = variable(e, c, i);
        enter_variable(e, phi, 1);
        values_set(e, phi, 0, from[i]);
    }
}

static void start_head(emitter *e, control *c)
{
    int32_t lanes = e->lanes;
    begin_variables(e, c);
    if (e->values->is_cut)
        store_variables(e, c, c->phi);
    c->before = LLVMGetInsertBlock(e->b);
    build_goto(e, c->head);
    values_forget(e);
    if (!e->values->is_cut)
        head_variables(e, c);
    e->lanes = lanes;
}

static ir_value next_value(emitter *e, const control *c, int32_t i, int32_t u)
{
    node phi = variable(e, c, i);
    ir_value next = values_get(e, next_of(e, c, i), u);
    if (!c->masked)
        return next;
    ir_value old = values_get(e, phi, u);
    if (next == old)
        return old;
    return build_select(e, values_get(e, c->l->loop, u), next, old);
}

static ir_value onward(emitter *e, node phi, ir_value next)
{
    ir_value v = carry(e, phi, next);
    return LLVMGetTypeKind(LLVMTypeOf(v)) == LLVMIntegerTypeKind ? build_counter(e, v) : v;
}

static void close_body(emitter *e, control *c, ir_value *next)
{
    int32_t lanes = e->lanes;
    for (int32_t i = 0; i < c->n_phis; i++) {
        int32_t n = enter_variable(e, variable(e, c, i), c->vectors);
        for (int32_t u = 0; u < n; u++)
            next[i * c->vectors + u] = next_value(e, c, i, u);
    }
    if (e->values->is_cut)
        store_variables(e, c, next);
    for (int32_t i = 0; i < c->n_phis && !e->values->is_cut; i++) {
        node phi = variable(e, c, i);
        int32_t n = enter_variable(e, phi, c->vectors);
        for (int32_t u = 0; u < n; u++)
            next[i * c->vectors + u] = onward(e, phi, next[i * c->vectors + u]);
    }
    ir_block from = LLVMGetInsertBlock(e->b);
    LLVMBuildBr(e->b, c->head);
    for (int32_t i = 0; i < c->n_phis && !e->values->is_cut; i++) {
        int32_t n = enter_variable(e, variable(e, c, i), c->vectors);
        for (int32_t u = 0; u < n; u++)
            LLVMAddIncoming(c->phi[i * c->vectors + u], &next[i * c->vectors + u], &from, 1);
    }
    e->lanes = lanes;
}

/* -------------------------------------------------------------------------- conditions */

static ir_value any_active(emitter *e, control *c)
{
    node cond = condition_of(e, c);
    ir_value all = NULL;
    for (int32_t u = 0; u < c->vectors; u++) {
        ir_value active = values_get(e, cond, u);
        if (c->outer_mask)
            active = build_and(e, active, values_get(e, c->outer_mask, u));
        values_set(e, c->l->loop, u, active);
        all = all ? build_either(e, all, active) : active;
    }
    return build_any(e, all);
}

static void leave_head(emitter *e, control *c)
{
    int32_t lanes = e->lanes;
    e->lanes = c->masked ? e->full : 1;
    ir_value go_on = c->masked ? any_active(e, c) : values_get(e, condition_of(e, c), 0);
    e->lanes = lanes;
    if (c->l->once)
        build_rare_branch(e, go_on, c->body, c->end);
    else
        build_branch(e, go_on, c->body, c->end);
    LLVMPositionBuilderAtEnd(e->b, c->body);
    values_forget(e);
    c->go_on = c->masked || e->values->is_cut ? NULL : go_on;
}

/* In the body the condition holds: what stands under it, such as the check of a subscript, need not
 * ask again. */
static void set_condition(emitter *e, const control *c, ir_value v)
{
    int32_t lanes = e->lanes;
    e->lanes = 1;
    if (!LLVMIsConstant(c->go_on))
        values_set(e, condition_of(e, c), 0, v);
    e->lanes = lanes;
}

void emit_use_fuel(emitter *e)
{
    ir_block more = build_block(e, "fuelled");
    ir_value fuel = build_load(e, e->i64, e->frame.fuel, 8);
    ir_value left = build_sub(e, fuel, build_i64(e, 1));
    build_store(e, left, e->frame.fuel, 8);
    ir_value empty = build_icmp(e, LLVMIntSLT, left, build_i64(e, 0));
    build_rare_branch(e, empty, e->frame.no_fuel, more);
    LLVMPositionBuilderAtEnd(e->b, more);
}

void emit_check_cancel(emitter *e)
{
    ir_block on = build_block(e, "on");
    ir_value word = build_load(e, e->i32, e->frame.cancel, 4);
    LLVMSetVolatile(word, 1);
    ir_value stop = build_icmp(e, LLVMIntNE, word, build_i32(e, 0));
    build_rare_branch(e, stop, e->frame.cancelled, on);
    LLVMPositionBuilderAtEnd(e->b, on);
}

/* -------------------------------------------------------------------------- loops */

static void emit_rounds(emitter *e, control *c, ir_value *next)
{
    c->head = build_block(e, "loop");
    c->body = build_block(e, "loop_body");
    c->end = build_block(e, "loop_end");
    emit_flush_flags(e);
    start_head(e, c);
    emit_list(e, &c->l->head, c->vectors);
    emit_flush_flags(e);
    leave_head(e, c);
    if (c->go_on)
        set_condition(e, c, LLVMConstInt(LLVMTypeOf(c->go_on), 1, 0));
    if (c->masked)
        e->mask_loop = c->l->loop;
    bool ends = c->l->once || c->l->brief;
    if (!ends)
        emit_use_fuel(e);
    if (!ends && e->frame.cancel)
        emit_check_cancel(e);
    emit_list(e, &c->l->body, c->vectors);
    if (e->arrays)
        array_next(e->arrays, c->l->loop);
    emit_flush_flags(e);
    close_body(e, c, next);
    e->mask_loop = c->outer_mask;
    LLVMPositionBuilderAtEnd(e->b, c->end);
    values_forget(e);
    if (c->go_on)
        set_condition(e, c, c->go_on);
}

/* No memory: what is emitted will not be used, but must be emitted. */
void control_abandon(emitter *e, node loop, int32_t vectors)
{
    int32_t lanes = e->lanes;
    e->failed = true;
    for (int32_t i = 0; i < (int32_t)graph_node(e->g, loop)->imm; i++) {
        node phi = graph_in(e->g, loop, i);
        int32_t n = enter_variable(e, phi, vectors);
        for (int32_t u = 0; u < n; u++)
            values_set(e, phi, u, LLVMGetPoison(build_type(e, graph_dtype(e->g, phi))));
    }
    e->lanes = lanes;
}

static bool find_variables(emitter *e, control *c)
{
    int32_t k = (int32_t)graph_node(e->g, c->l->loop)->imm;
    c->which = arena_alloc(e->g->ar, ((size_t)k + 1) * sizeof *c->which);
    for (int32_t i = 0; c->which && i < k; i++)
        if (graph_node(e->g, graph_in(e->g, c->l->loop, i))->shape == 0)
            c->which[c->n_phis++] = i;
    return c->which != NULL;
}

void emit_control(emitter *e, node loop, int32_t vectors)
{
    if (rare_applies(e, loop)) {
        rare_emit(e, loop, vectors);
        return;
    }
    control c = { .l = &e->t->loops[e->t->loop_at[loop]], .vectors = vectors };
    bool alone = e->full == 1 && vectors == 1; /* one lane goes where the branches go */
    c.masked = e->t->varies[condition_of(e, &c)] && e->full >= 1 && !alone;
    c.outer_mask = e->mask_loop;
    bool found = find_variables(e, &c);
    size_t n = (size_t)(c.n_phis * vectors + 1);
    c.phi = arena_alloc(e->g->ar, n * sizeof *c.phi);
    ir_value *next = arena_alloc(e->g->ar, n * sizeof *next);
    if (found && c.phi && next)
        emit_rounds(e, &c, next);
    else
        control_abandon(e, loop, vectors);
}
