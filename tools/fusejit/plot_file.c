/* A picture in a file, by gnuplot: curves as lines that are broken where the function is, maps as
 * images. */
#include <math.h>

#include "gnuplot.h"
#include "plot.h"

static void put_ranges(FILE *f, const plot_picture *p)
{
    double more = p->map.z ? 0 : (p->y.hi / 2 - p->y.lo / 2) / 16;
    bool room = isfinite(p->y.hi + more) && isfinite(p->y.lo - more);
    (void)fprintf(f, "set xrange [%.17g:%.17g]\nset yrange [%.17g:%.17g]\n", p->x.lo, p->x.hi,
                  p->y.lo - (room ? more : 0), p->y.hi + (room ? more : 0));
}

static void put_names(FILE *f, const plot_picture *p)
{
    (void)fputs("set xlabel ", f);
    gnuplot_text(f, p->name[0]);
    (void)fputs(" noenhanced\nset tics nomirror\nset border 3\n", f);
}

/* An empty line breaks a curve. */
static void put_data(FILE *f, const plot_curve *c, int at)
{
    (void)fprintf(f, "$d%d << end_of_data\n", at);
    for (int i = 0; i < c->n; i++) {
        if (isfinite(c->y[i])) {
            gnuplot_number(f, c->x[i]);
            gnuplot_number(f, c->y[i]);
        }
        (void)fputc('\n', f);
    }
    (void)fputs("end_of_data\n", f);
}

static void put_curves(FILE *f, const plot_picture *p)
{
    static const char *const colours[] = { "#1f5fbf", "#d9480f", "#2b8a3e", "#862e9c",
                                           "#0b7285", "#a61e4d", "#5c940d", "#495057" };
    put_ranges(f, p);
    put_names(f, p);
    (void)fputs(
        "set grid lt 1 lc rgb '#dddddd'\nset key outside bottom center horizontal noenhanced\n"
        "set xzeroaxis lc rgb '#888888'\nset samples 2\n",
        f);
    for (int i = 0; i < p->n_curves; i++)
        put_data(f, &p->curve[i], i);
    (void)fputs("plot", f);
    for (int i = 0; i < p->n_curves; i++) {
        const plot_curve *c = &p->curve[i];
        bool marks = c->points && c->n <= 400;
        (void)fprintf(f, "%s $d%d using 1:2 with %s lc rgb '%s' lw 2 title ", i ? "," : "", i,
                      marks ? "points pt 7 ps 0.5" : "lines", colours[i % 8]);
        gnuplot_text(f, c->label);
    }
    (void)fputc('\n', f);
}

/* Its middle and value. */
static void put_cells(FILE *f, const plot_picture *p)
{
    const plot_map *m = &p->map;
    for (int i = 0; i < m->rows * m->columns; i++) {
        double x = (i % m->columns + 0.5) / m->columns, y = (i / m->columns + 0.5) / m->rows;
        gnuplot_number(f, p->x.lo * (1 - x) + p->x.hi * x);
        gnuplot_number(f, p->y.lo * (1 - y) + p->y.hi * y);
        gnuplot_number(f, isnan(m->z[i]) ? m->z[i] : fmax(p->z.lo, fmin(p->z.hi, m->z[i])));
        (void)fputc('\n', f);
    }
}

static void put_map(FILE *f, const plot_picture *p)
{
    const plot_map *m = &p->map;
    put_ranges(f, p);
    put_names(f, p);
    (void)fputs("set ylabel ", f);
    gnuplot_text(f, p->name[1]);
    (void)fputs(" noenhanced\nset title ", f);
    gnuplot_text(f, m->label);
    (void)fprintf(f,
                  " noenhanced\nset cbrange [%.17g:%.17g]\nunset key\nset tics out\n"
                  "set palette defined (0 '#440154', 1 '#3e4989', 2 '#26828e', 3 '#35b779', "
                  "4 '#b5de2b', 5 '#fde725')\n$d << end_of_data\n",
                  p->z.lo, p->z.hi);
    put_cells(f, p);
    (void)fputs("end_of_data\nplot $d using 1:2:3 with image\n", f);
}

static void put_picture(FILE *f, const void *of)
{
    const plot_picture *p = of;
    if (p->map.z)
        put_map(f, p);
    else
        put_curves(f, p);
}

int plot_file(const plot_picture *p, const char *path, const console *c)
{
    gnuplot_picture g = { path, put_picture, p };
    return gnuplot_draw(&g, c);
}
