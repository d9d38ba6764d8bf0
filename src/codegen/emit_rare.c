/* A loop that runs at most once:
 *
 *     here:    inits; what the condition needs, of all vectors
 *              if no lane is active: goto usual
 *     rare:    what the body uses, of all vectors, into an area on the stack
 *              rare(area, flags)
 *              variables, out of the area
 *     usual:   variable = phi(init, result)
 *
 *     rare():  for each element that is active: out of the area, the body, as scalars, and the
 *              variables back into the area
 *
 * A short body is computed in vectors where the call would be. In a nest that is ordered, what is used
 * after the loop passes through the area as well and is phi(value, reloaded) there: LLVM would compute
 * it after the branch instead, and so undo the order. The rare code is there once,
 * whatever the interleave, takes no register of the usual path, and is a scalar function that
 * LLVM makes no effort for: what hardly ever runs must not be most of the time of a compile. */
#include "emit_rare.h"

#include "emit.h"
#include "emit_memory.h"
#include "values.h"

typedef struct outside { /* a value of another list that the body uses */
    node n;
    bool needed;         /* by the body or after the loop: is in the area */
    bool holds;          /* the loop's condition: true wherever the body runs */
    int64_t offset;      /* in the area: of element 0, or of the only one if it does not vary */
    ir_value at, scalar; /* the value in the caller, while rare() is emitted */
} outside;

typedef struct kept { /* a value that is computed before the loop and used after it */
    node n;
    int64_t offset;     /* in the area */
    ir_value *reloaded; /* [vector] */
} kept;

typedef struct rare {
    emitter *e;
    const nest_loop *l;
    int32_t n_phis, vectors, n_outside;
    outside *outside; /* the loop's variables first */
    ir_value *init;   /* [variable][vector], as carried */
    node outer_mask;
    bool *wanted;          /* [variable]: something after the loop uses it */
    int64_t active, bytes; /* of the area: the mask, as integers of `mask_bits`; its size */
    unsigned mask_bits;
    ir_value area;
    kept *kept;
    int32_t n_kept;
} rare;

static bool lies_in(const nest *t, node n, node loop)
{
    while (n && n != loop)
        n = t->region[n];
    return n == loop;
}

/* A loop with more rounds stays in vectors, but for a brief one: what it costs counts, and its
 * fuel is counted for all lanes together. */
static bool only_rare_inside(const nest *t, node loop)
{
    for (int32_t i = 0; i < t->n_loops; i++)
        if (!t->loops[i].once && !t->loops[i].brief && lies_in(t, t->loops[i].loop, loop))
            return false;
    return true;
}

bool rare_applies(const emitter *e, node loop)
{
    const nest_loop *l = &e->t->loops[e->t->loop_at[loop]];
    node cond = graph_in(e->g, loop, (int32_t)graph_node(e->g, loop)->imm);
    return l->once && e->full > 1 && !e->values->is_cut && e->t->varies[cond] &&
           only_rare_inside(e->t, loop);
}

static node phi_of(const rare *r, int32_t i)
{
    return graph_in(r->e->g, r->l->loop, i);
}

static node next_of(const rare *r, int32_t i)
{
    return graph_in(r->e->g, r->l->loop, r->n_phis + 1 + i);
}

/* -------------------------------------------------------------------------- what is used */

static bool in_list(const nest_list *l, node n)
{
    for (int32_t i = 0; i < l->n; i++)
        if (l->node[i] == n)
            return true;
    return false;
}

/* In the body, or in a loop that is in the body. */
static bool is_inside(const rare *r, node n)
{
    const nest *t = r->e->t;
    while (n && t->region[n] != r->l->loop)
        n = t->region[n];
    return n && graph_node(r->e->g, n)->op != OP_phi && !in_list(&r->l->head, n);
}

static void add_outside(rare *r, node n, bool needed)
{
    const graph *g = r->e->g;
    while (graph_node(g, n)->op == OP_proj)
        n = graph_in(g, graph_in(g, n, 0), (int32_t)graph_node(g, n)->imm);
    if (graph_is_const(g, n, NULL) || is_inside(r, n))
        return;
    for (int32_t i = 0; i < r->n_outside; i++)
        if (r->outside[i].n == n) {
            r->outside[i].needed |= needed;
            return;
        }
    r->outside[r->n_outside++] = (outside){ .n = n, .needed = needed };
}

static void find_condition(rare *r)
{
    node cond = graph_in(r->e->g, r->l->loop, r->n_phis);
    for (int32_t i = 0; i < r->n_phis; i++) {
        r->outside[i].holds = phi_of(r, i) == cond && !r->wanted[i];
        r->outside[i].needed &= !r->outside[i].holds;
    }
}

