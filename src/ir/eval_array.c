/* The interpreter of array graphs: runs the steps that eval_plan.c has laid out, with one value
 * in memory for each array. Values are counted: `put` writes in place where nobody else holds
 * the old array. */
#include <math.h>
#include <string.h>

#include "eval_fold.h"

typedef struct array_value {
    int32_t n_held, rank;
    size_t size; /* of this block */
    char *data;
    bool lent;      /* the elements are the caller's: never written */
    int32_t origin; /* of the first element stored that has one */
    int64_t extent[GRAPH_MAX_RANK], stride[GRAPH_MAX_RANK];
} array_value;

typedef struct run {
    const eval_plan *p;
    eval_array_call *c;
    cell *slots;
    array_value **arrays; /* of slots that hold arrays; counted */
    bool *outside;        /* of bounds: out of range */
    eval_fold *folds;
    int32_t *origin; /* of slots: see eval_array_call.watch; NULL: it is not watched */
    jit_status status;
    int64_t n_elements; /* of maps and folds, so far */
} run;

/* -------------------------------------------------------------------------- arrays */

static void let_go(run *r, array_value *a)
{
    jit_allocator allocator = r->p->allocator;
    if (a && --a->n_held == 0)
        memory_resize(&allocator, a, a->size, 0);
}

static void set_array(run *r, int32_t slot, array_value *a) /* takes a */
{
    let_go(r, r->arrays[slot]);
    r->arrays[slot] = a;
}

/* Strides of C order; the number of bytes, or -1 if that is too much. */
static int64_t contiguous(const int64_t *extent, int32_t rank, int64_t size, int64_t *stride)
{
    for (int32_t i = 0; i < rank; i++)
        if (extent[i] <= 0)
            return 0;
    for (int32_t i = rank - 1; i >= 0; i--) {
        stride[i] = size;
        if (__builtin_mul_overflow(size, extent[i], &size))
            return -1;
    }
    return size;
}

static array_value *new_array(run *r, const int64_t *extent, int32_t rank, jit_dtype t)
{
    jit_allocator allocator = r->p->allocator;
    array_value made = { .n_held = 1, .rank = rank };
    int64_t bytes = contiguous(extent, rank, type_bits(t) / 8, made.stride);
    bool fits = bytes >= 0 && (uint64_t)bytes < SIZE_MAX / 2;
    made.size = sizeof made + (fits ? (size_t)bytes : 0);
    array_value *a = fits ? memory_resize(&allocator, NULL, 0, made.size) : NULL;
    if (!a) {
        r->status = JIT_ERR_MEMORY;
        return NULL;
    }
    memcpy(made.extent, extent, (size_t)rank * sizeof *extent);
    made.data = (char *)(a + 1);
    *a = made;
    return a;
}

static array_value *input_array(run *r, const step *s)
{
    const graph_shape *shape = &r->p->shapes[s->to];
    const eval_operand *in = &r->c->in[s->number];
    int64_t none[1] = { 0 };
    array_value *a = new_array(r, none, 1, JIT_I8);
    if (!a)
        return NULL;
    a->lent = true;
    a->rank = shape->rank;
    a->data = in->data;
    for (int32_t i = 0; i < shape->rank; i++) {
        a->extent[i] = r->slots[shape->extent[i]].i;
        a->stride[i] = in->stride[i];
    }
    return a;
}

/* Odometer: the next element of C order, false after the last. */
static bool next_element(const int64_t *extent, int32_t rank, int64_t *at)
{
    for (int32_t i = rank - 1; i >= 0; i--) {
        if (++at[i] < extent[i])
            return true;
        at[i] = 0;
    }
    return false;
}

static bool is_empty(const array_value *a)
{
    for (int32_t i = 0; i < a->rank; i++)
        if (a->extent[i] <= 0)
            return true;
    return false;
}

static char *element(const array_value *a, const int64_t *at)
{
    int64_t offset = 0;
    for (int32_t i = 0; i < a->rank; i++)
        offset += at[i] * a->stride[i];
    return a->data + offset;
}

static void copy_elements(const array_value *to, const array_value *from, jit_dtype t)
{
    int64_t at[GRAPH_MAX_RANK] = { 0 };
    if (is_empty(from))
        return;
    do
        type_store(t, element(to, at), type_load(t, element(from, at)));
    while (next_element(from->extent, from->rank, at));
}

