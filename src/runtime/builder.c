/* The builder: the tree that a text would give, made call by call. jit_build prints it and
 * compiles the text, so that messages about a built program have lines to show. */
#include <math.h>
#include <string.h>

#include "array.h"
#include "module.h"

/* What jit_end closes; the first is the function itself. */
typedef struct open_block {
    ast_stmt *stmt; /* NULL: the function's body */
    bool in_else;
    const ast_stmt **stmts;
    int32_t n, capacity;
} open_block;

struct jit_builder {
    jit_context *context; /* counted */
    arena *ar;
    diag d;                 /* the first error */
    const ast_expr **exprs; /* by handle; [0] unused */
    int32_t *depths;        /* of the trees, left spines counted once */
    int32_t n_exprs, cap_exprs, cap_depths;
    const ast_fn **fns;
    int32_t n_fns, cap_fns;
    ast_fn *fn; /* being made, or NULL */
    ast_param *args, *uniforms;
    ast_result *results;
    int32_t cap_args, cap_uniforms, cap_results;
    open_block *blocks;
    int32_t n_blocks, cap_blocks;
};

/* ---------------------------------------------------------------- making */

static void destroy(jit_builder *b)
{
    jit_context *c = b->context;
    arena_free(b->ar);
    context_release(c, b, sizeof *b);
    context_give(c);
}

jit_builder *jit_builder_new(jit_context *context, jit_error *err)
{
    diag d;
    diag_init(&d, err, NULL);
    jit_context *c = context_take(context, &d);
    if (!c)
        return NULL;
    jit_builder *b = context_alloc(c, sizeof *b);
    if (!b) {
        diag_no_memory(&d);
        context_give(c);
        return NULL;
    }
    b->context = c;
    b->n_exprs = 1;
    diag_init(&b->d, NULL, NULL);
    b->ar = arena_new(&c->allocator, (size_t)c->limits.memory);
    if (!b->ar) {
        diag_no_memory(&d);
        destroy(b);
        return NULL;
    }
    return b;
}

void jit_builder_free(jit_builder *b)
{
    if (b)
        destroy(b);
}

/* ---------------------------------------------------------------- errors, names, memory */

static bool ready(const jit_builder *b)
{
    return b && !diag_failed(&b->d);
}

static bool grow(jit_builder *b, void **array, size_t size, int32_t *capacity, int32_t needed)
{
    if (arena_grow(b->ar, array, size, capacity, needed))
        return true;
    diag_no_memory(&b->d);
    return false;
}

static void *alloc(jit_builder *b, size_t size)
{
    void *p = arena_alloc(b->ar, size);
    if (!p)
        diag_no_memory(&b->d);
    return p;
}

static bool is_name(const char *name)
{
    if (!name || !name[0] || (name[0] >= '0' && name[0] <= '9'))
        return false;
    for (const char *c = name; *c; c++)
        if (!((*c >= 'a' && *c <= 'z') || (*c >= 'A' && *c <= 'Z') ||
              (*c >= '0' && *c <= '9') || *c == '_' || (unsigned char)*c >= 0x80))
            return false;
    return true;
}

/* A copy of a name; NULL and an error if it is none. */
static const char *copy_name(jit_builder *b, const char *name)
{
    if (!is_name(name)) {
        diag_plain(&b->d, DIAG_builder_name, "'%.60s' is not a name", name ? name : "(null)");
        return NULL;
    }
    const char *copy = arena_text(b->ar, name, strlen(name));
    if (!copy)
        diag_no_memory(&b->d);
    return copy;
}

static bool read_type(jit_builder *b, const char *type, bool uniform, ast_type *t)
{
    *t = (ast_type){ .given = type != NULL };
    if (!type)
        return true;
    t->is_dim = uniform && strcmp(type, "dim") == 0;
    t->is_fn = uniform && strcmp(type, "fn") == 0;
    t->scalar = jit_dtype_parse(type);
    if (t->is_dim || t->is_fn || t->scalar != JIT_NONE)
        return true;
    diag_plain(&b->d, DIAG_builder_name, "'%.60s' is not a type", type);
    return false;
}

static bool misplaced(jit_builder *b, const char *what)
{
    diag_plain(&b->d, DIAG_builder_order, "%s", what);
    return false;
}

