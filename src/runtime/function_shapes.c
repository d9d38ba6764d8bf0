/* jit_function_shapes: extents of a function's inputs for given dimensions. */
#include <string.h>

#include "dims.h"
#include "request.h"

typedef struct job {
    jit_module *m;
    const request *r;
    const int64_t *dims;
    jit_array *in;
    arena *ar;
    diag *d;
} job;

static bool fill(const job *j, const dims_plan *p)
{
    int64_t extents[DIMS_MOST_ROOTS];
    cell *slots = arena_alloc(j->ar, (size_t)p->extents.n_steps * sizeof *slots + 1);
    if (!slots)
        return false;
    if (!known_run(&p->extents, &(graph_known){ j->dims, NULL }, slots, extents)) {
        diag_plain(j->d, DIAG_dim_value, "an extent of %s would be too large", j->r->name);
        return false;
    }
    for (int32_t i = 0; i < p->n_inputs; i++) {
        j->in[i] = (jit_array){ .rank = p->rank[i] };
        memcpy(j->in[i].shape, extents + p->first[i], (size_t)p->rank[i] * sizeof *extents);
    }
    return true;
}

static bool find(const job *j)
{
    resolved out;
    dims_plan p;
    if (!request_resolve(&out, j->m, j->r, j->ar, j->d))
        return false;
    graph *g = pipeline_run(j->m->program, &out.spec, PIPELINE_OPT, NULL, j->ar, j->d);
    return g && dims_make(&p, g, j->ar, j->d) && fill(j, &p);
}

jit_status jit_function_shapes(jit_module *m, const char *name,
                               const jit_prepare_options *options, const int64_t *dims,
                               jit_array *in, jit_error *err)
{
    diag d;
    request r;
    diag_init(&d, err, NULL);
    if (!in || !dims) {
        diag_plain(&d, DIAG_null_argument, "jit_function_shapes: the %s are null",
                   in ? "dimensions" : "inputs");
        return d.out->status;
    }
    if (!request_read(&r, m, name, NULL, options, &d))
        return d.out->status;
    arena *ar = arena_new(&m->context->allocator, (size_t)m->context->limits.memory);
    d.memory = ar;
    pthread_mutex_lock(&m->lock);
    bool ok = ar && find(&(job){ m, &r, dims, in, ar, &d });
    pthread_mutex_unlock(&m->lock);
    if (!ok && !diag_failed(&d))
        diag_no_memory(&d);
    d.memory = NULL;
    arena_free(ar);
    return d.out->status;
}
