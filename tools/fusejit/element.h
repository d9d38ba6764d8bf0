/* One element of an array of any type, and its shortest decimal digits. */
#ifndef FJ_ELEMENT_H
#define FJ_ELEMENT_H

#include <stdbool.h>
#include <stdint.h>

#include <fusejit.h>

typedef enum element_kind {
    ELEMENT_BOOL,
    ELEMENT_SIGNED,
    ELEMENT_UNSIGNED,
    ELEMENT_FLOAT
} element_kind;

typedef struct element {
    element_kind kind;
    double real;      /* ELEMENT_FLOAT */
    int64_t integer;  /* ELEMENT_SIGNED */
    uint64_t natural; /* ELEMENT_UNSIGNED, ELEMENT_BOOL */
} element;

element_kind element_kind_of(jit_dtype dtype);
/* Reads from and writes to memory of any alignment. A float is rounded once, to nearest even;
 * integers must fit. */
element element_read(jit_dtype dtype, const void *p);
void element_write(jit_dtype dtype, void *p, element e);

/* digits d1 d2 ... dn of a finite, positive number d1.d2...dn * 10^exponent; zero has one digit
 * 0 */
typedef struct decimal {
    char digit[20];
    int n, exponent;
} decimal;

/* The fewest digits that read back to |x| in the type; among those the nearest. x finite. */
decimal element_digits(jit_dtype dtype, double x);

/* The i-th of a C-contiguous array as a real number. */
double element_real(const jit_array *a, int64_t i);

#endif
