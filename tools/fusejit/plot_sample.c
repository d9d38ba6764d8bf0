/* The points of a curve.
 *
 *   evenly spaced  ->  closer at both sides of jumps, poles and ends of the domain  ->  what to show
 *
 * A jump is one that halving its interval does not make smaller. A peak that grows with every look
 * closer is a pole: then the picture shows what most of the values are, else all of them. */
#include <float.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "plot.h"

enum { POINTS = 2001, SUSPECTS = 512, HALVINGS = 44, CLOSE = 65, MOST_WHOLE = 4001 };

/* -------------------------------------------------------------------------- ranges */

static int ascending(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;
    return x < y ? -1 : x > y;
}

/* The finite values in order; free them. */
static double *sorted(const double *v, int n, int *count)
{
    double *s = memory_take((size_t)n * sizeof *s);
    *count = 0;
    for (int i = 0; i < n; i++) {
        if (isfinite(v[i]))
            s[(*count)++] = v[i];
    }
    qsort(s, (size_t)*count, sizeof *s, ascending);
    return s;
}

static void widen(plot_range *r, double lo, double hi)
{
    bool empty = !(r->lo <= r->hi);
    r->lo = empty || lo < r->lo ? lo : r->lo;
    r->hi = empty || hi > r->hi ? hi : r->hi;
}

/* Where most of the values are, when one end of them has no end. */
static plot_range usual(const double *s, int n, plot_range all)
{
    double low = s[n / 10], high = s[n - 1 - n / 10], some = (high - low) / 2;
    plot_range r = { fmax(all.lo, low - some), fmin(all.hi, high + some) };
    return r.hi > r.lo ? r : all;
}

void plot_shown(const double *values, int n, plot_range *shown)
{
    int count;
    double *s = sorted(values, n, &count);
    if (count > 0) {
        plot_range all = { s[0], s[count - 1] };
        double low = s[count / 50], high = s[count - 1 - count / 50];
        plot_range r = usual(s, count, all);
        /* far beyond 96 of 100 values */
        bool below = low - all.lo > 10 * (high - low),
             above = all.hi - high > 10 * (high - low);
        widen(shown, below ? r.lo : all.lo, above ? r.hi : all.hi);
    }
    free(s);
}

/* To the round number just outside. */
static plot_range rounded(plot_range r)
{
    enum { PARTS = 5, NEAR = 30 };
    plot_ticks t = plot_ticks_of(r, PARTS);
    double near = (r.hi / 2 - r.lo / 2) / (NEAR / 2), lo = (t.first - 1) * t.step;
    double hi = (t.first + t.n) * t.step;
    if (t.n > 0 && r.lo - lo < near)
        r.lo = lo;
    if (t.n > 0 && hi - r.hi < near)
        r.hi = hi;
    return r;
}

plot_range plot_widened(plot_range r)
{
    double most = fmax(fabs(r.lo), fabs(r.hi));
    if (r.hi - r.lo > 4 * DBL_EPSILON * most)
        return rounded(r);
    double middle = r.lo / 2 + r.hi / 2, by = most > DBL_MIN * 8 ? most / 2 : 1;
    return (plot_range){ middle - by, middle + by };
}

/* -------------------------------------------------------------------------- poles */

static int extreme(const double *y, int n, double sign)
{
    int best = -1;
    for (int i = 0; i < n; i++) {
        if (isfinite(y[i]) && (best < 0 || sign * y[i] > sign * y[best]))
            best = i;
    }
    return best;
}

static void spread(double *x, int n, double from, double to)
{
    for (int i = 0; i < n; i++) {
        double t = (double)i / (n - 1);
        x[i] = from * (1 - t) + to * t;
    }
}

/* The highest of the points beside one of them. */
static double second(const double *y, int n, int but, double sign)
{
    double best = -sign * (double)INFINITY;
    for (int i = 0; i < n; i++) {
        if (i != but && isfinite(y[i]) && sign * y[i] > sign * best)
            best = y[i];
    }
    return best;
}

/* Looks closer at the highest (sign 1) or lowest value. *peak becomes what is found there; a pole
 * grows, or stands alone, many times as high above the middle, twice. */
static int grows(plot_function *f, const plot_curve *c, double sign, double *peak, bool *pole)
{
    int n, at = extreme(c->y, c->n, sign), code = EXIT_DONE;
    double *s = sorted(c->y, c->n, &n), middle = s[n / 2], x[CLOSE], y[CLOSE];
    free(s);
    double from = c->x[at > 0 ? at - 1 : 0], to = c->x[at + 1 < c->n ? at + 1 : at];
    *peak = c->y[at];
    *pole = fabs(*peak - middle) > 0;
    for (int round = 0; round < 2 && *pole && !code && to > from; round++) {
        spread(x, CLOSE, from, to);
        code = plot_function_values(f, x, CLOSE, y);
        int best = code ? -1 : extreme(y, CLOSE, sign);
        if (best < 0)
            break;
        double before = fabs(*peak - middle), now = sign * (y[best] - middle);
        double next = sign * (second(y, CLOSE, best, sign) - middle);
        *pole = now > 3 * before || now > 3 * fabs(next);
        *peak = sign * y[best] > sign * *peak ? y[best] : *peak;
        from = x[best > 0 ? best - 1 : 0];
        to = x[best + 1 < CLOSE ? best + 1 : best];
    }
    return code;
}

