/* See gufunc_panels.h. */
#include "gufunc_panels.h"

#include <string.h>

#include "panel.h"

static panel_shape shape_of(const gufunc_call *c, int32_t i)
{
    const operand *o = &c->op[i];
    return (panel_shape){ .rows = o->shape[0],
                          .columns = o->shape[1],
                          .width = -c->f->panel[i],
                          .size = c->k->size[i] };
}

static bool same_for_all(const gufunc_call *c, int32_t i)
{
    for (int32_t axis = 0; axis < c->b.rank; axis++)
        if (c->b.stride[axis][i] != 0 && c->b.shape[axis] > 1)
            return false;
    return true;
}

/* How often each element is read, if a result has as many columns as the matrix. */
static int64_t reuse_of(const gufunc_call *c, int64_t columns)
{
    int64_t most = c->b.total;
    for (int32_t i = c->k->n_in; i < gufunc_n_operands(c); i++) {
        const operand *o = &c->op[i];
        int64_t elements = o->bytes / c->k->size[i], all;
        if (o->rank == 0 || o->shape[o->rank - 1] != columns)
            continue;
        if (__builtin_mul_overflow(elements / columns, c->b.total, &all))
            all = INT64_MAX;
        most = all > most ? all : most;
    }
    return most;
}

/* Measured: what packing costs is won back by so many rows. */
bool gufunc_panels_pay(int64_t bytes, int64_t reuse)
{
    enum { HUGE = 2 << 20, ROWS_HUGE = 64, ROWS_LARGE = 512 };
    return reuse >= (bytes >= HUGE ? ROWS_HUGE : ROWS_LARGE);
}

void gufunc_plan_panels(gufunc_call *c)
{
    memset(c->panels, 0, sizeof c->panels);
    c->panel_bytes = 0;
    for (int32_t i = 0; c->f->panel && i < c->k->n_in; i++) {
        const operand *o = &c->op[i];
        size_t bytes, rounded;
        if (c->f->panel[i] >= 0 || o->packed || o->bytes < PANEL_LARGE || !same_for_all(c, i) ||
            !gufunc_panels_pay(o->bytes, reuse_of(c, o->shape[1])))
            continue;
        panel_shape s = shape_of(c, i);
        if (!panel_bytes(&s, &bytes) ||
            __builtin_add_overflow(bytes, (size_t)PANEL_ALIGN - 1, &rounded) ||
            __builtin_add_overflow(c->panel_bytes, (int64_t)(rounded & -(size_t)PANEL_ALIGN),
                                   &c->panel_bytes))
            return;
        c->panels[i] = 1;
    }
}

void gufunc_pack_panels(gufunc_call *c, char *memory)
{
    for (int32_t i = 0; c->panel_bytes > 0 && i < c->k->n_in; i++) {
        size_t bytes;
        panel_shape s = shape_of(c, i);
        if (!c->panels[i] || !panel_bytes(&s, &bytes))
            continue;
        panel_pack(&s, memory, c->op[i].data);
        c->op[i].data = memory;
        memory += (bytes + PANEL_ALIGN - 1) & -(size_t)PANEL_ALIGN;
    }
}