/* ---------------------------------------------------------------- expressions */

static const ast_expr *expr_at(jit_builder *b, jit_expr e)
{
    if (e > 0 && e < b->n_exprs)
        return b->exprs[e];
    diag_plain(&b->d, DIAG_builder_order, "%d is no expression of this builder", (int)e);
    return NULL;
}

/* Takes a filled node; depth is that of its deepest operand. */
static jit_expr add_expr(jit_builder *b, const ast_expr *filled, int32_t depth)
{
    if (depth > b->context->limits.nesting) {
        diag_plain(&b->d, DIAG_builder_order, "expressions are nested more than %d deep",
                   (int)b->context->limits.nesting);
        return 0;
    }
    ast_expr *e = alloc(b, sizeof *e);
    if (!e || !grow(b, (void **)&b->exprs, sizeof *b->exprs, &b->cap_exprs, b->n_exprs + 1) ||
        !grow(b, (void **)&b->depths, sizeof *b->depths, &b->cap_depths, b->n_exprs + 1))
        return 0;
    *e = *filled;
    b->exprs[b->n_exprs] = e;
    b->depths[b->n_exprs] = depth;
    return b->n_exprs++;
}

static jit_expr add_negative(jit_builder *b, jit_expr x)
{
    if (!ready(b))
        return 0;
    ast_expr e = { .kind = EXPR_UNARY };
    e.u.unary.op = UNARY_NEG;
    e.u.unary.x = b->exprs[x];
    return add_expr(b, &e, b->depths[x] + 1);
}

jit_expr jit_name(jit_builder *b, const char *name)
{
    const char *copy = ready(b) ? copy_name(b, name) : NULL;
    if (!copy)
        return 0;
    ast_expr e = { .kind = EXPR_NAME };
    e.u.name = copy;
    return add_expr(b, &e, 0);
}

/* The language has no literals below zero, and none for what is not finite. */
jit_expr jit_real(jit_builder *b, double value)
{
    if (!ready(b))
        return 0;
    if (signbit(value) && value == value)
        return add_negative(b, jit_real(b, -value));
    if (!isfinite(value))
        return jit_name(b, value != value ? "nan" : "inf");
    ast_expr e = { .kind = EXPR_REAL };
    e.u.real = value;
    return add_expr(b, &e, 0);
}

jit_expr jit_integer(jit_builder *b, int64_t value)
{
    if (!ready(b))
        return 0;
    ast_expr e = { .kind = EXPR_INTEGER };
    e.u.integer = value < 0 ? 0 - (uint64_t)value : (uint64_t)value;
    jit_expr x = add_expr(b, &e, 0);
    return value < 0 ? add_negative(b, x) : x;
}

static bool find_unary(const char *op, ast_unary *found)
{
    for (int u = UNARY_NEG; u <= UNARY_INVERT; u++)
        if (strcmp(ast_unary_text((ast_unary)u), op) == 0) {
            *found = (ast_unary)u;
            return true;
        }
    return false;
}

static bool find_binary(const char *op, ast_binary *found)
{
    for (int o = BINARY_OR; o <= BINARY_POW; o++)
        if (strcmp(ast_binary_text((ast_binary)o), op) == 0) {
            *found = (ast_binary)o;
            return true;
        }
    return false;
}

static jit_expr add_unary(jit_builder *b, const char *op, jit_expr x)
{
    ast_expr e = { .kind = EXPR_UNARY };
    e.u.unary.x = expr_at(b, x);
    if (!e.u.unary.x)
        return 0;
    if (!find_unary(op, &e.u.unary.op)) {
        diag_plain(&b->d, DIAG_builder_operator, "'%.20s' is no operator of one operand", op);
        return 0;
    }
    return add_expr(b, &e, b->depths[x] + 1);
}

/* A chain such as a + b + c + ... leans to the left and is as deep as its other operands. */
static int32_t binary_depth(const jit_builder *b, ast_binary op, jit_expr x, jit_expr y)
{
    const ast_expr *left = b->exprs[x];
    bool chain = left->kind == EXPR_BINARY && op != BINARY_POW &&
                 ast_binary_precedence(left->u.binary.op) == ast_binary_precedence(op);
    int32_t dx = chain ? b->depths[x] : b->depths[x] + 1, dy = b->depths[y] + 1;
    return dx > dy ? dx : dy;
}

