/* x[place] = f(x[place], y), one after the other. On a packed array by a compiled loop (ufunc_at_flat), of
 * whole rows by f itself. Else, in a block of places those that are the first of their element are
 * computed at once, then those that are the second, and so on: rounds in which all elements are
 * different, each after the one before. */
#include <string.h>

#include "array.h"
#include "array_view.h"
#include "call.h"
#include "drive.h"
#include "elements.h"
#include "fpmode.h"
#include "specialise.h"
#include "type.h"
#include "ufunc_at_flat.h"
#include "ufunc_check.h"
#include "uniform.h"

enum { BLOCK = 256, SLOTS = 8 * BLOCK, WIDEST = 8, COUNT_BITS = 9 };

typedef struct block {
    char *at[BLOCK];         /* elements of x, */
    const char *from[BLOCK]; /*   and of y */
    int32_t n;
    int32_t round[BLOCK];
    int32_t order[BLOCK], end[BLOCK + 1]; /* by rounds, and where each ends */
    /* by hash of an element: the number of a block, and how many of that block have it */
    uint32_t number, seen[SLOTS];
    _Alignas(64) char x[BLOCK * WIDEST], y[BLOCK * WIDEST];
} block;

typedef struct scatter {
    jit_ufunc *u;
    const jit_array *x;
    const jit_places *places;
    jit_method how;
    diag *d;
    int32_t rank; /* of the places, then of what x has at each */
    int64_t shape[2 * JIT_MAX_RANK];
    int32_t n_place_axes;
    int64_t n_places;
    int64_t *offset; /* of each place, bytes */
    jit_array y;     /* stretched to all of it */
    block *b;
    jit_kernel *k; /* of f, into the type of x */
    const uint64_t *cells;
    jit_args args; /* of the runs, but for arrays */
    uint32_t flags;
} scatter;

static const char call[] = "jit_ufunc_at";

/* ---------------------------------------------------------------- checks */

static bool check_how(scatter *s, const jit_method *how)
{
    const jit_method *h = &s->how;
    if (!ufunc_check_method(&s->how, how, call, s->d))
        return false;
    if (!h->where && !h->initial && !h->keepdims && !h->axis && h->dtype == JIT_NONE)
        return true;
    diag_plain(s->d, DIAG_option_value, "%s reads jit_method.run alone", call);
    return false;
}

static bool check_places(scatter *s)
{
    const jit_places *p = s->places;
    if (!p || p->n < 1 || p->n > s->x->rank || !p->index) {
        diag_plain(s->d, DIAG_operand_count, "%s: %d arrays of indices for an array of rank %d",
                   call, p ? (int)p->n : 0, (int)s->x->rank);
        return false;
    }
    for (int32_t i = 0; i < p->n; i++)
        if (!ufunc_check_index(&p->index[i], call, s->d))
            return false;
    return true;
}

static bool find_shape(scatter *s)
{
    char text[SHAPE_TEXT];
    const jit_places *p = s->places;
    for (int32_t i = 0; i < p->n; i++)
        if (!broadcast_widen(&s->rank, s->shape, &p->index[i])) {
            diag_plain(s->d, DIAG_no_broadcast, "%s: indices of shape %s do not broadcast",
                       call, shape_text(text, p->index[i].rank, p->index[i].shape));
            return false;
        }
    s->n_place_axes = s->rank;
    for (int32_t i = p->n; i < s->x->rank; i++)
        s->shape[s->rank++] = s->x->shape[i];
    if (s->rank <= JIT_MAX_RANK)
        return true;
    diag_plain(s->d, DIAG_array_rank, "%s: the places and the axes behind them are %d axes",
               call, (int)s->rank);
    return false;
}

