/* Writes the functions behind the user's program: see train_program.h. */
#include "train_text.h"

#include <inttypes.h>
#include <math.h>
#include <string.h>

void train_text_type(FILE *f, jit_dtype t, const jit_array *shape)
{
    (void)fprintf(f, "%s", jit_dtype_name(t));
    for (int32_t i = 0; i < shape->rank; i++)
        (void)fprintf(f, "%s%" PRId64, i ? "," : "[", shape->shape[i]);
    (void)fputs(shape->rank ? "]" : "", f);
}

/* What the saved model takes: as it is in files where a function arranges it. */
void train_text_taken(FILE *f, const sample_form *s)
{
    train_text_type(f, s->pixels ? JIT_U8 : s->given.dtype, s->arranged ? &s->file : &s->given);
}

static void put_arguments(FILE *f, const train_program *q, int n, bool taken)
{
    for (int i = 0; i < n; i++) {
        (void)fprintf(f, "%s%s: ", i ? ", " : "", q->form[i].name);
        if (taken)
            train_text_taken(f, &q->form[i]);
        else
            train_text_type(f, q->form[i].given.dtype, &q->form[i].given);
    }
}

static bool has_training(const jit_function_info *info)
{
    for (int i = 0; info->name && i < info->n_uniform; i++)
        if (strcmp(info->uniform_name[i], "training") == 0)
            return true;
    return false;
}

/* "; n = 5" of what --set gives to this function; `training`, which the trainer sets, is passed on. */
static void put_uniforms(FILE *f, const jit_function_info *info, train_settings *t,
                         bool trained)
{
    const char *before = "; ";
    for (int i = 0; i < info->n_uniform; i++) {
        const train_uniform *u = train_settings_take(t, info->uniform_name[i]);
        bool passed = !u && trained && strcmp(info->uniform_name[i], "training") == 0;
        if (!u && !passed)
            continue;
        (void)fprintf(f, "%s%s = ", before, info->uniform_name[i]);
        if (passed || isnan(u->value))
            (void)fputs(passed ? "training" : u->text, f);
        else
            (void)fprintf(f, "%.17g", u->value);
        before = ", ";
    }
}

/* x[i//28, i%28] */
static void put_subscripts(FILE *f, const jit_array *file)
{
    int64_t behind = jit_array_count(file);
    for (int32_t k = 0; k < file->rank; k++) {
        int64_t before = behind;
        behind /= file->shape[k];
        (void)fprintf(f, k ? ", i" : "i");
        if (k > 0)
            (void)fprintf(f, "%%%" PRId64, before);
        if (behind > 1)
            (void)fprintf(f, "//%" PRId64, behind);
    }
}

/* Functions of one argument each: pixels_x, standardise_x. */
static void put_form(FILE *f, const sample_form *s)
{
    const char *type = jit_dtype_name(s->given.dtype);
    if (s->arranged) {
        (void)fprintf(f, "fn arrange_%s(x: ", s->name);
        train_text_taken(f, s);
        (void)fputs(") -> r: ", f);
        train_text_type(f, s->given.dtype, &s->given);
        (void)fprintf(f, s->file.rank > s->given.rank ? " { r[i] = %s(x[" : " = %s(x", type);
        if (s->file.rank > s->given.rank)
            put_subscripts(f, &s->file);
        (void)fprintf(f, "%s)%s%s\n", s->file.rank > s->given.rank ? "]" : "",
                      s->pixels ? "/255" : "", s->file.rank > s->given.rank ? " }" : "");
    }
    if (!s->standardised)
        return;
    (void)fprintf(f, "fn standardise_%s(x: ", s->name);
    train_text_type(f, s->given.dtype, &s->given);
    (void)fputs(") -> r: ", f);
    train_text_type(f, s->given.dtype, &s->given);
    (void)fputs(" {\n  param mean: ", f);
    train_text_type(f, s->given.dtype, &s->given);
    (void)fputs(" = 0\n  param scale: ", f);
    train_text_type(f, s->given.dtype, &s->given);
    (void)fputs(" = 1\n  r = (x - mean)*scale\n}\n", f);
}

