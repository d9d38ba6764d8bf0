/* Generating programs from the types down: generate(t) writes an expression of type t. */
#include "random_program.h"

#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

enum { MAX_NAMES = 24, MAX_LOOPS = 3, MAX_HELPERS = 6 };

typedef struct name {
    char text[20];
    jit_dtype type; /* of its value in expressions: f16 and bf16 are f32 */
    bool variable;
} name;

typedef struct writer {
    random_source r;
    random_program *p;
    size_t used;
    name names[MAX_NAMES];
    int n_names, serial, loops, in_loop, options;
    const char *helper[MAX_HELPERS],
        *attributes[MAX_HELPERS]; /* fn hN(x) attributes = helper(x) */
    int n_helpers;
} writer;

static const jit_dtype stored[] = { JIT_BOOL, JIT_I8,  JIT_I16, JIT_I32, JIT_I64,  JIT_U8,
                                    JIT_U16,  JIT_U32, JIT_U64, JIT_F16, JIT_BF16, JIT_F32,
                                    JIT_F64,  JIT_F32, JIT_F64, JIT_F32 };

static bool is_float(jit_dtype t)
{
    return t == JIT_F32 || t == JIT_F64;
}

static bool is_signed(jit_dtype t)
{
    return t >= JIT_I8 && t <= JIT_I64;
}

static jit_dtype computed(jit_dtype t)
{
    return t == JIT_F16 || t == JIT_BF16 ? JIT_F32 : t;
}

static int pick(writer *w, int n)
{
    return (int)random_below(&w->r, n);
}

static jit_dtype pick_type(writer *w)
{
    return computed(stored[pick(w, (int)(sizeof stored / sizeof stored[0]))]);
}

static void put(writer *w, const char *format, ...) __attribute__((format(printf, 2, 3)));
static void put(writer *w, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    size_t room = PROGRAM_TEXT - w->used;
    int n = vsnprintf(w->p->text + w->used, room, format, args);
    va_end(args);
    if (n > 0)
        w->used += (size_t)n < room ? (size_t)n : room - 1;
}

/* ---------------------------------------------------------------- expressions */

static void generate(writer *w, jit_dtype t, int depth);

static void literal(writer *w, jit_dtype t)
{
    static const char *const reals[] = { "0.5", "1.5", "2.0", "0.1", "3.0", "1e3", "0.0" };
    if (t == JIT_BOOL)
        put(w, pick(w, 2) ? "true" : "false");
    else if (is_float(t) && pick(w, 4))
        put(w, "%s", reals[pick(w, (int)(sizeof reals / sizeof reals[0]))]);
    else
        put(w, "%d", pick(w, 12));
}

static bool name_of(writer *w, jit_dtype t)
{
    int found = 0, chosen = -1;
    for (int i = 0; i < w->n_names; i++)
        if (w->names[i].type == t && pick(w, ++found) == 0)
            chosen = i;
    if (chosen >= 0)
        put(w, "%s", w->names[chosen].text);
    return chosen >= 0;
}

/* A typed leaf: a weak literal alone could change the type of what it meets. */
static void leaf(writer *w, jit_dtype t)
{
    if (pick(w, 8) && name_of(w, t))
        return;
    if (pick(w, 3) == 0 && w->n_names > 0) {
        const name *n = &w->names[pick(w, w->n_names)];
        if (n->type != JIT_BOOL && t != JIT_BOOL) {
            put(w, "%s(%s)", jit_dtype_name(t), n->text);
            return;
        }
    }
    if (t == JIT_BOOL) {
        literal(w, t);
        return;
    }
    put(w, "%s(", jit_dtype_name(t));
    literal(w, t);
    put(w, ")");
}

static void call(writer *w, const char *function, int n, jit_dtype t, int depth)
{
    put(w, "%s(", function);
    for (int i = 0; i < n; i++) {
        put(w, i ? ", " : "");
        generate(w, t, depth - 1);
    }
    put(w, ")");
}

static void infix(writer *w, const char *operator, jit_dtype t, int depth)
{
    put(w, "(");
    generate(w, t, depth - 1);
    put(w, " %s ", operator);
    if (t != JIT_BOOL && pick(w, 6) == 0)
        literal(w, t);
    else
        generate(w, t, depth - 1);
    put(w, ")");
}

