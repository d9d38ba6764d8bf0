/* Array functions: the plan made with the kernel. */
#include "gufunc_fixed.h"

#include <string.h>

const array_part gufunc_whole = { .count = INT64_MAX, .to = { INT64_MAX, INT64_MAX } };

static bool copy_sites(gufunc *f, const graph *g, arena *ar)
{
    gufunc_site *to = arena_alloc(ar, ((size_t)g->n_sites + 1) * sizeof *to);
    for (int32_t i = 0; to && i < g->n_sites; i++) {
        const char *name = g->sites[i].array;
        to[i] = (gufunc_site){ arena_format(ar, "%s", name ? name : ""), g->sites[i].axis };
    }
    f->sites = to;
    return to && !arena_failed(ar);
}

static bool copy_shared(gufunc *f, const graph *g, arena *ar)
{
    bool *to = arena_alloc(ar, ((size_t)g->n_inputs + 1) * sizeof *to);
    for (int32_t i = 0; to && i < g->n_inputs; i++)
        to[i] = g->inputs[i].shared;
    f->shared = to;
    return to != NULL;
}

/* Where there are sums of products. */
static uint32_t find_matrices(const gufunc *f, const graph *g)
{
    uint32_t bits = 0;
    bool products = false;
    for (node n = 1; n < g->n_nodes; n++)
        products |=
            graph_node(g, n)->op == OP_fold && graph_fold_kind(graph_node(g, n)) == FOLD_DOT;
    for (int32_t i = 0; i < g->n_inputs && i < JIT_MAX_OPERANDS && products; i++)
        bits |= f->dims.rank[i] >= 2 && !f->shared[i] ? (uint32_t)1 << i : 0;
    return bits;
}

gufunc *gufunc_make(const graph *g, bool kept, arena *ar, diag *d)
{
    gufunc *f = arena_alloc(ar, sizeof *f);
    if (!f || !copy_sites(f, g, ar) || !copy_shared(f, g, ar)) {
        diag_no_memory(d);
        return NULL;
    }
    f->kept = kept;
    if (kept ? !dims_make_wide(&f->dims, g, ar, d) : !dims_make(&f->dims, g, ar, d))
        return NULL;
    f->matrices = find_matrices(f, g);
    return f;
}

uint32_t gufunc_shared(const jit_kernel *k, const jit_args *args)
{
    const gufunc *f = k->gufunc;
    uint32_t same = 0;
    bool batch = false;
    int32_t given = k->n_in - k->n_params;
    for (int32_t i = 0; i < given && i < args->n_in && f->matrices; i++) {
        int32_t lead = args->in[i].rank - f->dims.rank[i];
        same |= lead == 0 ? (uint32_t)1 << i : 0;
        batch |= lead > 0;
    }
    return batch ? same & f->matrices : 0;
}

/* Where they depend on nothing, and the checks hold. */
static bool fix_extents(gufunc *f, const graph *g, arena *ar)
{
    int64_t *extents = arena_alloc(ar, ((size_t)f->dims.extents.n_roots + 1) * sizeof *extents);
    graph_known nothing = { NULL, NULL };
    if (!extents)
        return false;
    if (!dims_fixed(&f->dims, extents) ||
        !workspace_bytes(&f->workspace, &nothing, INT64_MAX, &f->fixed_workspace) ||
        !workspace_bytes(&f->workspace, &nothing, 1, &f->sample_workspace))
        return true;
    f->fixed = extents;
    return gufunc_fix_operands(f, g, ar);
}

static bool keep_panels(gufunc *f, const codegen_object *object, arena *ar)
{
    bool any = false;
    size_t bytes = (size_t)object->n_panels * sizeof *object->panel;
    for (int32_t i = 0; i < object->n_panels; i++)
        any |= object->panel[i] < 0;
    int32_t *copy = any ? arena_alloc(ar, bytes) : NULL;
    if (copy)
        memcpy(copy, object->panel, bytes);
    f->panel = copy;
    return copy || !any;
}

bool gufunc_set_code(gufunc *f, kernel_entry entry, const codegen_object *object,
                     const graph *g, arena *ar)
{
    f->entry = (array_entry)(void (*)(void))entry;
    f->n_steps = object->n_steps <= GUFUNC_STEPS ? object->n_steps : 0;
    f->group = object->group;
    return keep_panels(f, object, ar) && workspace_make(&f->workspace, object, g, ar) &&
           (f->kept || fix_extents(f, g, ar));
}
