/* Several arrays in one file, .npz and .safetensors: every type, name and shape comes back; what
 * other programs may write is read; what is damaged is refused with a reason. */
#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "failing_malloc.h"
#include "files_support.h"

static const char *const files[] = { "x.safetensors", "x.npz" };

static void load_all(jit_named **arrays, int32_t *n, const char *path)
{
    jit_error err;
    cr_assert_eq(jit_arrays_load(arrays, n, path, &err), JIT_OK, "%s: %s", path,
                 err.diagnostic[0].message);
}

static void save_all(const jit_named *arrays, int32_t n, const char *path)
{
    jit_error err;
    cr_assert_eq(jit_arrays_save(arrays, n, path, &err), JIT_OK, "%s: %s", path,
                 err.diagnostic[0].message);
}

static const jit_named *find(const jit_named *arrays, int32_t n, const char *name)
{
    for (int32_t i = 0; i < n; i++)
        if (strcmp(arrays[i].name, name) == 0)
            return &arrays[i];
    cr_assert_fail("no array '%s'", name);
    return NULL;
}

static void expect_error(const jit_error *err, jit_status status, int32_t code,
                         const char *what)
{
    cr_assert_eq(err->status, status, "%s: %s", what, err->diagnostic[0].message);
    cr_assert_eq(err->diagnostic[0].code, code, "%s: E%04d %s", what,
                 (int)err->diagnostic[0].code, err->diagnostic[0].message);
    cr_assert(err->diagnostic[0].message[0]);
}

/* ---------------------------------------------------------------- what we write */

enum { TYPES = JIT_F64, BYTES = 512 };
static uint8_t numbers[BYTES];

/* One array of each type, of different ranks, names and strides. */
static int32_t make_all(jit_named *item, bool with_bf16)
{
    static const char *const names[TYPES] = { "bool",
                                              "a/b.c",
                                              "layer 0: w",
                                              "\xC3\xA9\xE2\x82\xAC",
                                              "quote\"back\\slash",
                                              "tab\tnl",
                                              "dtype",
                                              ".npy",
                                              "x.npy",
                                              "\xF0\x9D\x84\x9E",
                                              "shape",
                                              "__metadata",
                                              "data_offsets" };
    int32_t n = 0;
    for (int i = 0; i < BYTES; i++)
        numbers[i] = (uint8_t)(i * 89 >> 2);
    numbers[0] = 1, numbers[1] = 0, numbers[2] = 1, numbers[3] = 1;
    for (int t = JIT_BOOL; t <= JIT_F64; t++) {
        int64_t shape[JIT_MAX_RANK] = { 2, 2, 1, 1, 1, 1, 1, 1 };
        if (t == JIT_BF16 && !with_bf16)
            continue;
        jit_array a = jit_array_of((jit_dtype)t, numbers, t == JIT_I8 ? 0 : t % 8 + 1, shape);
        if (t == JIT_F32)
            (void)jit_array_transpose(&a, &a, NULL, NULL);
        if (t == JIT_I64)
            (void)jit_array_slice(&a, &a, 0, 0, 0, 1, NULL);
        item[n++] = (jit_named){ names[t - 1], a };
    }
    return n;
}

static void expect_same(const jit_array *a, const jit_array *b, const char *name)
{
    jit_array x = { .rank = -1 };
    cr_assert_eq(a->dtype, b->dtype, "%s", name);
    cr_assert_eq(a->rank, b->rank, "%s", name);
    cr_assert_arr_eq(a->shape, b->shape, (size_t)a->rank * sizeof *a->shape, "%s", name);
    cr_assert_eq(jit_array_copy(&x, a, NULL), JIT_OK);
    size_t size = (size_t)jit_array_count(a) * jit_dtype_size(a->dtype);
    cr_assert_eq(memcmp(x.data, b->data, size), 0, "%s", name);
    cr_assert_eq((uintptr_t)b->data % 64, 0);
    jit_array_free(&x);
}

