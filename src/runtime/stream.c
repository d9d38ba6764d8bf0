/* Streams over stored, deflated and gzip parts of files. */
#include "stream.h"

#include <string.h>

#include "memory_most.h"

/* Deflate codes at most 258 bytes in two bits: 1032 to 1, and a little for a block's head. */
enum { DEFLATE_RATIO = 1032, DEFLATE_SLACK = 1032, INFLATE_STEP = 1 << 30 };

/* Bytes that the machine is not asked about. */
enum { UNPACK_ANYWHERE = 1 << 26 };

static int64_t most_inflated(int64_t length)
{
    int64_t most;
    if (__builtin_mul_overflow(length, DEFLATE_RATIO, &most) ||
        __builtin_add_overflow(most, DEFLATE_SLACK, &most))
        return INT64_MAX;
    return most;
}

static bool damaged(const stream *s, const char *why, diag *d)
{
    diag_plain(d, DIAG_file_deflate, "the compressed data of '%s' are damaged: %s", s->name,
               why);
    return false;
}

bool stream_can_unpack(const char *name, int64_t n_bytes, diag *d)
{
    if (n_bytes <= UNPACK_ANYWHERE)
        return true;
    int64_t most = memory_most();
    if (n_bytes <= most)
        return true;
    diag_plain(d, DIAG_file_unpacked,
               "'%s' unpacks to %lld bytes, but there is memory for %lld", name,
               (long long)n_bytes, (long long)most);
    return false;
}

bool stream_open(stream *s, const file_input *in, const stream_part *part, diag *d)
{
    s->in = in;
    s->name = in->name;
    s->at = part->at;
    s->end = part->at + part->length;
    s->packing = part->packing;
    s->limit = part->packing == STREAM_GZIP ? most_inflated(part->length) : part->size;
    s->ended = false;
    s->checked = part->checked;
    s->crc = 0;
    if (part->packing == STREAM_STORED)
        return true;
    if (s->limit > most_inflated(part->length))
        return damaged(s, "they cannot become as long as the file says", d);
    if (part->packing == STREAM_DEFLATED && !stream_can_unpack(in->name, part->size, d))
        return false;
    memset(&s->z, 0, sizeof s->z);
    if (inflateInit2(&s->z, part->packing == STREAM_GZIP ? 16 + MAX_WBITS : -MAX_WBITS) == Z_OK)
        return true;
    diag_no_memory(d);
    s->packing = STREAM_STORED; /* there is nothing to close */
    return false;
}

void stream_close(stream *s)
{
    if (s->packing != STREAM_STORED)
        (void)inflateEnd(&s->z);
    s->packing = STREAM_STORED;
}

static bool refill(stream *s, diag *d)
{
    int64_t left = s->end - s->at;
    if (left == 0)
        return damaged(s, "they end too early", d);
    size_t n = left < FILE_BUFFER ? (size_t)left : FILE_BUFFER;
    if (!file_read(s->in, s->at, s->chunk, n, d))
        return false;
    s->at += (int64_t)n;
    s->z.next_in = s->chunk;
    s->z.avail_in = (uInt)n;
    return true;
}

/* One member of a gzip file has ended: another may follow. */
static void member_end(stream *s)
{
    bool more = s->z.avail_in > 0 || s->at < s->end;
    if (s->packing == STREAM_GZIP && more)
        (void)inflateReset(&s->z); /* fails on a damaged z_stream only */
    else
        s->ended = true;
}

/* As many of n bytes as there are before the data's end; -1 on an error. */
static int64_t inflate_some(stream *s, uint8_t *to, int64_t n, diag *d)
{
    int64_t done = 0;
    while (done < n && !s->ended) {
        if (s->z.avail_in == 0 && !refill(s, d))
            return -1;
        uInt room = n - done < INFLATE_STEP ? (uInt)(n - done) : INFLATE_STEP;
        s->z.next_out = to + done;
        s->z.avail_out = room;
        int code = inflate(&s->z, Z_NO_FLUSH);
        done += (int64_t)(room - s->z.avail_out);
        if (code == Z_STREAM_END) {
            member_end(s);
        } else if (code == Z_MEM_ERROR) {
            diag_no_memory(d);
            return -1;
        } else if (code != Z_OK && code != Z_BUF_ERROR) {
            damaged(s, s->z.msg ? s->z.msg : "no deflate data", d);
            return -1;
        }
    }
    return done;
}

static bool too_short(const stream *s, int64_t missing, diag *d)
{
    diag_plain(d, DIAG_file_size, "'%s' is cut short: %lld more bytes are needed", s->name,
               (long long)missing);
    return false;
}

bool stream_read(stream *s, void *to, int64_t n, diag *d)
{
    if (n > s->limit)
        return too_short(s, n - s->limit, d);
    if (s->packing == STREAM_STORED) {
        if (!file_read(s->in, s->at, to, (size_t)n, d))
            return false;
        s->at += n;
    } else {
        int64_t got = inflate_some(s, to, n, d);
        if (got < 0)
            return false;
        if (got < n)
            return too_short(s, n - got, d);
    }
    s->limit -= n;
    if (s->checked)
        s->crc = (uint32_t)crc32_z(s->crc, to, (size_t)n);
    return true;
}

static bool too_long(const stream *s, diag *d)
{
    diag_plain(d, DIAG_file_size, "'%s' goes on after the data that its header describes",
               s->name);
    return false;
}

bool stream_finish(stream *s, diag *d)
{
    if (s->packing == STREAM_STORED)
        return s->limit == 0 || too_long(s, d);
    uint8_t one;
    int64_t got = inflate_some(s, &one, 1, d);
    if (got != 0)
        return got > 0 ? too_long(s, d) : false;
    if (s->limit > 0 && s->packing == STREAM_DEFLATED)
        return too_short(s, s->limit, d);
    return s->z.avail_in == 0 && s->at == s->end ? true : too_long(s, d);
}