void train_text_model(FILE *f, const train_text *w, bool arranged)
{
    const train_plan *p = w->p;
    (void)fprintf(f, "%s(", p->model.name);
    for (int i = 0; i < p->model.n_in; i++) {
        const sample_form *s = &w->q->form[i];
        bool a = arranged && s->arranged, b = arranged && s->standardised;
        (void)fprintf(f, "%s%s%s%s%s%s%s", i ? ", " : "", b ? "standardise_" : "",
                      b ? s->name : "", b ? "(" : "", a ? "arrange_" : "", a ? s->name : "",
                      a ? "(" : "");
        (void)fprintf(f, "%s%s%s", s->name, a ? ")" : "", b ? ")" : "");
    }
    put_uniforms(f, &p->model, w->t, !arranged);
    (void)fputs(")", f);
}

void train_text_predict(FILE *f, const train_text *w)
{
    train_program *q = w->q;
    const train_plan *p = w->p;
    train_settings *t = w->t;
    bool needed = false;
    for (int i = 0; i < p->model.n_in; i++) {
        put_form(f, &q->form[i]);
        needed = needed || q->form[i].arranged || q->form[i].standardised;
    }
    for (int i = 0; i < p->model.n_uniform; i++)
        needed = needed || train_settings_take(t, p->model.uniform_name[i]);
    if (!needed) {
        (void)snprintf(q->predict, sizeof q->predict, "%s", p->model.name);
        return;
    }
    (void)fprintf(f, "fn %s(", q->predict);
    put_arguments(f, q, p->model.n_in, true);
    (void)fputs(") = ", f);
    train_text_model(f, w, true);
    (void)fputs("\n", f);
}

void train_text_loss(FILE *f, const train_text *w)
{
    const train_program *q = w->q;
    const train_plan *p = w->p;
    const sample_form *y = &q->form[q->n - 1];
    bool mean = p->shape == LOSS_ELEMENTS && q->result.rank > 0;
    bool vector = p->shape == LOSS_VECTORS && q->result.rank == 0;
    (void)fprintf(f, "fn %s(", q->loss);
    put_arguments(f, q, q->n, false);
    bool training = has_training(&p->loss) || has_training(&p->model);
    (void)fprintf(f, "%s) {\n", training ? "; training = 0" : "");
    if (p->shape == LOSS_VECTORS && y->given.rank == 0)
        (void)fprintf(f, "  var target_of_training: [1] = %s\n", y->name);
    if (vector) {
        (void)fputs("  var prediction_of_training: [1] = ", f);
        train_text_model(f, w, false);
        (void)fputs("\n", f);
    }
    (void)fprintf(f, "  return %s%s(", mean ? "mean(" : "", p->loss.name);
    for (int i = 0; p->shape == LOSS_WHOLE && i < q->n - 1; i++)
        (void)fprintf(f, "%s%s", i ? ", " : "", q->form[i].name);
    if (p->shape == LOSS_WHOLE)
        (void)0;
    else if (vector)
        (void)fputs("prediction_of_training", f);
    else
        train_text_model(f, w, false);
    (void)fprintf(f, ", %s",
                  p->shape == LOSS_VECTORS && y->given.rank == 0 ? "target_of_training"
                                                                 : y->name);
    put_uniforms(f, &p->loss, w->t, true);
    (void)fprintf(f, ")%s\n}\n", mean ? ")" : "");
}

void train_text_measured(FILE *f, const train_text *w)
{
    (void)fputs("fn model_of_training(", f);
    put_arguments(f, w->q, w->p->model.n_in, false);
    (void)fprintf(f, "%s) = ", has_training(&w->p->model) ? "; training = 0" : "");
    train_text_model(f, w, false);
    (void)fputs("\n", f);
}

/* The one number of a model that gives [1], beside a target that is a number. */
void train_text_output(FILE *f, const train_text *w)
{
    const train_program *q = w->q;
    (void)fprintf(f, "fn %s(", q->output);
    put_arguments(f, q, w->p->model.n_in, false);
    (void)fprintf(f, "%s) = sum(", has_training(&w->p->model) ? "; training = 0" : "");
    train_text_model(f, w, false);
    (void)fputs(")\n", f);
}
