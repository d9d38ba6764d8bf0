/* See definition.h. */
#include "definition.h"

#include <stdio.h>
#include <string.h>

#include "lower_state.h"
#include "prelude.h"

/* NULL: a pair of operators. */
static const op_row *row_named(const char *base)
{
    for (int i = OP_none + 1; i < OP_COUNT; i++) {
        if (strcmp(op_info((op)i)->name, base) == 0) {
            return op_info((op)i);
        }
    }
    return NULL;
}

/* Without attributes: what ops.def says; 0 is exact, as good as rounded once. */
static tier default_promise(const op_row *row, jit_dtype t)
{
    double ulp = !row ? 1 : t == JIT_F64 ? row->ulp_f64 : row->ulp_f32;
    return tier_bounds(ulp > 0.5 ? ulp : 0.5, 0);
}

static bool promise_of(program *p, const prelude_item *item, tier *out)
{
    diag ignored;
    diag_init(&ignored, NULL, NULL);
    callee c = program_hidden(p, item->name, &ignored);
    *out = c.kind == CALLEE_FN ? tier_of_fn(c.fn, 0) : 0;
    return *out != 0;
}

static void take(definition *out, const char *name, tier promise)
{
    (void)snprintf(out->name, sizeof out->name, "%s", name);
    out->promise = promise;
}

bool definition_choose(program *p, const char *base, jit_dtype t, tier asked, definition *out)
{
    char stem[sizeof out->name];
    int used = snprintf(stem, sizeof stem, "%s_%s", base, type_name(t));
    size_t n = used > 0 ? (size_t)used : 0;
    const op_row *row = row_named(base);
    take(out, stem, default_promise(row, t));
    if (asked == 0) {
        return true; /* nothing further is parsed */
    }
    bool found = tier_meets(out->promise, asked);
    for (int32_t i = prelude_from(stem); i < prelude_count; i++) {
        const prelude_item *item = &prelude_items[i];
        tier promise;
        if (strncmp(item->name, stem, n) != 0) {
            break;
        }
        bool named = item->name[n] == 0 || item->name[n] == '_';
        if (!named || !promise_of(p, item, &promise)) {
            continue;
        }
        bool meets = tier_meets(promise, asked);
        if (meets ? !found || tier_looser(promise, out->promise)
                  : !found && tier_looser(out->promise, promise)) {
            take(out, item->name, promise);
        }
        found = found || meets;
    }
    return found || (row && (row->flags & OP_HIDDEN));
}
