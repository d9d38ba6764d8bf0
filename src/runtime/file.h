/* Files as bytes: reading at any place of a file or of memory, and writing that either
 * completes or leaves the old file as it was. All calls go on after EINTR and short transfers.
 */
#ifndef FJ_FILE_H
#define FJ_FILE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "diag.h"

enum { FILE_NAME_SHOWN = 96, FILE_BUFFER = 16384 /* bytes */ };

typedef struct file_input {
    char name[FILE_NAME_SHOWN]; /* for messages */
    const uint8_t *bytes;       /* the whole content if it is in memory, else NULL */
    uint8_t *owned;             /* what file_close frees */
    int64_t size;               /* bytes */
    int fd;                     /* -1: none */
} file_input;

/* A regular file is read where it lies; what a pipe delivers is taken into memory first. */
bool file_open(file_input *in, const char *path, diag *d);
/* Borrows `bytes` until file_close. */
void file_from_memory(file_input *in, const char *name, const void *bytes, size_t n);
/* Reads n bytes from place `at`; false, with a message, if not all are there. */
bool file_read(const file_input *in, int64_t at, void *to, size_t n, diag *d);
void file_close(file_input *in);
bool file_exists(const char *path); /* a regular file with something in it */

typedef struct file_output {
    char name[FILE_NAME_SHOWN];
    diag *d;
    char *target, *temporary; /* NULL when written through: pipes, devices, standard output */
    int fd;                   /* -1: nothing is written, only size and crc are found */
    bool failed;
    bool replaces; /* there is a file already */
    uint32_t crc;  /* CRC-32 of all bytes so far, if fd is -1 */
    int64_t size;  /* bytes so far */
    /* What an output that only measures hands its bytes on to; NULL: nothing. */
    void (*next)(void *user, const void *bytes, size_t n);
    void *next_user;
    size_t used;
    uint8_t buffer[FILE_BUFFER];
} file_output;

/* Opens a temporary file beside `path`; *o is in use until file_commit or file_abandon. */
bool file_create(file_output *o, const char *path, diag *d);
/* An output that only measures. */
void file_measure(file_output *o);
/* Sticky: does nothing after a failure. */
void file_write(file_output *o, const void *bytes, size_t n);
/* Brings the file to its place; after a failure, and in file_abandon, the temporary is removed. One that
 * replaces another is on the disk before it does: if the machine stops, either is there, whole. */
bool file_commit(file_output *o);
void file_abandon(file_output *o);

/* `text` as a message shows it: at most FILE_NAME_SHOWN - 1 bytes (the end of a longer one), no
 * control characters. */
void file_show(char *shown, const char *text, size_t n);
/* For bytes that come out of a file: nothing but printable ASCII. */
void file_show_bytes(char *shown, const void *bytes, size_t n);

/* A C-contiguous array of like's type and shape, which file_array_bytes has accepted. Its
 * memory is not cleared: the caller fills it, so that a file's claim touches no page before its
 * data. */
bool file_new_array(jit_array *a, const jit_array *like, diag *d);

/* Whether the count of `shape` and its bytes fit in 63 bits, extents of 0 taken as 1; *n_bytes
 * (with the zeros) if so. */
bool file_array_bytes(const jit_array *a, int64_t *n_bytes);

#endif