static bool check_y(scatter *s, const jit_array *y)
{
    char have[SHAPE_TEXT], want[SHAPE_TEXT];
    if (!y != (s->u->fn->n_args == 1)) {
        diag_plain(s->d, DIAG_operand_count, "%s: %s has %d argument%s, and y is %snull", call,
                   s->u->fn->name, (int)s->u->fn->n_args, s->u->fn->n_args == 1 ? "" : "s",
                   y ? "not " : "");
        return false;
    }
    if (!y)
        return true;
    if (!array_is_sound(y)) {
        array_explain(y, "y of jit_ufunc_at", s->d);
        return false;
    }
    if (array_stretch(&s->y, y, s->rank, s->shape))
        return true;
    diag_plain(s->d, DIAG_no_broadcast, "%s: y of shape %s does not broadcast to %s", call,
               shape_text(have, y->rank, y->shape), shape_text(want, s->rank, s->shape));
    return false;
}

/* ---------------------------------------------------------------- places */

static inline cell load_index(jit_dtype t, const char *at)
{
    cell v;
    if (t != JIT_I64)
        return type_load(t, at);
    memcpy(&v, at, sizeof v); /* the usual one */
    return v;
}

static bool add_index(scatter *s, int32_t axis, int64_t place, cell v)
{
    int64_t n = s->x->shape[axis], i = v.i;
    bool huge = s->places->index[axis].dtype == JIT_U64 && i < 0;
    if (i < 0 && !huge)
        i += n;
    if (i < 0 || i >= n) {
        diag_plain(s->d, DIAG_subscript_range,
                   "%s: index %lld, at place %lld, is out of range: axis %d has %lld elements",
                   call, (long long)v.i, (long long)place, (int)axis, (long long)n);
        return false;
    }
    s->offset[place] += i * s->x->stride[axis];
    return true;
}

typedef struct odometer { /* goes through a shape in C order */
    int32_t rank;
    const int64_t *shape;
    int64_t index[JIT_MAX_RANK];
} odometer;

static void carry(odometer *o, const int64_t *stride, int64_t *offset)
{
    for (int32_t k = o->rank - 1; k > 0 && o->index[k] == o->shape[k]; k--) {
        *offset += stride[k - 1] - stride[k] * o->shape[k];
        o->index[k] = 0;
        o->index[k - 1]++;
    }
}

/* By how many bytes the next element of an array with these strides is further. */
static inline void advance(odometer *o, const int64_t *stride, int64_t *offset)
{
    int32_t last = o->rank - 1;
    if (last < 0)
        return;
    *offset += stride[last];
    if (++o->index[last] == o->shape[last])
        carry(o, stride, offset);
}

static bool find_offsets(scatter *s)
{
    for (int32_t axis = 0; axis < s->places->n; axis++) {
        jit_array index;
        odometer o = { .rank = s->n_place_axes, .shape = s->shape };
        int64_t at = 0;
        (void)array_stretch(&index, &s->places->index[axis], s->n_place_axes, s->shape);
        for (int64_t p = 0; p < s->n_places; p++) {
            cell v = load_index(index.dtype, (const char *)index.data + at);
            if (!add_index(s, axis, p, v))
                return false;
            advance(&o, index.stride, &at);
        }
    }
    return true;
}

/* ---------------------------------------------------------------- blocks */

static void next_number(block *b)
{
    if (++b->number < (uint32_t)1 << (32 - COUNT_BITS))
        return;
    memset(b->seen, 0, sizeof b->seen);
    b->number = 1;
}

/* Different elements may have one hash: they only wait for each other. Returns how many rounds. */
static int32_t find_rounds(block *b)
{
    int32_t rounds = 0;
    next_number(b);
    const uint32_t none = b->number << COUNT_BITS;
    for (int32_t i = 0; i < b->n; i++) {
        size_t slot = (size_t)((uintptr_t)b->at[i] * 0x9e3779b97f4a7c15u >> 40) % SLOTS;
        uint32_t before = b->seen[slot] < none ? 0 : b->seen[slot] - none;
        b->seen[slot] = none + before + 1;
        b->round[i] = (int32_t)before;
        rounds = b->round[i] < rounds ? rounds : b->round[i] + 1;
    }
    return rounds;
}