/* -------------------------------------------------------------------------- origins */

static bool is_finite(const run *r, int32_t slot, jit_dtype t)
{
    return !type_is_float(t) || isfinite(r->slots[slot].f);
}

/* Of the value of a scalar step: where its operands' came from, or the step itself. */
static void note_origin(run *r, const step *s, int32_t from)
{
    if (r->origin)
        r->origin[s->slot] = is_finite(r, s->slot, (jit_dtype)s->out_type) ? 0
                             : from                                        ? from
                                                                           : s->slot;
}

static int32_t operand_origin(const run *r, const step *s)
{
    int32_t first = 0, n = op_info((op)s->op)->arity;
    if (!r->origin)
        return 0;
    if (s->op == OP_select)
        return r->origin[r->slots[s->in[0]].u ? s->in[1] : s->in[2]];
    for (int32_t i = n < 0 || n > 3 ? 0 : n; i-- > 0;)
        first = r->origin[s->in[i]] ? r->origin[s->in[i]] : first;
    return first;
}

static void note_stored(const run *r, array_value *a, int32_t slot)
{
    if (r->origin && a->origin == 0)
        a->origin = r->origin[slot];
}

/* -------------------------------------------------------------------------- elements */

static bool in_range(int64_t i, int64_t extent)
{
    return i >= 0 && i < extent;
}

static void run_bound(run *r, const step *s)
{
    int64_t i = r->slots[s->in[0]].i, extent = r->slots[s->in[1]].i;
    bool fine = in_range(i, extent);
    if (s->kind == STEP_BOUND) {
        r->slots[s->slot].i = fine ? i : 0;
        r->outside[s->slot] = !fine;
    }
    if (!fine && r->slots[s->in[2]].u) {
        r->c->fault = (eval_fault){ s->number, i, extent };
        r->status = JIT_ERR_INDEX;
    }
}

/* The address of an element; NULL: a bound says that there is none. */
static char *find_element(run *r, const step *s)
{
    const array_value *a = r->arrays[s->in[0]];
    int64_t at[GRAPH_MAX_RANK];
    for (int32_t i = 0; i < s->rank; i++) {
        int32_t slot = r->p->operands[s->first + i];
        if (r->outside[slot])
            return NULL;
        at[i] = r->slots[slot].i;
    }
    for (int32_t i = 0; i < s->rank; i++)
        if (!in_range(at[i], a->extent[i])) {
            r->status = JIT_ERR_INTERNAL;
            return NULL;
        }
    return element(a, at);
}

static void run_at(run *r, const step *s)
{
    const char *from = find_element(r, s);
    r->slots[s->slot] = from ? type_load((jit_dtype)s->out_type, from) : (cell){ 0 };
    note_origin(r, s, r->arrays[s->in[0]]->origin);
}

static array_value *take_array(run *r, const step *s, int32_t from)
{
    array_value *a = r->arrays[from];
    if (s->last)
        r->arrays[from] = NULL;
    else
        a->n_held++;
    return a;
}

static array_value *own_copy(run *r, array_value *a, jit_dtype t) /* takes a */
{
    if (a->n_held == 1 && !a->lent)
        return a;
    array_value *copy = new_array(r, a->extent, a->rank, t);
    if (copy) {
        copy_elements(copy, a, t);
        copy->origin = a->origin;
    }
    let_go(r, a);
    return copy;
}

static void run_put(run *r, const step *s)
{
    jit_dtype t = (jit_dtype)s->out_type;
    set_array(r, s->slot, NULL);
    bool when = r->slots[s->in[2]].u && find_element(r, s);
    array_value *a = take_array(r, s, s->in[0]);
    if (when)
        a = own_copy(r, a, t);
    set_array(r, s->slot, a);
    if (!when || !a)
        return;
    int64_t at[GRAPH_MAX_RANK];
    for (int32_t i = 0; i < s->rank; i++)
        at[i] = r->slots[r->p->operands[s->first + i]].i;
    type_store(t, element(a, at), r->slots[s->in[1]]);
    note_stored(r, a, s->in[1]);
}

/* -------------------------------------------------------------------------- maps and folds */

static void load_axes(const run *r, const step *s, int64_t *at, int64_t *extent)
{
    const int32_t *operands = r->p->operands + s->first;
    for (int32_t i = 0; i < s->rank; i++) {
        at[i] = r->slots[operands[i]].i;
        extent[i] = r->slots[operands[s->rank + i]].i;
    }
}

