/* --out: results into files, all of them or none as far as a file system can promise. */
#ifndef FJ_OUTPUTS_H
#define FJ_OUTPUTS_H

#include "bound_call.h"

/* What can be said before anything runs: suffixes, a file named twice. */
int outputs_check(const settings *s, const console *c);
/* Which result goes to which --out: result[i] is an index of info's results. */
int outputs_match(const named_list *out, const jit_function_info *info, int *result,
                  const console *c);
/* Writes each to a temporary name beside its file, then renames all. */
int outputs_write(const settings *s, const bound_call *b, const int *result, const console *c);

/* Whether a file can be put there, as far as can be told before: else errno says why not. */
bool outputs_can_write(const char *path);

#endif
