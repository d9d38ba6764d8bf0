/* jit_array_load and jit_array_save: the format is chosen by the path, the rest is the
 * format's. */
#include "array_io.h"

#include <stdlib.h>
#include <string.h>

#include "csv.h"
#include "idx.h"
#include "npy.h"
#include "npz.h"
#include "raw.h"
#include "safetensors.h"

static char lower(char c)
{
    return c >= 'A' && c <= 'Z' ? (char)(c - 'A' + 'a') : c;
}

/* Whether text[0..] begins with `word`, letters of either case. */
static bool begins(const char *text, const char *word)
{
    for (; *word; text++, word++)
        if (lower(*text) != *word)
            return false;
    return true;
}

static bool ends(const char *path, const char *suffix)
{
    size_t n = strlen(path), k = strlen(suffix);
    return n > k && begins(path + n - k, suffix);
}

static bool contains(const char *text, const char *word)
{
    for (; *text; text++)
        if (begins(text, word))
            return true;
    return false;
}

/* The last ".npz:" or ".safetensors:" with a name after it, so that folders may be called
 * anything. */
static const char *find_member(const char *path, array_format *format)
{
    static const char npz[] = ".npz:", safetensors[] = ".safetensors:";
    for (size_t i = strlen(path); i-- > 0;) {
        bool is_npz = begins(path + i, npz);
        if (!is_npz && !begins(path + i, safetensors))
            continue;
        *format = is_npz ? FORMAT_NPZ : FORMAT_SAFETENSORS;
        return path + i + (is_npz ? sizeof npz : sizeof safetensors) - 1;
    }
    return NULL;
}

array_path array_path_of(const char *path)
{
    static const struct suffix {
        const char *text;
        array_format format;
    } suffixes[] = {
        { ".npy", FORMAT_NPY }, { ".npz", FORMAT_NPZ }, { ".safetensors", FORMAT_SAFETENSORS },
        { ".csv", FORMAT_CSV }, { ".f32", FORMAT_F32 }, { ".f64", FORMAT_F64 },
        { ".idx", FORMAT_IDX }, { ".gz", FORMAT_IDX }
    };
    array_path p = { .file_bytes = strlen(path) };
    p.member = find_member(path, &p.format);
    if (p.member) {
        p.file_bytes = (size_t)(p.member - path) - 1;
        return p;
    }
    for (size_t i = 0; i < sizeof suffixes / sizeof *suffixes; i++) {
        if (!ends(path, suffixes[i].text))
            continue;
        p.format = suffixes[i].format;
        return p;
    }
    const char *slash = strrchr(path, '/');
    if (contains(slash ? slash + 1 : path, "idx"))
        p.format = FORMAT_IDX;
    return p;
}

static bool unknown_format(const char *path, diag *d)
{
    char shown[FILE_NAME_SHOWN];
    file_show(shown, path, strlen(path));
    diag_plain(d, DIAG_file_format, "'%s' has no suffix that says what it is", shown);
    diag_hint(
        d, ".npy, .npz, .npz:member, .safetensors, .safetensors:name, .csv, .f32, .f64 and IDX "
           "files (.idx, .gz) are known");
    return false;
}

static bool load_opened(jit_array *a, const file_input *in, const array_path *p, diag *d)
{
    stream s;
    stream_part all = { .length = in->size, .size = in->size, .packing = STREAM_STORED };
    switch (p->format) {
    case FORMAT_NPY:
        return stream_open(&s, in, &all, d) && npy_read(a, &s, d);
    case FORMAT_NPZ:
        return npz_read(a, in, p->member, d);
    case FORMAT_SAFETENSORS:
        return safetensors_read(a, in, p->member, d);
    case FORMAT_CSV:
        return csv_read(a, in, d);
    case FORMAT_F32:
        return raw_read(a, in, JIT_F32, d);
    case FORMAT_F64:
        return raw_read(a, in, JIT_F64, d);
    default:
        return idx_read(a, in, d);
    }
}

