/* --out: results into files, all of them or none as far as a file system can promise. */
#define _XOPEN_SOURCE 700

#include "outputs.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/stat.h>
#include <unistd.h>

#include "interrupt.h"

enum { DEFLATE_LEVEL = 6 /* numpy.savez_compressed's */ };

/* Characters of a path that name the file itself, without ":member" of an archive. */
static size_t file_length(const char *path)
{
    const char *member = value_member(path);
    return member ? (size_t)(member - path) - 1 : strlen(path);
}

/* Without ".npy", which a member of an .npz has in any case. */
static size_t member_length(const char *member)
{
    size_t n = strlen(member);
    bool npz = strncasecmp(member - 5, ".npz:", 5) == 0;
    return npz && n > 4 && strcmp(member + n - 4, ".npy") == 0 ? n - 4 : n;
}

static bool same_member(const char *a, const char *b)
{
    size_t n = member_length(a);
    return n == member_length(b) && strncmp(a, b, n) == 0;
}

/* Where the file really lies, or will: links are followed. Free it. */
static char *real_file(const char *path)
{
    char *file = memory_text(path, file_length(path)), *real = realpath(file, NULL);
    if (real) {
        free(file);
        return real;
    }
    char *slash = strrchr(file, '/');
    const char *name = slash ? slash + 1 : file;
    char *folder = slash ? memory_text(file, (size_t)(slash - file) + 1) : memory_text(".", 1);
    real = realpath(folder, NULL);
    free(folder);
    if (!real)
        return file;
    size_t size = strlen(real) + strlen(name) + 2;
    char *all = memory_take(size);
    (void)snprintf(all, size, "%s/%s", real, name);
    free(real);
    free(file);
    return all;
}

static bool same_file(const char *a, const char *b)
{
    char *real_a = real_file(a), *real_b = real_file(b);
    bool same = strcmp(real_a, real_b) == 0;
    free(real_a);
    free(real_b);
    return same;
}

static bool same_place(const char *a, const char *b)
{
    const char *member_a = value_member(a), *member_b = value_member(b);
    return same_file(a, b) && !(member_a && member_b && !same_member(member_a, member_b));
}

static bool is_npz(const char *path)
{
    size_t n = file_length(path);
    return n > 4 && strncasecmp(path + n - 4, ".npz", 4) == 0;
}

static int check_compress(const named_list *out, const console *c)
{
    for (int i = 0; i < out->n; i++)
        if (!is_npz(out->item[i].text))
            return console_error(c, EXIT_USAGE, "--compress is for .npz files, not '%s'",
                                 out->item[i].text);
    return out->n ? EXIT_DONE : console_error(c, EXIT_USAGE, "--compress needs --out FILE.npz");
}

int outputs_check(const settings *s, const console *c)
{
    const named_list *out = &s->out;
    for (int i = 0; i < out->n; i++) {
        const char *path = out->item[i].text;
        if (!value_can_save(path))
            return console_error(c, EXIT_USAGE,
                                 "--out '%s' has an unknown suffix: .npy .npz .npz:member "
                                 ".safetensors .safetensors:name .csv .f32 .f64 can be written",
                                 path);
        for (int j = 0; j < i; j++) {
            if (same_place(path, out->item[j].text))
                return console_error(c, EXIT_USAGE, "--out '%s' is given twice", path);
        }
    }
    return s->given[OPT_COMPRESS] ? check_compress(out, c) : EXIT_DONE;
}

static int result_named(const jit_function_info *info, const char *name)
{
    for (int i = 0; i < info->n_out; i++) {
        if (strcmp(info->out_name[i], name) == 0)
            return i;
    }
    return -1;
}

int outputs_match(const named_list *out, const jit_function_info *info, int *result,
                  const console *c)
{
    int next = 0;
    char title[CALL_TITLE];
    if (out->n > info->n_out)
        return console_error(c, EXIT_USER, "%d --out for the %d result%s of %s", out->n,
                             info->n_out, info->n_out == 1 ? "" : "s", call_title(info, title));
    for (int i = 0; i < out->n; i++) {
        const char *name = out->item[i].name;
        result[i] = name ? result_named(info, name) : next++;
        if (result[i] < 0) {
            const char *near = console_nearest(name, info->out_name, (size_t)info->n_out);
            (void)console_error(c, EXIT_USER, "%s has no result '%s'", call_title(info, title),
                                name);
            if (near && *near)
                console_hint(c, "did you mean '%s'?", near);
            return EXIT_USER;
        }
    }
    return EXIT_DONE;
}

/* One file to be made: members of one archive share it. */
typedef struct target {
    char *file;      /* where it lies */
    char *temporary; /* beside it, so that a rename is enough; NULL: written as it is */
    const char *shown, *member; /* what the user wrote, and ":member" at its end or "" */
    bool shared;                /* an earlier target has the same file */
    bool compressed;
} target;

static int cannot_write(const target *t, int error, const console *c)
{
    return console_error(c, EXIT_FILE, "cannot write '%.*s': %s", (int)(t->member - t->shown),
                         t->shown, strerror(error));
}

/* The suffix says what kind of file it is. */
static char *temporary_name(const char *file, int i)
{
    const char *slash = strrchr(file, '/'), *suffix = strrchr(slash ? slash : file, '.');
    int directory = slash ? (int)(slash - file) + 1 : 0;
    size_t size = strlen(file) + 64;
    char *name = memory_take(size);
    (void)snprintf(name, size, "%.*s.fusejit-%ld-%d%s", directory, file, (long)getpid(), i,
                   suffix ? suffix : "");
    return name;
}

