/* A program: the user's functions and constants over the prelude, by name. */
#include "lower_state.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "prelude.h"

typedef struct user_name {
    const char *name;
    const ast_fn *fn;
    const_slot *constant; /* or this */
    bool wrong;
    int32_t n_results; /* that the check found; 0: not checked */
} user_name;

struct program {
    arena *ar;
    const ast_program *tree;
    jit_limits limits;
    user_name *user; /* sorted by name */
    int32_t n_user;
    const_slot *consts;         /* the user's, in text order */
    const ast_program **parsed; /* by prelude item; NULL: not yet */
    const_slot *prelude_consts;
    const ast_fn **grads; /* the user's `grad fn`s */
    bool *grad_wrong;
    const param_argument *param_arguments;
    const source *ours; /* of the functions that have those arguments */
    int32_t n_param_arguments;
    bool shared_params;    /* those of one path are one */
    const char *repeating; /* a function whose calls draw the same; NULL: none */
    int32_t n_grads;
    const ast_fn *adjoint[OP_COUNT], *operation[OP_COUNT]; /* NULL: not yet */
    const char **names;
    int32_t n_names;
    diag own; /* of parsing the prelude */
};

jit_limits program_limits(const program *p)
{
    return p->limits;
}

void program_set_param_arguments(program *p, const param_argument *list, int32_t n,
                                 const source *ours)
{
    p->ours = ours;
    p->param_arguments = list;
    p->n_param_arguments = n;
}

void program_share_params(program *p)
{
    p->shared_params = true;
}

bool program_shares_params(const program *p)
{
    return p->shared_params;
}

void program_repeat_draws(program *p, const char *fn)
{
    p->repeating = fn;
}

bool program_repeats_draws(const program *p, const ast_fn *fn)
{
    return p->repeating && fn && strcmp(fn->name, p->repeating) == 0;
}

bool program_is_ours(const program *p, const ast_fn *fn)
{
    return fn && p->ours && fn->src == p->ours;
}

const char *program_param_argument(const program *p, const char *path)
{
    for (int32_t i = 0; i < p->n_param_arguments; i++) {
        if (strcmp(p->param_arguments[i].path, path) == 0) {
            return p->param_arguments[i].argument;
        }
    }
    return NULL;
}

arena *program_arena(program *p)
{
    return p->ar;
}

const ast_program *program_tree(const program *p)
{
    return p->tree;
}

const_slot *program_const_at(program *p, int32_t i)
{
    return &p->consts[i];
}

static jit_limits filled(const jit_limits *limits)
{
    jit_limits l = limits ? *limits : (jit_limits){ 0 };
    l.text_bytes = l.text_bytes ? l.text_bytes : 1 << 20;
    l.nesting = l.nesting ? l.nesting : 256;
    l.nodes = l.nodes ? l.nodes : 100000;
    l.name_bytes = l.name_bytes ? l.name_bytes : 255;
    return l;
}

/* ------------------------------------------------------------------------------ the prelude */

static bool is_file(const prelude_item *item, const char *file)
{
    return strcmp(item->file, file) == 0;
}

/* What users see: not the definitions of operators, not names that begin with _ (which the
 * whole prelude sees). */
static bool visible(const prelude_item *item)
{
    return strncmp(item->file, "math_", 5) != 0 && item->name[0] != '_' &&
           !strchr(item->name, ' ');
}

bool program_defines(const ast_fn *fn)
{
    return fn->src && fn->src->prelude && strncmp(fn->src->name, "math_", 5) == 0;
}

static bool sees_hidden(const source *src)
{
    return src && src->prelude &&
           (strncmp(src->name, "math_", 5) == 0 || strcmp(src->name, "builtin.fj") == 0);
}

/* Text of ours: as in that file of the prelude. */
static const ast_program *parse_text(program *p, const char *file, const char *text, diag *d)
{
    jit_limits limits = filled(NULL);
    source *src = text ? arena_alloc(p->ar, sizeof *src) : NULL;
    const ast_program *parsed = NULL;
    if (src) {
        *src = (source){
            .name = file, .text = text, .length = (int32_t)strlen(text), .prelude = true
        };
        diag_init(&p->own, NULL, src);
        parsed = parse_program(p->ar, src, &limits, &p->own);
    }
    if (parsed) {
        return parsed;
    }
    if (arena_failed(p->ar)) {
        diag_no_memory(d);
    } else {
        diag_plain(d, DIAG_internal, "%.60s: %s", text, p->own.out->diagnostic[0].message);
    }
    return NULL;
}

