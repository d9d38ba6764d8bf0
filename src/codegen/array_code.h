/* Instructions of array functions (see array_nest.h for what they are made from).
 *
 *   array_kernel.c   k0: what is computed once, blocks of samples, stages
 *   array_start.c    operands, scalars, storage
 *   array_extents.c  strides, sizes
 *   array_pointer.c  where the arrays of a sample are
 *   array_list.c     lists of nodes, row by row; strips of vectors
 *   array_map.c      maps, by strips and rows
 *   array_loops.c    counted loops, extents
 *   array_fold.c     folds, and array_fold_vectors.c
 *   array_sweep.c    products of one row and a large matrix
 *   array_pack.c     strips of matrices for the rows of products
 *   array_transpose.c  matrices the other way round, and array_turn.c
 *   array_product.c  products that the call may do instead
 *   array_element.c  elements, checks, arrays that change; matrices in panels
 *   array_part.c     parts of a run, for threads
 *   array_group*.c   the same where lanes are samples
 *   array_pace.c     fuel and cancel in maps and folds
 *   array_short.c    k0 where a sample is a few scalars
 *
 * The value of an array is where its storage is: see array_pointer. */
#ifndef FJ_ARRAY_CODE_H
#define FJ_ARRAY_CODE_H

#include "array_nest.h"
#include "build.h"

enum {
    ARRAY_VECTORS = 64, /* more than are ever emitted at a time */
    ARRAY_MANY = 24     /* operands, or pieces of workspace: see array_pointer */
};

typedef struct
    array_panel {  /* of an input that is read in panels: elements from one to the next */
    int32_t width; /* 0: it lies in C order */
    ir_value row, column;
} array_panel;

/* Where a sample was begun: what is made here can be used in all that follows. */
typedef struct array_anchor {
    ir_block block;
    ir_value after; /* NULL: at its beginning */
    ir_value sample, in_block;
} array_anchor;

typedef struct array_code {
    emitter *e;
    const array_nest *a;
    nest *t;          /* a's: its lanes follow what is emitted */
    ir_value call;    /* array_call */
    ir_value *stride; /* [shape][axis]: elements; the number of all of them at [shape][rank] */
    array_panel *panel; /* [input] */
    ir_value *base;     /* [storage]: of the first sample, or of all */
    ir_value places;    /* bases of storages in memory, where there are many pieces; or NULL */
    ir_value *step;     /* [storage]: bytes from sample to sample; NULL: one for all */
    ir_value
        *pointer; /* [storage][row]: of the current sample; NULL: made when it is wanted, */
    struct array_anchor *anchor; /* [row]: here */
    ir_value *operand;           /* per operand: its data and */
    ir_value *row_step;          /* bytes from sample to sample */
    ir_value nothing;            /* elements that are 0, for what must not be read */
    ir_value nowhere;            /* and one that is written instead of what must not be */
    ir_value fault;
    ir_block out_of_range;
    int32_t rows;                   /* that are emitted together: */
    bool together;                  /*   samples, with all their maps and folds */
    int32_t vectors;                /* and vectors */
    ir_value origin, length;        /* part of a vector axis that is run now; NULL: all */
    const array_bind *strip;        /* whose last axis they run along; NULL: scalars */
    bool samples;                   /* lanes are samples: array_group.h */
    ir_value *mask;                 /* per vector: lanes that exist; NULL: all */
    ir_value masks[ARRAY_VECTORS];  /* where it is */
    ir_value within[ARRAY_VECTORS]; /* with masks: vector u, or 0 if none of its lanes exist */
    bool minds;                     /* what the other lanes do counts: flags, loops, checks */
    /* The strip begins at an even number of vectors; and c->origin does. */
    bool even, even_origin;
    int32_t *seen, now; /* [node]: marks */
    ir_value part;      /* array_part; NULL: there are no steps */
    ir_value step_first, step_count, worker, from[2], to[2]; /* of it */
    ir_value ticks;            /* i64 in memory: see array_pace.h */
    const array_bind *divided; /* the map of which a part is run now */
    bool alone;                /* the call is of one sample */
    node packed; /* reads a copy of a part of its matrix: column 0 of that would */
    ir_value packed_at, packed_row; /*   lie here; elements from row to row; 0: none does */
    node moving;                    /* an innermost axis whose rounds are emitted: */
    ir_value *held; /*   [node][row]: where elements are but for it; NULL: not known */
    node swept;     /* the fold whose sums are there already, in memory; 0: none */
    ir_value sums;
} array_code;

/* k0. few: what runs calls of few samples or large ones, if samples are in vectors; or NULL. */
ir_value array_kernel(emitter *e, array_nest *a, ir_value few);

ir_value array_field(array_code *c, ir_type type, size_t offset); /* of array_call */
/* The function ends with what f does for the same call. */
void array_return_call(array_code *c, ir_value f);

/* Which operand of the call it is. */
int32_t array_operand_of(const array_code *c, const array_storage *s);
/* Where c->places keeps storage's base. */
ir_value array_place(array_code *c, int32_t storage);
/* Of the call's operand i: where it is, and how far it is from sample to sample. */
ir_value array_operand(array_code *c, int32_t i);
ir_value array_row_step(array_code *c, int32_t i);

