/* The options of fusejit train as numbers. */
#ifndef FJ_TRAIN_SETTINGS_H
#define FJ_TRAIN_SETTINGS_H

#include "options.h"

enum { TRAIN_UNIFORMS = 16 };

typedef struct train_uniform { /* of --lr and --set */
    const char *name;
    const char *text; /* as written: a number, or the name of a function */
    double value;     /* nan of a name */
    bool taken;       /* something has an argument of this name */
} train_uniform;

typedef struct train_settings {
    const settings *s;
    const char *file; /* the program */
    const char *loss; /* NULL: by the labels */
    const char *optimizer, *model, *label, *schedule, *metric, *checkpoint, *resume, *plot,
        *out;
    double val, clip_norm, clip_value, target; /* target: negative for none */
    int64_t epochs, batch, patience;           /* batch, patience: 0 for none given */
    int32_t accumulate, threads;
    bool standardise, confusion, balanced;
    double *class_weight; /* of --class-weights as numbers, or NULL */
    int n_class_weights;
    train_uniform uniform[TRAIN_UNIFORMS];
    int n_uniforms;
} train_settings;

/* Returns an exit code, having said what is wrong. */
int train_settings_read(train_settings *t, const settings *s, const console *c);
void train_settings_free(train_settings *t);
/* The one of that name, marked as taken; NULL: none. */
const train_uniform *train_settings_take(train_settings *t, const char *name);

#endif
