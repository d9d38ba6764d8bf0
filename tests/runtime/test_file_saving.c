/* Saving leaves a whole new file or the old one, and nothing else; and pipes and links. */
#include <criterion/criterion.h>
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include "files_support.h"

enum { N = 50000 };
static float values[N];

static jit_array whole(void)
{
    static const int64_t n = N;
    for (int i = 0; i < N; i++)
        values[i] = (float)i * 0.25F;
    return jit_array_of(JIT_F32, values, 1, &n);
}

static const char *const names[] = { "x.npy", "x.npz", "x.npz:m", "x.csv", "x.f32", "x.f64" };
enum { N_NAMES = sizeof names / sizeof *names };

static const char *file_of(const char *name) /* without :member */
{
    return files_path(strcmp(name, "x.npz:m") == 0 ? "x.npz" : name);
}

static void expect_kept(const char *name, bytes old, const char *why)
{
    bytes now = files_get(file_of(name));
    cr_assert(now.at, "%s: %s", name, why);
    cr_assert_eq(now.n, old.n, "%s: %s", name, why);
    cr_assert_arr_eq(now.at, old.at, old.n, "%s: %s", name, why);
    cr_assert_eq(files_in_folder(), 1, "%s: %s", name, why);
    bytes_free(&now);
}

/* A file-size limit stands in for a full disk. */
Test(file_saving, keeps_the_old_file_when_the_disk_is_full, .fini = files_remove_folder)
{
    static const int64_t small = 3;
    jit_array a = whole(), old_array = jit_array_of(JIT_F32, values, 1, &small);
    (void)signal(SIGXFSZ, SIG_IGN);
    for (int i = 0; i < N_NAMES; i++) {
        jit_error err;
        struct rlimit before, limit;
        cr_assert_eq(jit_array_save(&old_array, files_path(names[i]), NULL), JIT_OK);
        bytes old = files_get(file_of(names[i]));
        cr_assert_eq(getrlimit(RLIMIT_FSIZE, &before), 0);
        limit = (struct rlimit){ 100000, before.rlim_max };
        cr_assert_eq(setrlimit(RLIMIT_FSIZE, &limit), 0);
        jit_status status = jit_array_save(&a, files_path(names[i]), &err);
        cr_assert_eq(setrlimit(RLIMIT_FSIZE, &before), 0);
        cr_assert_eq(status, JIT_ERR_FILE, "%s", names[i]);
        cr_assert_eq(err.diagnostic[0].code, 604);
        expect_kept(names[i], old, err.diagnostic[0].message);
        bytes_free(&old);
        cr_assert_eq(unlink(file_of(names[i])), 0);
    }
}

Test(file_saving, refuses_what_cannot_be_written, .fini = files_remove_folder)
{
    static uint16_t halves[4];
    static char long_member[1100];
    static const int64_t four = 4;
    jit_array a = whole(), b = jit_array_of(JIT_BF16, halves, 1, &four);
    jit_array cube = jit_array_of(JIT_F32, values, 3, (int64_t[]){ 2, 2, 2 }), bad = a,
              null = a;
    bad.dtype = JIT_NONE;
    null.data = NULL;
    jit_array negative = jit_array_of(JIT_F32, values, 1, (int64_t[]){ -1 });
    jit_array large = jit_array_of(JIT_F32, values, 2, (int64_t[]){ INT64_MAX, 2 });
    jit_array rank = jit_array_of(JIT_F32, values, 9, (int64_t[]){ 1 });
    const struct row {
        const jit_array *a;
        const char *name;
        jit_status status;
        int32_t code;
    } rows[] = {
        { &a, "none/x.npy", JIT_ERR_FILE, 604 },
        { &a, "none/x.npz:m", JIT_ERR_FILE, 604 },
        { &a, "folder.npy", JIT_ERR_FILE, 604 },
        { &a, "x.txt", JIT_ERR_ARGUMENT, 601 },
        { &a, "x.idx", JIT_ERR_UNSUPPORTED, 662 },
        { &a, "x.npy.gz", JIT_ERR_UNSUPPORTED, 662 },
        { &b, "x.npy", JIT_ERR_TYPE, 660 },
        { &b, "x.npz:m", JIT_ERR_TYPE, 660 },
        { &cube, "x.csv", JIT_ERR_SHAPE, 661 },
        { &bad, "x.npy", JIT_ERR_ARGUMENT, 600 },
        { &null, "x.npy", JIT_ERR_ARGUMENT, 600 },
        { &negative, "x.npy", JIT_ERR_ARGUMENT, 600 },
        { &large, "x.npy", JIT_ERR_ARGUMENT, 600 },
        { &rank, "x.npy", JIT_ERR_ARGUMENT, 600 },
        { &a, long_member, JIT_ERR_ARGUMENT, 631 },
        { &a, "x.npz:\xCE\xB2.npy", JIT_OK, 0 },
    };
    memset(long_member, 'm', sizeof long_member - 1);
    memcpy(long_member, "x.npz:", 6);
    cr_assert_eq(mkdir(files_path("folder.npy"), 0777), 0);
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        jit_error err;
        cr_assert_eq(jit_array_save(rows[i].a, files_path(rows[i].name), &err), rows[i].status,
                     "%s: %s", rows[i].name, err.diagnostic[0].message);
        if (rows[i].status != JIT_OK)
            cr_assert_eq(err.diagnostic[0].code, rows[i].code, "%s: %s", rows[i].name,
                         err.diagnostic[0].message);
    }
    cr_assert_eq(files_in_folder(), 2); /* the folder and the last row */
}