static jit_expr add_binary(jit_builder *b, const char *op, jit_expr x, jit_expr y)
{
    ast_expr e = { .kind = EXPR_BINARY };
    e.u.binary.x = expr_at(b, x);
    e.u.binary.y = e.u.binary.x ? expr_at(b, y) : NULL;
    if (!e.u.binary.y)
        return 0;
    if (!find_binary(op, &e.u.binary.op)) {
        diag_plain(&b->d, DIAG_builder_operator, "'%.20s' is no operator of two operands", op);
        return 0;
    }
    return add_expr(b, &e, binary_depth(b, e.u.binary.op, x, y));
}

jit_expr jit_op(jit_builder *b, const char *op, jit_expr x, jit_expr y)
{
    if (!ready(b))
        return 0;
    if (!op) {
        diag_plain(&b->d, DIAG_null_argument, "jit_op: the operator is null");
        return 0;
    }
    return y == 0 ? add_unary(b, op, x) : add_binary(b, op, x, y);
}

jit_expr jit_select(jit_builder *b, jit_expr condition, jit_expr yes, jit_expr no)
{
    if (!ready(b))
        return 0;
    ast_expr e = { .kind = EXPR_SELECT };
    e.u.select.condition = expr_at(b, condition);
    e.u.select.yes = e.u.select.condition ? expr_at(b, yes) : NULL;
    e.u.select.no = e.u.select.yes ? expr_at(b, no) : NULL;
    if (!e.u.select.no)
        return 0;
    int32_t depth = b->depths[condition];
    depth = b->depths[yes] > depth ? b->depths[yes] : depth;
    depth = b->depths[no] > depth ? b->depths[no] : depth;
    return add_expr(b, &e, depth + 1);
}

static jit_expr add_callee(jit_builder *b, const char *function)
{
    jit_dtype t = function ? jit_dtype_parse(function) : JIT_NONE;
    if (t == JIT_NONE)
        return jit_name(b, function);
    ast_expr e = { .kind = EXPR_SCALAR }; /* a cast */
    e.u.scalar = t;
    return add_expr(b, &e, 0);
}

jit_expr jit_apply(jit_builder *b, const char *function, const jit_expr *args, int n)
{
    jit_expr callee = ready(b) ? add_callee(b, function) : 0;
    if (!callee)
        return 0;
    if (n < 0 || (n > 0 && !args)) {
        diag_plain(&b->d, DIAG_null_argument, "jit_apply: %d arguments at %p", n,
                   (const void *)args);
        return 0;
    }
    ast_arg *list = alloc(b, ((size_t)n + 1) * sizeof *list);
    int32_t depth = 0;
    for (int i = 0; list && i < n; i++) {
        list[i].value = expr_at(b, args[i]);
        if (!list[i].value)
            return 0;
        depth = b->depths[args[i]] > depth ? b->depths[args[i]] : depth;
    }
    if (!list)
        return 0;
    ast_expr e = { .kind = EXPR_CALL };
    e.u.call.callee = b->exprs[callee];
    e.u.call.args = list;
    e.u.call.n_args = n;
    return add_expr(b, &e, depth + 1);
}

/* ---------------------------------------------------------------- functions */

static bool push_block(jit_builder *b, ast_stmt *stmt)
{
    if (b->n_blocks > b->context->limits.nesting) {
        diag_plain(&b->d, DIAG_builder_order, "blocks are nested more than %d deep",
                   (int)b->context->limits.nesting);
        return false;
    }
    if (!grow(b, (void **)&b->blocks, sizeof *b->blocks, &b->cap_blocks, b->n_blocks + 1))
        return false;
    b->blocks[b->n_blocks++] = (open_block){ .stmt = stmt };
    return true;
}