static const ast_program *parse_item(program *p, const prelude_item *item, diag *d)
{
    int32_t i = (int32_t)(item - prelude_items);
    if (!p->parsed[i]) {
        p->parsed[i] = parse_text(p, item->file, item->text, d);
    }
    return p->parsed[i];
}

static const char *const operands[] = { "", "x", "x, y", "x, y, z" };

static const ast_fn *text_fn(program *p, const ast_fn **kept, const char *text, diag *d)
{
    const ast_program *parsed = *kept ? NULL : parse_text(p, "math_adjoint", text, d);
    *kept = parsed && parsed->n_fns ? parsed->fns[0] : *kept;
    return *kept;
}

const ast_fn *program_adjoint(program *p, op o, diag *d)
{
    const op_row *row = op_info(o);
    if (row->arity < 1 || row->arity > 3 || !row->adjoint[0]) {
        return NULL;
    }
    const char *text = arena_format(p->ar, "fn slope_of_%s(%s, r, g) = (%s)", row->name,
                                    operands[row->arity], row->adjoint);
    return text_fn(p, &p->adjoint[o], text, d);
}

const ast_fn *program_operator(program *p, op o, diag *d)
{
    const op_row *row = op_info(o);
    if (row->arity < 1 || row->arity > 3) {
        return NULL;
    }
    const char *in = operands[row->arity];
    return text_fn(p, &p->operation[o],
                   arena_format(p->ar, "fn %s_(%s) = %s(%s)", row->name, in, row->name, in), d);
}

static const prelude_item *prelude_seen(const char *name, const source *src)
{
    const prelude_item *item = prelude_find(name);
    bool inner = src && src->prelude && name[0] == '_';
    return item && (visible(item) || inner || sees_hidden(src)) ? item : NULL;
}

bool program_is_builtin(const char *name)
{
    const prelude_item *item = prelude_find(name);
    if (item && !item->is_const && is_file(item, "builtin.fj")) {
        return true;
    }
    return op_find(name) != OP_none || builtin_find(name) != 0;
}

/* ------------------------------------------------------------------------------ look-up */

static int by_name(const void *a, const void *b)
{
    return strcmp(((const user_name *)a)->name, ((const user_name *)b)->name);
}

static user_name *find_user(const program *p, const char *name, const source *src)
{
    user_name key = { .name = name };
    if ((src && src->prelude) || p->n_user == 0) {
        return NULL;
    }
    return bsearch(&key, p->user, (size_t)p->n_user, sizeof key, by_name);
}

/* Any operator, hidden ones too: for the prelude. */
static op any_op(const char *name)
{
    for (int o = OP_none + 1; o < OP_COUNT; o++) {
        const op_row *row = op_info((op)o);
        bool leaf = row->rule == RULE_LEAF && o != OP_index && o != OP_seed;
        if (!leaf && row->rule != RULE_CAST && strcmp(row->name, name) == 0) {
            return (op)o;
        }
    }
    return OP_none;
}

callee program_callee(program *p, const char *name, const source *src, diag *d)
{
    bool hidden = sees_hidden(src);
    const user_name *user = find_user(p, name, src);
    if (user) {
        return (
            callee){ .kind = user->fn ? CALLEE_FN : CALLEE_NONE, .name = name, .fn = user->fn };
    }
    int32_t special = builtin_find(name);
    if (special) {
        return (callee){ .kind = CALLEE_SPECIAL, .name = name, .special = special };
    }
    op o = hidden ? any_op(name) : op_find(name);
    if (o != OP_none) {
        return (callee){ .kind = CALLEE_OP, .name = name, .op = o };
    }
    const prelude_item *item = prelude_seen(name, src);
    if (item && !item->is_const) {
        const ast_program *parsed = parse_item(p, item, d);
        const ast_fn *fn = parsed && parsed->n_fns ? parsed->fns[0] : NULL;
        return (callee){ .kind = fn ? CALLEE_FN : CALLEE_UNKNOWN, .name = name, .fn = fn };
    }
    return (callee){ .kind = CALLEE_NONE, .name = name };
}

callee program_hidden(program *p, const char *name, diag *d)
{
    const prelude_item *item = prelude_find(name);
    const ast_program *parsed = item && !item->is_const ? parse_item(p, item, d) : NULL;
    if (!parsed || parsed->n_fns == 0) {
        if (!item) {
            diag_plain(d, DIAG_internal, "the prelude has no '%s'", name);
        }
        return (callee){ .kind = CALLEE_NONE, .name = name };
    }
    return (callee){ .kind = CALLEE_FN, .name = name, .fn = parsed->fns[0] };
}

