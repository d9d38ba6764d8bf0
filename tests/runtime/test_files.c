/* Arrays to files and back, in every format, type and layout; and what else is read. */
#include <criterion/criterion.h>
#include <locale.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "elements.h"
#include "files_support.h"
#include "type.h"

static const jit_dtype all_types[] = { JIT_BOOL, JIT_I8,  JIT_I16, JIT_I32, JIT_I64, JIT_U8,
                                       JIT_U16,  JIT_U32, JIT_U64, JIT_F16, JIT_F32, JIT_F64 };
enum { N_TYPES = sizeof all_types / sizeof *all_types, ROOM = 4096 };

static void load(jit_array *a, const char *path)
{
    jit_error err;
    cr_assert_eq(jit_array_load(a, path, &err), JIT_OK, "%s: %s", path,
                 err.diagnostic[0].message);
}

static void save(const jit_array *a, const char *path)
{
    jit_error err;
    cr_assert_eq(jit_array_save(a, path, &err), JIT_OK, "%s: %s", path,
                 err.diagnostic[0].message);
}

static bool append_bytes(void *user, const void *packed, int64_t count)
{
    bytes *b = user;
    memcpy(b->at + b->n, packed, (size_t)count);
    b->n += (size_t)count;
    return true;
}

/* The array's bits in C order. The size of an element is told apart by the caller. */
static bytes packed(const jit_array *a)
{
    size_t size = jit_dtype_size(a->dtype);
    jit_array as_bytes = *a;
    bytes b = { malloc((size_t)jit_array_count(a) * size + 1), 0 };
    cr_assert(b.at);
    cr_assert(a->rank < JIT_MAX_RANK);
    as_bytes.dtype = JIT_U8;
    as_bytes.rank++;
    as_bytes.shape[a->rank] = (int64_t)size;
    as_bytes.stride[a->rank] = 1;
    elements_each(&as_bytes, append_bytes, &b);
    return b;
}

static void expect_same(const jit_array *a, const jit_array *b, const char *what)
{
    bytes x = packed(a), y = packed(b);
    cr_assert_eq(a->dtype, b->dtype, "%s: %s", what, jit_dtype_name(b->dtype));
    cr_assert_eq(a->rank, b->rank, "%s", what);
    cr_assert_arr_eq(a->shape, b->shape, (size_t)a->rank * sizeof *a->shape, "%s", what);
    cr_assert_eq(x.n, y.n, "%s", what);
    cr_assert_arr_eq(x.at, y.at, x.n, "%s", what);
    bytes_free(&x);
    bytes_free(&y);
}

/* Layouts over one buffer: contiguous, transposed, reversed, every second, broadcast, empty,
 * 0-d. */
enum { N_LAYOUTS = 8 };

static jit_array layout(int which, jit_dtype t, uint8_t *buffer)
{
    static const int64_t shapes[N_LAYOUTS][4] = {
        { 3, 4, 5 }, { 3, 4, 5 }, { 7 }, { 6, 11 }, { 3, 2, 70 }, { 0, 3 }, { 1 }, { 2, 2000 }
    };
    static const int ranks[N_LAYOUTS] = { 3, 3, 1, 2, 3, 2, 0, 2 };
    int64_t size = (int64_t)jit_dtype_size(t);
    jit_array a = jit_array_of(t, buffer, ranks[which], shapes[which]);
    if (which == 1) {
        a.stride[0] = size;
        a.stride[1] = 3 * size;
        a.stride[2] = 12 * size;
    } else if (which == 2) {
        a.data = buffer + 6 * size;
        a.stride[0] = -size;
    } else if (which == 3) {
        a.stride[1] = 2 * size;
        a.stride[0] = 22 * size;
    } else if (which == 4) {
        a.stride[0] = 0;
        a.stride[2] = 0;
    } else if (which == 7) {
        a.stride[0] = -size; /* overlapping rows, from the second element on */
        a.data = buffer + size;
    }
    return a;
}

static void fill(uint8_t *buffer, jit_dtype t, uint64_t seed)
{
    for (size_t i = 0; i < ROOM * 8; i++)
        buffer[i] =
            (uint8_t)(t == JIT_BOOL ? files_random(&seed) & 1 : files_random(&seed) >> 20);
}

