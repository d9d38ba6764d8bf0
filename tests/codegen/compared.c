/* See compared.h. */
#include "compared.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "eval.h"

enum { MAX = 2 * JIT_MAX_OPERANDS, GUARD = 256 };

static char message[512];

typedef struct operand {
    jit_dtype t;
    int64_t size, step, row_step;
    char *memory, *before, *at; /* before: what memory was */
    int64_t bytes;
} operand;

typedef struct run {
    const graph *g;
    const linked *l;
    const layout *where;
    random_state *r;
    draw from;
    operand operand[MAX];
    int32_t n_in, n;
    uint64_t cells[64];
    cell uniform[64];
    kernel_call call;
    char *data[MAX];
    int64_t step[MAX], row_step[MAX];
} run;

static const volatile int32_t never = 0;

static bool turned(step_kind k)
{
    return k == STEP_TURNED || k == STEP_UPWARDS;
}

static int64_t step_of(step_kind k, int64_t size, int64_t rows)
{
    switch (k) {
    case STEP_ZERO:
        return 0;
    case STEP_DOUBLE:
        return 2 * size;
    case STEP_BACK:
        return -size;
    case STEP_WIDE:
        return 3 * size + 1;
    case STEP_TURNED:
    case STEP_UPWARDS:
        return (rows + 3) * size;
    default:
        return size;
    }
}

static cell drawn(run *x, jit_dtype t, int32_t input)
{
    return x->from ? x->from(x->r, t, input) : random_cell(x->r, t);
}

static void make_operand(run *x, int32_t i)
{
    operand *o = &x->operand[i];
    bool input = i < x->n_in;
    step_kind k = x->where->step[i];
    if (!input && k == STEP_ZERO)
        k = STEP_NEXT;
    o->t = input ? x->g->inputs[i].dtype : graph_dtype(x->g, x->g->outputs[i - x->n_in].value);
    o->size = type_bits(o->t) / 8;
    o->step = step_of(k, o->size, x->where->rows);
    int64_t reach = llabs(o->step) * x->where->n;
    int64_t apart = turned(k) || (input && k == STEP_ZERO) ? o->size : reach + 8 * o->size;
    o->row_step = k == STEP_UPWARDS ? -apart : apart;
    o->bytes = 2 * GUARD + (apart + 16) * (x->where->rows + 1) + reach;
    o->memory = malloc((size_t)o->bytes);
    o->before = malloc((size_t)o->bytes);
    for (int64_t j = 0; j < o->bytes; j++)
        o->memory[j] = (char)random_bits(x->r);
    o->at = o->memory + GUARD + (k == STEP_SHIFTED ? 1 : 0) + (o->step < 0 ? reach : 0) +
            (k == STEP_UPWARDS ? apart * x->where->rows : 0);
    for (int64_t row = 0; input && row < x->where->rows; row++)
        for (int64_t j = 0; j < x->where->n; j++)
            type_store(o->t, o->at + row * o->row_step + j * o->step, drawn(x, o->t, i));
}

/* The first output takes the place of an input of its type that has every element. */
static void share(run *x)
{
    operand *out = &x->operand[x->n_in];
    for (int32_t i = 0; x->where->in_place && i < x->n_in; i++) {
        operand *in = &x->operand[i];
        if (in->t != out->t || in->step == 0)
            continue;
        free(out->memory);
        out->memory = in->memory;
        out->at = in->at;
        out->bytes = in->bytes;
        out->step = in->step;
        out->row_step = in->row_step;
        free(out->before);
        out->before = malloc((size_t)out->bytes);
        return;
    }
}

static void make_uniforms(run *x)
{
    for (int32_t i = 0; i < x->g->n_uniforms && i < 64; i++) {
        jit_dtype t = x->g->uniforms[i].dtype;
        cell v = drawn(x, t, -1);
        x->uniform[i] = v;
        x->cells[i] = type_encode(type_is_float(t) ? JIT_F64 : t, v);
    }
}

static void make_call(run *x)
{
    for (int32_t i = 0; i < x->n; i++) {
        x->data[i] = x->operand[i].at;
        x->step[i] = x->operand[i].step;
        x->row_step[i] = x->operand[i].row_step;
        memcpy(x->operand[i].before, x->operand[i].memory, (size_t)x->operand[i].bytes);
    }
    x->call = (kernel_call){ .n = x->where->n,
                             .rows = x->where->rows,
                             .data = x->data,
                             .step = x->step,
                             .row_step = x->row_step,
                             .uniform = x->cells,
                             .index = 1000,
                             .index_step = 3,
                             .index_row_step = 7919,
                             .seed = 42,
                             .fuel = x->where->fuel ? x->where->fuel : INT64_MAX,
                             .cancel = &never,
                             .streaming = x->where->streaming };
}