static void find_outside(rare *r)
{
    const graph *g = r->e->g;
    for (int32_t i = 0; i < r->n_phis; i++)
        add_outside(r, phi_of(r, i), r->wanted[i]);
    for (int32_t i = 0; i < r->n_phis; i++)
        add_outside(r, next_of(r, i), r->wanted[i]);
    for (node n = 1; n < r->l->loop; n++) {
        const node_data *d = graph_node(g, n);
        if (!r->e->t->used[n] || !is_inside(r, n) || d->op == OP_proj)
            continue;
        for (int32_t i = 0; i < d->n_in; i++)
            add_outside(r, graph_in(g, n, i), true);
    }
    find_condition(r);
}

static bool reserve(rare *r)
{
    arena *ar = r->e->g->ar;
    size_t most = 2 * (size_t)r->n_phis;
    for (node n = 1; n < r->l->loop; n++)
        most += (size_t)graph_node(r->e->g, n)->n_in;
    r->outside = arena_alloc(ar, (most + 1) * sizeof *r->outside);
    r->init = arena_alloc(ar, ((size_t)(r->n_phis * r->vectors) + 1) * sizeof *r->init);
    r->wanted = arena_alloc(ar, (size_t)r->n_phis + 1);
    return r->outside && r->init && r->wanted;
}

static void find_wanted(rare *r)
{
    const graph *g = r->e->g;
    for (node n = r->l->loop; n < g->n_nodes; n++)
        if (r->e->t->used[n] && graph_node(g, n)->op == OP_proj &&
            graph_in(g, n, 0) == r->l->loop)
            r->wanted[graph_node(g, n)->imm] = true;
}

/* -------------------------------------------------------------------------- the area */

static int64_t take_area(rare *r, int64_t bytes)
{
    int64_t offset = r->bytes;
    r->bytes += (bytes + 63) / 64 * 64;
    return offset;
}

static void plan_area(rare *r)
{
    emitter *e = r->e;
    int64_t n = (int64_t)r->vectors * e->full;
    for (int32_t k = 0; k < r->n_outside; k++) {
        outside *o = &r->outside[k];
        int64_t bytes = type_bits(graph_dtype(e->g, o->n)) / 8;
        if (o->needed)
            o->offset = take_area(r, e->t->varies[o->n] ? n * bytes : bytes);
    }
    for (int32_t k = 0; k < r->n_kept; k++)
        r->kept[k].offset = take_area(r, n * type_bits(graph_dtype(e->g, r->kept[k].n)) / 8);
    r->active = take_area(r, 8 * n);
}

static ir_value at_offset(rare *r, int64_t offset)
{
    return build_offset(r->e, r->area, build_i64(r->e, offset));
}

static ir_value element_at(rare *r, int64_t offset, jit_dtype t, ir_value i)
{
    ir_type element = LLVMIntTypeInContext(r->e->context, (unsigned)type_bits(t));
    return LLVMBuildGEP2(r->e->b, element, at_offset(r, offset), &i, 1, "");
}

static ir_value vector_at(rare *r, int64_t offset, jit_dtype t, int32_t u)
{
    return at_offset(r, offset + (int64_t)u * r->e->full * type_bits(t) / 8);
}

static void save(rare *r, node n, jit_dtype t, int64_t offset)
{
    for (int32_t u = 0; u < r->vectors; u++)
        memory_store(r->e, t, values_get(r->e, n, u), vector_at(r, offset, t, u));
}

static void save_mask(rare *r)
{
    emitter *e = r->e;
    for (int32_t u = 0; u < r->vectors; u++) {
        ir_value wide = values_widen(e, values_get(e, r->l->loop, u));
        r->mask_bits = LLVMGetIntTypeWidth(LLVMGetElementType(LLVMTypeOf(wide)));
        int64_t at = r->active + (int64_t)u * e->full * r->mask_bits / 8;
        build_store(e, wide, at_offset(r, at), 1);
    }
}

static ir_value is_active(rare *r, ir_value i)
{
    ir_type word = LLVMIntTypeInContext(r->e->context, r->mask_bits);
    ir_value p = LLVMBuildGEP2(r->e->b, word, at_offset(r, r->active), &i, 1, "");
    return values_narrow(r->e, build_load(r->e, word, p, 1));
}

