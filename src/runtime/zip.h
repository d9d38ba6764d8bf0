/* Zip archives: walking the central directory, whose sizes alone are believed, and the fields of the
 * records that both reading and writing need. */
#ifndef FJ_ZIP_H
#define FJ_ZIP_H

#include "file.h"

enum {
    ZIP_LOCAL = 0x04034b50,
    ZIP_CENTRAL = 0x02014b50,
    ZIP_END = 0x06054b50,
    ZIP_END64 = 0x06064b50,
    ZIP_LOCATOR64 = 0x07064b50,
    ZIP_DESCRIPTOR = 0x08074b50,
    ZIP_LOCAL_BYTES = 30,
    ZIP_CENTRAL_BYTES = 46,
    ZIP_END_BYTES = 22,
    ZIP_END64_BYTES = 56,
    ZIP_LOCATOR64_BYTES = 20,
    ZIP_STORED = 0,
    ZIP_DEFLATED = 8,
    ZIP_FLAG_ENCRYPTED = 1,
    ZIP_FLAG_DESCRIPTOR = 8, /* sizes and checksum follow the data */
    ZIP_FLAG_UTF8 = 0x800,
    ZIP_MEMBER_BYTES = 1024, /* longest name a member can be asked for by */
    ZIP_EXTRA64 = 1,         /* tag of the extra field with 64-bit sizes */
    ZIP_TAIL16 = 0xFFFF
};
#define ZIP_TAIL32 0xFFFFFFFFu /* "see the 64-bit field" */

typedef struct zip_entry {
    char name[ZIP_MEMBER_BYTES]; /* "" if longer than that */
    int32_t name_bytes;
    uint32_t method, flags, crc, time; /* time: date << 16 | time, as MS-DOS has them */
    int64_t packed, size;              /* bytes in the archive, and unpacked */
    int64_t local;                     /* place of the local header */
} zip_entry;

typedef struct zip_walk {
    const file_input *in;
    int64_t at, end; /* what of the directory is still to come */
    int64_t start;   /* of the directory: members lie before it */
    int64_t left;    /* entries still to come */
    int64_t unread;  /* packed bytes that members may still have: they do not share any */
} zip_walk;

bool zip_open(zip_walk *z, const file_input *in, diag *d);
/* The next entry; false at the end and, with a message, on damage. */
bool zip_next(zip_walk *z, zip_entry *e, diag *d);
/* Where the member's bytes begin. Its local header must say the same name and method. Asked for all
 * members, the archive must hold as many bytes: members that share some are a bomb, a few bytes that
 * unpack into any number. */
bool zip_data(zip_walk *z, const zip_entry *e, int64_t *at, diag *d);

/* Little-endian fields. */
uint32_t zip_get16(const uint8_t *p);
uint32_t zip_get32(const uint8_t *p);
uint64_t zip_get64(const uint8_t *p);

#endif
