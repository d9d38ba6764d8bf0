#include "fresh.h"

#include <fcntl.h>
#include <math.h>
#include <signal.h>
#include <spawn.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "contest.h"

extern char **environ;

/* Our ends of the child's input and output; the same one for a terminal. */
typedef struct ends {
    int to, from;
    pid_t pid;
} ends;

/* VmHWM of /proc counts from the exec on; ru_maxrss would count this program's memory too. */
static double most_resident_mib(pid_t pid)
{
    char path[64], line[128];
    double kib = NAN;
    (void)snprintf(path, sizeof path, "/proc/%ld/status", (long)pid);
    FILE *f = fopen(path, "r");
    while (f && fgets(line, sizeof line, f))
        if (strncmp(line, "VmHWM:", 6) == 0)
            kib = strtod(line + 6, NULL);
    if (f)
        (void)fclose(f);
    return kib / 1024;
}

static bool start(const fresh_process *p, ends *e, posix_spawn_file_actions_t *actions,
                  const posix_spawnattr_t *attributes)
{
    char *const *argv = (char *const *)(uintptr_t)p->argv;
    return posix_spawnp(&e->pid, p->argv[0], actions, attributes, argv, environ) == 0;
}

static bool start_on_pipes(const fresh_process *p, ends *e)
{
    int in[2], out[2];
    posix_spawn_file_actions_t actions;
    if (pipe2(in, O_CLOEXEC) != 0)
        return false;
    if (pipe2(out, O_CLOEXEC) != 0) {
        close(in[0]);
        close(in[1]);
        return false;
    }
    (void)posix_spawn_file_actions_init(&actions);
    (void)posix_spawn_file_actions_adddup2(&actions, in[0], 0);
    (void)posix_spawn_file_actions_adddup2(&actions, out[1], 1);
    *e = (ends){ .to = in[1], .from = out[0] };
    bool good = start(p, e, &actions, NULL);
    (void)posix_spawn_file_actions_destroy(&actions);
    close(in[0]);
    close(out[1]);
    if (!good) {
        close(e->to);
        close(e->from);
    }
    return good;
}

static bool start_on_terminal(const fresh_process *p, ends *e)
{
    posix_spawn_file_actions_t actions;
    posix_spawnattr_t attributes;
    int master = posix_openpt(O_RDWR | O_NOCTTY | O_CLOEXEC);
    const char *name = NULL;
    if (master >= 0 && grantpt(master) == 0 && unlockpt(master) == 0)
        name = ptsname(master);
    if (!name)
        return false;
    (void)posix_spawn_file_actions_init(&actions);
    (void)posix_spawnattr_init(&attributes);
    (void)posix_spawnattr_setflags(&attributes, POSIX_SPAWN_SETSID);
    (void)posix_spawn_file_actions_addopen(&actions, 0, name, O_RDWR, 0);
    (void)posix_spawn_file_actions_adddup2(&actions, 0, 1);
    (void)posix_spawn_file_actions_adddup2(&actions, 0, 2);
    *e = (ends){ .to = master, .from = master };
    bool good = start(p, e, &actions, &attributes);
    (void)posix_spawn_file_actions_destroy(&actions);
    (void)posix_spawnattr_destroy(&attributes);
    if (!good)
        close(master);
    return good;
}

/* Until the first byte, or the prompt. */
static bool wait_for(const char *prompt, int from)
{
    char text[4096];
    size_t n = 0;
    while (n + 1 < sizeof text) {
        ssize_t got = read(from, text + n, sizeof text - 1 - n);
        if (got <= 0)
            return false;
        n += (size_t)got;
        text[n] = 0;
        if (!prompt || strstr(text, prompt))
            return true;
    }
    return false;
}

static double run_once(fresh_process *p)
{
    ends e;
    double begin = contest_now_ns();
    if (!(p->prompt ? start_on_terminal(p, &e) : start_on_pipes(p, &e)))
        return NAN;
    bool good = wait_for(p->prompt, e.from);
    double ns = contest_now_ns() - begin;
    double mib = most_resident_mib(e.pid);
    if (good && !(p->memory_mib > 0 && p->memory_mib <= mib))
        p->memory_mib = mib;
    close(e.to);
    if (e.from != e.to)
        close(e.from);
    if (p->prompt)
        (void)kill(e.pid, SIGKILL);
    (void)waitpid(e.pid, NULL, 0);
    return good ? ns : NAN;
}

double fresh_run(void *arg, long n)
{
    double ns = 0;
    for (long i = 0; i < n; i++)
        ns += run_once(arg);
    return ns;
}
