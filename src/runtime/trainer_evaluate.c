/* Evaluation: see fusejit.h. The loss of each sample of a block is one kernel's; their sum is
 * taken here, in order. */
#include "trainer_evaluate.h"

#include "trainer_epoch.h"
#include "trainer_text.h"

enum { BLOCK = 512 }; /* samples: enough for two threads' shares of a product */

typedef struct evaluation {
    jit_module *module;
    jit_kernel *kernel;
    char *memory; /* losses of a block, then gathered samples */
    size_t bytes;
    char *workspace;
    size_t workspace_bytes;
} evaluation;

/* -------------------------------------------------------------------------- making */

void evaluation_free(jit_trainer *t)
{
    evaluation *e = t->evaluation;
    if (!e)
        return;
    jit_kernel_release(e->kernel);
    jit_release(e->module);
    context_release(t->context, e->memory, e->bytes);
    context_release(t->context, e->workspace, e->workspace_bytes);
    context_release(t->context, e, sizeof *e);
    t->evaluation = NULL;
}

static bool make(jit_trainer *t, evaluation *e, jit_error *err, diag *d)
{
    trainer_text text = { .loss = t->loss, .types = &t->types };
    e->module = trainer_evaluation(t->module->base, &text, d);
    if (!e->module)
        return false;
    const char *signature = trainer_evaluation_signature(&text, e->module->ar);
    if (!signature)
        diag_no_memory(d);
    else
        e->kernel = jit_prepare(e->module, TRAINER_EVALUATION, signature, NULL, err);
    return e->kernel != NULL;
}

static bool have_evaluation(jit_trainer *t, jit_error *err, diag *d)
{
    if (t->evaluation)
        return true;
    t->evaluation = context_alloc(t->context, sizeof *t->evaluation);
    if (!t->evaluation)
        diag_no_memory(d);
    if (t->evaluation && make(t, t->evaluation, err, d))
        return true;
    evaluation_free(t);
    return false;
}

/* -------------------------------------------------------------------------- blocks */

typedef struct block {
    jit_trainer *t;
    const sample_set *from;
    int64_t most;
    double *loss; /* of each sample */
    jit_array rows[MOST], out;
    jit_error *err;
    diag *d;
} block;

static bool have_memory(block *b)
{
    jit_trainer *t = b->t;
    evaluation *e = t->evaluation;
    size_t at = trainer_rounded((size_t)b->most * sizeof *b->loss), bytes = at;
    for (int32_t i = 0; i < t->types.n_in && b->from->chosen; i++)
        bytes += trainer_rounded((size_t)b->most * trainer_sample_bytes(&b->from->data[i]));
    if (!trainer_grow(t, &e->memory, &e->bytes, bytes)) {
        diag_no_memory(b->d);
        return false;
    }
    b->loss = (double *)(void *)e->memory;
    for (int32_t i = 0; i < t->types.n_in; i++) {
        jit_array *row = &b->rows[i];
        *row = b->from->data[i];
        row->shape[0] = b->most;
        if (!b->from->chosen)
            continue;
        *row = jit_array_of(row->dtype, e->memory + at, row->rank, row->shape);
        at += trainer_rounded(trainer_bytes(row));
    }
    return true;
}

static bool have_rows(block *b, int64_t first, int64_t n)
{
    for (int32_t i = 0; i < b->t->types.n_in; i++) {
        const jit_array *from = &b->from->data[i];
        b->rows[i].shape[0] = n;
        if (!b->from->chosen)
            b->rows[i].data = (char *)from->data + first * from->stride[0];
        else if (!epoch_gather(&b->rows[i], from, b->from->chosen + first, n, b->err))
            return false;
    }
    return true;
}

static bool run(block *b, int64_t n)
{
    jit_trainer *t = b->t;
    evaluation *e = t->evaluation;
    size_t bytes = 0;
    b->out = jit_array_of(JIT_F64, b->loss, 1, &n);
    jit_args a = { .in = b->rows, .n_in = t->types.n_in, .out = &b->out, .n_out = 1 };
    a.params = t->params;
    a.threads = t->threads;
    if (jit_kernel_workspace(e->kernel, &a, &bytes, b->err) != JIT_OK)
        return false;
    if (!trainer_grow(t, &e->workspace, &e->workspace_bytes, bytes)) {
        diag_no_memory(b->d);
        return false;
    }
    a.workspace = e->workspace;
    a.workspace_bytes = e->workspace_bytes;
    return jit_run(e->kernel, &a, b->err) == JIT_OK;
}

jit_status evaluation_run(jit_trainer *t, const sample_set *s, double *loss, jit_error *err)
{
    diag d;
    double sum = 0;
    diag_init(&d, err, NULL);
    if (!have_evaluation(t, err, &d))
        return err->status;
    block b = { .t = t, .from = s, .most = s->n < BLOCK ? s->n : BLOCK, .err = err, .d = &d };
    if (!have_memory(&b))
        return err->status;
    for (int64_t first = 0; first < s->n; first += b.most) {
        int64_t n = s->n - first < b.most ? s->n - first : b.most;
        if (!have_rows(&b, first, n) || !run(&b, n))
            return err->status;
        for (int64_t i = 0; i < n; i++)
            sum += b.loss[i];
    }
    *loss = sum / (double)s->n;
    return JIT_OK;
}

jit_status jit_trainer_evaluate(jit_trainer *t, const jit_array *data, int32_t n, double *loss,
                                jit_error *err)
{
    diag d;
    double mean = 0;
    diag_init(&d, err, NULL);
    if (!t) {
        diag_plain(&d, DIAG_null_argument, "jit_trainer_evaluate: the trainer is null");
        return JIT_ERR_ARGUMENT;
    }
    sample_set s = { .data = data, .n = trainer_samples(t, data, n, &d) };
    if (s.n < 0)
        return d.out->status;
    jit_status status = evaluation_run(t, &s, &mean, d.out);
    if (status == JIT_OK && loss)
        *loss = mean;
    return status;
}
