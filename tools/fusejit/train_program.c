/* The program that is trained and saved. */
#define _POSIX_C_SOURCE 200809L

#include "train_program.h"

#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "train_job.h"
#include "train_text.h"

/* -------------------------------------------------------------------------- forms */

static bool is_float(jit_dtype t)
{
    return t == JIT_F16 || t == JIT_BF16 || t == JIT_F32 || t == JIT_F64;
}

/* The element type that an argument is trained with. */
static jit_dtype type_of(const train_plan *p, int i, jit_dtype file)
{
    bool last = p->loss.name && i == p->n_args - 1;
    if (p->arg[i].dtype != JIT_NONE)
        return p->arg[i].dtype;
    if (last && p->shape == LOSS_WHOLE && !is_float(file))
        return JIT_I32;
    return JIT_F32;
}

/* Whether samples of `file` become those of the argument; to->given is their shape. */
static bool shape_form(sample_form *to, int32_t rank, bool target)
{
    const jit_array *file = &to->file;
    int64_t n = jit_array_count(file);
    to->given = (jit_array){ .dtype = to->given.dtype, .rank = file->rank };
    memcpy(to->given.shape, file->shape, sizeof file->shape);
    if (file->rank == rank || (target && rank == 1 && file->rank == 0))
        return true;
    if (rank == 0 && n == 1) {
        to->given.rank = 0;
        return true;
    }
    to->given.rank = 1;
    to->given.shape[0] = n;
    to->arranged = file->rank > 1;
    return rank == 1;
}

static const char *shape_text(const jit_array *a, char text[128])
{
    size_t n = 0;
    text[0] = 0;
    for (int32_t i = 0; i < a->rank; i++)
        n += (size_t)snprintf(text + n, 128 - n, "%s%" PRId64, i ? " x " : "", a->shape[i]);
    return a->rank ? text : "one number";
}

static int make_form(sample_form *f, const train_plan *p, const train_data *d, int i,
                     const console *c)
{
    const jit_array *a = &d->array[i];
    char text[128];
    bool target = p->loss.name && i == p->n_args - 1;
    *f = (sample_form){ .name = p->arg[i].name };
    f->file = (jit_array){ .dtype = a->dtype, .rank = a->rank - 1 };
    memcpy(f->file.shape, a->shape + 1, (size_t)(a->rank - 1) * sizeof *a->shape);
    f->given.dtype = type_of(p, i, a->dtype);
    /* a loss of vectors or of elements takes the target as the model gives it */
    int32_t rank = target && p->shape == LOSS_ELEMENTS ? f->file.rank : p->arg[i].rank;
    if (!shape_form(f, rank, target && p->shape != LOSS_WHOLE))
        return console_error(c, EXIT_USER, "'%s' has samples of %s; '%s' takes %d ax%s",
                             d->file[i], shape_text(&f->file, text), f->name, (int)rank,
                             rank == 1 ? "is" : "es");
    f->pixels = !target && a->dtype == JIT_U8 && is_float(f->given.dtype) && f->file.rank > 0;
    f->arranged |= f->pixels;
    return EXIT_DONE;
}

int train_program_forms(train_program *q, const train_plan *p, const train_data *d,
                        const train_settings *t, const console *c)
{
    int code = EXIT_DONE;
    q->n = p->n_args;
    for (int i = 0; i < q->n && !code; i++) {
        sample_form *f = &q->form[i];
        code = make_form(f, p, d, i, c);
        bool target = p->loss.name && i == q->n - 1;
        f->standardised = t->standardise && !target && is_float(f->given.dtype);
    }
    return code;
}

/* -------------------------------------------------------------------------- signatures */

/* "f32[784], i32" */
static void write_signature(const train_program *q, int n, bool taken,
                            char text[TRAIN_SIGNATURE])
{
    FILE *f = fmemopen(text, TRAIN_SIGNATURE, "w");
    text[0] = 0;
    for (int i = 0; f && i < n; i++) {
        const sample_form *s = &q->form[i];
        (void)fputs(i ? ", " : "", f);
        if (taken)
            train_text_taken(f, s);
        else
            train_text_type(f, s->given.dtype, &s->given);
    }
    if (f)
        (void)fclose(f);
}

/* -------------------------------------------------------------------------- modules */

static jit_module *compile(const char *text, const char *file, jit_context *context,
                           jit_error *err)
{
    jit_options o = { .size = sizeof o, .context = context, .file = file };
    return jit_compile(text, &o, err);
}

/* Places behind the user's text are those of the functions here. */
static int explain(const train_program *q, const jit_error *err, const console *c)
{
    int32_t lines = 1;
    for (const char *p = q->text; *p; p++)
        lines += *p == '\n';
    int code = console_jit_error(c, err);
    if (err->n_diagnostics > 0 && err->diagnostic[0].line > lines)
        console_hint(c,
                     "line %d is behind the file's own: the loss, the model and the samples "
                     "as train puts them together",
                     (int)err->diagnostic[0].line);
    return code;
}

/* The user's text with what `put` writes behind it; free it. */
static char *text_with(const char *text, const train_text *w,
                       void (*put)(FILE *, const train_text *))
{
    char *all = NULL;
    size_t n = 0;
    FILE *f = open_memstream(&all, &n);
    if (!f)
        return NULL;
    (void)fprintf(f, "%s\n\n", text);
    put(f, w);
    return fclose(f) == 0 ? all : NULL;
}

