/* Targets, limits, texts: what is around the machine code. */
#include <criterion/criterion.h>
#include <string.h>

#include "compared.h"
#include "print.h"

typedef struct session {
    jit_error err;
    diag d;
    arena *ar;
    target t;
} session;

static void open_session(session *s, const char *cpu)
{
    diag_init(&s->d, &s->err, NULL);
    s->ar = arena_new(NULL, 0);
    cr_assert(target_init(&s->t, cpu, &s->d));
}

/* -------------------------------------------------------------------------- targets */

Test(target, names_are_checked)
{
    static const char *const bad[] = {
        "", "pentium", "x86-64-v5", "znver4 ", "+avx512f", NULL
    };
    for (const char *const *name = bad; *name; name++) {
        jit_error err;
        diag d;
        diag_init(&d, &err, NULL);
        target t;
        cr_assert_not(target_init(&t, *name, &d), "'%s' was taken", *name);
        cr_assert_eq(err.diagnostic[0].code, DIAG_unknown_cpu);
    }
}

Test(target, levels_rise_and_native_is_the_highest)
{
    int32_t n, bytes = 0;
    const char *const *levels = target_levels(&n);
    jit_error err;
    diag d;
    diag_init(&d, &err, NULL);
    target t, native;
    cr_assert(target_init(&native, "native", &d));
    for (int32_t i = 0; i < n; i++) {
        cr_assert(target_init(&t, levels[i], &d));
        cr_assert_geq(t.vector_bytes, bytes);
        bytes = t.vector_bytes;
    }
    cr_assert_eq(native.vector_bytes, bytes);
    cr_assert(native.l1_bytes > 0 && native.l2_bytes > 0 && native.llc_bytes > 0);
    if (n < 4 && strncmp(native.triple, "x86_64", 6) == 0) {
        cr_assert_not(target_init(&t, "x86-64-v4", &d));
        cr_assert_eq(err.diagnostic[0].code, DIAG_unsupported_cpu);
    }
}

/* -------------------------------------------------------------------------- limits */

static graph *arguments(session *s, int32_t n)
{
    graph *g = graph_new(s->ar, &s->d, "large", 1000000);
    g->inputs = arena_alloc(s->ar, (size_t)n * sizeof *g->inputs);
    for (int32_t i = 0; i < n; i++)
        g->inputs[i] = (graph_input){ .name = "x", .dtype = JIT_F32 };
    g->n_inputs = n;
    return g;
}

static void give(session *s, graph *g, node value)
{
    g->outputs = arena_alloc(s->ar, sizeof *g->outputs);
    g->outputs[0] = (graph_output){ value, NULL };
    g->n_outputs = 1;
}

static graph *chain(session *s, int32_t n)
{
    graph *g = arguments(s, 1);
    node x = graph_arg(g, 0), v = x;
    for (int32_t i = 0; i < n; i++)
        v = graph_apply2(g, i % 2 ? OP_add : OP_mul, v, graph_real(g, JIT_F32, i % 89 + 0.5),
                         (span){ 0 });
    give(s, g, v);
    return g;
}

/* n products that are all needed again at the end. */
static graph *wide(session *s, int32_t n)
{
    graph *g = arguments(s, 1);
    node x = graph_arg(g, 0), v = x, *part = arena_alloc(s->ar, (size_t)n * sizeof *part);
    for (int32_t i = 0; i < n; i++)
        part[i] = graph_apply2(g, OP_mul, x, graph_real(g, JIT_F32, i + 0.5), (span){ 0 });
    for (int32_t i = 0; i < n; i++)
        v = graph_apply2(g, OP_add, v, part[i], (span){ 0 });
    for (int32_t i = 0; i < n; i++)
        v = graph_apply2(g, OP_sub, v, part[i], (span){ 0 });
    give(s, g, v);
    return g;
}

