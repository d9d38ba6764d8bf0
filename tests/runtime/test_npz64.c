/* Archives with 64-bit records, as they are when they grow; and those records damaged. */
#include <criterion/criterion.h>
#include <stdio.h>
#include <string.h>

#include "files_support.h"

#define HEADER "{'descr': '|u1', 'fortran_order': False, 'shape': (3,), }"

enum { END = 22, LOCATOR = 20, END64 = 56, CENTRAL = 46, NAME = 5, EXTRA = 4 + 24 };

static void put(uint8_t *p, uint64_t v, int n)
{
    for (int i = 0; i < n; i++)
        p[i] = (uint8_t)(v >> 8 * i);
}

static uint64_t get(const uint8_t *p, int n)
{
    uint64_t v = 0;
    for (int i = n; i-- > 0;)
        v = v << 8 | p[i];
    return v;
}

/* The one-member archive with all 64-bit fields in use. */
static bytes archive64(void)
{
    bytes b = bytes_zip("w.npy", 0, bytes_npy(1, HEADER, bytes_of("abc", 3)));
    size_t start = b.n - END - CENTRAL - NAME;
    uint8_t entry[CENTRAL + NAME + EXTRA], tail[END64 + LOCATOR + END] = "PK\6\6";
    memcpy(entry, b.at + start, CENTRAL + NAME);
    uint8_t *extra = entry + CENTRAL + NAME;
    put(entry + 30, EXTRA, 2);
    put(extra, 1, 2);
    put(extra + 2, 24, 2);
    put(extra + 4, get(entry + 24, 4), 8);
    put(extra + 12, get(entry + 20, 4), 8);
    put(extra + 20, 0, 8);
    memset(entry + 20, 0xFF, 8);
    memset(entry + 42, 0xFF, 4);
    b.n = start;
    put(tail + 4, END64 - 12, 8);
    put(tail + 24, 1, 8);
    put(tail + 32, 1, 8);
    put(tail + 40, sizeof entry, 8);
    put(tail + 48, start, 8);
    memcpy(tail + END64, "PK\6\7", 4);
    put(tail + END64 + 8, start + sizeof entry, 8);
    put(tail + END64 + 16, 1, 4);
    memcpy(tail + END64 + LOCATOR,
           "PK\5\6\0\0\0\0\xFF\xFF\xFF\xFF\xFF\xFF\xFF\xFF\xFF\xFF\xFF\xFF", 20);
    b = bytes_join(b, bytes_of(entry, sizeof entry));
    return bytes_join(b, bytes_of(tail, sizeof tail));
}

static void expect_member(const char *path)
{
    jit_array a;
    jit_error err;
    cr_assert_eq(jit_array_load(&a, path, &err), JIT_OK, "%s", err.diagnostic[0].message);
    cr_assert_eq(a.shape[0], 3);
    cr_assert_arr_eq(a.data, "abc", 3);
    jit_array_free(&a);
}

Test(npz64, wide_records_are_read, .fini = files_remove_folder)
{
    files_take(files_path("x.npz"), archive64());
    expect_member(files_path("x.npz"));
    expect_member(files_path("x.npz:w"));
}

/* The count alone needs a wide end. */
Test(npz64, many_members_are_written_and_read, .fini = files_remove_folder)
{
    enum { MANY = 70000, NAME_ROOM = 12 };
    static uint8_t value[] = { 'a', 'b', 'c' };
    static char names[MANY][NAME_ROOM];
    static jit_named item[MANY];
    jit_named *loaded;
    int32_t n;
    jit_array a = jit_array_of(JIT_U8, value, 1, (int64_t[]){ 3 });
    for (int i = 0; i < MANY; i++) {
        (void)snprintf(names[i], NAME_ROOM, "%d", i);
        item[i] = (jit_named){ names[i], a };
    }
    cr_assert_eq(jit_arrays_save(item, MANY, files_path("x.npz"), NULL), JIT_OK);
    expect_member(files_path("x.npz:69999"));
    cr_assert_eq(jit_array_save(&a, files_path("x.npz:v"), NULL), JIT_OK);
    expect_member(files_path("x.npz:0"));
    expect_member(files_path("x.npz:v"));
    cr_assert_eq(jit_arrays_load(&loaded, &n, files_path("x.npz"), NULL), JIT_OK);
    cr_assert_eq(n, MANY + 1);
    cr_assert_str_eq(loaded[MANY].name, "v");
    jit_arrays_free(loaded, n);
    bytes b = files_get(files_path("x.npz"));
    const uint8_t *end64 = b.at + b.n - END - LOCATOR - END64;
    cr_assert_arr_eq(end64, "PK\6\6", 4);
    cr_assert_eq(get(end64 + 32, 8), MANY + 1);
    cr_assert_eq(get(b.at + b.n - END + 10, 2), 0xFFFF);
    bytes_free(&b);
}

Test(npz64, damaged_wide_records_are_refused, .fini = files_remove_folder)
{
    const int tail = END64 + LOCATOR + END, extra = tail + EXTRA;
    const struct row {
        int place; /* from the end */
        const char *with;
        int n;
    } rows[] = {
        { tail, "x", 1 },                         /* the end record itself */
        { tail - 32, "\2\0", 2 },                 /* entries */
        { tail - 39, "\x80", 1 },                 /* entries over 2^63 */
        { tail - 40, "\xFF\xFF", 2 },             /* directory size */
        { tail - 47, "\x80", 1 },                 /* ... over 2^63 */
        { tail - 48, "\xFF\xFF", 2 },             /* directory place */
        { tail - 55, "\xFF", 1 },                 /* ... over 2^63 */
        { LOCATOR + END - 8, "\xFF\xFF\xFF", 3 }, /* place of the end record */
        { LOCATOR + END - 8, "\0\0", 2 },         /* ... elsewhere */
        { LOCATOR + END - 15, "\xFF", 1 },        /* ... over 2^63 */
        { extra - 2, "\xFF", 1 },                 /* length of the extra field */
        { extra - 2, "\x10", 1 },                 /* ... too short for three numbers */
        { extra, "\2", 1 },                       /* no 64-bit field at all */
        { extra - 4, "\xFF\xFF\xFF", 3 },         /* size */
        { extra - 11, "\xFF", 1 },                /* ... over 2^63 */
        { extra - 12, "\xFF\xFF\xFF", 3 },        /* packed size */
        { extra - 20, "\xFF\xFF\xFF", 3 },        /* place of the member */
        { extra - 27, "\x7F", 1 },                /* ... near 2^63 */
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        bytes b = archive64();
        jit_array a;
        jit_error err;
        memcpy(b.at + b.n - (size_t)rows[i].place, rows[i].with, (size_t)rows[i].n);
        files_take(files_path("x.npz"), b);
        cr_assert_eq(jit_array_load(&a, files_path("x.npz"), &err), JIT_ERR_FORMAT, "row %zu",
                     i);
        cr_assert_eq(err.diagnostic[0].code, 630, "row %zu: %s", i, err.diagnostic[0].message);
    }
}
