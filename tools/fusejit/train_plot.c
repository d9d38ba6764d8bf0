/* Curves of the losses and the metric, by gnuplot. */
#include <math.h>

#include "gnuplot.h"
#include "train_job.h"

static double column_of(const train_curve *e, int column)
{
    const double all[] = { e->loss, e->val_loss, e->metric, e->val_metric };
    return all[column];
}

static bool has(const train_report *r, int column)
{
    for (int i = 0; i < r->n_curve; i++)
        if (isfinite(column_of(&r->curve[i], column)))
            return true;
    return false;
}

static void put_data(FILE *f, const train_report *r)
{
    (void)fputs("$d << end_of_data\n", f);
    for (int i = 0; i < r->n_curve; i++) {
        (void)fprintf(f, "%lld", (long long)r->curve[i].epoch);
        for (int k = 0; k < 4; k++)
            gnuplot_number(f, column_of(&r->curve[i], k));
        (void)fputs("\n", f);
    }
    (void)fputs("end_of_data\n", f);
}

/* Losses on the left axis, the metric on the right one. */
static void put_commands(FILE *f, const void *report)
{
    const train_report *r = report;
    static const char *const titles[] = { "loss", "val_loss", "", "val_" };
    static const char *const looks[] = { "lc rgb '#1f5fbf' lw 2", "lc rgb '#d9480f' lw 2",
                                         "axes x1y2 lc rgb '#1f5fbf' lw 1 dt 2",
                                         "axes x1y2 lc rgb '#d9480f' lw 1 dt 2" };
    enum { FEW = 12 }; /* epochs: a mark for each */
    (void)fprintf(f, "set xtics %s\n", r->n_curve <= FEW ? "1" : "autofreq");
    (void)fputs("set grid lc rgb '#dddddd'\nset border 3\n"
                "set tics nomirror\nset xlabel 'epoch'\nset ylabel 'loss'\n"
                "set key outside bottom center horizontal\n",
                f);
    bool metric = r->shown && (has(r, 2) || has(r, 3));
    if (metric)
        (void)fprintf(f, "set border 11\nset y2tics\nset y2label '%s'\n", r->shown);
    put_data(f, r);
    (void)fputs("plot", f);
    bool first = true;
    for (int k = 0; k < (metric ? 4 : 2); k++) {
        if (!has(r, k))
            continue;
        (void)fprintf(f, "%s $d using 1:%d with lines%s %s title '%s%s' noenhanced",
                      first ? "" : ",", k + 2, r->n_curve == 1 ? "points" : "", looks[k],
                      titles[k], k > 1 ? r->shown : "");
        first = false;
    }
    (void)fputs("\n", f);
}

int train_plot(const train_report *r, const char *path, const console *c)
{
    gnuplot_picture p = { path, put_commands, r };
    /* stopped before there was anything to draw */
    return r->n_curve == 0 ? EXIT_DONE : gnuplot_draw(&p, c);
}