void jit_fn_begin(jit_builder *b, const char *name)
{
    if (!ready(b))
        return;
    if (b->fn) {
        misplaced(b, "jit_fn_begin inside a function");
        return;
    }
    const char *copy = copy_name(b, name);
    ast_fn *fn = copy ? alloc(b, sizeof *fn) : NULL;
    if (!fn || !push_block(b, NULL))
        return;
    fn->name = copy;
    b->fn = fn;
    b->args = b->uniforms = NULL;
    b->results = NULL;
    b->cap_args = b->cap_uniforms = b->cap_results = 0;
}

static bool in_function(jit_builder *b)
{
    return ready(b) && (b->fn || misplaced(b, "a statement outside a function"));
}

jit_expr jit_fn_arg(jit_builder *b, const char *name, const char *type)
{
    if (!in_function(b))
        return 0;
    ast_param p = { .name = copy_name(b, name) };
    if (!p.name || !read_type(b, type, false, &p.type) ||
        !grow(b, (void **)&b->args, sizeof p, &b->cap_args, b->fn->n_args + 1))
        return 0;
    b->args[b->fn->n_args++] = p;
    return jit_name(b, name);
}

jit_expr jit_fn_uniform(jit_builder *b, const char *name, const char *type, jit_expr value)
{
    if (!in_function(b))
        return 0;
    ast_param p = { .name = copy_name(b, name) };
    if (!p.name || !read_type(b, type, true, &p.type))
        return 0;
    p.value = value ? expr_at(b, value) : NULL;
    if ((value && !p.value) ||
        !grow(b, (void **)&b->uniforms, sizeof p, &b->cap_uniforms, b->fn->n_uniforms + 1))
        return 0;
    b->uniforms[b->fn->n_uniforms++] = p;
    return jit_name(b, name);
}

void jit_fn_result(jit_builder *b, const char *name, const char *type)
{
    if (!in_function(b))
        return;
    ast_result r = { .name = name ? copy_name(b, name) : NULL };
    if ((name && !r.name) || !read_type(b, type, false, &r.type))
        return;
    if (!name && !type) {
        diag_plain(&b->d, DIAG_builder_name, "a result has a name, a type or both");
        return;
    }
    if (grow(b, (void **)&b->results, sizeof r, &b->cap_results, b->fn->n_results + 1))
        b->results[b->fn->n_results++] = r;
}

void jit_fn_end(jit_builder *b)
{
    if (!in_function(b))
        return;
    if (b->n_blocks != 1) {
        misplaced(b, "jit_fn_end while a block is open");
        return;
    }
    if (!grow(b, (void **)&b->fns, sizeof *b->fns, &b->cap_fns, b->n_fns + 1))
        return;
    b->fn->args = b->args;
    b->fn->uniforms = b->uniforms;
    b->fn->results = b->results;
    b->fn->body = (ast_block){ b->blocks[0].stmts, b->blocks[0].n };
    b->fns[b->n_fns++] = b->fn;
    b->fn = NULL;
    b->n_blocks = 0;
}

/* ---------------------------------------------------------------- statements */

static ast_stmt *add_stmt(jit_builder *b, ast_stmt_kind kind)
{
    if (!in_function(b))
        return NULL;
    open_block *block = &b->blocks[b->n_blocks - 1];
    ast_stmt *s = alloc(b, sizeof *s);
    if (!s ||
        !grow(b, (void **)&block->stmts, sizeof *block->stmts, &block->capacity, block->n + 1))
        return NULL;
    s->kind = kind;
    block->stmts[block->n++] = s;
    return s;
}

void jit_let(jit_builder *b, const char *name, jit_expr value)
{
    ast_stmt *s = add_stmt(b, STMT_LET);
    ast_name *names = s ? alloc(b, sizeof *names) : NULL;
    if (!names)
        return;
    names->name = copy_name(b, name);
    s->u.let.names = names;
    s->u.let.n_names = 1;
    s->u.let.value = expr_at(b, value);
}

void jit_var(jit_builder *b, const char *name, const char *type, jit_expr value)
{
    ast_stmt *s = add_stmt(b, STMT_VAR);
    if (!s)
        return;
    s->u.var.name.name = copy_name(b, name);
    if (read_type(b, type, false, &s->u.var.type))
        s->u.var.value = expr_at(b, value);
}