Test(file_saving, does_not_update_what_it_cannot_read, .fini = files_remove_folder)
{
    jit_array a = whole();
    jit_error err;
    bytes encrypted = bytes_zip("w.npy", 0, bytes_of("text", 4));
    encrypted.at[30 + 5 + 4 + 8] = 1;
    bytes damaged[] = { bytes_of("no archive, but long enough to be one", 37), encrypted };
    for (int i = 0; i < 2; i++) {
        files_put(files_path("x.npz"), damaged[i]);
        cr_assert_eq(jit_array_save(&a, files_path("x.npz:m"), &err), JIT_ERR_FORMAT);
        cr_assert_eq(err.diagnostic[0].code, i ? 632 : 630);
        expect_kept("x.npz:m", damaged[i], "update");
        bytes_free(&damaged[i]);
    }
    cr_assert_eq(jit_array_save(&a, files_path("x.npz"), &err), JIT_OK); /* replaced whole */
}

Test(file_saving, follows_links_and_keeps_modes, .fini = files_remove_folder)
{
    jit_array a = whole(), b;
    struct stat st;
    files_put(files_path("real.npy"), (bytes){ (uint8_t *)values, 8 });
    cr_assert_eq(chmod(files_path("real.npy"), 0640), 0);
    cr_assert_eq(symlink("real.npy", files_path("link.npy")), 0);
    cr_assert_eq(jit_array_save(&a, files_path("link.npy"), NULL), JIT_OK);
    cr_assert_eq(lstat(files_path("link.npy"), &st), 0);
    cr_assert(S_ISLNK(st.st_mode));
    cr_assert_eq(stat(files_path("real.npy"), &st), 0);
    cr_assert_eq(st.st_mode & 0777, 0640);
    cr_assert_eq(jit_array_load(&b, files_path("real.npy"), NULL), JIT_OK);
    cr_assert_eq(jit_array_count(&b), N);
    jit_array_free(&b);
    mode_t mask = umask(027);
    cr_assert_eq(jit_array_save(&a, files_path("new.npy"), NULL), JIT_OK);
    (void)umask(mask);
    cr_assert_eq(stat(files_path("new.npy"), &st), 0);
    cr_assert_eq(st.st_mode & 0777, 0640);
}

static void *read_pipe(void *path)
{
    static uint8_t got[N * sizeof(float) + 4096];
    static bytes b;
    b = (bytes){ got, 0 };
    int fd = open(path, O_RDONLY);
    for (ssize_t n = 1; fd >= 0 && n > 0; b.n += n > 0 ? (size_t)n : 0)
        n = read(fd, got + b.n, sizeof got - b.n);
    close(fd);
    return &b;
}

static void *write_pipe(void *path)
{
    bytes whole_file = files_get(files_path("x.npy"));
    int fd = open(path, O_WRONLY);
    for (size_t done = 0; fd >= 0 && done < whole_file.n;) {
        size_t left = whole_file.n - done;
        ssize_t n = write(fd, whole_file.at + done, left < 777 ? left : 777); /* short pieces */
        done += n > 0 ? (size_t)n : 0;
    }
    close(fd);
    bytes_free(&whole_file);
    return NULL;
}