static void make_target(const settings *s, target *list, int i)
{
    const named_list *out = &s->out;
    target *t = &list[i];
    struct stat st;
    int first = i;
    t->shown = out->item[i].text;
    t->member = t->shown + file_length(t->shown);
    t->file = real_file(t->shown);
    for (int j = i - 1; j >= 0; j--)
        first = strcmp(t->file, list[j].file) == 0 ? j : first;
    t->shared = first != i;
    t->compressed = s->given[OPT_COMPRESS] != NULL;
    /* pipes and devices cannot be renamed to; a single array the library writes safely itself */
    if (out->n > 1 && (stat(t->file, &st) != 0 || S_ISREG(st.st_mode) || S_ISDIR(st.st_mode)))
        t->temporary = temporary_name(t->file, first);
}

static bool copy_bytes(int from, int to)
{
    char bytes[1 << 14];
    ssize_t n;
    while ((n = read(from, bytes, sizeof bytes)) > 0) {
        for (ssize_t done = 0, m; done < n; done += m) {
            m = write(to, bytes + done, (size_t)(n - done));
            if (m <= 0)
                return false;
        }
    }
    return n == 0;
}

/* The temporary file of one that is there: with its mode, and with the members of an archive
 * that others join. */
static int prepare(const target *t, const console *c)
{
    struct stat st;
    (void)unlink(t->temporary); /* of a killed process that had our number */
    if (stat(t->file, &st) != 0)
        return errno == ENOENT ? EXIT_DONE : cannot_write(t, errno, c);
    if (S_ISDIR(st.st_mode) || access(t->file, W_OK) != 0)
        return cannot_write(t, S_ISDIR(st.st_mode) ? EISDIR : errno, c);
    int from = *t->member ? open(t->file, O_RDONLY | O_CLOEXEC) : -1;
    if (*t->member && from < 0)
        return cannot_write(t, errno, c);
    int to = open(t->temporary, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600),
        code = EXIT_DONE;
    /* best effort: some file systems have no modes */
    if (to < 0 || (fchmod(to, st.st_mode & 07777), from >= 0 && !copy_bytes(from, to)))
        code = cannot_write(t, errno, c);
    if (to >= 0 && close(to) != 0 && !code)
        code = cannot_write(t, errno, c);
    if (from >= 0)
        (void)close(from);
    return code;
}

/* Messages of the library name the temporary file: the user's is meant. */
static void replace(char *text, size_t size, const char *from, const char *to)
{
    char *at = strstr(text, from);
    if (!at)
        return;
    char *rest = memory_text(at + strlen(from), strlen(at + strlen(from)));
    (void)snprintf(at, size - (size_t)(at - text), "%s%s", to, rest);
    free(rest);
}

static int report(jit_error *err, const target *t, const console *c)
{
    char *file = memory_text(t->shown, (size_t)(t->member - t->shown));
    for (int i = 0; t->temporary && i < err->n_diagnostics && i < JIT_MAX_DIAGNOSTICS; i++)
        replace(err->diagnostic[i].message, sizeof err->diagnostic[i].message, t->temporary,
                file);
    if (t->temporary)
        replace(err->file, sizeof err->file, t->temporary, file);
    free(file);
    return console_jit_error(c, err);
}

static int save(const jit_array *a, const target *t, const console *c)
{
    int code = t->temporary && !t->shared ? prepare(t, c) : EXIT_DONE;
    if (code)
        return code;
    const char *file = t->temporary ? t->temporary : t->shown;
    size_t size = strlen(file) + strlen(t->member) + 1;
    char *to = memory_take(size);
    jit_error err;
    (void)snprintf(to, size, "%s%s", file, t->temporary ? t->member : "");
    jit_status status = t->compressed ? jit_array_save_deflated(a, to, DEFLATE_LEVEL, &err)
                                      : jit_array_save(a, to, &err);
    free(to);
    return status == JIT_OK ? EXIT_DONE : report(&err, t, c);
}

/* Into temporary files, then into what has none; interrupted is failed. */
static int save_all(const bound_call *b, const int *result, const target *list, int n,
                    const console *c)
{
    int code = EXIT_DONE;
    for (int i = 0; i < 2 * n && !code; i++) {
        const target *t = &list[i % n];
        if (interrupt_seen())
            code = EXIT_INTERRUPT;
        else if ((t->temporary != NULL) == (i < n))
            code = save(&b->out[result[i % n]], t, c);
    }
    return !code && interrupt_seen() ? EXIT_INTERRUPT : code;
}

int outputs_write(const settings *s, const bound_call *b, const int *result, const console *c)
{
    const named_list *out = &s->out;
    target *list = memory_take((size_t)out->n * sizeof *list);
    for (int i = 0; i < out->n; i++)
        make_target(s, list, i);
    int code = save_all(b, result, list, out->n, c);
    for (int i = 0; i < out->n; i++) {
        target *t = &list[i];
        if (!code && t->temporary && !t->shared && rename(t->temporary, t->file) != 0)
            code = cannot_write(t, errno, c);
        if (code && t->temporary)
            (void)unlink(t->temporary);
        free(t->file);
        free(t->temporary);
    }
    free(list);
    return code;
}

bool outputs_can_write(const char *path)
{
    struct stat st;
    if (stat(path, &st) == 0) {
        if (S_ISDIR(st.st_mode))
            errno = EISDIR;
        return !S_ISDIR(st.st_mode) && access(path, W_OK) == 0;
    }
    if (errno != ENOENT)
        return false;
    const char *slash = strrchr(path, '/');
    char *folder = slash ? memory_text(path, (size_t)(slash - path) + 1) : memory_text(".", 1);
    bool good = access(folder, W_OK | X_OK) == 0;
    int code = errno;
    free(folder);
    errno = code;
    return good;
}
