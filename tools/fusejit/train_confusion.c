/* How many samples of each class are taken for which. */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "classes.h"
#include "element.h"
#include "train_job.h"

enum { CLASSES_MOST = 100 };

static void print_table(const train_job *j, const int64_t *count, int64_t n, int64_t rows)
{
    FILE *f = j->report.lines;
    const jit_table *t = &j->train.table;
    (void)fprintf(f, "confusion of %" PRId64 " samples: rows are labels, columns predictions\n",
                  rows);
    for (int64_t i = -1; i < n; i++) {
        char name[32];
        (void)snprintf(name, sizeof name, "%" PRId64, i);
        (void)fprintf(f, "  %-12.12s", i < 0 ? "" : i < t->n_classes ? t->class_name[i] : name);
        for (int64_t k = 0; k < n; k++)
            (void)fprintf(f, " %6" PRId64, i < 0 ? k : count[i * n + k]);
        (void)fputs("\n", f);
    }
}

static void tally(const train_job *j, const train_data *d, const jit_array *out, int64_t n)
{
    int64_t *count = memory_take((size_t)(n * n) * sizeof *count);
    int64_t scores = j->program.one_output ? 1 : j->program.result.shape[0];
    bool probability = strcmp(j->plan.loss.name, "bce") == 0;
    for (int64_t i = 0; i < d->rows; i++) {
        double y = element_real(&d->array[d->n - 1], i);
        int64_t label = n == 2 && y < 0 ? 0 : (int64_t)y;
        int64_t taken = classes_of(out, i, scores, probability);
        if (label >= 0 && label < n && taken < n)
            count[label * n + taken]++;
    }
    print_table(j, count, n, d->rows);
    free(count);
}

int train_confusion(const train_job *j, const console *c)
{
    const train_data *d = j->test.rows > 0 ? &j->test : j->val.rows > 0 ? &j->val : &j->train;
    bool binary = j->program.one_output && !train_plan_has_class(&j->plan);
    int64_t n = binary ? 2 : j->classes;
    jit_error err;
    jit_array out = { .rank = -1 };
    if (!j->plan.model.name || n < 2 || n > CLASSES_MOST ||
        (!j->program.one_output && j->program.result.rank != 1))
        return console_error(c, EXIT_USER, "--confusion: there are no classes, or over %d",
                             CLASSES_MOST);
    jit_args args = { .in = d->array, .n_in = d->n - 1, .out = &out, .n_out = 1 };
    args.params = j->params;
    args.threads = j->t.threads;
    if (jit_call(j->program.module, j->program.output, &args, &err) != JIT_OK)
        return console_jit_error(c, &err);
    tally(j, d, &out, n);
    jit_array_free(&out);
    return EXIT_DONE;
}
