/* The text of a graph being read: words, types, constants. After the first mistake everything
 * gives nothing. */
#ifndef FJ_PRINT_READER_H
#define FJ_PRINT_READER_H

#include "graph.h"

/* The shape of an input, in numbers of the text: they come after it. */
typedef struct shape_text {
    uint64_t extent[GRAPH_MAX_RANK];
    int32_t rank;
} shape_text;

typedef struct reader {
    const char *at;
    int32_t line;
    arena *ar;
    diag *d;
    graph *g;
    bool failed;
    node *nodes; /* of the numbers in the text */
    int32_t n_nodes, cap_nodes;
    shape_text shapes[JIT_MAX_OPERANDS]; /* of inputs */
} reader;

/* The first mistake is told, with its line. */
void reader_fail(reader *r, const char *what);
bool reader_no_memory(reader *r); /* false */
/* Spaces are skipped before each word. */
void reader_skip(reader *r);
bool reader_sees(reader *r, char c);
bool reader_accept(reader *r, const char *word);
void reader_expect(reader *r, const char *word);
void reader_end_line(reader *r);
const char *reader_name(reader *r); /* up to a mark of ours; NULL for _ */
jit_dtype reader_dtype(reader *r);  /* f32 */
shape_text reader_shape(reader *r); /* [%1 %2], or nothing */
jit_dtype reader_type(reader *r);   /* : f32[%1 %2] */
uint64_t reader_decimal(reader *r);
/* kind: how it was written: F64, I64, U64; NONE: bits. */
cell reader_constant(reader *r, jit_dtype *kind);

#endif
