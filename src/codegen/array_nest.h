/* Loop nests of an array function.
 *
 *     once per call           what does not depend on the sample
 *     for sample              (rows) in stages, see array_stage
 *       map i, j              axis by axis, outermost first; at each axis what depends on it and
 *         for i                 not on inner ones
 *           for j, in vectors   the last axis, where its elements can be computed side by side
 *             fold k              scalar loops around vectors
 *       fold k                a fold that lies in no vectors: its own last axis is in vectors
 *
 * Axes in vectors: of the outermost map or fold that can have its last axis so. What prevents it:
 * an array that is made inside, or a float fold in TREE order, which is in vectors itself.
 *
 * Rows: where the elements that a fold reads along the vector axis are the same for all values of
 * another axis, or for all samples (a matrix product), so many values of that axis are computed
 * together: each node that depends on it once for each row.
 *
 * Samples in vectors: where most of a sample is a loop, whose rounds come one after the other, the
 * lanes are samples instead (array_lanes.c): a group of them side by side, their arrays with
 * element i of all of them as neighbours; maps and folds are scalar loops around that.
 *
 * Storage: each array that is made has elements in memory: an output's, or a piece of the
 * workspace. `put` and loop variables use the old array's where that is not read any more. */
#ifndef FJ_ARRAY_NEST_H
#define FJ_ARRAY_NEST_H

#include "nest.h"

enum {
    ROW_SAMPLE = -1,    /* as a row axis: the sample */
    ARRAY_TOGETHER = 4, /* samples: see array_stage */
    ARRAY_SHORT = 128,  /* elements of their axes in vectors are fewer, */
    ARRAY_SMALL = 4096, /*   and an array of theirs has no more bytes */
    NOT_AFFINE = 1 << 30
};

typedef struct array_bind { /* a map or fold */
    node n;
    int32_t n_axes;
    nest_list level[GRAPH_MAX_RANK]; /* per axis */
    bool blocked;                    /* its last axis cannot be in vectors */
    bool inside;                     /* it lies in vectors of another */
    bool vector;                     /* its last axis is in vectors: */
    bool masks;                      /*   which the target can load and store in part */
    bool folds;                      /*   with folds in them */
    bool panels;                     /*   in which a matrix is read in panels */
    int32_t lanes, vectors;
    node row_axis;              /* 0: none */
    int32_t rows, most_vectors; /* together; with one row */
    node packed;   /* the element of a matrix that is copied for the rows; 0: none */
    int32_t strip; /*   its storage */
    node product;  /* a map that is run with it, by blocks of rows: array_pair.c; 0: none */
    int32_t block; /*   of so many; */
    bool paired;   /* it is such a map */
    bool over;     /* it writes where it reads: no element twice */
    bool brief;    /* all its elements take no time, and are known in number */
    bool divided;  /* a step of its own, which can be run in parts */
    node also[GRAPH_MAX_VALUES]; /* the arrays of further values, by number; 0: not needed */
    double
        work[GRAPH_MAX_RANK]; /* per axis: of what runs along it, inner maps and folds apart */
} array_bind;

typedef enum storage_kind { STORAGE_INPUT, STORAGE_OUTPUT, STORAGE_WORK } storage_kind;

typedef struct array_storage {
    storage_kind kind;
    int32_t number; /* of the input or output */
    int32_t shape;
    jit_dtype dtype;
    node home;           /* the map, fold or loop that it is made in; 0: none */
    bool by_sample;      /* WORK: a copy for each sample of a block */
    bool staged;         /* WORK: input `number`, brought there for each group of samples */
    bool lanes;          /* WORK: each element is there for all samples of a group */
    int32_t strip;       /* WORK: so many columns of a matrix of that shape; 0: all of it */
    int64_t block;       /* WORK: bytes of so many rows of it; 0: all of it */
    int32_t first, last; /* positions in which it is needed, if home is 0 and by_sample */
    int32_t piece;       /* WORK: of the workspace */
} array_storage;

