/* Texts for the host: in front of each, the allocator that frees it. */
#include "text.h"

#include <string.h>

#include "arena.h"

typedef struct text_head {
    jit_allocator allocator;
    size_t size; /* bytes of the block */
} text_head;

char *text_give(const jit_allocator *a, const char *text, diag *d)
{
    size_t length = strlen(text);
    size_t size = sizeof(text_head) + length + 1;
    text_head *head = memory_resize(a, NULL, 0, size);
    if (!head) {
        diag_no_memory(d);
        return NULL;
    }
    *head = (text_head){ *a, size };
    char *copy = (char *)(head + 1);
    memcpy(copy, text, length + 1);
    return copy;
}

void jit_text_free(char *text)
{
    if (!text)
        return;
    text_head *head = (text_head *)(void *)text - 1;
    jit_allocator a = head->allocator;
    memory_resize(&a, head, head->size, 0);
}
