/* Every row of ops.def that the code generator emits, on special and random values, for every
 * type it takes, every level the machine runs and every number of lanes: bit for bit with
 * op_eval. Rows of one type are compiled together as results of one kernel. */
#include <criterion/criterion.h>
#include <stdio.h>
#include <string.h>

#include "compared.h"
#include "verify.h"

enum { RESULTS = 6, ELEMENTS = 1500 };

typedef struct kernel_case {
    jit_dtype in[3];
    int32_t n_in;
    op ops[RESULTS];
    jit_dtype to[RESULTS]; /* of casts; else JIT_NONE */
    int32_t n;
} kernel_case;

/* Specials against specials come up often enough with half of all values special. */
static cell mostly_special(random_state *r, jit_dtype t, int32_t input)
{
    (void)input;
    int32_t n;
    const cell *s = special_cells(t, &n);
    return random_below(r, 3) ? s[random_below(r, n)] : random_cell(r, t);
}

static bool is_emitted(op o, jit_dtype t)
{
    const op_row *row = op_info(o);
    if (row->rule == RULE_LEAF || row->rule == RULE_LOOKUP || o == OP_none || o == OP_mad ||
        o == OP_fused || o == OP_scaling)
        return false; /* lookup: test_lookup.c */
    return !(row->flags & OP_EXPAND) || (row->rule == RULE_NUMERIC && type_is_integer(t));
}

/* Types of the operands of `o` on t; JIT_NONE result: it does not take t. */
static jit_dtype operand_types(op o, jit_dtype t, jit_dtype *in)
{
    op_rule rule = op_info(o)->rule;
    in[0] = rule == RULE_SELECT ? JIT_BOOL : t;
    in[1] = rule == RULE_SCALE ? JIT_I32 : t;
    in[2] = t;
    if (rule == RULE_CAST || (rule == RULE_FLOAT && !type_is_float(t)))
        return JIT_NONE;
    return op_type(o, in);
}

static graph *build(arena *ar, diag *d, const kernel_case *k)
{
    graph *g = graph_new(ar, d, "row", 1000);
    g->inputs = arena_alloc(ar, 3 * sizeof *g->inputs);
    g->outputs = arena_alloc(ar, RESULTS * sizeof *g->outputs);
    node in[3];
    for (int32_t i = 0; i < k->n_in; i++)
        g->inputs[i] = (graph_input){ .name = "x", .dtype = k->in[i] };
    g->n_inputs = k->n_in;
    for (int32_t i = 0; i < k->n_in; i++)
        in[i] = graph_arg(g, i);
    for (int32_t i = 0; i < k->n; i++) {
        node v = k->to[i] == JIT_NONE      ? graph_apply(g, k->ops[i], in, (span){ 0 })
                 : k->ops[i] == OP_bitcast ? graph_bitcast(g, k->to[i], in[0], (span){ 0 })
                                           : graph_cast(g, k->to[i], in[0], (span){ 0 });
        g->outputs[g->n_outputs++] = (graph_output){ v, NULL };
    }
    cr_assert(!g->failed && !verify_graph(ar, g));
    return g;
}

static const char *text_of(const kernel_case *k)
{
    static char text[256];
    int at = snprintf(text, sizeof text, "%s:", type_name(k->in[k->n_in - 1]));
    for (int32_t i = 0; i < k->n; i++)
        at += snprintf(text + at, sizeof text - (size_t)at, " %s", op_info(k->ops[i])->name);
    return text;
}