static void choice(writer *w, jit_dtype t, int depth)
{
    put(w, "(");
    generate(w, JIT_BOOL, depth - 1);
    put(w, " ? ");
    generate(w, t, depth - 1);
    put(w, " : ");
    generate(w, t, depth - 1);
    put(w, ")");
}

static void cast(writer *w, jit_dtype t, int depth)
{
    jit_dtype from = pick_type(w);
    put(w, "%s(", jit_dtype_name(t));
    generate(w, from == JIT_BOOL && is_float(t) ? JIT_I32 : from, depth - 1);
    put(w, ")");
}

static void truth(writer *w, int depth)
{
    static const char *const comparison[] = { "==", "!=", "<", "<=", ">", ">=" };
    static const char *const test[] = { "isnan", "isinf", "isfinite" };
    jit_dtype t;
    switch (pick(w, 8)) {
    case 0:
        infix(w, pick(w, 2) ? "&&" : "||", JIT_BOOL, depth);
        break;
    case 1:
        put(w, "(!");
        generate(w, JIT_BOOL, depth - 1);
        put(w, ")");
        break;
    case 2:
        infix(w, pick(w, 3) ? (pick(w, 2) ? "&" : "|") : "^", JIT_BOOL, depth);
        break;
    case 3:
        call(w, test[pick(w, 3)], 1, pick(w, 2) ? JIT_F32 : JIT_F64, depth);
        break;
    case 4:
        choice(w, JIT_BOOL, depth);
        break;
    default:
        do
            t = pick_type(w);
        while (t == JIT_BOOL);
        infix(w, comparison[pick(w, 6)], t, depth);
        break;
    }
}

typedef struct vocabulary {
    const char *const *name;
    int n, arity;
} vocabulary;

/* What integers and floats have alike; false: `way` is none of these. */
static bool number(writer *w, int way, jit_dtype t, int depth)
{
    static const char *const whole_two[] = { "max", "min" };
    static const char *const whole_one[] = { "popcount", "clz", "ctz", "abs", "sign" };
    static const char *const real_one[] = { "sqrt", "floor", "ceil",  "trunc",  "rint",
                                            "abs",  "sign",  "fract", "square", "reciprocal" };
    static const char *const real_two[] = { "min", "max", "fmin", "fmax", "nextafter" };
    static const vocabulary words[2][2] = { { { whole_two, 2, 2 }, { whole_one, 5, 1 } },
                                            { { real_one, 10, 1 }, { real_two, 5, 2 } } };
    if (way < 2) {
        const vocabulary *v = &words[is_float(t)][way];
        call(w, v->name[pick(w, v->n)], v->arity, t, depth);
    } else if (way == 2) {
        choice(w, t, depth);
    } else if (way == 3) {
        cast(w, t, depth);
    }
    return way <= 3;
}

static void whole(writer *w, jit_dtype t, int depth)
{
    static const char *const operators[] = {
        "+", "-", "*", "//", "%", "&", "|", "^", "<<", ">>"
    };
    int way = pick(w, 12);
    if (number(w, way, t, depth))
        return;
    switch (way) {
    case 4:
        put(w, "(%s", pick(w, 2) ? "~" : "-");
        generate(w, t, depth - 1);
        put(w, ")");
        break;
    case 5:
        put(w, "(");
        generate(w, t, depth - 1);
        put(w, " ** %d)", pick(w, 5));
        break;
    default:
        infix(w, operators[pick(w, 10)], t, depth);
        break;
    }
}

/* A function of one argument called through one that says how accurate it is to be. */
static void helper(writer *w, const char *function, jit_dtype t, int depth)
{
    static const char *const attributes[] = { "@ulp(0.5)",  "@ulp(1)", "@ulp(4)",
                                              "@abs(1e-4)", "@fast",   "@ulp(2) @abs(1e-6)",
                                              "@portable" };
    char text[16];
    int which = t == JIT_F32 ? pick(w, 7) : 1 + pick(w, 6);
    (void)snprintf(text, sizeof text, "h%d", w->n_helpers);
    w->helper[w->n_helpers] = function;
    w->attributes[w->n_helpers++] = attributes[which];
    call(w, text, 1, t, depth);
}

static void put_helpers(writer *w)
{
    for (int i = 0; i < w->n_helpers; i++)
        put(w, "fn h%d(x) %s = %s(x)\n", i, w->attributes[i], w->helper[i]);
}