static bool store_axes(const run *r, const step *s, const int64_t *at, const int64_t *extent)
{
    bool empty = false;
    for (int32_t i = 0; i < s->rank; i++) {
        r->slots[r->p->operands[s->first + i]].i = at[i];
        empty = empty || extent[i] <= 0;
    }
    return !empty;
}

static void reuse_or_new(run *r, const step *s, const int64_t *extent)
{
    array_value *old = r->arrays[s->slot];
    if (old && old->n_held == 1) { /* extents are the same all the call */
        old->origin = 0;
        return;
    }
    set_array(r, s->slot, NULL);
    r->arrays[s->slot] = new_array(r, extent, s->rank, (jit_dtype)s->out_type);
}

/* So many elements of maps and folds take a unit of fuel. */
static void take_turn(run *r)
{
    enum { ELEMENTS = 1 << 16 };
    if (++r->n_elements % ELEMENTS == 0 && r->status == JIT_OK)
        r->status = eval_back(&r->c->fuel, r->c->cancel);
    else if (r->c->cancel && *r->c->cancel)
        r->status = JIT_ERR_CANCELLED;
}

static void store_value(run *r, const step *s, const int64_t *at)
{
    type_store((jit_dtype)s->out_type, element(r->arrays[s->slot], at), r->slots[s->in[0]]);
    note_stored(r, r->arrays[s->slot], s->in[0]);
}

static void other_value(run *r, const step *s)
{
    int64_t at[GRAPH_MAX_RANK], extent[GRAPH_MAX_RANK];
    load_axes(r, s, at, extent);
    if (s->kind == STEP_MAKE)
        reuse_or_new(r, s, extent);
    else
        store_value(r, s, at);
}

/* The next step. */
static int32_t begin_elements(run *r, const step *s)
{
    int64_t at[GRAPH_MAX_RANK] = { 0 }, extent[GRAPH_MAX_RANK];
    load_axes(r, s, at, extent);
    memset(at, 0, sizeof at);
    bool some = store_axes(r, s, at, extent);
    if (s->kind == STEP_MAP) {
        reuse_or_new(r, s, extent);
    } else {
        eval_fold_begin(&r->folds[s->number], s, extent[s->rank - 1]);
        r->slots[s->slot] = eval_fold_result(&r->folds[s->number], s);
        if (r->origin)
            r->origin[s->slot] = 0;
    }
    return some ? (int32_t)(s - r->p->steps) + 1 : s->to;
}

static int32_t next_elements(run *r, const step *s)
{
    int64_t at[GRAPH_MAX_RANK], extent[GRAPH_MAX_RANK];
    load_axes(r, s, at, extent);
    if (s->kind == STEP_MAP_NEXT) {
        store_value(r, s, at);
    } else {
        eval_fold *f = &r->folds[s->number];
        const cell v[2] = { r->slots[s->in[0]], r->slots[s->in[1]] };
        eval_fold_add(f, s, v);
        r->c->flags |= f->flags;
        r->slots[s->slot] = eval_fold_result(f, s);
        if (r->origin && f->origin == 0)
            f->origin = r->origin[s->in[0]]             ? r->origin[s->in[0]]
                        : eval_fold_kind(s) == FOLD_DOT ? r->origin[s->in[1]]
                                                        : 0;
        note_origin(r, s, f->origin);
    }
    take_turn(r);
    bool more = next_element(extent, s->rank, at);
    (void)store_axes(r, s, at, extent);
    return more ? s->to : (int32_t)(s - r->p->steps) + 1;
}

/* -------------------------------------------------------------------------- running */

static cell leaf(const run *r, const step *s)
{
    const eval_array_call *c = r->c;
    switch ((step_kind)s->kind) {
    case STEP_CONST:
        return s->value;
    case STEP_ARG:
        return type_load((jit_dtype)s->out_type, c->in[s->number].data);
    case STEP_UNIFORM:
        return c->uniform[s->number];
    case STEP_INDEX:
        return (cell){ .u = c->index };
    case STEP_SEED:
        return (cell){ .u = c->seed };
    case STEP_DIM:
        return (cell){ .i = c->dim[s->number] };
    default:
        return r->slots[s->in[0]]; /* copy */
    }
}

