/* The command line: one table says which options there are and who takes them. */
#ifndef FJ_OPTIONS_H
#define FJ_OPTIONS_H

#include <stdbool.h>
#include <stdint.h>

#include "console.h"

/* Who takes an option, as bits. */
enum {
    FOR_REPL = 1,
    FOR_EVAL = 2,
    FOR_CHECK = 4,
    FOR_DOCTOR = 8,
    FOR_EXPLAIN = 16,
    FOR_INFO = 32,
    FOR_TRAIN = 64,
    FOR_PREDICT = 128, /* what eval does not take too */
    FOR_PLOT = 256,
    FOR_COMPLETION = 512,
    FOR_ALL = 1023
};

typedef struct named_text { /* NAME=VALUE as given; name NULL: no NAME= */
    char *name;
    const char *text;
} named_text;

typedef struct named_list {
    named_text *item;
    int n;
} named_list;

typedef enum option_id {
    OPT_TEXT,
    OPT_FN,
    OPT_IN,
    OPT_SET,
    OPT_OUT,
    OPT_COMPRESS,
    OPT_X,
    OPT_Y,
    OPT_JSON,
    OPT_INTERPRET,
    OPT_THREADS,
    OPT_CPU,
    OPT_FUEL,
    OPT_SEED,
    OPT_PARAMS,
    OPT_WEIGHTS,
    OPT_CLASSES,
    OPT_LOSS,
    OPT_OPTIMIZER,
    OPT_MODEL,
    OPT_DATA,
    OPT_TEST,
    OPT_LABEL,
    OPT_VAL,
    OPT_EPOCHS,
    OPT_BATCH,
    OPT_LR,
    OPT_SCHEDULE,
    OPT_STANDARDISE,
    OPT_METRIC,
    OPT_PATIENCE,
    OPT_CLASS_WEIGHTS,
    OPT_CLIP_NORM,
    OPT_CLIP_VALUE,
    OPT_ACCUMULATE,
    OPT_CHECKPOINT,
    OPT_RESUME,
    OPT_PLOT,
    OPT_CONFUSION,
    OPT_TARGET_ACC,
    OPT_COLOR,
    OPT_HELP,
    OPT_VERSION,
    N_OPTIONS
} option_id;

typedef struct settings {
    const char *text;     /* -e */
    const char *function; /* --fn */
    const char *cpu, *params;
    jit_dtype weights; /* JIT_NONE: as they are */
    named_list in, set, out, data, test;
    const char *given[N_OPTIONS]; /* the value as written, "" of a switch; NULL: not given */
    const char *const *positional;
    int n_positional;
    bool json, interpret, help, version;
    int32_t threads;
    int64_t fuel; /* as jit_args: 0 the default, -1 none */
    uint64_t seed;
    colour_mode colour;
} settings;

typedef struct option {
    option_id id;
    char letter;       /* or 0 */
    const char *name;  /* without "--" */
    const char *value; /* what the help calls it; NULL: a switch */
    unsigned takers;   /* FOR_* */
    bool repeats;
    const char *help;
} option;

/* An option that means something else for another command has a row for each. */
enum { N_OPTION_ROWS = N_OPTIONS + 7 };
extern const option option_table[N_OPTION_ROWS];

/* Reads argv[0 .. argc-1] (what follows the subcommand) for the taker `who`, called `command`
 * in messages. Positional arguments are moved to the front of argv. Returns an exit code. */
int options_read(settings *s, unsigned who, const char *command, int argc, const char **argv);
void options_free(settings *s);

bool options_is_name(const char *text); /* of the language */
/* Whole numbers, without blanks or rest; false if malformed or out of lo .. hi. */
bool options_integer(const char *text, int64_t lo, int64_t hi, int64_t *value);

#endif