typedef struct array_piece { /* of the workspace: elements of the largest of its storages */
    bool by_sample;
    bool own;         /* a copy for each worker on a sample */
    bool strips;      /* for one map after the other */
    int64_t fixed;    /* bytes; and */
    int32_t *storage; /* those that share it */
    int32_t n_storages;
} array_piece;

typedef struct array_stage { /* some of the nodes of a sample, for all samples of a block */
    nest_list list;
    bool rows;                 /* one map, whose row axis is the sample */
    const array_bind *divided; /* one map, that can be run in parts */
    bool together;             /* where axes are short: samples side by side */
} array_stage;

typedef struct array_nest {
    nest *t;
    const graph *g;
    array_bind *binds;
    int32_t n_binds;
    int32_t *bind_at;    /* per node: index in binds, or -1 */
    int32_t *level;      /* per node that lies in a map or fold: the axis */
    bool *known;         /* per node: depends on dimensions and uniforms alone */
    bool *sample;        /* per node: depends on the sample */
    bool *head;          /* per node: computed for the condition of its loop */
    bool *value;         /* per node: its value is needed, */
    bool *first;         /*   or only that of its first lane: it is a subscript */
    int32_t *step;       /* per node: from lane to lane, if constant; else NOT_AFFINE */
    bool products;       /* the call may do them */
    const int32_t *over; /* see codegen_options, and */
    node commit;         /*   the first map that writes over an input; 0: none */
    bool sweep;          /* small matrices too */
    bool reload;         /* addresses are read again where they are used, however few */
    int32_t *panel;      /* per input: width of the panels that it is read in; 0: C order */
    node *row_axis_of;
    nest_list extents; /* once per call: what depends on dimensions and uniforms alone, */
    nest_list call;    /*   and the rest; */
    nest_list once;    /*   of that, if there are steps, what only one worker computes */
    array_stage *stages;
    int32_t n_stages;
    int32_t n_steps;   /* if a stage is divided: `once`, then each stage; else 0 */
    double *loop_work; /* per loop of t, as array_bind.work */
    bool paced;        /* some map or fold is not brief */
    bool *heavy;       /* per node: in `once` */
    int32_t *stage_of; /* per node of a sample that lies in no loop */
    int32_t block;     /* samples in a block; 1: no stages */
    bool together;     /* blocks are there for that alone, in all stages */
    int32_t lanes, vectors,
        group; /* samples in vectors; group = lanes * vectors; 0: none are */
    array_storage *storages;
    int32_t n_storages;
    int32_t *storage; /* per node that is an array: index in storages */
    int32_t *swap;    /* per phi that is an array: storage for its next value; or -1 */
    array_piece *pieces;
    int32_t n_pieces;
    int32_t *slot; /* per scalar of a sample that another stage needs: number; or -1 */
    int32_t n_slots;
    int32_t *call_slot; /* per scalar in `once` that a stage needs: number; or -1 */
    int32_t n_call_slots;
} array_nest;

typedef struct array_options {
    const target *target;
    int32_t lanes, vectors; /* 0: choose */
    bool divide;            /* however small */
    bool sweep;             /* however small a matrix is: array_sweep.c */
    bool reload;            /* however few arrays there are: array_pointer */
    bool products;          /* array_product.c */
    bool samples;           /* in vectors */
    bool whole;             /* no map is divided */
    bool one;               /* samples are run one by one */
    const int32_t *over;    /* see codegen_options */
} array_options;

array_nest *array_nest_make(const graph *g, const array_options *o, diag *d);
char *array_nest_print(const array_nest *a); /* in g's arena */

