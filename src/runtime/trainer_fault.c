/* Where a loss that is not finite comes from. It is looked for where it costs least: in the data, in
 * the parameters; then the sample is found by halving the batch, and the interpreter runs its loss
 * and notes at which operation finite operands gave such a value.
 *
 *   data -> parameters -> sample -> operation */
#include "trainer_fault.h"

#include <math.h>
#include <stdio.h>

#include "pipeline.h"
#include "trainer_evaluate.h"
#include "trainer_text.h"

typedef struct search {
    jit_trainer *t;
    int64_t sample; /* of the batch; -1: the loss of each is finite */
    arena *ar;
    diag quiet; /* of attempts that may fail: then there is less to tell */
    diag *d;
} search;

/* -------------------------------------------------------------------------- arrays */

/* A nan has no sign that anybody asks for. */
static double unsigned_nan(double v)
{
    return isnan(v) ? fabs(v) : v;
}

static double loss_of(const jit_trainer *t)
{
    return unsigned_nan(t->value);
}

/* The first element of a C-contiguous array that is not finite, or -1. */
static int64_t first_wrong(jit_dtype t, const char *data, int64_t n, double *value)
{
    size_t size = jit_dtype_size(t);
    for (int64_t i = 0; type_is_float(t) && i < n; i++) {
        *value = unsigned_nan(type_load(t, data + (size_t)i * size).f);
        if (!isfinite(*value))
            return i;
    }
    return -1;
}

static int64_t sample_elements(const jit_trainer *t, int32_t i)
{
    int64_t n = 1;
    for (int32_t k = 0; k < t->types.rank[i]; k++)
        n *= t->types.extent[i][k];
    return n;
}

/* Of the data as a whole, where the step is one of an epoch. */
static long long number_of(const jit_trainer *t, int64_t sample)
{
    return (long long)(t->numbers ? t->numbers[sample] : t->first + sample);
}

static bool blame_data(const search *s)
{
    const jit_trainer *t = s->t;
    double value;
    for (int32_t i = 0; i < t->types.n_in; i++) {
        int64_t each = sample_elements(t, i);
        int64_t at = first_wrong(t->types.in[i], t->step->data[i], t->samples * each, &value);
        if (at < 0)
            continue;
        diag_plain(
            s->d, DIAG_train_loss,
            "step %lld: the loss is %g: element %lld of sample %lld of argument %d of the "
            "data is %g",
            (long long)t->steps + 1, loss_of(t), (long long)(at % each),
            number_of(t, at / each), (int)i + 1, value);
        return true;
    }
    return false;
}

static bool blame_params(const search *s)
{
    const jit_trainer *t = s->t;
    double value;
    for (int32_t i = 0; i < t->n_params; i++) {
        const jit_named *p = jit_params_at(t->params, i);
        int64_t n = jit_array_count(&p->array);
        int64_t at = first_wrong(p->array.dtype, p->array.data, n, &value);
        if (at < 0)
            continue;
        diag_plain(s->d, DIAG_train_loss,
                   "step %lld: the loss is %g: element %lld of parameter '%.100s' is %g",
                   (long long)t->steps + 1, loss_of(t), (long long)at, p->name, value);
        diag_hint(s->d, "a smaller rate, or clipped gradients, in the steps before");
        return true;
    }
    return false;
}

/* -------------------------------------------------------------------------- the sample */

/* Whether the loss of samples from .. from + n - 1 is finite; true if that cannot be found out. */
static bool is_fine(search *s, int64_t from, int64_t n)
{
    jit_trainer *t = s->t;
    jit_array rows[MOST];
    score of;
    for (int32_t i = 0; i < t->types.n_in; i++) {
        int64_t shape[JIT_MAX_RANK] = { n };
        size_t bytes = (size_t)sample_elements(t, i) * jit_dtype_size(t->types.in[i]);
        for (int32_t k = 0; k < t->types.rank[i]; k++)
            shape[k + 1] = t->types.extent[i][k];
        rows[i] = jit_array_of(t->types.in[i], t->step->data[i] + (size_t)from * bytes,
                               t->types.rank[i] + 1, shape);
    }
    return !evaluation_run(t, &(sample_set){ .data = rows, .n = n }, &of, &s->quiet) ||
           isfinite(of.loss);
}

static void find_sample(search *s)
{
    int64_t from = 0, n = s->t->samples;
    s->sample = -1;
    if (is_fine(s, 0, n))
        return;
    while (n > 1) {
        int64_t half = n / 2;
        bool first = !is_fine(s, from, half);
        from += first ? 0 : half;
        n = first ? half : n - half;
    }
    s->sample = from;
}

/* -------------------------------------------------------------------------- the operation */