Test(safetensors, every_array_comes_back, .fini = files_remove_folder)
{
    for (int f = 0; f < 2; f++) {
        jit_named item[TYPES], *back;
        int32_t n = make_all(item, f == 0), n_back;
        const char *path = files_path(files[f]);
        save_all(item, n, path);
        load_all(&back, &n_back, path);
        cr_assert_eq(n_back, n);
        for (int32_t i = 0; i < n; i++) {
            char one[256];
            jit_array a;
            expect_same(&item[i].array, &find(back, n, item[i].name)->array, item[i].name);
            if (f == 1 && strcmp(item[i].name, "x.npy") == 0)
                continue; /* as a member this means the array "x" */
            (void)snprintf(one, sizeof one, "%s:%s", path, item[i].name);
            cr_assert_eq(jit_array_load(&a, one, NULL), JIT_OK, "%s", one);
            expect_same(&item[i].array, &a, one);
            jit_array_free(&a);
        }
        jit_arrays_free(back, n_back);
        save_all(NULL, 0, path);
        load_all(&back, &n_back, path);
        cr_assert_eq(n_back, 0);
        jit_arrays_free(back, n_back);
        cr_assert_eq(files_in_folder(), f + 1);
    }
}

Test(safetensors, the_bytes_are_those_of_the_format, .fini = files_remove_folder)
{
    uint8_t small[3] = { 7, 8, 9 };
    float large[2] = { 1, 2 };
    jit_named item[] = { { "s", jit_array_of(JIT_U8, small, 1, (int64_t[]){ 3 }) },
                         { "l", jit_array_of(JIT_F32, large, 2, (int64_t[]){ 1, 2 }) } };
    static const char text[] =
        "{\"l\":{\"dtype\":\"F32\",\"shape\":[1,2],\"data_offsets\":[0,8]},"
        "\"s\":{\"dtype\":\"U8\",\"shape\":[3],\"data_offsets\":[8,11]}}";
    save_all(item, 2, files_path("x.safetensors"));
    bytes b = files_get(files_path("x.safetensors"));
    size_t header = (sizeof text - 1 + 7) / 8 * 8;
    cr_assert_eq(b.n, 8 + header + 11);
    cr_assert_eq(b.at[0], header);
    cr_assert_eq(memcmp(b.at + 8, text, sizeof text - 1), 0);
    cr_assert_eq(memcmp(b.at + 8 + header, large, 8), 0);
    cr_assert_eq(memcmp(b.at + 16 + header, small, 3), 0);
    bytes_free(&b);
}

Test(safetensors, one_array_is_replaced_or_added, .fini = files_remove_folder)
{
    char path[256], member[300];
    jit_named *back;
    int32_t n;
    float one[2] = { 1, 2 }, other[3] = { 3, 4, 5 };
    jit_array a = jit_array_of(JIT_F32, one, 1, (int64_t[]){ 2 });
    jit_array b = jit_array_of(JIT_F32, other, 1, (int64_t[]){ 3 }), c;
    (void)snprintf(path, sizeof path, "%s", files_path("m.safetensors"));
    cr_assert_eq(jit_array_save(&a, path, NULL), JIT_OK);
    cr_assert_eq(jit_array_load(&c, path, NULL), JIT_OK); /* the only one needs no name */
    expect_same(&a, &c, "arr_0");
    jit_array_free(&c);
    (void)snprintf(member, sizeof member, "%s:second", path);
    cr_assert_eq(jit_array_save(&a, member, NULL), JIT_OK);
    cr_assert_eq(jit_array_save(&b, member, NULL), JIT_OK);
    load_all(&back, &n, path);
    cr_assert_eq(n, 2);
    expect_same(&a, &find(back, n, "arr_0")->array, "arr_0");
    expect_same(&b, &find(back, n, "second")->array, "second");
    jit_arrays_free(back, n);
    jit_error err;
    (void)jit_array_load(&c, path, &err);
    expect_error(&err, JIT_ERR_ARGUMENT, 631, "two arrays and no name");
    cr_assert(strstr(err.diagnostic[0].hint, "arr_0, second"), "%s", err.diagnostic[0].hint);
    (void)snprintf(member, sizeof member, "%s:third", path);
    (void)jit_array_load(&c, member, &err);
    expect_error(&err, JIT_ERR_ARGUMENT, 631, "no such array");
}

