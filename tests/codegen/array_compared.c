/* See array_compared.h. */
#include "array_compared.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "eval.h"
#include "fenced.h"
#include "panel.h"
#include "workspace.h"

enum { MAX = ARRAY_ANSWER_MOST, GUARD = 192, MAX_STEPS = 64, MAX_CUTS = 5, MAX_WORKERS = 4 };

static char message[512];

typedef struct operand {
    jit_dtype t;
    int32_t rank;
    int64_t extent[GRAPH_MAX_RANK], stride[GRAPH_MAX_RANK];
    int64_t bytes, step, all;
    fenced fence;
    char *memory, *before, *at;
    fenced panels; /* what compiled code is given of a constant */
} operand;

typedef struct run {
    const graph *g;
    const linked *l;
    const array_layout *where;
    random_state *r;
    draw from;
    arena *ar;
    operand operand[MAX];
    int32_t n;
    uint64_t cells[64];
    cell uniform[64];
    uint32_t flags; /* wanted */
    bool outside;   /* wanted: a subscript out of range */
    eval_fault fault;
} run;

static const volatile int32_t never = 0;

static cell drawn(run *x, jit_dtype t, int32_t input)
{
    return x->from ? x->from(x->r, t, input) : random_cell(x->r, t);
}

static graph_known known_of(const run *x)
{
    return (graph_known){ x->where->dim, x->uniform };
}

static bool shape_operand(run *x, operand *o, int32_t shape)
{
    const graph_shape *s = &x->g->shapes[shape];
    graph_known known = known_of(x);
    o->rank = s->rank;
    o->bytes = type_bits(o->t) / 8;
    for (int32_t d = s->rank - 1; d >= 0; d--) {
        if (!graph_value(x->g, s->extent[d], &known, x->ar, &o->extent[d]))
            return false;
        o->stride[d] = o->bytes;
        o->bytes *= o->extent[d] > 0 ? o->extent[d] : 0;
    }
    return true;
}

/* Between bytes that are looked at afterwards (0), before a fence (1) or after one. */
static void place_operand(operand *o, const array_layout *where, int32_t how)
{
    int64_t n = where->rows > 0 ? where->rows : 1;
    int64_t back = o->step < 0 ? (n - 1) * -o->step : 0;
    int64_t used = o->bytes + (n - 1) * (o->step < 0 ? -o->step : o->step);
    int64_t front = how == 2 ? 0 : GUARD + where->shift;
    o->all = front + used + (how == 1 ? 0 : GUARD);
    o->fence = fenced_alloc((size_t)o->all, how == 2);
    o->memory = o->fence.at;
    o->at = o->memory + front + back;
}

static bool make_operand(run *x, int32_t i)
{
    operand *o = &x->operand[i];
    bool input = i < x->g->n_inputs;
    node out = input ? 0 : x->g->outputs[i - x->g->n_inputs].value;
    o->t = input ? x->g->inputs[i].dtype : graph_dtype(x->g, out);
    if (!shape_operand(x, o, input ? x->g->inputs[i].shape : graph_node(x->g, out)->shape))
        return false;
    bool shared = input && (x->g->inputs[i].shared || (x->where->spread && i % 2));
    o->step = shared ? 0 : x->where->spread ? o->bytes + 24 : o->bytes;
    o->step = x->where->backward ? -o->step : o->step;
    place_operand(o, x->where, (x->where->shift + i) % 3);
    o->before = malloc((size_t)o->all);
    for (int64_t j = 0; j < o->all; j++)
        o->memory[j] = (char)random_bits(x->r);
    int64_t size = type_bits(o->t) / 8;
    for (int64_t row = 0; input && row < (shared ? 1 : x->where->rows); row++)
        for (int64_t j = 0; j < o->bytes; j += size)
            type_store(o->t, o->at + row * o->step + j, drawn(x, o->t, i));
    memcpy(o->before, o->memory, (size_t)o->all);
    return true;
}

/* As the runtime does for code that asks for it, or where it can be done: now and then. */
static bool pack_operand(run *x, int32_t i)
{
    operand *o = &x->operand[i];
    int32_t width = i < x->l->object.n_panels ? x->l->object.panel[i] : 0;
    bool choice = width < 0, same = o->step == 0 || x->where->rows == 1;
    size_t bytes;
    if (width == 0 || (choice && (!same || random_below(x->r, 2))))
        return true;
    panel_shape s = { .rows = o->extent[0],
                      .columns = o->extent[1],
                      .width = choice ? -width : width,
                      .size = type_bits(o->t) / 8,
                      .paired = !choice && o->t == JIT_BF16 };
    if (x->g->inputs[i].constant == choice || o->rank != 2 || !panel_bytes(&s, &bytes))
        return false;
    o->panels = fenced_alloc((bytes + PANEL_ALIGN - 1) / PANEL_ALIGN * PANEL_ALIGN, false);
    panel_pack(&s, o->panels.at, o->at);
    return true;
}

