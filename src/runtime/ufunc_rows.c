/* A task is a piece of the rows of one sample, narrow enough that what has been computed stays in the cache:
 *
 *        m: piece | piece | piece
 *   x 0  -> out     ->      ->            first row: a copy, or f of the initial value
 *     1  f(out, x) -> out                 one call of f's own kernel for each row of a piece
 *     ..                                                                                        */
#include "ufunc_rows.h"

#include <stdatomic.h>
#include <string.h>

#include "array_view.h"
#include "call.h"
#include "drive.h"
#include "elements.h"
#include "fpmode.h"
#include "specialise.h"
#include "uniform.h"

enum { PIECE = 16 << 10, SHORT = 32 }; /* bytes of a piece of a row; elements of a row */

typedef struct rows {
    const ufunc_rows *r;
    const jit_kernel *k;
    const uint64_t *cells;
    int64_t n, m, size;       /* rows, elements of one, bytes of an element */
    int64_t x_step, out_step; /* bytes from one row to the next */
    int64_t width, pieces;    /* elements of a piece, and how many make a row */
    atomic_uint flags;
} rows;

/* Along the last axis. */
static bool is_packed(const jit_array *a)
{
    int32_t last = a->rank - 1;
    return a->shape[last] == 1 || a->stride[last] == (int64_t)jit_dtype_size(a->dtype);
}

/* A reduction of shorter rows is as fast compiled as a whole. */
bool ufunc_rows_fit(const jit_array *x, const jit_array *out)
{
    int64_t size = (int64_t)jit_dtype_size(x->dtype);
    int64_t least = out->rank == x->rank ? SHORT : PIECE / size;
    return x->dtype == out->dtype && x->rank >= 2 && x->shape[x->rank - 1] >= least &&
           x->shape[x->rank - 2] > 0 && is_packed(x) && is_packed(out) &&
           !array_overlap(x, out);
}

/* ---------------------------------------------------------------- one piece */

typedef struct piece {
    char *x, *out;
    int64_t n; /* elements */
} piece;

/* to = f(so_far, x) */
static void apply(rows *s, char *to, char *so_far, char *x, int64_t n)
{
    char *data[3] = { so_far, x, to };
    int64_t steps[3] = { s->size, s->size, s->size };
    kernel_call run = { .n = n, .rows = 1, .data = data, .step = steps, .row_step = steps };
    drive_settings(&run, s->k, s->r->args, s->cells);
    uint32_t flags = drive_block(s->k, &run);
    flags |= *drive_cancel(s->r->args) ? KERNEL_CANCELLED : 0;
    if (flags)
        atomic_fetch_or(&s->flags, flags);
}

static bool goes_on(rows *s)
{
    return atomic_load_explicit(&s->flags, memory_order_relaxed) < KERNEL_OUT_OF_FUEL;
}

static void accumulate(rows *s, const piece *p)
{
    memcpy(p->out, p->x, (size_t)(p->n * s->size));
    char *x = p->x, *out = p->out;
    for (int64_t i = 1; i < s->n && goes_on(s); i++, out += s->out_step)
        apply(s, out + s->out_step, out, x += s->x_step, p->n);
}

static void begin(rows *s, const piece *p, char *out, const char *first)
{
    const char *initial = s->r->initial;
    if (!initial)
        memcpy(out, first, (size_t)(p->n * s->size));
    for (int64_t i = 0; initial && i < p->n; i++)
        elements_move_one(out + i * s->size, initial, (size_t)s->size);
}

static void reduce_range(rows *s, const piece *p, int64_t k)
{
    int64_t from = s->r->from[k], to = s->r->to[k];
    char *out = p->out + k * s->out_step;
    begin(s, p, out, p->x + from * s->x_step);
    for (int64_t i = from + !s->r->initial; i < to && goes_on(s); i++)
        apply(s, out, out, p->x + i * s->x_step, p->n);
}

static void run_piece(void *arg, int64_t i)
{
    rows *s = arg;
    const jit_array *x = &s->r->x, *out = &s->r->out;
    int64_t sample = i / s->pieces, at = i % s->pieces * s->width;
    piece p = { (char *)x->data + at * s->size, (char *)out->data + at * s->size, s->m - at };
    p.n = p.n < s->width ? p.n : s->width;
    for (int32_t axis = x->rank - 3; axis >= 0; axis--) {
        p.x += sample % x->shape[axis] * x->stride[axis];
        p.out += sample % x->shape[axis] * out->stride[axis];
        sample /= x->shape[axis];
    }
    fpmode saved = fpmode_enter(s->k->ftz);
    if (!s->r->from)
        accumulate(s, &p);
    for (int64_t k = 0; s->r->from && k < s->r->n_ranges && goes_on(s); k++)
        reduce_range(s, &p, k);
    fpmode_leave(saved);
}

/* ---------------------------------------------------------------- all */

static const jit_kernel *find_kernel(const ufunc_rows *r, diag *d)
{
    jit_ufunc *u = r->u;
    request q = { .name = u->fn->name, .statics = u->statics, .n_statics = u->n_statics };
    q.types.n_in = 2;
    q.types.n_out = 1;
    q.types.in[0] = q.types.in[1] = q.types.out[0] = r->x.dtype;
    const jit_kernel *k = specialise_kept(u->m, &q, d);
    return k && !k->gufunc && !k->indexed ? k : NULL;
}

static void set_shape(rows *s)
{
    const jit_array *x = &s->r->x, *out = &s->r->out;
    s->n = x->shape[x->rank - 2];
    s->m = x->shape[x->rank - 1];
    s->size = (int64_t)jit_dtype_size(x->dtype);
    s->x_step = x->stride[x->rank - 2];
    s->out_step = out->rank == x->rank ? out->stride[x->rank - 2] : 0;
    s->width = PIECE / s->size;
    s->pieces = (s->m + s->width - 1) / s->width;
}

bool ufunc_rows_run(const ufunc_rows *r, diag *d)
{
    uint64_t cells[MAX_UNIFORMS];
    rows s = { .r = r, .k = find_kernel(r, d) };
    s.cells = s.k ? uniform_cells(s.k, r->args, cells, d) : NULL;
    if (!s.cells)
        return false;
    set_shape(&s);
    int64_t tasks = s.pieces;
    for (int32_t axis = 0; axis + 2 < r->x.rank; axis++)
        tasks *= r->x.shape[axis];
    bool much = tasks * s.n * s.m / s.pieces >= 2 * drive_grain(s.k);
    int32_t threads = much ? drive_threads(s.k, r->args) : 1;
    if (threads > 1)
        drive_tasks(s.k, &(drive_job){ threads, tasks, run_piece, &s });
    for (int64_t i = 0; threads <= 1 && i < tasks && goes_on(&s); i++)
        run_piece(&s, i);
    (void)call_finish(s.k, r->args, s.flags, d);
    return true;
}