static void share(run *r, const step *s)
{
    int32_t from = s->in[0];
    if (s->kind == STEP_CHOOSE)
        from = r->slots[s->in[0]].u ? s->in[1] : s->in[2];
    set_array(r, s->slot, take_array(r, s, from));
}

/* Runs one step; the number of the next. */
static int32_t run_step(run *r, int32_t i)
{
    const step *s = &r->p->steps[i];
    switch ((step_kind)s->kind) {
    case STEP_OPERATOR: {
        const cell in[3] = { r->slots[s->in[0]], r->slots[s->in[1]], r->slots[s->in[2]] };
        uint32_t ignored = 0;
        r->slots[s->slot] = eval_operator(s, in, s->quiet ? &ignored : &r->c->flags);
        note_origin(r, s, operand_origin(r, s));
        break;
    }
    case STEP_LOOKUP:
        r->slots[s->slot] = eval_lookup(r->p, s, r->slots[s->in[0]]);
        note_origin(r, s, operand_origin(r, s));
        break;
    case STEP_TEST:
        return r->slots[s->in[0]].u ? i + 1 : s->to;
    case STEP_BACK:
        r->status = eval_back(&r->c->fuel, r->c->cancel);
        return s->to;
    case STEP_AGAIN:
        return s->to;
    case STEP_BOUND:
    case STEP_CHECK:
        run_bound(r, s);
        break;
    case STEP_INPUT:
        set_array(r, s->slot, input_array(r, s));
        break;
    case STEP_SHARE:
    case STEP_CHOOSE:
        share(r, s);
        break;
    case STEP_AT:
        run_at(r, s);
        break;
    case STEP_PUT:
        run_put(r, s);
        break;
    case STEP_MAP:
    case STEP_FOLD:
        return begin_elements(r, s);
    case STEP_MAKE:
    case STEP_STORE:
        other_value(r, s);
        break;
    case STEP_MAP_NEXT:
    case STEP_FOLD_NEXT:
        return next_elements(r, s);
    default:
        r->slots[s->slot] = leaf(r, s);
        if (r->origin)
            r->origin[s->slot] = s->kind == STEP_COPY ? r->origin[s->in[0]] : 0;
    }
    return i + 1;
}

static void store_output(const run *r, int32_t i)
{
    const eval_output *o = &r->p->outputs[i];
    const eval_operand *out = &r->c->out[i];
    if (o->rank == 0) {
        type_store(o->dtype, out->data, r->slots[o->slot]);
        return;
    }
    const array_value *from = r->arrays[o->slot];
    array_value to = *from;
    to.data = out->data;
    memcpy(to.stride, out->stride, (size_t)o->rank * sizeof *out->stride);
    copy_elements(&to, from, o->dtype);
}

static void run_all(run *r)
{
    for (int32_t i = 0; i < r->p->n_steps && r->status == JIT_OK;)
        i = run_step(r, i);
    for (int32_t i = 0; i < r->p->n_outputs && r->status == JIT_OK; i++)
        store_output(r, i);
    if (r->origin && r->status == JIT_OK) {
        const eval_output *o = &r->p->outputs[0];
        r->c->origin = o->rank > 0 ? r->arrays[o->slot]->origin : r->origin[o->slot];
    }
    for (int32_t i = 0; i < r->p->n_slots; i++)
        set_array(r, i, NULL);
}

jit_status eval_array_run(const eval_plan *p, eval_array_call *c)
{
    jit_allocator a = p->allocator;
    size_t n = (size_t)p->n_slots;
    size_t folds = (size_t)p->n_folds * sizeof(eval_fold);
    size_t size = folds + n * (sizeof(cell) + sizeof(array_value *) + sizeof(bool));
    size_t origins = c->watch ? n * sizeof(int32_t) : 0;
    size_t all = (size + 7) / 8 * 8 + origins;
    char *block = memory_resize(&a, NULL, 0, all);
    if (!block)
        return JIT_ERR_MEMORY;
    memset(block, 0, all);
    run r = { .p = p, .c = c };
    r.folds = (eval_fold *)(void *)block;
    r.slots = (cell *)(void *)(block + folds);
    r.arrays = (array_value **)(void *)(r.slots + n);
    r.outside = (bool *)(void *)(r.arrays + n);
    r.origin = c->watch ? (int32_t *)(void *)(block + (size + 7) / 8 * 8) : NULL;
    run_all(&r);
    memory_resize(&a, block, all, 0);
    return r.status;
}
