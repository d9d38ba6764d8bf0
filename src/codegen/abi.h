/* What generated code and the runtime agree on. */
#ifndef FJ_ABI_H
#define FJ_ABI_H

#include <stdint.h>

/* One run over a two-dimensional block: `rows` times `n` elements. Operands are the inputs in
 * order, then the outputs. Steps are in bytes, any value. An element is loaded before any
 * element of the same block that is stored after it, so an output may be exactly an input.
 *
 * This is what block_run (block.h) takes. The compiled entry itself takes one row of whole
 * groups of neighbours: rows, step and row_step are not read, n is a positive multiple of the
 * group, and elements from `valid` on are copies that fill the last group.
 *
 * Generated code never calls the host but for array_call.product; it has
 * no static data that it writes. The layout is part of the key of cached code (ABI_VERSION). */
enum { ABI_VERSION = 4 };

typedef struct kernel_call {
    int64_t n, rows;
    char *const *data;       /* one per operand */
    const int64_t *step;     /* per operand, from element to element of a row */
    const int64_t *row_step; /* per operand, from row to row */
    const uint64_t *uniform; /* one cell per uniform, as type_encode, floats as f64 */
    uint64_t index;          /* position of the first element, */
    int64_t index_step;      /*   of the next in the row,      */
    int64_t index_row_step;  /*   and of the next row          */
    uint64_t seed;
    int64_t fuel;                   /* per vector of elements; INT64_MAX: no limit */
    const volatile int32_t *cancel; /* never NULL here */
    int64_t streaming; /* non-zero: non-temporal stores pay (outputs exceed the cache) */
    int64_t valid;     /* set by block_run */
} kernel_call;

/* A run of an array function over `rows` samples. Operands are the inputs in order, then the
 * outputs; an array's core elements are neighbours in C order (the runtime copies others), a
 * scalar is one element. No alignment beyond that of bytes is promised but for the workspace. No output
 * overlaps an input or another output. */
typedef struct kernel_fault { /* a subscript out of range: the first that was met */
    int64_t site;             /* of graph.sites */
    int64_t value, extent;
} kernel_fault;

/* A sample is a few steps one after the other. A step that is one map can be run in parts, at the
 * same time: part of the map's outermost axis, of its last one, or of both. */
typedef struct array_step {
    double work;               /* instructions, roughly; 0: it is not worth being divided */
    int64_t units[2], unit[2]; /* of the outermost and the last axis; elements in one unit */
} array_step;

typedef struct array_part { /* what a run is to do */
    int64_t first, count;   /* steps */
    int64_t from[2], to[2]; /* elements, multiples of a unit; the last part's `to`: INT64_MAX */
    int64_t worker;         /* whose memory: see workspace.h */
    int64_t *spare; /* if not NULL, code that takes fuel says how much the sample that took most
                       left of it, in a run that ends well */
    array_step *plan; /* if not NULL nothing is run: steps that are worth being divided are
 described here, the others left as they are */
} array_part;

/* c = a b of f32 or f64: row-major, neighbours along a row. */
typedef struct array_product {
    int64_t rows, columns, depth;
    const char *a, *b;
    char *c;
    int64_t a_step, b_step, c_step; /* bytes from row to row, any value */
    int64_t dtype;                  /* jit_dtype */
} array_product;

/* Non-zero: it is done; 0: nothing was. */
typedef int32_t (*array_product_entry)(const array_product *p, const void *context);

typedef struct array_call {
    int64_t rows;
    char *const *data;          /* one per operand */
    const int64_t *row_step;    /* per operand: bytes from sample to sample, any value */
    const int64_t *dim;         /* one per dimension */
    const uint8_t *panels;      /* per input: it lies in panels (codegen_object.panel < 0) */
    const uint64_t *uniform;    /* as in kernel_call */
    uint64_t index, index_step; /* position of the first sample, and of the next */
    uint64_t seed;
    int64_t fuel;
    const volatile int32_t *cancel; /* never NULL here */
    char *workspace;                /* 64-byte aligned, as large as workspace_bytes says */
    kernel_fault *fault;            /* written with KERNEL_OUT_OF_RANGE */
    const array_part *part;         /* of a kernel with steps */
    array_product_entry product; /* of code that was made for it (codegen_options.products) */
    const void *product_context;
} array_call;

enum { /* the kernel's result: JIT_FLAG_* and */
       KERNEL_OUT_OF_FUEL = 1 << 8,
       KERNEL_CANCELLED = 1 << 9,
       KERNEL_OUT_OF_RANGE = 1 << 10 /* the outputs are not complete */
};

typedef uint32_t (*kernel_entry)(const kernel_call *call);
typedef uint32_t (*array_entry)(const array_call *call);

/* Symbols in an object: only ours, never the user's text. */
#define ABI_SYMBOL_BLOCK  "k0" /* kernel_entry, or array_entry of an array function */
#define ABI_SYMBOL_LOOP   "k1" /* jit_loop, if asked for; its data is const uint64_t *uniform */
#define ABI_SYMBOL_SCALAR "k2" /* scalar function, if asked for; uses default uniforms */

#endif
