/* Texts of the functions that the methods of a universal function f are. `$` stands for the suffix
 * of our names. */
#include "ufunc_text.h"

#include <stdio.h>
#include <string.h>

#include "type.h"
#include "writer.h"

static const char *const ours[] = { "x", "n",    "m",  "k",     "i",       "j", "s", "y",
                                    "a", "from", "to", "where", "initial", "r", "q", "z" };

typedef struct text {
    writer w;
    const jit_ufunc *u;
    const ufunc_form *f;
} text;

/* ---------------------------------------------------------------- names */

static bool is_ours(const char *name, const char *suffix)
{
    for (size_t i = 0; name && i < sizeof ours / sizeof ours[0]; i++) {
        size_t n = strlen(ours[i]);
        const char *rest = name + n;
        if (strncmp(name, ours[i], n) != 0)
            continue;
        rest += strspn(rest, "0123456789"); /* a0, r1 */
        if (strcmp(rest, suffix) == 0)
            return true;
    }
    return false;
}

static bool clashes(const jit_ufunc *u, const char *suffix)
{
    const ast_program *tree = u->m->tree;
    bool any = is_ours(u->called, suffix);
    for (int32_t i = 0; i < u->fn->n_uniforms; i++)
        any |= is_ours(u->fn->uniforms[i].name, suffix);
    for (int32_t i = 0; i < u->n_statics; i++)
        any |= is_ours(u->statics[i].function, suffix);
    for (int32_t i = 0; i < tree->n_consts; i++)
        any |= is_ours(tree->consts[i]->name, suffix);
    return any;
}

const char *ufunc_text_suffix(arena *ar, const jit_ufunc *u)
{
    const char *suffix = "";
    while (suffix && clashes(u, suffix))
        suffix = arena_format(ar, "_%s", suffix);
    return suffix;
}

/* ---------------------------------------------------------------- parts */

/* A template: `$` is the suffix of a name. */
static void put(text *t, const char *template)
{
    while (*template) {
        size_t n = strcspn(template, "$");
        write_bytes(&t->w, template, n);
        template += n;
        if (*template == '$') {
            write_text(&t->w, t->u->suffix);
            template ++;
        }
    }
}

static void put_type(text *t)
{
    write_text(&t->w, jit_dtype_name(t->f->type));
}

/* An element of x as T. */
static void put_element(text *t, const char *element)
{
    jit_dtype to = t->f->type;
    if (type_compute(t->f->x) == to) {
        put(t, element);
    } else if (to == JIT_BOOL) {
        put(t, "(");
        put(t, element);
        put(t, " != 0)");
    } else {
        put_type(t);
        put(t, "(");
        put(t, element);
        put(t, ")");
    }
}

/* "; a = a, g = relu)": the uniforms of f by name, with their values or those of ours. */
static void put_uniforms(text *t)
{
    const jit_ufunc *u = t->u;
    const char *before = "; ";
    for (int32_t i = 0; i < u->fn->n_uniforms; i++) {
        const ast_param *p = &u->fn->uniforms[i];
        if (p->type.is_fn || p->type.is_dim)
            continue;
        write_format(&t->w, "%s%s = %s", before, p->name, p->name);
        before = ", ";
    }
    for (int32_t i = 0; i < u->n_statics; i++) {
        const jit_static *s = &u->statics[i];
        if (s->function)
            write_format(&t->w, "%s%s = %s", before, s->name, s->function);
        else
            write_format(&t->w, "%s%s = %lld", before, s->name, (long long)s->dim);
        before = ", ";
    }
    write_text(&t->w, ")");
}

/* f(so_far, element) */
static void put_call(text *t, const char *so_far, const char *element)
{
    write_format(&t->w, "%s(", t->u->called);
    put(t, so_far);
    put(t, ", ");
    put_element(t, element);
    put_uniforms(t);
}

/* "fn f(x: [n], where: bool[n], initial" */
static void put_arguments(text *t, const char *more)
{
    const char *dims = t->f->behind ? "[n$,m$]" : "[n$]";
    put(t, "fn f(x$: ");
    put(t, dims);
    put(t, more);
    if (t->f->where) {
        put(t, ", where$: bool");
        put(t, dims);
    }
    if (t->f->initial) {
        put(t, ", initial$: ");
        put_type(t);
    }
    put(t, ")");
}

static const char *finish(const text *t)
{
    return t->w.failed ? NULL : t->w.text;
}

/* ---------------------------------------------------------------- reductions of the language */

/* What elements that are left out are: the first value of the reduction. */
static void put_nothing(text *t)
{
    const char *word = t->f->word;
    if (t->f->initial && (strcmp(word, "min") == 0 || strcmp(word, "max") == 0))
        put(t, "initial$");
    else if (t->f->type == JIT_BOOL)
        put(t, strcmp(word, "all") == 0 ? "true" : "false");
    else
        put(t, strcmp(word, "prod") == 0 ? "1" : "0");
}