Test(safetensors, what_cannot_be_saved, .fini = files_remove_folder)
{
    jit_array a = jit_array_of(JIT_U8, numbers, 1, (int64_t[]){ 3 }), bad = a, wide = a;
    char longest[1002];
    memset(longest, 'x', sizeof longest);
    longest[1001] = 0;
    bad.rank = 12;
    wide.dtype = JIT_BF16;
    const struct row {
        jit_named item[2];
        const char *file;
        jit_status status;
        int32_t code;
    } rows[] = {
        { { { "a", a }, { "a", a } }, "x.npz", JIT_ERR_ARGUMENT, 658 },
        { { { NULL, a }, { "a", a } }, "x.npz", JIT_ERR_ARGUMENT, 658 },
        { { { "", a }, { "a", a } }, "x.safetensors", JIT_ERR_ARGUMENT, 658 },
        { { { "\xC3", a }, { "a", a } }, "x.safetensors", JIT_ERR_ARGUMENT, 658 },
        { { { longest, a }, { "a", a } }, "x.npz", JIT_ERR_ARGUMENT, 658 },
        { { { "__metadata__", a }, { "a", a } }, "x.safetensors", JIT_ERR_ARGUMENT, 658 },
        { { { "a", a }, { "b", bad } }, "x.safetensors", JIT_ERR_SHAPE, 504 },
        { { { "a", a }, { "b", wide } }, "x.npz", JIT_ERR_TYPE, 660 },
        { { { "a", a }, { "b", a } }, "x.npy", JIT_ERR_ARGUMENT, 601 },
        { { { "a", a }, { "b", a } }, "x.npz:m", JIT_ERR_ARGUMENT, 601 },
        { { { "a", a }, { "b", a } }, "no/x.npz", JIT_ERR_FILE, 604 },
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        jit_error err;
        (void)jit_arrays_save(rows[i].item, 2, files_path(rows[i].file), &err);
        expect_error(&err, rows[i].status, rows[i].code, rows[i].file);
    }
    jit_error err;
    jit_named *back = NULL;
    int32_t n;
    (void)jit_arrays_save(rows[0].item, -1, "x.npz", &err);
    expect_error(&err, JIT_ERR_ARGUMENT, 600, "n");
    (void)jit_arrays_save(NULL, 1, "x.npz", &err);
    expect_error(&err, JIT_ERR_ARGUMENT, 600, "arrays");
    (void)jit_arrays_load(&back, &n, NULL, &err);
    expect_error(&err, JIT_ERR_ARGUMENT, 600, "path");
    (void)jit_arrays_load(&back, NULL, "x.npz", &err);
    expect_error(&err, JIT_ERR_ARGUMENT, 600, "n");
    jit_arrays_free(NULL, 3); /* harmless */
    cr_assert_eq(files_in_folder(), 0);
}

/* ---------------------------------------------------------------- what others write */

#define ONE(dtype, shape, place)                                                               \
    "{\"dtype\":\"" dtype "\",\"shape\":" shape ",\"data_offsets\":" place "}"

static void try_header(const char *header, size_t data, jit_error *err, jit_named **back,
                       int32_t *n)
{
    static const uint8_t zeros[64];
    const char *path = files_path("h.safetensors");
    files_take(path, bytes_safetensors(header, bytes_of(zeros, data)));
    (void)jit_arrays_load(back, n, path, err);
}

