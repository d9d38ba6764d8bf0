/* Parts of steps, dealt out to threads. */
#include "gufunc_parts.h"

#include "drive.h"
#include "fpmode.h"

enum {
    GRAIN = 250000,      /* instructions, about 20 us: a part has at least so many */
    PARTS_PER_THREAD = 4 /* a thread that comes late takes fewer */
};

/* -------------------------------------------------------------------------- plan */

/* Nothing is read or written, so that the operands may lie nowhere. */
static void describe(const gufunc_plan *of, gufunc_parts *p)
{
    static char *const nowhere[MAX_ARRAY_OPERANDS];
    static const int64_t no_step[MAX_ARRAY_OPERANDS];
    const gufunc *f = of->k->gufunc;
    array_part part = { .plan = p->step };
    array_call call = *of->call;
    p->n_steps = f->n_steps;
    for (int32_t i = 0; i < p->n_steps; i++)
        p->step[i] = (array_step){ .units = { 1, 1 } };
    call.rows = 1;
    call.data = call.data ? call.data : nowhere;
    call.row_step = call.row_step ? call.row_step : no_step;
    call.cancel = &drive_never_cancelled;
    call.part = &part;
    (void)f->entry(&call);
}

/* How many parts of a step on so many samples are of use. */
static int64_t useful_parts(const gufunc_parts *p, const array_step *s, int64_t rows)
{
    double most = (double)p->threads * (p->own_bytes > 0 ? 1 : PARTS_PER_THREAD);
    double worth = s->work * (double)rows / (double)GRAIN;
    return (int64_t)(worth < most ? worth : most);
}

static int64_t least(int64_t a, int64_t b)
{
    return a < b ? a : b;
}

void gufunc_plan_parts(const gufunc_plan *of, gufunc_parts *p)
{
    const gufunc *f = of->k->gufunc;
    const graph_known known = { of->call->dim, of->uniforms };
    int64_t most = 1;
    p->threads = of->threads;
    p->n_steps = 0;
    p->own_bytes = 0;
    if (p->threads > 1 && f->entry && f->n_steps > 0 &&
        workspace_own_bytes(&f->workspace, &known, &p->own_bytes))
        describe(of, p);
    for (int32_t i = 0; i < p->n_steps; i++) {
        const array_step *s = &p->step[i];
        int64_t parts = useful_parts(p, s, least(of->call->rows, f->group));
        int64_t units = least(s->units[0], parts) * least(s->units[1], parts);
        most = least(units, parts) > most ? least(units, parts) : most;
    }
    p->threads = (int32_t)least(of->threads, most);
}

/* -------------------------------------------------------------------------- one step */

typedef struct split { /* a step in n[0] * n[1] parts */
    const jit_kernel *k;
    const array_call *call;
    const array_step *step;
    int64_t number, n[2];
    atomic_uint flags;
    _Atomic int64_t used; /* fuel, by the parts that have ended */
} split;

static uint32_t enter(const jit_kernel *k, const array_call *call, const array_part *part)
{
    kernel_fault fault; /* is found again: see gufunc_run_parts */
    array_call own = *call;
    own.part = part;
    own.fault = &fault;
    return k->gufunc->entry(&own);
}

/* What the parts take is added up. Of several samples the one that takes most counts in each, so
 * the sum may be too large: then the run is done again by one thread, which knows. */
static uint32_t run_fuelled(split *s, array_part *part)
{
    array_call own = *s->call;
    int64_t spare, used = s->used;
    if (used > own.fuel)
        return KERNEL_OUT_OF_FUEL;
    own.fuel -= used;
    spare = own.fuel;
    part->spare = &spare;
    uint32_t flags = enter(s->k, &own, part);
    used = own.fuel - spare;
    bool enough = atomic_fetch_add(&s->used, used) <= s->call->fuel - used;
    return flags | (enough ? 0 : KERNEL_OUT_OF_FUEL);
}

static void run_part(void *arg, int64_t i)
{
    split *s = arg;
    array_part part = { .first = s->number, .count = 1, .worker = i };
    if (s->flags >= KERNEL_OUT_OF_FUEL)
        return;
    for (int32_t d = 0; d < 2; d++) {
        int64_t at = d ? i / s->n[0] : i % s->n[0], n = s->n[d], units = s->step->units[d];
        part.from[d] = at * units / n * s->step->unit[d];
        part.to[d] = at == n - 1 ? INT64_MAX : (at + 1) * units / n * s->step->unit[d];
    }
    fpmode saved = fpmode_enter(s->k->ftz);
    uint32_t flags = run_fuelled(s, &part);
    fpmode_leave(saved);
    if (flags)
        atomic_fetch_or(&s->flags, flags);
}

/* The last axis first: parts of it read different columns. Units are few beside 2^63. */
static int64_t choose_split(split *s, const gufunc_parts *p)
{
    int64_t parts = useful_parts(p, s->step, s->call->rows);
    bool exact = p->own_bytes > 0; /* as many parts as there are workspaces */
    if (parts < 2)
        return 1;
    s->n[1] = least(s->step->units[1], parts);
    s->n[0] = least(s->step->units[0], (parts + (exact ? 0 : s->n[1] - 1)) / s->n[1]);
    return s->n[0] * s->n[1];
}

static uint32_t run_steps(const jit_kernel *k, const gufunc_parts *p, const array_call *call)
{
    uint32_t flags = 0;
    array_part plain = gufunc_whole; /* steps one after the other on this thread */
    plain.count = 0;
    for (int32_t i = 0; i < p->n_steps && flags < KERNEL_OUT_OF_FUEL; i++) {
        split s = { .k = k, .call = call, .step = &p->step[i], .number = i };
        int64_t n = choose_split(&s, p);
        if (n < 2) {
            plain.count++;
            continue;
        }
        if (plain.count > 0)
            flags |= enter(k, call, &plain);
        if (flags < KERNEL_OUT_OF_FUEL)
            drive_tasks(k, &(drive_job){ (int32_t)least(p->threads, n), n, run_part, &s });
        flags |= s.flags;
        plain.first = i + 1;
        plain.count = 0;
    }
    if (plain.count > 0 && flags < KERNEL_OUT_OF_FUEL)
        flags |= enter(k, call, &plain);
    return flags;
}

/* A run that failed is done again by one thread: what is reported is what fails first there. */
uint32_t gufunc_run_parts(const jit_kernel *k, const gufunc_parts *p, const array_call *call)
{
    uint32_t flags = run_steps(k, p, call);
    if (flags < KERNEL_OUT_OF_FUEL || (flags & KERNEL_CANCELLED))
        return flags;
    return k->gufunc->entry(call);
}
