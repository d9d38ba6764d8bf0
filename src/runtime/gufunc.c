/* Array functions: the plan made with the kernel. */
#include "gufunc.h"

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

gufunc *gufunc_make(const graph *g, arena *ar, diag *d)
{
    gufunc *f = arena_alloc(ar, sizeof *f);
    if (!f || !copy_sites(f, g, ar)) {
        diag_no_memory(d);
        return NULL;
    }
    for (int32_t i = 0; i < g->n_inputs; i++)
        f->shared[i] = g->inputs[i].shared;
    return dims_make(&f->dims, g, ar, d) ? f : NULL;
}

/* Where they depend on nothing, and the checks hold. */
static bool fix_extents(gufunc *f, arena *ar)
{
    int64_t *extents = arena_alloc(ar, ((size_t)f->dims.extents.n_roots + 1) * sizeof *extents);
    graph_known nothing = { NULL, NULL };
    if (!extents)
        return false;
    if (dims_fixed(&f->dims, extents) &&
        workspace_bytes(&f->workspace, &nothing, &f->fixed_workspace))
        f->fixed = extents;
    return true;
}

bool gufunc_set_code(gufunc *f, kernel_entry entry, const codegen_object *object,
                     const graph *g, arena *ar)
{
    f->entry = (array_entry)(void (*)(void))entry;
    return workspace_make(&f->workspace, object, g, ar) && fix_extents(f, ar);
}
