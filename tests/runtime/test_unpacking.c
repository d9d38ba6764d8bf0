/* Small files that say they unpack to more than the machine has memory for. */
#include <criterion/criterion.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "files_support.h"
#include "memory_most.h"

enum {
    LOCAL = 30,
    NAME = 5,
    CENTRAL = 46,
    EXTRA = 4 + 16,
    END = 22,
    DEFLATED = 8,
    RATIO = 1032
};

static void put(uint8_t *p, uint64_t v, int n)
{
    for (int i = 0; i < n; i++)
        p[i] = (uint8_t)(v >> 8 * i);
}

/* An .npz of n <= 2 deflated members of `size` bytes each, packed as closely as deflate can: zeros that the
 * file system does not store. */
static void make_npz(const char *path, int n, int64_t size)
{
    uint8_t local[LOCAL + NAME] = "PK\3\4", entry[CENTRAL + NAME + EXTRA] = "PK\1\2",
                          end[END] = "PK\5\6";
    int64_t packed = size / RATIO + 1, at = 0;
    FILE *f = fopen(path, "wb");
    cr_assert(f);
    for (int i = 0; i < n; i++, at += LOCAL + NAME + packed) {
        put(local + 8, DEFLATED, 2);
        put(local + 26, NAME, 2);
        memcpy(local + LOCAL, i ? "b.npy" : "a.npy", NAME);
        cr_assert(fseeko(f, at, SEEK_SET) == 0 && fwrite(local, sizeof local, 1, f) == 1);
    }
    cr_assert_eq(fseeko(f, at, SEEK_SET), 0);
    for (int i = 0; i < n; i++) {
        put(entry + 10, DEFLATED, 2);
        put(entry + 20, UINT64_MAX, 8);
        put(entry + 28, NAME, 2);
        put(entry + 30, EXTRA, 2);
        put(entry + 42, (uint64_t)(i * (LOCAL + NAME + packed)), 4);
        memcpy(entry + CENTRAL, i ? "b.npy" : "a.npy", NAME);
        put(entry + CENTRAL + NAME, 1, 2);
        put(entry + CENTRAL + NAME + 2, EXTRA - 4, 2);
        put(entry + CENTRAL + NAME + 4, (uint64_t)size, 8);
        put(entry + CENTRAL + NAME + 12, (uint64_t)packed, 8);
        cr_assert_eq(fwrite(entry, sizeof entry, 1, f), 1);
    }
    put(end + 8, (uint64_t)n, 2);
    put(end + 10, (uint64_t)n, 2);
    put(end + 12, (uint64_t)n * sizeof entry, 4);
    put(end + 16, (uint64_t)at, 4);
    cr_assert(fwrite(end, sizeof end, 1, f) == 1 && fclose(f) == 0);
}

static int32_t load_one(const char *path)
{
    jit_array a;
    jit_error err;
    cr_assert_neq(jit_array_load(&a, path, &err), JIT_OK);
    cr_assert_eq(err.status == JIT_ERR_MEMORY, err.diagnostic[0].code == 608, "%s",
                 err.diagnostic[0].message);
    return err.diagnostic[0].code;
}

static int32_t load_all(const char *path)
{
    jit_named *item;
    jit_error err;
    int32_t n;
    cr_assert_neq(jit_arrays_load(&item, &n, path, &err), JIT_OK);
    return err.diagnostic[0].code;
}

static int64_t most(void)
{
    int64_t limit = memory_most();
    if (limit > (int64_t)1 << 41)
        cr_skip_test("no limit, or a file of more than 4 GiB would be needed");
    cr_assert_gt(limit, (int64_t)1 << 26);
    return limit;
}

/* What may fit is looked at: 607 is the data, which are no deflate stream. */
Test(unpacking, members_are_refused_before_they_are_allocated, .fini = files_remove_folder)
{
    char path[256];
    (void)snprintf(path, sizeof path, "%s", files_path("x.npz"));
    make_npz(path, 1, most() + 1);
    cr_assert_eq(load_one(path), 608);
    cr_assert_eq(load_all(path), 608);
    make_npz(path, 1, most());
    cr_assert_eq(load_one(path), 607);
    cr_assert_eq(load_all(path), 607);
}

Test(unpacking, members_count_together, .fini = files_remove_folder)
{
    char path[256];
    (void)snprintf(path, sizeof path, "%s", files_path("x.npz"));
    make_npz(path, 2, most() / 2 + 1);
    cr_assert_eq(load_all(path), 608);
    cr_assert_eq(load_one(files_path("x.npz:b")), 607);
    make_npz(path, 2, most() / 2);
    cr_assert_eq(load_all(path), 607);
}

Test(unpacking, a_gzipped_file_is_refused_too, .fini = files_remove_folder)
{
    const uint32_t shape[] = { (uint32_t)(most() >> 20) + 1, 1 << 20 };
    char path[256];
    (void)snprintf(path, sizeof path, "%s", files_path("x.gz"));
    files_take(path, bytes_deflate(bytes_idx(8, 2, shape, bytes_of("", 0)), 31));
    cr_assert_eq(truncate(path, most() / RATIO + (1 << 21)), 0);
    cr_assert_eq(load_one(path), 608);
}

/* The ratio that deflate can reach comes first: a claim beyond it is a lie. */
Test(unpacking, a_claim_beyond_what_deflate_can_do_is_damage, .fini = files_remove_folder)
{
    bytes b = bytes_zip("w.npy", DEFLATED, bytes_of("text", 4));
    size_t size = b.n - END - CENTRAL - NAME + 24;
    put(b.at + size, 0xFFFFFFF0, 4);
    files_take(files_path("x.npz"), b);
    cr_assert_eq(load_one(files_path("x.npz")), 607);
}
