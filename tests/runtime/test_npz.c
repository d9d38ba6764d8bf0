/* Archives: deflated members written and kept, names that are not plain, and directories that say
 * another thing than the file. */
#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "failing_malloc.h"
#include "files_support.h"

#define HEADER "{'descr': '|u1', 'fortran_order': False, 'shape': (3,), }"

enum { END = 22, CENTRAL = 46, LOCAL = 30, MANY = 100000 };

static uint8_t three[] = { 'a', 'b', 'c' };

static jit_array small(void)
{
    return jit_array_of(JIT_U8, three, 1, (int64_t[]){ 3 });
}

/* Numbers of which deflate makes a tenth. */
static jit_array large(void)
{
    static float values[MANY];
    for (int i = 0; i < MANY; i++)
        values[i] = (float)(i % 50);
    return jit_array_of(JIT_F32, values, 2, (int64_t[]){ MANY / 10, 10 });
}

static void expect_code(const char *path, int32_t code, const char *part)
{
    jit_array a;
    jit_error err;
    cr_assert_neq(jit_array_load(&a, path, &err), JIT_OK, "%s", path);
    cr_assert_eq(err.diagnostic[0].code, code, "%s", err.diagnostic[0].message);
    cr_assert(strstr(err.diagnostic[0].message, part), "%s", err.diagnostic[0].message);
}

static void expect_array(const char *path, const jit_array *want)
{
    jit_array a;
    jit_error err;
    cr_assert_eq(jit_array_load(&a, path, &err), JIT_OK, "%s: %s", path,
                 err.diagnostic[0].message);
    size_t n = (size_t)jit_array_count(&a) * jit_dtype_size(a.dtype);
    cr_assert_eq(a.rank, want->rank);
    cr_assert_arr_eq(a.shape, want->shape, (size_t)a.rank * sizeof *a.shape);
    cr_assert_arr_eq(a.data, want->data, n);
    jit_array_free(&a);
}

Test(npz, deflated_members_are_written_and_kept, .fini = files_remove_folder)
{
    jit_array a = small(), b = large();
    char path[256];
    (void)snprintf(path, sizeof path, "%s", files_path("x.npz"));
    for (int level = 1; level <= 9; level += 4) {
        jit_named item[] = { { "a", a }, { "b", b } };
        cr_assert_eq(jit_arrays_save_deflated(item, 2, path, level, NULL), JIT_OK);
        bytes file = files_get(path);
        cr_assert_lt(file.n, MANY);
        bytes_free(&file);
        expect_array(files_path("x.npz:a"), &a);
        expect_array(files_path("x.npz:b.npy"), &b);
    }
    cr_assert_eq(jit_array_save(&b, files_path("x.npz:stored"), NULL), JIT_OK);
    cr_assert_eq(jit_array_save_deflated(&a, files_path("x.npz:b"), 6, NULL), JIT_OK);
    expect_array(files_path("x.npz:stored"), &b);
    expect_array(files_path("x.npz:b"), &a);
    expect_array(files_path("x.npz:a"), &a);
    cr_assert_eq(jit_array_save_deflated(&b, path, 9, NULL), JIT_OK);
    expect_array(path, &b);
    cr_assert_eq(files_in_folder(), 1);
}

Test(npz, what_cannot_be_deflated_is_refused, .fini = files_remove_folder)
{
    jit_array a = small(), bf16 = a, torn = a;
    jit_error err;
    bf16.dtype = JIT_BF16;
    bf16.shape[0] = 1;
    torn.data = NULL;
    const struct row {
        const jit_array *a;
        const char *name;
        int32_t level;
        jit_status status;
    } rows[] = { { &a, "x.npy", 6, JIT_ERR_UNSUPPORTED },
                 { &a, "x.csv", 6, JIT_ERR_UNSUPPORTED },
                 { &a, "x.safetensors:m", 6, JIT_ERR_UNSUPPORTED },
                 { &a, "x", 6, JIT_ERR_UNSUPPORTED },
                 { &a, "x.npz", 0, JIT_ERR_ARGUMENT },
                 { &a, "x.npz", 10, JIT_ERR_ARGUMENT },
                 { &a, "x.npz", -1, JIT_ERR_ARGUMENT },
                 { &bf16, "x.npz", 6, JIT_ERR_TYPE },
                 { &torn, "x.npz", 6, JIT_ERR_ARGUMENT },
                 { NULL, "x.npz", 6, JIT_ERR_ARGUMENT },
                 { &a, NULL, 6, JIT_ERR_ARGUMENT },
                 { &a, "none/x.npz", 6, JIT_ERR_FILE } };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        const char *path = rows[i].name ? files_path(rows[i].name) : NULL;
        cr_assert_eq(jit_array_save_deflated(rows[i].a, path, rows[i].level, &err),
                     rows[i].status, "row %zu: %d %s", i, err.status,
                     err.diagnostic[0].message);
    }
    jit_named twice[] = { { "a", a }, { "a", a } }, wrong[] = { { "a", a }, { "b", bf16 } };
    const char *path = files_path("x.npz");
    cr_assert_eq(jit_arrays_save_deflated(twice, 2, path, 6, NULL), JIT_ERR_ARGUMENT);
    cr_assert_eq(jit_arrays_save_deflated(wrong, 2, path, 6, NULL), JIT_ERR_TYPE);
    cr_assert_eq(jit_arrays_save_deflated(wrong, -1, path, 6, NULL), JIT_ERR_ARGUMENT);
    cr_assert_eq(jit_arrays_save_deflated(NULL, 1, path, 6, NULL), JIT_ERR_ARGUMENT);
    cr_assert_eq(jit_arrays_save_deflated(wrong, 1, NULL, 6, NULL), JIT_ERR_ARGUMENT);
    cr_assert_eq(jit_arrays_save_deflated(wrong, 1, files_path("x.npz:m"), 6, NULL),
                 JIT_ERR_UNSUPPORTED);
    cr_assert_eq(files_in_folder(), 0);
}