static void mathematics(writer *w, jit_dtype t, int depth)
{
    static const char *const one[] = { "exp",   "exp2", "expm1",   "log",  "log2",  "log10",
                                       "log1p", "sin",  "cos",     "tan",  "asin",  "acos",
                                       "atan",  "sinh", "cosh",    "tanh", "asinh", "erf",
                                       "cbrt",  "erfc", "sigmoid", "gelu" };
    static const char *const two[] = { "pow", "atan2", "hypot", "fmod", "remainder" };
    const char *function = one[pick(w, (int)(sizeof one / sizeof one[0]))];
    if (pick(w, 4) == 0)
        call(w, two[pick(w, 5)], 2, t, depth);
    else if (w->n_helpers < MAX_HELPERS && pick(w, 2))
        helper(w, function, t, depth);
    else
        call(w, function, 1, t, depth);
}

static void real(writer *w, jit_dtype t, int depth)
{
    if ((w->options & PROGRAM_MATH) && pick(w, 12) == 0) {
        mathematics(w, t, depth);
        return;
    }
    int way = pick(w, 12);
    if (number(w, way, t, depth))
        return;
    switch (way) {
    case 4:
        call(w, pick(w, 2) ? "fma" : "clamp", 3, t, depth);
        break;
    case 5:
        put(w, "(-");
        generate(w, t, depth - 1);
        put(w, ")");
        break;
    case 6:
        infix(w, pick(w, 2) ? "//" : "%", t, depth);
        break;
    default:
        infix(w, pick(w, 4) ? (pick(w, 2) ? "+" : "*") : (pick(w, 2) ? "-" : "/"), t, depth);
        break;
    }
}

static void generate(writer *w, jit_dtype t, int depth)
{
    if (depth <= 0 || pick(w, 5) == 0 || w->used > PROGRAM_TEXT / 2)
        leaf(w, t);
    else if (t == JIT_BOOL)
        truth(w, depth);
    else if (is_float(t))
        real(w, t, depth);
    else
        whole(w, t, depth);
}

/* ---------------------------------------------------------------- statements */

static void statements(writer *w, int n, int depth);

static void add_name(writer *w, const char *text, jit_dtype t, bool variable)
{
    if (w->n_names == MAX_NAMES)
        return;
    name *n = &w->names[w->n_names++];
    snprintf(n->text, sizeof n->text, "%.19s", text);
    n->type = t;
    n->variable = variable;
}

static void define(writer *w, int depth)
{
    char text[20];
    bool variable = pick(w, 2);
    jit_dtype t = pick_type(w);
    snprintf(text, sizeof text, "%c%d", variable ? 'v' : 'l', w->serial++);
    put(w, "%s %s: %s = ", variable ? "var" : "let", text, jit_dtype_name(t));
    generate(w, t, depth);
    put(w, "\n");
    add_name(w, text, t, variable);
}

static void assign(writer *w, int depth)
{
    int chosen = -1, found = 0;
    for (int i = 0; i < w->n_names; i++)
        if (w->names[i].variable && pick(w, ++found) == 0)
            chosen = i;
    if (chosen < 0) {
        define(w, depth);
        return;
    }
    static const char *const compound[] = { "=", "=", "+=", "-=", "*=" };
    jit_dtype t = w->names[chosen].type;
    put(w, "%s %s ", w->names[chosen].text, t == JIT_BOOL ? "=" : compound[pick(w, 5)]);
    generate(w, t, depth);
    put(w, "\n");
}

static void results(writer *w, int depth)
{
    put(w, "return ");
    for (int i = 0; i < w->p->n_out; i++) {
        jit_dtype t = w->p->out[i], c = computed(t);
        put(w, "%s%s", i ? ", " : "", t == c ? "" : jit_dtype_name(t));
        put(w, t == c ? "" : "(");
        generate(w, c, depth);
        put(w, t == c ? "" : ")");
    }
    put(w, "\n");
}

/* Names defined in a block end with it. */
static void block(writer *w, int n, int depth)
{
    int before = w->n_names;
    put(w, "{\n");
    statements(w, n, depth);
    w->n_names = before;
    put(w, "}\n");
}

static void branch(writer *w, int depth)
{
    put(w, "if ");
    generate(w, JIT_BOOL, depth);
    put(w, " ");
    block(w, 1 + pick(w, 2), depth);
    if (pick(w, 2)) {
        put(w, "else ");
        block(w, 1 + pick(w, 2), depth);
    }
}

