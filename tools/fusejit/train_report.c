/* What training prints. */
#define _POSIX_C_SOURCE 200809L

#include "train_report.h"

#include <inttypes.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static const char *short_name(const char *metric)
{
    static const char accuracy[] = "accuracy";
    size_t n = metric ? strlen(metric) : 0, m = sizeof accuracy - 1;
    return n >= m && strcmp(metric + n - m, accuracy) == 0 ? "acc" : metric;
}

void train_report_begin(train_report *r, const console *c, bool json, const char *metric)
{
    *r = (train_report){ .c = c, .json = json, .metric = metric };
    r->lines = json ? c->err : c->out;
    r->shown = short_name(metric);
    progress_begin(&r->bar, c);
    r->bar.metric = r->shown;
}

void train_report_free(train_report *r)
{
    free(r->curve);
    r->curve = NULL;
}

/* -------------------------------------------------------------------------- before */

static void print_shape(FILE *f, const jit_array *sample)
{
    for (int32_t i = 0; i < sample->rank; i++)
        (void)fprintf(f, " x %" PRId64, sample->shape[i]);
}

void train_report_data(const train_report *r, const report_data *of)
{
    FILE *f = r->lines;
    const sample_form *x = &of->q->form[0];
    int64_t val = of->val->rows, all = of->train->rows + val;
    (void)fprintf(f, "data    %" PRId64, all);
    print_shape(f, &x->given);
    (void)fprintf(f, " %s", jit_dtype_name(x->given.dtype));
    (void)fprintf(f, "   train %" PRId64, of->train->rows);
    if (val > 0)
        (void)fprintf(f, "  val %" PRId64, val);
    if (of->test->rows > 0)
        (void)fprintf(f, "  test %" PRId64, of->test->rows);
    if (of->classes > 0)
        (void)fprintf(f, "   classes %" PRId64, of->classes);
    if (x->arranged) {
        (void)fprintf(f, "   (%s", jit_dtype_name(x->file.dtype));
        for (int32_t i = 0; i < x->file.rank; i++)
            (void)fprintf(f, "%s%" PRId64, i ? " x " : " ", x->file.shape[i]);
        (void)fprintf(f, "%s)", x->pixels ? ", /255" : "");
    }
    (void)fputs(x->standardised ? "   standardised\n" : "\n", f);
}

/* "znver5" of the line "cpu znver5". */
static void cpu_name(jit_context *context, char name[64])
{
    char *text = jit_system_info(context, NULL);
    const char *at = text ? strstr(text, "cpu ") : NULL;
    (void)snprintf(name, 64, "%.*s", at ? (int)strcspn(at + 4, " \n") : 0, at ? at + 4 : "");
    jit_text_free(text);
}

void train_report_jit(const train_report *r, const report_jit *of)
{
    char cpu[64];
    long cores = sysconf(_SC_NPROCESSORS_ONLN);
    int threads = of->threads < 0 ? (int)cores : of->threads;
    cpu_name(of->context, cpu);
    (void)fprintf(r->lines, "jit     %d kernel%s, %.0f ms      cpu %s, %d thread%s\n",
                  of->kernels, of->kernels == 1 ? "" : "s", of->ms, cpu,
                  threads < 1 ? 1 : threads, threads > 1 ? "s" : "");
    (void)fflush(r->lines);
}

/* -------------------------------------------------------------------------- epochs */

static void print_value(FILE *f, const char *prefix, const char *name, double v)
{
    bool plain = v == 0 || (fabs(v) >= 1e-3 && fabs(v) < 1e5);
    if (!isnan(v))
        (void)fprintf(f, plain ? "  %s%s %.4f" : "  %s%s %.3e", prefix, name, v);
}

