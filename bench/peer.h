/* Peers in other processes (bench/peers/, and this program with --blas), asked in turns with our
 * own repeats. Each says its jobs at the start: "numpy exp,numpy dense_relu". A job may have
 * arguments: "numpy dense_relu:16:784:128". */
#ifndef FJ_PEER_H
#define FJ_PEER_H

#include <stdbool.h>

#include "contest.h"

enum { PEER_NAME = 64 };

/* Starts `command` with the shell; false if it cannot say hello. */
bool peer_start(const char *command);
void peer_stop_last(void);
/* Ends all that were started. */
void peer_stop(void);
/* Whether a peer knows this job. */
bool peer_has(const char *job);
/* A contender's run: arg is the job's name. NaN if the peer cannot do it. */
double peer_run(void *job, long n);

/* Appends to the contenders, if a peer has it, the job "<peer> <job>"; its name is kept in
 * `name`. */
int peer_add(contender *c, int n, char name[PEER_NAME], const char *peer, const char *job);

#endif