bool *program_fn_wrong(program *p, const ast_fn *fn)
{
    user_name *user = find_user(p, fn->name, fn->src);
    for (int32_t i = 0; fn->is_grad && i < p->n_grads; i++) {
        if (p->grads[i] == fn) {
            return &p->grad_wrong[i];
        }
    }
    return user && user->fn == fn ? &user->wrong : NULL;
}

void program_set_results(program *p, const ast_fn *fn, int32_t n)
{
    user_name *user = find_user(p, fn->name, fn->src);
    if (user && user->fn == fn && n > 0) {
        user->n_results = n;
    }
}

int32_t program_count_results(program *p, const ast_fn *fn)
{
    const user_name *user = find_user(p, fn->name, fn->src);
    bool known = user && user->fn == fn && user->n_results > 0;
    return fn->n_results > 0 ? fn->n_results : known ? user->n_results : 1;
}

const ast_fn *program_grad_fn(program *p, const ast_fn *fn, diag *d)
{
    char name[64];
    if (!fn->src || !fn->src->prelude) {
        for (int32_t i = 0; i < p->n_grads; i++) {
            if (strcmp(p->grads[i]->name, fn->name) == 0) {
                return p->grads[i];
            }
        }
        return NULL;
    }
    (void)snprintf(name, sizeof name, "grad %.50s", fn->name);
    const prelude_item *item = prelude_find(name);
    const ast_program *parsed = item ? parse_item(p, item, d) : NULL;
    return parsed && parsed->n_fns ? parsed->fns[0] : NULL;
}

const_slot *program_const(program *p, const char *name, const source *src, diag *d)
{
    const user_name *user = find_user(p, name, src);
    if (user) {
        return user->constant;
    }
    const prelude_item *item = prelude_seen(name, src);
    if (!item || !item->is_const) {
        return NULL;
    }
    const ast_program *parsed = parse_item(p, item, d);
    const_slot *c = &p->prelude_consts[item - prelude_items];
    if (parsed && parsed->n_consts && !c->ast) {
        c->ast = parsed->consts[0];
    }
    return c->ast ? c : NULL;
}

const ast_fn *program_load(program *p, const char *name, diag *d)
{
    callee c = program_callee(p, name, NULL, d);
    return c.kind == CALLEE_FN ? c.fn : NULL;
}

const ast_fn *program_find(program *p, const char *name)
{
    diag scratch;
    diag_init(&scratch, NULL, NULL);
    return program_load(p, name, &scratch);
}

/* ------------------------------------------------------------------------------ names */

const char *const *program_names(program *p, int32_t *n)
{
    *n = p->n_names;
    return p->names;
}

const char *program_nearest(program *p, const char *name, bool consts)
{
    const char *near = diag_nearest(name, p->names, p->n_names);
    for (int32_t i = 0; !near && consts && i < p->n_user && i < 1000; i++) {
        if (p->user[i].constant) {
            near = diag_nearest(name, &p->user[i].name, 1);
        }
    }
    return near;
}

static bool collect_names(program *p)
{
    int32_t n_special = 0, n = 0;
    const char *const *special = builtin_names(&n_special);
    size_t most = (size_t)(p->n_user + n_special + prelude_count) + OP_COUNT;
    p->names = arena_alloc(p->ar, most * sizeof *p->names);
    if (!p->names) {
        return false;
    }
    for (int32_t i = 0; i < p->n_user; i++) {
        if (p->user[i].fn) {
            p->names[n++] = p->user[i].name;
        }
    }
    for (int32_t i = 0; i < n_special; i++) {
        p->names[n++] = special[i];
    }
    for (int o = OP_none + 1; o < OP_COUNT; o++) {
        if (!(op_info((op)o)->flags & OP_HIDDEN)) {
            p->names[n++] = op_info((op)o)->name;
        }
    }
    for (int32_t i = 0; i < prelude_count; i++) {
        const prelude_item *item = &prelude_items[i];
        if (visible(item) && !item->is_const && !find_user(p, item->name, NULL)) {
            p->names[n++] = item->name;
        }
    }
    p->n_names = n;
    return true;
}

/* ------------------------------------------------------------------------------ making one */

