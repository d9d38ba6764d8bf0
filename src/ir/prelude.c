/* The embedded prelude, found by name. */
#include "prelude.h"

#include <stdbool.h>
#include <stddef.h>
#include <string.h>

int32_t prelude_from(const char *name)
{
    int32_t low = 0, high = prelude_count;
    while (low < high) {
        int32_t middle = low + (high - low) / 2;
        if (strcmp(prelude_items[middle].name, name) < 0) {
            low = middle + 1;
        } else {
            high = middle;
        }
    }
    return low;
}

const prelude_item *prelude_find(const char *name)
{
    int32_t i = prelude_from(name);
    bool found = i < prelude_count && strcmp(prelude_items[i].name, name) == 0;
    return found ? &prelude_items[i] : NULL;
}
