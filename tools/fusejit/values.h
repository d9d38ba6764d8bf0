/* What a user gives an argument: a file, or numbers without a type of their own yet. */
#ifndef FJ_VALUES_H
#define FJ_VALUES_H

#include "console.h"

/* A number as written. */
typedef struct number {
    enum { NUMBER_INTEGER, NUMBER_REAL, NUMBER_BOOL } kind;
    bool negative;
    uint64_t magnitude; /* integer; bool: 0 or 1 */
    double real;        /* every kind but bool */
} number;

/* Either a typed array, or weak numbers (item != NULL): integers, or reals if one of them has a
 * point, an exponent, or is inf or nan, or true and false. */
typedef struct value {
    jit_array array; /* typed; made by jit_array_load, jit_call */
    number *item;    /* weak: jit_array_count of `shape` many */
    int64_t n;
    int32_t rank;
    int64_t shape[JIT_MAX_RANK];
    bool has_real, has_bool;
} value;

/* Letters of either case. */
bool value_ends_with(const char *text, const char *suffix);
/* Whether the text of a value names a file: a known suffix, "idx" in the name, FILE.npz:member.
 */
bool value_names_file(const char *text);
/* Whether a result can be written there: .npy .npz .safetensors .csv .f32 .f64, FILE.npz:member. */
bool value_can_save(const char *path);
/* Where the member's name begins in FILE.npz:member or FILE.safetensors:name; else NULL. */
const char *value_member(const char *path);
/* A number or a nested list of numbers; false and a message in `why` if it is neither. */
bool value_parse(value *v, const char *text, char *why, size_t size);
/* A file, or what value_parse takes; the console says what is wrong, about the argument `name`.
 * Returns an exit code. */
int value_read(value *v, const char *name, const char *text, const console *c);
/* Makes an array of the type from weak numbers; false and a message if a number does not fit.
 */
bool value_convert(const value *v, jit_dtype dtype, jit_array *a, char *why, size_t size);
/* One number for a uniform of the type ("real" if dtype is JIT_NONE), both ways jit_args has.
 */
bool value_uniform(const value *v, jit_dtype dtype, double *real, int64_t *integer, char *why,
                   size_t size);
int32_t value_rank(const value *v);
const int64_t *value_shape(const value *v);
jit_array value_form(const value *v); /* its rank and extents, without data */
value value_copy(const value *v, const console *c);
/* The same numbers as another element type: the array is freed, and *a a new one. */
int value_cast(jit_array *a, jit_dtype to, const console *c);
void value_free(value *v);

#endif