static void save_outside(rare *r)
{
    emitter *e = r->e;
    for (int32_t k = 0; k < r->n_outside; k++) {
        const outside *o = &r->outside[k];
        jit_dtype t = graph_dtype(e->g, o->n);
        if (!o->needed)
            continue;
        if (e->t->varies[o->n]) {
            save(r, o->n, t, o->offset);
            continue;
        }
        e->lanes = 1;
        memory_store(e, t, values_get(e, o->n, 0), at_offset(r, o->offset));
        e->lanes = e->full;
    }
    save_mask(r);
}

static void enter_outside(rare *r, ir_value i)
{
    emitter *e = r->e;
    for (int32_t k = 0; k < r->n_outside; k++) {
        outside *o = &r->outside[k];
        jit_dtype t = graph_dtype(e->g, o->n);
        if (!o->needed && !o->holds)
            continue;
        o->at = *values_at(e, o->n);
        o->scalar = *values_scalar(e, o->n);
        if (o->holds) {
            values_set(e, o->n, 0, build_true(e));
            continue;
        }
        ir_value p =
            e->t->varies[o->n] ? element_at(r, o->offset, t, i) : at_offset(r, o->offset);
        values_set(e, o->n, 0, memory_load(e, t, p));
    }
}

static void leave_outside(rare *r)
{
    for (int32_t k = 0; k < r->n_outside; k++) {
        node n = r->outside[k].n;
        if (!r->outside[k].needed && !r->outside[k].holds)
            continue;
        *values_at(r->e, n) = r->outside[k].at;
        *values_scalar(r->e, n) = r->outside[k].scalar;
    }
}

/* -------------------------------------------------------------------------- the usual path */

static ir_value carried(rare *r, node phi, ir_value v)
{
    bool mask = r->e->values->widens && graph_dtype(r->e->g, phi) == JIT_BOOL;
    return mask ? values_widen(r->e, v) : v;
}

static void set_inits(rare *r)
{
    emitter *e = r->e;
    for (int32_t i = 0; i < r->n_phis; i++)
        for (int32_t u = 0; u < r->vectors; u++) {
            node phi = phi_of(r, i);
            ir_value v = values_get(e, graph_in(e->g, phi, 0), u);
            values_set(e, phi, u, v);
            r->init[i * r->vectors + u] = carried(r, phi, v);
        }
}

static ir_value any_active(rare *r)
{
    emitter *e = r->e;
    node cond = graph_in(e->g, r->l->loop, r->n_phis);
    ir_value all = NULL;
    for (int32_t u = 0; u < r->vectors; u++) {
        ir_value active = values_get(e, cond, u);
        if (r->outer_mask)
            active = build_and(e, active, values_get(e, r->outer_mask, u));
        values_set(e, r->l->loop, u, active);
        all = all ? build_either(e, all, active) : active;
    }
    return build_any(e, all);
}

/* -------------------------------------------------------------------------- rare() */

/* All nexts before any variable: they are computed from the old ones. */
static void emit_body(rare *r, ir_value i, ir_value *next)
{
    emitter *e = r->e;
    enter_outside(r, i);
    emit_list(e, &r->l->body, 1);
    emit_flush_flags(e);
    for (int32_t k = 0; k < r->n_phis; k++)
        next[k] = r->wanted[k] ? values_get(e, next_of(r, k), 0) : NULL;
    for (int32_t k = 0; k < r->n_phis; k++) {
        jit_dtype t = graph_dtype(e->g, phi_of(r, k));
        if (r->wanted[k])
            memory_store(e, t, next[k], element_at(r, r->outside[k].offset, t, i));
    }
    leave_outside(r);
}

static void each_element(rare *r, ir_value *next)
{
    emitter *e = r->e;
    ir_block before = build_block(e, "entry"), each = build_block(e, "each");
    ir_block body = build_block(e, "element"), on = build_block(e, "on");
    ir_block back = build_block(e, "back");
    ir_value zero = build_i64(e, 0), n = build_i64(e, (int64_t)r->vectors * e->t->lanes);
    LLVMPositionBuilderAtEnd(e->b, before);
    build_goto(e, each);
    ir_value i = LLVMBuildPhi(e->b, e->i64, "");
    build_branch(e, is_active(r, i), body, on);
    LLVMPositionBuilderAtEnd(e->b, body);
    emit_body(r, i, next);
    build_goto(e, on);
    ir_value following = build_add(e, i, build_i64(e, 1));
    build_branch(e, build_icmp(e, LLVMIntSLT, following, n), each, back);
    LLVMAddIncoming(i, (ir_value[]){ zero, following }, (ir_block[]){ before, on }, 2);
    LLVMPositionBuilderAtEnd(e->b, back);
    LLVMBuildRetVoid(e->b);
}