Test(safetensors, headers_that_others_write, .fini = files_remove_folder)
{
    static const struct row {
        const char *header;
        size_t data;
        int32_t n;
        const char *name;
    } rows[] = {
        { "{}", 0, 0, NULL },
        { " { } \n", 0, 0, NULL },
        { "{\"__metadata__\":{}}   ", 0, 0, NULL },
        { "{\"__metadata__\":{\"format\":\"pt\",\"a\":\"{\\\"b\\\": [1]}\"},\"w\":" ONE(
              "F32", "[2,3]", "[0,24]") "}",
          24, 1, "w" },
        { "\t{ \"w\" : { \"shape\" : [ ] , \"data_offsets\" : [ 0 , 8 ] , \"dtype\" : \"F64\" "
          "} }\r\n",
          8, 1, "w" },
        { "{\"\\u0077\\/\\\"\\\\\\b\\f\\n\\r\\t\":" ONE("U8", "[1]", "[0,1]") "}", 1, 1,
          "w/\"\\\b\f\n\r\t" },
        { "{\"\\u00e9\\u20AC\\ud834\\udd1e\":" ONE("U8", "[1]", "[0,1]") "}", 1, 1,
          "\xC3\xA9\xE2\x82\xAC\xF0\x9D\x84\x9E" },
        { "{\"b\":" ONE("U8", "[2]", "[1,3]") ",\"a\":" ONE("I8", "[1]", "[0,1]") "}", 3, 2,
          "a" },
        { "{\"b\":" ONE("U8", "[0]", "[1,1]") ",\"a\":" ONE("I8", "[1]", "[0,1]") ",\"c\":" ONE(
              "F16", "[3,0]", "[1,1]") "}",
          1, 3, "c" },
        { "{\"w\":" ONE("BOOL", "[1,1,1,1,1,1,1,4]", "[0,4]") "}", 4, 1, "w" },
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        jit_error err;
        jit_named *back;
        int32_t n;
        try_header(rows[i].header, rows[i].data, &err, &back, &n);
        cr_assert_eq(err.status, JIT_OK, "%s: %s", rows[i].header, err.diagnostic[0].message);
        cr_assert_eq(n, rows[i].n, "%s", rows[i].header);
        if (rows[i].name)
            (void)find(back, n, rows[i].name);
        jit_arrays_free(back, n);
    }
}