/* The batch's loss for a batch of one, as written. */
static graph *lower_loss(search *s)
{
    const jit_trainer *t = s->t;
    int64_t *dims = arena_alloc(s->ar, DIMS_MOST * sizeof *dims);
    for (int32_t i = 0; dims && i < DIMS_MOST; i++)
        dims[i] = 1;
    pthread_mutex_lock(&t->module->lock);
    const ast_fn *fn = program_find(t->module->program, TRAINER_BATCH);
    jit_dtype *in = fn ? arena_alloc(s->ar, ((size_t)fn->n_args + 1) * sizeof *in) : NULL;
    for (int32_t i = 0; in && i < fn->n_args; i++)
        in[i] = fn->args[i].type.scalar;
    graph *g = NULL;
    if (in && dims) {
        specialisation spec = { .fn = fn, .in = in, .n_in = fn->n_args, .dims = dims };
        request_machine(&spec, t->context);
        g = pipeline_run(t->module->program, &spec, PIPELINE_OPT, NULL, s->ar, &s->quiet);
    }
    pthread_mutex_unlock(&t->module->lock);
    return g;
}

/* Operands: the sample, the weights of classes, the parameters, as the step has them; the loss. */
static bool set_operands(const search *s, const graph *g, eval_operand *to)
{
    const jit_trainer *t = s->t;
    for (int32_t i = 0; i < g->n_inputs; i++) {
        const graph_shape *shape = &g->shapes[g->inputs[i].shape];
        int64_t *stride = arena_alloc(s->ar, (GRAPH_MAX_RANK + 1) * sizeof *stride);
        int64_t bytes = (int64_t)jit_dtype_size(g->inputs[i].dtype), extent;
        if (!stride)
            return false;
        for (int32_t k = shape->rank - 1; k >= 0; k--) {
            stride[k] = bytes;
            if (!graph_value(g, shape->extent[k], &(graph_known){ NULL, NULL }, s->ar, &extent))
                return false;
            bytes *= extent;
        }
        to[i].stride = stride;
        to[i].data = t->step->data[i] + (i < t->types.n_in ? s->sample * bytes : 0);
    }
    return true;
}

/* The node; 0: it was not found. */
static int32_t run_watched(search *s, const graph *g)
{
    static const volatile int32_t never = 0;
    static const int64_t no_stride[1];
    double loss;
    eval_operand *in = arena_alloc(s->ar, ((size_t)g->n_inputs + 1) * sizeof *in);
    eval_plan *plan =
        in && set_operands(s, g, in) ? eval_prepare(&s->t->context->allocator, g) : NULL;
    if (!plan)
        return 0;
    eval_operand out = { (char *)&loss, no_stride };
    eval_array_call call = { .in = in, .out = &out, .watch = true, .cancel = &never };
    call.fuel = -1;
    call.seed = trainer_batch_seed(s->t);
    jit_status status = eval_array_run(plan, &call);
    eval_free(plan);
    return status == JIT_OK && call.origin < g->n_nodes ? call.origin : 0;
}

static const char *operation_name(const graph *g, node n)
{
    const node_data *d = graph_node(g, n);
    fold_kind kind = graph_fold_kind(d);
    if (d->op != OP_fold)
        return op_info((op)d->op)->name;
    return kind == FOLD_SUM ? "sum" : kind == FOLD_DOT ? "sum of products" : "reduction";
}

static void tell_place(search *s, const graph *g, node n, jit_error *err)
{
    const jit_trainer *t = s->t;
    const ast_fn *fn = program_find(t->module->program, t->loss);
    span at = graph_node(g, n)->at;
    const source *src = fn ? fn->src : NULL;
    bool placed = src && src->text && at.length > 0 && at.start + at.length <= src->length;
    diag_init(s->d, err, placed ? src : NULL);
    diag_at(s->d, DIAG_train_loss, at,
            "step %lld: the loss is %g: of sample %lld the first value that is not finite is "
            "given by '%s' here",
            (long long)t->steps + 1, loss_of(t), number_of(t, s->sample), operation_name(g, n));
}

static bool blame_operation(search *s, jit_error *err)
{
    graph *g = lower_loss(s);
    if (g)
        g->n_outputs = 1; /* the loss; predictions may follow */
    node n = g && graph_has_arrays(g) ? run_watched(s, g) : 0;
    if (n > 0)
        tell_place(s, g, n, err);
    return n > 0;
}

/* -------------------------------------------------------------------------- all of it */

static void blame_sample(const search *s)
{
    const jit_trainer *t = s->t;
    if (s->sample >= 0)
        diag_plain(s->d, DIAG_train_loss, "step %lld: the loss is %g: that of sample %lld",
                   (long long)t->steps + 1, loss_of(t), number_of(t, s->sample));
    else
        diag_plain(s->d, DIAG_train_loss, "step %lld: the loss is %g", (long long)t->steps + 1,
                   loss_of(t));
}

void trainer_explain_loss(jit_trainer *t, jit_error *err)
{
    diag d;
    search s = { .t = t, .d = &d };
    diag_init(&d, err, NULL);
    diag_init(&s.quiet, NULL, NULL);
    if (blame_data(&s) || blame_params(&s))
        return;
    find_sample(&s);
    s.ar = s.sample >= 0 ? arena_new(&t->context->allocator, (size_t)t->context->limits.memory)
                         : NULL;
    if (!s.ar || !blame_operation(&s, err))
        blame_sample(&s);
    arena_free(s.ar);
}
