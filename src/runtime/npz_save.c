/* Writing .npz: the members that stay are copied as they are packed, the new one is stored or
 * deflated, and a new directory follows. 64-bit fields are written where a number needs them. */
#include "npz.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "deflate.h"
#include "npy.h"
#include "zip.h"

enum {
    VERSION = 20,
    VERSION64 = 45,
    EXTRA64_MOST = 4 + 3 * 8,
    EXTRA_LOCAL = 4 + 2 * 8,
    DESCRIPTOR_MOST = 4 + 4 + 2 * 8,
    KEPT_FLAGS = ZIP_FLAG_UTF8 | ZIP_FLAG_DESCRIPTOR,
    EPOCH = 0x00210000, /* 1980-01-01 00:00, as NumPy: the same array gives the same file */
    SMALL_SIZES = 0x7FFFFFFF
};

typedef struct archive {
    file_output o;
    file_input old; /* fd -1 and size 0 if there was none */
    zip_entry *entry;
    int32_t n, room, level;
    diag *d;
} archive;

static uint8_t *put16(uint8_t *p, uint32_t v)
{
    p[0] = (uint8_t)v;
    p[1] = (uint8_t)(v >> 8);
    return p + 2;
}

static uint8_t *put32(uint8_t *p, uint32_t v)
{
    return put16(put16(p, v & 0xFFFF), v >> 16);
}

static uint8_t *put64(uint8_t *p, uint64_t v)
{
    return put32(put32(p, (uint32_t)v), (uint32_t)(v >> 32));
}

static uint32_t low32(int64_t v)
{
    return v >= (int64_t)ZIP_TAIL32 ? ZIP_TAIL32 : (uint32_t)v;
}

static bool same_name(const zip_entry *e, const char *name)
{
    return (size_t)e->name_bytes == strlen(name) && memcmp(e->name, name, strlen(name)) == 0;
}

/* Room for one more entry; sticky through the diagnostics. */
static zip_entry *append(archive *z)
{
    if (z->n == z->room) {
        int32_t room = z->room ? 2 * z->room : 8;
        zip_entry *more = realloc(z->entry, (size_t)room * sizeof *more);
        if (!more) {
            diag_no_memory(z->d);
            return NULL;
        }
        z->entry = more;
        z->room = room;
    }
    return &z->entry[z->n++];
}

/* Lists the members of the old archive that stay, with `local` the place of their bytes. */
static bool list_old(archive *z, const char *replaced)
{
    zip_walk walk;
    if (!zip_open(&walk, &z->old, z->d))
        return false;
    for (;;) {
        zip_entry *e = append(z);
        if (!e)
            return false;
        if (!zip_next(&walk, e, z->d))
            break;
        if (e->name_bytes == 0 || (e->flags & ZIP_FLAG_ENCRYPTED)) {
            diag_plain(z->d, DIAG_zip_method, "'%s' has a member that %s: it cannot be updated",
                       z->old.name, e->name_bytes ? "is encrypted" : "has no usable name");
            return false;
        }
        e->flags &= ZIP_FLAG_UTF8; /* sizes go into the header: they are known */
        if (same_name(e, replaced))
            z->n--;
        else if (!zip_data(&walk, e, &e->local, z->d))
            return false;
    }
    z->n--;
    return !diag_failed(z->d);
}

/* Whether the header has 64-bit sizes. Deflate may add to `size`, but not as much again. */
static bool is_wide(const zip_entry *e)
{
    return e->size > SMALL_SIZES || e->packed > SMALL_SIZES;
}

static void write_local(archive *z, const zip_entry *e)
{
    uint8_t p[ZIP_LOCAL_BYTES + EXTRA_LOCAL], *at = p;
    bool wide = is_wide(e), later = (e->flags & ZIP_FLAG_DESCRIPTOR) != 0;
    at = put32(at, ZIP_LOCAL);
    at = put16(at, wide ? VERSION64 : VERSION);
    at = put16(at, e->flags & KEPT_FLAGS);
    at = put16(at, e->method);
    at = put32(at, e->time);
    at = put32(at, e->crc);
    at = put32(at, wide ? ZIP_TAIL32 : (uint32_t)e->packed);
    at = put32(at, wide ? ZIP_TAIL32 : later ? 0 : (uint32_t)e->size);
    at = put16(at, (uint32_t)e->name_bytes);
    at = put16(at, wide ? EXTRA_LOCAL : 0);
    file_write(&z->o, p, ZIP_LOCAL_BYTES);
    file_write(&z->o, e->name, (size_t)e->name_bytes);
    if (!wide)
        return;
    at = put16(p, ZIP_EXTRA64);
    at = put16(at, EXTRA_LOCAL - 4);
    at = put64(at, later ? 0 : (uint64_t)e->size);
    put64(at, (uint64_t)e->packed);
    file_write(&z->o, p, EXTRA_LOCAL);
}