static void run_case(const kernel_case *k, const target *t, int32_t lanes, uint64_t seed)
{
    jit_error err;
    diag d;
    diag_init(&d, &err, NULL);
    arena *ar = arena_new(NULL, 0);
    graph *g = build(ar, &d, k);
    codegen_options o = { .target = t, .vector_lanes = lanes };
    linked l;
    random_state r = { seed };
    layout where = { .n = ELEMENTS, .rows = 1 };
    bool ok = linked_make(&l, g, &o, &d);
    cr_assert(ok, "%s %d lanes, %s: %s", t->cpu, (int)lanes, text_of(k),
              err.diagnostic[0].message);
    const char *wrong = runs_here(t) ? compared(g, &l, &where, &r, mostly_special) : NULL;
    cr_assert_null(wrong, "%s, %d lanes, %s: %s", t->cpu, (int)l.object.vector_lanes,
                   text_of(k), wrong);
    linked_free(&l);
    arena_free(ar);
}

static void flush(kernel_case *k, const target *t, int32_t lanes)
{
    if (k->n > 0)
        run_case(k, t, lanes, 1 + (uint64_t)k->ops[0] * 1000 + k->in[0]);
    k->n = 0;
}

static bool same_operands(const kernel_case *k, const jit_dtype *in, int32_t n)
{
    bool same = k->n_in == n;
    for (int32_t i = 0; i < n; i++)
        same = same && k->in[i] == in[i];
    return same;
}

/* Operators that set flags are alone, so that each is seen to set its own. */
static void add(kernel_case *k, op o, const jit_dtype *in, jit_dtype to, const target *t,
                int32_t lanes)
{
    int32_t n = op_info(o)->arity;
    jit_dtype out = to == JIT_NONE ? op_type(o, in) : to;
    bool flags = op_sets_flags(o, in[0], out);
    if (k->n == RESULTS || !same_operands(k, in, n) || flags)
        flush(k, t, lanes);
    for (int32_t i = 0; i < n; i++)
        k->in[i] = in[i];
    k->n_in = n;
    k->ops[k->n] = o;
    k->to[k->n++] = to;
    if (flags)
        flush(k, t, lanes);
}

static void all_rows(jit_dtype type, const target *t, int32_t lanes)
{
    kernel_case k = { .n = 0 };
    for (int32_t arity = 1; arity <= 3; arity++)
        for (int o = OP_none + 1; o < OP_COUNT; o++) {
            jit_dtype in[3];
            if (op_info((op)o)->arity == arity && is_emitted((op)o, type) &&
                operand_types((op)o, type, in) != JIT_NONE)
                add(&k, (op)o, in, JIT_NONE, t, lanes);
        }
    flush(&k, t, lanes);
}

static void all_casts(jit_dtype from, const target *t, int32_t lanes)
{
    kernel_case k = { .n = 0 };
    for (int o = OP_cast; o <= OP_bitcast; o++)
        for (int to = JIT_BOOL; to <= JIT_F64; to++)
            if ((jit_dtype)to != from && op_casts((op)o, from, (jit_dtype)to))
                add(&k, (op)o, &from, (jit_dtype)to, t, lanes);
    flush(&k, t, lanes);
}

static void all_types_for(const target *t, int32_t lanes)
{
    for (int type = JIT_BOOL; type <= JIT_F64; type++) {
        all_rows((jit_dtype)type, t, lanes);
        all_casts((jit_dtype)type, t, lanes);
    }
}

static void all_types(const char *cpu, int32_t lanes)
{
    target t;
    diag d;
    diag_init(&d, NULL, NULL);
    cr_assert(target_init(&t, cpu, &d));
    all_types_for(&t, lanes);
}

Test(operators, same_bits_at_every_level)
{
    int32_t n;
    const char *const *levels = target_levels(&n);
    for (int32_t i = 0; i < n; i++)
        all_types(levels[i], 0);
}

Test(operators, same_bits_with_any_number_of_lanes)
{
    for (int32_t lanes = 1; lanes <= 16; lanes *= 2)
        all_types("native", lanes);
}

/* Machines without AVX-512 at least see that its code is made. */
Test(operators, compile_for_avx512_anywhere)
{
    target t;
    diag d;
    diag_init(&d, NULL, NULL);
    if (!target_avx512(&t, &d))
        return;
    for (int32_t lanes = 4; lanes <= 16; lanes *= 2)
        all_types_for(&t, lanes);
}
