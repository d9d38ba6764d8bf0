/* Raw deflate streams, as members of zip archives are. */
#include "deflate.h"

#include <string.h>

enum { DEFLATE_STEP = 1 << 30 /* bytes */, MEMORY_LEVEL = 8 /* zlib's own default */ };

/* Brings out all that can come of the given input. */
static void drain(deflater *p, int flush)
{
    int code;
    do {
        p->z.next_out = p->piece;
        p->z.avail_out = sizeof p->piece;
        code = deflate(&p->z, flush);
        file_write(p->to, p->piece, sizeof p->piece - p->z.avail_out);
    } while (!p->to->failed && code == Z_OK && p->z.avail_out == 0);
}

static void take(void *user, const void *bytes, size_t n)
{
    deflater *p = user;
    const uint8_t *at = bytes;
    while (n > 0 && !p->to->failed) {
        size_t step = n < DEFLATE_STEP ? n : DEFLATE_STEP;
        p->z.next_in = (Bytef *)(uintptr_t)at; /* zlib only reads it */
        p->z.avail_in = (uInt)step;
        drain(p, Z_NO_FLUSH);
        at += step;
        n -= step;
    }
    p->plain.failed = p->to->failed;
}

bool deflater_begin(deflater *p, file_output *to, int level)
{
    p->to = to;
    file_measure(&p->plain);
    p->plain.next = take;
    p->plain.next_user = p;
    memset(&p->z, 0, sizeof p->z);
    if (deflateInit2(&p->z, level, Z_DEFLATED, -MAX_WBITS, MEMORY_LEVEL, Z_DEFAULT_STRATEGY) ==
        Z_OK)
        return true;
    diag_no_memory(to->d);
    to->failed = true;
    return false;
}

void deflater_end(deflater *p)
{
    p->z.avail_in = 0;
    if (!p->to->failed)
        drain(p, Z_FINISH);
    (void)deflateEnd(&p->z);
}