void jit_assign(jit_builder *b, const char *name, jit_expr value)
{
    ast_stmt *s = add_stmt(b, STMT_ASSIGN);
    if (!s)
        return;
    s->u.assign.name.name = copy_name(b, name);
    s->u.assign.value = expr_at(b, value);
}

void jit_if(jit_builder *b, jit_expr condition)
{
    ast_stmt *s = add_stmt(b, STMT_IF);
    if (!s)
        return;
    s->u.branch.condition = expr_at(b, condition);
    (void)push_block(b, s);
}

void jit_while(jit_builder *b, jit_expr condition)
{
    ast_stmt *s = add_stmt(b, STMT_WHILE);
    if (!s)
        return;
    s->u.loop.condition = expr_at(b, condition);
    (void)push_block(b, s);
}

void jit_for(jit_builder *b, const char *name, jit_expr from, jit_expr to, jit_expr by)
{
    ast_stmt *s = add_stmt(b, STMT_FOR);
    if (!s)
        return;
    s->u.range.name.name = copy_name(b, name);
    s->u.range.from = expr_at(b, from);
    s->u.range.to = expr_at(b, to);
    s->u.range.by = by ? expr_at(b, by) : NULL;
    (void)push_block(b, s);
}

static void close_block(open_block *block)
{
    ast_block done = { block->stmts, block->n };
    ast_stmt *s = block->stmt;
    if (s->kind == STMT_WHILE)
        s->u.loop.body = done;
    else if (s->kind == STMT_FOR)
        s->u.range.body = done;
    else if (block->in_else)
        s->u.branch.no = done;
    else
        s->u.branch.yes = done;
}

void jit_else(jit_builder *b)
{
    if (!in_function(b))
        return;
    open_block *block = &b->blocks[b->n_blocks - 1];
    if (!block->stmt || block->stmt->kind != STMT_IF || block->in_else) {
        misplaced(b, "jit_else without jit_if");
        return;
    }
    close_block(block);
    *block = (open_block){ .stmt = block->stmt, .in_else = true };
}

void jit_end(jit_builder *b)
{
    if (!in_function(b))
        return;
    if (b->n_blocks < 2) {
        misplaced(b, "jit_end with nothing open");
        return;
    }
    close_block(&b->blocks[--b->n_blocks]);
}

void jit_break(jit_builder *b)
{
    (void)add_stmt(b, STMT_BREAK);
}

void jit_continue(jit_builder *b)
{
    (void)add_stmt(b, STMT_CONTINUE);
}

void jit_return(jit_builder *b, const jit_expr *values, int n)
{
    ast_stmt *s = add_stmt(b, STMT_RETURN);
    if (!s)
        return;
    if (n < 1 || !values) {
        misplaced(b, "jit_return without a value");
        return;
    }
    const ast_expr **list = alloc(b, (size_t)n * sizeof *list);
    for (int i = 0; list && i < n; i++) {
        list[i] = expr_at(b, values[i]);
        if (!list[i])
            return;
    }
    s->u.ret.values = list;
    s->u.ret.n = list ? n : 0;
}

/* ---------------------------------------------------------------- building */

static jit_module *build(jit_builder *b, const jit_options *options, jit_error *err)
{
    ast_program tree = { .fns = b->fns, .n_fns = b->n_fns };
    char *text = ast_print(b->ar, &tree);
    jit_options o = { .size = sizeof o, .context = b->context, .file = "<builder>" };
    diag d;
    diag_init(&d, err, NULL);
    if (!text) {
        diag_no_memory(&d);
        return NULL;
    }
    if (options) {
        if (!options_read(&o, sizeof o, options, &d))
            return NULL;
        o.size = sizeof o;
        o.context = o.context ? o.context : b->context;
        o.file = o.file ? o.file : "<builder>";
    }
    return jit_compile(text, &o, err);
}

jit_module *jit_build(jit_builder *b, const jit_options *options, jit_error *err)
{
    if (b && ready(b) && b->fn)
        misplaced(b, "jit_build inside a function: jit_fn_end is missing");
    if (ready(b))
        return build(b, options, err);
    diag d;
    diag_init(&d, err, NULL);
    if (b)
        *d.out = b->d.own;
    else
        diag_plain(&d, DIAG_null_argument, "jit_build: the builder is null");
    return NULL;
}