static void order_rounds(block *b, int32_t rounds)
{
    memset(b->end, 0, (size_t)(rounds + 1) * sizeof b->end[0]);
    for (int32_t i = 0; i < b->n; i++)
        b->end[b->round[i] + 1]++;
    for (int32_t r = 0; r < rounds; r++)
        b->end[r + 1] += b->end[r];
    for (int32_t i = 0; i < b->n; i++) /* what was a round's begin becomes its end */
        b->order[b->end[b->round[i]]++] = i;
}

static void compute(scatter *s, const int32_t *order, int32_t n)
{
    block *b = s->b;
    bool two = s->y.data != NULL;
    size_t x_size = s->k->size[0], y_size = two ? s->k->size[1] : 0;
    for (int32_t i = 0; i < n; i++)
        elements_move_one(b->x + (size_t)i * x_size, b->at[order[i]], x_size);
    for (int32_t i = 0; two && i < n; i++)
        elements_move_one(b->y + (size_t)i * y_size, b->from[order[i]], y_size);
    char *data[3] = { b->x, two ? b->y : b->x, b->x };
    int64_t steps[3] = { (int64_t)x_size, (int64_t)(two ? y_size : x_size), (int64_t)x_size };
    kernel_call run = { .n = n, .rows = 1, .data = data, .step = steps, .row_step = steps };
    drive_settings(&run, s->k, &s->args, s->cells);
    s->flags |= drive_block(s->k, &run);
    for (int32_t i = 0; i < n; i++)
        elements_move_one(b->at[order[i]], b->x + (size_t)i * x_size, x_size);
}

/* False: it was stopped. */
static bool run_block(scatter *s)
{
    block *b = s->b;
    int32_t rounds = find_rounds(b), from = 0;
    order_rounds(b, rounds);
    fpmode saved = fpmode_enter(s->k->ftz);
    for (int32_t r = 0; r < rounds && s->flags < KERNEL_OUT_OF_FUEL; r++) {
        compute(s, b->order + from, b->end[r] - from);
        from = b->end[r];
    }
    fpmode_leave(saved);
    b->n = 0;
    s->flags |= *drive_cancel(&s->args) ? KERNEL_CANCELLED : 0;
    return s->flags < KERNEL_OUT_OF_FUEL;
}

static inline bool add_element(scatter *s, char *element, const char *y)
{
    block *b = s->b;
    __builtin_prefetch(element, 1);
    b->at[b->n] = element;
    b->from[b->n] = y;
    return ++b->n < BLOCK || run_block(s);
}

/* All elements at one place. */
static bool add_place(scatter *s, int64_t place, odometer *all, int64_t *y_at)
{
    const jit_array *x = s->x;
    int32_t n = s->places->n;
    odometer o = { .rank = x->rank - n, .shape = x->shape + n };
    int64_t count = 1, at = 0;
    for (int32_t i = n; i < x->rank; i++)
        count *= x->shape[i];
    for (int64_t i = 0; i < count; i++) {
        const char *y = s->y.data ? (const char *)s->y.data + *y_at : NULL;
        if (!add_element(s, (char *)x->data + s->offset[place] + at, y))
            return false;
        advance(&o, x->stride + n, &at);
        advance(all, s->y.stride, y_at);
    }
    return true;
}

static bool run_places(scatter *s)
{
    odometer all = { .rank = s->rank, .shape = s->shape };
    int64_t y_at = 0;
    for (int64_t p = 0; p < s->n_places; p++)
        if (!add_place(s, p, &all, &y_at))
            return false;
    return s->b->n == 0 || run_block(s);
}

/* ---------------------------------------------------------------- packed arrays */

static bool is_packed(const jit_array *a, int32_t from, int32_t rank)
{
    int64_t step = (int64_t)jit_dtype_size(a->dtype);
    for (int32_t i = rank - 1; i >= from; i--) {
        if (a->shape[i] != 1 && a->stride[i] != step)
            return false;
        step *= a->shape[i];
    }
    return true;
}

