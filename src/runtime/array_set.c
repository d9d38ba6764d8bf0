/* Sets of named arrays. */
#include "array_set.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "array.h"
#include "array_io.h"
#include "npy.h"
#include "npz.h"
#include "safetensors.h"
#include "unicode.h"

static bool grow(array_set *s)
{
    if (s->n < s->room)
        return true;
    int32_t room = s->room ? 2 * s->room : 8;
    jit_named *more = room > 0 ? realloc(s->item, (size_t)room * sizeof *more) : NULL;
    if (!more)
        return false;
    s->item = more;
    s->room = room;
    return true;
}

bool array_set_add(array_set *s, const char *name, size_t n, jit_array *a, diag *d)
{
    char *copy = malloc(n + 1);
    if (!copy || !grow(s)) {
        free(copy);
        jit_array_free(a);
        diag_no_memory(d);
        return false;
    }
    memcpy(copy, name, n);
    copy[n] = 0;
    s->item[s->n++] = (jit_named){ copy, *a };
    return true;
}

void array_set_free(array_set *s)
{
    jit_arrays_free(s->item, s->n);
    *s = (array_set){ .item = NULL };
}

void jit_arrays_free(jit_named *arrays, int32_t n)
{
    for (int32_t i = 0; arrays && i < n; i++) {
        jit_array_free(&arrays[i].array);
        free((void *)(uintptr_t)arrays[i].name);
    }
    free(arrays);
}

/* ---------------------------------------------------------------- checks */

static int compare_names(const void *a, const void *b)
{
    return strcmp(*(const char *const *)a, *(const char *const *)b);
}

const char *array_set_twice(const jit_named *item, int32_t n, diag *d)
{
    const char *found = NULL, **names = malloc((size_t)n * sizeof *names + 1);
    if (!names) {
        diag_no_memory(d);
        return NULL;
    }
    for (int32_t i = 0; i < n; i++)
        names[i] = item[i].name;
    qsort(names, (size_t)n, sizeof *names, compare_names);
    for (int32_t i = 1; i < n && !found; i++)
        if (strcmp(names[i - 1], names[i]) == 0)
            found = names[i];
    free(names);
    return found;
}

static bool check_name(const jit_named *item, int32_t i, diag *d)
{
    const char *name = item->name;
    if (!name)
        diag_plain(d, DIAG_array_names, "array %d has no name", (int)i);
    else if (!name[0] || strlen(name) > ARRAY_NAME || !unicode_valid(name, strlen(name)))
        diag_plain(d, DIAG_array_names, "the name of array %d is not UTF-8 of 1 to %d bytes",
                   (int)i, ARRAY_NAME);
    else
        return true;
    return false;
}

bool array_set_check(const jit_named *item, int32_t n, diag *d)
{
    char shown[FILE_NAME_SHOWN], what[FILE_NAME_SHOWN + 16];
    for (int32_t i = 0; i < n; i++) {
        if (!check_name(&item[i], i, d))
            return false;
        if (array_is_sound(&item[i].array))
            continue;
        file_show(shown, item[i].name, strlen(item[i].name));
        (void)snprintf(what, sizeof what, "array '%s'", shown);
        array_explain(&item[i].array, what, d);
        return false;
    }
    const char *twice = array_set_twice(item, n, d);
    if (twice) {
        file_show(shown, twice, strlen(twice));
        diag_plain(d, DIAG_array_names, "two arrays have the name '%s'", shown);
    }
    return !diag_failed(d);
}

/* ---------------------------------------------------------------- files */

/* The format of a file of several arrays; FORMAT_UNKNOWN and a message for another. */
static array_format find_format(const char *path, diag *d)
{
    char shown[FILE_NAME_SHOWN];
    array_path p = array_path_of(path);
    if (!p.member && (p.format == FORMAT_NPZ || p.format == FORMAT_SAFETENSORS))
        return p.format;
    file_show(shown, path, strlen(path));
    diag_plain(d, DIAG_file_format, "'%s' is no file of several arrays", shown);
    diag_hint(d, ".npz and .safetensors are known");
    return FORMAT_UNKNOWN;
}

static bool check_read(const array_set *s, const file_input *in, diag *d)
{
    char shown[FILE_NAME_SHOWN];
    const char *twice = array_set_twice(s->item, s->n, d);
    if (twice) {
        file_show_bytes(shown, twice, strlen(twice));
        diag_plain(d, DIAG_array_twice, "'%s' has two arrays '%s'", in->name, shown);
    }
    return !diag_failed(d);
}

bool array_set_load(array_set *s, const char *path, diag *d)
{
    file_input in;
    *s = (array_set){ .item = NULL };
    array_format format = find_format(path, d);
    if (format == FORMAT_UNKNOWN || !file_open(&in, path, d))
        return false;
    bool good =
        format == FORMAT_NPZ ? npz_read_all(s, &in, d) : safetensors_read_all(s, NULL, &in, d);
    good = good && check_read(s, &in, d);
    file_close(&in);
    if (!good)
        array_set_free(s);
    return good;
}

static bool can_hold(const jit_named *item, int32_t n, const char *path, diag *d)
{
    char shown[FILE_NAME_SHOWN];
    file_show(shown, path, strlen(path));
    for (int32_t i = 0; i < n; i++)
        if (!npy_can_hold(&item[i].array, shown, d))
            return false;
    return true;
}

bool array_set_save(const jit_named *item, int32_t n, const char *path, diag *d)
{
    array_format format = find_format(path, d);
    if (format == FORMAT_UNKNOWN || !array_set_check(item, n, d))
        return false;
    if (format == FORMAT_SAFETENSORS)
        return safetensors_save_all(&(safetensors_content){ item, NULL, n, 0 }, path, d);
    return can_hold(item, n, path, d) &&
           npz_save_all(item, n, &(npz_target){ path, NULL, 0 }, d);
}

/* ---------------------------------------------------------------- the API */

jit_status jit_arrays_load(jit_named **arrays, int32_t *n, const char *path, jit_error *err)
{
    diag d;
    array_set s;
    diag_init(&d, err, NULL);
    if (arrays)
        *arrays = NULL;
    if (n)
        *n = 0;
    if (!arrays || !n || !path) {
        diag_plain(&d, DIAG_file_argument, "jit_arrays_load: %s is NULL",
                   !arrays ? "arrays"
                   : !n    ? "n"
                           : "path");
    } else if (array_set_load(&s, path, &d)) {
        *arrays = s.item;
        *n = s.n;
    }
    return d.out->status;
}

jit_status jit_arrays_save(const jit_named *arrays, int32_t n, const char *path, jit_error *err)
{
    diag d;
    diag_init(&d, err, NULL);
    if (n < 0 || (n > 0 && !arrays) || !path)
        diag_plain(&d, DIAG_file_argument, "jit_arrays_save: %s",
                   n < 0   ? "n is negative"
                   : !path ? "path is NULL"
                           : "arrays is NULL");
    else
        (void)array_set_save(arrays, n, path, &d);
    return d.out->status;
}
