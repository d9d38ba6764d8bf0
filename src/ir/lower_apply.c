/* An operator on values: promotion by its rule, folding of weak constants, and the guard that
 * keeps elements from setting a status flag by an operation they do not execute. */
#include "definition.h"
#include "lower_state.h"

static const char *shown(op o)
{
    static const struct {
        op o;
        const char *text;
    } table[] = { { OP_add, "+" },       { OP_sub, "-" }, { OP_mul, "*" },  { OP_div, "/" },
                  { OP_floordiv, "//" }, { OP_mod, "%" }, { OP_pow, "**" }, { OP_neg, "-" },
                  { OP_eq, "==" },       { OP_ne, "!=" }, { OP_lt, "<" },   { OP_le, "<=" },
                  { OP_gt, ">" },        { OP_ge, ">=" }, { OP_and, "&" },  { OP_or, "|" },
                  { OP_xor, "^" },       { OP_not, "~" }, { OP_shl, "<<" }, { OP_shr, ">>" } };
    for (size_t i = 0; i < sizeof table / sizeof *table; i++) {
        if (table[i].o == o) {
            return table[i].text;
        }
    }
    return op_info(o)->name;
}

static void hint_common(lowering *lw, bool with_bool)
{
    diag_hint(lw->d, with_bool ? "bool is no number: write 'c ? 1 : 0'"
                               : "cast one of them, as in i64(...)");
}

/* An operator that only the prelude writes has no name to show: that of its caller follows. */
static void report_conflict(lowering *lw, op o, value_type a, value_type b, span at)
{
    const char *name = shown(o);
    bool with_bool = a == JIT_BOOL || b == JIT_BOOL;
    bool hidden = name == op_info(o)->name && op_find(name) != o;
    lower_error(lw, with_bool ? DIAG_bool_arithmetic : DIAG_no_common_type, at,
                "%s%s%s%s and %s: no common type", hidden ? "" : "'", hidden ? "" : name,
                hidden ? "" : "' of ", type_text(a), type_text(b));
    hint_common(lw, with_bool);
}

/* The promoted type of the operands; reports what has none. */
static bool common_type(lowering *lw, op o, const value *v, int32_t n, value_type *t, span at)
{
    value_type all = TYPE_UNKNOWN;
    for (int32_t i = 0; i < n; i++) {
        value_type one = type_of_value(lw, v[i]);
        value_type joined = type_join(all, one);
        if (joined == TYPE_CONFLICT) {
            report_conflict(lw, o, all, one, at);
            return false;
        }
        all = joined;
    }
    *t = all;
    return true;
}

/* Whether the rule takes operands of type t at all; says why not. */
static bool accepts(lowering *lw, op o, value_type t, span at)
{
    op_rule rule = op_info(o)->rule;
    bool boolean = t == JIT_BOOL;
    bool floating = t == TYPE_WEAK_REAL || (t > 0 && type_is_float((jit_dtype)t));
    if (boolean) {
        if (rule == RULE_BITS || rule == RULE_BOOL || o == OP_eq || o == OP_ne) {
            return true;
        }
        lower_error(lw, DIAG_bool_arithmetic, at, "'%s' is not defined for bool", shown(o));
        diag_hint(lw->d, "write 'c ? 1 : 0' for a number");
        return false;
    }
    if (rule == RULE_BOOL) {
        lower_error(lw, DIAG_condition, at, "'%s' takes bool, not %s", shown(o), type_text(t));
        diag_hint(lw->d, "write '!= 0'");
        return false;
    }
    if (floating && (rule == RULE_BITS || rule == RULE_INTEGER)) {
        lower_error(lw, DIAG_integer_needed, at, "'%s' takes integers, not %s", shown(o),
                    type_text(t));
        if (o == OP_xor) {
            diag_hint(lw->d, "use '**' for powers");
        }
        return false;
    }
    return true;
}

static value_type computed_in(op o, value_type t)
{
    op_rule rule = op_info(o)->rule;
    bool needs_float =
        rule == RULE_FLOAT || rule == RULE_TEST || rule == RULE_SCALE || rule == RULE_EXPONENT;
    if (!needs_float) {
        return t;
    }
    if (t == TYPE_WEAK_INTEGER) {
        return TYPE_WEAK_REAL;
    }
    return t > 0 && !type_is_float((jit_dtype)t) ? (value_type)JIT_F64 : t;
}

static bool all_constant(const value *v, int32_t n)
{
    for (int32_t i = 0; i < n; i++) {
        if (!value_is_constant(v[i])) {
            return false;
        }
    }
    return true;
}

/* Replaces the operand that could set a flag by a harmless one for inactive elements. */
static void guard(lowering *lw, op o, jit_dtype t, node *in, span at)
{
    cell v;
    if (!(op_info(o)->flags & OP_FLAGS) || !type_is_integer(t) || lw->active == lw->yes) {
        return;
    }
    bool known = graph_is_const(lw->g, in[1], &v);
    bool harmless =
        o == OP_pow ? type_is_unsigned(t) || (known && v.i >= 0) : known && v.i != 0;
    if (!harmless) {
        in[1] = node_select(lw, lw->active, in[1], graph_real(lw->g, t, 1), at);
    }
}

