/* See values.h. */
#include "values.h"

static void mark_splats(emit_values *v, const nest *t)
{
    const graph *g = t->g;
    for (node n = 1; n < g->n_nodes; n++) {
        bool wide = t->varies[n] || graph_node(g, n)->op == OP_loop;
        for (int32_t i = 0; t->used[n] && wide && i < graph_node(g, n)->n_in; i++)
            v->splat[graph_in(g, n, i)] = true;
    }
    for (int32_t i = 0; i < g->n_outputs; i++)
        v->splat[g->outputs[i].value] = true;
    for (node n = g->n_nodes - 1; n > 0; n--) { /* a variable is where its projection is */
        if (graph_node(g, n)->op != OP_proj || !v->splat[n])
            continue;
        v->splat[graph_in(g, graph_in(g, n, 0), (int32_t)graph_node(g, n)->imm)] = true;
    }
}

static bool reserve_wide(emit_values *v, const nest *t)
{
    size_t n = (size_t)t->g->n_nodes * (size_t)v->rows;
    v->wide = arena_alloc(t->g->ar, n * (size_t)t->interleave * sizeof *v->wide);
    v->block = arena_alloc(t->g->ar, n * sizeof *v->block);
    return v->wide && v->block;
}

bool values_make(emit_values *v, const nest *t, diag *d)
{
    arena *ar = t->g->ar;
    size_t n = (size_t)t->g->n_nodes;
    *v = (emit_values){ .interleave = t->interleave, .is_cut = t->cut };
    v->rows = t->rows > 0 ? t->rows : 1;
    size_t places = n * (size_t)v->rows;
    v->at = arena_alloc(ar, places * (size_t)t->interleave * sizeof *v->at);
    v->scalar = arena_alloc(ar, places * sizeof *v->scalar);
    v->splat = arena_alloc(ar, n);
    v->epoch = arena_alloc(ar, n * sizeof *v->epoch);
    v->now = 1;
    if (!v->at || !v->scalar || !v->splat || !v->epoch) {
        diag_no_memory(d);
        return false;
    }
    mark_splats(v, t);
    v->widens = !t->target->masks && t->lanes > 1 && !t->cut && (t->n_loops || t->sets_flags);
    if (v->widens && !reserve_wide(v, t)) {
        diag_no_memory(d);
        return false;
    }
    return !t->cut || cut_make(&v->cut, t, d);
}

static node holder(const graph *g, node n)
{
    while (graph_node(g, n)->op == OP_proj)
        n = graph_in(g, graph_in(g, n, 0), (int32_t)graph_node(g, n)->imm);
    return n;
}

static int64_t place(const emitter *e, node n)
{
    const emit_values *v = e->values;
    bool by_row = v->row_axis_of && v->row_axis && v->row_axis_of[n] == v->row_axis;
    return (int64_t)n * v->rows + (by_row ? v->row : 0);
}

ir_value *values_at(const emitter *e, node n)
{
    return &e->values->at[place(e, n) * e->values->interleave];
}

ir_value *values_scalar(const emitter *e, node n)
{
    return &e->values->scalar[place(e, n)];
}

static bool is_wide(const emitter *e, node n)
{
    return e->t->varies[n] || graph_node(e->g, n)->op == OP_loop; /* a loop's is its mask */
}

static jit_dtype dtype_of(const emitter *e, node n)
{
    return graph_node(e->g, n)->op == OP_loop ? JIT_BOOL : graph_dtype(e->g, n);
}

/* -------------------------------------------------------------------------- spill area */

static ir_value slot_pointer(const emitter *e, node n)
{
    return build_offset(e, e->values->spill, build_i64(e, e->values->cut.slot[n]));
}

static int32_t slot_align(const emitter *e, node n)
{
    int64_t bytes = cut_value_bytes(e->t, n), align = 1;
    while (align < bytes && align < 64)
        align *= 2;
    return (int32_t)align;
}

