#include "failing_calls.h"

#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <sys/syscall.h>
#include <unistd.h>

static _Thread_local struct {
    bool armed, happened;
    failing_call call;
    failing_how how;
    long left;
} state;

void failing_calls_arm(failing_call call, failing_how how, long n)
{
    state.call = call;
    state.how = how;
    state.left = n;
    state.happened = false;
    state.armed = true;
}

bool failing_calls_disarm(void)
{
    state.armed = false;
    return state.happened;
}

static bool goes_wrong(failing_call call)
{
    if (!state.armed || state.call != call || state.left-- != 0)
        return false;
    state.happened = true;
    errno = state.how == HOW_INTERRUPTED ? EINTR : EIO;
    return true;
}

/* How many of n bytes to transfer; -1 with errno for none. */
static long transfer(failing_call call, size_t n)
{
    if (!goes_wrong(call))
        return (long)n;
    return state.how == HOW_SHORT ? (long)(n / 2 + (n == 1)) : -1;
}

int open(const char *path, int flags, ...)
{
    va_list rest;
    va_start(rest, flags);
    mode_t mode = (flags & O_CREAT) ? va_arg(rest, mode_t) : 0;
    va_end(rest);
    if (goes_wrong(CALL_OPEN) && state.how != HOW_SHORT)
        return -1;
    return (int)syscall(SYS_openat, AT_FDCWD, path, flags, mode);
}

ssize_t read(int fd, void *to, size_t n)
{
    long m = transfer(CALL_READ, n);
    return m < 0 ? -1 : (ssize_t)syscall(SYS_read, fd, to, m);
}

ssize_t pread(int fd, void *to, size_t n, off_t at)
{
    long m = transfer(CALL_PREAD, n);
    return m < 0 ? -1 : (ssize_t)syscall(SYS_pread64, fd, to, m, at);
}

ssize_t write(int fd, const void *from, size_t n)
{
    long m = transfer(CALL_WRITE, n);
    return m < 0 ? -1 : (ssize_t)syscall(SYS_write, fd, from, m);
}

/* Closes in any case, as Linux does. */
int close(int fd)
{
    bool wrong = goes_wrong(CALL_CLOSE) && state.how != HOW_SHORT;
    int code = errno, result = (int)syscall(SYS_close, fd);
    if (wrong)
        errno = code;
    return wrong ? -1 : result;
}

int fsync(int fd)
{
    if (goes_wrong(CALL_FSYNC) && state.how != HOW_SHORT)
        return -1;
    return (int)syscall(SYS_fsync, fd);
}

int rename(const char *from, const char *to)
{
    if (goes_wrong(CALL_RENAME) && state.how == HOW_FAILS)
        return -1;
    return (int)syscall(SYS_renameat2, AT_FDCWD, from, AT_FDCWD, to, 0);
}