/* A `for` variable may be beyond the type it is compared with: i64 has both. */
static value_type compared_in(const lowering *lw, const value *v, int32_t n, value_type t)
{
    for (int32_t i = 0; i < n; i++) {
        bool counter =
            v[i].kind == VALUE_WEAK_NODE && type_of_value(lw, v[i]) == TYPE_WEAK_INTEGER;
        if (counter && t > 0 && type_is_integer((jit_dtype)t) && t != JIT_U64) {
            return JIT_I64;
        }
    }
    return t;
}

/* Whether there is a definition as accurate as is asked for; says if not. */
static bool accurate(lowering *lw, op o, jit_dtype t, span at)
{
    definition d;
    bool defined = (op_info(o)->flags & OP_EXPAND) && type_is_float(t);
    tier asked = lw->g->relaxed;
    if (!defined || definition_choose(lw->p, op_info(o)->name, t, asked, &d)) {
        return true;
    }
    lower_error(lw, DIAG_no_accuracy, at,
                "'%s' of %s within %g ulp does not exist, only %g ulp", shown(o), type_name(t),
                tier_ulp(asked), tier_ulp(d.promise));
    diag_hint(lw->d, "give the function that it stands in @ulp(%g)", tier_ulp(d.promise));
    return false;
}

static value apply_nodes(lowering *lw, op o, const value *v, int32_t n, value_type t, span at)
{
    node in[3] = { 0, 0, 0 };
    span place = lower_place(lw, at);
    jit_dtype compute = type_weak_node(lw, t);
    if (!accurate(lw, o, compute, at)) {
        return value_poison();
    }
    for (int32_t i = 0; i < n; i++) {
        if (!(in[i] = value_to_node(lw, v[i], compute, at))) {
            return value_poison();
        }
    }
    guard(lw, o, compute, in, place);
    node r = graph_apply(lw->g, o, in, place);
    bool same_kind = r && graph_dtype(lw->g, r) == compute;
    return t < 0 && same_kind ? value_weak(r) : value_node(r);
}

static value fold_test(lowering *lw, op o, const value *v)
{
    uint32_t flags = 0;
    cell in = { .f = weak_real(v[0]) };
    return value_bool(lw, op_eval(o, JIT_F64, JIT_BOOL, &in, &flags).u != 0);
}

static value fold(lowering *lw, op o, const value *v, int32_t n, span at)
{
    value r = value_poison();
    switch (op_info(o)->rule) {
    case RULE_COMPARE:
        return value_bool(lw, weak_compare(o, v[0], v[1]));
    case RULE_TEST:
        return fold_test(lw, o, v);
    default:
        return weak_fold(lw, o, v, n, at, &r) ? r : value_poison();
    }
}

/* ldexp: a float and an exponent that converts to i32. */
static value apply_scale(lowering *lw, op o, const value *v, span at)
{
    value_type t = type_of_value(lw, v[0]), n = type_of_value(lw, v[1]);
    if (!accepts(lw, o, t, at)) {
        return value_poison();
    }
    if (n == TYPE_WEAK_REAL || (n > 0 && !type_is_integer((jit_dtype)n))) {
        lower_error(lw, DIAG_integer_needed, at, "the exponent of '%s' is an integer, not %s",
                    shown(o), type_text(n));
        return value_poison();
    }
    t = computed_in(o, t);
    value exponent = value_declared(lw, v[1], JIT_I32, at);
    node x = value_to_node(lw, v[0], type_weak_node(lw, t), at);
    if (exponent.kind != VALUE_NODE || !x) {
        return value_poison();
    }
    node r = graph_apply2(lw->g, o, x, exponent.u.node, lower_place(lw, at));
    return t < 0 ? value_weak(r) : value_node(r);
}

static value apply_word(lowering *lw, op o, const value *v, span at)
{
    value x = value_declared(lw, v[0], JIT_I64, at);
    if (x.kind != VALUE_NODE) {
        return value_poison();
    }
    return value_node(graph_apply1(lw->g, o, x.u.node, lower_place(lw, at)));
}

value lower_apply(lowering *lw, op o, const value *v, int32_t n, span at)
{
    value_type t;
    for (int32_t i = 0; i < n; i++) {
        if (v[i].kind <= VALUE_POISON || v[i].kind >= VALUE_TUPLE) {
            return value_poison();
        }
    }
    if (values_have_array(lw, v, n)) {
        return array_apply(lw, o, v, n, at);
    }
    switch (op_info(o)->rule) {
    case RULE_SCALE:
        return apply_scale(lw, o, v, at);
    case RULE_WORD:
        return apply_word(lw, o, v, at);
    case RULE_LEAF:
        return value_node(graph_leaf(lw->g, o));
    default:
        break;
    }
    if (o == OP_pow) {
        return lower_power(lw, v[0], v[1], at);
    }
    if (!common_type(lw, o, v, n, &t, at) || !accepts(lw, o, t, at)) {
        return value_poison();
    }
    t = computed_in(o, t);
    if (t < 0 && all_constant(v, n) && op_info(o)->rule != RULE_EXPONENT) {
        return fold(lw, o, v, n, at);
    }
    if (op_info(o)->rule == RULE_COMPARE) {
        t = compared_in(lw, v, n, t);
    }
    return apply_nodes(lw, o, v, n, t, at);
}

