/* Each allocation of a load or save fails once, and all from there on: the status says so, the
 * old file and no temporary one is left, and the next call works. */
#include <criterion/criterion.h>
#include <stdio.h>
#include <string.h>

#include "failing_malloc.h"
#include "files_support.h"

enum { MOST = 100 };
static const char *const names[] = { "x.npy", "f.npy",         "x.npz",          "y.npz:m",
                                     "x.csv", "x.f32",         "x.f64",          "x.idx",
                                     "x.gz",  "x.safetensors", "y.safetensors:m" };
enum { N_NAMES = sizeof names / sizeof *names };

static float values[6] = { 1, 2, 3, 4, 5, 6 };

static void prepare(const jit_array *a)
{
    static const char *const fortran =
        "{'descr': '<f4', 'fortran_order': True, 'shape': (2, 3), }";
    static const uint32_t shape[] = { 2, 3 };
    bytes data = bytes_of(values, sizeof values);
    for (int i = 0; i < N_NAMES; i++) {
        if (strcmp(names[i], "f.npy") == 0)
            files_take(files_path(names[i]), bytes_npy(1, fortran, bytes_of(data.at, data.n)));
        else if (strcmp(names[i], "x.idx") == 0)
            files_take(files_path(names[i]),
                       bytes_idx(13, 2, shape, bytes_of(data.at, data.n)));
        else if (strcmp(names[i], "x.gz") == 0)
            files_take(files_path(names[i]),
                       bytes_deflate(bytes_idx(13, 2, shape, bytes_of(data.at, data.n)), 31));
        else
            cr_assert_eq(jit_array_save(a, files_path(names[i]), NULL), JIT_OK);
    }
    bytes_free(&data);
}

static bool can_save(const char *name)
{
    return strcmp(name, "x.idx") != 0 && strcmp(name, "x.gz") != 0;
}

/* Returns whether an allocation failed: once none does, all have. */
static bool one_load(const char *name, long n, bool onwards)
{
    jit_array a;
    jit_error err;
    failing_malloc_arm(n, onwards);
    jit_status status = jit_array_load(&a, name, &err);
    bool failed = failing_malloc_disarm();
    cr_assert_eq(status, failed ? JIT_ERR_MEMORY : JIT_OK, "%s: %ld: %s", name, n,
                 err.diagnostic[0].message);
    jit_array_free(&a);
    return failed;
}

static bool one_save(const jit_array *a, const char *name, long n, bool onwards)
{
    jit_error err;
    int files = files_in_folder();
    failing_malloc_arm(n, onwards);
    jit_status status = jit_array_save(a, name, &err);
    bool failed = failing_malloc_disarm();
    cr_assert(status == JIT_OK || failed, "%s: %ld", name, n);
    cr_assert(status == JIT_OK || status == JIT_ERR_MEMORY || err.diagnostic[0].code == 604,
              "%s: %ld: %s", name, n, err.diagnostic[0].message);
    cr_assert_eq(files_in_folder(), files);
    return failed;
}

Test(file_memory, every_allocation_may_fail, .fini = files_remove_folder)
{
    jit_array a = jit_array_of(JIT_F32, values, 2, (int64_t[]){ 2, 3 });
    prepare(&a);
    if (!failing_malloc_works())
        cr_skip_test("a sanitizer has its own malloc");
    for (int i = 0; i < N_NAMES; i++) {
        char name[256];
        (void)snprintf(name, sizeof name, "%s", files_path(names[i]));
        for (int onwards = 0; onwards <= 1; onwards++) {
            long n = 0;
            while (n < MOST && one_load(name, n, onwards))
                n++;
            cr_assert(n > 0 && n < MOST, "%s: %ld", name, n);
            for (n = 0; n < MOST && can_save(names[i]) && one_save(&a, name, n, onwards);)
                n++;
            cr_assert(n < MOST, "%s: %ld", name, n);
        }
    }
}
