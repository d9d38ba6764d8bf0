/* Arguments of a model that is run from its file: columns of a table by name, numbers of other types. */
#ifndef FJ_MODEL_INPUT_H
#define FJ_MODEL_INPUT_H

#include "bound_call.h"

bool model_is_file(const char *path); /* by its suffix */
/* As value_read; of a .csv with a header the columns that the model was trained with. */
int model_read(value *v, const jit_model *m, const named_text *item, const console *c);
/* A value of another element type becomes that of argument i. */
int model_value(const jit_model *m, const jit_function_info *f, int i, value *v,
                const console *c);
/* Text "what.i", such as the name of class i; NULL: there is none. */
const char *model_list(const jit_model *m, const char *what, int64_t i);

#endif
