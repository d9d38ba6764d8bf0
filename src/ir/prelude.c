/* The embedded prelude, found by name. */
#include "prelude.h"

#include <stddef.h>
#include <string.h>

const prelude_item *prelude_find(const char *name)
{
    int32_t low = 0, high = prelude_count;
    while (low < high) {
        int32_t middle = low + (high - low) / 2;
        int order = strcmp(prelude_items[middle].name, name);
        if (order == 0) {
            return &prelude_items[middle];
        }
        if (order < 0) {
            low = middle + 1;
        } else {
            high = middle;
        }
    }
    return NULL;
}
