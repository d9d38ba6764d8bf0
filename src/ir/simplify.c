/* The rules of rules.def: matching, guards, replacing, folding. */
#include "simplify.h"

#include <float.h>
#include <math.h>
#include <string.h>

static const simplify_rule rules[] = {
#define RULE(kind, root, domain, guard, pattern, replacement)                                  \
    { KIND_##kind, OP_##root, DOMAIN_##domain, GUARD_##guard, pattern, replacement },
#include "rules.def"
#undef RULE
};

enum { N_RULES = sizeof rules / sizeof rules[0] };

const simplify_rule *simplify_rules(int32_t *n)
{
    *n = N_RULES;
    return rules;
}

/* -------------------------------------------------------------------------- domains, guards */

bool simplify_in_domain(simplify_domain d, jit_dtype t)
{
    switch (d) {
    case DOMAIN_ANY:
        return t != JIT_NONE;
    case DOMAIN_NUMBER:
        return type_is_integer(t) || type_is_float(t);
    case DOMAIN_FLOAT:
        return type_is_float(t);
    case DOMAIN_INT:
        return type_is_integer(t);
    case DOMAIN_SIGNED:
        return type_is_signed(t);
    case DOMAIN_UNSIGNED:
        return type_is_unsigned(t);
    case DOMAIN_BITS:
        return type_is_integer(t) || t == JIT_BOOL;
    case DOMAIN_BOOL:
        return t == JIT_BOOL;
    }
    return false;
}

static bool is_normal(jit_dtype t, double v)
{
    double least = t == JIT_F32 ? (double)FLT_MIN : DBL_MIN;
    double most = t == JIT_F32 ? (double)FLT_MAX : DBL_MAX;
    return fabs(v) >= least && fabs(v) <= most;
}

bool simplify_guarded(simplify_guard guard, jit_dtype t, cell c)
{
    int exponent;
    switch (guard) {
    case GUARD_POWER:
        return type_is_signed(t) ? c.i > 0 && (c.u & (c.u - 1)) == 0
                                 : c.u != 0 && (c.u & (c.u - 1)) == 0;
    case GUARD_RECIPROCAL:
        return is_normal(t, c.f) && is_normal(t, 1 / c.f) && fabs(frexp(c.f, &exponent)) == 0.5;
    case GUARD_NORMAL:
        return is_normal(t, c.f) && is_normal(t, 1 / c.f);
    case GUARD_ALWAYS:
    case GUARD_LOSSLESS:
        break;
    }
    return true;
}

/* from -> middle -> to, as from -> to. Integers wrap where floats saturate, and reach f16 and
 * bf16 by way of f32 where f64 rounds once: so a change of kind in the middle must be undone.
 */
static bool is_lossless(jit_dtype from, jit_dtype middle, jit_dtype to)
{
    bool exact = type_casts_safely(from, middle) &&
                 !(type_is_float(middle) && type_is_integer(from) && type_bits(from) == 64);
    bool kept = type_is_float(from) == type_is_float(middle) && type_compute(from) == from;
    return exact && (from == to || kept);
}

/* -------------------------------------------------------------------------- numbers in rules
 */

static const char *skip(const char *text)
{
    while (*text == ' ')
        text++;
    return text;
}

static size_t word_length(const char *text)
{
    return strcspn(text, " ()");
}

static bool is_word(const char *text, const char *word)
{
    size_t n = word_length(text);
    return n == strlen(word) && strncmp(text, word, n) == 0;
}

static bool is_letter(const char *text)
{
    return word_length(text) == 1 && *text >= 'a' && *text <= 'z';
}

/* Digits with at most one fraction digit: all that the rules have. */
static double number(const char *text)
{
    double v = 0, sign = *text == '-' ? -1 : 1;
    text += *text == '-' ? 1 : 0;
    if (is_word(text, "inf"))
        return sign * (double)INFINITY;
    for (; *text >= '0' && *text <= '9'; text++)
        v = v * 10 + (*text - '0');
    if (*text == '.')
        v += 0.1 * (text[1] - '0');
    return copysign(v, sign);
}

/* The constant written at text, of type t. */
static cell literal(const char *text, jit_dtype t)
{
    if (is_word(text, "true") || is_word(text, "false"))
        return (cell){ .u = *text == 't' };
    if (is_word(text, "ones"))
        return type_round(t, (cell){ .u = UINT64_MAX });
    double v = number(text);
    if (type_is_float(t))
        return (cell){ .f = v };
    return type_round(t, (cell){ .i = (int64_t)v });
}

static bool is_literal_for(const char *text, jit_dtype t)
{
    if (is_word(text, "true") || is_word(text, "false"))
        return t == JIT_BOOL;
    if (is_word(text, "ones"))
        return !type_is_float(t);
    if (t == JIT_BOOL)
        return is_word(text, "0");
    bool whole = !is_word(text, "-0") && !is_word(text, "inf") && !is_word(text, "-inf") &&
                 !memchr(text, '.', word_length(text));
    return type_is_float(t) || (whole && (*text != '-' || type_is_signed(t)));
}

/* -------------------------------------------------------------------------- matching */

typedef struct matcher {
    const graph *g;
    const simplify_rule *rule;
    simplify_match m;
} matcher;

static const char *match_operands(matcher *m, const char *text, const node *in, op o);

static bool match_letter(matcher *m, char c, node n)
{
    node *bound = &m->m.letter[c - 'a'];
    if (*bound != 0)
        return *bound == n;
    if ((c == 'c' || c == 'k') && !graph_is_const(m->g, n, NULL))
        return false;
    *bound = n;
    if (c == 'x')
        m->m.type = graph_dtype(m->g, n);
    return true;
}

static bool match_literal(const matcher *m, const char *text, node n)
{
    jit_dtype t = graph_dtype(m->g, n);
    cell v;
    if (!graph_is_const(m->g, n, &v) || !is_literal_for(text, t))
        return false;
    return type_encode(t, v) == type_encode(t, literal(text, t));
}

static const char *end_of_operand(const char *text)
{
    int depth = 0;
    if (*text != '(')
        return text + word_length(text);
    do {
        depth += *text == '(' ? 1 : *text == ')' ? -1 : 0;
        text++;
    } while (depth > 0);
    return text;
}

/* One operand at text against node n: where the text goes on, or NULL. */
static const char *match_operand(matcher *m, const char *text, node n)
{
    text = skip(text);
    if (*text != '(') {
        bool matched = is_letter(text) ? match_letter(m, *text, n) : match_literal(m, text, n);
        return matched ? text + word_length(text) : NULL;
    }
    const node_data *d = graph_node(m->g, n);
    const op_row *r = op_info((op)d->op);
    if (r->arity < 1 || !is_word(text + 1, r->name))
        return NULL;
    if (m->rule->kind == KIND_FAST && !(d->relaxed & NODE_FAST))
        return NULL;
    const char *inner = text + 1 + word_length(text + 1);
    if (!match_operands(m, inner, m->g->in + d->first_in, (op)d->op))
        return NULL;
    return end_of_operand(text);
}

static const char *match_in_order(matcher *m, const char *text, const node *in, int32_t n)
{
    for (int32_t i = 0; i < n && text; i++)
        text = match_operand(m, text, in[i]);
    return text;
}

/* Commuting operands are tried in both orders; the depth is that of the rule's text. */
static const char *match_operands(matcher *m, const char *text, const node *in, op o)
{
    const op_row *r = op_info(o);
    simplify_match before = m->m;
    const char *end = match_in_order(m, text, in, r->arity);
    if (end || !(r->flags & OP_COMMUTES))
        return end;
    node swapped[3] = { in[1], in[0], r->arity > 2 ? in[2] : 0 };
    m->m = before;
    return match_in_order(m, text, swapped, r->arity);
}

static bool matches(matcher *m, const node *in, jit_dtype result)
{
    const simplify_rule *r = m->rule;
    cell c = { 0 };
    m->m = (simplify_match){ .type = graph_dtype(m->g, in[0]), .result = result };
    if (!match_operands(m, r->pattern, in, r->root) ||
        !simplify_in_domain(r->domain, m->m.type))
        return false;
    if (r->guard == GUARD_LOSSLESS)
        return is_lossless(m->m.type, graph_dtype(m->g, in[0]), result);
    if (r->guard == GUARD_ALWAYS)
        return true;
    return graph_is_const(m->g, m->m.letter['c' - 'a'], &c) &&
           simplify_guarded(r->guard, m->m.type, c);
}

/* -------------------------------------------------------------------------- replacing */

static op operator_at(const char *text)
{
    for (int o = OP_none + 1; o < OP_COUNT; o++)
        if (is_word(text, op_info((op)o)->name))
            return (op)o;
    return OP_none;
}

static node build_atom(graph *g, const simplify_match *m, const char *text)
{
    if (is_letter(text))
        return m->letter[*text - 'a'];
    jit_dtype t = *text == 't' || *text == 'f' ? JIT_BOOL : m->type;
    return graph_const(g, t, literal(text, t));
}

/* The depth is that of the rule's text. */
node simplify_build(graph *g, const simplify_match *m, const char *text, span at)
{
    text = skip(text);
    if (*text == '(')
        text++;
    op o = is_letter(text) ? OP_none : operator_at(text);
    if (o == OP_none)
        return build_atom(g, m, text);
    node in[3] = { 0 };
    const char *next = skip(text + word_length(text));
    simplify_match count = *m; /* for the integer of ldexp */
    count.type = JIT_I32;
    for (int32_t i = 0; i < op_info(o)->arity; i++) {
        bool is_count = op_info(o)->rule == RULE_SCALE && i == 1;
        in[i] = simplify_build(g, is_count ? &count : m, next, at);
        next = skip(end_of_operand(next));
    }
    if (o == OP_cast)
        return graph_cast(g, m->result, in[0], at);
    if (o == OP_bitcast)
        return graph_bitcast(g, m->result, in[0], at);
    return graph_apply(g, o, in, at);
}

/* -------------------------------------------------------------------------- folding */

/* op_eval knows operands, but no table of a graph's own. */
static bool folds(const graph *g, op o, const node *in)
{
    cell which;
    if (o == OP_lookup)
        return graph_is_const(g, in[1], &which) && table_is_fixed(which.u);
    return op_info(o)->flags & OP_EXACT || type_is_integer(graph_dtype(g, in[0]));
}

static node fold(graph *g, op o, jit_dtype dtype, const node *in)
{
    cell v[3] = { { 0 } };
    int32_t n = op_info(o)->arity;
    uint32_t flags = 0;
    jit_dtype t = graph_dtype(g, in[0]);
    if (!folds(g, o, in))
        return -1;
    for (int32_t i = 0; i < n; i++)
        if (!graph_is_const(g, in[i], &v[i]))
            return -1;
    cell r = op_eval(o, t, dtype, v, &flags);
    return flags ? -1 : graph_const(g, dtype, r);
}

node simplify_node(graph *g, op o, jit_dtype dtype, const node *in, int32_t n_in, span at)
{
    matcher m = { .g = g };
    if (n_in < 1)
        return -1;
    node constant = fold(g, o, dtype, in);
    if (constant >= 0)
        return constant;
    for (int32_t i = 0; i < N_RULES; i++) {
        m.rule = &rules[i];
        if (m.rule->root != o || (m.rule->kind == KIND_FAST && !(g->relaxed & NODE_FAST)))
            continue;
        if (matches(&m, in, dtype))
            return simplify_build(g, &m.m, m.rule->replacement, at);
    }
    return -1;
}