static int show(plot_function *f, const plot_curve *c, plot_range *shown)
{
    int n, code = EXIT_DONE;
    bool below = false, above = false;
    double *s = sorted(c->y, c->n, &n);
    if (n > 0) {
        plot_range all = { s[0], s[n - 1] }, r = usual(s, n, all);
        if (!c->points)
            code = grows(f, c, 1, &all.hi, &above);
        if (!c->points && !code)
            code = grows(f, c, -1, &all.lo, &below);
        widen(shown, below ? r.lo : all.lo, above ? r.hi : all.hi);
    }
    free(s);
    return code;
}

/* -------------------------------------------------------------------------- jumps */

typedef struct gap { /* between points i and i + 1 */
    int i;
    double from, to, y_from, y_to;
    bool jump;
} gap;

static bool is_edge(const gap *g)
{
    return isfinite(g->y_from) != isfinite(g->y_to);
}

/* What may be a jump: the largest steps, and the ends of the domain. */
static int suspects(const plot_curve *c, gap *g)
{
    int n = 0;
    plot_range all = { 1, 0 };
    plot_shown(c->y, c->n, &all);
    double least = (all.hi - all.lo) / 100;
    for (int i = 0; i + 1 < c->n && n < SUSPECTS; i++) {
        double a = c->y[i], b = c->y[i + 1];
        bool both = isfinite(a) && isfinite(b);
        if (both ? fabs(b - a) > least : isfinite(a) || isfinite(b))
            g[n++] = (gap){ i, c->x[i], c->x[i + 1], a, b, both };
    }
    return n;
}

static void halve(gap *g, double x, double y)
{
    bool left = is_edge(g) ? isfinite(y) != isfinite(g->y_from)
                           : !isfinite(y) || fabs(y - g->y_from) > fabs(g->y_to - y);
    if (left) {
        g->to = x;
        g->y_to = y;
    } else {
        g->from = x;
        g->y_from = y;
    }
}

static int narrow(plot_function *f, gap *g, int n)
{
    double *x = memory_take(2 * (size_t)n * sizeof *x), *y = x + n;
    int code = EXIT_DONE;
    for (int k = 0; k < HALVINGS && !code; k++) {
        for (int i = 0; i < n; i++)
            x[i] = g[i].from / 2 + g[i].to / 2;
        code = plot_function_values(f, x, n, y);
        for (int i = 0; i < n && !code; i++) {
            if (x[i] > g[i].from && x[i] < g[i].to)
                halve(&g[i], x[i], y[i]);
        }
    }
    free(x);
    return code;
}

static void put(plot_curve *c, double x, double y)
{
    if (c->n == c->room) {
        c->room = c->room ? 2 * c->room : POINTS + SUSPECTS;
        c->x = memory_resize(c->x, (size_t)c->room * sizeof *c->x);
        c->y = memory_resize(c->y, (size_t)c->room * sizeof *c->y);
    }
    c->x[c->n] = x;
    c->y[c->n++] = y;
}

/* The same curve with what was found between its points. */
static void insert(plot_curve *c, const gap *g, int n)
{
    plot_curve all = { .label = c->label, .points = c->points };
    for (int i = 0, k = 0; i < c->n; i++) {
        put(&all, c->x[i], c->y[i]);
        if (k == n || g[k].i != i)
            continue;
        double first = fabs(c->y[i + 1] - c->y[i]), last = fabs(g[k].y_to - g[k].y_from);
        bool broken = !g[k].jump || is_edge(&g[k]) || last > first / 2;
        if (broken) {
            put(&all, g[k].from, g[k].y_from);
            put(&all, g[k].to, (double)NAN);
            put(&all, g[k].to, g[k].y_to);
        }
        k++;
    }
    free(c->x);
    free(c->y);
    *c = all;
}

static int find_jumps(plot_function *f, plot_curve *c)
{
    gap *g = memory_take(SUSPECTS * sizeof *g);
    int n = suspects(c, g), code = n > 0 ? narrow(f, g, n) : EXIT_DONE;
    if (!code)
        insert(c, g, n);
    free(g);
    return code;
}

/* -------------------------------------------------------------------------- the curve */

/* Whole numbers of the range, all of them while they are few. */
static void whole_points(plot_curve *c, plot_range r)
{
    double from = ceil(r.lo), to = floor(r.hi), step = 1;
    while ((to - from) / step > MOST_WHOLE - 1)
        step *= 2;
    for (double x = from; x <= to; x += step)
        put(c, x, 0);
    c->points = true;
}

int plot_sample(plot_function *f, const plot_picture *p, plot_curve *c, plot_range *shown)
{
    if (plot_function_whole(f)) {
        whole_points(c, p->x);
    } else {
        for (int i = 0; i < POINTS; i++)
            put(c, 0, 0);
        spread(c->x, POINTS, p->x.lo, p->x.hi);
    }
    if (c->n == 0)
        return console_error(f->s->c, EXIT_USER,
                             "there is no whole number in the range of '%s'", p->name[0]);
    int code = plot_function_values(f, c->x, c->n, c->y);
    if (!code)
        code = show(f, c, shown);
    return code || c->points || f->at[0] < 0 ? code : find_jumps(f, c);
}