static void add_attribute(const emitter *e, ir_value f, const char *name, size_t length)
{
    unsigned kind = LLVMGetEnumAttributeKindForName(name, length);
    LLVMAddAttributeAtIndex(f, (LLVMAttributeIndex)LLVMAttributeFunctionIndex,
                            LLVMCreateEnumAttribute(e->context, kind, 0));
}

static ir_value emit_function(rare *r, ir_type type, ir_value *next)
{
    emitter *e = r->e;
    emitter outer = *e;
    ir_value area = r->area, f = LLVMAddFunction(e->module, "rare", type);
    LLVMSetLinkage(f, LLVMInternalLinkage);
    add_attribute(e, f, "optnone", 7);
    add_attribute(e, f, "noinline", 8);
    e->frame = (emit_frame){ .function = f, .flags = LLVMGetParam(f, 1) };
    e->lanes = e->full = 1;
    e->mask_loop = 0;
    r->area = LLVMGetParam(f, 0);
    ir_block here = LLVMGetInsertBlock(e->b);
    each_element(r, next);
    LLVMPositionBuilderAtEnd(e->b, here);
    r->area = area;
    e->frame = outer.frame;
    e->lanes = outer.lanes;
    e->full = outer.full;
    e->mask_loop = outer.mask_loop;
    return f;
}

/* -------------------------------------------------------------------------- in vectors */

/* of the body, all vectors: so many instructions are compiled fast */
enum { LIGHT_WEIGHT = 160 };

static bool is_light(const rare *r)
{
    int64_t weight = 0;
    for (int32_t i = 0; i < r->l->body.n; i++) {
        weight += nest_weight(r->e->t, r->l->body.node[i]); /* a loop's is that of its call */
    }
    return weight * r->vectors <= LIGHT_WEIGHT;
}

/* A short body is computed for all elements, and chosen for those that are active: data that is
 * not ordinary, such as log of many zeros, then costs little. */
static void emit_in_vectors(rare *r, ir_value *result)
{
    emitter *e = r->e;
    e->mask_loop = r->l->loop;
    emit_list(e, &r->l->body, r->vectors);
    emit_flush_flags(e);
    e->mask_loop = r->outer_mask;
    for (int32_t k = 0; k < r->n_phis; k++)
        for (int32_t u = 0; r->wanted[k] && u < r->vectors; u++) {
            node phi = phi_of(r, k);
            ir_value active = values_get(e, r->l->loop, u), old = values_get(e, phi, u);
            ir_value next = values_get(e, next_of(r, k), u);
            result[k * r->vectors + u] = carried(r, phi, build_select(e, active, next, old));
        }
}

/* -------------------------------------------------------------------------- what lives across */

static bool is_made(const emitter *e, node n)
{
    while (e->t->region[n])
        n = e->t->region[n];
    return *values_at(e, n) != NULL;
}

/* Nodes with values of their own in vectors: neither constants, masks nor variables. */
static bool is_vector(const emitter *e, node n)
{
    const node_data *d = graph_node(e->g, n);
    return e->t->used[n] && e->t->varies[n] && !e->t->region[n] && d->op != OP_loop &&
           d->op != OP_proj && d->dtype != JIT_BOOL;
}

/* What the nodes that are not made yet read, outside the loop. */
static void mark_wanted(const rare *r, bool *wanted)
{
    const graph *g = r->e->g;
    for (node n = 1; n < g->n_nodes; n++) {
        bool waits = r->e->t->used[n] && graph_node(g, n)->op != OP_proj && !is_made(r->e, n);
        for (int32_t i = 0; waits && i < graph_node(g, n)->n_in; i++)
            wanted[graph_in(g, n, i)] |= !lies_in(r->e->t, n, r->l->loop);
    }
    for (int32_t i = 0; i < g->n_outputs; i++)
        wanted[g->outputs[i].value] = true;
}

static void find_kept(rare *r)
{
    emitter *e = r->e;
    arena *ar = e->g->ar;
    size_t n_nodes = (size_t)e->g->n_nodes;
    bool *wanted = arena_alloc(ar, n_nodes);
    r->kept = arena_alloc(ar, n_nodes * sizeof *r->kept);
    if (!wanted || !r->kept)
        return;
    mark_wanted(r, wanted);
    for (node n = 1; n < e->g->n_nodes; n++) {
        kept *k = &r->kept[r->n_kept];
        if (!wanted[n] || !is_vector(e, n) || !is_made(e, n))
            continue;
        *k = (kept){ .n = n };
        k->reloaded = arena_alloc(ar, (size_t)r->vectors * sizeof *k->reloaded);
        r->n_kept += k->reloaded != NULL;
    }
}