Test(safetensors, damaged_headers_are_refused, .fini = files_remove_folder)
{
    static const struct row {
        const char *header;
        size_t data;
        int32_t code;
    } rows[] = {
        { "", 0, 654 },
        { "[]", 0, 654 },
        { "{", 0, 654 },
        { "{}x", 0, 654 },
        { "{\"w\"}", 0, 654 },
        { "{w:1}", 0, 654 },
        { "{\"w\":1}", 0, 654 },
        { "{\"w\":{}}", 0, 654 },
        { "{\"w\":" ONE("U8", "[1]", "[0,1]") ",}", 1, 654 },
        { "{\"w\":" ONE("U8", "[1]", "[0,1]") " \"v\":1}", 1, 654 },
        { "{\"w\":" ONE("U8", "[1,]", "[0,1]") "}", 1, 654 },
        { "{\"w\":" ONE("U8", "[-1]", "[0,1]") "}", 1, 654 },
        { "{\"w\":" ONE("U8", "[01]", "[0,1]") "}", 1, 654 },
        { "{\"w\":" ONE("U8", "[1.0]", "[0,1]") "}", 1, 654 },
        { "{\"w\":" ONE("U8", "[1e0]", "[0,1]") "}", 1, 654 },
        { "{\"w\":" ONE("U8", "[9223372036854775808]", "[0,1]") "}", 1, 654 },
        { "{\"w\":" ONE("U8", "[1,1,1,1,1,1,1,1,1]", "[0,1]") "}", 1, 654 },
        { "{\"w\":" ONE("U8", "1", "[0,1]") "}", 1, 654 },
        { "{\"w\":" ONE("U8", "[1]", "[0]") "}", 1, 654 },
        { "{\"w\":" ONE("U8", "[1]", "[0,1,2]") "}", 1, 654 },
        { "{\"w\":{\"dtype\":\"U8\",\"shape\":[1]}}", 1, 654 },
        { "{\"w\":{\"dtype\":\"U8\",\"dtype\":\"U8\",\"shape\":[1],\"data_offsets\":[0,1]}}", 1,
          654 },
        { "{\"w\":{\"type\":\"U8\",\"shape\":[1],\"data_offsets\":[0,1]}}", 1, 654 },
        { "{\"w\":{\"dtype\":7,\"shape\":[1],\"data_offsets\":[0,1]}}", 1, 654 },
        { "{\"__metadata__\":{\"a\":1}}", 0, 654 },
        { "{\"__metadata__\":{\"a\"}}", 0, 654 },
        { "{\"__metadata__\":{},\"__metadata__\":{}}", 0, 654 },
        { "{\"w\\u0000\":" ONE("U8", "[1]", "[0,1]") "}", 1, 654 },
        { "{\"\\ud834x\":" ONE("U8", "[1]", "[0,1]") "}", 1, 654 },
        { "{\"\\udd1e\":" ONE("U8", "[1]", "[0,1]") "}", 1, 654 },
        { "{\"\\ud834\\u0041\":" ONE("U8", "[1]", "[0,1]") "}", 1, 654 },
        { "{\"\\u12g4\":" ONE("U8", "[1]", "[0,1]") "}", 1, 654 },
        { "{\"\\x\":" ONE("U8", "[1]", "[0,1]") "}", 1, 654 },
        { "{\"\xC3\":" ONE("U8", "[1]", "[0,1]") "}", 1, 654 },
        { "{\"a\nb\":" ONE("U8", "[1]", "[0,1]") "}", 1, 654 },
        { "{\"w", 0, 654 },
        { "{\"w\\", 0, 654 },
        { "{\"w\\u12", 0, 654 },
        { "{\"w\":" ONE("F8_E4M3", "[1]", "[0,1]") "}", 1, 655 },
        { "{\"w\":" ONE("f32", "[1]", "[0,4]") "}", 4, 655 },
        { "{\"w\":" ONE("U8", "[2]", "[0,1]") "}", 1, 656 },
        { "{\"w\":" ONE("U8", "[1]", "[1,0]") "}", 1, 656 },
        { "{\"w\":" ONE("U8", "[1]", "[1,2]") "}", 2, 656 },
        { "{\"w\":" ONE("U8", "[2]", "[0,2]") "}", 1, 656 },
        { "{\"w\":" ONE("U8", "[1]", "[0,1]") "}", 2, 656 },
        { "{}", 1, 656 },
        { "{\"w\":" ONE("U8", "[9223372036854775807]", "[0,9223372036854775807]") "}", 1, 656 },
        { "{\"w\":" ONE("F64", "[4611686018427387904,2]", "[0,1]") "}", 1, 606 },
        { "{\"a\":" ONE("U8", "[2]", "[0,2]") ",\"b\":" ONE("U8", "[2]", "[1,3]") "}", 3, 656 },
        { "{\"a\":" ONE("U8", "[1]", "[0,1]") ",\"b\":" ONE("U8", "[1]", "[0,1]") "}", 1, 656 },
        { "{\"a\":" ONE("U8", "[1]", "[0,1]") ",\"a\":" ONE("U8", "[1]", "[1,2]") "}", 2, 657 },
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        jit_error err;
        jit_named *back;
        int32_t n;
        try_header(rows[i].header, rows[i].data, &err, &back, &n);
        expect_error(&err, JIT_ERR_FORMAT, rows[i].code, rows[i].header);
        cr_assert(!back && n == 0);
    }
}

Test(safetensors, lengths_that_lie, .fini = files_remove_folder)
{
    static const uint64_t lengths[] = { 3, 100, 100000001, UINT64_MAX, (uint64_t)1 << 63 };
    for (size_t i = 0; i < sizeof lengths / sizeof *lengths; i++) {
        jit_error err;
        jit_array a;
        bytes b = bytes_safetensors("{}", bytes_of("", 0));
        memcpy(b.at, &lengths[i], 8);
        files_take(files_path("h.safetensors"), b);
        (void)jit_array_load(&a, files_path("h.safetensors"), &err);
        expect_error(&err, JIT_ERR_FORMAT, 654, "length");
    }
    jit_error err;
    jit_array a;
    files_take(files_path("h.safetensors"), bytes_of("\2\0\0", 3));
    (void)jit_array_load(&a, files_path("h.safetensors"), &err);
    expect_error(&err, JIT_ERR_FORMAT, 605, "no length");
}

