/* The store of a call: made for the dimensions of its arrays. */
#include "call_params.h"

#include <inttypes.h>
#include <string.h>

bool call_fixed_signature(const bound_call *b, char *text, size_t size)
{
    size_t n = 0;
    text[0] = 0;
    if (!b->info.name)
        return false;
    for (int i = 0; i < b->n_in && n < size; i++) {
        const jit_array *a = &b->in[i];
        int core = b->info.in_rank[i] <= a->rank ? b->info.in_rank[i] : 0;
        n += (size_t)snprintf(text + n, size - n, "%s%s", i ? ", " : "",
                              jit_dtype_name(a->dtype));
        for (int k = a->rank - core; k < a->rank && n < size; k++)
            n += (size_t)snprintf(text + n, size - n, "%s%" PRId64,
                                  k == a->rank - core ? "[" : ",", a->shape[k]);
        if (core && n < size)
            n += (size_t)snprintf(text + n, size - n, "]");
    }
    return true;
}

bool call_needs_params(jit_status status, const jit_error *err)
{
    enum { NO_PARAMS = 538 };
    return status == JIT_ERR_ARGUMENT && err->diagnostic[0].code == NO_PARAMS;
}

int call_params(evaluation *e)
{
    char signature[CALL_SIGNATURE], title[CALL_TITLE];
    bound_call *b = &e->call;
    jit_error err;
    jit_params_options options = { .size = sizeof options,
                                   .seed = e->s->seed,
                                   .statics = b->statics,
                                   .n_statics = b->n_statics };
    bool bound = call_fixed_signature(b, signature, sizeof signature);
    b->params =
        jit_params_new(e->module, e->info.name, bound ? signature : NULL, &options, &err);
    if (!b->params) {
        int code = console_jit_error(e->c, &err);
        if (!bound && e->info.n_in > 0)
            console_hint(e->c, "here by --in %s=VALUE", e->info.in_name[0]);
        return code;
    }
    if ((e->s->params || e->s->weights) && jit_params_count(b->params) == 0)
        return console_error(e->c, EXIT_USER, "%s has no parameters for --%s",
                             call_title(&e->info, title), e->s->params ? "params" : "weights");
    if (e->s->params && jit_params_load(b->params, e->s->params, &err) != JIT_OK)
        return console_jit_error(e->c, &err);
    return EXIT_DONE;
}
