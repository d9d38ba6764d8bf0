/* fusejit doctor: what this machine is, and whether fusejit works on it. */
#include <stdbool.h>
#include <string.h>

#include "bound_call.h"
#include "commands.h"
#include "self_test.h"

/* A bit of everything: mathematics, integers, a loop under a mask. */
static const char program[] = "fn activations(x) = sigmoid(x) + tanh(x) * gelu(x)\n"
                              "fn mathematics(x) = exp(-x*x) + sin(x) * log(1 + x*x)\n"
                              "fn integers(a: i32, b: i32) = (a // b) ^ (a << 3)\n"
                              "fn iterations(x) {\n"
                              "  var z = x\n"
                              "  var n: i32 = 0\n"
                              "  while n < 50 && z*z < 4 {\n"
                              "    z = z*z + x\n"
                              "    n += 1\n"
                              "  }\n"
                              "  return n\n"
                              "}\n";

static void report(const console *c, const char *what, const char *problem, int *failed)
{
    (void)fprintf(c->out, "%-36s %s%s%s\n", what, problem ? "FAILED" : "ok",
                  problem && *problem ? ": " : "", problem ? problem : "");
    *failed += problem != NULL;
}

static void compare_all(const comparison *k, const console *c, int *failed)
{
    jit_function_info f;
    char text[320], what[64];
    for (int i = 0; i < jit_function_count(k->compiled); i++) {
        if (jit_function_at(k->compiled, i, &f) != JIT_OK)
            continue;
        verdict v = self_test_compare(k, &f, JIT_F32, text, sizeof text);
        (void)snprintf(what, sizeof what, "compiled = interpreted: %s", f.name);
        report(c, what, v == VERDICT_SAME ? NULL : text, failed);
    }
}

/* The same bits on one thread and on all of them. */
static const char *compare_threads(jit_module *m)
{
    enum { N = 1 << 20 };
    static const int64_t shape[] = { N };
    jit_array x, y[2] = { { .rank = -1 }, { .rank = -1 } };
    jit_error err;
    const char *problem = NULL;
    if (jit_array_new(&x, JIT_F32, 1, shape, NULL) != JIT_OK)
        return "out of memory";
    float *data = x.data;
    for (int i = 0; i < N; i++)
        data[i] = (float)(i % 2003) * 0.01f - 10;
    for (int i = 0; i < 2 && !problem; i++) {
        jit_args args = {
            .in = &x, .n_in = 1, .out = &y[i], .n_out = 1, .threads = i ? -1 : 1
        };
        if (jit_call(m, "activations", &args, &err) != JIT_OK)
            problem = "the call failed";
    }
    if (!problem && memcmp(y[0].data, y[1].data, N * sizeof(float)) != 0)
        problem = "other bits than on one thread";
    jit_array_free(&x);
    jit_array_free(&y[0]);
    jit_array_free(&y[1]);
    return problem;
}

/* No page may be writable and executable at once. */
static const char *check_pages(void)
{
    char line[512];
    const char *problem = NULL;
    FILE *f = fopen("/proc/self/maps", "r");
    if (!f)
        return NULL;
    while (fgets(line, sizeof line, f))
        problem = strstr(line, " rwx") ? "a page is writable and executable" : problem;
    (void)fclose(f);
    return problem;
}

static int self_test(jit_context *context, const console *c)
{
    jit_error err;
    int failed = 0;
    jit_options options = { .size = sizeof options, .context = context, .file = "self test" };
    comparison k = { .seed = 1, .n = 1000 };
    k.compiled = jit_compile(program, &options, &err);
    options.interpret = 1;
    if (k.compiled)
        k.interpreted = jit_compile(program, &options, &err);
    if (!k.interpreted) {
        jit_release(k.compiled);
        return console_jit_error(c, &err);
    }
    jit_kernel *kernel = jit_prepare(k.compiled, "activations", "f32", NULL, &err);
    report(c, "compile, executable memory", kernel ? NULL : err.diagnostic[0].message, &failed);
    if (kernel) {
        compare_all(&k, c, &failed);
        report(c, "threads", compare_threads(k.compiled), &failed);
        report(c, "pages", check_pages(), &failed);
    }
    jit_kernel_release(kernel);
    jit_release(k.compiled);
    jit_release(k.interpreted);
    return failed ? EXIT_CHECK : EXIT_DONE;
}

int doctor_command(const settings *s, const console *c)
{
    jit_error err;
    jit_context *context = NULL;
    if (s->n_positional)
        return console_error(c, EXIT_USAGE, "'doctor' takes no '%s'", s->positional[0]);
    int code = call_context(&context, s, c);
    if (code)
        return code;
    char *text = jit_system_info(context, &err);
    if (text) {
        size_t n = strlen(text);
        (void)fprintf(c->out, "%s%s\n", text, n && text[n - 1] == '\n' ? "" : "\n");
        jit_text_free(text);
    }
    code = text ? self_test(context, c) : console_jit_error(c, &err);
    jit_context_free(context);
    return code;
}
