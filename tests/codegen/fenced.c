/* See fenced.h. */
#include "fenced.h"

#include <criterion/criterion.h>
#include <sys/mman.h>
#include <unistd.h>

fenced fenced_alloc(size_t bytes, bool before)
{
    size_t page = (size_t)sysconf(_SC_PAGESIZE), inner = (bytes + page - 1) / page * page;
    fenced f = { .all = inner + 2 * page };
    f.pages = mmap(NULL, f.all, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    cr_assert(f.pages != MAP_FAILED);
    char *first = (char *)f.pages + page;
    cr_assert(inner == 0 || mprotect(first, inner, PROT_READ | PROT_WRITE) == 0);
    f.at = before ? first : first + (inner - bytes);
    return f;
}

void fenced_free(fenced *f)
{
    if (f->pages)
        munmap(f->pages, f->all);
    *f = (fenced){ 0 };
}