static void round_trip(jit_dtype t, int which, uint8_t *buffer)
{
    static const char *const names[] = { "x.npy",
                                         "a.npz",
                                         "b.npz:m",
                                         "b.npz:second.npy",
                                         "c.safetensors",
                                         "d.safetensors:m",
                                         "d.safetensors:second" };
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        char what[96];
        jit_array a = layout(which, t, buffer), b;
        (void)snprintf(what, sizeof what, "%s of %s, layout %d", names[i], jit_dtype_name(t),
                       which);
        save(&a, files_path(names[i]));
        load(&b, files_path(names[i]));
        cr_assert_eq((uintptr_t)b.data % 64, 0, "%s", what);
        expect_same(&a, &b, what);
        jit_array_free(&b);
    }
}

Test(files, binary_formats_give_every_bit_back, .fini = files_remove_folder)
{
    static uint8_t buffer[ROOM * 8];
    for (int t = 0; t < N_TYPES; t++) {
        fill(buffer, all_types[t], 42 + (uint64_t)t);
        for (int which = 0; which < N_LAYOUTS; which++)
            round_trip(all_types[t], which, buffer);
    }
    cr_assert_eq(files_in_folder(), 5);
}

/* -- raw */

static void raw_trip(jit_dtype from, jit_dtype to, uint8_t *buffer)
{
    const char *path = files_path(to == JIT_F32 ? "x.f32" : "x.f64");
    jit_array a = layout(1, from, buffer), b;
    if (!type_casts_safely(from, to)) {
        jit_error err;
        cr_assert_eq(jit_array_save(&a, path, &err), JIT_ERR_TYPE);
        cr_assert_eq(err.diagnostic[0].code, 660);
        return;
    }
    save(&a, path);
    load(&b, path);
    cr_assert_eq(b.dtype, to);
    cr_assert_eq(b.rank, 1);
    cr_assert_eq(b.shape[0], 60);
    bytes x = packed(&a);
    for (int64_t i = 0; i < 60; i++) {
        cell v = type_load(from, x.at + i * (int64_t)jit_dtype_size(from));
        double want = type_is_float(from)    ? v.f
                      : type_is_signed(from) ? (double)v.i
                                             : (double)v.u;
        double got = type_load(to, (uint8_t *)b.data + i * (int64_t)jit_dtype_size(to)).f;
        cr_assert(got == want || (isnan(got) && isnan(want)), "%s %lld: %a %a",
                  jit_dtype_name(from), (long long)i, got, want);
    }
    bytes_free(&x);
    jit_array_free(&b);
}

Test(files, raw_files_hold_what_converts_exactly, .fini = files_remove_folder)
{
    static uint8_t buffer[ROOM * 8];
    for (int t = 0; t < N_TYPES; t++) {
        fill(buffer, all_types[t], 7);
        raw_trip(all_types[t], JIT_F32, buffer);
        raw_trip(all_types[t], JIT_F64, buffer);
    }
    fill(buffer, JIT_BF16, 9);
    raw_trip(JIT_BF16, JIT_F32, buffer);
    raw_trip(JIT_BF16, JIT_F64, buffer);
}

/* -- csv */

/* Saves n elements of any bits as a table and compares what comes back, cast to their type. */
static void csv_trip(jit_dtype t, void *data, int64_t n)
{
    jit_array a = jit_array_of(t, data, 1, &n), b;
    int64_t size = (int64_t)jit_dtype_size(t);
    save(&a, files_path("x.csv"));
    load(&b, files_path("x.csv"));
    cr_assert_eq(b.dtype, JIT_F64);
    cr_assert_eq(b.rank, 1);
    cr_assert_eq(b.shape[0], n);
    for (int64_t i = 0; i < n; i++) {
        cell want = type_load(t, (uint8_t *)data + i * size), got = { ((double *)b.data)[i] };
        if (!type_is_float(t)) {
            double w = type_is_signed(t) ? (double)want.i : (double)want.u;
            cr_assert_eq(w, got.f, "%s %lld", jit_dtype_name(t), (long long)i);
            continue;
        }
        got = type_round(t, got);
        cr_assert(isnan(want.f) ? isnan(got.f) : memcmp(&want, &got, sizeof got) == 0,
                  "%s: %a came back as %a", jit_dtype_name(t), want.f, got.f);
    }
    jit_array_free(&b);
}

