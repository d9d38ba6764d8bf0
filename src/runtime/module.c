/* Programs: from text or file, or text and an expression. */
#include "module.h"

#include <string.h>
#include <time.h>

#include "array.h"
#include "file.h"

double module_clock(void)
{
    struct timespec t;
    (void)clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec * 1e3 + (double)t.tv_nsec * 1e-6;
}

/* ---------------------------------------------------------------- making and freeing */

static void destroy(jit_module *m)
{
    jit_context *c = m->context;
    if (m->cache) {
        kernel_cache_unpin_all(m->cache);
        kernel_cache_give(m->cache);
        pthread_mutex_destroy(&m->lock);
    }
    arena_free(m->ar);
    context_release(c, m, sizeof *m);
    context_give(c);
}

static bool check_options(const jit_options *o, diag *d)
{
    if (o->interpret < 0 || o->interpret > INTERPRET_LOWERED) {
        diag_plain(d, DIAG_option_value, "jit_options.interpret is %d", (int)o->interpret);
        return false;
    }
    if (o->n_arguments < 0 || (o->n_arguments > 0 && !o->arguments)) {
        diag_plain(d, DIAG_option_value, "jit_options.n_arguments is %d", (int)o->n_arguments);
        return false;
    }
    return true;
}

static bool fill(jit_module *m, const jit_options *o)
{
    m->ar = arena_new(&m->context->allocator, (size_t)m->context->limits.memory);
    m->cache = m->ar ? kernel_cache_new(&m->context->allocator) : NULL;
    if (!m->cache)
        return false;
    if (pthread_mutex_init(&m->lock, NULL) != 0) {
        kernel_cache_give(m->cache);
        m->cache = NULL;
        return false;
    }
    m->interpret = o->interpret;
    if (!o->dump || !o->on_dump)
        return true;
    m->dump = (pipeline_dump){ .letters = arena_text(m->ar, o->dump, strlen(o->dump)),
                               .write = o->on_dump,
                               .user = o->dump_user };
    return m->dump.letters != NULL;
}

jit_module *module_begin(const jit_options *options, jit_options *read, diag *d)
{
    if (!options_read(read, sizeof *read, options, d) || !check_options(read, d))
        return NULL;
    jit_context *c = context_take(read->context, d);
    if (!c)
        return NULL;
    jit_module *m = context_alloc(c, sizeof *m);
    if (!m) {
        diag_no_memory(d);
        context_give(c);
        return NULL;
    }
    m->context = c;
    atomic_init(&m->references, 1);
    m->parse_ms = -module_clock();
    bool ok = fill(m, read);
    d->memory = m->ar; /* until module_finish */
    if (ok)
        return m;
    diag_no_memory(d);
    d->memory = NULL;
    jit_release(m);
    return NULL;
}

jit_module *module_finish(jit_module *m, diag *d)
{
    if (m->tree)
        m->program = program_new(m->ar, m->tree, &m->context->limits, d);
    d->memory = NULL;
    if (!m->program || diag_failed(d)) {
        jit_release(m);
        return NULL;
    }
    m->parse_ms += module_clock();
    return m;
}

jit_module *module_over(jit_module *base, diag *d)
{
    jit_options read, options = { .size = sizeof options,
                                  .context = base->context,
                                  .interpret = base->interpret,
                                  .dump = base->dump.letters,
                                  .on_dump = base->dump.write,
                                  .dump_user = base->dump.user };
    jit_module *m = module_begin(&options, &read, d);
    if (m)
        m->base = module_take(base);
    return m;
}

const ast_program *module_program(jit_module *m, const ast_program *tree,
                                  const ast_fn *const *more, int32_t n)
{
    ast_program *whole = arena_alloc(m->ar, sizeof *whole);
    const ast_fn **fns =
        arena_alloc(m->ar, ((size_t)tree->n_fns + (size_t)n + 1) * sizeof *fns);
    if (!whole || !fns)
        return NULL;
    for (int32_t i = 0; i < tree->n_fns + n; i++)
        fns[i] = i < tree->n_fns ? tree->fns[i] : more[i - tree->n_fns];
    *whole = *tree;
    whole->fns = fns;
    whole->n_fns = tree->n_fns + n;
    return whole;
}

