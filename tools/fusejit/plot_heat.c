/* A function of two variables on the terminal: shades, or colours two cells to a character. */
#include <math.h>
#include <string.h>

#include "plot_canvas.h"

/* Colours of a terminal with 256 of them, from dark violet over green to yellow. */
static const unsigned char ramp[] = { 53, 54, 60, 24, 30, 36, 35, 77, 148, 226 };
static const char *const shades[] = { "·", "░", "▒", "▓", "█" };
static const char signs[] = ".:-=+*#%@";

enum {
    N_RAMP = sizeof ramp,
    N_SHADES = sizeof shades / sizeof *shades,
    N_SIGNS = sizeof signs - 1
};

static int levels(const plot_look *look)
{
    return look->colour ? N_RAMP : look->utf8 ? N_SHADES : N_SIGNS;
}

/* -1: no number. What lies beyond the range has its end. */
static int level(const plot_picture *p, const plot_look *look, double z)
{
    if (isnan(z))
        return -1;
    return plot_cell_of(fmax(0, fmin(1, plot_fraction(p->z, z))), levels(look));
}

static void put_level(const plot_look *look, int at)
{
    if (at < 0)
        (void)fputc(' ', look->f);
    else if (look->colour)
        (void)fprintf(look->f, "\033[48;5;%dm \033[0m", ramp[at]);
    else if (look->utf8)
        (void)fputs(shades[at], look->f);
    else
        (void)fputc(signs[at], look->f);
}

/* Two cells above each other in one character. */
static void put_pair(const plot_look *look, int above, int below)
{
    if (above < 0 && below < 0)
        (void)fputc(' ', look->f);
    else if (above < 0)
        (void)fprintf(look->f, "\033[38;5;%dm%s\033[0m", ramp[below], look->utf8 ? "▄" : "#");
    else if (below < 0)
        (void)fprintf(look->f, "\033[38;5;%dm%s\033[0m", ramp[above], look->utf8 ? "▀" : "#");
    else if (look->utf8)
        (void)fprintf(look->f, "\033[38;5;%d;48;5;%dm▀\033[0m", ramp[above], ramp[below]);
    else
        (void)fprintf(look->f, "\033[48;5;%dm \033[0m", ramp[above]);
}

static void put_row(const plot_picture *p, const plot_look *look, int row)
{
    const plot_map *m = &p->map;
    int each = look->colour ? 2 : 1;
    const double *z = m->z + (m->rows - 1 - row * each) * m->columns;
    int n = m->columns;
    while (n > 0 && isnan(z[n - 1]) && (each == 1 || isnan(z[n - 1 - m->columns])))
        n--;
    for (int i = 0; i < n; i++) {
        int above = level(p, look, z[i]);
        if (look->colour)
            put_pair(look, above, level(p, look, z[i - m->columns]));
        else
            put_level(look, above);
    }
}

/* The values of the shades: the least and the greatest. */
static void put_legend(const plot_picture *p, const plot_look *look, int gutter)
{
    char lo[PLOT_LABEL], hi[PLOT_LABEL];
    bool blank = false;
    for (int i = 0; i < p->map.columns * p->map.rows; i++)
        blank = blank || isnan(p->map.z[i]);
    (void)snprintf(lo, sizeof lo, "%.4g", p->z.lo);
    (void)snprintf(hi, sizeof hi, "%.4g", p->z.hi);
    (void)fprintf(look->f, "%*s%s   %s ", gutter + 1, "", p->map.label, lo);
    for (int i = 0; i < levels(look); i++)
        put_level(look, i);
    (void)fprintf(look->f, " %s%s\n", hi, blank ? "   blank: no number" : "");
}

void plot_heat(const plot_picture *p, const plot_look *look)
{
    plot_ticks t = plot_ticks_of(p->y, look->rows / 3);
    char label[PLOT_LABEL];
    int gutter = (int)strlen(p->name[1]) + 1;
    for (int i = 0; i < t.n; i++) {
        plot_label(&t, plot_tick(&t, i), label);
        int n = (int)strlen(label) + 1;
        gutter = n > gutter ? n : gutter;
    }
    put_legend(p, look, gutter);
    for (int row = 0; row < look->rows; row++) {
        *label = 0;
        for (int i = 0; i < t.n; i++) {
            if (plot_cell_of(1 - plot_fraction(p->y, plot_tick(&t, i)), look->rows) == row)
                plot_label(&t, plot_tick(&t, i), label);
        }
        bool tick = *label != 0;
        (void)fprintf(look->f, "%*s %s", gutter - 1, row == 0 && !tick ? p->name[1] : label,
                      look->utf8 ? (tick ? "┤" : "│") : (tick ? "+" : "|"));
        put_row(p, look, row);
        (void)fputc('\n', look->f);
    }
    plot_bottom(p, look, gutter);
}
