/* Reading the directory of a zip archive. Every place and length is checked against the file.
 */
#include "zip.h"

#include <string.h>

enum { COMMENT_MOST = 65535, TAIL_MOST = ZIP_END_BYTES + COMMENT_MOST, TAIL_STEP = 4096 };

uint32_t zip_get16(const uint8_t *p)
{
    return (uint32_t)p[0] | (uint32_t)p[1] << 8;
}

uint32_t zip_get32(const uint8_t *p)
{
    return zip_get16(p) | zip_get16(p + 2) << 16;
}

uint64_t zip_get64(const uint8_t *p)
{
    return zip_get32(p) | (uint64_t)zip_get32(p + 4) << 32;
}

static bool damaged(const file_input *in, const char *why, diag *d)
{
    diag_plain(d, DIAG_zip_damaged, "the archive '%s' is damaged: %s", in->name, why);
    return false;
}

/* The end record: the last place whose comment reaches exactly to the end of the file. */
static bool find_end(const file_input *in, int64_t *at, uint8_t *end, diag *d)
{
    uint8_t piece[TAIL_STEP + ZIP_END_BYTES];
    int64_t first = in->size > TAIL_MOST ? in->size - TAIL_MOST : 0;
    int64_t last = in->size - ZIP_END_BYTES;
    while (last >= first) {
        int64_t low = last - TAIL_STEP + 1 > first ? last - TAIL_STEP + 1 : first;
        size_t n = (size_t)(last - low) + ZIP_END_BYTES;
        if (!file_read(in, low, piece, n, d))
            return false;
        for (; last >= low; last--) {
            const uint8_t *p = piece + (last - low);
            if (zip_get32(p) != ZIP_END || last + ZIP_END_BYTES + zip_get16(p + 20) != in->size)
                continue;
            memcpy(end, p, ZIP_END_BYTES);
            *at = last;
            return true;
        }
    }
    diag_plain(d, DIAG_zip_damaged, "'%s' is no .npz archive: it has no zip directory",
               in->name);
    return false;
}

/* The 64-bit end record, if a locator stands before the end record at *at; else nothing. */
static bool read_end64(zip_walk *z, int64_t *at, diag *d)
{
    uint8_t locator[ZIP_LOCATOR64_BYTES], end[ZIP_END64_BYTES];
    if (*at < ZIP_LOCATOR64_BYTES)
        return true;
    if (!file_read(z->in, *at - ZIP_LOCATOR64_BYTES, locator, sizeof locator, d))
        return false;
    if (zip_get32(locator) != ZIP_LOCATOR64)
        return true;
    uint64_t place = zip_get64(locator + 8);
    if (place > (uint64_t)(*at - ZIP_LOCATOR64_BYTES) ||
        *at - ZIP_LOCATOR64_BYTES - (int64_t)place < ZIP_END64_BYTES)
        return damaged(z->in, "its 64-bit end record lies outside", d);
    if (!file_read(z->in, (int64_t)place, end, sizeof end, d))
        return false;
    uint64_t entries = zip_get64(end + 32), size = zip_get64(end + 40),
             start = zip_get64(end + 48);
    if (zip_get32(end) != ZIP_END64 || entries > INT64_MAX || size > INT64_MAX ||
        start > INT64_MAX)
        return damaged(z->in, "its 64-bit end record is wrong", d);
    z->left = (int64_t)entries;
    z->start = (int64_t)start;
    z->end = (int64_t)size; /* zip_open adds the start */
    *at = (int64_t)place;
    return true;
}

bool zip_open(zip_walk *z, const file_input *in, diag *d)
{
    uint8_t end[ZIP_END_BYTES];
    int64_t at;
    *z = (zip_walk){ .in = in, .unread = in->size };
    if (!find_end(in, &at, end, d))
        return false;
    if (zip_get16(end + 4) != 0 || zip_get16(end + 6) != 0)
        return damaged(in, "it is one part of several", d);
    z->left = zip_get16(end + 10);
    z->end = zip_get32(end + 12);
    z->start = zip_get32(end + 16);
    if (!read_end64(z, &at, d))
        return false;
    if (z->start > at || z->end != at - z->start)
        return damaged(in, "its directory does not end where its end record begins", d);
    z->at = z->start;
    z->end += z->start;
    if (z->left > (z->end - z->start) / ZIP_CENTRAL_BYTES)
        return damaged(in, "its directory is too short for its entries", d);
    return true;
}

