/* Element types: predicates, promotion, safe casts. */
#ifndef FJ_TYPE_H
#define FJ_TYPE_H

#include <stdbool.h>
#include <stdint.h>

#include "fusejit.h"

const char *type_name(jit_dtype t);    /* "f32"; "none" */
jit_dtype type_find(const char *name); /* JIT_NONE: no such type */
bool type_is_float(jit_dtype t);       /* f16 bf16 f32 f64 */
bool type_is_integer(jit_dtype t);     /* i8..u64, not bool */
bool type_is_signed(jit_dtype t);      /* i8..i64 */
bool type_is_unsigned(jit_dtype t);
int32_t type_bits(jit_dtype t); /* bool: 8 */
/* What arithmetic is done in: f16 and bf16 become f32, all others stay. */
jit_dtype type_compute(jit_dtype t);
/* The promoted type of two compute types as NumPy, JIT_NONE if there is none (u64 with signed);
 * bool with a number is the number's type; integer with float the float's. */
jit_dtype type_promote(jit_dtype a, jit_dtype b);
/* Whether NumPy casts `from` to `to` with casting="safe" (bf16: as f16, to f32 and wider). */
bool type_casts_safely(jit_dtype from, jit_dtype to);
/* ... with casting="same_kind": safe, or within a kind (f64 to f32, i64 to i32). */
bool type_casts_same_kind(jit_dtype from, jit_dtype to);
/* Smallest and largest value of an integer type. */
int64_t type_min(jit_dtype t);
uint64_t type_max(jit_dtype t);

/* One value of any type; floats are held in double, exactly. bool: u is 0 or 1. Signed integers
 * sign-extended in i, unsigned zero-extended in u. */
typedef union cell {
    double f;
    int64_t i;
    uint64_t u;
} cell;

/* Brings a cell into the range of its type: floats round to nearest even, integers wrap. */
cell type_round(jit_dtype t, cell v);
/* The bits of a value as stored in memory, in the low bytes, and back. */
uint64_t type_encode(jit_dtype t, cell v);
cell type_decode(jit_dtype t, uint64_t bits);
cell type_load(jit_dtype t, const void *p); /* unaligned */
void type_store(jit_dtype t, void *p, cell v);

#endif
