/* Running one function on one element, for tables. */
#include "lower_case.h"

#include <criterion/criterion.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "eval.h"
#include "verify.h"

enum { MOST = 32, SIZE = 512 };

void lower_text_make(lower_text *t, const char *text)
{
    t->src = (source){ .name = "<text>", .text = text, .length = (int32_t)strlen(text) };
    t->ar = arena_new(NULL, 0);
    cr_assert(t->ar);
    diag_init(&t->d, &t->err, &t->src);
    const ast_program *tree = parse_program(t->ar, &t->src, NULL, &t->d);
    t->program = tree ? program_new(t->ar, tree, NULL, &t->d) : NULL;
    cr_expect_eq(t->program == NULL, diag_failed(&t->d), "%.80s", text);
}

void lower_text_free(lower_text *t)
{
    arena_free(t->ar);
}

static jit_dtype dtype_of(const char *name, size_t n)
{
    for (int t = JIT_BOOL; t <= JIT_F64; t++) {
        if (strlen(type_name((jit_dtype)t)) == n && !memcmp(name, type_name((jit_dtype)t), n)) {
            return (jit_dtype)t;
        }
    }
    return JIT_NONE;
}

static int32_t read_types(const char *text, jit_dtype *types)
{
    int32_t n = 0;
    while (*text) {
        size_t length = strcspn(text, ",");
        types[n++] = dtype_of(text, length);
        cr_assert_neq(types[n - 1], JIT_NONE, "%s", text);
        text += length + (text[length] == ',');
    }
    return n;
}

graph *lower_text_graph(lower_text *t, const char *fn, const char *types, pipeline_end end)
{
    jit_dtype in[MOST];
    specialisation s = { .fn = program_find(t->program, fn), .in = in };
    cr_assert(s.fn, "no function %s", fn);
    s.n_in = read_types(types, in);
    graph *g = pipeline_run(t->program, &s, end, NULL, t->ar, &t->d);
    if (g) {
        const char *wrong = verify_graph(t->ar, g);
        cr_expect_null(wrong, "%s", wrong);
    }
    return g;
}

static void read_args(const char *text, const graph *g, cell *in)
{
    for (int32_t i = 0; i < g->n_inputs; i++) {
        char *end = NULL;
        jit_dtype t = g->inputs[i].dtype;
        if (type_is_float(t)) {
            in[i].f = strtod(text, &end);
        } else if (t == JIT_U64) {
            in[i].u = strtoull(text, &end, 0);
        } else {
            in[i].i = strtoll(text, &end, 0);
        }
        in[i] = type_round(t, in[i]);
        text = *end == ',' ? end + 1 : end;
    }
}

static size_t put_value(char *out, size_t size, jit_dtype t, cell v)
{
    int n = type_is_float(t)
                ? snprintf(out, size, "%s %.*g", type_name(t), t == JIT_F64 ? 17 : 9, v.f)
            : t == JIT_U64  ? snprintf(out, size, "u64 %" PRIu64, v.u)
            : t == JIT_BOOL ? snprintf(out, size, "bool %s", v.u ? "true" : "false")
                            : snprintf(out, size, "%s %" PRId64, type_name(t), v.i);
    return (size_t)n;
}

static void run_graph(lower_text *t, const graph *g, const char *args, char *out)
{
    cell in[MOST], uniform[MOST], result[MOST];
    uniform_default defaults[MOST];
    const ast_fn *fn = program_find(t->program, "f");
    cr_assert(lower_defaults(t->program, fn, defaults, g->n_uniforms, t->ar, &t->d));
    for (int32_t i = 0; i < g->n_uniforms; i++) {
        uniform[i] = defaults[i].value;
    }
    read_args(args, g, in);
    eval_plan *plan = eval_prepare(NULL, g);
    cr_assert(plan);
    void *scratch = aligned_alloc(16, (eval_scratch(plan) + 31) / 16 * 16);
    eval_call call = { .in = in, .uniform = uniform, .out = result, .fuel = 100000 };
    jit_status status = eval_run(plan, &call, scratch);
    size_t n = (size_t)snprintf(out, SIZE, "%s", status == JIT_ERR_FUEL ? "fuel" : "");
    for (int32_t i = 0; status == JIT_OK && i < g->n_outputs; i++) {
        n += (size_t)snprintf(out + n, SIZE - n, "%s", i ? ", " : "");
        n += put_value(out + n, SIZE - n, graph_dtype(g, g->outputs[i].value), result[i]);
    }
    if (status == JIT_OK && call.flags) {
        (void)snprintf(out + n, SIZE - n, " flags %u", (unsigned)call.flags);
    }
    free(scratch);
    eval_free(plan);
}

const char *lower_case_run(const lower_case *c, pipeline_end end)
{
    static char out[SIZE];
    static lower_text t;
    lower_text_make(&t, c->program);
    graph *g = t.program ? lower_text_graph(&t, "f", c->types, end) : NULL;
    if (g) {
        run_graph(&t, g, c->args, out);
    } else {
        (void)snprintf(out, sizeof out, "E%04d", (int)t.err.diagnostic[0].code);
    }
    lower_text_free(&t);
    return out;
}

void lower_case_check(const lower_case *rows, int n)
{
    static const pipeline_end ends[] = { PIPELINE_SSA, PIPELINE_OPT, PIPELINE_FUSE,
                                         PIPELINE_MATH };
    for (int i = 0; i < n; i++) {
        for (int k = 0; k < 4; k++) {
            const char *got = lower_case_run(&rows[i], ends[k]);
            cr_expect_str_eq(got, rows[i].expect, "%s\n  on %s of %s, stage %d:\n  %s, not %s",
                             rows[i].program, rows[i].args, rows[i].types, (int)ends[k], got,
                             rows[i].expect);
        }
    }
}