static void put_fold(text *t, const char *subscript)
{
    if (t->f->type != JIT_BOOL) /* nothing is cast to bool */
        put_type(t);
    put(t, "(");
    write_text(&t->w, t->f->word);
    put(t, "[i$](");
    if (t->f->where) {
        put(t, "where$");
        put(t, subscript);
        put(t, " ? ");
    }
    put_element(t, strcmp(subscript, "[i$]") == 0 ? "x$[i$]" : "x$[i$,j$]");
    if (t->f->where) {
        put(t, " : ");
        put_nothing(t);
    }
    put(t, "))");
}

static void put_whole(text *t, const char *subscript)
{
    if (!t->f->initial) {
        put_fold(t, subscript);
        return;
    }
    write_format(&t->w, "%s(", t->u->called);
    put(t, "initial$, ");
    put_fold(t, subscript);
    put_uniforms(t);
}

/* ---------------------------------------------------------------- from left to right */

static void put_rows(text *t)
{
    const ufunc_form *f = t->f;
    put(t, " -> y$: ");
    put_type(t);
    put(t, "[m$] {\n  y$[j$] = ");
    if (f->initial)
        put(t, "initial$");
    else
        put_element(t, "x$[0,j$]");
    put(t,
        f->initial ? "\n  for i$ in 0 .. n$ { y$[j$] = " : "\n  for i$ in 1 .. n$ { y$[j$] = ");
    put(t, f->where ? "where$[i$,j$] ? " : "");
    put_call(t, "y$[j$]", "x$[i$,j$]");
    put(t, f->where ? " : y$[j$] }\n}\n" : " }\n}\n");
}

static void put_row(text *t)
{
    const ufunc_form *f = t->f;
    put(t, " -> ");
    put_type(t);
    put(t, " {\n  var s$: ");
    put_type(t);
    put(t, " = ");
    if (f->initial)
        put(t, "initial$");
    else
        put_element(t, "x$[0]");
    put(t, f->initial ? "\n  for i$ in 0 .. n$ { " : "\n  for i$ in 1 .. n$ { ");
    put(t, f->where ? "if where$[i$] { s$ = " : "s$ = ");
    put_call(t, "s$", "x$[i$]");
    put(t, f->where ? " } }\n  return s$\n}\n" : " }\n  return s$\n}\n");
}

const char *ufunc_text_reduce(arena *ar, const jit_ufunc *u, const ufunc_form *f)
{
    text t = { .w = { .ar = ar }, .u = u, .f = f };
    put_arguments(&t, "");
    if (f->word && f->behind) {
        put(&t, " -> y$: ");
        put_type(&t);
        put(&t, "[m$] { y$[j$] = ");
        put_whole(&t, "[i$,j$]");
        put(&t, " }\n");
    } else if (f->word) {
        put(&t, " -> ");
        put_type(&t);
        put(&t, " = ");
        put_whole(&t, "[i$]");
        put(&t, "\n");
    } else if (f->behind) {
        put_rows(&t);
    } else {
        put_row(&t);
    }
    return finish(&t);
}

const char *ufunc_text_accumulate(arena *ar, const jit_ufunc *u, const ufunc_form *f)
{
    text t = { .w = { .ar = ar }, .u = u, .f = f };
    put_arguments(&t, "");
    put(&t, " -> y$: ");
    put_type(&t);
    put(&t, "[n$] {\n  var s$: ");
    put_type(&t);
    put(&t, " = ");
    put_element(&t, "x$[0]");
    put(&t, "\n  y$[0] = s$\n  for i$ in 1 .. n$ { s$ = ");
    put_call(&t, "s$", "x$[i$]");
    put(&t, "  y$[i$] = s$ }\n}\n");
    return finish(&t);
}

/* for i in m .. z { s = f(s, x[i]) } */
static void put_range(text *t)
{
    put(t, "    for i$ in m$ .. z$ { s$ = ");
    put_call(t, "s$", "x$[i$]");
    put(t, " }\n");
}

/* The same, where the loop's own work is as much as that of f: four at a time, then the rest. */
static void put_range_by_fours(text *t)
{
    static const char *const elements[] = { "x$[j$]", "x$[j$+1]", "x$[j$+2]", "x$[j$+3]" };
    put(t,
        "    let r$ = max(z$ - m$, 0)//4\n    for i$ in 0 .. r$ {\n      let j$ = m$ + 4*i$\n");
    for (size_t i = 0; i < sizeof elements / sizeof elements[0]; i++) {
        put(t, "      s$ = ");
        put_call(t, "s$", elements[i]);
        put(t, "\n");
    }
    put(t, "    }\n    for i$ in m$ + 4*r$ .. z$ { s$ = ");
    put_call(t, "s$", "x$[i$]");
    put(t, " }\n");
}

