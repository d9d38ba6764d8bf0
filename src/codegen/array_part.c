/* Steps of a run, parts of a step, and what a step is worth. */
#include "array_part.h"

#include "array_kernel.h"
#include "emit.h"
#include "values.h"

static ir_value field(const array_code *c, ir_type type, size_t offset)
{
    const emitter *e = c->e;
    return build_load(e, type, build_offset(e, c->part, build_i64(e, (int64_t)offset)), 8);
}

void array_part_load(array_code *c)
{
    emitter *e = c->e;
    if (!c->a->n_steps)
        return;
    c->part = FIELD(c, e->pointer, part);
    c->step_first = field(c, e->i64, offsetof(array_part, first));
    c->step_count = field(c, e->i64, offsetof(array_part, count));
    c->worker = field(c, e->i64, offsetof(array_part, worker));
    for (size_t i = 0; i < 2; i++) {
        c->from[i] = field(c, e->i64, offsetof(array_part, from) + 8 * i);
        c->to[i] = field(c, e->i64, offsetof(array_part, to) + 8 * i);
    }
}

void array_part_tell(array_code *c, ir_value spare)
{
    emitter *e = c->e;
    ir_value to = field(c, e->pointer, offsetof(array_part, spare));
    ir_block asked = build_block(e, "spare"), on = build_block(e, "told");
    build_branch(e, LLVMBuildIsNotNull(e->b, to, ""), asked, on);
    LLVMPositionBuilderAtEnd(e->b, asked);
    build_store(e, spare, to, 8);
    build_goto(e, on);
}

/* -------------------------------------------------------------------------- plan */

/* Elements that a part of the outermost axis is a multiple of. */
static int64_t outer_unit(const array_code *c, const array_bind *b)
{
    if (b->n_axes > 1)
        return graph_in(c->a->g, b->n, 0) == b->row_axis ? b->rows : 1;
    return b->vector ? (int64_t)b->lanes * b->vectors : 1;
}

/* 0: that axis is not divided. */
static int64_t unit_of(const array_code *c, const array_bind *b, int32_t which)
{
    cell n;
    if (which == 1)
        return b->row_axis ? array_columns(c, b) : 0;
    if (b->n_axes == 1 && b->row_axis)
        return 0;
    int64_t unit = outer_unit(c, b);
    node extent = graph_in(c->a->g, graph_in(c->a->g, b->n, 0), 0);
    return graph_is_const(c->a->g, extent, &n) && n.i < 2 * unit ? 0 : unit;
}

/* At least one; the last takes what is left over. */
static ir_value units_of(array_code *c, const array_bind *b, int32_t which)
{
    emitter *e = c->e;
    int64_t unit = unit_of(c, b, which), known;
    ir_value n = array_extent(c, graph_in(e->g, b->n, which ? b->n_axes - 1 : 0));
    if (unit == 0)
        return build_i64(e, 1);
    if (array_is_known(n, &known))
        return build_i64(e, known < unit ? 1 : known / unit);
    n = LLVMBuildUDiv(e->b, n, build_i64(e, unit), "");
    return build_intrinsic(e, "llvm.smax", (ir_value[]){ n, build_i64(e, 1) }, 2);
}

static int64_t rounded_up(int64_t n, int64_t multiple)
{
    return n <= 0 ? 0 : (n - 1) / multiple * multiple + multiple;
}

static ir_value real_extent(array_code *c, const array_factor *f)
{
    emitter *e = c->e;
    ir_value most = build_i64(e, f->multiple);
    ir_value v[2] = { values_get(e, f->extent, 0), build_i64(e, 0) };
    ir_value n = build_intrinsic(e, "llvm.smax", v, 2);
    if (f->multiple > 1) {
        n = LLVMBuildUDiv(e->b, build_add(e, n, build_i64(e, f->multiple - 1)), most, "");
        n = build_mul(e, n, most);
    }
    return LLVMBuildSIToFP(e->b, n, e->scalar[JIT_F64], "");
}

/* Of one place in the code: what is known by itself, times what is not. */
static ir_value work_at(array_code *c, array_work *w, double *known)
{
    ir_value all = NULL;
    *known = w->work;
    for (array_factor f; array_trips_next(c->a, &w->trips, &f);) {
        cell n;
        if (f.extent && !graph_is_const(c->a->g, f.extent, &n)) {
            ir_value v = real_extent(c, &f);
            all = all ? build_fmul(c->e, all, v) : v;
        } else {
            *known *= f.extent ? (double)rounded_up(n.i, f.multiple) : f.guess;
        }
    }
    return all;
}

