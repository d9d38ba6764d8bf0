/* Building LLVM instructions on vectors of e->lanes elements (scalars if that is 1).
 *
 * How values are held, by element type: bool as i1, integers as they are, f16 and bf16 as their
 * bits in i16 (they are only stored and converted), f32 and f64 as they are. */
#ifndef FJ_BUILD_H
#define FJ_BUILD_H

#include "llvm_compat.h"
#include "nest.h"
#include "tables.h"

typedef LLVMValueRef ir_value;
typedef LLVMTypeRef ir_type;
typedef LLVMBasicBlockRef ir_block;

/* What the code being emitted needs of its function. */
typedef struct emit_frame {
    ir_value function;
    ir_value flags;   /* i32 in memory; NULL: no operator sets one */
    ir_value fuel;    /* i64 in memory; NULL: no loop takes any */
    ir_value cancel;  /* pointer to a volatile i32; NULL: cannot be cancelled */
    ir_block no_fuel; /* where a loop goes that must stop */
    ir_block cancelled;
} emit_frame;

/* A group of columns of a table, as loaded in a block for an index: emit_lookup.c. */
typedef struct lookup_rows {
    ir_value index, group;
    ir_block block;
    ir_value column[TABLE_GROUP];
} lookup_rows;

enum { LOOKUP_ROWS = 8, MAX_LANES = 64 };

typedef struct emitter {
    const nest *t;
    const graph *g;
    const target *target;
    LLVMContextRef context;
    LLVMModuleRef module;
    LLVMBuilderRef b;
    int32_t lanes; /* of what is emitted now: `full`, or 1 for what does not vary */
    int32_t full;
    ir_type scalar[JIT_F64 + 1]; /* by jit_dtype */
    ir_type i1, i8, i32, i64, pointer;
    emit_frame frame;
    struct emit_values *values; /* of nodes: values.h */
    struct array_code *arrays;  /* of an array function: array_code.h; else NULL */
    node mask_loop;             /* the loop whose mask holds; 0: all lanes execute */
    int32_t first_vector;       /* of the group, if not all are emitted; what does not vary */
    int32_t vector;             /*   goes with vector 0. The one that is emitted now */
    ir_value raised[2];    /* lanes that set a flag, not yet stored; by bit of JIT_FLAG_* */
    bool failed;           /* no memory of ours: what is emitted is not complete */
    ir_value fma_function; /* exact f64 fma for targets without, once needed */
    ir_value pi_table;     /* bits of 2/pi, once needed */
    ir_value table[TABLE_COUNT + GRAPH_MAX_TABLES];
    lookup_rows rows[LOOKUP_ROWS];
    uint32_t next_rows;
} emitter;

/* -------------------------------------------------------------------------- types, constants
 */

ir_type build_type(const emitter *e, jit_dtype t);
ir_type build_int_type(const emitter *e, int32_t bits);
ir_type build_vector(ir_type scalar, int32_t lanes);
ir_value build_bits(const emitter *e, int32_t bits, uint64_t v); /* an integer in all lanes */
ir_value build_real(const emitter *e, jit_dtype t, double v);
ir_value build_cell(const emitter *e, jit_dtype t, cell v);
ir_value build_true(const emitter *e);
ir_value build_i32(const emitter *e, int32_t v); /* scalars whatever e->lanes is */
ir_value build_i64(const emitter *e, int64_t v);

/* -------------------------------------------------------------------------- lanes */

ir_value build_splat(const emitter *e, ir_value scalar);
ir_value build_lane(const emitter *e, ir_value vector, int32_t lane);
/* Lanes at[i] of a, followed by b; whatever e->lanes is, as the next two. */
ir_value build_shuffle(const emitter *e, ir_value a, ir_value b, const int32_t *at, int32_t n);
ir_value build_part(const emitter *e, ir_value v, int32_t from, int32_t lanes);
ir_value build_joined(const emitter *e, ir_value a, ir_value b);
/* f on each lane of up to three operands; NULL where there is none. */
typedef ir_value (*lane_function)(emitter *e, const ir_value *scalars);
ir_value build_each_lane(emitter *e, lane_function f, const ir_value *v, int32_t n);
ir_value build_either(const emitter *e, ir_value a, ir_value b); /* of two masks */
ir_value build_any(const emitter *e, ir_value mask);             /* a scalar i1 */
ir_value build_lane_numbers(const emitter *e, int32_t bits);     /* 0, 1, 2, ... */

/* -------------------------------------------------------------------------- instructions */

/* An intrinsic overloaded on the type of its first operand. */
ir_value build_intrinsic(const emitter *e, const char *name, const ir_value *v, int32_t n);
ir_value build_fixed_intrinsic(const emitter *e, const char *name, const ir_value *v,
                               int32_t n);
ir_value build_flagged_intrinsic(const emitter *e, const char *name,
                                 ir_value v); /* (v, false) */
/* What was built before stays before what is built after. */
void build_order(const emitter *e);
/* An integer that goes round in a loop, for its next round. */
ir_value build_counter(const emitter *e, ir_value next);
ir_block build_block(const emitter *e, const char *name);
void build_goto(const emitter *e, ir_block to); /* and goes on there */
void build_branch(const emitter *e, ir_value condition, ir_block yes, ir_block no);
void build_rare_branch(const emitter *e, ir_value condition, ir_block rare, ir_block usual);
ir_value build_load(const emitter *e, ir_type type, ir_value pointer, int32_t align);
void build_store(const emitter *e, ir_value v, ir_value pointer, int32_t align);
/* pointer + bytes */
ir_value build_offset(const emitter *e, ir_value pointer, ir_value bytes);
ir_value build_local(const emitter *e, ir_type type, int32_t align); /* in the entry block */

static inline ir_value build_select(const emitter *e, ir_value c, ir_value a, ir_value b)
{
    return LLVMBuildSelect(e->b, c, a, b, "");
}

static inline ir_value build_icmp(const emitter *e, LLVMIntPredicate p, ir_value a, ir_value b)
{
    return LLVMBuildICmp(e->b, p, a, b, "");
}

static inline ir_value build_fcmp(const emitter *e, LLVMRealPredicate p, ir_value a, ir_value b)
{
    return LLVMBuildFCmp(e->b, p, a, b, "");
}

#define BUILD2(name, llvm)                                                                     \
    static inline ir_value build_##name(const emitter *e, ir_value a, ir_value b)              \
    {                                                                                          \
        return LLVMBuild##llvm(e->b, a, b, "");                                                \
    }
BUILD2(add, Add)
BUILD2(sub, Sub)
BUILD2(mul, Mul)
BUILD2(and, And)
BUILD2(or, Or)
BUILD2(xor, Xor)
BUILD2(shl, Shl)
BUILD2(lshr, LShr)
BUILD2(ashr, AShr)
BUILD2(fadd, FAdd)
BUILD2(fsub, FSub)
BUILD2(fmul, FMul)
BUILD2(fdiv, FDiv)
#undef BUILD2

static inline ir_value build_reinterpret(const emitter *e, ir_value v, ir_type type)
{
    return LLVMBuildBitCast(e->b, v, type, "");
}

#endif
