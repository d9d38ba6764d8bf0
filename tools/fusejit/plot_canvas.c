/* A drawing of characters: dots in cells, and letters. */
#include "plot_canvas.h"

#include <math.h>
#include <stdlib.h>

void plot_canvas_init(plot_canvas *k, const plot_look *look)
{
    *k =
        (plot_canvas){ .look = look, .across = look->utf8 ? 2 : 1, .down = look->utf8 ? 4 : 2 };
    k->width = look->columns * k->across;
    k->height = look->rows * k->down;
    k->cell = memory_take((size_t)look->columns * (size_t)look->rows * sizeof *k->cell);
}

void plot_canvas_free(plot_canvas *k)
{
    free(k->cell);
}

double plot_fraction(plot_range r, double v)
{
    return (v / 2 - r.lo / 2) / (r.hi / 2 - r.lo / 2);
}

int plot_cell_of(double fraction, int n)
{
    if (!(fraction >= 0 && fraction <= 1))
        return -1;
    int i = (int)(fraction * n);
    return i < n ? i : n - 1;
}

/* -------------------------------------------------------------------------- dots */

/* Dots 1 to 8 of braille are bits 0 to 7: 1 2 3 7 on the left from above, 4 5 6 8 on the right
 * (Unicode, block Braille Patterns). */
static unsigned bit_of(const plot_canvas *k, int x, int y)
{
    static const unsigned char braille[4][2] = {
        { 0x01, 0x08 }, { 0x02, 0x10 }, { 0x04, 0x20 }, { 0x40, 0x80 }
    };
    return k->look->utf8 ? braille[y % 4][x % 2] : 1U << y % 2;
}

/* y from above */
static void set_dot(plot_canvas *k, int x, int y, int colour)
{
    if (x < 0 || x >= k->width || y < 0 || y >= k->height)
        return;
    plot_cell *c = &k->cell[(y / k->down) * k->look->columns + x / k->across];
    c->dots = (unsigned char)(c->dots | bit_of(k, x, y));
    c->colour = (unsigned char)colour;
}

/* Leaves of a line what lies between 0 and 1 in y. False: nothing. */
static bool clip(plot_place *a, plot_place *b)
{
    if ((a->y < 0 && b->y < 0) || (a->y > 1 && b->y > 1))
        return false;
    plot_place *ends[] = { a, b };
    for (int i = 0; i < 2; i++) {
        plot_place *e = ends[i], *other = ends[1 - i];
        double edge = e->y < 0 ? 0 : 1;
        if (e->y >= 0 && e->y <= 1)
            continue;
        double t = (edge - e->y) / (other->y - e->y);
        e->x += t * (other->x - e->x);
        e->y = edge;
    }
    return true;
}

void plot_canvas_line(plot_canvas *k, plot_place from, plot_place to, int colour)
{
    const double far = 1e9; /* so that differences are finite */
    from.y = fmax(-far, fmin(far, from.y));
    to.y = fmax(-far, fmin(far, to.y));
    if (!clip(&from, &to))
        return;
    double x = from.x * (k->width - 1), y = (1 - from.y) * (k->height - 1);
    double dx = to.x * (k->width - 1) - x, dy = (1 - to.y) * (k->height - 1) - y;
    int steps = (int)ceil(fmax(fabs(dx), fabs(dy)));
    for (int i = 0; i <= steps; i++) {
        double t = steps ? (double)i / steps : 0;
        set_dot(k, (int)lround(x + t * dx), (int)lround(y + t * dy), colour);
    }
}

void plot_canvas_letter(plot_canvas *k, plot_place at, char letter, int colour)
{
    int column = plot_cell_of(at.x, k->look->columns),
        row = plot_cell_of(1 - at.y, k->look->rows);
    if (column < 0 || row < 0)
        return;
    plot_cell *c = &k->cell[row * k->look->columns + column];
    c->letter = letter;
    c->colour = (unsigned char)colour;
}

/* -------------------------------------------------------------------------- characters */

/* U+2800 and the dots, in UTF-8. */
static void put_braille(FILE *f, unsigned dots)
{
    (void)fputc(0xe2, f);
    (void)fputc((int)(0xa0 | dots >> 6), f);
    (void)fputc((int)(0x80 | (dots & 0x3f)), f);
}

char plot_colour(int curve)
{
    static const char palette[] = "635214";
    return palette[curve % 6];
}

static void put_cell(const plot_canvas *k, const plot_cell *c)
{
    static const char ascii[] = " '.:";
    FILE *f = k->look->f;
    if (k->look->colour)
        (void)fprintf(f, "\033[3%cm", plot_colour(c->colour - 1));
    if (c->letter)
        (void)fputc(c->letter, f);
    else if (k->look->utf8)
        put_braille(f, c->dots);
    else
        (void)fputc(ascii[c->dots & 3], f);
    if (k->look->colour)
        (void)fputs("\033[0m", f);
}

void plot_canvas_row(const plot_canvas *k, int row, const char *const *empty)
{
    const plot_cell *c = &k->cell[row * k->look->columns];
    int n = k->look->columns;
    while (n > 0 && !c[n - 1].dots && !c[n - 1].letter && !empty[n - 1])
        n--;
    for (int i = 0; i < n; i++) {
        if (c[i].dots || c[i].letter)
            put_cell(k, &c[i]);
        else
            (void)fputs(empty[i] ? empty[i] : " ", k->look->f);
    }
}