const source *module_source(jit_module *m, const char *name, const char *text, diag *d)
{
    int64_t limit = m->context->limits.text_bytes;
    size_t most = limit < INT32_MAX - 1 ? (size_t)limit + 1 : INT32_MAX - 1;
    size_t length = strnlen(text, most); /* one more than the limit: the parser says so */
    source *src = arena_alloc(m->ar, sizeof *src);
    char *copy = arena_text(m->ar, text, length);
    const char *title = arena_text(m->ar, name, strlen(name));
    if (!src || !copy || !title) {
        diag_no_memory(d);
        return NULL;
    }
    *src = (source){ .name = title, .text = copy, .length = (int32_t)length };
    d->src = src;
    return src;
}

jit_module *module_take(jit_module *m)
{
    atomic_fetch_add(&m->references, 1);
    return m;
}

/* A chain of derivatives of derivatives is as long as the host makes it. */
void jit_release(jit_module *m)
{
    while (m && atomic_fetch_sub(&m->references, 1) == 1) {
        jit_module *base = m->base;
        destroy(m);
        m = base;
    }
}

/* ---------------------------------------------------------------- programs */

static jit_module *compile_text(const char *text, const jit_options *options, const char *name,
                                diag *d)
{
    jit_options o;
    jit_module *m = module_begin(options, &o, d);
    if (!m)
        return NULL;
    const source *src = module_source(m, o.file ? o.file : name, text, d);
    if (src)
        m->tree = parse_program(m->ar, src, &m->context->limits, d);
    m->whole = src;
    return module_finish(m, d);
}

jit_module *jit_compile(const char *text, const jit_options *options, jit_error *err)
{
    diag d;
    diag_init(&d, err, NULL);
    if (!text) {
        diag_plain(&d, DIAG_null_argument, "jit_compile: the text is null");
        return NULL;
    }
    return compile_text(text, options, "<text>", &d);
}

/* Texts end at a zero byte: what is behind one would be left out without a word. */
static void refuse_zero(const source *src, int32_t at, diag *d)
{
    const source *outer = d->src;
    d->src = src;
    diag_at(d, DIAG_control_character, (span){ at, 1 }, "control character U+0000");
    diag_hint(d, "a program is UTF-8 text");
    d->src = outer;
}

/* The content, 0-terminated; one byte more than the limit is enough to be told of it. */
static char *read_program(const file_input *in, const jit_context *c, size_t *size, diag *d)
{
    int64_t most = c->limits.text_bytes;
    size_t n = (size_t)(in->size <= most ? in->size : most + 1);
    char *text = context_alloc(c, n + 1);
    *size = n + 1;
    if (!text) {
        diag_no_memory(d);
        return NULL;
    }
    const char *zero = file_read(in, 0, text, n, d) ? memchr(text, 0, n) : NULL;
    if (!zero && !diag_failed(d))
        return text;
    if (zero)
        refuse_zero(&(source){ in->name, text, (int32_t)n, false }, (int32_t)(zero - text), d);
    context_release(c, text, n + 1);
    return NULL;
}

static jit_module *compile_file(const char *path, const jit_options *options, diag *d)
{
    jit_options o;
    if (!options_read(&o, sizeof o, options, d))
        return NULL;
    jit_context *c = context_take(o.context, d);
    if (!c)
        return NULL;
    file_input in;
    jit_module *m = NULL;
    if (file_open(&in, path, d)) {
        size_t size;
        char *text = read_program(&in, c, &size, d);
        if (text)
            m = compile_text(text, options, path, d);
        context_release(c, text, size);
        file_close(&in);
    }
    context_give(c);
    return m;
}

jit_module *jit_compile_file(const char *path, const jit_options *options, jit_error *err)
{
    diag d;
    diag_init(&d, err, NULL);
    if (!path) {
        diag_plain(&d, DIAG_null_argument, "jit_compile_file: the path is null");
        return NULL;
    }
    return compile_file(path, options, &d);
}

/* ---------------------------------------------------------------- expressions */

typedef struct expression_job {
    jit_module *m;
    const jit_options *o;
    const ast_program *program; /* may have no functions */
    const source *src;          /* of the expression */
    const ast_expr *value;
    free_names names;
} expression_job;