const char *ufunc_text_reduceat(arena *ar, const jit_ufunc *u, const ufunc_form *f)
{
    text t = { .w = { .ar = ar }, .u = u, .f = f };
    put_arguments(&t, ", from$: i64[k$], to$: i64[k$]");
    put(&t, " -> y$: ");
    put_type(&t);
    put(&t, "[k$] {\n  for q$ in 0 .. k$ {\n    var s$: ");
    put_type(&t);
    put(&t, " = ");
    put_element(&t, "x$[from$[q$]]");
    put(&t, "\n    let m$ = from$[q$] + 1\n    let z$ = to$[q$]\n");
    if (f->brief)
        put_range_by_fours(&t);
    else
        put_range(&t);
    put(&t, "    y$[q$] = s$\n  }\n}\n");
    return finish(&t);
}

/* z[i[AT]] = f(z[i[AT]], y[AT]) */
static void put_place(text *t, const char *at, ufunc_y y)
{
    char given[16], place[24];
    (void)snprintf(given, sizeof given, y == UFUNC_ONE_Y ? ", y$" : ", y$[%s]", at);
    (void)snprintf(place, sizeof place, "z$[k$[%s]]", at);
    put(t, "    ");
    put(t, place);
    write_format(&t->w, " = %s(", t->u->called);
    put(t, place);
    put(t, y == UFUNC_NO_Y ? "" : given);
    put_uniforms(t);
    put(t, "\n");
}

const char *ufunc_text_at(arena *ar, const jit_ufunc *u, ufunc_y y)
{
    /* so many at once: the loop's own work is as much as that of an addition */
    static const char *const at[] = { "j$", "j$+1", "j$+2", "j$+3" };
    text t = { .w = { .ar = ar }, .u = u };
    put(&t, "fn f(x$: [n$], k$: i64[m$]");
    put(&t, y == UFUNC_NO_Y ? "" : y == UFUNC_ONE_Y ? ", y$" : ", y$: [m$]");
    put(&t, ") -> [n$] {\n  var z$ = x$\n  for i$ in 0 .. m$//4 {\n    let j$ = 4*i$\n");
    for (size_t i = 0; i < sizeof at / sizeof at[0]; i++)
        put_place(&t, at[i], y);
    put(&t, "  }\n  for j$ in m$//4*4 .. m$ {\n");
    put_place(&t, "j$", y);
    put(&t, "  }\n  return z$\n}\n");
    return finish(&t);
}

/* ---------------------------------------------------------------- calls */

static void put_list(text *t, const char *name, int32_t n, const char *separator)
{
    for (int32_t i = 0; i < n; i++)
        write_format(&t->w, "%s%s%d%s", i > 0 ? separator : "", name, (int)i, t->u->suffix);
}

static void put_masked_body(text *t, const ufunc_masked *f)
{
    const char *suffix = t->u->suffix;
    for (int32_t i = 0; i < f->n_out; i++) {
        const char *type = jit_dtype_name(f->types[i]);
        write_format(&t->w, "  var r%d%s: %s = ", (int)i, suffix, type);
        if (f->old)
            write_format(&t->w, "y%d%s\n", (int)i, suffix);
        else
            write_format(&t->w, "%s\n", f->types[i] == JIT_BOOL ? "false" : "0");
    }
    put(t, "  if where$ {\n    let ");
    put(t, f->n_out > 1 ? "(" : "");
    put_list(t, "q", f->n_out, ", ");
    write_format(&t->w, "%s = %s(", f->n_out > 1 ? ")" : "", t->u->called);
    put_list(t, "a", f->n_in, ", ");
    put_uniforms(t);
    for (int32_t i = 0; i < f->n_out; i++) {
        const char *type = f->types[i] == JIT_BOOL ? "" : jit_dtype_name(f->types[i]);
        write_format(&t->w, "\n    r%d%s = %s(q%d%s)", (int)i, suffix, type, (int)i, suffix);
    }
    put(t, "\n  }\n  return ");
    put_list(t, "r", f->n_out, ", ");
}

const char *ufunc_text_masked(arena *ar, const jit_ufunc *u, const ufunc_masked *f)
{
    text t = { .w = { .ar = ar }, .u = u };
    put(&t, "fn f(where$: bool, ");
    if (f->old) {
        put_list(&t, "y", f->n_out, ", ");
        put(&t, ", ");
    }
    put_list(&t, "a", f->n_in, ", ");
    put(&t, ") -> (");
    for (int32_t i = 0; i < f->n_out; i++)
        write_format(&t.w, "%s%s", i > 0 ? ", " : "", jit_dtype_name(f->types[i]));
    put(&t, ") {\n");
    put_masked_body(&t, f);
    put(&t, "\n}\n");
    return finish(&t);
}

const char *ufunc_text_plain(arena *ar, const char *name, int32_t n_in)
{
    static const char *const args[] = { "x", "x, y", "x, y, z" };
    return arena_format(ar, "fn f(%s) = %s(%s)\n", args[n_in - 1], name, args[n_in - 1]);
}