/* What the header could not know yet. */
static void write_descriptor(archive *z, const zip_entry *e, bool wide)
{
    uint8_t p[DESCRIPTOR_MOST], *at = p;
    at = put32(at, ZIP_DESCRIPTOR);
    at = put32(at, e->crc);
    at = wide ? put64(at, (uint64_t)e->packed) : put32(at, (uint32_t)e->packed);
    at = wide ? put64(at, (uint64_t)e->size) : put32(at, (uint32_t)e->size);
    file_write(&z->o, p, (size_t)(at - p));
}

static bool copy_member(archive *z, zip_entry *e)
{
    uint8_t piece[FILE_BUFFER];
    int64_t from = e->local, left = e->packed;
    e->local = z->o.size;
    write_local(z, e);
    while (left > 0 && !z->o.failed) {
        size_t n = left < FILE_BUFFER ? (size_t)left : sizeof piece;
        if (!file_read(&z->old, from, piece, n, z->d))
            return false;
        file_write(&z->o, piece, n);
        from += (int64_t)n;
        left -= (int64_t)n;
    }
    return !z->o.failed;
}

/* Its checksum comes before its bytes: they are gone over twice. */
static bool write_stored(archive *z, zip_entry *e, const jit_array *a)
{
    file_output measured;
    file_measure(&measured);
    npy_write(a, &measured);
    e->crc = measured.crc;
    e->packed = e->size = measured.size;
    write_local(z, e);
    npy_write(a, &z->o);
    return !z->o.failed;
}

/* In one pass, also into a pipe: sizes and checksum follow the bytes. */
static bool write_deflated(archive *z, zip_entry *e, const jit_array *a)
{
    deflater p;
    if (!deflater_begin(&p, &z->o, z->level))
        return false;
    e->method = ZIP_DEFLATED;
    e->flags |= ZIP_FLAG_DESCRIPTOR;
    (void)file_array_bytes(a, &e->size); /* for the width of the header */
    bool wide = is_wide(e);
    write_local(z, e);
    int64_t start = z->o.size;
    npy_write(a, &p.plain);
    deflater_end(&p);
    e->packed = z->o.size - start;
    e->size = p.plain.size;
    e->crc = p.plain.crc;
    write_descriptor(z, e, wide);
    return !z->o.failed;
}

static bool write_new(archive *z, const jit_array *a, const char *name)
{
    zip_entry *e = append(z);
    if (!e)
        return false;
    *e = (zip_entry){ .method = ZIP_STORED, .time = EPOCH, .local = z->o.size };
    e->name_bytes = (int32_t)strlen(name);
    memcpy(e->name, name, (size_t)e->name_bytes + 1);
    for (const char *c = name; *c; c++)
        if ((unsigned char)*c > 0x7F)
            e->flags = ZIP_FLAG_UTF8;
    return z->level > 0 ? write_deflated(z, e, a) : write_stored(z, e, a);
}

/* The 64-bit extra field of a directory entry; returns its bytes, 0 if none is needed. */
static uint32_t make_extra(uint8_t *p, const zip_entry *e)
{
    uint8_t *at = p + 4;
    const int64_t values[] = { e->size, e->packed, e->local };
    for (size_t i = 0; i < sizeof values / sizeof *values; i++)
        if (values[i] >= (int64_t)ZIP_TAIL32)
            at = put64(at, (uint64_t)values[i]);
    uint32_t n = (uint32_t)(at - p) - 4;
    put16(put16(p, ZIP_EXTRA64), n);
    return n ? n + 4 : 0;
}

static void write_central(archive *z, const zip_entry *e)
{
    uint8_t p[ZIP_CENTRAL_BYTES], extra[EXTRA64_MOST], *at = p;
    uint32_t n_extra = make_extra(extra, e);
    at = put32(at, ZIP_CENTRAL);
    at = put16(at, 3 << 8 | VERSION64); /* made on Unix */
    at = put16(at, n_extra ? VERSION64 : VERSION);
    at = put16(at, e->flags & KEPT_FLAGS);
    at = put16(at, e->method);
    at = put32(at, e->time);
    at = put32(at, e->crc);
    at = put32(at, low32(e->packed));
    at = put32(at, low32(e->size));
    at = put16(at, (uint32_t)e->name_bytes);
    at = put16(at, n_extra);
    at = put16(at, 0); /* comment */
    at = put16(at, 0); /* disk */
    at = put16(at, 0); /* internal attributes */
    at = put32(at, (uint32_t)0600 << 16);
    put32(at, low32(e->local));
    file_write(&z->o, p, sizeof p);
    file_write(&z->o, e->name, (size_t)e->name_bytes);
    file_write(&z->o, extra, n_extra);
}

