/* Memory as the system tells it. A control group's limit lies here where the group is the root that
 * the process sees, as in containers. */
#include "memory_most.h"

#include <errno.h>
#include <fcntl.h>
#include <stddef.h>
#include <unistd.h>

enum { LIMIT_TEXT = 24, DIGITS_MOST = 18 };

/* The number in a file of the system; INT64_MAX if there is none, or no file. */
static int64_t read_limit(const char *path)
{
    char text[LIMIT_TEXT];
    int64_t limit = 0;
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0)
        return INT64_MAX;
    ssize_t n = read(fd, text, sizeof text);
    (void)close(fd);
    ssize_t i = 0;
    for (; i < n && i <= DIGITS_MOST && text[i] >= '0' && text[i] <= '9'; i++)
        limit = 10 * limit + (text[i] - '0');
    return i > 0 && i <= DIGITS_MOST ? limit : INT64_MAX;
}

int64_t memory_most(void)
{
    static const char *const limits[] = { "/sys/fs/cgroup/memory.max",
                                          "/sys/fs/cgroup/memory/memory.limit_in_bytes" };
    int64_t pages = sysconf(_SC_PHYS_PAGES), page = sysconf(_SC_PAGESIZE), most;
    int kept = errno; /* no failure of anybody */
    if (pages <= 0 || page <= 0 || __builtin_mul_overflow(pages, page, &most))
        most = INT64_MAX;
    for (size_t i = 0; i < sizeof limits / sizeof *limits; i++) {
        int64_t limit = read_limit(limits[i]);
        most = limit < most ? limit : most;
    }
    errno = kept;
    return most;
}