static value multiplied(lowering *lw, value x, int32_t times, span at)
{
    value r = x;
    for (int32_t i = 1; i < times; i++) {
        r = lower_apply(lw, OP_mul, (value[]){ r, x }, 2, at);
    }
    return r;
}

/* A power by a function of the prelude that is within 1 ulp. */
static value by_function(lowering *lw, const char *name, value x, span at)
{
    callee c = program_hidden(lw->p, name, lw->d);
    return c.kind == CALLEE_FN ? inline_function(lw, c.fn, &x, at) : value_poison();
}

static bool whole_power(lowering *lw, value x, wide n, span at, value *out)
{
    value_type t = type_of_value(lw, x);
    bool floating = t > 0 && type_is_float((jit_dtype)t);
    double ulp = tier_ulp(lw->g->relaxed); /* each product after the first adds one at most */
    if (n == 1 || n == 2 ||
        (n > 2 && n <= 4 && t > 0 && (!floating || ulp >= (double)(n - 1)))) {
        *out = multiplied(lw, x, (int32_t)n, at);
        return true;
    }
    if (floating && (n == 3 || n == 4) && ulp >= 1) {
        *out = by_function(lw, n == 3 ? "_power_3" : "_power_4", x, at);
        return true;
    }
    if (floating && n == -1) {
        *out = lower_apply(lw, OP_div, (value[]){ value_integer(1), x }, 2, at);
        return true;
    }
    return false;
}

/* Powers that a few operations give within 1 ulp. */
static bool easy_power(lowering *lw, value x, value y, span at, value *out)
{
    if (y.kind == VALUE_INTEGER) {
        return whole_power(lw, x, y.u.integer, at, out);
    }
    value_type t = type_of_value(lw, x);
    if (y.kind == VALUE_REAL && y.u.real == 0.5 && t > 0 && type_is_float((jit_dtype)t)) {
        *out = by_function(lw, "_power_half", x, at);
        return true;
    }
    return false;
}

value lower_power(lowering *lw, value x, value y, span at)
{
    value_type t;
    value r = value_poison();
    value both[2] = { x, y };
    if (!common_type(lw, OP_pow, both, 2, &t, at) || !accepts(lw, OP_pow, t, at)) {
        return value_poison();
    }
    if (t < 0 && all_constant(both, 2)) {
        return weak_power(lw, x, y, at, &r) ? r : value_poison();
    }
    if (easy_power(lw, x, y, at, &r)) {
        return r;
    }
    if (t == TYPE_WEAK_INTEGER && y.kind == VALUE_INTEGER && y.u.integer < 0) {
        t = TYPE_WEAK_REAL;
    }
    return apply_nodes(lw, OP_pow, both, 2, t, at);
}

/* ------------------------------------------------------------------------------ ?: */

static value pick(lowering *lw, value v, value_type t, span at)
{
    if (t == TYPE_WEAK_REAL && v.kind == VALUE_INTEGER) {
        return value_real(weak_real(v));
    }
    return t < 0 && value_is_constant(v) ? v : value_as(lw, v, t, at);
}

value lower_choose(lowering *lw, node c, value yes, value no, span at)
{
    if (yes.kind <= VALUE_POISON || no.kind <= VALUE_POISON || !c) {
        return value_poison();
    }
    if (values_have_array(lw, (value[]){ value_node(c), yes, no }, 3)) {
        return lower_array_choose(lw, value_node(c), yes, no, at);
    }
    value_type a = type_of_value(lw, yes), b = type_of_value(lw, no), t = type_join(a, b);
    if (t == TYPE_CONFLICT) {
        bool with_bool = a == JIT_BOOL || b == JIT_BOOL;
        lower_error(lw, with_bool ? DIAG_bool_arithmetic : DIAG_no_common_type, at,
                    "the sides of '?:' are %s and %s: no common type", type_text(a),
                    type_text(b));
        hint_common(lw, with_bool);
        return value_poison();
    }
    if (c == lw->yes || c == lw->no) {
        return pick(lw, c == lw->yes ? yes : no, t, at);
    }
    if (value_same(yes, no)) {
        return pick(lw, yes, t, at);
    }
    value x = value_as(lw, yes, t, at), y = value_as(lw, no, t, at);
    if (x.kind == VALUE_POISON || y.kind == VALUE_POISON) {
        return value_poison();
    }
    node r = node_select(lw, c, x.u.node, y.u.node, lower_place(lw, at));
    return t < 0 ? value_weak(r) : value_node(r);
}
