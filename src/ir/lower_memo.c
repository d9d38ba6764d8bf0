/* Types of variables, learned by lowering a body again.
 *
 * A variable without a declared type has the promoted type of all that is assigned to it. A
 * memo holds, for one function on arguments of given types, what is assumed of each variable
 * (by its ordinal in the body) and what the running pass has seen assigned. When a pass saw
 * something else, the assumption is corrected and the body lowered again; the nodes of the old
 * pass are dead. Since a later call on the same types starts from the memo, nested calls do not
 * multiply passes.
 *
 * In a check the memo also keeps the types of the results, so that a function is lowered once
 * for each combination of argument types, however often it is called. */
#include "lower_state.h"

#include <string.h>

enum { WORDS = 3 }; /* of a key, for one argument */

static void key_of_value(const lowering *lw, value v, uint64_t *word)
{
    word[0] = (uint64_t)v.kind;
    word[1] = word[2] = 0;
    switch (v.kind) {
    case VALUE_INTEGER:
        word[1] = (uint64_t)v.u.integer;
        word[2] = v.u.integer < 0;
        break;
    case VALUE_REAL:
        word[1] = type_encode(JIT_F64, (cell){ .f = v.u.real });
        break;
    case VALUE_NODE:
    case VALUE_WEAK_NODE:
        word[1] = (uint64_t)graph_dtype(lw->g, v.u.node) |
                  (uint64_t)graph_node(lw->g, v.u.node)->shape << 8;
        word[2] = v.u.node == lw->yes ? 1 : v.u.node == lw->no ? 2 : 0;
        break;
    case VALUE_FUNCTION:
        word[1] = (uint64_t)(uintptr_t)v.u.function->fn;
        word[2] = ((uint64_t)v.u.function->kind << 32) | (uint64_t)v.u.function->op |
                  ((uint64_t)v.u.function->special << 16);
        break;
    default:
        break;
    }
}

static uint64_t *make_key(lowering *lw, const ast_fn *fn, const value *args, int32_t n)
{
    uint64_t *key = arena_alloc(lw->ar, (size_t)(WORDS * n + 2) * sizeof *key);
    if (!key) {
        lower_no_memory(lw);
        return NULL;
    }
    key[0] = (uint64_t)(uintptr_t)fn;
    key[1] = (uint64_t)lw->frame->float_type | (uint64_t)lw->g->relaxed << 32;
    for (int32_t i = 0; i < n; i++) {
        const uint64_t *word = key + 2 + WORDS * i;
        key_of_value(lw, args[i], key + 2 + WORDS * i);
        bool dim = i >= fn->n_args && fn->uniforms[i - fn->n_args].type.is_dim;
        if (dim && word[0] == VALUE_WEAK_NODE) {
            key[2 + WORDS * i + 2] = (uint64_t)args[i].u.node; /* extents depend on it */
        }
    }
    return key;
}

bool memo_clear(lowering *lw)
{
    enum { FIRST = 64 };
    lw->memos = arena_alloc(lw->ar, FIRST * sizeof *lw->memos);
    lw->n_memos = 0;
    lw->n_memo_buckets = lw->memos ? FIRST : 0;
    return lw->memos || lower_no_memory(lw);
}

static void insert(lowering *lw, memo *m)
{
    memo **bucket = &lw->memos[m->hash & (uint64_t)(lw->n_memo_buckets - 1)];
    m->next = *bucket;
    *bucket = m;
}

static bool grow(lowering *lw)
{
    int32_t n = lw->n_memo_buckets;
    memo **old = lw->memos, **more = arena_alloc(lw->ar, 2 * (size_t)n * sizeof *more);
    if (!more) {
        return lower_no_memory(lw);
    }
    lw->memos = more;
    lw->n_memo_buckets = 2 * n;
    for (int32_t i = 0; i < n; i++) {
        for (memo *m = old[i], *next; m; m = next) {
            next = m->next;
            insert(lw, m);
        }
    }
    return true;
}