static void print_line(const train_report *r, const jit_epoch_report *e, double metric,
                       double val_metric)
{
    FILE *f = r->lines;
    (void)fprintf(f, "epoch %2" PRId64, e->epoch);
    print_value(f, "", "loss", e->loss);
    if (r->shown)
        print_value(f, "", r->shown, metric);
    print_value(f, "", "val_loss", e->val_loss);
    if (r->shown)
        print_value(f, "val_", r->shown, val_metric);
    if (!isnan(e->rate))
        (void)fprintf(f, "  lr %.1e", e->rate);
    (void)fprintf(f, "  %.2f s%s\n", e->seconds, e->is_best ? "  *best" : "");
    (void)fflush(f);
}

static void print_number(FILE *f, const char *prefix, const char *name, double v)
{
    if (!isnan(v) && !isinf(v))
        (void)fprintf(f, ", \"%s%s\": %.9g", prefix, name, v);
}

static void print_json(const train_report *r, const jit_epoch_report *e, double metric,
                       double val_metric)
{
    FILE *f = r->c->out;
    (void)fprintf(f, "{\"epoch\": %" PRId64 ", \"epochs\": %" PRId64 ", \"samples\": %" PRId64,
                  e->epoch, e->epochs, e->samples);
    print_number(f, "", "loss", e->loss);
    print_number(f, "", "val_loss", e->val_loss);
    if (r->metric) {
        print_number(f, "", r->metric, metric);
        print_number(f, "val_", r->metric, val_metric);
    }
    print_number(f, "", "lr", e->rate);
    print_number(f, "", "seconds", e->seconds);
    (void)fprintf(f, ", \"best\": %s}\n", e->is_best ? "true" : "false");
    (void)fflush(f);
}

void train_report_epoch(train_report *r, const jit_epoch_report *e)
{
    double metric = e->n_metrics > 0 ? e->metric[0] : (double)NAN;
    double val_metric = e->n_metrics > 0 ? e->val_metric[0] : (double)NAN;
    progress_clear(&r->bar);
    if (r->json)
        print_json(r, e, metric, val_metric);
    else
        print_line(r, e, metric, val_metric);
    r->bar.value = isnan(val_metric) ? metric : val_metric;
    r->curve = memory_resize(r->curve, (size_t)(r->n_curve + 1) * sizeof *r->curve);
    r->curve[r->n_curve++] =
        (train_curve){ e->epoch, e->loss, e->val_loss, metric, val_metric };
}

/* -------------------------------------------------------------------------- after */

void train_report_test(const train_report *r, int64_t samples, double loss, double metric)
{
    (void)fprintf(r->lines, "test    %" PRId64, samples);
    print_value(r->lines, "", "loss", loss);
    if (r->shown)
        print_value(r->lines, "", r->shown, metric);
    (void)fputs("\n", r->lines);
}

static void print_best(const train_report *r, const jit_epoch_report *best)
{
    FILE *f = r->lines;
    bool val = !isnan(best->val_loss);
    double v = best->n_metrics == 0 ? (double)NAN : val ? best->val_metric[0] : best->metric[0];
    (void)fprintf(f, "      best epoch %" PRId64 ":", best->epoch);
    if (r->shown && !isnan(v))
        (void)fprintf(f, " %s%s %.4f", val ? "val_" : "", r->shown, v);
    else
        (void)fprintf(f, " %sloss %.4g", val ? "val_" : "", best->monitored);
}

void train_report_done(const train_report *r, const jit_fit_report *fit, int64_t samples,
                       const char *file)
{
    FILE *f = r->lines;
    char rate[32];
    int64_t n = r->n_curve;
    (void)fprintf(f, "done    %" PRId64 " epoch%s, %.1f s, %s", n, n == 1 ? "" : "s",
                  fit->seconds, progress_rate((double)(n * samples) / fit->seconds, rate));
    if (fit->best.epoch > 0)
        print_best(r, &fit->best);
    if (file)
        (void)fprintf(f, " -> %s", file);
    (void)fputs("\n", f);
    (void)fflush(f);
}
