/* NumPy's inner loop of a kernel: one row, by the driver that runs all others. */
#include "drive.h"
#include "fpmode.h"
#include "fusejit_ufunc.h"
#include "overlap.h"

static void make_row(space *s, const jit_kernel *k, char *const *args, const intptr_t *steps)
{
    s->n = k->n_in + k->n_out;
    s->rank = 1;
    s->index = 0;
    for (int32_t i = 0; i < s->n; i++) {
        s->data[i] = args[i];
        s->stride[0][i] = steps[i];
    }
    s->stride[0][s->n] = k->indexed;
}

/* Whether an element of an output is read, or written, as another element too. */
static bool needs_order(const space *s, const jit_kernel *k)
{
    footprint f, g;
    for (int32_t o = k->n_in; o < s->n; o++) {
        broadcast_footprint(s, k, o, &f);
        if (overlap_within(&f))
            return true;
        for (int32_t i = 0; i < k->n_in; i++) {
            broadcast_footprint(s, k, i, &g);
            if (!broadcast_same(s, k, i, o) && overlap_between(&f, &g))
                return true;
        }
    }
    return false;
}

/* One after the other, as NumPy's reduce and accumulate need it. */
static uint32_t run_in_order(const jit_kernel *k, space *s, const kernel_call *base)
{
    kernel_call one = *base;
    one.n = one.rows = 1;
    one.data = s->data;
    one.step = one.row_step = s->stride[0];
    one.index_step = one.index_row_step = 0;
    uint32_t flags = 0;
    fpmode saved = fpmode_enter(k->ftz);
    for (int64_t i = 0; i < s->total && flags < KERNEL_OUT_OF_FUEL; i++) {
        one.index = k->indexed ? (uint64_t)i : 0;
        flags |= drive_block(k, &one);
        for (int32_t o = 0; o < s->n; o++)
            s->data[o] += s->stride[0][o];
    }
    fpmode_leave(saved);
    return flags;
}

static uint32_t run_row(const jit_kernel *k, space *s, const jit_args *settings)
{
    if (!needs_order(s, k))
        return drive_space(k, s, settings, k->defaults);
    kernel_call base = { 0 };
    drive_settings(&base, k, settings, k->defaults);
    return run_in_order(k, s, &base);
}

void jit_ufunc_loop(char **args, const intptr_t *n, const intptr_t *steps, void *data)
{
    jit_loop_data *d = data;
    const jit_kernel *k = d->kernel;
    space s;
    if (*n <= 0 || k->gufunc || !k->all_defaults)
        return;
    make_row(&s, k, args, steps);
    s.shape[0] = s.total = *n;
    const jit_args settings = { .threads = d->threads };
    uint32_t flags = run_row(k, &s, &settings);
    if (flags >= KERNEL_OUT_OF_FUEL)
        flags = (flags & (KERNEL_OUT_OF_FUEL - 1)) | JIT_LOOP_STOPPED;
    if (flags) /* several threads may run the same loop */
        __atomic_fetch_or(&d->flags, flags, __ATOMIC_RELAXED);
}
