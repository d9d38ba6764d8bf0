/* System calls of this program that fail, transfer less or are interrupted when a test asks. */
#ifndef FJ_FAILING_CALLS_H
#define FJ_FAILING_CALLS_H

#include <stdbool.h>

typedef enum failing_call {
    CALL_OPEN,
    CALL_READ,
    CALL_PREAD,
    CALL_WRITE,
    CALL_CLOSE,
    CALL_RENAME,
    CALL_FSYNC,
    N_CALLS
} failing_call;

typedef enum failing_how { HOW_FAILS, HOW_INTERRUPTED, HOW_SHORT, N_HOWS } failing_how;

/* From now on in this thread: the n-th call of this kind (from 0) goes wrong in this way. */
void failing_calls_arm(failing_call call, failing_how how, long n);
/* Ends that; true if a call went wrong. */
bool failing_calls_disarm(void);

#endif