static void make_uniforms(run *x)
{
    for (int32_t i = 0; i < x->g->n_uniforms && i < 64; i++) {
        jit_dtype t = x->g->uniforms[i].dtype;
        x->uniform[i] = drawn(x, t, -1);
        x->cells[i] = type_encode(type_is_float(t) ? JIT_F64 : t, x->uniform[i]);
    }
}

/* What the interpreter makes, in place of `before`. */
static jit_status interpret(run *x, const eval_plan *p, int64_t row)
{
    eval_operand in[MAX], *out = in + x->g->n_inputs;
    for (int32_t i = 0; i < x->n; i++)
        in[i] =
            (eval_operand){ x->operand[i].before + (x->operand[i].at - x->operand[i].memory) +
                                row * x->operand[i].step,
                            x->operand[i].stride };
    eval_array_call c = { .in = in,
                          .out = out,
                          .uniform = x->uniform,
                          .dim = x->where->dim,
                          .index = 1000 + (uint64_t)(3 * row),
                          .seed = 42,
                          .fuel = x->where->fuel ? x->where->fuel : -1 };
    jit_status s = eval_array_run(p, &c);
    x->flags |= c.flags;
    x->fault = c.fault;
    return s;
}

static bool all_equal(run *x)
{
    for (int32_t k = x->g->n_inputs; k < x->n; k++) {
        operand *o = &x->operand[k];
        int64_t size = type_bits(o->t) / 8;
        for (int64_t row = 0; row < x->where->rows; row++)
            for (int64_t j = 0; j < o->bytes; j += size) {
                int64_t at = o->at - o->memory + row * o->step + j;
                cell got = type_load(o->t, o->memory + at),
                     want = type_load(o->t, o->before + at);
                if (!same_cell(o->t, got, want)) {
                    snprintf(message, sizeof message,
                             "output %d, row %lld, element %lld: %a (%llx), not %a (%llx)",
                             (int)(k - x->g->n_inputs), (long long)row, (long long)(j / size),
                             got.f, (unsigned long long)got.u, want.f,
                             (unsigned long long)want.u);
                    return false;
                }
                memcpy(o->before + at, o->memory + at, (size_t)size);
            }
    }
    for (int32_t k = 0; k < x->n; k++)
        if (memcmp(x->operand[k].before, x->operand[k].memory, (size_t)x->operand[k].all) !=
            0) {
            snprintf(message, sizeof message, "operand %d: bytes beside it were written",
                     (int)k);
            return false;
        }
    return true;
}

static bool same_fault(const run *x, const kernel_fault *f)
{
    if (f->site == x->fault.site && f->value == x->fault.value && f->extent == x->fault.extent)
        return true;
    snprintf(message, sizeof message, "site %lld, %lld of %lld, not site %d, %lld of %lld",
             (long long)f->site, (long long)f->value, (long long)f->extent, (int)x->fault.site,
             (long long)x->fault.value, (long long)x->fault.extent);
    return false;
}

static jit_status interpret_all(run *x)
{
    eval_plan *p = eval_prepare(NULL, x->g);
    jit_status s = JIT_OK;
    for (int64_t row = 0; s == JIT_OK && row < x->where->rows; row++)
        s = interpret(x, p, row);
    eval_free(p);
    return s;
}

void array_answer_free(array_answer *a)
{
    for (int32_t i = 0; i < a->n; i++)
        free(a->image[i]);
    *a = (array_answer){ 0 };
}

/* Whether the inputs are those that it was made of. */
static bool answers(const array_answer *a, const run *x)
{
    bool same = a->n == x->n;
    for (int32_t i = 0; same && i < x->n; i++)
        same = a->bytes[i] == x->operand[i].all &&
               (i >= x->g->n_inputs ||
                memcmp(a->image[i], x->operand[i].before, (size_t)a->bytes[i]) == 0);
    return same;
}

static void keep_answer(array_answer *a, const run *x, jit_status s)
{
    array_answer_free(a);
    *a = (array_answer){ .n = x->n, .status = s, .flags = x->flags, .fault = x->fault };
    for (int32_t i = 0; i < x->n; i++) {
        a->bytes[i] = x->operand[i].all;
        a->image[i] = malloc((size_t)a->bytes[i]);
        memcpy(a->image[i], x->operand[i].before, (size_t)a->bytes[i]);
    }
}

