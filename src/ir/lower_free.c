/* Free names of an expression: what `-e TEXT` takes as arguments. */
#include "lower_state.h"

#include <string.h>

typedef struct free_scan {
    program *p;
    arena *ar;
    diag *d;
    const char *const *keep;
    int32_t n_keep;
    free_names *out;
    int32_t cap;
    const char **bound; /* indices of the reductions around */
    int32_t n_bound, cap_bound;
    int32_t *buckets; /* of names found, by hash: index + 1 */
    int32_t *next, cap_next, cap_alone;
    int32_t depth;
    bool subscript; /* what is scanned is one number that selects */
    bool failed;
} free_scan;

enum { BUCKETS = 256 };

static bool among(const char *name, const char *const *list, int32_t n)
{
    for (int32_t i = 0; i < n; i++) {
        if (strcmp(list[i], name) == 0) {
            return true;
        }
    }
    return false;
}

static bool is_bound(free_scan *s, const char *name)
{
    if (among(name, s->bound, s->n_bound)) {
        return true;
    }
    if (among(name, s->keep, s->n_keep)) {
        return false;
    }
    return program_const(s->p, name, NULL, s->d) ||
           program_callee(s->p, name, NULL, s->d).kind != CALLEE_NONE;
}

static void found(free_scan *s, const char *name)
{
    uint32_t b = scope_hash(name) % BUCKETS;
    void *names = s->out->name, *next = s->next, *alone = s->out->subscript;
    for (int32_t i = s->buckets[b]; i; i = s->next[i - 1]) {
        if (strcmp(s->out->name[i - 1], name) == 0) {
            s->out->subscript[i - 1] = s->out->subscript[i - 1] && s->subscript;
            return;
        }
    }
    if (!arena_grow(s->ar, &names, sizeof *s->out->name, &s->cap, s->out->n + 1) ||
        !arena_grow(s->ar, &next, sizeof *s->next, &s->cap_next, s->out->n + 1) ||
        !arena_grow(s->ar, &alone, sizeof *s->out->subscript, &s->cap_alone, s->out->n + 1)) {
        s->failed = true;
        return;
    }
    s->out->name = names;
    s->next = next;
    s->out->subscript = alone;
    s->out->name[s->out->n] = name;
    s->out->subscript[s->out->n] = s->subscript;
    s->next[s->out->n] = s->buckets[b];
    s->buckets[b] = ++s->out->n;
}

static void scan_expr(free_scan *s, const ast_expr *e);

/* A chain of left operands, whose length is no depth. */
static void scan_binary(free_scan *s, const ast_expr *e)
{
    const ast_expr **right = NULL;
    int32_t n = 0, cap = 0;
    bool products = false, outer = s->subscript;
    for (; e->kind == EXPR_BINARY; e = e->u.binary.x) {
        void *array = right;
        if (!arena_grow(s->ar, &array, sizeof *right, &cap, n + 1)) {
            s->failed = true;
            return;
        }
        right = array;
        right[n++] = e->u.binary.y;
        products = products || e->u.binary.op == BINARY_MATMUL;
    }
    s->out->arrays = s->out->arrays || products;
    s->subscript = outer && !products;
    scan_expr(s, e);
    while (n > 0) {
        scan_expr(s, right[--n]);
    }
    s->subscript = outer;
}

static void scan_args(free_scan *s, const ast_arg *args, int32_t n)
{
    for (int32_t i = 0; i < n; i++) {
        scan_expr(s, args[i].value);
    }
}

/* sum(x), min(x), softmax(x): of a whole array. */
static bool takes_arrays(free_scan *s, const ast_expr *e)
{
    if (e->u.call.callee->kind != EXPR_NAME) {
        return false;
    }
    const char *name = e->u.call.callee->u.name;
    for (int32_t o = REDOP_SUM; o <= REDOP_MEAN; o++) {
        if (strcmp(name, ast_redop_text((ast_redop)o)) == 0) {
            return e->u.call.n_args == 1;
        }
    }
    callee c = program_callee(s->p, name, NULL, s->d);
    for (int32_t i = 0; c.kind == CALLEE_FN && i < c.fn->n_args; i++) {
        if (c.fn->args[i].type.n_dims > 0) {
            return true;
        }
    }
    return false;
}

