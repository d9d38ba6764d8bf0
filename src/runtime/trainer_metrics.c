/* Metrics: prepared when the trainer is made, run on blocks of samples. */
#include "trainer_metrics.h"

#include <string.h>

#include "trainer_evaluate.h"
#include "trainer_text.h"

/* -------------------------------------------------------------------------- making */

static bool same_lead(const metrics *m, int32_t n)
{
    for (int32_t i = 0; i < n; i++)
        if (m->prediction.shape[i] != m->target.shape[i])
            return false;
    return true;
}

/* By the ranks: see trainer_metrics.h. */
static bool choose_kind(const metrics *m, metric_made *one, const jit_function_info *f, diag *d)
{
    bool two = f->n_in == 2 && f->n_out == 1;
    int32_t more = two ? m->prediction.rank - f->in_rank[0] : 0;
    if (!two || more < -1 || m->target.rank - f->in_rank[1] != more || !same_lead(m, more)) {
        diag_plain(d, DIAG_train_metric,
                   "'%s' is no function of a prediction with %d axes and a target with %d",
                   f->name, (int)m->prediction.rank, (int)m->target.rank);
        diag_hint(d, "one of a sample, of its elements, or of [n] of them: %.60s",
                  f->signature);
        return false;
    }
    one->lead = more;
    return true;
}

static bool make_one(metrics *m, jit_module *in, const char *name, diag *d)
{
    jit_function_info f;
    jit_array result;
    metric_made *one = &m->of[m->n];
    if (!name || jit_function_find(in, name, &f, d->out) != JIT_OK) {
        if (!name)
            diag_plain(d, DIAG_null_argument, "a metric has no name");
        return false;
    }
    const char *signature = trainer_metric_signature(&m->prediction, &m->target, in->ar);
    one->name = f.name;
    if (!signature)
        diag_no_memory(d);
    if (!signature || !choose_kind(m, one, &f, d) ||
        !evaluation_result(&(evaluation_call){ in, name, signature }, 0, &result, d))
        return false;
    if (result.rank > 0) {
        diag_plain(d, DIAG_train_metric, "'%s' gives an array, not a number", f.name);
        return false;
    }
    m->some_whole = m->some_whole || one->lead < 0;
    one->kernel = jit_prepare(in, name, signature, NULL, d->out);
    m->n += one->kernel != NULL;
    return one->kernel != NULL;
}

bool metrics_make(metrics *m, jit_module *in, const jit_trainer_options *o, diag *d)
{
    for (int32_t i = 0; i < o->n_metrics; i++)
        if (!make_one(m, in, o->metric[i], d))
            return false;
    return true;
}

void metrics_free(metrics *m)
{
    for (int32_t i = 0; i < m->n; i++)
        jit_kernel_release(m->of[i].kernel);
    context_release(m->context, m->values, m->values_bytes);
    context_release(m->context, m->workspace, m->workspace_bytes);
}

/* -------------------------------------------------------------------------- running */

static size_t value_count(const jit_array *out)
{
    return trainer_bytes(out) / sizeof(double);
}

static bool have_memory(metrics *m, jit_array *out, size_t workspace, diag *d)
{
    if (!context_grow(m->context, &m->values, &m->values_bytes, trainer_bytes(out)) ||
        !context_grow(m->context, &m->workspace, &m->workspace_bytes, workspace)) {
        diag_no_memory(d);
        return false;
    }
    out->data = m->values;
    return true;
}

/* *out: the values, in the metrics' memory. */
static bool run(metrics *m, const metric_made *one, const jit_array *pair, jit_array *out,
                diag *d)
{
    size_t bytes = 0;
    int64_t shape[JIT_MAX_RANK] = { pair[0].shape[0] };
    for (int32_t i = 0; i < one->lead; i++)
        shape[1 + i] = m->prediction.shape[i];
    *out = jit_array_of(JIT_F64, NULL, 1 + one->lead, shape);
    if (!have_memory(m, out, 0, d))
        return false;
    jit_args a = { .in = pair, .n_in = 2, .out = out, .n_out = 1 };
    if (jit_kernel_workspace(one->kernel, &a, &bytes, d->out) != JIT_OK ||
        !have_memory(m, out, bytes, d))
        return false;
    a.workspace = m->workspace;
    a.workspace_bytes = m->workspace_bytes;
    return jit_run(one->kernel, &a, d->out) == JIT_OK;
}

bool metrics_add(metrics *m, const jit_array *pair, metric_kind kind, double *sum, diag *d)
{
    for (int32_t i = 0; i < m->n; i++) {
        jit_array out;
        double total = 0;
        if ((kind == METRIC_OF_ALL) != (m->of[i].lead < 0))
            continue;
        if (!run(m, &m->of[i], pair, &out, d))
            return false;
        size_t n = value_count(&out);
        for (size_t k = 0; k < n; k++)
            total += ((const double *)out.data)[k];
        sum[i] +=
            kind == METRIC_OF_ALL ? total : total / ((double)n / (double)pair[0].shape[0]);
    }
    return true;
}