char *array_path_file(const char *path, const array_path *p, diag *d)
{
    char *file = malloc(p->file_bytes + 1);
    if (!file) {
        diag_no_memory(d);
        return NULL;
    }
    memcpy(file, path, p->file_bytes);
    file[p->file_bytes] = 0;
    return file;
}

static void load(jit_array *a, const char *path, diag *d)
{
    array_path p = array_path_of(path);
    if (p.format == FORMAT_UNKNOWN) {
        (void)unknown_format(path, d);
        return;
    }
    char *file = array_path_file(path, &p, d);
    file_input in;
    jit_array made;
    if (file && file_open(&in, file, d)) {
        if (load_opened(&made, &in, &p, d))
            *a = made;
        file_close(&in);
    }
    free(file);
}

jit_status jit_array_load(jit_array *a, const char *path, jit_error *err)
{
    diag d;
    diag_init(&d, err, NULL);
    if (a)
        *a = (jit_array){ .data = NULL };
    if (!a || !path)
        diag_plain(&d, DIAG_file_argument, "jit_array_load: %s is NULL", a ? "path" : "array");
    else
        load(a, path, &d);
    return d.out->status;
}

/* What the host passed: cheap to check, and the writers rely on it. */
static bool check_array(const jit_array *a, diag *d)
{
    int64_t n_bytes;
    if (jit_dtype_size(a->dtype) == 0 || a->rank < 0 || a->rank > JIT_MAX_RANK) {
        diag_plain(d, DIAG_file_argument, "jit_array_save: element type %d with rank %d",
                   (int)a->dtype, a->rank);
        return false;
    }
    for (int32_t i = 0; i < a->rank; i++) {
        if (a->shape[i] >= 0)
            continue;
        diag_plain(d, DIAG_file_argument, "jit_array_save: extent %lld of axis %d",
                   (long long)a->shape[i], i);
        return false;
    }
    if (file_array_bytes(a, &n_bytes) && (a->data || n_bytes == 0))
        return true;
    diag_plain(d, DIAG_file_argument, "jit_array_save: %s",
               a->data ? "the array has more than 2^63 bytes" : "data is NULL");
    return false;
}

static bool save_npy(const jit_array *a, const char *path, diag *d)
{
    file_output o;
    if (!file_create(&o, path, d))
        return false;
    npy_write(a, &o);
    return file_commit(&o);
}

static bool save_format(const jit_array *a, const char *path, const array_path *p, diag *d)
{
    char shown[FILE_NAME_SHOWN];
    file_show(shown, path, strlen(path));
    switch (p->format) {
    case FORMAT_NPY:
        return npy_can_hold(a, shown, d) && save_npy(a, path, d);
    case FORMAT_NPZ:
        return npy_can_hold(a, shown, d) && npz_save(a, &(npz_target){ path, p->member, 0 }, d);
    case FORMAT_SAFETENSORS:
        return safetensors_save(a, path, p->member, d);
    case FORMAT_CSV:
        return csv_save(a, path, d);
    case FORMAT_F32:
        return raw_save(a, path, JIT_F32, d);
    case FORMAT_F64:
        return raw_save(a, path, JIT_F64, d);
    default:
        diag_plain(d, DIAG_file_save_format, "cannot write '%s': IDX files are only read",
                   shown);
        diag_hint(d, "write .npy");
        return false;
    }
}

static void save(const jit_array *a, const char *path, diag *d)
{
    array_path p = array_path_of(path);
    if (p.format == FORMAT_UNKNOWN) {
        (void)unknown_format(path, d);
        return;
    }
    if (!check_array(a, d))
        return;
    char *file = array_path_file(path, &p, d);
    if (file)
        (void)save_format(a, file, &p, d);
    free(file);
}

jit_status jit_array_save(const jit_array *a, const char *path, jit_error *err)
{
    diag d;
    diag_init(&d, err, NULL);
    if (!a || !path)
        diag_plain(&d, DIAG_file_argument, "jit_array_save: %s is NULL", a ? "path" : "array");
    else
        save(a, path, &d);
    return d.out->status;
}
