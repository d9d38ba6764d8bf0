/* Learns the classes of a table and tells how many rows that it has not seen it gets right:
 *
 *     classify_table [FILE.csv]     numbers, the last column a class, by number or by name (iris,
 *                                   breast cancer); without it a table of made flowers is written
 *
 * Every fifth row is for the test. Features are standardised by the mean and deviation of the other
 * rows; both are parameters of the model, which stay as they are while it learns, so that they are
 * saved with it and nobody who uses the model has to know of them. */
#include <fusejit.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>

enum { MOST_CLASSES = 16, TEXT = 1024 };

static jit_error err;

static void check(int fine)
{
    if (fine)
        return;
    jit_error_print(stderr, &err);
    exit(1);
}

/* Two measures of three kinds that overlap a little. */
static const char *write_flowers(void)
{
    static const char *const kind[] = { "bell", "rose", "star" };
    FILE *f = fopen("flowers.csv", "w");
    if (!f)
        return "flowers.csv";
    (void)fprintf(f, "length,width,kind\n");
    for (int i = 0; i < 300; i++) {
        int k = i / 100;
        double round = sin(i * 12.9898) + sin(i * 78.2330), thin = sin(i * 43.7585);
        (void)fprintf(f, "%.3f,%.3f,%s\n", 4 + 2 * k + 0.4 * round,
                      1 + 0.5 * (k == 1) + 0.2 * thin, kind[k]);
    }
    (void)fclose(f);
    return "flowers.csv";
}

/* The rows for the test, every fifth, or the others. */
static jit_array rows(const jit_array *a, int test)
{
    jit_array part = *a, view, to;
    int64_t n = a->shape[0];
    part.shape[0] = test ? n / 5 : n - n / 5;
    check(jit_array_new(&part, a->dtype, a->rank, part.shape, &err) == JIT_OK);
    for (int64_t i = 0, k = 0; i < n; i++)
        if ((i % 5 == 4) == test) {
            check(!jit_array_slice(&view, a, 0, i, i + 1, 1, &err) &&
                  !jit_array_slice(&to, &part, 0, k, k + 1, 1, &err) &&
                  !jit_array_copy(&to, &view, &err));
            k++;
        }
    return part;
}

static jit_module *program(const jit_table *t)
{
    char text[TEXT];
    (void)snprintf(text, sizeof text,
                   "fn standardised(x: [d]) -> [d] {\n"
                   "  param mean: f32[d] = 0\n"
                   "  param deviation: f32[d] = 1\n"
                   "  return (x - mean)/deviation\n"
                   "}\n"
                   "fn scores(x: [%d]) -> [%d] {\n"
                   "  let input = standardised(x)\n"
                   "  let h = dense(input; 8, relu)\n"
                   "  return dense(h; %d)\n"
                   "}\n"
                   "fn loss(x: [%d], y: i32) = xent(scores(x), y)\n"
                   "fn class_of(x: [%d]) = argmax(scores(x))\n"
                   "fn centre(x: [n]) = mean(x)\n"
                   "fn spread(x: [n]) { let s = std(x)  return s > 0 ? s : 1 }\n",
                   (int)t->n_columns, (int)t->n_classes, (int)t->n_classes, (int)t->n_columns,
                   (int)t->n_columns);
    jit_module *m = jit_compile(text, NULL, &err);
    check(m != NULL);
    return m;
}

static void standardise(jit_module *m, jit_params *p, const jit_array *x)
{
    static const char *const function[] = { "centre", "spread" };
    static const char *const name[] = { "scores.input.mean", "scores.input.deviation" };
    jit_array columns;
    check(jit_array_transpose(&columns, x, NULL, &err) == JIT_OK); /* a batch of them */
    for (int i = 0; i < 2; i++) {
        jit_array of = { .rank = -1 };
        jit_args args = { .in = &columns, .n_in = 1, .out = &of, .n_out = 1 };
        check(jit_call(m, function[i], &args, &err) == JIT_OK &&
              jit_params_set(p, name[i], &of, &err) == JIT_OK);
        jit_array_free(&of);
    }
}

