/* The state of one lowering: made, limited, and where its messages go. */
#include "lower_state.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

enum {
    WORK_PER_NODE = 20, /* expressions lowered, passes and discarded ones included */
    DEPTH_BEYOND = 128  /* levels that calls may add to the nesting of the text */
};

lowering *lower_new(program *p, arena *ar, graph *g, diag *d)
{
    lowering *lw = arena_alloc(ar, sizeof *lw);
    if (!lw || !g) {
        diag_no_memory(d);
        return NULL;
    }
    jit_limits limits = program_limits(p);
    lw->p = p;
    lw->ar = ar;
    lw->d = d;
    lw->max_depth = limits.nesting + DEPTH_BEYOND;
    lw->max_work = (int64_t)limits.nodes * WORK_PER_NODE;
    for (int32_t i = 0; i < N_BUCKETS; i++) {
        lw->buckets[i] = -1;
    }
    lower_set_graph(lw, g);
    return memo_clear(lw) ? lw : NULL;
}

void lower_set_graph(lowering *lw, graph *g)
{
    lw->g = g;
    lw->yes = graph_const(g, JIT_BOOL, (cell){ .u = 1 });
    lw->no = graph_const(g, JIT_BOOL, (cell){ .u = 0 });
    lw->active = lw->within = lw->yes;
    lw->n_axes = lw->n_ranges = 0;
}

void lower_enter(lowering *lw, frame *f, const ast_fn *fn, const source *src, span call)
{
    frame *up = lw->frame;
    *f = (frame){ .up = up, .fn = fn, .src = src, .returned = -1, .broken = -1 };
    f->continued = -1;
    f->call = call;
    f->n_results = -1;
    f->first_binding = lw->n_bindings;
    f->float_type = up ? up->float_type : JIT_F64;
    f->prelude = src && src->prelude;
    f->user_src = f->prelude ? (up ? up->user_src : NULL) : src;
    f->user_at = up ? lower_place(lw, call) : (span){ 0, 0 };
    lw->frame = f;
    lw->d->src = f->user_src;
}

void lower_leave(lowering *lw)
{
    lw->frame = lw->frame->up;
    if (lw->frame) {
        lw->d->src = lw->frame->user_src;
    }
}

span lower_place(const lowering *lw, span at)
{
    return lw->frame && lw->frame->prelude ? lw->frame->user_at : at;
}

/* The outermost function of the prelude that is being lowered: what the user called. */
static const char *prelude_name(const lowering *lw)
{
    const char *name = NULL;
    for (const frame *f = lw->frame; f && f->prelude; f = f->up) {
        name = f->fn ? f->fn->name : name;
    }
    return name;
}

void lower_error(lowering *lw, diag_code code, span at, const char *format, ...)
{
    char text[200];
    va_list args;
    if (lw->stop) {
        return;
    }
    lw->n_errors++;
    va_start(args, format);
    (void)vsnprintf(text, sizeof text, format, args);
    va_end(args);
    const char *inside = prelude_name(lw);
    const source *user = lw->frame ? lw->frame->user_src : lw->d->src;
    if (!user) { /* an entry of the prelude, or a tree without a text: the builder's */
        const char *fn = lw->frame && lw->frame->fn ? lw->frame->fn->name : "a constant";
        diag_plain(lw->d, code, "%s (in '%s')", text, inside ? inside : fn);
    } else if (inside) {
        diag_at(lw->d, code, lower_place(lw, at), "%s (in '%s')", text, inside);
    } else {
        diag_at(lw->d, code, at, "%s", text);
    }
}

bool lower_no_memory(lowering *lw)
{
    if (!lw->stop) {
        diag_no_memory(lw->d);
        lw->n_errors++;
    }
    lw->stop = true;
    return false;
}

bool lower_step(lowering *lw, span at)
{
    if (lw->stop || lw->g->failed) {
        lw->n_errors += !lw->stop;
        lw->stop = true;
        return false;
    }
    if (arena_failed(lw->ar)) {
        return lower_no_memory(lw);
    }
    if (++lw->work > lw->max_work) {
        lower_error(lw, DIAG_too_much, at, "too large once its calls are inlined");
        lw->stop = true;
        return false;
    }
    return true;
}

bool lower_deeper(lowering *lw, span at)
{
    if (++lw->depth <= lw->max_depth) {
        lw->deepest = lw->depth > lw->deepest ? lw->depth : lw->deepest;
        return true;
    }
    lower_error(lw, DIAG_too_deep, at, "calls and expressions nested more than %d deep",
                (int)lw->max_depth);
    lw->stop = true;
    return false;
}
