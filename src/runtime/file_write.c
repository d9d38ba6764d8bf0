/* Writing a file: through a temporary one beside it, renamed when all is written; pipes,
 * devices and the process's own standard streams are written through instead. */
#include "file.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>
#include <zlib.h>

#include "file_error.h"

enum { TEMPORARY_TRIES = 64, TEMPORARY_NAME = 64, WRITE_STEP = 1 << 30 /* bytes */ };

static bool fail(file_output *o, int code)
{
    char text[FILE_ERROR_TEXT];
    file_error_text(text, sizeof text, code);
    diag_plain(o->d, DIAG_file_write, "cannot write '%s': %s", o->name, text);
    o->failed = true;
    return false;
}

/* write() without SIGPIPE: a reader that has gone is an error of this call, not the host's end.
 */
static ssize_t write_quietly(int fd, const void *bytes, size_t n)
{
    sigset_t pipe_only, before, pending;
    sigemptyset(&pipe_only);
    sigaddset(&pipe_only, SIGPIPE);
    sigpending(&pending);
    bool was_pending = sigismember(&pending, SIGPIPE) == 1;
    pthread_sigmask(SIG_BLOCK, &pipe_only, &before);
    ssize_t written = write(fd, bytes, n);
    int code = errno;
    /* Also after a count: a reader that goes halfway gives both a count and the signal. */
    const struct timespec now = { 0, 0 };
    while (!was_pending && sigtimedwait(&pipe_only, NULL, &now) < 0 && errno == EINTR)
        continue;
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    errno = code;
    return written;
}

static void write_all(file_output *o, const uint8_t *bytes, size_t n)
{
    while (n > 0 && !o->failed) {
        size_t step = n < WRITE_STEP ? n : WRITE_STEP;
        ssize_t written =
            o->temporary ? write(o->fd, bytes, step) : write_quietly(o->fd, bytes, step);
        if (written == 0 || (written < 0 && errno != EINTR))
            fail(o, written ? errno : EIO);
        if (written > 0) {
            bytes += written;
            n -= (size_t)written;
        }
    }
}

static void flush(file_output *o)
{
    if (o->fd >= 0)
        write_all(o, o->buffer, o->used);
    o->used = 0;
}

void file_write(file_output *o, const void *bytes, size_t n)
{
    if (o->failed || n == 0)
        return;
    o->size += (int64_t)n;
    if (o->fd < 0) {
        o->crc = (uint32_t)crc32_z(o->crc, bytes, n);
        if (o->next)
            o->next(o->next_user, bytes, n);
        return;
    }
    if (n > sizeof o->buffer - o->used)
        flush(o);
    if (n >= sizeof o->buffer) {
        write_all(o, bytes, n);
        return;
    }
    memcpy(o->buffer + o->used, bytes, n);
    o->used += n;
}

/* The descriptor 0, 1 or 2 that is open on this very file; -1 if none is. */
static int standard_stream(const struct stat *st)
{
    for (int fd = 0; fd <= 2; fd++) {
        struct stat own;
        if (fstat(fd, &own) == 0 && own.st_dev == st->st_dev && own.st_ino == st->st_ino)
            return fd;
    }
    return -1;
}

static bool open_through(file_output *o, const char *path, int stream)
{
    do
        o->fd = stream >= 0 ? fcntl(stream, F_DUPFD_CLOEXEC, 3)
                            : open(path, O_WRONLY | O_CLOEXEC | O_NOCTTY);
    while (o->fd < 0 && errno == EINTR);
    return o->fd >= 0 || fail(o, errno);
}

/* Makes a new file in the folder of o->target, with `mode` as the umask leaves it. */
static bool open_temporary(file_output *o, mode_t mode)
{
    const char *slash = strrchr(o->target, '/');
    size_t folder = slash ? (size_t)(slash - o->target) + 1 : 0;
    o->temporary = malloc(folder + TEMPORARY_NAME);
    if (!o->temporary) {
        diag_no_memory(o->d);
        o->failed = true;
        return false;
    }
    memcpy(o->temporary, o->target, folder);
    for (int i = 0; i < TEMPORARY_TRIES && o->fd < 0; i++) {
        struct timespec t;
        clock_gettime(CLOCK_MONOTONIC, &t);
        (void)snprintf(o->temporary + folder, TEMPORARY_NAME, ".fusejit-%ld-%lx-%d.tmp",
                       (long)getpid(), (unsigned long)t.tv_nsec ^ (unsigned long)(uintptr_t)o,
                       i);
        o->fd = open(o->temporary, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, mode);
        if (o->fd < 0 && errno != EEXIST && errno != EINTR)
            break;
    }
    if (o->fd >= 0)
        return true;
    int code = errno;
    free(o->temporary);
    o->temporary = NULL;
    return fail(o, code);
}