static void train(jit_module *m, const jit_table *t, jit_params *p, const jit_array data[2])
{
    static const char *const frozen = "scores.input", *const rate = "lr";
    static const double slow = 0.01;
    char sample[64];
    jit_trainer_options o = { .size = sizeof o, .frozen = &frozen, .n_frozen = 1 };
    o.uniform_name = &rate;
    o.uniform = &slow;
    o.n_uniform = 1;
    jit_fit_options fit = { .size = sizeof fit, .epochs = 100, .batch = 32 };
    jit_fit_report r;
    (void)snprintf(sample, sizeof sample, "f32[%d], i32", (int)t->n_columns);
    jit_trainer *trainer = jit_trainer_new(m, "loss", sample, p, &o, &err);
    check(trainer && jit_trainer_fit(trainer, data, 2, &fit, &r, &err) == JIT_OK);
    printf("%lld rows, %d features, %d classes: loss %.4f after %lld epochs, %.2f s\n",
           (long long)(t->x.shape[0]), (int)t->n_columns, (int)t->n_classes, r.last.loss,
           (long long)r.last.epoch, r.seconds);
    jit_trainer_free(trainer);
}

/* A line for each class: how often it was taken for each. Returns the share of hits. */
static double report(const jit_table *t, const jit_model *model, const jit_array data[2])
{
    int64_t count[MOST_CLASSES][MOST_CLASSES] = { { 0 } }, n = data[0].shape[0], right = 0;
    jit_array found = { .rank = -1 };
    jit_args args = { .in = data, .n_in = 1, .out = &found, .n_out = 1 };
    args.params = model->params;
    check(jit_call(model->module, model->function, &args, &err) == JIT_OK);
    for (int64_t i = 0; i < n; i++) {
        int32_t is = ((const int32_t *)data[1].data)[i];
        int64_t taken = ((const int64_t *)found.data)[i];
        count[is][taken]++;
        right += is == taken;
    }
    for (int32_t i = 0; i < t->n_classes; i++) {
        printf("  %-12s", t->class_name[i]);
        for (int32_t k = 0; k < t->n_classes; k++)
            printf(" %4lld", (long long)count[i][k]);
        printf("\n");
    }
    jit_array_free(&found);
    return (double)right / (double)n;
}

int main(int argc, char **argv)
{
    jit_table t;
    jit_table_options classes = { .size = sizeof classes, .labels = JIT_LABELS_CLASSES };
    check(jit_table_load(&t, argc > 1 ? argv[1] : write_flowers(), &classes, &err) == JIT_OK);
    if (t.n_classes > MOST_CLASSES) {
        (void)fprintf(stderr, "%d classes: is the last column a class?\n", (int)t.n_classes);
        return 1;
    }
    char sample[32];
    (void)snprintf(sample, sizeof sample, "f32[%d]", (int)t.n_columns);
    jit_array seen[2] = { rows(&t.x, 0), rows(&t.y, 0) };
    jit_array unseen[2] = { rows(&t.x, 1), rows(&t.y, 1) };
    jit_module *m = program(&t);
    jit_params *p = jit_params_new(m, "class_of", sample, NULL, &err);
    check(p != NULL);
    standardise(m, p, &seen[0]);
    train(m, &t, p, seen);
    jit_model model = { .size = sizeof model, .module = m, .function = "class_of" };
    model.signature = sample;
    model.params = p;
    check(jit_model_save(&model, "classes.safetensors", &err) == JIT_OK);
    jit_model *again = jit_model_load("classes.safetensors", NULL, &err);
    check(again != NULL);
    double right = report(&t, again, unseen);
    printf("%.1f %% of %lld rows that were not learned from; the model is in "
           "classes.safetensors\n",
           100 * right, (long long)unseen[0].shape[0]);
    for (int i = 0; i < 2; i++) {
        jit_array_free(&seen[i]);
        jit_array_free(&unseen[i]);
    }
    jit_model_free(again);
    jit_params_free(p);
    jit_release(m);
    jit_table_free(&t);
    return right > 0.9 ? 0 : 4;
}
