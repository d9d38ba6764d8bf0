/* Our own kernels: each function compiled by the public API, per tier and vector width. */
#ifndef FJ_SWEEP_OWN_H
#define FJ_SWEEP_OWN_H

#include "fusejit.h"
#include "subject.h"

enum { N_TIERS = 3, MOST_WIDTHS = 4, MOST_OWN = N_TIERS * MOST_WIDTHS };

typedef struct width {
    const char *name;
    jit_context *context;
    int interpret;
    bool slow; /* without fused multiply-add, which is computed */
} width;

/* What this machine has, the widest first; the interpreter last. */
int own_widths(width w[MOST_WIDTHS]);
void own_widths_end(width *w, int n);

extern const double own_tier[N_TIERS]; /* in ulp; 0: the default */

typedef struct own {
    const width *w;
    double tier;
    jit_module *module;
    jit_kernel *kernel;
    jit_array in[2], out;
    jit_args args;
    char *code;             /* as text */
    const struct own *same; /* of the same code, and made before; or NULL */
} own;

typedef struct own_buffers {
    void *x, *y; /* BLOCK elements each */
} own_buffers;

typedef struct own_choice {
    jit_dtype type;
    double tier; /* this one alone; negative: all */
    own_buffers in;
} own_choice;

/* All tiers at all widths, the tiers of a width together; how many there are. A tier that means
 * nothing for the function is left out. Ends the program where a function does not compile. */
int own_make(own k[MOST_OWN], const subject *s, const own_choice *o);
void own_free(own *k, int n);
/* Those with the code of another have its results. */
void own_run(own *k);
const void *own_result(const own *k);

#endif
