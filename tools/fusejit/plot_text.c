/* A picture on the terminal: axes with round numbers, curves of dots.
 *
 *   sin(x)/x
 *      1 |          .:.           labels of the ticks stand in a gutter as wide as the widest
 *        |         :   :
 *      0 +--.'.--.'-----'.--.'.-
 *        +----+-----+-----+-----
 *            -5     0     5     x */
#define _POSIX_C_SOURCE 200809L
#define _DEFAULT_SOURCE

#include <langinfo.h>
#include <locale.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "plot_canvas.h"

enum { COLUMNS = 64, ROWS = 16, MOST_COLUMNS = 100, MOST_ROWS = 24, AROUND = 14 };

/* As the environment says: the program itself may edit lines in another locale. */
static bool has_utf8(void)
{
    locale_t l = newlocale(LC_CTYPE_MASK, "", (locale_t)0);
    bool utf8 = l && strcmp(nl_langinfo_l(CODESET, l), "UTF-8") == 0;
    if (l)
        freelocale(l);
    return utf8;
}

static int between(int lo, int hi, int v)
{
    return v < lo ? lo : v > hi ? hi : v;
}

plot_look plot_look_of(const console *c)
{
    struct winsize w = { 0 };
    plot_look look = { c->out, has_utf8(), c->out_colour, COLUMNS, ROWS };
    if (c->out_terminal && ioctl(fileno(c->out), TIOCGWINSZ, &w) == 0 && w.ws_col && w.ws_row) {
        look.columns = between(16, MOST_COLUMNS, w.ws_col - AROUND);
        look.rows = between(5, MOST_ROWS, w.ws_row - 6);
    }
    return look;
}

/* -------------------------------------------------------------------------- below */

static void put_axis(const plot_look *look, const plot_ticks *t, plot_range r)
{
    for (int i = 0; i < look->columns; i++) {
        bool tick = false;
        for (int k = 0; k < t->n; k++)
            tick = tick || plot_cell_of(plot_fraction(r, plot_tick(t, k)), look->columns) == i;
        (void)fputs(look->utf8 ? (tick ? "┬" : "─") : (tick ? "+" : "-"), look->f);
    }
}

/* Labels under their ticks as long as they have room; then the variable. */
static void put_labels(const plot_picture *p, const plot_look *look, const plot_ticks *t,
                       int gutter)
{
    char line[MOST_COLUMNS + AROUND + 2 * PLOT_LABEL], text[PLOT_LABEL];
    int end = 0, room = (int)sizeof line - PLOT_LABEL;
    memset(line, ' ', sizeof line);
    for (int k = 0; k < t->n; k++) {
        double v = plot_tick(t, k);
        plot_label(t, v, text);
        int n = (int)strlen(text), sign = text[0] == '-';
        int at = gutter + 1 + plot_cell_of(plot_fraction(p->x, v), look->columns) -
                 (n - sign) / 2 - sign;
        at = at < 0 ? 0 : at;
        if ((end && at < end + 2) || at + n > room)
            continue;
        memcpy(line + at, text, (size_t)n);
        end = at + n;
    }
    int name = gutter + 1 + look->columns - 1;
    name = name < end + 2 ? end + 2 : name;
    (void)fprintf(look->f, "%.*s%*s%s\n", end, line, name - end, "", p->name[0]);
}

void plot_bottom(const plot_picture *p, const plot_look *look, int gutter)
{
    plot_ticks t = plot_ticks_of(p->x, look->columns / 10);
    (void)fprintf(look->f, "%*s%s", gutter, "", look->utf8 ? "└" : "+");
    put_axis(look, &t, p->x);
    (void)fputc('\n', look->f);
    put_labels(p, look, &t, gutter);
}

/* -------------------------------------------------------------------------- curves */

/* Whole numbers: a mark for each while there is room. */
static void draw_point(plot_canvas *k, const plot_curve *c, plot_place at, int colour)
{
    if (c->n <= k->look->columns)
        plot_canvas_letter(k, at, 'o', colour);
    else
        plot_canvas_line(k, at, at, colour);
}

