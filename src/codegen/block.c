/* block_run:
 *
 *   every operand contiguous   whole groups in place; the rest of the row by one piece
 *   any other row              pieces of at most `block` elements
 *   many short rows            pieces made of several rows
 *   rows of a transposed array pieces made of parts of several rows, so that whole lines are read
 *
 * A piece: inputs that are not neighbours in memory are copied into buffers (filled up to a
 * whole group with copies of the first element, so that no lane computes on anything but an
 * element), the kernel runs, outputs are copied to their places. All inputs of a piece are read
 * before any of its outputs is written. */
#include "block.h"

#include <stdlib.h>

#include "element_copy.h"
#include "few.h"

enum {
    BLOCK_BYTES = 16 << 10, /* all buffers together, unless a group needs more */
    STREAM_BYTES = 2 << 10, /* of an output per piece: reading and writing memory overlap */
    STREAM_AHEAD =
        4 << 10 /* inputs are fetched so far ahead: processors stop at a page's end */
};

void block_plan(block_shape *s)
{
    int32_t bytes = 0, unit = s->group > LINE ? s->group : LINE;
    for (int32_t i = 0; i < s->n_operands; i++)
        bytes += s->size[i];
    while (unit % s->group != 0)
        unit += LINE;
    int32_t units = bytes > 0 ? BLOCK_BYTES / bytes / unit : 1;
    s->block = unit * (units > 0 ? units : 1);
    s->few = few_plan(s);
}

typedef struct runner {
    const block_shape *s;
    kernel_entry entry;
    const kernel_call *call;
    kernel_call inner;                /* what the entry is given */
    char *data[2 * JIT_MAX_OPERANDS]; /* of the entry's operands */
    char *base[2 * JIT_MAX_OPERANDS]; /* of the current row */
    char *buffer[2 * JIT_MAX_OPERANDS];
    uint64_t index; /* of the current row's first element */
    uint32_t flags;
    bool streaming;
    int64_t repeated; /* elements of this row's step-0 inputs that lie in their buffers */
} runner;

static bool is_whole(const runner *r, int32_t i)
{
    return r->call->step[i] == r->s->size[i];
}

static bool stopped(const runner *r)
{
    return r->flags >= KERNEL_OUT_OF_FUEL;
}

static void run_entry(runner *r, int64_t at, int64_t n, int64_t valid)
{
    r->inner.n = n;
    r->inner.valid = valid;
    r->inner.index = r->index + (uint64_t)(at * r->call->index_step);
    r->flags |= r->entry(&r->inner);
}

/* -------------------------------------------------------------------------- pieces of a row */

static void bring_input(runner *r, int32_t i, int64_t at, int64_t count, int64_t padded)
{
    int64_t step = r->call->step[i];
    char *from = r->base[i] + at * step;
    if (is_whole(r, i) && count == padded) {
        r->data[i] = from;
        return;
    }
    r->data[i] = r->buffer[i];
    if (step == 0 && r->repeated >= padded)
        return;
    element_gather(r->s->size[i], r->buffer[i], &(element_row){ from, step, count }, padded);
}

static void take_output(runner *r, int32_t i, int64_t at, int64_t count)
{
    int64_t step = r->call->step[i];
    char *to = r->base[i] + at * step;
    if (r->data[i] == to)
        return;
    if (r->streaming && is_whole(r, i))
        element_stream(to, r->data[i], count * step);
    else
        element_scatter(r->s->size[i], &(element_row){ to, step, count }, r->data[i]);
}

/* What a piece later will read comes while this one is computed and stored. */
static void fetch_ahead(const runner *r, int64_t at, int64_t count)
{
    for (int32_t i = 0; i < r->s->n_inputs; i++) {
        int64_t size = r->s->size[i];
        if (size == 0 || !is_whole(r, i))
            continue;
        element_fetch((uintptr_t)r->base[i] + (uintptr_t)(at * size) + STREAM_AHEAD,
                      count * size);
    }
}

static void run_piece(runner *r, int64_t at, int64_t count)
{
    const block_shape *s = r->s;
    int64_t padded = block_whole(r->s, count + s->group - 1);
    for (int32_t i = 0; i < s->n_inputs; i++)
        if (s->size[i])
            bring_input(r, i, at, count, padded);
    for (int32_t i = s->n_inputs; i < s->n_operands; i++) {
        bool in_place = is_whole(r, i) && count == padded && !r->streaming;
        r->data[i] = in_place ? r->base[i] + at * s->size[i] : r->buffer[i];
    }
    if (padded > r->repeated)
        r->repeated = padded;
    if (r->streaming)
        fetch_ahead(r, at, count);
    run_entry(r, at, padded, count);
    for (int32_t i = s->n_inputs; i < s->n_operands; i++)
        take_output(r, i, at, count);
}

static int64_t piece_size(const runner *r)
{
    int64_t stream = STREAM_BYTES / r->s->size[r->s->n_inputs];
    return r->streaming && stream < r->s->block ? stream : r->s->block;
}

/* The first piece is shorter, so that the others begin where a cache line does. */
static int64_t before_line(const runner *r)
{
    int32_t o = r->s->n_inputs;
    return r->streaming ? (int64_t)((uintptr_t)r->base[o] % LINE / r->s->size[o]) : 0;
}

static void run_pieces(runner *r, int64_t at, int64_t n)
{
    int64_t size = piece_size(r), most = size - before_line(r);
    while (at < n && !stopped(r)) {
        int64_t count = n - at < most ? n - at : most;
        run_piece(r, at, count);
        at += count;
        most = size;
    }
}

