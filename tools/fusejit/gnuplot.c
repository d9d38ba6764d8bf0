/* Pictures in files, drawn by gnuplot: a program of its own, which reads commands and numbers from a
 * pipe. */
#define _POSIX_C_SOURCE 200809L

#include "gnuplot.h"

#include <errno.h>
#include <fcntl.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "values.h"

bool gnuplot_knows(const char *path)
{
    return value_ends_with(path, ".svg") || value_ends_with(path, ".png");
}

static bool found_in(const char *folder, size_t n)
{
    char path[4096];
    (void)snprintf(path, sizeof path, "%.*s/gnuplot", (int)(n < 4000 ? n : 4000), folder);
    return access(path, X_OK) == 0;
}

int gnuplot_check(const char *what, const char *path, const console *c)
{
    const char *at = getenv("PATH");
    while (at && *at) {
        size_t n = strcspn(at, ":");
        if (n > 0 && found_in(at, n))
            return EXIT_DONE;
        at += n + (at[n] == ':');
    }
    (void)console_error(c, EXIT_FILE, "%s %s: there is no program gnuplot to draw with", what,
                        path);
    console_hint(c, "install the package gnuplot-nox");
    return EXIT_FILE;
}

/* -------------------------------------------------------------------------- what it reads */

void gnuplot_text(FILE *f, const char *text)
{
    (void)fputc('\'', f);
    for (; *text; text++) {
        if (*text == '\'')
            (void)fputc('\'', f);
        (void)fputc((unsigned char)*text < 0x20 ? ' ' : *text, f);
    }
    (void)fputc('\'', f);
}

void gnuplot_number(FILE *f, double v)
{
    if (isfinite(v))
        (void)fprintf(f, " %.17g", v);
    else
        (void)fputs(" NaN", f);
}

static void put_commands(FILE *f, const gnuplot_picture *p)
{
    bool svg = value_ends_with(p->path, ".svg");
    (void)fprintf(f, "set terminal %s\nset output '/dev/stdout'\n",
                  svg ? "svg size 720,432 font 'sans,13' background rgb 'white'"
                      : "pngcairo size 900,540 font 'sans,11' background rgb 'white'");
    p->write(f, p->of);
}

/* -------------------------------------------------------------------------- running it */

static _Noreturn void run_gnuplot(int in, int out)
{
    if (dup2(in, STDIN_FILENO) >= 0 && dup2(out, STDOUT_FILENO) >= 0)
        (void)execlp("gnuplot", "gnuplot", "-d", (char *)NULL);
    _exit(127);
}

/* The exit status of gnuplot, -1 if it did not run. */
static int draw(const gnuplot_picture *p, int out)
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
        put_commands(f, p);
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

int gnuplot_draw(const gnuplot_picture *p, const console *c)
{
    size_t n = strlen(p->path);
    char *temporary = memory_take(n + 64);
    (void)snprintf(temporary, n + 64, "%s.%ld.tmp", p->path, (long)getpid());
    int out = open(temporary, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0666);
    int code =
        out < 0 ? console_error(c, EXIT_FILE, "cannot write '%s': %s", p->path, strerror(errno))
                : EXIT_DONE;
    if (!code) {
        int status = draw(p, out);
        (void)close(out);
        code = status == 0
                   ? finish(temporary, p->path, c)
                   : console_error(c, EXIT_FILE, "cannot draw '%s': gnuplot failed", p->path);
        if (code)
            (void)unlink(temporary);
    }
    free(temporary);
    return code;
}
