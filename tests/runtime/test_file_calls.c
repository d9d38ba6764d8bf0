/* Each system call of a load or save fails, is interrupted, or transfers only a part. */
#include <criterion/criterion.h>
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "failing_calls.h"
#include "files_support.h"

enum { N = 6000, MOST = 60 };
static const char *const names[] = { "x.npy", "x.npz:m", "x.csv", "x.f32", "x.safetensors:m" };
enum { N_NAMES = sizeof names / sizeof *names };

static double numbers[N];
static float values[N];

static void check_values(const jit_array *a, const char *name)
{
    cr_assert_eq(jit_array_count(a), N);
    if (a->dtype == JIT_F32)
        cr_assert_arr_eq(a->data, values, sizeof values, "%s", name);
    else
        cr_assert_arr_eq(a->data, numbers, sizeof numbers, "%s", name);
}

static bool must_fail(failing_call call, failing_how how, bool happened)
{
    return happened && how == HOW_FAILS && call != CALL_CLOSE;
}

static bool one_load(const char *path, failing_call call, failing_how how, long n)
{
    jit_array a;
    jit_error err;
    failing_calls_arm(call, how, n);
    jit_status status = jit_array_load(&a, path, &err);
    bool happened = failing_calls_disarm();
    cr_assert_eq(status, must_fail(call, how, happened) ? JIT_ERR_FILE : JIT_OK,
                 "%s: call %d, way %d, number %ld: %s", path, (int)call, (int)how, n,
                 err.diagnostic[0].message);
    if (status == JIT_OK)
        check_values(&a, path);
    jit_array_free(&a);
    return happened;
}

/* Closing, and what is done to the folder once the file is in its place. */
static bool may_fail_silently(failing_call call)
{
    return call == CALL_CLOSE || call == CALL_OPEN || call == CALL_FSYNC;
}

/* A failed save leaves the file of before, which has one element less. */
static bool one_save(const char *path, failing_call call, failing_how how, long n)
{
    static const int64_t whole = N, less = N - 1;
    jit_array a = jit_array_of(JIT_F32, values, 1, &whole), b;
    jit_array old = jit_array_of(JIT_F32, values, 1, &less);
    jit_error err;
    cr_assert_eq(jit_array_save(&old, path, &err), JIT_OK);
    int files = files_in_folder();
    failing_calls_arm(call, how, n);
    jit_status status = jit_array_save(&a, path, &err);
    bool happened = failing_calls_disarm();
    bool fails = happened && how == HOW_FAILS;
    cr_assert(status == (fails ? JIT_ERR_FILE : JIT_OK) ||
                  (status == JIT_OK && may_fail_silently(call)),
              "%s: call %d, way %d, number %ld: %s", path, (int)call, (int)how, n,
              err.diagnostic[0].message);
    cr_assert_eq(files_in_folder(), files);
    cr_assert_eq(jit_array_load(&b, path, NULL), JIT_OK);
    cr_assert_eq(jit_array_count(&b), status == JIT_OK ? N : N - 1);
    jit_array_free(&b);
    return happened;
}

static void fill(void)
{
    for (int i = 0; i < N; i++) {
        values[i] = (float)i / 8;
        numbers[i] = values[i];
    }
}

Test(file_calls, every_system_call_may_go_wrong, .fini = files_remove_folder)
{
    fill();
    for (int i = 0; i < N_NAMES * N_CALLS * N_HOWS; i++) {
        char path[256];
        failing_call call = (failing_call)(i / N_HOWS % N_CALLS);
        failing_how how = (failing_how)(i % N_HOWS);
        long n = 0, m = 0;
        (void)snprintf(path, sizeof path, "%s", files_path(names[i / N_HOWS / N_CALLS]));
        while (n < MOST && one_save(path, call, how, n))
            n++;
        cr_assert(n < MOST && (n > 0 || call == CALL_READ || call == CALL_PREAD), "%s: %ld",
                  path, n);
        cr_assert_eq(
            jit_array_save(&(jit_array){ values, JIT_F32, 1, { N }, { 4 } }, path, NULL),
            JIT_OK);
        while (m < MOST && one_load(path, call, how, m))
            m++;
        bool loading = call != CALL_READ && call != CALL_WRITE && call != CALL_RENAME &&
                       call != CALL_FSYNC;
        cr_assert(m < MOST && (m > 0 || !loading), "%s: %ld", path, m);
    }
}

/* A file that replaces another is synced before it does, and its folder after; a new one is not. */
Test(file_calls, what_replaces_a_file_is_on_the_disk, .fini = files_remove_folder)
{
    for (int i = 0; i < N_NAMES; i++) {
        char path[256];
        jit_error err;
        jit_array a = jit_array_of(JIT_F32, values, 1, (int64_t[]){ 3 }), b;
        (void)snprintf(path, sizeof path, "%s", files_path(names[i]));
        failing_calls_arm(CALL_FSYNC, HOW_FAILS, 0);
        cr_assert_eq(jit_array_save(&a, path, NULL), JIT_OK);
        cr_assert_not(failing_calls_disarm(), "%s", path);
        a.shape[0] = 2;
        failing_calls_arm(CALL_FSYNC, HOW_FAILS, 0);
        cr_assert_eq(jit_array_save(&a, path, &err), JIT_ERR_FILE);
        cr_assert(failing_calls_disarm());
        cr_assert_eq(err.diagnostic[0].code, 604, "%s", err.diagnostic[0].message);
        cr_assert_eq(jit_array_load(&b, path, NULL), JIT_OK);
        cr_assert_eq(jit_array_count(&b), 3);
        jit_array_free(&b);
        for (long n = 1; n <= 2; n++) {
            failing_calls_arm(CALL_FSYNC, HOW_FAILS, n);
            cr_assert_eq(jit_array_save(&a, path, &err), JIT_OK, "%s",
                         err.diagnostic[0].message);
            cr_assert_eq(failing_calls_disarm(), n == 1);
        }
        cr_assert_eq(jit_array_load(&b, path, NULL), JIT_OK);
        cr_assert_eq(jit_array_count(&b), 2);
        jit_array_free(&b);
    }
    cr_assert_eq(files_in_folder(), N_NAMES);
}

static void *write_pipe(void *path)
{
    static const char text[] = "1\n2\n3\n";
    int fd = open(path, O_WRONLY);
    (void)(write(fd, text, sizeof text - 1) + 1);
    close(fd);
    return NULL;
}

Test(file_calls, a_pipe_may_be_interrupted, .fini = files_remove_folder)
{
    char path[256];
    /* A reader that fails may be gone before the writer has begun. */
    (void)signal(SIGPIPE, SIG_IGN);
    (void)snprintf(path, sizeof path, "%s", files_path("pipe.csv"));
    cr_assert_eq(mkfifo(path, 0666), 0);
    for (int how = 0; how < N_HOWS; how++) {
        pthread_t other;
        jit_array a;
        cr_assert_eq(pthread_create(&other, NULL, write_pipe, path), 0);
        failing_calls_arm(CALL_READ, (failing_how)how, 0);
        jit_status status = jit_array_load(&a, path, NULL);
        cr_assert(failing_calls_disarm());
        cr_assert_eq(status, how == HOW_FAILS ? JIT_ERR_FILE : JIT_OK);
        cr_assert_eq(jit_array_count(&a), how == HOW_FAILS ? 1 : 3);
        jit_array_free(&a);
        cr_assert_eq(pthread_join(other, NULL), 0);
    }
}