/* ---------------------------------------------------------------- archives */

/* The archive of one member with its directory entry `times` times. */
static bytes repeat_member(bytes one, size_t name, int times)
{
    size_t entry = 46 + name, start = one.n - 22 - entry;
    bytes central = bytes_of(one.at + start, entry), end = bytes_of(one.at + one.n - 22, 22);
    one.n = start;
    for (int i = 0; i < times; i++)
        one = bytes_join(one, bytes_of(central.at, central.n));
    end.at[8] = end.at[10] = (uint8_t)times;
    uint32_t size = (uint32_t)(entry * (size_t)times);
    memcpy(end.at + 12, &size, 4);
    bytes_free(&central);
    return bytes_join(one, end);
}

Test(safetensors, archives_of_repeated_members_are_refused, .fini = files_remove_folder)
{
    static const uint8_t zeros[40000];
    static const char header[] =
        "{'descr': '|u1', 'fortran_order': False, 'shape': (40000,), }";
    jit_error err;
    jit_named *back;
    int32_t n;
    bytes plain = bytes_npy(1, header, bytes_of(zeros, sizeof zeros));
    files_take(files_path("x.npz"), repeat_member(bytes_zip("w.npy", 0, plain), 5, 2));
    (void)jit_arrays_load(&back, &n, files_path("x.npz"), &err);
    expect_error(&err, JIT_ERR_FORMAT, 630, "members share their bytes");
    plain = bytes_npy(1, header, bytes_of(zeros, sizeof zeros));
    files_take(files_path("x.npz"), repeat_member(bytes_zip("w.npy", 8, plain), 5, 2));
    (void)jit_arrays_load(&back, &n, files_path("x.npz"), &err);
    expect_error(&err, JIT_ERR_FORMAT, 657, "two of a name");
    cr_assert(!back && n == 0);
}

/* ---------------------------------------------------------------- memory */

static bool one_round(const char *path, long k, bool onwards)
{
    float values[4] = { 1, 2, 3, 4 };
    jit_array a = jit_array_of(JIT_F32, values, 1, (int64_t[]){ 4 });
    jit_named item[] = { { "first", a }, { "second", a } }, *back;
    int32_t n;
    failing_malloc_arm(k, onwards);
    jit_error err;
    jit_status saved = jit_arrays_save(item, 2, path, &err);
    bool save_failed = failing_malloc_disarm();
    cr_assert(saved == (save_failed ? JIT_ERR_MEMORY : JIT_OK) ||
                  (save_failed && err.diagnostic[0].code == 604),
              "%s: %s", path, err.diagnostic[0].message);
    failing_malloc_arm(k, onwards);
    jit_status loaded = jit_arrays_load(&back, &n, path, &err);
    bool load_failed = failing_malloc_disarm();
    cr_assert_eq(loaded, load_failed ? JIT_ERR_MEMORY : JIT_OK, "%s", path);
    cr_assert_eq(n, load_failed ? 0 : 2);
    jit_arrays_free(back, n);
    return save_failed || load_failed;
}

Test(safetensors, every_allocation_may_fail, .fini = files_remove_folder)
{
    enum { MOST = 100 };
    if (!failing_malloc_works())
        cr_skip_test("a sanitizer has its own malloc");
    for (int f = 0; f < 2; f++)
        for (int onwards = 0; onwards <= 1; onwards++) {
            char path[256];
            long k = 0;
            (void)snprintf(path, sizeof path, "%s", files_path(files[f]));
            cr_assert(!one_round(path, MOST, false));
            while (k < MOST && one_round(path, k, onwards))
                k++;
            cr_assert(k > 3 && k < MOST);
        }
}
