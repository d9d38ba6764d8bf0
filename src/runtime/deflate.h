/* Deflating bytes on their way into a file. */
#ifndef FJ_DEFLATE_H
#define FJ_DEFLATE_H

#include <zlib.h>

#include "file.h"

enum { DEFLATE_FAST = 1, DEFLATE_SMALL = 9 /* levels */ };

typedef struct deflater {
    file_output *to;
    file_output plain; /* write here; its crc and size are of what was written */
    z_stream z;
    uint8_t piece[FILE_BUFFER];
} deflater;

/* False, with a message, without memory; else in use until deflater_end. */
bool deflater_begin(deflater *p, file_output *to, int level);
/* Writes what is left; what failed is known by p->to. */
void deflater_end(deflater *p);

#endif
