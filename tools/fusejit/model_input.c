/* Arguments of a model that is run from its file. */
#include "model_input.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "element.h"

bool model_is_file(const char *path)
{
    return value_ends_with(path, ".safetensors");
}

const char *model_list(const jit_model *m, const char *what, int64_t i)
{
    char name[64];
    (void)snprintf(name, sizeof name, "%s.%" PRId64, what, i);
    return jit_model_text(m, name);
}

/* -------------------------------------------------------------------------- tables */

static const char **columns(const jit_model *m, int32_t *n)
{
    const char **list = NULL, *name;
    for (*n = 0; (name = model_list(m, "column", *n)); (*n)++) {
        list = memory_resize(list, (size_t)(*n + 1) * sizeof *list);
        list[*n] = name;
    }
    return list;
}

/* E0643: a file without these columns, or without a header, is read as it is. */
int model_read(value *v, const jit_model *m, const named_text *item, const console *c)
{
    enum { NO_COLUMN = 643 };
    jit_table_options o = { .size = sizeof o, .labels = JIT_LABELS_NONE };
    jit_table t;
    jit_error err;
    if (!value_ends_with(item->text, ".csv") || !model_list(m, "column", 0))
        return value_read(v, item->name, item->text, c);
    const char **list = columns(m, &o.n_columns);
    o.column = list;
    jit_status s = jit_table_load(&t, item->text, &o, &err);
    free(list);
    if (s == JIT_OK) {
        *v = (value){ .array = t.x };
        t.x = (jit_array){ .data = NULL };
        jit_table_free(&t);
        return EXIT_DONE;
    }
    if (err.diagnostic[0].code == NO_COLUMN && strstr(err.diagnostic[0].hint, "no header"))
        return value_read(v, item->name, item->text, c);
    return console_jit_error(c, &err);
}

/* -------------------------------------------------------------------------- types */

/* To a real type from any other. */
static bool can_become(jit_dtype from, jit_dtype to)
{
    return from != to && to != JIT_NONE && element_kind_of(to) == ELEMENT_FLOAT;
}

/* The declared type, or, of the model's own function, that of the signature: f32 unless it says f64. */
static jit_dtype type_of(const jit_model *m, const jit_function_info *f, int i)
{
    if (f->in_dtype[i] != JIT_NONE)
        return f->in_dtype[i];
    bool wide = m->signature && strstr(m->signature, "f64");
    return wide ? JIT_NONE : JIT_F32;
}

int model_value(const jit_model *m, const jit_function_info *f, int i, value *v,
                const console *c)
{
    jit_dtype to = type_of(m, f, i);
    char why[160];
    jit_array made;
    if (!v->item)
        return can_become(v->array.dtype, to) ? value_cast(&v->array, to, c) : EXIT_DONE;
    if (f->in_dtype[i] != JIT_NONE || v->has_bool)
        return EXIT_DONE; /* numbers take the declared type */
    if (!value_convert(v, to == JIT_NONE ? JIT_F64 : to, &made, why, sizeof why))
        return console_error(c, EXIT_USER, "argument '%s': %s", f->in_name[i], why);
    value_free(v);
    v->array = made;
    return EXIT_DONE;
}