bool array_is_output(const graph *g, node n);
/* n reads an array at the axes of the map, in its own loop. */
bool array_reads_in_place(const array_nest *a, node n, node map);
/* Nobody reads x when the map has begun, but the map itself, in place. */
bool array_is_last_to_read(const array_nest *a, node x, node map);
/* A loop names its variables, it does not read them. */
bool array_names(const graph *g, node n, int32_t i);
/* The map that computes n, an array; n itself, if it is no further value of one. */
node array_written_by(const graph *g, node n);
/* array_over.c: the output's node is made in the memory of that input. */
bool array_may_be_over(const array_nest *a, node output, int32_t number);
/* Whether the use of x by `user` is over where `by` is computed, in the same region. */
bool array_is_before(const array_nest *a, node user, node by);
bool array_stores(array_nest *a);                         /* array_store.c: storages, pieces */
void array_choose(array_nest *a, const array_options *o); /* array_plan.c: vectors, rows */
void array_panels(array_nest *a);                         /* array_panel.c */
void array_choose_packed(array_nest *a);                  /* array_pack.c */
void array_weigh(array_nest *a);                          /* t->weight */
void array_divide(array_nest *a, const array_options *o); /* array_steps.c: which are divided */
void array_first_step(array_nest *a);
void array_make_pairs(array_nest *a); /* array_pair.c */

/* How often something runs for each run of what it lies in: along the axes of maps and folds and in
 * the rounds of loops, innermost first. */
typedef struct array_trips {
    node region; /* a map or fold and one of its axes, or a loop */
    int32_t level;
} array_trips;
typedef struct array_factor {
    node extent;      /* 0: `guess` */
    int32_t multiple; /* of which as many are run; 1 but for vectors */
    double guess;
} array_factor;
bool array_trips_next(const array_nest *a, array_trips *t, array_factor *f);
/* The work of region r apart from what lies in inner ones: in t, how often. False: no more. */
typedef struct array_work {
    int32_t at;
    array_trips trips;
    double work;
} array_work;
bool array_work_next(const array_nest *a, const array_bind *b, array_work *w);
void array_join_samples(array_nest *a); /* array_together.c: stages */

/* What the rows and columns of b's product are read from: two nodes; 0, 0: it is none, or more. */
typedef struct array_factors {
    node left, right;
} array_factors;
array_factors array_factors_of(const array_nest *a, const array_bind *b); /* array_product.c */

/* array_lanes.c */
bool array_lanes_pay(const array_nest *a); /* a: without samples in vectors */
/* Maps and folds of a sample fill whole vectors along their own axes: samples have no more to give. */
bool array_fills_vectors(const array_nest *a);
void array_lanes_begin(array_nest *a);                          /* before axes are chosen, */
void array_lanes_choose(array_nest *a, const array_options *o); /* and after */

static inline const array_bind *array_bind_of(const array_nest *a, node n)
{
    return a->bind_at[n] < 0 ? NULL : &a->binds[a->bind_at[n]];
}
/* The array of b's i-th value; 0: not needed. */
static inline node array_of(const array_bind *b, int32_t i)
{
    return i == 0 ? b->n : b->also[i];
}
static inline bool array_is(const array_nest *a, node n)
{
    return graph_node(a->g, n)->shape != 0;
}
/* How a map with a row axis is run: its rows together, then fewer, at last one by one; and how
 * many vectors with so many rows. */
int32_t array_fewer_rows(int32_t rows); /* 0: no fewer */
int32_t array_row_vectors(const array_bind *b, int32_t rows);
/* The columns that all rows pass by before the next. */
int64_t array_columns_of(const array_nest *a, const array_bind *b);
/* Of the array that n, an `at`, reads; 0: it lies in C order. */
int32_t array_panel_of(const array_nest *a, node n);
/* Whether they are paired. */
bool array_in_pairs(const array_nest *a, node n);
/* Whether n lies where the last axis of b runs. */
bool array_in_last(const array_nest *a, node n, const array_bind *b);
/* n, or the map, fold or loop around it that lies directly in `region`; 0: it is not in there. */
node array_ancestor(const array_nest *a, node n, node region);
/* nest_spread, with loops as a whole. */
void array_spread(const array_nest *a, bool *marked);
/* The coefficient of an axis in a subscript; NOT_AFFINE. */
int32_t array_coefficient(const graph *g, node n, node axis);

#endif