/* Whether all are 0 .. n-1. */
static bool all_inside(const int64_t *index, int64_t count, int64_t n)
{
    uint64_t outside = 0; /* the sign */
    for (int64_t i = 0; i < count; i++)
        outside |= (uint64_t)index[i] | ((uint64_t)n - 1 - (uint64_t)index[i]);
    return (int64_t)outside >= 0;
}

/* The indices as they are given, if they are what the loop takes. */
static const int64_t *given_index(const scatter *s)
{
    const jit_array *i = s->places->index;
    bool plain = s->places->n == 1 && i->dtype == JIT_I64 && i->rank == s->n_place_axes &&
                 is_packed(i, 0, i->rank) && (uintptr_t)i->data % sizeof(int64_t) == 0 &&
                 !array_overlap(s->x, i);
    return plain && all_inside(i->data, s->n_places, s->x->shape[0]) ? i->data : NULL;
}

static bool take_offsets(scatter *s)
{
    if (s->offset)
        return true;
    s->offset = context_alloc(s->u->m->context, (size_t)s->n_places * sizeof *s->offset + 1);
    if (!s->offset)
        diag_no_memory(s->d);
    return s->offset && find_offsets(s);
}

/* False: it is not of that kind, and nothing was done; or a diagnostic. */
static bool run_flat(scatter *s)
{
    int64_t n = jit_array_count(s->x), size = (int64_t)jit_dtype_size(s->x->dtype);
    ufunc_flat f = { .u = s->u, .y = &s->y, .n = s->n_places, .args = &s->args };
    f.x = jit_array_of(s->x->dtype, s->x->data, 1, &n);
    if (s->places->n < s->x->rank || !is_packed(s->x, 0, s->x->rank) || s->k->indexed ||
        !ufunc_flat_fits(&f, s->d))
        return false;
    f.index = given_index(s);
    if (f.index)
        return ufunc_flat_run(&f, &s->flags, s->d);
    if (!take_offsets(s))
        return false;
    for (int64_t i = 0; i < s->n_places; i++)
        s->offset[i] /= size;
    f.index = s->offset;
    bool done = ufunc_flat_run(&f, &s->flags, s->d);
    for (int64_t i = 0; !done && i < s->n_places; i++)
        s->offset[i] *= size;
    return done;
}

/* By how much y goes on from one element of a row to the next; false: not evenly. */
static bool find_y_step(const scatter *s, int64_t *step)
{
    bool one = true;
    *step = 0;
    for (int32_t i = s->n_place_axes; s->y.data && i < s->rank; i++)
        one = one && (s->shape[i] == 1 || s->y.stride[i] == 0);
    if (one)
        return true;
    *step = (int64_t)jit_dtype_size(s->y.dtype);
    return is_packed(&s->y, s->n_place_axes, s->rank);
}

/* Rows of x that are packed: f of each, place by place. False: they are not, or a diagnostic. */
static bool run_rows(scatter *s)
{
    enum { SHORT = 8 }; /* elements, which blocks of places do as well */
    int64_t n = 1, step, y_at = 0, size = (int64_t)jit_dtype_size(s->x->dtype);
    odometer o = { .rank = s->n_place_axes, .shape = s->shape };
    for (int32_t i = s->places->n; i < s->x->rank; i++)
        n *= s->x->shape[i];
    if (n < SHORT || !is_packed(s->x, s->places->n, s->x->rank) || s->k->indexed ||
        !find_y_step(s, &step) || !take_offsets(s))
        return false;
    fpmode saved = fpmode_enter(s->k->ftz);
    for (int64_t p = 0; p < s->n_places && s->flags < KERNEL_OUT_OF_FUEL; p++) {
        char *x = (char *)s->x->data + s->offset[p];
        char *data[3] = { x, s->y.data ? (char *)s->y.data + y_at : x, x };
        int64_t steps[3] = { size, s->y.data ? step : size, size };
        kernel_call run = { .n = n, .rows = 1, .data = data, .step = steps, .row_step = steps };
        drive_settings(&run, s->k, &s->args, s->cells);
        s->flags |= drive_block(s->k, &run);
        s->flags |= *drive_cancel(&s->args) ? KERNEL_CANCELLED : 0;
        advance(&o, s->y.stride, &y_at);
    }
    fpmode_leave(saved);
    return true;
}

