/* Interpreting one function on real numbers. */
#include "real_run.h"

#include <criterion/criterion.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

static size_t bytes_of(jit_dtype t)
{
    return (size_t)type_bits(t) / 8;
}

/* Rows of C order; the elements that were laid out before it are `first`. */
static int32_t lay_out(real_run *r, real_operand *o, int32_t shape, int32_t first)
{
    const graph_shape *s = &r->g->shapes[shape];
    graph_known known = { r->dim, r->uniform };
    o->first = first;
    o->n = 1;
    for (int32_t k = s->rank - 1; k >= 0; k--) {
        int64_t extent = 0;
        cr_assert(graph_value(r->g, s->extent[k], &known, r->t->ar, &extent));
        o->stride[k] = o->n * (int64_t)bytes_of(o->dtype);
        o->n *= (int32_t)extent;
    }
    cr_assert_leq(o->n, REAL_ELEMENTS);
    return first + o->n;
}

static void find_uniforms(real_run *r, const char *fn)
{
    uniform_default defaults[REAL_OPERANDS];
    const ast_fn *f = program_find(r->t->program, fn);
    cr_assert_leq(r->g->n_uniforms, REAL_OPERANDS);
    cr_assert(lower_defaults(r->t->program, f, defaults, r->g->n_uniforms, r->t->ar, &r->t->d));
    for (int32_t i = 0; i < r->g->n_uniforms; i++)
        r->uniform[i] = defaults[i].value;
}

real_run *real_run_make(lower_text *t, const char *fn, const char *types, int64_t dim,
                        pipeline_end end)
{
    real_run *r = calloc(1, sizeof *r);
    cr_assert(r);
    r->t = t;
    r->g = lower_text_graph(t, fn, types, end);
    cr_assert(r->g, "%s\n%s", t->src.text, t->err.diagnostic[0].message);
    cr_assert(r->g->n_inputs <= REAL_OPERANDS && r->g->n_outputs <= REAL_OPERANDS);
    for (int32_t i = 0; i < REAL_OPERANDS; i++)
        r->dim[i] = dim;
    find_uniforms(r, fn);
    for (int32_t i = 0; i < r->g->n_inputs; i++) {
        r->in[i].dtype = r->g->inputs[i].dtype;
        r->n_in = lay_out(r, &r->in[i], r->g->inputs[i].shape, r->n_in);
    }
    for (int32_t i = 0; i < r->g->n_outputs; i++) {
        node n = r->g->outputs[i].value;
        r->out[i].dtype = graph_dtype(r->g, n);
        r->n_out = lay_out(r, &r->out[i], graph_node(r->g, n)->shape, r->n_out);
    }
    cr_assert(r->n_in <= REAL_ELEMENTS && r->n_out <= REAL_ELEMENTS);
    r->plan = eval_prepare(NULL, r->g);
    cr_assert(r->plan);
    return r;
}

void real_run_free(real_run *r)
{
    eval_free(r->plan);
    free(r);
}

static void store(real_operand *o, const double *in)
{
    for (int32_t i = 0; i < o->n; i++) {
        cell v = { .f = in[o->first + i] };
        if (!type_is_float(o->dtype))
            v.i = (int64_t)in[o->first + i];
        uint64_t bits = type_encode(o->dtype, type_round(o->dtype, v));
        memcpy(o->data + (size_t)i * bytes_of(o->dtype), &bits, bytes_of(o->dtype));
    }
}

static void load(const real_operand *o, double *out)
{
    for (int32_t i = 0; i < o->n; i++) {
        uint64_t bits = 0;
        memcpy(&bits, o->data + (size_t)i * bytes_of(o->dtype), bytes_of(o->dtype));
        cell v = type_decode(o->dtype, bits);
        out[o->first + i] = type_is_float(o->dtype) ? v.f : (double)v.i;
    }
}

void real_run_call(real_run *r, const double *in, double *out)
{
    eval_operand in_op[REAL_OPERANDS], out_op[REAL_OPERANDS];
    for (int32_t i = 0; i < r->g->n_inputs; i++) {
        store(&r->in[i], in);
        in_op[i] = (eval_operand){ r->in[i].data, r->in[i].stride };
    }
    for (int32_t i = 0; i < r->g->n_outputs; i++)
        out_op[i] = (eval_operand){ r->out[i].data, r->out[i].stride };
    eval_array_call call = { .in = in_op,
                             .out = out_op,
                             .uniform = r->uniform,
                             .dim = r->dim,
                             .seed = 7,
                             .fuel = 1000000 };
    jit_status status = eval_array_run(r->plan, &call);
    cr_assert_eq(status, JIT_OK, "status %d of\n%s", (int)status, r->t->src.text);
    for (int32_t i = 0; i < r->g->n_outputs; i++)
        load(&r->out[i], out);
}

static double moved(real_run *r, double *at, int32_t i, double by)
{
    static double out[REAL_ELEMENTS];
    double was = at[i];
    at[i] = was + by;
    real_run_call(r, at, out);
    at[i] = was;
    return out[0];
}

double real_run_slope(real_run *r, double *at, int32_t i)
{
    double h = ldexp(fmax(fabs(at[i]), 0.25), -10);
    h = (at[i] + h) - at[i];
    double near = moved(r, at, i, h) - moved(r, at, i, -h);
    double far = moved(r, at, i, 2 * h) - moved(r, at, i, -2 * h);
    return (8 * near - far) / (12 * h);
}
