/* The table of passes from tree to the graph that codegen takes: see pipeline.h for the
 * drawing. */
#include "pipeline.h"

#include <string.h>

#include "expand.h"
#include "fuse.h"
#include "lower_state.h"
#include "piecewise.h"
#include "print.h"
#include "verify.h"

typedef struct pass {
    char letter;
    graph *(*run)(program *p, const specialisation *s, const graph *before, arena *ar, diag *d);
} pass;

static graph *run_lower(program *p, const specialisation *s, const graph *before, arena *ar,
                        diag *d)
{
    (void)before;
    return s->param ? lower_param_init(p, s, s->param, ar, d) : lower_function(p, s, ar, d);
}

static graph *run_simplify(program *p, const specialisation *s, const graph *before, arena *ar,
                           diag *d)
{
    graph *g = graph_new(ar, d, before->name, program_limits(p).nodes);
    (void)s;
    if (!g) {
        return NULL;
    }
    g->simplify = true;
    return graph_rebuild(g, before, NULL, NULL) ? g : NULL;
}

static graph *run_expand(program *p, const specialisation *s, const graph *before, arena *ar,
                         diag *d)
{
    bool fused = pipeline_fuses(s, before);
    const graph *g = piecewise_graph(p, before, fused, ar, d);
    g = g ? expand_graph(p, g, ar, d) : NULL;
    if (!g)
        return NULL;
    return expand_for(p, g, (expand_machine){ fused, s->scales }, ar, d);
}

static graph *run_fuse(program *p, const specialisation *s, const graph *before, arena *ar,
                       diag *d)
{
    (void)s;
    return fuse_graph(before, ar, d, program_limits(p).nodes);
}

static const pass passes[] = {
    [PIPELINE_SSA] = { 's', run_lower },
    [PIPELINE_OPT] = { 'o', run_simplify },
    [PIPELINE_FUSE] = { 'f', run_fuse },
    [PIPELINE_MATH] = { 'm', run_expand },
};

static void dump_text(const pipeline_dump *dump, char letter, const char *name,
                      const char *text)
{
    if (text) {
        dump->write(dump->user, letter, name, text);
    }
}

static bool wanted(const pipeline_dump *dump, char letter)
{
    return dump && dump->letters && dump->write && strchr(dump->letters, letter);
}

static bool verified(const graph *g, char letter, arena *ar, diag *d)
{
#ifdef NDEBUG
    (void)g;
    (void)letter;
    (void)ar;
    (void)d;
    return true;
#else
    const char *wrong = verify_graph(ar, g);
    if (wrong && arena_failed(ar)) {
        diag_no_memory(d);
    } else if (wrong) {
        diag_plain(d, DIAG_internal, "after stage '%c': %s", letter, wrong);
    }
    return wrong == NULL;
#endif
}

graph *pipeline_run(program *p, const specialisation *s, pipeline_end end,
                    const pipeline_dump *dump, arena *ar, diag *d)
{
    const char *name = s->fn->name;
    graph *g = NULL;
    if (wanted(dump, 't')) {
        dump_text(dump, 't', name, ast_print_fn(ar, s->fn));
    }
    for (int i = 0; i <= (int)end; i++) {
        g = passes[i].run(p, s, g, ar, d);
        if (!g || !verified(g, passes[i].letter, ar, d)) {
            return NULL;
        }
        if (wanted(dump, passes[i].letter)) {
            dump_text(dump, passes[i].letter, name, print_graph(ar, g));
        }
    }
    return g;
}
