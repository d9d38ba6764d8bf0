/* Curves and maps of functions: what is to be drawn, and the ways to draw it.
 *
 *   plot_run -> plot_function (one expression) -> plot_sample (its points) -> plot_text | plot_file
 */
#ifndef FJ_PLOT_H
#define FJ_PLOT_H

#include "session.h"

typedef struct plot_range {
    double lo, hi;
} plot_range;

typedef struct plot_curve {
    char *label;
    double *x, *y; /* x ascends; where y is not finite the line is broken */
    int n, room;
    bool points; /* whole numbers: nothing lies between them */
} plot_curve;

typedef struct plot_map { /* a value for each cell of a grid, from below */
    char *label;
    double *z;
    int columns, rows;
} plot_map;

enum { PLOT_CURVES = 12 };
typedef struct plot_picture {
    plot_curve curve[PLOT_CURVES];
    int n_curves;
    plot_map map; /* where there are two variables: then there is no curve */
    char *name[2];
    plot_range x, y, z; /* y of curves: the values that are shown; z: of a map */
} plot_picture;

/* One result of an expression over one or two variables. */
typedef struct plot_function {
    session *s;
    expression e;
    int at[2];  /* of each variable among the arguments; -1: it does not depend on it */
    int result; /* of several */
    jit_dtype type[2];
} plot_function;

/* plot_function.c. Values at n points; `out` has what is no number as NaN or infinity. For a map
 * y has rows points, and out all columns * rows. Returns an exit code, having said what is wrong. */
int plot_function_values(plot_function *f, const double *x, int n, double *out);
int plot_function_map(plot_function *f, const plot_picture *p, plot_map *m);
/* Finds types that the function takes its variables in: f64, else whole numbers, else f32. */
int plot_function_types(plot_function *f, const plot_picture *p);
bool plot_function_whole(const plot_function *f); /* its variable is an integer */

/* plot_sample.c. The points of a curve over p->x: closer where it jumps or begins, broken at
 * poles. *shown: the values that belong on the picture, widened by those of this curve. */
int plot_sample(plot_function *f, const plot_picture *p, plot_curve *c, plot_range *shown);
/* The same of values that are there: without those near a pole. */
void plot_shown(const double *values, int n, plot_range *shown);
/* No range is empty: a constant lies in the middle of some. */
plot_range plot_widened(plot_range r);

/* plot_array.c. How many curves an array gives: a vector one, a matrix one for each column; 0: none. */
int plot_array_columns(const jit_array *a);
/* The elements of one, evenly over the range x. */
void plot_array(const jit_array *a, int which, plot_range x, plot_curve *c, plot_range *shown);

/* plot_ticks.c. Round numbers from lo to hi, at most `most` of them (2 at least). */
typedef struct plot_ticks {
    double first, step;
    int n;
    int decimals; /* -1: with an exponent */
    int digits;
} plot_ticks;
plot_ticks plot_ticks_of(plot_range r, int most);
double plot_tick(const plot_ticks *t, int i);
enum { PLOT_LABEL = 32 };
void plot_label(const plot_ticks *t, double v, char text[PLOT_LABEL]);

/* plot_text.c, plot_heat.c. On the terminal, in braille, or ASCII where the locale has no UTF-8. */
typedef struct plot_look {
    FILE *f;
    bool utf8, colour;
    int columns, rows; /* of the drawing, without what is around it */
} plot_look;
plot_look plot_look_of(const console *c);
void plot_text(const plot_picture *p, const plot_look *look);
void plot_heat(const plot_picture *p, const plot_look *look);
/* The line below a drawing that begins behind `gutter` characters. */
void plot_bottom(const plot_picture *p, const plot_look *look, int gutter);

/* plot_file.c. Through gnuplot. Returns an exit code. */
int plot_file(const plot_picture *p, const char *path, const console *c);

/* plot_run.c. What is written as `e, f, x=-3..3, y=0..1`: expressions, and ranges of their
 * variables, or of the values (y, where it is no variable). */
typedef struct plot_request {
    typed_text from;  /* shown: what errors in expressions quote */
    const char *path; /* NULL: the terminal */
} plot_request;
int plot_run(session *s, const plot_request *r);

#endif