/* A failed save keeps the archive of before. */
Test(npz, every_allocation_may_fail, .fini = files_remove_folder)
{
    jit_array a = small(), b = large();
    char path[256];
    (void)snprintf(path, sizeof path, "%s", files_path("x.npz:b"));
    cr_assert_eq(jit_array_save_deflated(&a, files_path("x.npz:a"), 6, NULL), JIT_OK);
    if (!failing_malloc_works())
        cr_skip_test("a sanitizer has its own malloc");
    for (int onwards = 0; onwards <= 1; onwards++) {
        long n = 0;
        for (bool failed = true; failed && n < 100; n++) {
            failing_malloc_arm(n, onwards);
            jit_status status = jit_array_save_deflated(&b, path, 6, NULL);
            failed = failing_malloc_disarm();
            cr_assert(status == JIT_OK || (failed && status == JIT_ERR_MEMORY), "%ld", n);
            cr_assert_eq(files_in_folder(), 1);
            if (status != JIT_OK)
                expect_array(files_path("x.npz:a"), &a);
        }
        cr_assert(n > 3 && n < 100);
    }
}

Test(npz, the_whole_name_comes_first, .fini = files_remove_folder)
{
    static uint8_t other[] = { 'd' };
    jit_array a = small(), b = jit_array_of(JIT_U8, other, 1, (int64_t[]){ 1 });
    jit_named item[] = { { "x", a }, { "x.npy", b } }; /* members x.npy and x.npy.npy */
    for (int turn = 0; turn < 2; turn++) {
        cr_assert_eq(jit_arrays_save(item, 2, files_path("x.npz"), NULL), JIT_OK);
        expect_array(files_path("x.npz:x"), &a);
        expect_array(files_path("x.npz:x.npy"), &a);
        expect_array(files_path("x.npz:x.npy.npy"), &b);
        item[0] = (jit_named){ "x.npy", b };
        item[1] = (jit_named){ "x", a };
    }
}

/* Two archives of one member each, as one with two members. */
static bytes archive_of_two(const char *first, const char *second)
{
    bytes a = bytes_zip(first, 0, bytes_npy(1, HEADER, bytes_of("abc", 3)));
    bytes b = bytes_zip(second, 8, bytes_npy(1, HEADER, bytes_of("abc", 3)));
    size_t a_tail = CENTRAL + strlen(first), b_tail = CENTRAL + strlen(second);
    size_t a_data = a.n - END - a_tail, b_data = b.n - END - b_tail;
    bytes tail = bytes_of(a.at + a_data, a_tail), end = bytes_of(b.at + b.n - END, END);
    bytes entry = bytes_of(b.at + b_data, b_tail);
    memcpy(entry.at + 42, &(uint32_t){ (uint32_t)a_data }, 4);
    end.at[8] = end.at[10] = 2;
    memcpy(end.at + 12, &(uint32_t){ (uint32_t)(a_tail + b_tail) }, 4);
    memcpy(end.at + 16, &(uint32_t){ (uint32_t)(a_data + b_data) }, 4);
    a.n = a_data;
    b.n = b_data;
    return bytes_join(bytes_join(bytes_join(a, b), bytes_join(tail, entry)), end);
}