/* A file that is there already: links are followed, its mode is kept. */
static bool replace_file(file_output *o, const char *path, const struct stat *st)
{
    if (access(path, W_OK) != 0)
        return fail(o, errno);
    o->target = realpath(path, NULL);
    if (!o->target)
        return fail(o, errno);
    if (!open_temporary(o, 0666))
        return false;
    o->replaces = true;
    /* Best effort: on file systems without modes the new file is fine as it is. */
    if (fchmod(o->fd, st->st_mode & 07777) != 0)
        errno = 0;
    return true;
}

static bool create_file(file_output *o, const char *path)
{
    size_t n = strlen(path);
    if (n == 0 || path[n - 1] == '/')
        return fail(o, n ? EISDIR : ENOENT);
    o->target = strdup(path);
    if (!o->target) {
        diag_no_memory(o->d);
        o->failed = true;
        return false;
    }
    return open_temporary(o, 0666);
}

static bool open_output(file_output *o, const char *path)
{
    struct stat st;
    if (stat(path, &st) != 0)
        return errno == ENOENT ? create_file(o, path) : fail(o, errno);
    if (S_ISDIR(st.st_mode))
        return fail(o, EISDIR);
    int stream = standard_stream(&st);
    if (stream >= 0 || !S_ISREG(st.st_mode))
        return open_through(o, path, stream);
    return replace_file(o, path, &st);
}

static void output_init(file_output *o, diag *d)
{
    o->name[0] = 0;
    o->d = d;
    o->target = o->temporary = NULL;
    o->fd = -1;
    o->failed = o->replaces = false;
    o->crc = 0;
    o->size = 0;
    o->next = NULL;
    o->used = 0;
}

bool file_create(file_output *o, const char *path, diag *d)
{
    output_init(o, d);
    file_show(o->name, path, strlen(path));
    if (open_output(o, path))
        return true;
    file_abandon(o);
    return false;
}

void file_measure(file_output *o)
{
    output_init(o, NULL);
}

void file_abandon(file_output *o)
{
    if (o->fd >= 0)
        (void)close(o->fd);
    if (o->temporary)
        (void)unlink(o->temporary);
    free(o->temporary);
    free(o->target);
    o->temporary = o->target = NULL;
    o->fd = -1;
}

static bool sync_to_disk(int fd)
{
    int code;
    do
        code = fsync(fd);
    while (code != 0 && errno == EINTR);
    return code == 0 || errno == EINVAL; /* which a file system without a disk may say */
}

/* Best effort: the file is in its place, and a folder that cannot be read cannot be synced. */
static void sync_folder(char *file)
{
    char *slash = strrchr(file, '/'), kept = 0;
    if (slash) {
        kept = slash[1];
        slash[1] = 0;
    }
    int fd = open(slash ? file : ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (slash)
        slash[1] = kept;
    if (fd < 0)
        return;
    (void)sync_to_disk(fd);
    (void)close(fd);
}

bool file_commit(file_output *o)
{
    if (!o->failed)
        flush(o);
    if (!o->failed && o->replaces && !sync_to_disk(o->fd))
        fail(o, errno);
    int fd = o->fd;
    o->fd = -1;
    if (close(fd) != 0 && errno != EINTR && !o->failed)
        fail(o, errno); /* a full disk may show only now */
    if (!o->failed && o->temporary) {
        if (rename(o->temporary, o->target) != 0) {
            fail(o, errno);
        } else {
            free(o->temporary);
            o->temporary = NULL;
            if (o->replaces)
                sync_folder(o->target);
        }
    }
    file_abandon(o);
    return !o->failed;
}
