/* An array saved into a hostile .npz. The first byte is the level of deflate, 0: stored. What is
 * accepted then holds the new array and all that could be read before. */
#include <fcntl.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "fusejit.h"

enum { ROOM = 64 };

static const char *file(void)
{
    static char path[ROOM];
    if (!path[0]) {
        (void)strcpy(path, "/tmp/fusejit-fuzz-XXXXXX.npz");
        int fd = mkstemps(path, 4);
        if (fd < 0)
            abort();
        (void)close(fd);
    }
    return path;
}

static void put(const uint8_t *bytes, size_t n)
{
    int fd = open(file(), O_WRONLY | O_TRUNC | O_CREAT, 0600);
    if (fd < 0 || write(fd, bytes, n) != (ssize_t)n || close(fd) != 0)
        abort();
}

typedef struct content {
    jit_named *item;
    int32_t n;
    bool good, has_new;
} content;

static content read_all(void)
{
    content c = { .item = NULL };
    c.good = jit_arrays_load(&c.item, &c.n, file(), NULL) == JIT_OK;
    for (int32_t i = 0; i < c.n; i++)
        c.has_new = c.has_new || strcmp(c.item[i].name, "new") == 0;
    return c;
}

static void check_new(const char *member, const jit_array *want)
{
    jit_array a;
    if (jit_array_load(&a, member, NULL) != JIT_OK || a.dtype != want->dtype || a.rank != 1 ||
        a.shape[0] != want->shape[0] || memcmp(a.data, want->data, 3 * sizeof(double)) != 0)
        abort();
    jit_array_free(&a);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static double values[] = { 1, 2, 3 };
    char member[ROOM + 4];
    jit_error err;
    if (size == 0)
        return 0;
    put(data + 1, size - 1);
    (void)snprintf(member, sizeof member, "%s:new", file());
    jit_array a = jit_array_of(JIT_F64, values, 1, (int64_t[]){ 3 });
    content before = read_all();
    int32_t level = data[0] % 10;
    jit_status status = level ? jit_array_save_deflated(&a, member, level, &err)
                              : jit_array_save(&a, member, &err);
    if (status != JIT_OK && !err.diagnostic[0].message[0])
        abort(); /* a refusal without a reason */
    content after = read_all();
    if (status == JIT_OK)
        check_new(member, &a);
    int32_t more = status == JIT_OK && !before.has_new;
    if (before.good && (!after.good || after.n != before.n + more))
        abort();
    jit_arrays_free(before.item, before.n);
    jit_arrays_free(after.item, after.n);
    (void)unlink(file());
    return 0;
}