/* Type and shape of what the model gives for one sample. */
static jit_status measure(train_program *q, int n_in, jit_module *m, jit_error *err)
{
    static char nothing[1];
    static const char name[] = "model_of_training";
    jit_array in[JIT_MAX_OPERANDS];
    jit_params *params = jit_params_new(m, name, q->model_signature, NULL, err);
    jit_kernel *k = params ? jit_prepare(m, name, q->model_signature, NULL, err) : NULL;
    for (int i = 0; i < n_in; i++)
        in[i] = jit_array_of(q->form[i].given.dtype, nothing, q->form[i].given.rank,
                             q->form[i].given.shape);
    jit_args args = { .in = in, .n_in = n_in, .out = &q->result, .n_out = 1 };
    args.params = params;
    jit_status s = k ? jit_kernel_shapes(k, &args, err) : err->status;
    jit_kernel_release(k);
    jit_params_free(params);
    return s;
}

int train_program_measure(train_program *q, const train_text *w, jit_context *context,
                          const console *c)
{
    jit_error err;
    write_signature(q, w->p->model.n_in, false, q->model_signature);
    char *text = text_with(q->text, w, train_text_measured);
    if (!text)
        return console_error(c, EXIT_USER, "out of memory");
    jit_options o = {
        .size = sizeof o, .context = context, .file = w->t->file, .interpret = 1
    };
    jit_module *m = jit_compile(text, &o, &err);
    free(text);
    jit_status s = m ? measure(q, w->p->model.n_in, m, &err) : err.status;
    jit_release(m);
    q->one_output = q->result.rank == 0 || (q->result.rank == 1 && q->result.shape[0] == 1);
    return s == JIT_OK ? EXIT_DONE : explain(q, &err, c);
}

/* -------------------------------------------------------------------------- the program */

static void name_functions(train_program *q, const train_plan *p, jit_module *m)
{
    jit_function_info f;
    size_t n = (size_t)snprintf(q->predict, sizeof q->predict, "predict");
    while (n < sizeof q->predict - 1 && jit_function_find(m, q->predict, &f, NULL) == JIT_OK)
        q->predict[n++] = '_';
    const sample_form *y = &q->form[q->n - 1];
    bool one = q->result.rank == 1 && q->result.shape[0] == 1 && y->given.rank == 0;
    (void)snprintf(q->loss, sizeof q->loss, "loss_of_training");
    (void)snprintf(q->output, sizeof q->output, "%s",
                   one             ? "output_of_training"
                   : p->model.name ? "model_of_training"
                                   : "");
}

static void put_all(FILE *f, const train_text *w)
{
    if (w->p->model.name) {
        train_text_predict(f, w);
        if (strcmp(w->q->output, "output_of_training") == 0)
            train_text_output(f, w);
        else
            train_text_measured(f, w);
    }
    train_text_loss(f, w);
}

int train_program_make(train_program *q, const train_plan *p, jit_context *context,
                       train_settings *t, const console *c)
{
    jit_error err;
    train_text w = { q, p, t };
    int code = EXIT_DONE;
    write_signature(q, q->n, false, q->loss_signature);
    write_signature(q, p->model.n_in, true, q->predict_signature);
    if (p->model.name)
        code = train_program_measure(q, &w, context, c);
    if (code)
        return code;
    name_functions(q, p, q->plain);
    char *text = text_with(q->text, &w, put_all);
    if (!text)
        return console_error(c, EXIT_USER, "out of memory");
    q->module = compile(text, t->file, context, &err);
    free(text);
    return q->module ? EXIT_DONE : explain(q, &err, c);
}

/* -------------------------------------------------------------------------- the file */

static char *read_text(const char *path)
{
    enum { STEP = 1 << 16, MOST = 1 << 26 };
    FILE *f = fopen(path, "rb");
    char *text = NULL;
    size_t n = 0, got = 0;
    if (!f)
        return NULL;
    do {
        text = memory_resize(text, n + STEP + 1);
        got = fread(text + n, 1, STEP, f);
        n += got;
    } while (got == STEP && n < MOST);
    text[n] = 0;
    bool good = !ferror(f) && !memchr(text, 0, n);
    int code = ferror(f) ? errno : 0;
    (void)fclose(f);
    if (good)
        return text;
    free(text);
    errno = code;
    return NULL;
}

int train_program_read(train_program *q, const train_job *j, const console *c)
{
    jit_error err;
    const char *path = j->t.file, *text = j->program_text;
    *q = (train_program){ .text = text ? memory_text(text, strlen(text)) : read_text(path) };
    if (!q->text)
        return console_error(c, EXIT_FILE, "cannot read '%s': %s", path,
                             errno ? strerror(errno) : "it is no text");
    q->plain = compile(q->text, path, j->context, &err);
    return q->plain ? EXIT_DONE : console_jit_error(c, &err);
}

void train_program_free(train_program *q)
{
    jit_release(q->module);
    jit_release(q->plain);
    free(q->text);
    *q = (train_program){ .n = 0 };
}
