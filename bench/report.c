#include "report.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

static FILE *json;
static int n_rows, n_missed, n_columns;
static bool in_rows; /* the table that is open is the one of rows */

void report_begin(const char *json_path)
{
    json = json_path ? fopen(json_path, "w") : NULL;
    if (json_path && !json)
        perror(json_path);
    if (json)
        (void)fputs("[\n", json);
}

static void open_rows(void)
{
    if (in_rows)
        return;
    in_rows = true;
    puts("\n| what | value | reach | | ours | peer |");
    puts("|---|---|---|---|---|---|");
}

void report_table(const char *title, const char *limit, const char *const *column, int n)
{
    in_rows = false;
    n_columns = n;
    printf("\n| %s; times as fast as | fusejit | %s |", title, limit);
    for (int i = 0; i < n; i++)
        printf(" %s |", column[i]);
    printf("\n|---|---|---|%s", strchr(limit, '|') ? "---|" : "");
    for (int i = 0; i < n; i++)
        printf("---|");
    puts("");
}

static bool reached(const report_row *r)
{
    if (r->goal == GOAL_NONE || r->waived)
        return true;
    return r->goal == GOAL_AT_LEAST ? r->value >= r->reach : r->value <= r->reach;
}

static const char *time_text(char *text, size_t size, double ns)
{
    const char *unit = ns < 1e3 ? "ns" : ns < 1e6 ? "us" : "ms";
    double scaled = ns < 1e3 ? ns : ns < 1e6 ? ns / 1e3 : ns / 1e6;
    (void)snprintf(text, size, "%.3g %s", scaled, unit);
    return text;
}

static void print_row(const report_row *r)
{
    char reach[40] = "", own[40] = "", peer[40] = "";
    if (r->goal != GOAL_NONE)
        (void)snprintf(reach, sizeof reach, "%s %g",
                       r->goal == GOAL_AT_LEAST ? ">=" : "<=", r->reach);
    if (r->own)
        (void)time_text(own, sizeof own, r->own->best_ns);
    if (r->peer)
        (void)time_text(peer, sizeof peer, r->peer->best_ns);
    printf("| %s | %.3g %s | %s | %s | %s | %s%s%s |\n", r->what, r->value, r->unit, reach,
           r->goal == GOAL_NONE ? ""
           : r->waived          ? "-"
           : reached(r)         ? "yes"
                                : "no",
           own, peer, r->peer ? " " : "", r->peer ? r->peer->name : "");
    (void)fflush(stdout);
}

static void print_times(const char *key, const contender *c)
{
    if (c && isfinite(c->best_ns))
        fprintf(json, ", \"%s\": {\"name\": \"%s\", \"best_ns\": %.9g, \"median_ns\": %.9g}",
                key, c->name, c->best_ns, c->median_ns);
}

void report_add(const report_row *r)
{
    bool finite = isfinite(r->value);
    n_missed += !reached(r);
    open_rows();
    print_row(r);
    if (!json)
        return;
    fprintf(json, "%s {\"what\": \"%s\", \"value\": ", n_rows++ ? ",\n" : "", r->what);
    if (finite)
        fprintf(json, "%.9g", r->value);
    else
        fprintf(json, "null");
    fprintf(json, ", \"unit\": \"%s\"", r->unit);
    if (r->goal != GOAL_NONE)
        fprintf(json, ", \"%s\": %g, \"reached\": %s",
                r->goal == GOAL_AT_LEAST ? "at_least" : "at_most", r->reach,
                r->waived    ? "null"
                : reached(r) ? "true"
                             : "false");
    print_times("own", r->own);
    print_times("peer", r->peer);
    fprintf(json, "}");
}

static void print_line(const report_line *l)
{
    char own[40];
    printf("| %s | %s | ", l->what, time_text(own, sizeof own, l->own->best_ns));
    if (isfinite(l->share))
        printf("%.3g %%", l->share);
    if (l->text)
        printf("%s", l->text);
    printf(" |");
    for (int i = 0; i < n_columns; i++) {
        double ratio = l->peer[i] ? l->peer[i]->best_ns / l->own->best_ns : NAN;
        if (isfinite(ratio))
            printf(" %.2f |", ratio);
        else
            printf(" |");
    }
    puts("");
    (void)fflush(stdout);
}

void report_add_line(const report_line *l)
{
    print_line(l);
    if (!json)
        return;
    fprintf(json, "%s {\"what\": \"%s\"", n_rows++ ? ",\n" : "", l->what);
    if (isfinite(l->share))
        fprintf(json, ", \"share\": %.9g", l->share);
    print_times("own", l->own);
    for (int i = 0; i < n_columns; i++)
        if (l->peer[i] && isfinite(l->peer[i]->best_ns))
            print_times(l->peer[i]->name, l->peer[i]);
    fprintf(json, "}");
}

int report_end(void)
{
    if (json) {
        (void)fputs("\n]\n", json);
        (void)fclose(json);
    }
    return n_missed;
}
