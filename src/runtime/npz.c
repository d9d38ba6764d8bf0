/* Reading a member of an .npz archive. */
#include "npz.h"

#include <stdio.h>
#include <string.h>

#include "npy.h"
#include "unicode.h"
#include "zip.h"

enum { LISTED = 100 /* bytes of names that a hint lists */ };

/* "x" is x.npy, or else a member of just this name; "x.npy" is x.npy rather than x.npy.npy. */
typedef enum fitness { FITS_NOT, FITS_BARE, FITS_STEM, FITS_WHOLE } fitness;

typedef struct choice {
    const char *member; /* wanted, or NULL */
    zip_entry entry;
    fitness fit;
    int64_t found, arrays; /* found: entries of this fitness */
    char listed[LISTED + 1];
} choice;

/* Bytes of the name without ".npy", 0 if it is the name of no array. */
static size_t stem(const zip_entry *e)
{
    size_t n = (size_t)e->name_bytes;
    return n > 4 && memcmp(e->name + n - 4, ".npy", 4) == 0 ? n - 4 : 0;
}

static fitness fits(const choice *c, const zip_entry *e)
{
    size_t n = stem(e), wanted = c->member ? strlen(c->member) : n;
    if (wanted == 0 || wanted > (size_t)e->name_bytes ||
        (c->member && memcmp(e->name, c->member, wanted) != 0))
        return FITS_NOT;
    if (wanted == n)
        return FITS_STEM;
    return wanted < (size_t)e->name_bytes ? FITS_NOT : n > 0 ? FITS_WHOLE : FITS_BARE;
}

static void list(choice *c, const zip_entry *e)
{
    char shown[FILE_NAME_SHOWN];
    size_t used = strlen(c->listed);
    file_show_bytes(shown, e->name, stem(e));
    if (used + strlen(shown) + 2 <= LISTED)
        (void)snprintf(c->listed + used, sizeof c->listed - used, "%s%s", used ? ", " : "",
                       shown);
}

static bool choose(choice *c, zip_walk *z, diag *d)
{
    zip_entry e;
    while (zip_next(z, &e, d)) {
        if (stem(&e)) {
            c->arrays++;
            list(c, &e);
        }
        fitness fit = fits(c, &e);
        if (fit == FITS_NOT || fit < c->fit)
            continue;
        c->found = fit == c->fit ? c->found + 1 : 1;
        c->fit = fit;
        c->entry = e;
    }
    return !diag_failed(d);
}

static bool check_choice(const choice *c, const file_input *in, diag *d)
{
    char shown[FILE_NAME_SHOWN];
    if (c->found == 1)
        return true;
    file_show(shown, c->member ? c->member : "", c->member ? strlen(c->member) : 0);
    if (c->found > 1 && c->member) {
        diag_plain(d, DIAG_array_twice, "'%s' has two arrays '%s'", in->name, shown);
        return false;
    }
    if (c->member) {
        diag_plain(d, DIAG_zip_member, "'%s' has no member '%s'", in->name, shown);
    } else {
        diag_plain(d, DIAG_zip_member, "'%s' has %lld arrays; name one as FILE.npz:member",
                   in->name, (long long)c->arrays);
    }
    if (c->listed[0])
        diag_hint(d, "it has %s", c->listed);
    return false;
}

static bool read_member(jit_array *a, zip_walk *z, const zip_entry *e, diag *d)
{
    char name[FILE_NAME_SHOWN + FILE_NAME_SHOWN];
    char shown[FILE_NAME_SHOWN];
    file_show_bytes(shown, e->name, (size_t)e->name_bytes);
    (void)snprintf(name, sizeof name, "%s:%s", z->in->name, shown);
    if ((e->flags & ZIP_FLAG_ENCRYPTED) ||
        (e->method != ZIP_STORED && e->method != ZIP_DEFLATED)) {
        diag_plain(d, DIAG_zip_method, "'%s' is %s; stored and deflated members are read", name,
                   e->flags & ZIP_FLAG_ENCRYPTED ? "encrypted" : "packed by another method");
        return false;
    }
    if (e->method == ZIP_STORED && e->packed != e->size) {
        diag_plain(d, DIAG_zip_damaged, "'%s' is damaged: %lld bytes are stored in %lld", name,
                   (long long)e->size, (long long)e->packed);
        return false;
    }
    stream s;
    stream_part part = { .length = e->packed, .size = e->size, .checked = true };
    part.packing = e->method == ZIP_STORED ? STREAM_STORED : STREAM_DEFLATED;
    if (!zip_data(z, e, &part.at, d) || !stream_open(&s, z->in, &part, d))
        return false;
    s.name = name;
    jit_array made;
    bool good = npy_read(&made, &s, d);
    stream_close(&s);
    if (good && s.crc != e->crc) {
        jit_array_free(&made);
        diag_plain(d, DIAG_zip_crc, "'%s' is damaged: its CRC is %08x, the archive says %08x",
                   name, (unsigned)s.crc, (unsigned)e->crc);
        return false;
    }
    if (good)
        *a = made;
    return good;
}

bool npz_read(jit_array *a, const file_input *in, const char *member, diag *d)
{
    zip_walk z;
    choice c = { .member = member };
    return zip_open(&z, in, d) && choose(&c, &z, d) && check_choice(&c, in, d) &&
           read_member(a, &z, &c.entry, d);
}

/* What is no name would be lost, or cut short, where it becomes a string. */
static bool check_name(const file_input *in, const zip_entry *e, diag *d)
{
    size_t n = (size_t)e->name_bytes;
    if (n > 0 && !memchr(e->name, 0, n) && unicode_valid(e->name, n))
        return true;
    diag_plain(d, DIAG_zip_damaged,
               "'%s' is damaged: the name of a member is not UTF-8 of 1 to %d bytes", in->name,
               ZIP_MEMBER_BYTES - 1);
    return false;
}

/* All deflated arrays together: many of them could each fit alone. */
static bool check_total(const file_input *in, diag *d)
{
    zip_walk z;
    zip_entry e;
    int64_t total = 0;
    if (!zip_open(&z, in, d))
        return false;
    while (zip_next(&z, &e, d))
        if (stem(&e) && e.method == ZIP_DEFLATED &&
            __builtin_add_overflow(total, e.size, &total))
            total = INT64_MAX;
    return !diag_failed(d) && stream_can_unpack(in->name, total, d);
}

bool npz_read_all(array_set *s, const file_input *in, diag *d)
{
    zip_walk z;
    zip_entry e;
    if (!check_total(in, d) || !zip_open(&z, in, d))
        return false;
    while (zip_next(&z, &e, d)) {
        jit_array a;
        if (!check_name(in, &e, d))
            return false;
        if (!stem(&e))
            continue;
        if (!read_member(&a, &z, &e, d) || !array_set_add(s, e.name, stem(&e), &a, d))
            return false;
    }
    return !diag_failed(d);
}

bool npz_parse(jit_array *a, const char *name, const void *bytes, size_t n, diag *d)
{
    file_input in;
    file_from_memory(&in, name, bytes, n);
    bool good = npz_read(a, &in, NULL, d);
    file_close(&in);
    return good;
}
