/* Texts of the functions that the methods of a universal function f are. */
#ifndef FJ_UFUNC_TEXT_H
#define FJ_UFUNC_TEXT_H

#include "ufunc.h"

/* Of reduce, accumulate, reduceat. Arguments are x, then, if there are, from and to, where, initial. */
typedef struct ufunc_form {
    jit_dtype type;   /* computed in: T, no 16-bit float */
    jit_dtype x;      /* of the array's elements */
    bool behind;      /* of reduce: x is [n,m]: over n, for each of m; else [n] */
    bool where;       /* of the shape of x */
    bool initial;     /* of type T */
    const char *word; /* the language's reduction; NULL: from left to right */
    bool brief;       /* f is as little work as a loop around it */
} ufunc_form;

/* All are in `ar`; NULL: no memory. */
const char *ufunc_text_reduce(arena *ar, const jit_ufunc *u, const ufunc_form *f);
const char *ufunc_text_accumulate(arena *ar, const jit_ufunc *u, const ufunc_form *f);
const char *ufunc_text_reduceat(arena *ar, const jit_ufunc *u, const ufunc_form *f);
/* z, which begins as x: z[k[j]] = f(z[k[j]], y[j]) for each j in order. x: T[n], k: i64[m], y: T[m], one T
 * for all places, or none. */
typedef enum ufunc_y { UFUNC_NO_Y, UFUNC_ONE_Y, UFUNC_EACH_Y } ufunc_y;
const char *ufunc_text_at(arena *ar, const jit_ufunc *u, ufunc_y y);
/* f where the first argument is true. old: the next arguments, one for each result, are what the
 * results else are; not old: they else are 0. types: of the results, n_out of them. */
typedef struct ufunc_masked {
    int32_t n_in, n_out;
    const jit_dtype *types;
    bool old;
} ufunc_masked;
const char *ufunc_text_masked(arena *ar, const jit_ufunc *u, const ufunc_masked *f);
/* f as a function of arguments that are all its own, for a built-in of that name. */
const char *ufunc_text_plain(arena *ar, const char *name, int32_t n_in);

/* "", "_", "__" ..: with it none of our names is one that f's text, or the program, uses. */
const char *ufunc_text_suffix(arena *ar, const jit_ufunc *u);

#endif
