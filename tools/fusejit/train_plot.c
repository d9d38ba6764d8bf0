/* Curves of the losses, drawn by gnuplot: a program of its own, which reads commands and numbers from a
 * pipe. It draws into a temporary file, which takes the place of the old one when it is whole. */
#define _POSIX_C_SOURCE 200809L

#include <errno.h>
#include <fcntl.h>
#include <math.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "train_job.h"

static bool found_in(const char *folder, size_t n)
{
    char path[4096];
    (void)snprintf(path, sizeof path, "%.*s/gnuplot", (int)(n < 4000 ? n : 4000), folder);
    return access(path, X_OK) == 0;
}

int train_plot_check(const char *path, const console *c)
{
    const char *at = getenv("PATH");
    while (at && *at) {
        size_t n = strcspn(at, ":");
        if (n > 0 && found_in(at, n))
            return EXIT_DONE;
        at += n + (at[n] == ':');
    }
    (void)console_error(c, EXIT_FILE, "--plot %s: there is no program gnuplot to draw with",
                        path);
    console_hint(c, "install the package gnuplot-nox");
    return EXIT_FILE;
}

/* -------------------------------------------------------------------------- what it reads */

static double value(const train_curve *e, int column)
{
    const double all[] = { e->loss, e->val_loss, e->metric, e->val_metric };
    return all[column];
}

static bool has(const train_report *r, int column)
{
    for (int i = 0; i < r->n_curve; i++)
        if (isfinite(value(&r->curve[i], column)))
            return true;
    return false;
}

static void put_data(FILE *f, const train_report *r)
{
    (void)fputs("$d << end_of_data\n", f);
    for (int i = 0; i < r->n_curve; i++) {
        (void)fprintf(f, "%lld", (long long)r->curve[i].epoch);
        for (int k = 0; k < 4; k++) {
            double v = value(&r->curve[i], k);
            if (isfinite(v))
                (void)fprintf(f, " %.9g", v);
            else
                (void)fputs(" NaN", f);
        }
        (void)fputs("\n", f);
    }
    (void)fputs("end_of_data\n", f);
}

/* Losses on the left axis, the metric on the right one. */
static void put_commands(FILE *f, const train_report *r, bool svg)
{
    static const char *const titles[] = { "loss", "val_loss", "", "val_" };
    static const char *const looks[] = { "lc rgb '#1f5fbf' lw 2", "lc rgb '#d9480f' lw 2",
                                         "axes x1y2 lc rgb '#1f5fbf' lw 1 dt 2",
                                         "axes x1y2 lc rgb '#d9480f' lw 1 dt 2" };
    (void)fprintf(f, "set terminal %s\n",
                  svg ? "svg size 720,432 font 'sans,13' background rgb 'white'"
                      : "pngcairo size 900,540 font 'sans,11' background rgb 'white'");
    enum { FEW = 12 }; /* epochs: a mark for each */
    (void)fprintf(f, "set xtics %s\n", r->n_curve <= FEW ? "1" : "autofreq");
    (void)fputs("set output '/dev/stdout'\nset grid lc rgb '#dddddd'\nset border 3\n"
                "set tics nomirror\nset xlabel 'epoch'\nset ylabel 'loss'\n"
                "set key outside bottom center horizontal\n",
                f);
    bool metric = r->shown && (has(r, 2) || has(r, 3));
    if (metric)
        (void)fprintf(f, "set border 11\nset y2tics\nset y2label '%s'\n", r->shown);
    put_data(f, r);
    (void)fputs("plot", f);
    bool first = true;
    for (int k = 0; k < (metric ? 4 : 2); k++) {
        if (!has(r, k))
            continue;
        (void)fprintf(f, "%s $d using 1:%d with lines%s %s title '%s%s' noenhanced",
                      first ? "" : ",", k + 2, r->n_curve == 1 ? "points" : "", looks[k],
                      titles[k], k > 1 ? r->shown : "");
        first = false;
    }
    (void)fputs("\n", f);
}

/* -------------------------------------------------------------------------- running it */

static _Noreturn void run_gnuplot(int in, int out)
{
    if (dup2(in, STDIN_FILENO) >= 0 && dup2(out, STDOUT_FILENO) >= 0)
        (void)execlp("gnuplot", "gnuplot", (char *)NULL);
    _exit(127);
}

/* The exit status of gnuplot, -1 if it did not run. */
static int draw(const train_report *r, bool svg, int out)
{
    int pipes[2], status = -1;
    if (pipe(pipes) != 0)
        return -1;
    (void)fcntl(pipes[1], F_SETFD, FD_CLOEXEC);
    (void)fflush(NULL);
    pid_t child = fork();
    if (child == 0)
        run_gnuplot(pipes[0], out);
    (void)close(pipes[0]);
    FILE *f = child > 0 ? fdopen(pipes[1], "w") : NULL;
    if (f) {
        put_commands(f, r, svg);
        (void)fclose(f);
    } else {
        (void)close(pipes[1]);
    }
    while (child > 0 && waitpid(child, &status, 0) < 0 && errno == EINTR)
        continue;
    return child > 0 && WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

static int finish(const char *temporary, const char *path, const console *c)
{
    struct stat st;
    if (stat(temporary, &st) != 0 || st.st_size == 0)
        return console_error(c, EXIT_FILE, "cannot write '%s': gnuplot drew nothing", path);
    if (rename(temporary, path) == 0)
        return EXIT_DONE;
    return console_error(c, EXIT_FILE, "cannot write '%s': %s", path, strerror(errno));
}

int train_plot(const train_report *r, const char *path, const console *c)
{
    size_t n = strlen(path);
    char *temporary = memory_take(n + 64);
    if (r->n_curve == 0) {
        free(temporary);
        return EXIT_DONE; /* stopped before there was anything to draw */
    }
    (void)snprintf(temporary, n + 64, "%s.%ld.tmp", path, (long)getpid());
    int out = open(temporary, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0666);
    int code = out < 0
                   ? console_error(c, EXIT_FILE, "cannot write '%s': %s", path, strerror(errno))
                   : EXIT_DONE;
    if (!code) {
        int status = draw(r, strcmp(path + n - 4, ".svg") == 0, out);
        (void)close(out);
        code = status == 0
                   ? finish(temporary, path, c)
                   : console_error(c, EXIT_FILE, "cannot draw '%s': gnuplot failed", path);
        if (code)
            (void)unlink(temporary);
    }
    free(temporary);
    return code;
}
