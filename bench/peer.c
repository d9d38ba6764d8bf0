#include "peer.h"

#include <math.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

enum { ANSWER = 4096 };

static FILE *to, *from;
static pid_t child;
static char jobs[ANSWER]; /* "numpy exp,numpy sigmoid,...": the peer's hello */

static void become(const char *command, int in, int out)
{
    dup2(in, 0);
    dup2(out, 1);
    (void)execl("/bin/sh", "sh", "-c", command, (char *)NULL);
    _exit(127);
}

bool peer_start(const char *command)
{
    int down[2], up[2];
    if (pipe(down) != 0 || pipe(up) != 0)
        return false;
    child = fork();
    if (child == 0) {
        close(down[1]);
        close(up[0]);
        become(command, down[0], up[1]);
    }
    close(down[0]);
    close(up[1]);
    (void)signal(SIGPIPE, SIG_IGN); /* a peer that dies is one that has no jobs */
    to = fdopen(down[1], "w");
    from = fdopen(up[0], "r");
    if (child > 0 && to && from && fgets(jobs, sizeof jobs, from))
        return true;
    peer_stop();
    return false;
}

void peer_stop(void)
{
    if (to)
        (void)fclose(to);
    if (from)
        (void)fclose(from);
    if (child > 0)
        (void)waitpid(child, NULL, 0);
    to = from = NULL;
    child = 0;
    jobs[0] = 0;
}

bool peer_has(const char *job)
{
    size_t n = strlen(job);
    for (const char *at = jobs; (at = strstr(at, job)) != NULL; at += n)
        if ((at == jobs || at[-1] == ',') && strchr(",\n", at[n]))
            return true;
    return false;
}

double peer_run(void *job, long n)
{
    char answer[64];
    if (!to || fprintf(to, "%s,%ld\n", (const char *)job, n) < 0 || fflush(to) != 0 ||
        !fgets(answer, sizeof answer, from))
        return NAN;
    return strtod(answer, NULL);
}
