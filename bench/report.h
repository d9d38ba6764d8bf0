/* What a run finds: Markdown tables on standard output and JSON in a file. */
#ifndef FJ_REPORT_H
#define FJ_REPORT_H

#include <stdbool.h>

#include "contest.h"

typedef enum report_goal { GOAL_NONE, GOAL_AT_LEAST, GOAL_AT_MOST } report_goal;

typedef struct report_row {
    const char *what;
    double value; /* from the best times */
    const char *unit;
    report_goal goal;
    double reach;
    bool waived;                 /* the figure is for another machine */
    const contender *own, *peer; /* either may be NULL */
} report_row;

/* A line of a table with a column for each peer: many sizes of one subject. */
typedef struct report_line {
    const char *what;
    const contender *own;
    double share;                 /* of the limit, in %; NaN: none */
    const contender *const *peer; /* one per column of the table; NULL where there is none */
    const char *text;             /* instead of a share, or NULL */
} report_line;

void report_begin(const char *json_path); /* NULL: no JSON */
/* Begins a table of lines; limit: the heading of share or text. Rows or another table end it. */
void report_table(const char *title, const char *limit, const char *const *column, int n);
/* Times of ours, its share, and how many times as fast as each peer it is. */
void report_add_line(const report_line *line);
void report_add(const report_row *row);
/* Closes the file; the number of rows that missed their figure. */
int report_end(void);

#endif
