/* --out: results into files, all of them or none as far as a file system can promise. */
#define _POSIX_C_SOURCE 200809L

#include "outputs.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "interrupt.h"

/* Characters of a path that name the file itself, without ":member" of an archive. */
static size_t file_length(const char *path)
{
    const char *member = value_npz_member(path);
    return member ? (size_t)(member - path) - 1 : strlen(path);
}

static bool same_file(const char *a, const char *b)
{
    size_t n = file_length(a);
    return n == file_length(b) && strncmp(a, b, n) == 0;
}

int outputs_check(const named_list *out, const console *c)
{
    for (int i = 0; i < out->n; i++) {
        const char *path = out->item[i].text;
        if (!value_can_save(path))
            return console_error(c, EXIT_USAGE,
                                 "--out '%s' has an unknown suffix: .npy .npz "
                                 ".npz:member .csv .f32 .f64 can be written",
                                 path);
        for (int j = 0; j < i; j++) {
            const char *earlier = out->item[j].text;
            bool members = value_npz_member(path) && value_npz_member(earlier);
            if (members ? strcmp(path, earlier) == 0 : same_file(path, earlier))
                return console_error(c, EXIT_USAGE, "--out '%s' is given twice", path);
        }
    }
    return EXIT_DONE;
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
    if (out->n > info->n_out)
        return console_error(c, EXIT_USER, "%d --out for the %d result%s of '%s'", out->n,
                             info->n_out, info->n_out == 1 ? "" : "s", info->name);
    for (int i = 0; i < out->n; i++) {
        const char *name = out->item[i].name;
        result[i] = name ? result_named(info, name) : next++;
        if (result[i] < 0) {
            const char *near = console_nearest(name, info->out_name, (size_t)info->n_out);
            (void)console_error(c, EXIT_USER, "'%s' has no result '%s'", info->name, name);
            if (near && *near)
                console_hint(c, "did you mean '%s'?", near);
            return EXIT_USER;
        }
    }
    return EXIT_DONE;
}

/* One file to be made: members of one archive share it. */
typedef struct target {
    char *file, *temporary; /* the latter beside it, so that a rename is enough */
    bool shared;            /* an earlier target has the same file */
} target;

static char *temporary_name(const char *file, int i)
{
    const char *slash = strrchr(file, '/');
    int directory = slash ? (int)(slash - file) + 1 : 0;
    size_t size = strlen(file) + 64;
    char *name = memory_take(size);
    (void)snprintf(name, size, "%.*s.fusejit-%ld-%d-%s", directory, file, (long)getpid(), i,
                   file + directory);
    return name;
}

static void make_target(const named_list *out, target *list, int i)
{
    const char *path = out->item[i].text;
    int first = i;
    for (int j = i - 1; j >= 0; j--)
        first = same_file(path, out->item[j].text) ? j : first;
    list[i].file = memory_text(path, file_length(path));
    list[i].temporary = temporary_name(list[i].file, first);
    list[i].shared = first != i;
}

/* A member joins those the archive has: the temporary file starts as a copy of it. */
static int copy_archive(const target *t, const console *c)
{
    char bytes[1 << 14];
    size_t n;
    FILE *from = fopen(t->file, "rb");
    if (!from)
        return errno == ENOENT ? EXIT_DONE
                               : console_error(c, EXIT_FILE, "cannot open '%s': %s", t->file,
                                               strerror(errno));
    FILE *to = fopen(t->temporary, "wb");
    bool good = to != NULL;
    while (good && (n = fread(bytes, 1, sizeof bytes, from)) > 0)
        good = fwrite(bytes, 1, n, to) == n;
    good = good && !ferror(from);
    if (to)
        good = fclose(to) == 0 && good;
    (void)fclose(from);
    return good
               ? EXIT_DONE
               : console_error(c, EXIT_FILE, "cannot write '%s': %s", t->file, strerror(errno));
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

static int save(const jit_array *a, const target *t, const char *path, const console *c)
{
    const char *member = path + strlen(t->file); /* "" or ":member" */
    size_t size = strlen(t->temporary) + strlen(member) + 1;
    int code = *member && !t->shared ? copy_archive(t, c) : EXIT_DONE;
    if (code)
        return code;
    char *to = memory_take(size);
    jit_error err;
    (void)snprintf(to, size, "%s%s", t->temporary, member);
    jit_status status = jit_array_save(a, to, &err);
    free(to);
    if (status == JIT_OK)
        return EXIT_DONE;
    for (int i = 0; i < err.n_diagnostics && i < JIT_MAX_DIAGNOSTICS; i++)
        replace(err.diagnostic[i].message, sizeof err.diagnostic[i].message, t->temporary,
                t->file);
    replace(err.file, sizeof err.file, t->temporary, t->file);
    return console_jit_error(c, &err);
}

int outputs_write(const named_list *out, const bound_call *b, const int *result,
                  const console *c)
{
    int n = 0, code = EXIT_DONE;
    target *list = memory_take((size_t)out->n * sizeof *list);
    for (; n < out->n && !code; n++) {
        make_target(out, list, n);
        code = save(&b->out[result[n]], &list[n], out->item[n].text, c);
    }
    if (!code && interrupt_seen())
        code = EXIT_INTERRUPT;
    for (int i = 0; i < n; i++) {
        if (!code && !list[i].shared && rename(list[i].temporary, list[i].file) != 0)
            code = console_error(c, EXIT_FILE, "cannot write '%s': %s", list[i].file,
                                 strerror(errno));
        if (code)
            (void)unlink(list[i].temporary);
        free(list[i].file);
        free(list[i].temporary);
    }
    free(list);
    return code;
}