Test(files, csv_gives_every_number_back, .fini = files_remove_folder)
{
    enum { N = 1 << 16 };
    uint64_t *data = malloc(N * sizeof *data), seed = 1;
    cr_assert(data);
    for (int t = 0; t < N_TYPES; t++) {
        jit_dtype type = all_types[t];
        for (int i = 0; i < N / 8; i++)
            data[i] = type == JIT_BOOL ? 0x0100010101000001 : files_random(&seed);
        csv_trip(type, data, type == JIT_BOOL ? 64 : N / 16);
    }
    for (int i = 0; i < N; i++)
        ((uint16_t *)data)[i] = (uint16_t)i;
    csv_trip(JIT_F16, data, N);
    csv_trip(JIT_BF16, data, N);
    static const double hard[] = {
        0.1,     5e-324,           2.2250738585072014e-308, 0x1p-1074,
        1e23,    9007199254740994, 0x1.fffffffffffffp1023,  -0.0,
        0x1p-26, 1.0 / 3,          123456789.123456789,     INFINITY
    };
    memcpy(data, hard, sizeof hard);
    csv_trip(JIT_F64, data, (int64_t)(sizeof hard / sizeof *hard));
    free(data);
}

Test(files, csv_is_written_short, .fini = files_remove_folder)
{
    float f[] = { 0.1F, 1, -2.5F, 1e30F, 16777216, NAN, -INFINITY, 1.4e-45F };
    double d[] = { 0.1, 1.0 / 3, 1e300, 5e-324, -0.0, 1e15 };
    int64_t i[] = { INT64_MIN, INT64_MAX }, four = 4;
    struct row {
        jit_array a;
        const char *text;
    } rows[] = {
        { jit_array_of(JIT_F32, f, 2, (int64_t[]){ 2, 4 }),
          "0.1,1,-2.5,1e+30\n16777216,nan,-inf,1e-45\n" },
        { jit_array_of(JIT_F64, d, 2, (int64_t[]){ 1, 6 }),
          "0.1,0.3333333333333333,1e+300,5e-324,-0,1e+15\n" },
        { jit_array_of(JIT_I64, i, 1, (int64_t[]){ 2 }),
          "-9223372036854775808\n9223372036854775807\n" },
        { jit_array_of(JIT_U64, i, 1, (int64_t[]){ 1 }), "9223372036854775808\n" },
        { jit_array_of(JIT_F32, f, 0, NULL), "0.1\n" },
        { jit_array_of(JIT_F32, f, 2, (int64_t[]){ 4, 0 }), "" },
        { jit_array_of(JIT_F32, f, 1, &four), "0.1\n1\n-2.5\n1e+30\n" },
    };
    for (size_t k = 0; k < sizeof rows / sizeof *rows; k++) {
        save(&rows[k].a, files_path("x.csv"));
        bytes b = files_get(files_path("x.csv"));
        b.at[b.n] = 0;
        cr_assert_str_eq((char *)b.at, rows[k].text);
        bytes_free(&b);
    }
}

