/* Graph to object bytes: nests, loops, LLVM module, machine code. Every call has an LLVM
 * context and target machine of its own while it lasts and may run beside others. */
#ifndef FJ_CODEGEN_H
#define FJ_CODEGEN_H

#include "block.h"
#include "graph.h"
#include "target.h"

/* Which calls an array function is made for. ONE: of one sample; more are run one by one. CHOOSE,
 * APART: of any number, with lanes that are samples (array_lanes.c) where that pays, or not.
 * TOGETHER, for tests: lanes are samples in all calls, whatever that costs. */
typedef enum codegen_samples {
    SAMPLES_CHOOSE,
    SAMPLES_ONE,
    SAMPLES_APART,
    SAMPLES_TOGETHER
} codegen_samples;

typedef struct codegen_options {
    const target *target;
    const jit_allocator *allocator;
    bool entry_loop, entry_scalar;
    const cell *defaults;    /* of the uniforms, for the raw entries; in their cell types */
    int32_t vector_lanes;    /* 0: chosen; tests force 1, 2, 4, ... */
    int32_t interleave;      /* 0: chosen */
    bool cut;                /* tests: into functions, as if it were large */
    bool divide;             /* tests: maps in parts, as if they were large */
    bool sweep;              /* tests: matrices as if they were large */
    bool reload;             /* tests: addresses as if there were many arrays */
    bool large;              /* it may be large, and take long to compile */
    bool products;           /* array functions: array_call.product is asked before a product */
    bool whole;              /* array functions: no map in parts, it is for one thread */
    codegen_samples samples; /* of array functions */
    /* Array functions of one sample: per output the input whose memory it has, as large, or -1;
     * NULL: outputs are apart from all inputs. A call that stops has not changed these. */
    const int32_t *over;
    target_spare *spare; /* NULL: none is kept */
} codegen_options;

/* Blocks of samples that pass through an array function together divide this number, or the code
 * does not ask array_call.product. */
enum { CODEGEN_ROWS = 960 };

/* The workspace of an array function (workspace.h): pieces one after the other, each as large as the largest
 * array that uses it, for so many samples. Where samples are in vectors there are two sets of
 * them: those of code for many samples are used in a call of at least ARRAY_GROUP_ROWS samples,
 * if they are not more than ARRAY_GROUP_BYTES together. */
enum { ARRAY_GROUP_ROWS = 3, ARRAY_GROUP_BYTES = 8 << 20 };
typedef struct codegen_area {
    int32_t piece;
    bool many;
    int32_t shape, size; /* elements of graph.shapes[shape] of so many bytes; 0: */
    int64_t fixed;       /*   so many bytes */
    int64_t copies;
    int64_t most; /* bytes of a piece with copies: a larger one has none; 0: any */
    bool own;     /* there is one for each worker on a sample; else they share it */
    bool rows;    /* only the shape's first extent counts */
} codegen_area;

typedef struct codegen_object {
    void *bytes; /* an object file; free with codegen_free */
    size_t size;
    int32_t vector_lanes, interleave;
    block_shape shape;   /* for block_run, with the linked entry k0 */
    codegen_area *areas; /* of an array function, by piece; freed with the object */
    int32_t n_areas;
    /* By input; NULL: all are read in C order. Of two axes: the width of the panels (panel.h) that
     * the code reads instead of the matrix, if it is constant; less than 0: that it reads if
     * array_call.panels says so; 0: C order. Freed with the object. */
    int32_t *panel;
    int32_t n_panels; /* inputs */
    int32_t n_steps,
        group; /* as abi.h says: 0: there are none; samples that take them together */
} codegen_object;

/* g: after expand. False and a diagnostic (limit, memory, internal) on failure. */
bool codegen_compile(const graph *g, const codegen_options *o, codegen_object *out, diag *d);
void codegen_free(const codegen_options *o, codegen_object *object);

typedef enum codegen_text_kind { CODEGEN_NEST, CODEGEN_LLVM, CODEGEN_ASM } codegen_text_kind;
/* In g's arena, or NULL and a diagnostic. Assembly: the hot loop is marked with comment lines
 * and the vector width is named. */
char *codegen_text(const graph *g, const codegen_options *o, codegen_text_kind kind, diag *d);

const char *codegen_llvm_version(void);

#endif