static void counted_loop(writer *w, int depth)
{
    int before = w->n_names;
    char text[20];
    snprintf(text, sizeof text, "k%d", w->serial++);
    if (pick(w, 2)) {
        put(w, "for %s in 0 .. %d ", text, 1 + pick(w, 4));
    } else {
        put(w, "for %s in i32(3) .. clamp(i32(", text);
        generate(w, pick(w, 2) ? JIT_I32 : JIT_F32, 1);
        put(w, "), i32(-2), i32(9)) by %d ", pick(w, 2) ? 1 : -2);
    }
    char value[32];
    snprintf(value, sizeof value, "i64(%s)", text);
    add_name(w, value, JIT_I64, false);
    w->in_loop++;
    block(w, 1 + pick(w, 2), depth - 1);
    w->in_loop--;
    w->n_names = before;
}

static void while_loop(writer *w, int depth)
{
    int counter = w->serial++;
    put(w, "var c%d: i32 = 0\nwhile c%d < %d && ", counter, counter, 1 + pick(w, 6));
    generate(w, JIT_BOOL, depth - 1);
    int before = w->n_names;
    put(w, " {\nc%d += 1\n", counter);
    w->in_loop++;
    statements(w, 1 + pick(w, 3), depth - 1);
    w->in_loop--;
    w->n_names = before;
    put(w, "}\n");
}

static void leave(writer *w, int depth)
{
    put(w, "if ");
    generate(w, JIT_BOOL, depth);
    put(w, " {\n");
    int what = pick(w, w->in_loop ? 3 : 1);
    if (what == 0)
        results(w, 1);
    else
        put(w, what == 1 ? "break\n" : "continue\n");
    put(w, "}\n");
}

static void statements(writer *w, int n, int depth)
{
    for (int i = 0; i < n; i++) {
        int what = pick(w, 10);
        if (what >= 8 && (w->loops >= MAX_LOOPS || w->in_loop >= 2))
            what = 0;
        w->loops += what >= 8;
        if (what < 3)
            define(w, depth);
        else if (what < 5)
            assign(w, depth);
        else if (what < 7)
            branch(w, depth - 1);
        else if (what == 7)
            leave(w, depth - 1);
        else if (what == 8)
            counted_loop(w, depth - 1);
        else
            while_loop(w, depth - 1);
    }
}

/* ---------------------------------------------------------------- the function */

static void arguments(writer *w)
{
    random_program *p = w->p;
    char text[20];
    p->n_in = 1 + pick(w, 4);
    put(w, "fn f(");
    for (int i = 0; i < p->n_in; i++) {
        p->in[i] = stored[pick(w, (int)(sizeof stored / sizeof stored[0]))];
        snprintf(text, sizeof text, "a%d", i);
        put(w, "%s%s: %s", i ? ", " : "", text, jit_dtype_name(p->in[i]));
        add_name(w, text, computed(p->in[i]), false);
    }
    p->n_uniform = pick(w, 3);
    for (int i = 0; i < p->n_uniform; i++) {
        static const jit_dtype types[] = { JIT_F32, JIT_F64, JIT_I32, JIT_U16, JIT_BOOL };
        jit_dtype t = types[pick(w, 5)];
        snprintf(text, sizeof text, "u%d", i);
        put(w, "%s%s: %s", i ? ", " : "; ", text, jit_dtype_name(t));
        add_name(w, text, t, false);
        p->uniform[i] = is_float(t) ? random_real(&w->r, -3, 3) : (double)pick(w, 2);
        if (is_signed(t))
            p->uniform[i] = -(double)pick(w, 9);
    }
    put(w, ") -> (");
    p->n_out = 1 + (pick(w, 3) == 0) + (pick(w, 9) == 0);
    for (int i = 0; i < p->n_out; i++) {
        p->out[i] = stored[pick(w, (int)(sizeof stored / sizeof stored[0]))];
        put(w, "%s%s", i ? ", " : "", jit_dtype_name(p->out[i]));
    }
    put(w, ") {\n");
}

void random_program_make(random_program *p, uint64_t seed, int options)
{
    writer w = { .r = { seed }, .p = p, .options = options };
    p->text[0] = 0;
    arguments(&w);
    statements(&w, 1 + pick(&w, 7), 1 + pick(&w, 4));
    results(&w, 1 + pick(&w, 3));
    put(&w, "}\n");
    put_helpers(&w);
}