Test(files, csv_tables_are_read, .fini = files_remove_folder)
{
    static const struct row {
        const char *text;
        int rank;
        int64_t shape[2];
        double value[6];
    } rows[] = {
        { "1,2,3\n4,5,6\n", 2, { 2, 3 }, { 1, 2, 3, 4, 5, 6 } },
        { "1,2,3", 1, { 3 }, { 1, 2, 3 } },
        { "1\n2\n", 1, { 2 }, { 1, 2 } },
        { "7", 1, { 1 }, { 7 } },
        { "", 1, { 0 }, { 0 } },
        { "\n \n\r\n", 1, { 0 }, { 0 } },
        { "a,b\n", 2, { 0, 2 }, { 0 } },
        { "a,b\n1,2\n", 1, { 2 }, { 1, 2 } },
        { "a,\n1,2\n3,4", 2, { 2, 2 }, { 1, 2, 3, 4 } },
        { "\xEF\xBB\xBFx\r\n1\r\n2\r\n", 1, { 2 }, { 1, 2 } },
        { "\"a \"\"b\"\"\n,\",c\n1,2\n3,4\n", 2, { 2, 2 }, { 1, 2, 3, 4 } },
        { "1,2\r3,4\r", 2, { 2, 2 }, { 1, 2, 3, 4 } },
        { " \"1\" , \" 2\t\"\n\n\t3 ,4 \n", 2, { 2, 2 }, { 1, 2, 3, 4 } },
        { "+1.5e3,-.5,5.,1E-2,0005,1e+0\n", 1, { 6 }, { 1500, -.5, 5, .01, 5, 1 } },
        { "inf,-Infinity,1e999,-1e999\n",
          1,
          { 4 },
          { INFINITY, -INFINITY, INFINITY, -INFINITY } },
        { "0.1,1e-400,123456789012345678901234567890\n",
          1,
          { 3 },
          { 0.1, 0, 123456789012345678901234567890. } },
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        const struct row *r = &rows[i];
        jit_array a;
        bytes b = bytes_of(r->text, strlen(r->text));
        files_take(files_path("x.csv"), b);
        load(&a, files_path("x.csv"));
        cr_assert_eq(a.dtype, JIT_F64);
        cr_assert_eq(a.rank, r->rank, "%s", r->text);
        for (int k = 0; k < r->rank; k++)
            cr_assert_eq(a.shape[k], r->shape[k], "%s", r->text);
        for (int64_t k = 0; k < jit_array_count(&a); k++)
            cr_assert_eq(((double *)a.data)[k], r->value[k], "%s: %lld", r->text, (long long)k);
        jit_array_free(&a);
    }
}

/* A locale with a decimal comma: one that is installed, or one that is made where the package
 * `locales` is. */
static bool take_comma_locale(void)
{
    static const char *const locales[] = { "de_DE.UTF-8", "fr_FR.UTF-8", "de_DE",
                                           "nl_NL.UTF-8" };
    char command[512];
    for (size_t i = 0; i < sizeof locales / sizeof *locales; i++)
        if (setlocale(LC_ALL, locales[i]))
            return true;
    (void)snprintf(command, sizeof command,
                   "localedef --no-archive -i de_DE -f UTF-8 %s 2>/dev/null",
                   files_path("de_DE.UTF-8"));
    return setenv("LOCPATH", files_path(""), 1) == 0 && system(command) == 0 &&
           setlocale(LC_ALL, "de_DE.UTF-8");
}

static void remove_folder_and_locale(void)
{
    char command[512];
    (void)snprintf(command, sizeof command, "rm -rf %s", files_path("de_DE.UTF-8"));
    cr_assert_eq(system(command), 0);
    files_remove_folder();
}

Test(files, csv_ignores_the_locale, .fini = remove_folder_and_locale)
{
    if (!take_comma_locale())
        cr_skip_test("there is no locale with a decimal comma");
    char point = *localeconv()->decimal_point;
    cr_assert_eq(point, ',');
    double v[] = { 0.5, 1e-7, 12345.678 };
    csv_trip(JIT_F64, v, 3);
    bytes b = files_get(files_path("x.csv"));
    b.at[b.n] = 0;
    cr_assert_str_eq((char *)b.at, "0.5\n1e-07\n12345.678\n");
    bytes_free(&b);
    cr_assert_eq(*localeconv()->decimal_point, point);
}

/* -- files that others write */

static bytes element_bytes(const void *elements, size_t count, size_t size, bool swap)
{
    bytes b = bytes_of(elements, count * size);
    if (swap)
        elements_swap(b.at, (int64_t)count, size);
    return b;
}

static bool host_is_little(void)
{
    uint16_t one = 1;
    uint8_t first;
    memcpy(&first, &one, 1);
    return first == 1;
}

