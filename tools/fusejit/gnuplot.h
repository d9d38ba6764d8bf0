/* Pictures in files, drawn by gnuplot: a program of its own, which reads commands and numbers from a
 * pipe. */
#ifndef FJ_GNUPLOT_H
#define FJ_GNUPLOT_H

#include "console.h"

typedef struct gnuplot_picture {
    const char *path;                     /* .svg or .png */
    void (*write)(FILE *f, const void *); /* commands and data; size, font and output are set */
    const void *of;                       /* what `write` draws */
} gnuplot_picture;

/* Whether the name ends in .svg or .png. */
bool gnuplot_knows(const char *path);
/* Whether there is a gnuplot to draw with: `what` is said of the path if not ("--plot loss.svg").
 * Returns an exit code. */
int gnuplot_check(const char *what, const char *path, const console *c);
/* Draws into a temporary file, which takes the place of the old one when it is whole. Returns an
 * exit code, having said what is wrong. */
int gnuplot_draw(const gnuplot_picture *p, const console *c);

/* A text in quotes, of one line. */
void gnuplot_text(FILE *f, const char *text);
/* A number, or what gnuplot reads as none. */
void gnuplot_number(FILE *f, double v);

#endif
