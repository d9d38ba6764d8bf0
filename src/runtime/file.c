/* Reading files, and what messages show of them. */
#include "file.h"

#include <errno.h>
#include <fcntl.h>
#include <locale.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "array.h"
#include "file_error.h"

enum { PIPE_STEP = 65536, PIPE_LIMIT = 1 << 30, READ_STEP = 1 << 30 /* bytes */ };

static void show(char *shown, const char *text, size_t n, bool ascii)
{
    size_t room = FILE_NAME_SHOWN - 1, used = 0;
    if (n > room) {
        memcpy(shown, "...", 3);
        used = 3;
        text += n - (room - used);
        n = room - used;
        while (n > 0 && ((unsigned char)*text & 0xC0) == 0x80) /* not amid a character */
            text++, n--;
    }
    for (size_t i = 0; i < n; i++) {
        unsigned char c = (unsigned char)text[i];
        bool hidden = c < 0x20 || c == 0x7F || (ascii && c > 0x7F);
        shown[used++] = hidden ? '?' : text[i];
    }
    shown[used] = 0;
}

void file_show(char *shown, const char *text, size_t n)
{
    show(shown, text, n, false);
}

void file_show_bytes(char *shown, const void *bytes, size_t n)
{
    show(shown, bytes, n, true);
}

void file_error_text(char *text, size_t size, int code)
{
    locale_t c = newlocale(LC_ALL_MASK, "C", (locale_t)0);
    const char *s = c ? strerror_l(code, c) : "system error";
    size_t n = strnlen(s, size - 1);
    memcpy(text, s, n);
    text[n] = 0;
    bool word = n > 1 && text[1] >= 'a' && text[1] <= 'z';
    if (word && text[0] >= 'A' && text[0] <= 'Z')
        text[0] = (char)(text[0] - 'A' + 'a');
    if (c)
        freelocale(c);
}

static bool cannot_open(const file_input *in, diag *d)
{
    char text[FILE_ERROR_TEXT];
    file_error_text(text, sizeof text, errno);
    diag_plain(d, DIAG_file_open, "cannot open '%s': %s", in->name, text);
    return false;
}

static bool cannot_read(const file_input *in, diag *d)
{
    char text[FILE_ERROR_TEXT];
    file_error_text(text, sizeof text, errno);
    diag_plain(d, DIAG_file_read, "cannot read '%s': %s", in->name, text);
    return false;
}

/* Takes in what a pipe delivers until its end. */
static bool read_pipe(file_input *in, diag *d)
{
    int64_t room = 0;
    for (;;) {
        if (in->size == PIPE_LIMIT) {
            diag_plain(d, DIAG_file_read, "'%s' is a pipe and delivers more than %d bytes",
                       in->name, PIPE_LIMIT);
            diag_hint(d, "write it to a file first");
            return false;
        }
        if (in->size == room) {
            room = room ? 2 * room : PIPE_STEP;
            uint8_t *more = realloc(in->owned, (size_t)room);
            if (!more) {
                diag_no_memory(d);
                return false;
            }
            in->owned = more;
        }
        ssize_t got = read(in->fd, in->owned + in->size, (size_t)(room - in->size));
        if (got < 0 && errno != EINTR)
            return cannot_read(in, d);
        if (got == 0)
            break;
        if (got > 0)
            in->size += got;
    }
    in->bytes = in->owned;
    return true;
}

static bool open_kind(file_input *in, diag *d)
{
    struct stat st;
    if (fstat(in->fd, &st) != 0)
        return cannot_open(in, d);
    if (S_ISREG(st.st_mode)) {
        in->size = (int64_t)st.st_size;
        return true;
    }
    if (S_ISFIFO(st.st_mode))
        return read_pipe(in, d);
    diag_plain(d, DIAG_file_open, "cannot open '%s': it is %s", in->name,
               S_ISDIR(st.st_mode) ? "a directory" : "no regular file");
    return false;
}

bool file_open(file_input *in, const char *path, diag *d)
{
    *in = (file_input){ .fd = -1 };
    file_show(in->name, path, strlen(path));
    do
        in->fd = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY);
    while (in->fd < 0 && errno == EINTR);
    if (in->fd < 0)
        return cannot_open(in, d);
    if (open_kind(in, d))
        return true;
    file_close(in);
    return false;
}

void file_from_memory(file_input *in, const char *name, const void *bytes, size_t n)
{
    static const uint8_t nothing[1];
    *in = (file_input){ .fd = -1, .bytes = n ? bytes : nothing, .size = (int64_t)n };
    file_show(in->name, name, strlen(name));
}

bool file_read(const file_input *in, int64_t at, void *to, size_t n, diag *d)
{
    if (at < 0 || at > in->size || n > (uint64_t)(in->size - at)) {
        diag_plain(d, DIAG_file_size,
                   "'%s' ends after %lld bytes; %lld at byte %lld are needed", in->name,
                   (long long)in->size, (long long)n, (long long)at);
        return false;
    }
    if (in->bytes) {
        if (n)
            memcpy(to, in->bytes + at, n);
        return true;
    }
    for (size_t done = 0; done < n;) {
        size_t step = n - done < READ_STEP ? n - done : READ_STEP;
        ssize_t got = pread(in->fd, (uint8_t *)to + done, step, (off_t)(at + (int64_t)done));
        if (got < 0 && errno != EINTR)
            return cannot_read(in, d);
        if (got == 0) {
            diag_plain(d, DIAG_file_read, "'%s' became shorter while it was read", in->name);
            return false;
        }
        if (got > 0)
            done += (size_t)got;
    }
    return true;
}

bool file_exists(const char *path)
{
    struct stat st;
    return stat(path, &st) == 0 && S_ISREG(st.st_mode) && st.st_size > 0;
}

void file_close(file_input *in)
{
    if (in->fd >= 0)
        (void)close(in->fd); /* read only: nothing can be lost */
    free(in->owned);
    *in = (file_input){ .fd = -1 };
}

bool file_new_array(jit_array *a, const jit_array *like, diag *d)
{
    *a = *like;
    if (array_make(a, false))
        return true;
    diag_no_memory(d);
    return false;
}

bool file_array_bytes(const jit_array *a, int64_t *n_bytes)
{
    int64_t product = (int64_t)jit_dtype_size(a->dtype);
    bool empty = false;
    for (int32_t i = 0; i < a->rank; i++) {
        int64_t extent = a->shape[i];
        empty = empty || extent == 0;
        if (__builtin_mul_overflow(product, extent ? extent : 1, &product))
            return false;
    }
    *n_bytes = empty ? 0 : product;
    return true;
}
