/* Evaluation: see fusejit.h. The losses and predictions of a block of samples are one kernel's;
 * the sum of the losses is taken here, in order. */
#include "trainer_evaluate.h"

#include <string.h>

#include "trainer_epoch.h"
#include "trainer_text.h"

enum { BLOCK = 512 }; /* samples: enough for two threads' shares of a product */

/* -------------------------------------------------------------------------- types */

static bool read_result(const graph *g, int32_t i, arena *ar, jit_array *result)
{
    node value = g->outputs[i].value;
    const graph_shape *s = graph_shape_at(g, value);
    *result = (jit_array){ .dtype = graph_dtype(g, value), .rank = s->rank };
    for (int32_t k = 0; k < s->rank; k++)
        if (!graph_value(g, s->extent[k], &(graph_known){ NULL, NULL }, ar, &result->shape[k]))
            return false;
    return true;
}

bool evaluation_result(const evaluation_call *call, int32_t i, jit_array *result, diag *d)
{
    request r;
    resolved made;
    graph *g = NULL;
    jit_module *m = call->module;
    arena *ar = arena_new(&m->context->allocator, (size_t)m->context->limits.memory);
    if (ar && request_read(&r, m, call->function, call->signature, NULL, d)) {
        pthread_mutex_lock(&m->lock);
        if (request_resolve(&made, m, &r, ar, d))
            g = pipeline_run(m->program, &made.spec, PIPELINE_OPT, NULL, ar, d);
        pthread_mutex_unlock(&m->lock);
    }
    bool known = g && read_result(g, i, ar, result);
    if (g && !known)
        diag_plain(d, DIAG_train_metric, "the shape of what '%s' gives depends on data",
                   call->function);
    if (!ar)
        diag_no_memory(d);
    arena_free(ar);
    return known;
}

/* -------------------------------------------------------------------------- making */

void evaluation_free(jit_trainer *t)
{
    evaluation *e = t->evaluation;
    if (!e)
        return;
    jit_kernel_release(e->kernel);
    metrics_free(&e->m);
    jit_release(e->module);
    context_release(t->context, e->memory, e->bytes);
    context_release(t->context, e->workspace, e->workspace_bytes);
    context_release(t->context, e->predicted, e->predicted_bytes);
    context_release(t->context, e, sizeof *e);
    t->evaluation = NULL;
}

/* The model's arguments are the first ones of the loss, whose last one is the target. */
static bool read_model(const jit_trainer *t, jit_module *m, evaluation_text *text, diag *d)
{
    jit_function_info f;
    if (jit_function_find(m, text->model, &f, d->out) != JIT_OK)
        return false;
    text->n_model = f.n_in;
    if (f.n_out == 1 && f.n_in < t->types.n_in)
        return true;
    diag_plain(d, DIAG_train_metric,
               "model '%s' takes %d arguments and gives %d: it takes the loss's first ones, of "
               "%d, and gives a prediction",
               f.name, (int)f.n_in, (int)f.n_out, (int)t->types.n_in);
    return false;
}

static bool make_metrics(jit_trainer *t, const jit_trainer_options *o, diag *d)
{
    evaluation *e = t->evaluation;
    int32_t last = t->types.n_in - 1;
    evaluation_call call = { e->module, TRAINER_EVALUATION, e->signature };
    e->m.target = (jit_array){ .dtype = t->types.in[last], .rank = t->types.rank[last] };
    memcpy(e->m.target.shape, t->types.extent[last], sizeof e->m.target.shape);
    return evaluation_result(&call, 1, &e->m.prediction, d) &&
           metrics_make(&e->m, e->module, o, d);
}

static bool make(jit_trainer *t, jit_module *m, const jit_trainer_options *o, diag *d)
{
    evaluation *e = t->evaluation;
    evaluation_text text = { .loss = t->loss, .model = o->model, .types = &t->types };
    e->m.context = t->context;
    if (o->model && !read_model(t, m, &text, d))
        return false;
    e->n_model = text.n_model;
    e->module = trainer_evaluation(m, &text, d);
    e->signature = e->module ? trainer_evaluation_signature(&text, e->module->ar) : NULL;
    if (e->module && !e->signature)
        diag_no_memory(d);
    return e->signature && (!o->model || make_metrics(t, o, d));
}