static void reload_kept(rare *r)
{
    for (int32_t i = 0; i < r->n_kept; i++)
        for (int32_t u = 0; u < r->vectors; u++) {
            const kept *k = &r->kept[i];
            jit_dtype t = graph_dtype(r->e->g, k->n);
            k->reloaded[u] = memory_load(r->e, t, vector_at(r, k->offset, t, u));
        }
}

static void join_kept(rare *r, const ir_block *from)
{
    emitter *e = r->e;
    for (int32_t i = 0; i < r->n_kept; i++)
        for (int32_t u = 0; u < r->vectors; u++) {
            const kept *k = &r->kept[i];
            ir_value v[2] = { values_get(e, k->n, u), k->reloaded[u] };
            ir_value phi = LLVMBuildPhi(e->b, LLVMTypeOf(v[0]), "");
            LLVMAddIncoming(phi, v, (ir_block[]){ from[0], from[1] }, 2);
            values_set(e, k->n, u, phi);
        }
}

/* -------------------------------------------------------------------------- its call */

static void emit_rare_path(rare *r, ir_value *result)
{
    emitter *e = r->e;
    plan_area(r);
    r->area = build_local(e, LLVMArrayType2(e->i8, (uint64_t)r->bytes), 64);
    save_outside(r);
    for (int32_t k = 0; k < r->n_kept; k++)
        save(r, r->kept[k].n, graph_dtype(e->g, r->kept[k].n), r->kept[k].offset);
    ir_type type = LLVMFunctionType(LLVMVoidTypeInContext(e->context),
                                    (ir_type[]){ e->pointer, e->pointer }, 2, 0);
    ir_value f = emit_function(r, type, result);
    ir_value flags = e->frame.flags ? e->frame.flags : LLVMConstNull(e->pointer);
    LLVMBuildCall2(e->b, type, f, (ir_value[]){ r->area, flags }, 2, "");
    for (int32_t k = 0; k < r->n_phis; k++)
        for (int32_t u = 0; r->wanted[k] && u < r->vectors; u++) {
            jit_dtype t = graph_dtype(e->g, phi_of(r, k));
            ir_value v = memory_load(e, t, vector_at(r, r->outside[k].offset, t, u));
            result[k * r->vectors + u] = carried(r, phi_of(r, k), v);
        }
    reload_kept(r);
}

static void join(rare *r, const ir_value *result, const ir_block *from)
{
    emitter *e = r->e;
    int32_t n = r->n_phis * r->vectors;
    for (int32_t i = 0; i < n; i++) {
        if (!r->wanted[i / r->vectors])
            continue;
        ir_value phi = LLVMBuildPhi(e->b, LLVMTypeOf(result[i]), "");
        LLVMAddIncoming(phi, (ir_value[]){ r->init[i], result[i] },
                        (ir_block[]){ from[0], from[1] }, 2);
        r->init[i] = phi;
    }
    join_kept(r, from);
    for (int32_t i = 0; i < n; i++) {
        node phi = phi_of(r, i / r->vectors);
        bool mask = e->values->widens && graph_dtype(e->g, phi) == JIT_BOOL;
        ir_value v = mask ? values_narrow(e, r->init[i]) : r->init[i];
        values_set(e, phi, i % r->vectors, v);
    }
}

void rare_emit(emitter *e, node loop, int32_t vectors)
{
    rare r = { .e = e, .l = &e->t->loops[e->t->loop_at[loop]], .vectors = vectors };
    r.n_phis = (int32_t)graph_node(e->g, loop)->imm;
    r.outer_mask = e->mask_loop;
    size_t n = (size_t)(r.n_phis * vectors) + 1;
    ir_value *result = arena_alloc(e->g->ar, n * sizeof *result);
    if (!reserve(&r) || !result) {
        control_abandon(e, loop, vectors);
        return;
    }
    find_wanted(&r);
    find_outside(&r);
    set_inits(&r);
    emit_list(e, &r.l->head, vectors);
    emit_flush_flags(e);
    ir_block path = build_block(e, "rare"), end = build_block(e, "usual"), from[2];
    ir_value any = any_active(&r);
    from[0] = LLVMGetInsertBlock(e->b);
    build_rare_branch(e, any, path, end);
    LLVMPositionBuilderAtEnd(e->b, path);
    bool light = is_light(&r);
    if (e->t->ordered && !light && e->t->region[loop] == 0)
        find_kept(&r);
    if (light)
        emit_in_vectors(&r, result);
    else
        emit_rare_path(&r, result);
    from[1] = LLVMGetInsertBlock(e->b);
    build_goto(e, end);
    join(&r, result, from);
}