static jit_status take_answer(const array_answer *a, run *x)
{
    for (int32_t i = x->g->n_inputs; i < x->n; i++)
        memcpy(x->operand[i].before, a->image[i], (size_t)a->bytes[i]);
    x->flags = a->flags;
    x->fault = a->fault;
    return a->status;
}

/* What the graph makes, in place of `before`. */
static jit_status answer(run *x)
{
    array_answer *a = x->where->answer;
    if (a && answers(a, x))
        return take_answer(a, x);
    jit_status s = interpret_all(x);
    if (a)
        keep_answer(a, x, s);
    return s;
}

static bool check(run *x, uint32_t result, const kernel_fault *fault)
{
    jit_status s = answer(x);
    uint32_t want = s == JIT_OK          ? x->flags
                    : s == JIT_ERR_INDEX ? (uint32_t)KERNEL_OUT_OF_RANGE
                    : s == JIT_ERR_FUEL  ? (uint32_t)KERNEL_OUT_OF_FUEL
                                         : ~0u;
    uint32_t stops = KERNEL_OUT_OF_RANGE | KERNEL_OUT_OF_FUEL;
    if ((want & stops) ? (result & stops) != (want & stops) : result != want) {
        snprintf(message, sizeof message, "result %x, not %x (status %d)", result, want,
                 (int)s);
        return false;
    }
    if (s == JIT_ERR_INDEX && x->where->first_fault)
        return same_fault(x, fault);
    return s != JIT_OK || all_equal(x);
}

static int64_t products_asked;

int64_t array_products_asked(void)
{
    return products_asked;
}

/* Every third is left to the code. */
static int32_t do_product(const array_product *p, const void *context)
{
    jit_dtype t = (jit_dtype)p->dtype;
    int64_t size = type_bits(t) / 8;
    if (context != &products_asked || ++products_asked % 3 == 0)
        return 0;
    for (int64_t i = 0; i < p->rows; i++)
        for (int64_t j = 0; j < p->columns; j++) {
            cell sum = { .f = 0 };
            for (int64_t k = 0; k < p->depth; k++) {
                uint32_t flags = 0;
                cell in[3] = { type_load(t, p->a + i * p->a_step + k * size),
                               type_load(t, p->b + k * p->b_step + j * size), sum };
                sum = op_eval(OP_mad, t, t, in, &flags);
            }
            type_store(t, p->c + i * p->c_step + j * size, sum);
        }
    return 1;
}

/* Samples from `first` on. */
typedef struct samples {
    char *data[MAX];
    int64_t step[MAX];
    uint8_t panels[MAX];
    array_call c;
} samples;

static void make_call(const run *x, samples *s, int64_t first, int64_t rows)
{
    for (int32_t i = 0; i < x->n; i++) {
        const operand *o = &x->operand[i];
        s->panels[i] = o->panels.at != NULL;
        s->step[i] = o->step;
        s->data[i] = o->panels.at ? o->panels.at : o->at + first * o->step;
    }
    s->c = (array_call){ .rows = rows,
                         .data = s->data,
                         .row_step = s->step,
                         .dim = x->where->dim,
                         .panels = s->panels,
                         .uniform = x->cells,
                         .index = 1000 + 3 * (uint64_t)first,
                         .index_step = 3,
                         .seed = 42,
                         .fuel = x->where->fuel ? x->where->fuel : INT64_MAX,
                         .cancel = &never,
                         .product = do_product,
                         .product_context = &products_asked };
}

static uint32_t enter(const run *x, samples *s, const array_part *part)
{
    array_entry entry;
    memcpy(&entry, &x->l->block, sizeof entry);
    s->c.part = part;
    return entry(&s->c);
}

static const array_part whole = { .count = INT64_MAX, .to = { INT64_MAX, INT64_MAX } };

