/* The groups of rows, each a function that adds its rows to the report. */
#ifndef FJ_BENCH_CASES_H
#define FJ_BENCH_CASES_H

#include <stdbool.h>
#include <stdint.h>

typedef struct bench_size {
    int repeats;
    int64_t large;      /* elements of the arrays in memory */
    int64_t medium;     /* elements for two threads */
    int64_t picture;    /* side of the Mandelbrot picture */
    bool few;           /* a few sizes only */
    const char *python; /* runs the peers; NULL: none */
    const char *data;   /* file for the numbers of the plot, or NULL */
} bench_size;

/* FUSEJIT_BENCH_FUNCTIONS="exp log": these functions alone. */
bool bench_wanted(const char *name);

/* A function of n_in arrays from memory, against memcpy of as many bytes. */
typedef struct memory_subject {
    const char *name, *text; /* text: the function "f" */
    int n_in;
    double reach; /* in % of memcpy */
    bool waived;  /* the figure is for another machine */
    bool peers;   /* have it too */
} memory_subject;
void memory_case(const bench_size *s, const memory_subject *m);
/* Vectors of 64 bytes, as the library sees the machine. */
bool machine_has_avx512(void);

void cases_memory(const bench_size *s);     /* relu, add, a chain, against memcpy */
void cases_math(const bench_size *s);       /* exp, tanh, sigmoid in L1 */
void cases_layouts(const bench_size *s);    /* strided and broadcast inputs */
void cases_compile(const bench_size *s);    /* warm compile, fresh process, call overhead */
void cases_threads(const bench_size *s);    /* two threads against one */
void cases_mandelbrot(const bench_size *s); /* loops with lanes that end apart */

/* Array functions (cases_arrays.c, cases_rows.c). */
void cases_dense(const bench_size *s);       /* one layer: share of the peak, BLAS, peers */
void cases_networks(const bench_size *s);    /* whole MLPs */
void cases_rows(const bench_size *s);        /* softmax, layer_norm, reductions */
void cases_few(const bench_size *s);         /* vectors of three, pixels (cases_few.c) */
void cases_training(const bench_size *s);    /* steps of training (cases_training.c) */
void cases_functions(const bench_size *s);   /* each in L1 (cases_functions.c) */
void cases_activations(const bench_size *s); /* each from memory */
void cases_prepare(const bench_size *s);     /* compile of an MLP, call of a small one */

/* Side by side with the peers at all sizes (cases_sizes.c). */
void cases_chain(const bench_size *s);     /* the chain with figures to reach */
void cases_sizes(const bench_size *s);     /* all of subjects.def, one thread */
void cases_sizes_two(const bench_size *s); /* the same, two threads */
void cases_fresh(const bench_size *s);     /* new processes: first result, memory, prompt */

/* What the fresh process of cases_compile does: one result, a byte to standard output. */
int cases_first_result(void);
/* Writes the byte and ends with the input, which lasts while the process is looked at. */
_Noreturn void cases_say_first(bool good);

#endif