static bool have_evaluation(jit_trainer *t, jit_module *m, const jit_trainer_options *o,
                            diag *d)
{
    if (t->evaluation)
        return true;
    t->evaluation = context_alloc(t->context, sizeof *t->evaluation);
    if (!t->evaluation)
        diag_no_memory(d);
    if (t->evaluation && make(t, m, o, d))
        return true;
    evaluation_free(t);
    return false;
}

bool evaluation_begin(jit_trainer *t, jit_module *m, const jit_trainer_options *o, diag *d)
{
    if (o->n_metrics < 0 || o->n_metrics > JIT_MAX_METRICS ||
        (o->n_metrics > 0 && !o->metric)) {
        diag_plain(d, DIAG_option_value, "jit_trainer_options.n_metrics is %d",
                   (int)o->n_metrics);
        return false;
    }
    if (o->n_metrics > 0 && !o->model) {
        diag_plain(d, DIAG_train_metric, "metrics need jit_trainer_options.model");
        return false;
    }
    return o->n_metrics == 0 || have_evaluation(t, m, o, d);
}

bool evaluation_ready(jit_trainer *t, diag *d)
{
    evaluation *e;
    if (!have_evaluation(t, t->module->base, &(jit_trainer_options){ .size = 0 }, d))
        return false;
    e = t->evaluation;
    if (!e->kernel)
        e->kernel = jit_prepare(e->module, TRAINER_EVALUATION, e->signature, NULL, d->out);
    return e->kernel != NULL;
}

/* -------------------------------------------------------------------------- steps */

static jit_array with_samples(const jit_array *one, int64_t n, char *data)
{
    int64_t shape[JIT_MAX_RANK + 1] = { n };
    memcpy(shape + 1, one->shape, sizeof one->shape);
    return jit_array_of(one->dtype, data, one->rank + 1, shape);
}

bool evaluation_room(jit_trainer *t, int64_t samples, diag *d)
{
    evaluation *e = t->evaluation;
    if (!e || e->m.n == 0)
        return true;
    jit_array all = with_samples(&e->m.prediction, samples, NULL);
    if (context_grow(t->context, &e->predicted, &e->predicted_bytes, trainer_bytes(&all)))
        return true;
    diag_no_memory(d);
    return false;
}

bool evaluation_of_step(jit_trainer *t, const jit_array *aim, score *sum, diag *d)
{
    evaluation *e = t->evaluation;
    double whole[JIT_MAX_METRICS] = { 0 };
    if (!e || e->m.n == 0)
        return true;
    int64_t n = aim->shape[0];
    jit_array pair[2] = { with_samples(&e->m.prediction, n, e->predicted), *aim };
    if (!metrics_add(&e->m, pair, METRIC_OF_SAMPLES, sum->metric, d) ||
        !metrics_add(&e->m, pair, METRIC_OF_ALL, whole, d))
        return false;
    for (int32_t i = 0; i < e->m.n; i++)
        sum->metric[i] += whole[i] * (double)n;
    return true;
}

/* -------------------------------------------------------------------------- blocks */

typedef struct block {
    jit_trainer *t;
    const sample_set *from;
    int64_t most;
    double *loss; /* of each sample */
    jit_array rows[MOST];
    /* with metrics: predictions and targets of the block, or of all samples */
    jit_array pair[2];
    char *memory;
    size_t bytes;
    score *sum;
    diag *d;
} block;

/* Room behind what there is; with memory NULL it is only counted. */
static void place(block *b, jit_array *a, int64_t n)
{
    char *at = b->memory ? b->memory + b->bytes : NULL;
    a->shape[0] = n;
    *a = jit_array_of(a->dtype, at, a->rank, a->shape);
    b->bytes += trainer_rounded(trainer_bytes(a));
}

static void place_all(block *b)
{
    evaluation *e = b->t->evaluation;
    int32_t n_in = b->t->types.n_in;
    jit_array loss = { .dtype = JIT_F64, .rank = 1 };
    b->bytes = 0;
    place(b, &loss, b->most);
    b->loss = loss.data;
    for (int32_t i = 0; i < n_in; i++) {
        b->rows[i] = b->from->data[i];
        if (b->from->chosen)
            place(b, &b->rows[i], b->most);
    }
    if (e->m.n == 0)
        return;
    b->pair[0] = with_samples(&e->m.prediction, 0, NULL);
    place(b, &b->pair[0], e->m.some_whole ? b->from->n : b->most);
    b->pair[1] = b->from->data[n_in - 1];
    if (b->from->chosen && e->m.some_whole)
        place(b, &b->pair[1], b->from->n);
}

