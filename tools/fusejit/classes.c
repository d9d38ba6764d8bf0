/* What a model's scores say, as the names of classes. */
#include "classes.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "element.h"

int64_t classes_of(const jit_array *scores, int64_t sample, int64_t n, bool probability)
{
    int64_t best = 0;
    if (n == 1)
        return element_real(scores, sample) > (probability ? 0.5 : 0);
    for (int64_t k = 1; k < n; k++)
        if (element_real(scores, sample * n + k) > element_real(scores, sample * n + best))
            best = k;
    return best;
}

static const char *loss_of(const jit_model *m)
{
    const char *loss = jit_model_text(m, "loss");
    return loss ? loss : "";
}

/* One score says something about classes where the loss did. */
static bool is_binary(const jit_model *m)
{
    static const char *const losses[] = { "bce", "bce_logits", "hinge" };
    for (int i = 0; i < 3; i++)
        if (strcmp(loss_of(m), losses[i]) == 0)
            return true;
    return model_list(m, "class", 1) && !model_list(m, "class", 2);
}

/* As many as the file says; else the last axis. */
static int64_t scores_each(const jit_model *m, const jit_array *scores)
{
    const char *text = jit_model_text(m, "outputs");
    int64_t n = text ? strtoll(text, NULL, 10) : 0, all = jit_array_count(scores);
    if (n > 0 && all % n == 0)
        return n;
    return scores->rank > 0 ? scores->shape[scores->rank - 1] : 1;
}

bool classes_can_print(const jit_model *m, const jit_array *scores, const console *c)
{
    if (scores_each(m, scores) > 1 || is_binary(m))
        return true;
    (void)console_error(c, EXIT_USER, "--classes: the model gives one number that is no class");
    return false;
}

static void print_name(FILE *f, const char *name, bool json)
{
    if (json)
        (void)fputc('"', f);
    for (; *name; name++) {
        unsigned char c = (unsigned char)*name;
        if (json && (c == '"' || c == '\\'))
            (void)fprintf(f, "\\%c", c);
        else if (json && c < 0x20)
            (void)fprintf(f, "\\u%04x", c);
        else
            (void)fputc(c < 0x20 || c == 0x7f ? '?' : c, f);
    }
    if (json)
        (void)fputc('"', f);
}

void classes_print(FILE *f, const jit_model *m, const jit_array *scores, bool json)
{
    int64_t n = scores_each(m, scores), samples = n > 0 ? jit_array_count(scores) / n : 0;
    bool probability = strcmp(loss_of(m), "bce") == 0;
    (void)fputs(json ? "[" : "", f);
    for (int64_t i = 0; i < samples; i++) {
        int64_t class = classes_of(scores, i, n, probability);
        const char *name = model_list(m, "class", class);
        if (name)
            print_name(f, name, json);
        else
            (void)fprintf(f, "%" PRId64, class);
        (void)fputs(!json ? "\n" : i + 1 < samples ? ", " : "", f);
    }
    (void)fputs(json ? "]\n" : "", f);
}
