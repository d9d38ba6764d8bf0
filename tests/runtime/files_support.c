#include "files_support.h"

#include <criterion/criterion.h>
#include <dirent.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include <zlib.h>

enum { PATH_ROOM = 2048, PATHS = 8 };

static char folder[64];

const char *files_path(const char *name)
{
    static char paths[PATHS][PATH_ROOM];
    static int next;
    if (!folder[0]) {
        (void)strcpy(folder, "/tmp/fusejit-files-XXXXXX");
        cr_assert(mkdtemp(folder));
    }
    char *path = paths[next++ % PATHS];
    (void)snprintf(path, PATH_ROOM, "%s/%s", folder, name);
    return path;
}

/* Counts what is in the folder; removes it if asked. */
static int walk_folder(int remove)
{
    int n = 0;
    DIR *dir = folder[0] ? opendir(folder) : NULL;
    for (struct dirent *e = dir ? readdir(dir) : NULL; e; e = readdir(dir)) {
        if (strcmp(e->d_name, ".") == 0 || strcmp(e->d_name, "..") == 0)
            continue;
        n++;
        if (remove && unlink(files_path(e->d_name)) != 0)
            (void)rmdir(files_path(e->d_name));
    }
    if (dir)
        closedir(dir);
    return n;
}

int files_in_folder(void)
{
    return walk_folder(0);
}

void files_remove_folder(void)
{
    (void)walk_folder(1);
    if (folder[0])
        (void)rmdir(folder);
    folder[0] = 0;
}

void files_put(const char *path, bytes b)
{
    FILE *f = fopen(path, "wb");
    cr_assert(f, "%s", path);
    cr_assert_eq(fwrite(b.at, 1, b.n, f), b.n);
    cr_assert_eq(fclose(f), 0);
}

void files_take(const char *path, bytes b)
{
    files_put(path, b);
    bytes_free(&b);
}

bytes files_get(const char *path)
{
    bytes b = { NULL, 0 };
    struct stat st;
    FILE *f = fopen(path, "rb");
    if (!f)
        return b;
    cr_assert_eq(fstat(fileno(f), &st), 0);
    b.at = malloc((size_t)st.st_size + 1);
    cr_assert(b.at);
    b.n = fread(b.at, 1, (size_t)st.st_size, f);
    fclose(f);
    return b;
}

bytes bytes_of(const void *at, size_t n)
{
    bytes b = { malloc(n + 1), n };
    cr_assert(b.at);
    if (n)
        memcpy(b.at, at, n);
    return b;
}

bytes bytes_join(bytes a, bytes b)
{
    a.at = realloc(a.at, a.n + b.n + 1);
    cr_assert(a.at);
    if (b.n)
        memcpy(a.at + a.n, b.at, b.n);
    a.n += b.n;
    free(b.at);
    return a;
}

void bytes_free(bytes *b)
{
    free(b->at);
    *b = (bytes){ NULL, 0 };
}

static void put_little(uint8_t *p, uint64_t v, int n)
{
    for (int i = 0; i < n; i++)
        p[i] = (uint8_t)(v >> 8 * i);
}

bytes bytes_npy(int version, const char *header, bytes data)
{
    size_t prefix = version == 1 ? 10 : 12, text = strlen(header) + 1;
    text += (64 - (prefix + text) % 64) % 64;
    bytes b = { malloc(prefix + text + 1), prefix + text };
    cr_assert(b.at);
    memset(b.at, ' ', b.n);
    memcpy(b.at, "\x93NUMPY", 6);
    b.at[6] = (uint8_t)version;
    b.at[7] = 0;
    put_little(b.at + 8, text, version == 1 ? 2 : 4);
    memcpy(b.at + prefix, header, strlen(header));
    b.at[b.n - 1] = '\n';
    return bytes_join(b, data);
}

bytes bytes_deflate(bytes plain, int window)
{
    z_stream z = { .next_in = plain.at, .avail_in = (uInt)plain.n };
    cr_assert_eq(deflateInit2(&z, 6, Z_DEFLATED, window, 8, Z_DEFAULT_STRATEGY), Z_OK);
    bytes b = { NULL, deflateBound(&z, (uLong)plain.n) + 64 };
    b.at = malloc(b.n);
    cr_assert(b.at);
    z.next_out = b.at;
    z.avail_out = (uInt)b.n;
    cr_assert_eq(deflate(&z, Z_FINISH), Z_STREAM_END);
    b.n = z.total_out;
    deflateEnd(&z);
    free(plain.at);
    return b;
}

bytes bytes_zip(const char *name, int method, bytes plain)
{
    uint8_t local[30] = "PK\3\4", central[46] = "PK\1\2", end[22] = "PK\5\6";
    uint32_t crc = (uint32_t)crc32(0, plain.at, (uInt)plain.n);
    size_t size = plain.n, n_name = strlen(name);
    bytes data = method == 8 ? bytes_deflate(plain, -15) : plain;
    put_little(central + 10, (uint64_t)method, 2);
    put_little(central + 16, crc, 4);
    put_little(central + 20, data.n, 4);
    put_little(central + 24, size, 4);
    put_little(central + 28, n_name, 2);
    memcpy(local + 4, central + 6, 26); /* the same fields in the same order */
    put_little(local + 28, 0, 2);
    size_t start = sizeof local + n_name + data.n;
    put_little(end + 8, 1, 2);
    put_little(end + 10, 1, 2);
    put_little(end + 12, sizeof central + n_name, 4);
    put_little(end + 16, start, 4);
    bytes b = bytes_join(bytes_of(local, sizeof local), bytes_of(name, n_name));
    b = bytes_join(b, data);
    b = bytes_join(b, bytes_of(central, sizeof central));
    b = bytes_join(b, bytes_of(name, n_name));
    return bytes_join(b, bytes_of(end, sizeof end));
}

bytes bytes_idx(int code, int rank, const uint32_t *shape, bytes data)
{
    uint8_t head[4 + 4 * 16] = { 0, 0, (uint8_t)code, (uint8_t)rank };
    for (int i = 0; i < rank && i < 16; i++)
        for (int k = 0; k < 4; k++)
            head[4 + 4 * i + k] = (uint8_t)(shape[i] >> (24 - 8 * k));
    return bytes_join(bytes_of(head, 4 + 4 * (size_t)(rank < 16 ? rank : 16)), data);
}

bytes bytes_safetensors(const char *header, bytes data)
{
    uint8_t length[8];
    put_little(length, strlen(header), sizeof length);
    bytes b = bytes_join(bytes_of(length, sizeof length), bytes_of(header, strlen(header)));
    return bytes_join(b, data);
}

uint64_t files_random(uint64_t *state)
{
    *state ^= *state << 13;
    *state ^= *state >> 7;
    *state ^= *state << 17;
    return *state;
}