/* Each is an archive in which readers differ about what is there. */
Test(npz, ambiguous_archives_are_refused, .fini = files_remove_folder)
{
    jit_array a = small();
    jit_named *item;
    jit_error err;
    int32_t n;
    files_take(files_path("x.npz"), archive_of_two("a.npy", "b.npy"));
    expect_array(files_path("x.npz:b"), &a);
    files_take(files_path("x.npz"), archive_of_two("a.npy", "a.npy"));
    expect_code(files_path("x.npz:a"), 657, "two arrays 'a'");
    cr_assert_eq(jit_arrays_load(&item, &n, files_path("x.npz"), &err), JIT_ERR_FORMAT);
    cr_assert_eq(err.diagnostic[0].code, 657);
    bytes good = archive_of_two("a.npy", "b.npy");
    int central = (int)good.n - END - 2 * (CENTRAL + 5);
    const struct row {
        int place; /* < 0: from the end */
        int value;
        const char *part;
    } rows[] = { { -12, 1, "goes on after its last entry" },
                 { -12, 3, "too short for its entries" },
                 { LOCAL, 'b', "header is not what the directory says" },
                 { 8, 8, "header is not what the directory says" },
                 { 26, 4, "header is not what the directory says" },
                 { central + 42, 1, "no local header" },
                 { -6, good.at[good.n - 6] - 1, "does not end where" } };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        bytes b = bytes_of(good.at, good.n);
        b.at[rows[i].place < 0 ? (int)b.n + rows[i].place : rows[i].place] =
            (uint8_t)rows[i].value;
        files_take(files_path("x.npz"), b);
        expect_code(files_path("x.npz:a"), 630, rows[i].part);
        cr_assert_eq(jit_array_save(&a, files_path("x.npz:c"), &err), JIT_ERR_FORMAT,
                     "row %zu was updated", i);
        bytes after = files_get(files_path("x.npz"));
        cr_assert_eq(after.n, good.n);
        bytes_free(&after);
    }
    bytes_free(&good);
}

/* Bytes before an archive, behind it, or another directory in its comment. */
Test(npz, nothing_lies_around_an_archive, .fini = files_remove_folder)
{
    bytes good = archive_of_two("a.npy", "b.npy"), end = bytes_of(good.at + good.n - END, END);
    bytes commented = bytes_of(good.at, good.n);
    commented.at[commented.n - 2] = END;
    files_take(files_path("x.npz"),
               bytes_join(bytes_of("#!/bin/sh\n", 10), bytes_of(good.at, good.n)));
    expect_code(files_path("x.npz:a"), 630, "does not end where");
    files_take(files_path("x.npz"), bytes_join(bytes_of(good.at, good.n), bytes_of("more", 4)));
    expect_code(files_path("x.npz:a"), 630, "no zip directory");
    files_take(files_path("x.npz"), bytes_join(commented, end));
    expect_code(files_path("x.npz:a"), 630, "does not end where");
    bytes_free(&good);
}

/* Three entries for one member, which an update would copy thrice. */
Test(npz, members_share_no_bytes, .fini = files_remove_folder)
{
    static const char *const names[] = { "readme", "w.npy" };
    static const char *const header =
        "{'descr': '|u1', 'fortran_order': False, 'shape': (1000,), }";
    for (int i = 0; i < 2; i++) {
        bytes data = { calloc(1000, 1), 1000 };
        bytes b = bytes_zip(names[i], 0, bytes_npy(1, header, data));
        size_t n_entry = CENTRAL + strlen(names[i]), start = b.n - END - n_entry;
        bytes entry = bytes_of(b.at + start, n_entry), end = bytes_of(b.at + b.n - END, END);
        end.at[8] = end.at[10] = 3;
        memcpy(end.at + 12, &(uint32_t){ (uint32_t)(3 * n_entry) }, 4);
        b.n -= END;
        for (int copies = 0; copies < 2; copies++)
            b = bytes_join(b, bytes_of(entry.at, entry.n));
        bytes_free(&entry);
        files_take(files_path("x.npz"), bytes_join(b, end));
        jit_array a = small();
        jit_error err;
        jit_named *item;
        int32_t n = 0;
        cr_assert_eq(jit_array_save(&a, files_path("x.npz:m"), &err), JIT_ERR_FORMAT);
        cr_assert(strstr(err.diagnostic[0].message, "longer than the archive"), "%s",
                  err.diagnostic[0].message);
        cr_assert_eq(jit_arrays_load(&item, &n, files_path("x.npz"), &err),
                     i ? JIT_ERR_FORMAT : JIT_OK);
        cr_assert_eq(n, 0);
    }
}

Test(npz, names_are_text, .fini = files_remove_folder)
{
    static const char *const names[] = { "\xFFy.npy", "a#b.npy" };
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        bytes b = bytes_zip(names[i], 0, bytes_npy(1, HEADER, bytes_of("abc", 3)));
        for (size_t k = 0; k < b.n; k++)
            if (b.at[k] == '#')
                b.at[k] = 0;
        files_take(files_path("x.npz"), b);
        jit_named *item;
        jit_error err;
        int32_t n;
        cr_assert_eq(jit_arrays_load(&item, &n, files_path("x.npz"), &err), JIT_ERR_FORMAT);
        cr_assert(strstr(err.diagnostic[0].message, "not UTF-8"), "%s",
                  err.diagnostic[0].message);
    }
}
