/* A drawing of characters: dots in cells (braille has 2 x 4 of them, ASCII 1 x 2), and letters. */
#ifndef FJ_PLOT_CANVAS_H
#define FJ_PLOT_CANVAS_H

#include "plot.h"

typedef struct plot_cell {
    unsigned char dots;
    unsigned char colour; /* of the curve that was drawn last, from 1 */
    char letter;          /* over the dots; 0: none */
} plot_cell;

typedef struct plot_canvas {
    const plot_look *look;
    plot_cell *cell;   /* rows of columns, from above */
    int width, height; /* in dots */
    int across, down;  /* dots of a cell */
} plot_canvas;

void plot_canvas_init(plot_canvas *k, const plot_look *look);
void plot_canvas_free(plot_canvas *k);
/* A line of dots; places from 0 (left, below) to 1. What lies outside is left out. */
typedef struct plot_place {
    double x, y;
} plot_place;
void plot_canvas_line(plot_canvas *k, plot_place from, plot_place to, int colour);
void plot_canvas_letter(plot_canvas *k, plot_place at, char letter, int colour);
/* The characters of a row, `zero` (or NULL) where nothing is drawn in a column. */
void plot_canvas_row(const plot_canvas *k, int row, const char *const *empty);

/* The colour of a curve, from 0: a digit behind "\033[3". */
char plot_colour(int curve);

/* Where a value lies in a range: 0 at its beginning, 1 at its end. */
double plot_fraction(plot_range r, double v);
/* The cell of n for a fraction, -1 outside. */
int plot_cell_of(double fraction, int n);

#endif