/* Takes one 64-bit field of the extra data if the 32-bit one says so. */
static bool widen(int64_t *value, const uint8_t **p, const uint8_t *end)
{
    if (*value != (int64_t)ZIP_TAIL32)
        return true;
    if (end - *p < 8 || zip_get64(*p) > INT64_MAX)
        return false;
    *value = (int64_t)zip_get64(*p);
    *p += 8;
    return true;
}

/* Looks for the 64-bit extra field of the entry whose extra data begin at `at`. */
static bool read_extra(const zip_walk *z, zip_entry *e, int64_t at, int64_t n)
{
    uint8_t field[4 + 24];
    diag ignored;
    diag_init(&ignored, NULL, NULL);
    while (n >= 4) {
        size_t step = n < (int64_t)sizeof field ? (size_t)n : sizeof field;
        if (!file_read(z->in, at, field, step, &ignored))
            return false;
        int64_t whole = 4 + (int64_t)zip_get16(field + 2);
        if (whole > n)
            return false;
        if (zip_get16(field) == ZIP_EXTRA64) {
            const uint8_t *p = field + 4;
            const uint8_t *end = field + (whole < (int64_t)step ? (size_t)whole : step);
            return widen(&e->size, &p, end) && widen(&e->packed, &p, end) &&
                   widen(&e->local, &p, end);
        }
        at += whole;
        n -= whole;
    }
    return true;
}

static bool read_entry(zip_walk *z, zip_entry *e, diag *d)
{
    uint8_t p[ZIP_CENTRAL_BYTES];
    if (z->end - z->at < ZIP_CENTRAL_BYTES)
        return damaged(z->in, "its directory is cut short", d);
    if (!file_read(z->in, z->at, p, sizeof p, d))
        return false;
    int64_t name = zip_get16(p + 28), extra = zip_get16(p + 30), comment = zip_get16(p + 32);
    int64_t rest = z->end - z->at - ZIP_CENTRAL_BYTES;
    if (zip_get32(p) != ZIP_CENTRAL || name + extra + comment > rest)
        return damaged(z->in, "an entry of its directory is wrong", d);
    e->flags = zip_get16(p + 8);
    e->method = zip_get16(p + 10);
    e->time = zip_get32(p + 12);
    e->crc = zip_get32(p + 16);
    e->packed = zip_get32(p + 20);
    e->size = zip_get32(p + 24);
    e->local = zip_get32(p + 42);
    e->name_bytes = name < ZIP_MEMBER_BYTES ? (int32_t)name : 0;
    if (!file_read(z->in, z->at + ZIP_CENTRAL_BYTES, e->name, (size_t)e->name_bytes, d))
        return false;
    e->name[e->name_bytes] = 0;
    if (!read_extra(z, e, z->at + ZIP_CENTRAL_BYTES + name, extra))
        return damaged(z->in, "an extra field of its directory is wrong", d);
    z->at += ZIP_CENTRAL_BYTES + name + extra + comment;
    return true;
}

bool zip_next(zip_walk *z, zip_entry *e, diag *d)
{
    if (z->left == 0) {
        if (z->at != z->end)
            (void)damaged(z->in, "its directory goes on after its last entry", d);
        return false;
    }
    z->left--;
    return read_entry(z, e, d);
}

/* Other readers take names from here: an archive that shows each a different member is refused. */
static bool same_local_name(const zip_walk *z, const zip_entry *e, int64_t n, diag *d)
{
    char name[ZIP_MEMBER_BYTES];
    if (n != e->name_bytes)
        return false;
    return file_read(z->in, e->local + ZIP_LOCAL_BYTES, name, (size_t)n, d) &&
           memcmp(name, e->name, (size_t)n) == 0;
}

bool zip_data(zip_walk *z, const zip_entry *e, int64_t *at, diag *d)
{
    uint8_t p[ZIP_LOCAL_BYTES];
    if (e->local > z->start - ZIP_LOCAL_BYTES)
        return damaged(z->in, "a member lies outside", d);
    if (!file_read(z->in, e->local, p, sizeof p, d))
        return false;
    if (zip_get32(p) != ZIP_LOCAL)
        return damaged(z->in, "a member has no local header", d);
    if (zip_get16(p + 8) != e->method || !same_local_name(z, e, zip_get16(p + 26), d))
        return damaged(z->in, "a member's header is not what the directory says", d);
    *at = e->local + ZIP_LOCAL_BYTES + zip_get16(p + 26) + zip_get16(p + 28);
    if (*at > z->start || e->packed > z->start - *at)
        return damaged(z->in, "a member lies outside", d);
    if (e->packed > z->unread)
        return damaged(z->in, "its members are longer than the archive", d);
    z->unread -= e->packed;
    return true;
}