static void draw_curve(plot_canvas *k, const plot_picture *p, const plot_curve *c, int colour)
{
    plot_place last = { 0, 0 };
    bool pen = false;
    for (int i = 0; i < c->n; i++) {
        plot_place at = { plot_fraction(p->x, c->x[i]), plot_fraction(p->y, c->y[i]) };
        bool good = isfinite(c->y[i]);
        if (good && c->points)
            draw_point(k, c, at, colour);
        else if (good)
            plot_canvas_line(k, pen ? last : at, at, colour);
        last = at;
        pen = good;
    }
}

/* Without colour letters tell curves apart: three on each, not below each other. */
static void put_letters(plot_canvas *k, const plot_picture *p, int at)
{
    const int each = 3;
    const plot_curve *c = &p->curve[at];
    for (int j = 0; j < each; j++) {
        double x = (j + (at + 0.5) / p->n_curves) / each;
        int i = 0;
        while (i + 1 < c->n && plot_fraction(p->x, c->x[i]) < x)
            i++;
        if (isfinite(c->y[i]))
            plot_canvas_letter(
                k, (plot_place){ plot_fraction(p->x, c->x[i]), plot_fraction(p->y, c->y[i]) },
                (char)('a' + at), at + 1);
    }
}

static void put_title(const plot_picture *p, const plot_look *look, int gutter)
{
    FILE *f = look->f;
    (void)fprintf(f, "%*s", gutter + 1, "");
    for (int i = 0; i < p->n_curves; i++) {
        const char *gap = i + 1 < p->n_curves ? "   " : "", *label = p->curve[i].label;
        if (p->n_curves > 1 && look->colour)
            (void)fprintf(f, "\033[3%cm%s\033[0m%s", plot_colour(i), label, gap);
        else if (p->n_curves > 1)
            (void)fprintf(f, "%c %s%s", 'a' + i, label, gap);
        else
            (void)fputs(label, f);
    }
    (void)fputc('\n', f);
}

/* The label of each row, or "". */
static int row_labels(const plot_picture *p, const plot_look *look, char (*label)[PLOT_LABEL])
{
    plot_ticks t = plot_ticks_of(p->y, look->rows / 3);
    int widest = 1;
    for (int k = 0; k < t.n; k++) {
        int row = plot_cell_of(1 - plot_fraction(p->y, plot_tick(&t, k)), look->rows);
        if (row < 0)
            continue;
        plot_label(&t, plot_tick(&t, k), label[row]);
        widest = between(widest, PLOT_LABEL, (int)strlen(label[row]));
    }
    return widest;
}

/* What stands where no curve is: lines where a variable or the value is 0. */
static void fill_empty(const plot_picture *p, const plot_look *look, int row,
                       const char **empty)
{
    int across = plot_cell_of(1 - plot_fraction(p->y, 0), look->rows);
    int down = plot_cell_of(plot_fraction(p->x, 0), look->columns);
    for (int i = 0; i < look->columns; i++) {
        empty[i] = row == across ? (look->utf8 ? "┄" : "-") : NULL;
        if (i == down && i > 0)
            empty[i] = look->utf8 ? "┊" : "|";
    }
}

static void put_rows(const plot_picture *p, const plot_look *look, const plot_canvas *k)
{
    char label[MOST_ROWS][PLOT_LABEL] = { "" };
    const char *empty[MOST_COLUMNS];
    int gutter = row_labels(p, look, label) + 1;
    put_title(p, look, gutter);
    for (int row = 0; row < look->rows; row++) {
        bool tick = *label[row] != 0;
        (void)fprintf(look->f, "%*s %s", gutter - 1, label[row],
                      look->utf8 ? (tick ? "┤" : "│") : (tick ? "+" : "|"));
        fill_empty(p, look, row, empty);
        plot_canvas_row(k, row, empty);
        (void)fputc('\n', look->f);
    }
    plot_bottom(p, look, gutter);
}

void plot_text(const plot_picture *p, const plot_look *look)
{
    plot_canvas k;
    plot_canvas_init(&k, look);
    for (int i = 0; i < p->n_curves; i++)
        draw_curve(&k, p, &p->curve[i], i + 1);
    for (int i = 0; i < p->n_curves && p->n_curves > 1 && !look->colour; i++)
        put_letters(&k, p, i);
    put_rows(p, look, &k);
    plot_canvas_free(&k);
}
