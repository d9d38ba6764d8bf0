/* Peers in another process (bench/peers/peer.py), asked in turns with our own repeats. */
#ifndef FJ_PEER_H
#define FJ_PEER_H

#include <stdbool.h>

/* Starts `command` with the shell; false if it cannot say hello. */
bool peer_start(const char *command);
void peer_stop(void);
/* Whether the peer knows this job, as "numpy exp"; false if none was started. */
bool peer_has(const char *job);
/* A contender's run: arg is the job's name. */
double peer_run(void *job, long n);

#endif