/* -------------------------------------------------------------------------- checks */

static cell element(const operand *o, const char *memory, int64_t row, int64_t i)
{
    return type_load(o->t, memory + (o->at - o->memory) + row * o->row_step + i * o->step);
}

static bool check_element(run *x, const eval_plan *p, void *scratch, int64_t row, int64_t i,
                          uint32_t *flags)
{
    cell in[MAX], out[MAX];
    for (int32_t k = 0; k < x->n_in; k++)
        in[k] = element(&x->operand[k], x->operand[k].before, row, i);
    eval_call c = { .in = in,
                    .uniform = x->uniform,
                    .out = out,
                    .index = 1000 + (uint64_t)(3 * i + 7919 * row),
                    .seed = 42,
                    .fuel = -1 };
    (void)eval_run(p, &c, scratch);
    *flags |= c.flags;
    for (int32_t k = x->n_in; k < x->n; k++) {
        cell got = element(&x->operand[k], x->operand[k].memory, row, i);
        cell want = out[k - x->n_in];
        if (same_cell(x->operand[k].t, got, want))
            continue;
        snprintf(message, sizeof message,
                 "output %d, row %lld, element %lld: %a (%llx), not %a (%llx); first input %a "
                 "(%llx)",
                 (int)(k - x->n_in), (long long)row, (long long)i, got.f,
                 (unsigned long long)got.u, want.f, (unsigned long long)want.u,
                 x->n_in ? in[0].f : 0.0, x->n_in ? (unsigned long long)in[0].u : 0ULL);
        return false;
    }
    return true;
}

/* Forgets the elements themselves, then the rest must be as it was. */
static bool check_untouched(run *x, int32_t k)
{
    operand *o = &x->operand[k];
    for (int64_t row = 0; row < x->where->rows; row++)
        for (int64_t i = 0; i < x->where->n; i++) {
            int64_t at = (o->at - o->memory) + row * o->row_step + i * o->step;
            memcpy(o->before + at, o->memory + at, (size_t)o->size);
        }
    if (memcmp(o->before, o->memory, (size_t)o->bytes) == 0)
        return true;
    snprintf(message, sizeof message, "output %d: bytes between elements were written",
             (int)(k - x->n_in));
    return false;
}

static bool check(run *x, uint32_t flags)
{
    eval_plan *p = eval_prepare(NULL, x->g);
    void *scratch = aligned_alloc(16, (eval_scratch(p) + 31) / 16 * 16);
    uint32_t want = 0;
    bool ok = true;
    for (int64_t row = 0; ok && row < x->where->rows; row++)
        for (int64_t i = 0; ok && i < x->where->n; i++)
            ok = check_element(x, p, scratch, row, i, &want);
    if (ok && flags != want) {
        snprintf(message, sizeof message, "flags %x, not %x", flags, want);
        ok = false;
    }
    for (int32_t k = x->n_in; ok && k < x->n; k++)
        ok = check_untouched(x, k);
    free(scratch);
    eval_free(p);
    return ok;
}

static void drop(run *x)
{
    for (int32_t i = 0; i < x->n; i++) {
        bool shared = i == x->n_in && x->n_in > 0;
        for (int32_t k = 0; shared && k < x->n_in; k++)
            if (x->operand[k].memory == x->operand[i].memory)
                x->operand[i].memory = NULL;
        free(x->operand[i].memory);
        free(x->operand[i].before);
    }
}

const char *compared(const graph *g, const linked *l, const layout *where, random_state *r,
                     draw from)
{
    run *x = calloc(1, sizeof *x);
    *x = (run){ .g = g, .l = l, .where = where, .r = r, .from = from, .n_in = g->n_inputs };
    x->n = g->n_inputs + g->n_outputs;
    for (int32_t i = 0; i < x->n; i++)
        make_operand(x, i);
    share(x);
    make_uniforms(x);
    make_call(x);
    uint32_t flags = block_run(&l->object.shape, l->block, &x->call);
    bool ok = check(x, flags);
    drop(x);
    free(x);
    return ok ? NULL : message;
}

bool runs_here(const target *t)
{
    target native;
    diag d;
    diag_init(&d, NULL, NULL);
    return target_init(&native, NULL, &d) && native.vector_bytes >= t->vector_bytes;
}
