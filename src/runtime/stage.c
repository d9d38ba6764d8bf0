/* The stages of a compile as text. */
#include <string.h>

#include "explain.h"
#include "formula.h"
#include "print.h"
#include "text.h"

static const char letters[] = "tsofmnlae"; /* in the order of jit_stage */

const char *jit_stage_letters(void)
{
    return letters;
}

typedef struct stage_job {
    jit_module *m;
    const request *r;
    jit_stage stage;
    arena *ar;
    diag *d;
} stage_job;

static char *tree_text(const stage_job *j)
{
    const ast_fn *fn = request_function(j->m, j->r->name, j->d);
    return fn ? ast_print_fn(j->ar, fn) : NULL;
}

static graph *graph_until(const stage_job *j, resolved *r, pipeline_end end)
{
    if (!request_resolve(r, j->m, j->r, j->ar, j->d))
        return NULL;
    return pipeline_run(j->m->program, &r->spec, end, NULL, j->ar, j->d);
}

static char *graph_text(const stage_job *j)
{
    static const pipeline_end end[] = { [JIT_STAGE_SSA] = PIPELINE_SSA,
                                        [JIT_STAGE_OPT] = PIPELINE_OPT,
                                        [JIT_STAGE_FUSE] = PIPELINE_FUSE,
                                        [JIT_STAGE_MATH] = PIPELINE_MATH };
    resolved r;
    graph *g = graph_until(j, &r, end[j->stage]);
    return g ? print_graph(j->ar, g) : NULL;
}

static char *formula_text(const stage_job *j)
{
    resolved r;
    graph *g = graph_until(j, &r, PIPELINE_OPT);
    const graph *tidy = g && !graph_has_arrays(g) ? formula_tidy(j->ar, g) : NULL;
    const ast_fn *fn = tidy ? formula_of(j->ar, tidy) : NULL;
    if (fn)
        return ast_print_fn(j->ar, fn);
    return g && !arena_failed(j->ar) ? print_graph(j->ar, g) : NULL;
}

static char *code_text(const stage_job *j)
{
    static const codegen_text_kind kind[] = { [JIT_STAGE_NEST] = CODEGEN_NEST,
                                              [JIT_STAGE_LLVM] = CODEGEN_LLVM,
                                              [JIT_STAGE_ASM] = CODEGEN_ASM };
    resolved r;
    codegen_plan plan;
    graph *g = graph_until(j, &r, PIPELINE_MATH);
    if (!g || !specialise_plan(&plan, j->m, g, &r, j->d))
        return NULL;
    return codegen_text(g, &plan.options, kind[j->stage], j->d);
}

static char *stage_text(const stage_job *j)
{
    switch (j->stage) {
    case JIT_STAGE_TREE:
        return tree_text(j);
    case JIT_STAGE_SSA:
    case JIT_STAGE_OPT:
    case JIT_STAGE_FUSE:
    case JIT_STAGE_MATH:
        return graph_text(j);
    case JIT_STAGE_FORMULA:
        return formula_text(j);
    default:
        return code_text(j);
    }
}

static char *text_of(const stage_job *j)
{
    if (j->stage == JIT_STAGE_EXPLAIN)
        return explain_text(j->m, j->r, j->ar, j->d); /* compiles, so takes the lock itself */
    pthread_mutex_lock(&j->m->lock);
    char *text = stage_text(j);
    pthread_mutex_unlock(&j->m->lock);
    return text;
}

char *jit_stage_text(jit_module *m, const char *name, const char *types,
                     const jit_prepare_options *options, jit_stage stage, jit_error *err)
{
    diag d;
    diag_init(&d, err, NULL);
    if ((int)stage < 0 || stage > JIT_STAGE_FORMULA) {
        diag_plain(&d, DIAG_stage, "there is no stage %d", (int)stage);
        return NULL;
    }
    request r;
    if (!request_read(&r, m, name, types, options, &d))
        return NULL;
    arena *ar = arena_new(&m->context->allocator, (size_t)m->context->limits.memory);
    d.memory = ar;
    char *text = ar ? text_of(&(stage_job){ m, &r, stage, ar, &d }) : NULL;
    if (!text && !diag_failed(&d))
        diag_no_memory(&d);
    d.memory = NULL;
    char *given = text ? text_give(&m->context->allocator, text, &d) : NULL;
    arena_free(ar);
    return given;
}
