/* The table of operators, read from ops.def. */
#ifndef FJ_OPS_H
#define FJ_OPS_H

#include "type.h"

/* What types an operator takes and gives. T: any one type of the class; all T are the same. */
typedef enum op_rule {
    RULE_LEAF,     /* special: arguments, constants, loops, arrays: graph.h */
    RULE_NUMERIC,  /* (T...) -> T       T integer or float                */
    RULE_FLOAT,    /* (T...) -> T       T f32 or f64; graph_apply casts integers to f64 */
    RULE_INTEGER,  /* (T...) -> T       T integer                         */
    RULE_BITS,     /* (T...) -> T       T integer or bool                 */
    RULE_BOOL,     /* (bool...) -> bool                                   */
    RULE_COMPARE,  /* (T, T) -> bool    T numeric, or bool for eq and ne  */
    RULE_TEST,     /* (T) -> bool       T float                           */
    RULE_SELECT,   /* (bool, T, T) -> T T any                             */
    RULE_SCALE,    /* (T, i32) -> T     T float: ldexp                    */
    RULE_EXPONENT, /* (T) -> i32        T float: the exponent of frexp    */
    RULE_WORD,     /* (i64) -> u64      a table: two_over_pi              */
    RULE_LOOKUP, /* (T, T) -> float   T i32 or i64, the float of its size; the second a const */
    RULE_CAST    /* (any) -> the node's dtype: cast, bitcast            */
} op_rule;

enum {
    OP_EXACT = 1,    /* same bits on every implementation: integer, IEEE basic operation     */
    OP_COMMUTES = 2, /* first two operands may be exchanged                                  */
    OP_FLAGS = 4,    /* may set a status flag: lowering guards it (see lower.h)              */
    OP_EXPAND = 8,   /* has definitions <name>_f32, <name>_f64 in prelude/math_*.fj          */
    OP_HIDDEN = 16,  /* no function of that name in the language (operators have other names) */
    OP_IMPURE = 32   /* two equal nodes are not one value                                    */
};

typedef enum op {
    OP_none, /* node 0: the error value */
#define OP(name, arity, rule, flags, value, adjoint, lo, hi, ulp_f32, ulp_f64, doc) OP_##name,
#include "ops.def"
#undef OP
    OP_COUNT
} op;

typedef struct op_row {
    const char *name;
    int32_t arity; /* -1: any */
    op_rule rule;
    uint32_t flags;
    const char *value;       /* C text of the value, see ops.def */
    const char *adjoint;     /* text in our language, see ops.def; "" none */
    double test_lo, test_hi; /* interval of test arguments */
    double ulp_f32, ulp_f64; /* error bounds; 0 with OP_EXACT */
    const char *doc;         /* one line */
} op_row;

const op_row *op_info(op o);
op op_find(const char *name); /* callable by that name in the language; OP_none: no such */

/* The type of o's result for operands of the given types, arity of them; JIT_NONE if the rule
 * does not take them. Not for leaves and casts. */
jit_dtype op_type(op o, const jit_dtype *in);
/* Whether cast or bitcast goes from one type to another. */
bool op_casts(op o, jit_dtype from, jit_dtype to);

/* Whether `o` on operands of type `in` with a result of type `out` can set a status flag: what
 * OP_FLAGS means once the types are known (floordiv of floats cannot). */
bool op_sets_flags(op o, jit_dtype in, jit_dtype out);

/* Bits 8*i+1 .. 8*i+64 after the point of the binary expansion of 2/pi, first bit highest; 0
 * outside the first OP_TWO_OVER_PI_WORDS*64 bits. */
enum { OP_TWO_OVER_PI_WORDS = 24 };
uint64_t op_two_over_pi(int64_t i);

/* The value of one operator on operands of type `in` (result type `out`), rounded once to its
 * type; flags collects JIT_FLAG_*. The slow, obvious definition everything else is tested
 * against. */
cell op_eval(op o, jit_dtype in, jit_dtype out, const cell *v, uint32_t *flags);

#endif
