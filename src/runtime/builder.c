/* The builder: the tree that a text would give, made call by call. jit_build prints it and
 * compiles the text, so that messages about a built program have lines to show. */
#include "builder.h"

#include <string.h>

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
    b->d.memory = b->ar;
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

bool builder_ready(const jit_builder *b)
{
    return b && !diag_failed(&b->d);
}

bool builder_grow(jit_builder *b, void **array, size_t size, int32_t *capacity, int32_t needed)
{
    if (arena_grow(b->ar, array, size, capacity, needed))
        return true;
    diag_no_memory(&b->d);
    return false;
}

void *builder_alloc(jit_builder *b, size_t size)
{
    void *p = arena_alloc(b->ar, size);
    if (!p)
        diag_no_memory(&b->d);
    return p;
}

bool builder_is_name(const char *name)
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
const char *builder_name(jit_builder *b, const char *name)
{
    if (!builder_is_name(name)) {
        diag_plain(&b->d, DIAG_builder_name, "'%.60s' is not a name", name ? name : "(null)");
        return NULL;
    }
    const char *copy = arena_text(b->ar, name, strlen(name));
    if (!copy)
        diag_no_memory(&b->d);
    return copy;
}

bool builder_type(jit_builder *b, const char *type, bool uniform, ast_type *t)
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

bool builder_misplaced(jit_builder *b, const char *what)
{
    diag_plain(&b->d, DIAG_builder_order, "%s", what);
    return false;
}

/* ---------------------------------------------------------------- functions */

bool builder_open(jit_builder *b, ast_stmt *stmt)
{
    if (b->n_blocks > b->context->limits.nesting) {
        diag_plain(&b->d, DIAG_builder_order, "blocks are nested more than %d deep",
                   (int)b->context->limits.nesting);
        return false;
    }
    if (!builder_grow(b, (void **)&b->blocks, sizeof *b->blocks, &b->cap_blocks,
                      b->n_blocks + 1))
        return false;
    b->blocks[b->n_blocks++] = (open_block){ .stmt = stmt };
    return true;
}

void jit_fn_begin(jit_builder *b, const char *name)
{
    if (!builder_ready(b))
        return;
    if (b->fn) {
        builder_misplaced(b, "jit_fn_begin inside a function");
        return;
    }
    const char *copy = builder_name(b, name);
    ast_fn *fn = copy ? builder_alloc(b, sizeof *fn) : NULL;
    if (!fn || !builder_open(b, NULL))
        return;
    fn->name = copy;
    b->fn = fn;
    b->args = b->uniforms = NULL;
    b->results = NULL;
    b->cap_args = b->cap_uniforms = b->cap_results = 0;
}

bool builder_in_function(jit_builder *b)
{
    return builder_ready(b) &&
           (b->fn || builder_misplaced(b, "a statement outside a function"));
}

jit_expr jit_fn_arg(jit_builder *b, const char *name, const char *type)
{
    if (!builder_in_function(b))
        return 0;
    ast_param p = { .name = builder_name(b, name) };
    if (!p.name || !builder_type(b, type, false, &p.type) ||
        !builder_grow(b, (void **)&b->args, sizeof p, &b->cap_args, b->fn->n_args + 1))
        return 0;
    b->args[b->fn->n_args++] = p;
    return jit_name(b, name);
}

jit_expr jit_fn_uniform(jit_builder *b, const char *name, const char *type, jit_expr value)
{
    if (!builder_in_function(b))
        return 0;
    ast_param p = { .name = builder_name(b, name) };
    if (!p.name || !builder_type(b, type, true, &p.type))
        return 0;
    p.value = value ? builder_expr(b, value) : NULL;
    if ((value && !p.value) || !builder_grow(b, (void **)&b->uniforms, sizeof p,
                                             &b->cap_uniforms, b->fn->n_uniforms + 1))
        return 0;
    b->uniforms[b->fn->n_uniforms++] = p;
    return jit_name(b, name);
}

void jit_fn_result(jit_builder *b, const char *name, const char *type)
{
    if (!builder_in_function(b))
        return;
    ast_result r = { .name = name ? builder_name(b, name) : NULL };
    if ((name && !r.name) || !builder_type(b, type, false, &r.type))
        return;
    if (!name && !type) {
        diag_plain(&b->d, DIAG_builder_name, "a result has a name, a type or both");
        return;
    }
    if (builder_grow(b, (void **)&b->results, sizeof r, &b->cap_results, b->fn->n_results + 1))
        b->results[b->fn->n_results++] = r;
}

void jit_fn_end(jit_builder *b)
{
    if (!builder_in_function(b))
        return;
    if (b->n_blocks != 1) {
        builder_misplaced(b, "jit_fn_end while a block is open");
        return;
    }
    if (!builder_grow(b, (void **)&b->fns, sizeof *b->fns, &b->cap_fns, b->n_fns + 1))
        return;
    b->fn->args = b->args;
    b->fn->uniforms = b->uniforms;
    b->fn->results = b->results;
    b->fn->body = (ast_block){ b->blocks[0].stmts, b->blocks[0].n };
    b->fns[b->n_fns++] = b->fn;
    b->fn = NULL;
    b->n_blocks = 0;
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
    if (b && builder_ready(b) && b->fn)
        builder_misplaced(b, "jit_build inside a function: jit_fn_end is missing");
    if (builder_ready(b))
        return build(b, options, err);
    diag d;
    diag_init(&d, err, NULL);
    if (b)
        *d.out = b->d.own;
    else
        diag_plain(&d, DIAG_null_argument, "jit_build: the builder is null");
    return NULL;
}