static memo *add_memo(lowering *lw, const uint64_t *key, int32_t n_key, uint64_t hash)
{
    memo *m = arena_alloc(lw->ar, sizeof *m);
    if (!m) {
        lower_no_memory(lw);
        return NULL;
    }
    m->key = key;
    m->n_key = n_key;
    m->hash = hash;
    m->n_results = -1;
    if (++lw->n_memos > lw->n_memo_buckets && !grow(lw)) {
        return NULL;
    }
    insert(lw, m);
    return m;
}

memo *memo_find(lowering *lw, const ast_fn *fn, const value *args, int32_t n)
{
    int32_t n_key = WORDS * n + 2;
    uint64_t *key = make_key(lw, fn, args, n), hash = 0;
    if (!key) {
        return NULL;
    }
    for (int32_t i = 0; i < n_key; i++) {
        hash = (hash ^ key[i]) * 0x9e3779b97f4a7c15u;
        hash ^= hash >> 29;
    }
    memo *m = lw->memos[hash & (uint64_t)(lw->n_memo_buckets - 1)];
    for (; m; m = m->next) {
        bool same = m->hash == hash && m->n_key == n_key;
        if (same && memcmp(m->key, key, (size_t)n_key * sizeof *key) == 0) {
            return m;
        }
    }
    return add_memo(lw, key, n_key, hash);
}

value_type memo_type(const memo *m, int32_t ordinal)
{
    return ordinal < m->n_types ? m->types[ordinal] : TYPE_UNKNOWN;
}

int32_t memo_shape(const memo *m, int32_t ordinal)
{
    return ordinal >= 0 && ordinal < m->n_types ? m->shapes[ordinal] : 0;
}

void memo_see_shape(memo *m, int32_t ordinal, int32_t shape)
{
    if (ordinal >= 0 && ordinal < m->n_types) {
        m->reshaped = m->reshaped || m->shapes[ordinal] != shape;
        m->shapes[ordinal] = shape;
    }
}

void memo_see(lowering *lw, memo *m, int32_t ordinal, value_type t)
{
    void *types = m->types, *seen = m->seen, *shapes = m->shapes;
    if (!arena_grow(lw->ar, &types, sizeof *m->types, &m->cap_types, ordinal + 1) ||
        !arena_grow(lw->ar, &seen, sizeof *m->seen, &m->cap_seen, ordinal + 1) ||
        !arena_grow(lw->ar, &shapes, sizeof *m->shapes, &m->cap_shapes, ordinal + 1)) {
        lower_no_memory(lw);
        return;
    }
    m->types = types;
    m->seen = seen;
    m->shapes = shapes;
    for (; m->n_types <= ordinal; m->n_types++) {
        m->shapes[m->n_types] = 0;
        m->types[m->n_types] = m->seen[m->n_types] = TYPE_UNKNOWN;
    }
    m->seen[ordinal] = type_join(m->seen[ordinal], t);
}

void memo_begin(memo *m)
{
    for (int32_t i = 0; i < m->n_types; i++) {
        m->seen[i] = TYPE_UNKNOWN;
    }
    m->learned = m->reshaped = false;
}

static bool unstable(const memo *m, int32_t i)
{
    return m->seen[i] != m->types[i] && m->seen[i] != TYPE_UNKNOWN;
}

/* An untyped real with a typed integer gives f64, an f32 with it f32: so what became f32 is
 * corrected first, and what became f64 is looked at again. */
bool memo_end(memo *m, int32_t pass)
{
    enum { FREE_PASSES = 8 }; /* after them types only widen, so that the passes end */
    bool again = m->learned || (m->reshaped && pass < FREE_PASSES), narrow_first = false;
    for (int32_t i = 0; i < m->n_types; i++) {
        narrow_first = narrow_first || (unstable(m, i) && m->seen[i] == JIT_F32);
    }
    for (int32_t i = 0; i < m->n_types; i++) {
        if (!unstable(m, i)) {
            continue;
        }
        value_type wider = type_join(m->types[i], m->seen[i]);
        if (pass >= FREE_PASSES) {
            again = again || wider != m->types[i];
            m->types[i] = wider;
        } else if (!narrow_first || m->seen[i] != JIT_F64) {
            again = true;
            m->types[i] = m->seen[i];
        }
    }
    return again;
}
