/* Running one array function on one sample, for tables. */
#include "array_run.h"

#include <criterion/criterion.h>
#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "eval.h"

enum { MOST = 16, ELEMENTS = 512, SIZE = 4096 };

typedef struct storage {
    char data[ELEMENTS * 8];
    int64_t stride[GRAPH_MAX_RANK];
    int64_t n; /* elements */
} storage;

typedef struct running {
    lower_text t;
    const graph *g;
    int64_t dims[MOST];
    cell uniform[MOST];
    storage in[MOST], out[MOST];
    eval_operand in_op[MOST], out_op[MOST];
} running;

static size_t bytes_of(jit_dtype t)
{
    return (size_t)type_bits(t) / 8;
}

/* Rows of C order, each element of the type. */
static void lay_out(running *r, storage *s, int32_t shape, jit_dtype t)
{
    const graph_shape *sh = &r->g->shapes[shape];
    s->n = 1;
    for (int32_t k = sh->rank - 1; k >= 0; k--) {
        int64_t extent;
        graph_known known = { r->dims, r->uniform };
        cr_assert(graph_value(r->g, sh->extent[k], &known, r->t.ar, &extent));
        s->stride[k] = s->n * (int64_t)bytes_of(t);
        s->n *= extent;
    }
    cr_assert_leq(s->n, ELEMENTS);
}

static char *element(storage *s, jit_dtype t, int64_t i)
{
    return s->data + i * (int64_t)bytes_of(t);
}

static const char *read_input(storage *s, jit_dtype t, const char *text)
{
    for (int64_t i = 0; i < s->n; i++) {
        char *end;
        cell v;
        if (type_is_float(t))
            v.f = strtod(text, &end);
        else
            v.i = strtoll(text, &end, 10);
        cr_assert_neq(end, text, "too few elements: %s", text);
        uint64_t bits = type_encode(t, type_round(t, v));
        memcpy(element(s, t, i), &bits, bytes_of(t));
        text = end;
    }
    text += strspn(text, " ");
    return *text == ';' ? text + 1 : text;
}

static size_t put_output(char *out, size_t size, storage *s, jit_dtype t)
{
    size_t n = 0;
    for (int64_t i = 0; i < s->n; i++) {
        uint64_t bits = 0;
        memcpy(&bits, element(s, t, i), bytes_of(t));
        cell v = type_decode(t, bits);
        v.f = type_is_float(t) && v.f != v.f ? NAN : v.f;
        n += (size_t)(type_is_float(t)
                          ? snprintf(out + n, size - n, "%s%.7g", i ? " " : "", v.f)
                          : snprintf(out + n, size - n, "%s%" PRId64, i ? " " : "", v.i));
    }
    return n;
}

static void prepare(running *r, const array_row *row)
{
    uniform_default defaults[MOST];
    const char *args = row->args, *dims = row->dims;
    for (int32_t i = 0; i < r->g->n_dims; i++) {
        r->dims[i] = strtoll(dims, (char **)&dims, 10);
        dims += *dims == ',';
    }
    const ast_fn *fn = program_find(r->t.program, "f");
    cr_assert(lower_defaults(r->t.program, fn, defaults, r->g->n_uniforms, r->t.ar, &r->t.d));
    for (int32_t i = 0; i < r->g->n_uniforms; i++)
        r->uniform[i] = defaults[i].value;
    for (int32_t i = 0; i < r->g->n_inputs; i++) {
        const graph_input *in = &r->g->inputs[i];
        lay_out(r, &r->in[i], in->shape, in->dtype);
        args = read_input(&r->in[i], in->dtype, args);
        r->in_op[i] = (eval_operand){ r->in[i].data, r->in[i].stride };
    }
    for (int32_t i = 0; i < r->g->n_outputs; i++) {
        node n = r->g->outputs[i].value;
        lay_out(r, &r->out[i], graph_node(r->g, n)->shape, graph_dtype(r->g, n));
        r->out_op[i] = (eval_operand){ r->out[i].data, r->out[i].stride };
    }
}

static void run(running *r, char *out)
{
    eval_plan *plan = eval_prepare(NULL, r->g);
    cr_assert(plan);
    eval_array_call call = { .in = r->in_op,
                             .out = r->out_op,
                             .uniform = r->uniform,
                             .dim = r->dims,
                             .index = 2,
                             .seed = 7,
                             .fuel = 100000 };
    jit_status status = eval_array_run(plan, &call);
    size_t n = 0;
    if (status == JIT_ERR_INDEX)
        (void)snprintf(out, SIZE, "index");
    else if (status == JIT_ERR_FUEL)
        (void)snprintf(out, SIZE, "fuel");
    else if (status != JIT_OK)
        (void)snprintf(out, SIZE, "status %d", (int)status);
    for (int32_t i = 0; status == JIT_OK && i < r->g->n_outputs; i++) {
        n += (size_t)snprintf(out + n, SIZE - n, "%s", i ? "; " : "");
        n += put_output(out + n, SIZE - n, &r->out[i],
                        graph_dtype(r->g, r->g->outputs[i].value));
    }
    eval_free(plan);
}

static const char *run_row(const array_row *row, pipeline_end end)
{
    static char out[SIZE];
    running *r = calloc(1, sizeof *r);
    cr_assert(r);
    out[0] = 0;
    lower_text_make(&r->t, row->program);
    r->g = r->t.program ? lower_text_graph(&r->t, "f", row->types, end) : NULL;
    if (r->g) {
        prepare(r, row);
        run(r, out);
    } else {
        (void)snprintf(out, sizeof out, "E%04d", (int)r->t.err.diagnostic[0].code);
    }
    lower_text_free(&r->t);
    free(r);
    return out;
}

void array_run_check(const array_row *rows, int n)
{
    static const pipeline_end ends[] = { PIPELINE_SSA, PIPELINE_OPT, PIPELINE_FUSE,
                                         PIPELINE_MATH };
    for (int i = 0; i < n; i++)
        for (int k = 0; k < 4; k++) {
            const char *got = run_row(&rows[i], ends[k]);
            cr_expect_str_eq(got, rows[i].expect, "%s\n  on %s, stage %d:\n  %s\n  not %s",
                             rows[i].program, rows[i].args, (int)ends[k], got, rows[i].expect);
        }
}
