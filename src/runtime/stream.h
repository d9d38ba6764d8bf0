/* A part of a file read from front to back, unpacked on the way if it is deflated. */
#ifndef FJ_STREAM_H
#define FJ_STREAM_H

#include <stdbool.h>
#include <stdint.h>
#include <zlib.h>

#include "file.h"

typedef enum stream_packing { STREAM_STORED, STREAM_DEFLATED, STREAM_GZIP } stream_packing;

typedef struct stream {
    const file_input *in;
    const char *name;       /* for messages */
    int64_t at, end;        /* bytes of the file still to be read */
    int64_t limit;          /* at most so many bytes can still come out */
    stream_packing packing; /* limit is exact unless this is STREAM_GZIP */
    bool ended;             /* the deflated data are at their end */
    bool checked;
    uint32_t crc; /* of all bytes that came out, if checked */
    z_stream z;
    uint8_t chunk[FILE_BUFFER];
} stream;

/* Bytes at .. at+length of `in`. size: what comes out, as the file claims; ignored for gzip,
 * where the bound is what deflate can make of `length` bytes. A size that deflate cannot reach
 * is an error here, before anybody allocates it. */
typedef struct stream_part {
    int64_t at, length, size;
    stream_packing packing;
    bool checked; /* the CRC-32 of what comes out is wanted */
} stream_part;

bool stream_open(stream *s, const file_input *in, const stream_part *part, diag *d);
/* Whether so many bytes, unpacked from a file, can be held: more than the machine has memory for is an
 * error, since a small file can claim any number. */
bool stream_can_unpack(const char *name, int64_t n_bytes, diag *d);
/* Exactly n bytes; false, with a message, if there are fewer. */
bool stream_read(stream *s, void *to, int64_t n, diag *d);
/* False, with a message, if there is anything left. */
bool stream_finish(stream *s, diag *d);
void stream_close(stream *s);

#endif