static uint32_t run_step(const run *x, samples *s, int64_t number, random_state *r)
{
    array_step steps[MAX_STEPS];
    array_part part = { .plan = steps };
    int64_t cut[2][MAX_CUTS + 1], n[2];
    for (int32_t i = 0; i < MAX_STEPS; i++)
        steps[i] = (array_step){ .units = { 1, 1 } };
    uint32_t flags = enter(x, s, &part);
    part = (array_part){ .first = number, .count = 1 };
    for (int32_t d = 0; d < 2; d++) {
        int64_t units = steps[number].units[d];
        n[d] = 1 + random_below(r, units < MAX_CUTS ? (int32_t)units : MAX_CUTS);
        for (int64_t i = 0; i < n[d]; i++)
            cut[d][i] = units * i / n[d] * steps[number].unit[d];
        cut[d][n[d]] = INT64_MAX;
    }
    int64_t all = n[0] * n[1], start = random_below(r, (int32_t)all);
    for (int64_t i = 0; i < all; i++) { /* in any order, by anybody */
        int64_t at = (i + start) % all;
        for (int32_t d = 0; d < 2; d++) {
            int64_t k = d ? at / n[0] : at % n[0];
            part.from[d] = cut[d][k];
            part.to[d] = cut[d][k + 1];
        }
        part.worker = random_below(r, MAX_WORKERS);
        flags |= enter(x, s, &part);
    }
    return flags;
}

/* As threads do: what fails is run again in one piece. */
static uint32_t run_in_parts(const run *x, char *workspace, kernel_fault *fault)
{
    random_state r = *x->r;
    int64_t group = x->l->object.group, rows = x->where->rows;
    uint32_t flags = 0;
    samples s;
    for (int64_t first = 0; first < rows; first += group) {
        make_call(x, &s, first, rows - first < group ? rows - first : group);
        s.c.workspace = workspace;
        s.c.fault = fault;
        for (int32_t i = 0; i < x->l->object.n_steps; i++)
            flags |= run_step(x, &s, i, &r);
    }
    return flags;
}

static uint32_t call(const run *x, char *workspace, kernel_fault *fault)
{
    random_state r = *x->r;
    samples s;
    uint32_t flags = 0;
    bool parts = x->l->object.n_steps > 0 && x->l->object.n_steps <= MAX_STEPS;
    if (parts && random_below(&r, 4) > 0)
        flags = run_in_parts(x, workspace, fault);
    else
        parts = false;
    if (parts && flags < KERNEL_OUT_OF_FUEL)
        return flags;
    make_call(x, &s, 0, x->where->rows);
    s.c.workspace = workspace;
    s.c.fault = fault;
    return enter(x, &s, &whole);
}

/* What the runtime asks before a call. */
static bool may_run(run *x)
{
    graph_known known = known_of(x);
    for (int32_t i = 0; i < x->g->n_checks; i++) {
        const graph_check *c = &x->g->checks[i];
        int64_t value, extent, when;
        if (!graph_value(x->g, c->value, &known, x->ar, &value) ||
            !graph_value(x->g, c->extent, &known, x->ar, &extent) ||
            !graph_value(x->g, c->when, &known, x->ar, &when) ||
            (when && (value < 0 || value >= extent)))
            return false;
    }
    return true;
}

static bool run_all(run *x)
{
    int64_t bytes = 0, own = 0;
    graph_known known = known_of(x);
    make_uniforms(x);
    if (!may_run(x))
        return true;
    for (int32_t i = 0; i < 2 * x->n; i++) /* all before what depends on the code */
        if (!(i < x->n ? make_operand(x, i) : pack_operand(x, i - x->n))) {
            snprintf(message, sizeof message, "operand %d has no shape", (int)(i % x->n));
            return false;
        }
    workspace_plan plan;
    if (!workspace_make(&plan, &x->l->object, x->g, x->ar) ||
        !workspace_bytes(&plan, &known, x->where->rows, &bytes) ||
        !workspace_own_bytes(&plan, &known, &own)) {
        snprintf(message, sizeof message, "the workspace has no size");
        return false;
    }
    bytes += (MAX_WORKERS - 1) * own;
    bytes = (bytes + 63) / 64 * 64;
    fenced workspace = fenced_alloc((size_t)bytes, false);
    memset(workspace.at, 0xa5, (size_t)bytes);
    kernel_fault fault = { 0 };
    uint32_t result = call(x, workspace.at, &fault);
    bool ok = check(x, result, &fault);
    fenced_free(&workspace);
    return ok;
}

const char *array_compared(const graph *g, const linked *l, const array_layout *where,
                           random_state *r, draw from)
{
    run *x = calloc(1, sizeof *x);
    *x =
        (run){ .g = g, .l = l, .where = where, .r = r, .from = from, .ar = arena_new(NULL, 0) };
    x->n = g->n_inputs + g->n_outputs;
    bool ok = run_all(x);
    for (int32_t i = 0; i < x->n; i++) {
        fenced_free(&x->operand[i].fence);
        free(x->operand[i].before);
        fenced_free(&x->operand[i].panels);
    }
    arena_free(x->ar);
    free(x);
    return ok ? NULL : message;
}
