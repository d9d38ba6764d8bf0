/* Round numbers along an axis: 1, 2 or 5 times a power of ten apart. */
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "plot.h"

enum { MOST_DIGITS = 17 };

/* Extents up to that of all doubles: halves do not overflow. */
static double extent(plot_range r)
{
    double e = r.hi - r.lo;
    return isfinite(e) ? e : 1.7e308;
}

static double round_step(double least)
{
    double power = pow(10, floor(log10(least)));
    double m = least / power;
    return power * (m <= 1 ? 1 : m <= 2 ? 2 : m <= 5 ? 5 : 10);
}

static void choose_format(plot_ticks *t, double most)
{
    int step = (int)floor(log10(t->step) + 1e-9),
        top = most > 0 ? (int)floor(log10(most)) : step;
    t->digits = top - step + 1;
    t->digits = t->digits < 1 ? 1 : t->digits > MOST_DIGITS ? MOST_DIGITS : t->digits;
    bool plain = top < 7 && step > -6;
    t->decimals = !plain ? -1 : step < 0 ? -step : 0;
}

plot_ticks plot_ticks_of(plot_range r, int most)
{
    plot_ticks t = { .step = round_step(extent(r) / (most > 1 ? most : 2)) };
    double from = ceil(r.lo / t.step - 1e-9), to = floor(r.hi / t.step + 1e-9);
    t.first = from;
    t.n = to >= from ? (int)(to - from) + 1 : 0;
    if (t.n > most + 2) /* a range of a few roundings: steps are none */
        t.n = 0;
    choose_format(&t, fmax(fabs(r.lo), fabs(r.hi)));
    return t;
}

double plot_tick(const plot_ticks *t, int i)
{
    double v = (t->first + i) * t->step;
    return v == 0 ? 0 : v;
}

/* "1e+06" -> "1e6" */
static void shorten(char *text)
{
    char *e = strchr(text, 'e');
    if (!e)
        return;
    char *to = e + 1, *from = e + 1;
    if (*from == '-')
        *to++ = '-';
    from += *from == '-' || *from == '+';
    while (*from == '0' && from[1])
        from++;
    memmove(to, from, strlen(from) + 1);
}

void plot_label(const plot_ticks *t, double v, char text[PLOT_LABEL])
{
    if (t->decimals >= 0)
        (void)snprintf(text, PLOT_LABEL, "%.*f", t->decimals, v);
    else
        (void)snprintf(text, PLOT_LABEL, "%.*g", t->digits, v);
    shorten(text);
}