Test(files, npy_of_any_order_is_read, .fini = files_remove_folder)
{
    static const char *const headers[] = {
        "{'descr': '%cf8', 'fortran_order': %s, 'shape': (2, 3), }",
        "{'shape':(2,3,),\"fortran_order\":%2$s,'descr':'%1$cf8'}",
        " {\t'descr' : '%cf8' ,\n'fortran_order' : %s , 'shape' : ( 2L , 3L ) } ",
    };
    static const double c[] = { 1, 2, 3, 4, 5, 6 }, fortran[] = { 1, 4, 2, 5, 3, 6 };
    for (int i = 0; i < 3 * 3 * 2 * 2; i++) {
        int version = 1 + i % 3, which = i / 3 % 3;
        bool big = i / 9 % 2, columns = i / 18;
        char text[128];
        (void)snprintf(text, sizeof text, headers[which], big ? '>' : '<',
                       columns ? "True" : "False");
        bytes b = element_bytes(columns ? fortran : c, 6, 8, big == host_is_little());
        b = bytes_npy(version, text, b);
        files_take(files_path("x.npy"), b);
        jit_array a, want = jit_array_of(JIT_F64, (void *)(uintptr_t)c, 2, (int64_t[]){ 2, 3 });
        load(&a, files_path("x.npy"));
        expect_same(&want, &a, text);
        cr_assert_arr_eq(a.stride, want.stride, 2 * sizeof *a.stride);
        jit_array_free(&a);
    }
}

Test(files, npy_bools_become_0_and_1, .fini = files_remove_folder)
{
    static const uint8_t stored[] = { 0, 1, 2, 255 }, want[] = { 0, 1, 1, 1 };
    bytes b = bytes_npy(1, "{'descr': '|b1', 'fortran_order': False, 'shape': (4,), }",
                        bytes_of(stored, 4));
    files_take(files_path("x.npy"), b);
    jit_array a;
    load(&a, files_path("x.npy"));
    cr_assert_eq(a.dtype, JIT_BOOL);
    cr_assert_arr_eq(a.data, want, 4);
    jit_array_free(&a);
}

static void read_idx(bytes file, const char *name, const jit_array *want)
{
    jit_array a;
    files_put(files_path(name), file);
    load(&a, files_path(name));
    expect_same(want, &a, name);
    jit_array_free(&a);
    bytes_free(&file);
}

Test(files, idx_is_read_plain_and_packed, .fini = files_remove_folder)
{
    static const struct row {
        int code;
        jit_dtype type;
    } rows[] = { { 8, JIT_U8 },     { 9, JIT_I8 },     { 0x0B, JIT_I16 },
                 { 0x0C, JIT_I32 }, { 0x0D, JIT_F32 }, { 0x0E, JIT_F64 } };
    static uint8_t buffer[ROOM * 8];
    static const uint32_t shape[] = { 5, 3, 2 };
    fill(buffer, JIT_U8, 3);
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        size_t size = jit_dtype_size(rows[i].type);
        jit_array want = jit_array_of(rows[i].type, buffer, 3, (int64_t[]){ 5, 3, 2 });
        bytes plain = bytes_idx(rows[i].code, 3, shape,
                                element_bytes(buffer, 30, size, host_is_little()));
        bytes head = bytes_of(plain.at, 9), tail = bytes_of(plain.at + 9, plain.n - 9);
        read_idx(bytes_of(plain.at, plain.n), "x.idx", &want);
        read_idx(bytes_of(plain.at, plain.n), "t10k-IDX3-ubyte", &want);
        read_idx(bytes_deflate(plain, 31), "images.gz", &want);
        read_idx(bytes_join(bytes_deflate(head, 31), bytes_deflate(tail, 31)), "two.idx",
                 &want);
    }
}

Test(files, npz_of_others_is_read, .fini = files_remove_folder)
{
    static const char *const header =
        "{'descr': '|u1', 'fortran_order': False, 'shape': (3, 5), }";
    static uint8_t data[15] = { 1, 2, 3, 4, 5 };
    jit_array want = jit_array_of(JIT_U8, data, 2, (int64_t[]){ 3, 5 }), a;
    for (int method = 0; method <= 8; method += 8) {
        bytes b = bytes_zip("w.npy", method, bytes_npy(1, header, bytes_of(data, 15)));
        b = bytes_join(b, bytes_of("a comment", 9));
        b.at[b.n - 11] = 9; /* its length */
        files_take(files_path("x.npz"), b);
        load(&a, files_path("x.npz"));
        expect_same(&want, &a, "the only member");
        jit_array_free(&a);
        load(&a, files_path("x.npz:w"));
        jit_array_free(&a);
        save(&want, files_path("x.npz:v")); /* copies the member as it is packed */
        load(&a, files_path("x.npz:w.npy"));
        expect_same(&want, &a, "after an update");
        jit_array_free(&a);
    }
}