/* Once per call: array_extents.c */
void array_make_strides(array_code *c);
void array_make_panels(array_code *c);
ir_value array_piece_bytes(array_code *c, const array_piece *p);
/* As many of `count` samples as a stage (-1: all) runs together: none where axes are long, or not one
 * vector, or unless `small`, if not NULL. */
ir_value array_samples_together(array_code *c, int32_t stage, ir_value count, ir_value small);
/* Whether that stage's axes are known to be short. */
bool array_are_short(array_code *c, int32_t stage);

/* Called by emit_list and emit_control. */
void array_list(array_code *c, const nest_list *l, int32_t vectors);
void array_next(array_code *c, node loop); /* arrays at the end of a round */

/* -------------------------------------------------------------------------- loops */

/* A counted loop; `carried` values go round with it: first values in, results out. */
typedef struct array_loop {
    ir_value i, to, step;
    ir_value *carried;
    int32_t n_carried;
    ir_value *phi, *first;
    ir_block before, head, end;
    bool once;     /* no loop is needed */
    bool guarded;  /* it may have no round */
    bool followed; /* by LLVM's loop passes: see build_counter */
} array_loop;

/* for i = from; i < to; i += step. False: certainly no round, nothing was begun. */
bool array_loop_begin(array_code *c, array_loop *l, ir_value from, ir_value to, int64_t step);
void array_loop_end(array_code *c, array_loop *l);
/* n less what is left over when it is divided by step. */
ir_value array_whole(array_code *c, ir_value n, int64_t step);
bool array_is_known(ir_value v, int64_t *n);
ir_value array_extent(array_code *c, node axis);
/* Of b's axis d; 0 where an inner axis has no elements and what runs along d could be noticed. */
ir_value array_rounds(array_code *c, const array_bind *b, int32_t d);

/* -------------------------------------------------------------------------- nodes */

bool array_by_row(const array_code *c, node n);
/* n's row if it has rows, for what follows. */
void array_set_axis(array_code *c, node axis, ir_value i); /* a scalar */

/* Around a map's own code: the call may do it (array_product.c). NULL: it is not asked. */
ir_block array_product_begin(array_code *c, const array_bind *b, ir_value rows);
void array_product_end(array_code *c, ir_block done);

/* Vectors along b's last axis: between enter and leave, strips of them. */
typedef struct array_width {
    int32_t lanes, vectors;
} array_width;
typedef struct array_context {
    int32_t lanes, full, vectors;
    const array_bind *strip;
    ir_value *mask;
    bool even;
} array_context;
array_context array_enter(array_code *c, const array_bind *b, array_width w);
void array_leave(array_code *c, array_context outer);
/* The nodes of the last axis for the elements from i on, of which `left` exist; NULL: all. */
void array_strip(array_code *c, const array_bind *b, ir_value i, ir_value left);
/* ... and of a map what is stored. */
void array_one_strip(array_code *c, const array_bind *b, ir_value i, ir_value left);
void array_set_lanes(array_code *c, node axis, ir_value i);
/* Of column i in the map's array, in its current row. */
ir_value array_map_index(array_code *c, const array_bind *b, ir_value i);

/* Before the rows of b, whose axis is d: c->packed. */
void array_pack_begin(array_code *c, const array_bind *b, int32_t d);
/* array_sweep.c: the columns of the range. True: that was all of them. after: if not NULL, where
 * a run that was large enough goes on; what is emitted next is for others. */
bool array_sweep(array_code *c, const array_bind *b, const ir_value *range, ir_block *after);
/* A map that only turns a matrix round; all of it, or the part that is run now. */
bool array_is_transposition(const array_nest *a, const array_bind *b);
void array_transpose(array_code *c, const array_bind *b);
/* The value of the fold in the strip: what lies in c->sums. */
void array_take_sums(array_code *c, node fold);

/* Where a strip begins that would reach past n, of whole strips: so that it ends there. */
ir_value array_overlapping(array_code *c, ir_value i, ir_value n);

/* So many elements of b's vector axis; 0: all of them. */
int64_t array_columns(const array_code *c, const array_bind *b);
/* Around rows: a part of b's vector axis at a time. False: there is none. */
bool array_columns_begin(array_code *c, const array_bind *b, array_loop *l);
void array_columns_end(array_code *c, array_loop *l);

void array_map(array_code *c, node n);
void array_run_map(array_code *c, const array_bind *b); /* a map, by itself */
void array_fold(array_code *c, node n);
void array_at(array_code *c, node n);
/* Around the rounds of the last axis of a fold whose nodes are l: what of their addresses does not
 * depend on it is computed before. */
void array_hold(array_code *c, const nest_list *l, node axis);
void array_release(array_code *c, const nest_list *l);
void array_bound(array_code *c, node n);
void array_put(array_code *c, node n);
void array_choice(array_code *c, node n);
void array_loop_arrays(array_code *c, node loop); /* variables before the first round */

/* The current row's sample: this one, which is in_block of its block. */
void array_point(array_code *c, ir_value sample, ir_value in_block);
/* Where the elements of storage s begin, in the current row. */
ir_value array_pointer(array_code *c, int32_t storage);
ir_value array_element(array_code *c, ir_value base, jit_dtype t, ir_value index);
void array_copy(array_code *c, ir_value to, ir_value from, const array_storage *s);
void array_copy_storage(array_code *c, int32_t to, int32_t from); /* wherever they lie */

#endif
