/* What the interpreter runs: a graph laid out as a list of steps. Made by eval_plan.c, run by
 * eval.c (scalars) and eval_array.c. A node's value is in the slot of its number. */
#ifndef FJ_EVAL_PLAN_H
#define FJ_EVAL_PLAN_H

#include "eval.h"

typedef enum step_kind {
    STEP_OPERATOR,
    STEP_LOOKUP, /* in a table of the graph's own: operands are the bits of a column */
    STEP_CONST,
    STEP_ARG,
    STEP_UNIFORM,
    STEP_INDEX,
    STEP_SEED,
    STEP_COPY,  /* slot <- in[0]                        */
    STEP_TEST,  /* if not in[0], go to step `to`        */
    STEP_BACK,  /* go to step `to`, for a unit of fuel  */
    STEP_AGAIN, /* the same, for no fuel               */
    STEP_DIM,
    STEP_BOUND,    /* in: subscript, extent, when          */
    STEP_CHECK,    /* the same, before the call            */
    STEP_INPUT,    /* an array                             */
    STEP_SHARE,    /* array slot <- array in[0]            */
    STEP_CHOOSE,   /* array slot <- in[0] ? in[1] : in[2]  */
    STEP_AT,       /* operands: array, subscripts          */
    STEP_PUT,      /* operands: array, subscripts, value, when */
    STEP_MAP,      /* operands: axes, extents, value; if empty, go to step `to` */
    STEP_FOLD,     /* the same, and y of FOLD_DOT          */
    STEP_MAKE,     /* the array of a further value of a map: axes, extents */
    STEP_STORE,    /* its element in[0]                    */
    STEP_MAP_NEXT, /* store; go to step `to` for the next element, if there is one */
    STEP_FOLD_NEXT /* accumulate; the same                 */
} step_kind;

typedef struct step {
    uint8_t kind, op, in_type, out_type;
    bool flushes; /* with @ftz: subnormal operands and results become 0 */
    bool quiet;   /* it sets no status flags */
    bool last;    /* an array operand in[0] is not used after this step */
    int32_t slot, in[3], to;
    int32_t first, rank; /* more operands: eval_plan.operands[first ..]; axes or subscripts */
    int32_t number;      /* of an argument, dim, site, fold; of an input's shape in `to` */
    uint64_t imm;        /* of a fold */
    cell value;          /* of a const */
} step;

typedef struct eval_output {
    int32_t slot;
    jit_dtype dtype;
    int32_t rank; /* 0: a scalar */
} eval_output;

struct eval_plan {
    jit_allocator allocator;
    size_t size; /* of this block, tables included */
    int32_t n_steps, n_slots, n_outputs, n_inputs, n_folds;
    bool ftz;
    step *steps;
    eval_output *outputs;
    jit_dtype *inputs;
    graph_shape *shapes; /* extents are slots */
    int32_t *operands;
};

/* The value of an operator step, and whether an operator's operands are flushed under @ftz. */
cell eval_operator(const step *s, const cell *in, uint32_t *flags);
bool eval_flushes(op o, jit_dtype in);
cell eval_lookup(const eval_plan *p, const step *s, cell index);
jit_status eval_back(int64_t *fuel, const volatile int32_t *cancel);

#endif
