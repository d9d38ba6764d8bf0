/* SIGINT: asks the work in progress to stop. */
#define _POSIX_C_SOURCE 200809L

#include "interrupt.h"

#include <signal.h>
#include <string.h>
#include <unistd.h>

#include "console.h"

/* The one mutable global of the program: a signal handler has no other way to speak. */
static volatile int32_t interrupted;

static void on_interrupt(int number)
{
    (void)number;
    if (interrupted)
        _exit(EXIT_INTERRUPT);
    interrupted = 1;
}

void interrupt_install(void)
{
    struct sigaction action;
    memset(&action, 0, sizeof action);
    (void)sigemptyset(&action.sa_mask);
    action.sa_handler = on_interrupt; /* no SA_RESTART: a blocked read ends with EINTR */
    (void)sigaction(SIGINT, &action, NULL);
    action.sa_handler = SIG_IGN;
    (void)sigaction(SIGPIPE, &action, NULL);
}

const volatile int32_t *interrupt_flag(void)
{
    return &interrupted;
}

bool interrupt_seen(void)
{
    return interrupted != 0;
}

void interrupt_clear(void)
{
    interrupted = 0;
}