static jit_status compile(session *s, const graph *g)
{
    codegen_options o = { .target = &s->t };
    linked l;
    if (!linked_make(&l, g, &o, &s->d))
        return s->err.status;
    random_state r = { 1 };
    layout where = { .n = 20, .rows = 1 };
    const char *wrong = compared(g, &l, &where, &r, NULL);
    cr_assert_null(wrong, "%s", wrong);
    linked_free(&l);
    return JIT_OK;
}

Test(limits, large_graphs_compile_or_are_refused, .timeout = 60)
{
    static const struct {
        graph *(*make)(session *s, int32_t n);
        int32_t n;
        diag_code refused; /* 0: compiles */
    } cases[] = {
        { chain, 2000, 0 }, { chain, 10000, 0 }, { chain, 200000, DIAG_code_size },
        { wide, 500, 0 },   { wide, 1500, 0 },   { wide, 10000, DIAG_code_values },
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        session s;
        open_session(&s, NULL);
        jit_status status = compile(&s, cases[i].make(&s, cases[i].n));
        cr_assert_eq(status, cases[i].refused ? JIT_ERR_LIMIT : JIT_OK, "case %d: %s", (int)i,
                     s.err.diagnostic[0].message);
        if (cases[i].refused)
            cr_assert_eq(s.err.diagnostic[0].code, (int32_t)cases[i].refused);
        arena_free(s.ar);
    }
}

Test(limits, many_operands)
{
    session s;
    open_session(&s, NULL);
    graph *g = arguments(&s, JIT_MAX_OPERANDS);
    node v = graph_arg(g, 0);
    for (int32_t i = 1; i < JIT_MAX_OPERANDS - 1; i++)
        v = graph_apply2(g, OP_add, v, graph_arg(g, i), (span){ 0 });
    give(&s, g, v);
    cr_assert_eq(compile(&s, g), JIT_ERR_LIMIT);
    g->n_inputs--;
    diag_init(&s.d, &s.err, NULL);
    cr_assert_eq(compile(&s, g), JIT_OK);
    arena_free(s.ar);
}

/* -------------------------------------------------------------------------- texts */

static const char relu[] = "fn relu(x: f32) -> (y: f32)\n  %1 = arg #0 : f32\n"
                           "  %2 = const 0x0p+0 : f32\n  %3 = max %1 %2 : f32\n  return %3\n";

Test(texts, each_kind_says_what_it_should)
{
    static const struct {
        codegen_text_kind kind;
        const char *has[4];
    } cases[] = {
        { CODEGEN_NEST,
          { "nest relu: ", "axis row: parallel", "%3 = max %1 0x0p+0", "in  x" } },
        { CODEGEN_LLVM, { "define i32 @k0(", "vector_loop:", "fcmp", "x float>" } },
        { CODEGEN_ASM, { "k0:", "# ---- hot loop: vectors of ", " x f32 (", "# ---- end of" } },
    };
    session s;
    open_session(&s, NULL);
    graph *g = print_parse(s.ar, relu, &s.d);
    codegen_options o = { .target = &s.t };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        const char *text = codegen_text(g, &o, cases[i].kind, &s.d);
        cr_assert_not_null(text);
        for (int32_t j = 0; j < 4; j++)
            cr_assert_not_null(strstr(text, cases[i].has[j]), "no '%s' in\n%s", cases[i].has[j],
                               text);
    }
    cr_assert_not_null(strstr(codegen_llvm_version(), "."));
    arena_free(s.ar);
}

/* Names in the object are ours only. */
Test(texts, no_user_text_in_the_object)
{
    session s;
    open_session(&s, NULL);
    graph *g = print_parse(s.ar, relu, &s.d);
    g->name = "SECRET";
    g->inputs[0].name = "SECRET";
    g->outputs[0].name = "SECRET";
    codegen_options o = { .target = &s.t, .entry_loop = true, .entry_scalar = true };
    codegen_object object;
    cr_assert(codegen_compile(g, &o, &object, &s.d));
    const char *bytes = object.bytes;
    for (size_t i = 0; i + 6 <= object.size; i++)
        cr_assert(memcmp(bytes + i, "SECRET", 6) != 0);
    codegen_free(&o, &object);
    arena_free(s.ar);
}