static bool allocate(program *p, const ast_program *tree)
{
    size_t n = (size_t)tree->n_fns + (size_t)tree->n_consts + 1;
    size_t m = (size_t)prelude_count + 1;
    p->user = arena_alloc(p->ar, n * sizeof *p->user);
    p->consts = arena_alloc(p->ar, n * sizeof *p->consts);
    p->grads = arena_alloc(p->ar, n * sizeof *p->grads);
    p->grad_wrong = arena_alloc(p->ar, n);
    p->parsed = arena_alloc(p->ar, m * sizeof *p->parsed);
    p->prelude_consts = arena_alloc(p->ar, m * sizeof *p->prelude_consts);
    return p->user && p->consts && p->grads && p->grad_wrong && p->parsed && p->prelude_consts;
}

static span defined_at(const user_name *u)
{
    return u->fn ? u->fn->name_at : u->constant->ast->name_at;
}

static const source *defined_in(const user_name *u)
{
    return u->fn ? u->fn->src : u->constant->ast->src;
}

/* A `grad fn` is of a function of the program, and takes its arguments and g. */
static void check_grad(program *p, int32_t i, diag *d)
{
    const ast_fn *rule = p->grads[i];
    const user_name *of = find_user(p, rule->name, NULL);
    d->src = rule->src;
    if (!of || !of->fn) {
        diag_at(d, DIAG_grad_rule, rule->name_at, "there is no function '%s' in this program",
                rule->name);
        return;
    }
    for (int32_t k = 0; k < i; k++) {
        if (strcmp(p->grads[k]->name, rule->name) == 0) {
            diag_at(d, DIAG_duplicate_name, rule->name_at, "'grad fn %s' is defined twice",
                    rule->name);
        }
    }
    int32_t n = of->fn->n_args, m = of->fn->n_uniforms;
    if (rule->n_args != n + 1) {
        diag_at(d, DIAG_grad_rule, rule->name_at,
                "'grad fn %s' takes %d arguments, not %d: those of '%s', then the gradient",
                rule->name, (int)rule->n_args, (int)n + 1, rule->name);
    } else if (rule->n_uniforms != m) {
        diag_at(d, DIAG_grad_rule, rule->name_at,
                "'grad fn %s' takes %d uniform arguments, '%s' %d", rule->name,
                (int)rule->n_uniforms, rule->name, (int)m);
    }
}

static void check_names(program *p, diag *d)
{
    for (int32_t i = 0; i < p->n_grads; i++) {
        check_grad(p, i, d);
    }
    for (int32_t i = 0; i < p->n_user; i++) {
        const user_name *u = &p->user[i];
        d->src = defined_in(u);
        if (program_is_builtin(u->name)) {
            diag_at(d, DIAG_builtin_name, defined_at(u), "'%s' is built in", u->name);
            diag_hint(d, "choose another name");
        }
        if (i > 0 && strcmp(p->user[i - 1].name, u->name) == 0) {
            const user_name *first = &p->user[i - 1];
            bool later = defined_in(first) == defined_in(u) &&
                         defined_at(first).start > defined_at(u).start;
            const user_name *second = later ? first : u;
            d->src = defined_in(second);
            diag_at(d, DIAG_duplicate_name, defined_at(second), "'%s' is defined twice",
                    u->name);
        }
    }
}

static void fill_names(program *p, const ast_program *tree)
{
    int32_t n = 0;
    for (int32_t i = 0; i < tree->n_fns; i++) {
        const ast_fn *fn = tree->fns[i];
        if (fn->is_grad) {
            p->grads[p->n_grads++] = fn;
            continue;
        }
        p->user[n++] = (user_name){ .name = fn->name, .fn = fn };
    }
    for (int32_t i = 0; i < tree->n_consts; i++) {
        p->consts[i].ast = tree->consts[i];
        p->user[n++] = (user_name){ .name = tree->consts[i]->name, .constant = &p->consts[i] };
    }
    p->n_user = n;
    qsort(p->user, (size_t)n, sizeof *p->user, by_name);
}

program *program_new(arena *ar, const ast_program *tree, const jit_limits *limits, diag *d)
{
    const source *src = d->src;
    program *p = arena_alloc(ar, sizeof *p);
    if (!p) {
        diag_no_memory(d);
        return NULL;
    }
    p->ar = ar;
    p->tree = tree;
    p->limits = filled(limits);
    if (!allocate(p, tree)) {
        diag_no_memory(d);
        return NULL;
    }
    fill_names(p, tree);
    check_names(p, d);
    if (!collect_names(p)) {
        diag_no_memory(d);
    } else {
        check_program(p, d);
    }
    d->src = src;
    return diag_failed(d) ? NULL : p;
}