Test(file_saving, goes_through_pipes, .fini = files_remove_folder)
{
    jit_array a = whole(), b;
    char path[256];
    struct stat st;
    pthread_t other;
    void *read_back;
    (void)snprintf(path, sizeof path, "%s", files_path("pipe.npy"));
    cr_assert_eq(mkfifo(path, 0666), 0);
    cr_assert_eq(pthread_create(&other, NULL, read_pipe, path), 0);
    cr_assert_eq(jit_array_save(&a, path, NULL), JIT_OK);
    cr_assert_eq(pthread_join(other, &read_back), 0);
    cr_assert_eq(jit_array_save(&a, files_path("x.npy"), NULL), JIT_OK);
    bytes file = files_get(files_path("x.npy")), *got = read_back;
    cr_assert_eq(got->n, file.n);
    cr_assert_arr_eq(got->at, file.at, file.n);
    bytes_free(&file);
    cr_assert_eq(stat(path, &st), 0);
    cr_assert(S_ISFIFO(st.st_mode));
    cr_assert_eq(pthread_create(&other, NULL, write_pipe, path), 0);
    cr_assert_eq(jit_array_load(&b, path, NULL), JIT_OK);
    cr_assert_eq(pthread_join(other, NULL), 0);
    cr_assert_arr_eq(b.data, values, sizeof values);
    jit_array_free(&b);
}

static void *close_early(void *path)
{
    char some[100];
    int fd = open(path, O_RDONLY);
    (void)(read(fd, some, sizeof some) + 1);
    close(fd);
    return NULL;
}

/* The default action of SIGPIPE would end this process. */
Test(file_saving, survives_a_reader_that_has_gone, .fini = files_remove_folder)
{
    jit_array a = whole();
    jit_error err;
    char path[256];
    pthread_t other;
    sigset_t pending;
    (void)signal(SIGPIPE, SIG_DFL);
    (void)snprintf(path, sizeof path, "%s", files_path("pipe.npy"));
    cr_assert_eq(mkfifo(path, 0666), 0);
    cr_assert_eq(pthread_create(&other, NULL, close_early, path), 0);
    cr_assert_eq(jit_array_save(&a, path, &err), JIT_ERR_FILE);
    cr_assert_eq(pthread_join(other, NULL), 0);
    cr_assert(strstr(err.diagnostic[0].message, "broken pipe"), "%s",
              err.diagnostic[0].message);
    cr_assert_eq(sigpending(&pending), 0);
    cr_assert_not(sigismember(&pending, SIGPIPE));
    cr_assert_eq(symlink("/dev/full", files_path("full.npy")), 0);
    cr_assert_eq(jit_array_save(&a, files_path("full.npy"), &err), JIT_ERR_FILE);
}

/* A link to standard output that is a file: what was written before stays before. */
Test(file_saving, does_not_rename_over_standard_output, .fini = files_remove_folder)
{
    jit_array a = whole();
    int out = dup(1), file = open(files_path("stdout"), O_RDWR | O_CREAT, 0666);
    cr_assert(out >= 0 && file >= 0);
    cr_assert_eq(dup2(file, 1), 1);
    cr_assert_eq(write(1, "before", 6), 6);
    cr_assert_eq(symlink("/dev/stdout", files_path("o.f32")), 0);
    jit_status status = jit_array_save(&a, files_path("o.f32"), NULL);
    cr_assert_eq(write(1, "after", 5), 5);
    cr_assert_eq(dup2(out, 1), 1);
    cr_assert_eq(status, JIT_OK);
    bytes b = files_get(files_path("stdout"));
    cr_assert_eq(b.n, 6 + sizeof values + 5);
    cr_assert_arr_eq(b.at + 6, values, sizeof values);
    bytes_free(&b);
}

/* A file that has been cut. */
Test(file_saving, reads_only_what_is_there, .fini = files_remove_folder)
{
    jit_array a = whole(), b;
    cr_assert_eq(jit_array_save(&a, files_path("x.npy"), NULL), JIT_OK);
    cr_assert_eq(truncate(files_path("x.npy"), 1000), 0);
    cr_assert_eq(jit_array_load(&b, files_path("x.npy"), NULL), JIT_ERR_FORMAT);
}