static void write_end64(archive *z, int64_t start, int64_t size)
{
    uint8_t p[ZIP_END64_BYTES + ZIP_LOCATOR64_BYTES], *at = p;
    int64_t place = z->o.size;
    at = put32(at, ZIP_END64);
    at = put64(at, ZIP_END64_BYTES - 12);
    at = put16(at, VERSION64);
    at = put16(at, VERSION64);
    at = put64(at, 0); /* this disk, and the directory's */
    at = put64(at, (uint64_t)z->n);
    at = put64(at, (uint64_t)z->n);
    at = put64(at, (uint64_t)size);
    at = put64(at, (uint64_t)start);
    at = put32(at, ZIP_LOCATOR64);
    at = put32(at, 0);
    at = put64(at, (uint64_t)place);
    put32(at, 1); /* disks */
    file_write(&z->o, p, sizeof p);
}

static void write_directory(archive *z)
{
    uint8_t p[ZIP_END_BYTES], *at = p;
    int64_t start = z->o.size;
    for (int32_t i = 0; i < z->n; i++)
        write_central(z, &z->entry[i]);
    int64_t size = z->o.size - start;
    if (z->n >= ZIP_TAIL16 || start >= (int64_t)ZIP_TAIL32 || size >= (int64_t)ZIP_TAIL32)
        write_end64(z, start, size);
    uint32_t entries = z->n < ZIP_TAIL16 ? (uint32_t)z->n : ZIP_TAIL16;
    at = put32(at, ZIP_END);
    at = put32(at, 0); /* this disk, and the directory's */
    at = put16(at, entries);
    at = put16(at, entries);
    at = put32(at, low32(size));
    at = put32(at, low32(start));
    put16(at, 0); /* comment */
    file_write(&z->o, p, sizeof p);
}

static bool write_archive(archive *z, const jit_array *a, const char *name)
{
    for (int32_t i = 0; i < z->n; i++)
        if (!copy_member(z, &z->entry[i]))
            return false;
    if (!write_new(z, a, name))
        return false;
    write_directory(z);
    return true;
}

static archive *archive_new(const npz_target *to, diag *d)
{
    archive *z = calloc(1, sizeof *z);
    if (!z) {
        diag_no_memory(d);
        return NULL;
    }
    z->d = d;
    z->level = to->level;
    z->old.fd = z->o.fd = -1;
    return z;
}

static void archive_free(archive *z)
{
    file_close(&z->old);
    free(z->entry);
    free(z);
}

/* The member's name in the archive: always with ".npy". */
static bool full_name(char *name, const char *member, diag *d)
{
    size_t n = strlen(member);
    bool whole = n > 4 && strcmp(member + n - 4, ".npy") == 0;
    if (n == 0 || n + 5 > ZIP_MEMBER_BYTES) {
        diag_plain(d, DIAG_zip_member, "the name of an .npz member has 1 to %d bytes, not %lld",
                   ZIP_MEMBER_BYTES - 5, (long long)n);
        return false;
    }
    memcpy(name, member, n + 1);
    if (!whole)
        memcpy(name + n, ".npy", 5);
    return true;
}

/* Opens what is there to be updated; a file that is not there yet is no error. */
static bool open_old(archive *z, const char *path, const char *name)
{
    if (!file_exists(path))
        return true;
    return file_open(&z->old, path, z->d) && list_old(z, name);
}

bool npz_save(const jit_array *a, const npz_target *to, diag *d)
{
    char name[ZIP_MEMBER_BYTES];
    if (!full_name(name, to->member ? to->member : "arr_0", d))
        return false;
    archive *z = archive_new(to, d);
    if (!z)
        return false;
    bool good = (!to->member || open_old(z, to->path, name)) && file_create(&z->o, to->path, d);
    if (good && !write_archive(z, a, name)) {
        file_abandon(&z->o);
        good = false;
    }
    good = good && file_commit(&z->o);
    archive_free(z);
    return good;
}

bool npz_save_all(const jit_named *item, int32_t n, const npz_target *to, diag *d)
{
    archive *z = archive_new(to, d);
    if (!z)
        return false;
    bool good = file_create(&z->o, to->path, d);
    bool created = good;
    for (int32_t i = 0; good && i < n; i++) {
        char name[ZIP_MEMBER_BYTES];
        (void)snprintf(name, sizeof name, "%s.npy", item[i].name);
        good = write_new(z, &item[i].array, name);
    }
    if (good)
        write_directory(z);
    else if (created)
        file_abandon(&z->o);
    good = good && file_commit(&z->o);
    archive_free(z);
    return good;
}