static void run_row(runner *r, bool contiguous)
{
    const block_shape *s = r->s;
    int64_t n = r->call->n, whole = contiguous ? block_whole(r->s, n) : 0;
    r->repeated = 0;
    if (whole > 0) {
        for (int32_t i = 0; i < s->n_operands; i++)
            r->data[i] = r->base[i];
        run_entry(r, 0, whole, whole);
    }
    run_pieces(r, whole, n);
}

static bool all_whole(const runner *r)
{
    for (int32_t i = 0; i < r->s->n_operands; i++)
        if (r->s->size[i] && !is_whole(r, i))
            return false;
    return true;
}

static void run_rows(runner *r)
{
    const kernel_call *c = r->call;
    bool contiguous = all_whole(r) && !r->streaming;
    run_row(r, contiguous);
    for (int64_t j = 1; j < c->rows && !stopped(r); j++) {
        for (int32_t i = 0; i < r->s->n_operands; i++)
            r->base[i] += c->row_step[i];
        r->index += (uint64_t)c->index_row_step;
        run_row(r, contiguous);
    }
}

/* -------------------------------------------------------------------------- several rows */

typedef struct tile { /* of `rows` rows the elements from `at` on */
    int64_t rows, at, n;
} tile;

static element_rows tile_of(const runner *r, int32_t i, const tile *t)
{
    int64_t step = r->call->step[i];
    return (element_rows){ { r->base[i] + t->at * step, step, t->n },
                           t->rows,
                           r->call->row_step[i] };
}

/* As one piece. */
static void run_tile(runner *r, const tile *t)
{
    const block_shape *s = r->s;
    int64_t count = t->rows * t->n, padded = block_whole(r->s, count + s->group - 1);
    for (int32_t i = 0; i < s->n_operands; i++) {
        r->data[i] = r->buffer[i];
        if (i >= s->n_inputs || !s->size[i])
            continue;
        element_rows from = tile_of(r, i, t);
        element_gather_rows(s->size[i], r->buffer[i], &from);
        element_fill_up(s->size[i], r->buffer[i], count, padded);
    }
    run_entry(r, 0, padded, count);
    for (int32_t i = s->n_inputs; i < s->n_operands; i++) {
        element_rows to = tile_of(r, i, t);
        element_scatter_rows(s->size[i], &to, r->data[i]);
    }
}

static void run_tiles(runner *r, int64_t most_rows, int64_t width)
{
    const kernel_call *c = r->call;
    int64_t left = c->rows;
    while (left > 0) {
        tile t = { .rows = left < most_rows ? left : most_rows };
        for (; t.at < c->n && !stopped(r); t.at += width) {
            t.n = c->n - t.at < width ? c->n - t.at : width;
            run_tile(r, &t);
        }
        left -= t.rows;
        if (stopped(r))
            return;
        for (int32_t i = 0; left > 0 && i < r->s->n_operands; i++)
            r->base[i] += t.rows * c->row_step[i];
    }
}

/* Whether some operand's next row is nearer than its next element. */
static bool is_transposed(const runner *r)
{
    const kernel_call *c = r->call;
    for (int32_t i = 0; i < r->s->n_operands; i++)
        if (r->s->size[i] && c->row_step[i] != 0 && llabs(c->row_step[i]) < llabs(c->step[i]))
            return true;
    return false;
}

static int64_t largest(const block_shape *s)
{
    int64_t size = 1;
    for (int32_t i = 0; i < s->n_operands; i++)
        size = s->size[i] > size ? s->size[i] : size;
    return size;
}

/* False: row by row. */
static bool run_by_tiles(runner *r)
{
    const block_shape *s = r->s;
    const kernel_call *c = r->call;
    int64_t rows = LINE / largest(s), width = s->block / rows / rows * rows;
    if (c->rows == 1 || s->indexed)
        return false;
    if (c->n > width && width > 0 && c->rows >= rows && is_transposed(r))
        run_tiles(r, rows, width);
    else if (c->n <= s->block / 4 && !r->streaming)
        run_tiles(r, s->block / c->n, c->n);
    else
        return false;
    return true;
}

/* -------------------------------------------------------------------------- start */

/* Field by field: a copy of the whole would wait for what the caller has just written. */
static void set_inner(runner *r)
{
    const kernel_call *c = r->call;
    r->inner.data = r->data;
    r->inner.uniform = c->uniform;
    r->inner.index_step = c->index_step;
    r->inner.seed = c->seed;
    r->inner.fuel = c->fuel;
    r->inner.cancel = c->cancel;
}

static void set_operands(runner *r, char *buffer)
{
    const block_shape *s = r->s;
    for (int32_t i = 0; i < s->n_operands; i++) {
        r->base[i] = r->call->data[i];
        r->buffer[i] = buffer;
        buffer += (int64_t)s->size[i] * s->block;
    }
}

uint32_t block_run(const block_shape *s, kernel_entry entry, const kernel_call *call)
{
    _Alignas(LINE) char buffers[BLOCK_BUFFER_BYTES];
    if (s->group == 0)
        return entry(call);
    if (call->n <= 0 || call->rows <= 0)
        return 0;
    runner r;
    r.s = s;
    r.entry = entry;
    r.call = call;
    r.index = call->index;
    r.flags = 0;
    r.streaming = call->streaming && s->streams;
    set_inner(&r);
    set_operands(&r, buffers);
    if (!run_by_tiles(&r))
        run_rows(&r);
    if (r.streaming)
        element_stream_end();
    return r.flags;
}
