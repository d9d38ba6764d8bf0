/* The rows of a run: a Markdown table on standard output and JSON in a file. */
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

void report_begin(const char *json_path); /* NULL: no JSON */
void report_add(const report_row *row);
/* Closes the file; the number of rows that missed their figure. */
int report_end(void);

#endif
