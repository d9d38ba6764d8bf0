/* Reading JSON text piece by piece, for headers whose structure is known. Sticky: after the
 * first error, which `wrong` tells, every call is false. Nothing nests here. */
#ifndef FJ_JSON_H
#define FJ_JSON_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

typedef struct json {
    char *at, *end; /* text that is still to be read; strings are decoded in place */
    const char *wrong;
} json;

/* UTF-8 without zero bytes, and a 0 behind it. */
typedef struct json_text {
    const char *at;
    size_t n;
} json_text;

bool json_fail(json *j, const char *wrong); /* false */
/* Takes c, and the space before it, if it comes next. */
bool json_accept(json *j, char c);
/* c must come next. */
bool json_expect(json *j, char c);
bool json_string(json *j, json_text *t);
/* A whole number from 0 to 2^63 - 1. */
bool json_count(json *j, int64_t *value);
/* After a member of an object or array that ends with `close`: true if another one follows. */
bool json_more(json *j, char close);
/* Nothing but space is left. */
bool json_finished(json *j);

#endif