static ir_value reload(emitter *e, node n)
{
    jit_dtype t = dtype_of(e, n);
    int32_t lanes = e->lanes;
    if (!is_wide(e, n))
        e->lanes = 1;
    ir_type type = t == JIT_BOOL ? build_int_type(e, 8) : build_type(e, t);
    ir_value v = build_load(e, type, slot_pointer(e, n), slot_align(e, n));
    if (t == JIT_BOOL)
        v = LLVMBuildTrunc(e->b, v, build_int_type(e, 1), "");
    e->lanes = lanes;
    return v;
}

static void spill(emitter *e, node n, ir_value v)
{
    if (dtype_of(e, n) == JIT_BOOL)
        v = LLVMBuildZExt(e->b, v, build_int_type(e, 8), "");
    build_store(e, v, slot_pointer(e, n), slot_align(e, n));
}

void values_forget(emitter *e)
{
    e->values->now++;
}

static void fetch(emitter *e, node n)
{
    emit_values *v = e->values;
    if (!v->is_cut || v->epoch[n] == v->now)
        return;
    v->epoch[n] = v->now;
    ir_value r = reload(e, n);
    if (is_wide(e, n)) {
        *values_at(e, n) = r;
        return;
    }
    *values_scalar(e, n) = r;
    *values_at(e, n) = NULL;
}

/* -------------------------------------------------------------------------- masks */

static int32_t mask_bits(const emitter *e)
{
    int32_t bits = e->target->vector_bytes * 8 / e->full;
    return bits > 64 ? 64 : bits < 8 ? 8 : bits;
}

ir_value values_widen(emitter *e, ir_value mask)
{
    return LLVMBuildSExt(e->b, mask, build_int_type(e, mask_bits(e)), "");
}

ir_value values_narrow(emitter *e, ir_value wide)
{
    return build_icmp(e, LLVMIntSLT, wide, LLVMConstNull(LLVMTypeOf(wide)));
}

static bool is_mask(const emitter *e, node n)
{
    return e->values->widens && e->full > 1 && is_wide(e, n) && dtype_of(e, n) == JIT_BOOL;
}

static ir_value get_mask(emitter *e, node n, int32_t vector)
{
    const emit_values *v = e->values;
    int64_t i = place(e, n) * v->interleave + vector;
    bool here = v->block[place(e, n)] == LLVMGetInsertBlock(e->b);
    return here ? v->at[i] : values_narrow(e, v->wide[i]);
}

static void set_mask(emitter *e, node n, int32_t vector, ir_value r)
{
    emit_values *v = e->values;
    v->wide[place(e, n) * v->interleave + vector] = values_widen(e, r);
    v->block[place(e, n)] = LLVMGetInsertBlock(e->b);
}

/* -------------------------------------------------------------------------- get, set */

ir_value values_get(emitter *e, node n, int32_t vector)
{
    cell c;
    if (graph_is_const(e->g, n, &c))
        return build_cell(e, graph_dtype(e->g, n), c);
    n = holder(e->g, n);
    fetch(e, n);
    if (is_mask(e, n))
        return get_mask(e, n, vector);
    if (is_wide(e, n))
        return values_at(e, n)[vector];
    if (e->lanes == 1)
        return *values_scalar(e, n);
    ir_value *splat = values_at(e, n);
    if (!*splat) /* only where it is used: a cut nest */
        *splat = build_splat(e, *values_scalar(e, n));
    return *splat;
}

void values_set(emitter *e, node n, int32_t vector, ir_value r)
{
    emit_values *v = e->values;
    v->epoch[n] = v->now;
    if (is_mask(e, n))
        set_mask(e, n, vector, r);
    if (is_wide(e, n)) {
        values_at(e, n)[vector] = r;
    } else {
        int32_t lanes = e->lanes;
        *values_scalar(e, n) = r;
        e->lanes = e->full;
        *values_at(e, n) = v->splat[n] && !v->is_cut && lanes == 1 ? build_splat(e, r) : NULL;
        e->lanes = lanes;
    }
    if (v->is_cut && v->cut.slot[n] >= 0)
        spill(e, n, r);
}