static void scan_call(free_scan *s, const ast_expr *e)
{
    bool arrays = takes_arrays(s, e), outer = s->subscript;
    s->out->arrays = s->out->arrays || arrays;
    s->subscript = outer && !arrays;
    if (e->u.call.callee->kind != EXPR_NAME) {
        scan_expr(s, e->u.call.callee);
    }
    scan_args(s, e->u.call.args, e->u.call.n_args);
    scan_args(s, e->u.call.uniforms, e->u.call.n_uniforms);
    s->subscript = outer;
}

static void scan_reduce(free_scan *s, const ast_expr *e)
{
    int32_t n_bound = s->n_bound;
    for (int32_t i = 0; i < e->u.reduce.n_binders; i++) {
        const ast_binder *b = &e->u.reduce.binders[i];
        void *array = s->bound;
        if (b->from) {
            scan_expr(s, b->from);
            scan_expr(s, b->to);
        }
        if (!arena_grow(s->ar, &array, sizeof *s->bound, &s->cap_bound, s->n_bound + 1)) {
            s->failed = true;
            return;
        }
        s->bound = array;
        s->bound[s->n_bound++] = b->name;
    }
    scan_expr(s, e->u.reduce.body);
    s->n_bound = n_bound;
}

static void scan_list(free_scan *s, const ast_expr *const *items, int32_t n)
{
    for (int32_t i = 0; i < n; i++) {
        scan_expr(s, items[i]);
    }
}

static void scan_index(free_scan *s, const ast_expr *e)
{
    bool outer = s->subscript;
    s->out->arrays = true;
    s->subscript = false;
    scan_expr(s, e->u.index.base);
    s->subscript = true;
    scan_list(s, e->u.index.subscripts, e->u.index.n);
    s->subscript = outer;
}

static void dispatch(free_scan *s, const ast_expr *e)
{
    switch (e->kind) {
    case EXPR_NAME:
        if (!is_bound(s, e->u.name)) {
            found(s, e->u.name);
        }
        break;
    case EXPR_UNARY:
        scan_expr(s, e->u.unary.x);
        break;
    case EXPR_BINARY:
        scan_binary(s, e);
        break;
    case EXPR_SELECT:
        scan_expr(s, e->u.select.condition);
        scan_expr(s, e->u.select.yes);
        scan_expr(s, e->u.select.no);
        break;
    case EXPR_CALL:
        scan_call(s, e);
        break;
    case EXPR_INDEX:
        scan_index(s, e);
        break;
    case EXPR_REDUCE:
        scan_reduce(s, e);
        break;
    case EXPR_TUPLE:
        scan_list(s, e->u.tuple.items, e->u.tuple.n);
        break;
    default:
        break;
    }
}

static void scan_expr(free_scan *s, const ast_expr *e)
{
    enum { MAX_DEPTH = 1024 }; /* the parser's limit is lower */
    if (s->failed || ++s->depth > MAX_DEPTH) {
        s->failed = true;
        return;
    }
    dispatch(s, e);
    s->depth--;
}

bool lower_free_names(program *prelude, const ast_expr *e, const char *const *keep,
                      int32_t n_keep, arena *ar, free_names *out)
{
    diag *scratch = arena_alloc(ar, sizeof *scratch);
    free_scan s = {
        .p = prelude, .ar = ar, .d = scratch, .keep = keep, .n_keep = n_keep, .out = out
    };
    *out = (free_names){ 0 };
    s.buckets = arena_alloc(ar, BUCKETS * sizeof *s.buckets);
    if (!scratch || !s.buckets) {
        return false;
    }
    diag_init(scratch, NULL, NULL);
    scan_expr(&s, e);
    return !s.failed;
}