static ir_value work_of(array_code *c, const array_bind *b)
{
    emitter *e = c->e;
    ir_value all = NULL;
    double fixed = 0, known;
    for (array_work w = { 0 }; array_work_next(c->a, b, &w);) {
        ir_value v = work_at(c, &w, &known);
        fixed += v ? 0 : known;
        if (!v)
            continue;
        v = build_fmul(e, v, build_real(e, JIT_F64, known));
        all = all ? build_fadd(e, all, v) : v;
    }
    ir_value rest = build_real(e, JIT_F64, fixed);
    return all ? build_fadd(e, all, rest) : rest;
}

static void describe(array_code *c, ir_value to, const array_bind *b)
{
    emitter *e = c->e;
    build_store(e, work_of(c, b), to, 8);
    for (int32_t i = 0; i < 2; i++) {
        if (unit_of(c, b, i) == 0)
            continue;
        int64_t at = (int64_t)offsetof(array_step, units) + 8 * i;
        build_store(e, units_of(c, b, i), build_offset(e, to, build_i64(e, at)), 8);
        at = (int64_t)offsetof(array_step, unit) + 8 * i;
        build_store(e, build_i64(e, unit_of(c, b, i)), build_offset(e, to, build_i64(e, at)),
                    8);
    }
}

void array_part_plan(array_code *c, ir_block end)
{
    emitter *e = c->e;
    if (!c->a->n_steps)
        return;
    ir_value plan = field(c, e->pointer, offsetof(array_part, plan));
    ir_block describing = build_block(e, "plan"), on = build_block(e, "parts");
    ir_value asked = LLVMBuildIsNotNull(e->b, plan, "");
    build_rare_branch(e, asked, describing, on);
    LLVMPositionBuilderAtEnd(e->b, describing);
    for (int32_t i = 0; i < c->a->n_stages; i++) {
        int64_t at = (i + 1) * (int64_t)sizeof(array_step);
        if (c->a->stages[i].divided)
            describe(c, build_offset(e, plan, build_i64(e, at)), c->a->stages[i].divided);
    }
    LLVMBuildBr(e->b, end);
    LLVMPositionBuilderAtEnd(e->b, on);
}

/* -------------------------------------------------------------------------- steps */

array_step_code array_step_begin(array_code *c, int32_t step)
{
    emitter *e = c->e;
    array_step_code s = { NULL };
    if (!c->a->n_steps)
        return s;
    ir_value at = build_sub(e, build_i64(e, step), c->step_first);
    ir_value wanted = build_icmp(e, LLVMIntULT, at, c->step_count);
    ir_block in = build_block(e, "step");
    s.after = build_block(e, "step_end");
    build_branch(e, wanted, in, s.after);
    LLVMPositionBuilderAtEnd(e->b, in);
    c->divided = step > 0 ? c->a->stages[step - 1].divided : NULL;
    return s;
}

void array_step_end(array_code *c, const array_step_code *s)
{
    c->divided = NULL;
    if (!s->after)
        return;
    emit_flush_flags(c->e);
    build_goto(c->e, s->after);
}

/* -------------------------------------------------------------------------- ranges */

static bool is_ranged(const array_code *c, const array_bind *b, int32_t which)
{
    return b && b == c->divided && unit_of(c, b, which) > 0;
}

void array_part_range(const array_code *c, const array_bind *b, int32_t which, ir_value *range)
{
    emitter *e = c->e;
    if (!is_ranged(c, b, which))
        return;
    range[0] = c->from[which];
    range[1] = build_intrinsic(e, "llvm.smin", (ir_value[]){ range[1], c->to[which] }, 2);
}

ir_block array_rest_begin(array_code *c, const array_bind *b, ir_value extent)
{
    emitter *e = c->e;
    int64_t known;
    if (!is_ranged(c, b, 0) || !array_is_known(extent, &known))
        return NULL;
    emit_flush_flags(e);
    ir_block rest = build_block(e, "rest"), after = build_block(e, "rest_end");
    build_branch(e, build_icmp(e, LLVMIntSGE, c->to[0], extent), rest, after);
    LLVMPositionBuilderAtEnd(e->b, rest);
    return after;
}

void array_rest_end(array_code *c, ir_block after)
{
    if (!after)
        return;
    emit_flush_flags(c->e);
    build_goto(c->e, after);
}