/* ---------------------------------------------------------------- the kernel and memory */

static bool make_kernel(scatter *s)
{
    request r = { .name = s->u->fn->name,
                  .statics = s->u->statics,
                  .n_statics = s->u->n_statics };
    r.types.n_in = s->u->fn->n_args;
    r.types.in[0] = r.types.out[0] = s->x->dtype;
    r.types.in[1] = s->y.dtype;
    r.types.n_out = 1;
    s->k = specialise_kept(s->u->m, &r, s->d);
    if (!s->k || !s->k->gufunc)
        return s->k != NULL;
    diag_plain(s->d, DIAG_no_ufunc, "%s: %s has arrays inside", call, s->u->fn->name);
    return false;
}

/* Any layout, in blocks. */
static void run_blocks(scatter *s)
{
    const jit_context *c = s->u->m->context;
    s->b = context_alloc(c, sizeof *s->b);
    if (!s->b) {
        diag_no_memory(s->d);
        return;
    }
    if (take_offsets(s))
        (void)run_places(s);
    context_release(c, s->b, sizeof *s->b);
}

static bool run(scatter *s)
{
    uint64_t cells[MAX_UNIFORMS];
    s->args = (jit_args){ .threads = 1 };
    if (s->how.run)
        s->args = *s->how.run;
    s->cells = make_kernel(s) ? uniform_cells(s->k, &s->args, cells, s->d) : NULL;
    if (!s->cells)
        return false;
    if (!run_flat(s) && !diag_failed(s->d) && !run_rows(s) && !diag_failed(s->d))
        run_blocks(s);
    bool ok = !diag_failed(s->d) && call_finish(s->k, &s->args, s->flags, s->d);
    if (s->how.run)
        s->how.run->flags = s->args.flags;
    return ok;
}

static bool with_memory(scatter *s)
{
    bool ok = run(s);
    if (s->offset)
        context_release(s->u->m->context, s->offset,
                        (size_t)s->n_places * sizeof *s->offset + 1);
    return ok;
}

/* y as it was before, if writing to x would change it. */
static bool with_own_y(scatter *s)
{
    jit_array copy = { .rank = -1 };
    bool shared = s->y.data && array_overlap(s->x, &s->y);
    if (shared && jit_array_copy(&copy, &s->y, s->d->out) != JIT_OK)
        return false;
    if (shared)
        s->y = copy;
    bool ok = with_memory(s);
    if (shared)
        jit_array_free(&copy);
    return ok;
}

static bool prepare(scatter *s, const jit_array *y, const jit_method *how)
{
    const ufunc_operands o = { s->u, s->x, s->x, call, s->u && s->u->fn->n_args == 1 };
    if (!ufunc_check(&o, s->d) || !check_how(s, how) || !check_places(s) || !find_shape(s) ||
        !check_y(s, y))
        return false;
    if (array_overlaps_itself(s->x)) {
        diag_plain(s->d, DIAG_output_stride, "%s: elements of the array overlap each other",
                   call);
        return false;
    }
    s->n_places = 1;
    for (int32_t i = 0; i < s->n_place_axes; i++)
        s->n_places *= s->shape[i];
    return true;
}

jit_status jit_ufunc_at(jit_ufunc *u, jit_array *x, const jit_places *places,
                        const jit_array *y, const jit_method *how, jit_error *err)
{
    diag d;
    diag_init(&d, err, NULL);
    scatter s = { .u = u, .x = x, .places = places, .d = &d };
    if (prepare(&s, y, how))
        (void)with_own_y(&s);
    return d.out->status;
}