/* The shape that an argument will have; NULL: a scalar, or not told. */
static const jit_array *shape_of(const expression_job *j, int32_t at)
{
    const char *name = j->names.name[at];
    if (!j->names.arrays || j->names.subscript[at] || !j->o->argument_shapes)
        return NULL;
    for (int32_t i = 0; i < j->o->n_arguments; i++)
        if (strcmp(j->o->arguments[i], name) == 0)
            return j->o->argument_shapes[i].rank > 0 ? &j->o->argument_shapes[i] : NULL;
    return NULL;
}

/* `[1000,10]`: an argument of fixed extents. */
static bool make_type(const expression_job *j, const jit_array *shape, ast_type *type)
{
    arena *ar = j->m->ar;
    if (!shape)
        return true;
    const ast_expr **dims = arena_alloc(ar, (size_t)shape->rank * sizeof *dims);
    ast_expr *extent = arena_alloc(ar, (size_t)shape->rank * sizeof *extent);
    if (!dims || !extent)
        return false;
    for (int32_t i = 0; i < shape->rank; i++) {
        extent[i] = (ast_expr){ .kind = EXPR_INTEGER, .at = j->value->at, .op = j->value->at };
        extent[i].u.integer = (uint64_t)shape->shape[i];
        dims[i] = &extent[i];
    }
    *type =
        (ast_type){ .given = true, .dims = dims, .n_dims = shape->rank, .at = j->value->at };
    return true;
}

static const ast_fn *make_ans(const expression_job *j)
{
    arena *ar = j->m->ar;
    ast_fn *fn = arena_alloc(ar, sizeof *fn);
    ast_param *args = arena_alloc(ar, ((size_t)j->names.n + 1) * sizeof *args);
    if (!fn || !args)
        return NULL;
    for (int32_t i = 0; i < j->names.n; i++) {
        args[i] = (ast_param){ .name = j->names.name[i], .at = j->value->at };
        if (!make_type(j, shape_of(j, i), &args[i].type))
            return NULL;
    }
    *fn = (ast_fn){ .name = "ans",
                    .name_at = j->value->at,
                    .src = j->src,
                    .args = args,
                    .n_args = j->names.n,
                    .value = j->value };
    return fn;
}

/* The program with `ans` behind it. */
static const ast_program *add_ans(const expression_job *j)
{
    const ast_fn *ans = make_ans(j);
    return ans ? module_program(j->m, j->program, &ans, 1) : NULL;
}

static bool find_names(expression_job *j, diag *d)
{
    jit_module *m = j->m;
    program *known = program_new(m->ar, j->program, &m->context->limits, d);
    if (!known)
        return false;
    if (lower_free_names(known, j->value, j->o->arguments, j->o->n_arguments, m->ar, &j->names))
        return true;
    if (!diag_failed(d))
        diag_no_memory(d);
    return false;
}

static bool parse_parts(expression_job *j, const char *text, const char *expression, diag *d)
{
    jit_module *m = j->m;
    const char *name = j->o->file ? j->o->file : "<text>";
    const jit_limits *limits = &m->context->limits;
    const source *src = module_source(m, name, text ? text : "", d);
    j->program = src ? parse_program(m->ar, src, limits, d) : NULL;
    j->src = j->program ? module_source(m, name, expression, d) : NULL;
    j->value = j->src ? parse_expression(m->ar, j->src, limits, d) : NULL;
    return j->value != NULL;
}

static jit_module *compile_expression(const char *text, const char *expression,
                                      const jit_options *options, diag *d)
{
    jit_options o;
    jit_module *m = module_begin(options, &o, d);
    if (!m)
        return NULL;
    expression_job j = { .m = m, .o = &o };
    if (parse_parts(&j, text, expression, d) && find_names(&j, d)) {
        m->tree = add_ans(&j);
        if (!m->tree)
            diag_no_memory(d);
    }
    return module_finish(m, d);
}

jit_module *jit_compile_expression(const char *text, const char *expression,
                                   const jit_options *options, jit_error *err)
{
    diag d;
    diag_init(&d, err, NULL);
    if (!expression) {
        diag_plain(&d, DIAG_null_argument, "jit_compile_expression: the expression is null");
        return NULL;
    }
    return compile_expression(text, expression, options, &d);
}