static bool have_memory(block *b)
{
    evaluation *e = b->t->evaluation;
    place_all(b);
    if (!context_grow(b->t->context, &e->memory, &e->bytes, b->bytes)) {
        diag_no_memory(b->d);
        return false;
    }
    b->memory = e->memory;
    place_all(b);
    return true;
}

static jit_array part(const jit_array *a, int64_t first, int64_t n)
{
    jit_array p = *a;
    p.data = (char *)a->data + first * a->stride[0];
    p.shape[0] = n;
    return p;
}

static bool have_rows(block *b, int64_t first, int64_t n)
{
    for (int32_t i = 0; i < b->t->types.n_in; i++) {
        const jit_array *from = &b->from->data[i];
        b->rows[i].shape[0] = n;
        if (!b->from->chosen)
            b->rows[i] = part(from, first, n);
        else if (!epoch_gather(&b->rows[i], from, b->from->chosen + first, n, b->d->out))
            return false;
    }
    return true;
}

static bool run(block *b, jit_array *out)
{
    jit_trainer *t = b->t;
    evaluation *e = t->evaluation;
    size_t bytes = 0;
    jit_args a = { .in = b->rows, .n_in = t->types.n_in, .out = out };
    a.n_out = e->m.n > 0 ? 2 : 1;
    a.params = t->params;
    a.threads = t->threads;
    if (jit_kernel_workspace(e->kernel, &a, &bytes, b->d->out) != JIT_OK)
        return false;
    if (!context_grow(t->context, &e->workspace, &e->workspace_bytes, bytes)) {
        diag_no_memory(b->d);
        return false;
    }
    a.workspace = e->workspace;
    a.workspace_bytes = e->workspace_bytes;
    return jit_run(e->kernel, &a, b->d->out) == JIT_OK;
}

static bool one_block(block *b, int64_t first, int64_t n)
{
    metrics *m = &b->t->evaluation->m;
    jit_array out[2] = { jit_array_of(JIT_F64, b->loss, 1, &n), { .rank = 0 } };
    if (m->n > 0)
        out[1] = part(&b->pair[0], m->some_whole ? first : 0, n);
    if (!have_rows(b, first, n) || !run(b, out))
        return false;
    for (int64_t i = 0; i < n; i++)
        b->sum->loss += b->loss[i];
    jit_array pair[2] = { out[1], b->rows[b->t->types.n_in - 1] };
    return metrics_add(m, pair, METRIC_OF_SAMPLES, b->sum->metric, b->d);
}

static bool finish(block *b)
{
    metrics *m = &b->t->evaluation->m;
    const sample_set *s = b->from;
    const jit_array *aim = &s->data[b->t->types.n_in - 1];
    b->sum->loss /= (double)s->n;
    for (int32_t i = 0; i < m->n; i++)
        b->sum->metric[i] /= (double)s->n;
    if (!m->some_whole)
        return true;
    if (s->chosen && !epoch_gather(&b->pair[1], aim, s->chosen, s->n, b->d->out))
        return false;
    return metrics_add(m, b->pair, METRIC_OF_ALL, b->sum->metric, b->d);
}

bool evaluation_run(jit_trainer *t, const sample_set *s, score *out, diag *d)
{
    memset(out, 0, sizeof *out);
    if (!evaluation_ready(t, d))
        return false;
    block b = { .t = t, .from = s, .most = s->n < BLOCK ? s->n : BLOCK, .sum = out, .d = d };
    if (!have_memory(&b))
        return false;
    for (int64_t first = 0; first < s->n; first += b.most)
        if (!one_block(&b, first, s->n - first < b.most ? s->n - first : b.most))
            return false;
    return finish(&b);
}

jit_status jit_trainer_evaluate(jit_trainer *t, const jit_array *data, int32_t n, double *loss,
                                double *metric, jit_error *err)
{
    diag d;
    score out;
    diag_init(&d, err, NULL);
    if (!t) {
        diag_plain(&d, DIAG_null_argument, "jit_trainer_evaluate: the trainer is null");
        return JIT_ERR_ARGUMENT;
    }
    sample_set s = { .data = data, .n = trainer_samples(t, data, n, &d) };
    if (s.n < 0 || !evaluation_run(t, &s, &out, &d))
        return d.out->status;
    if (loss)
        *loss = out.loss;
    if (metric)
        memcpy(metric, out.metric, (size_t)t->evaluation->m.n * sizeof *metric);
    return JIT_OK;
}
