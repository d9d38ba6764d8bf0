/* See constants.h. */
#include "constants.h"

#include <string.h>

#include "panel.h"
#include "params.h"

/* -------------------------------------------------------------------------- before the compile */

static bool check_one(const jit_named *item, const graph *g, int32_t input, diag *d)
{
    const graph_input *in = &g->inputs[input];
    int32_t rank = g->shapes[in->shape].rank;
    if (item->array.dtype != in->dtype)
        diag_plain(d, DIAG_prepared_type, "parameter '%.100s' of %.60s is %s: the store has %s",
                   in->name, g->name, jit_dtype_name(in->dtype),
                   jit_dtype_name(item->array.dtype));
    else if (item->array.rank != rank)
        diag_plain(d, DIAG_param_shape,
                   "parameter '%.100s' of %.60s has %d axes: the store's has %d", in->name,
                   g->name, (int)rank, (int)item->array.rank);
    return item->array.dtype == in->dtype && item->array.rank == rank;
}

bool constants_check(const jit_params *p, const graph *g, int32_t first, diag *d)
{
    for (int32_t i = first; i < g->n_inputs; i++) {
        const jit_named *item = params_find(p, g->inputs[i].name, i - first);
        if (!item) {
            diag_plain(d, DIAG_param_name, "the parameters have no '%.100s', which %s needs",
                       g->inputs[i].name, g->name);
            return false;
        }
        if (!check_one(item, g, i, d))
            return false;
    }
    return true;
}

void constants_extents(const jit_params *p, const graph *g, int32_t first,
                       int64_t (*core)[JIT_MAX_RANK])
{
    for (int32_t i = first; i < g->n_inputs; i++) {
        const jit_array *a = &params_find(p, g->inputs[i].name, i - first)->array;
        memcpy(core[i], a->shape, (size_t)a->rank * sizeof a->shape[0]);
    }
}

void constants_mark(graph *g, int32_t first)
{
    for (int32_t i = first; i < g->n_inputs; i++) {
        const graph_shape *s = &g->shapes[g->inputs[i].shape];
        bool known = true;
        for (int32_t k = 0; k < s->rank; k++)
            known = known && graph_is_const(g, s->extent[k], NULL);
        g->inputs[i].constant = known;
    }
}

/* -------------------------------------------------------------------------- copies */

typedef struct taking {
    jit_kernel *k;
    const jit_params *p;
    const int32_t *panel; /* of the parameters */
    size_t room;          /* for the elements of one in C order, converted */
} taking;

static const jit_array *given(const taking *t, int32_t i)
{
    const jit_kernel *k = t->k;
    return &params_find(t->p, k->operand_name[k->n_in - k->n_params + i], i)->array;
}

static jit_dtype kept_type(const taking *t, int32_t i)
{
    return (jit_dtype)t->k->dtype[t->k->n_in - t->k->n_params + i];
}

static size_t packed_bytes(const taking *t, int32_t i)
{
    return (size_t)jit_array_count(given(t, i)) * jit_dtype_size(kept_type(t, i));
}

static panel_shape shape_of_panels(const taking *t, int32_t i)
{
    const jit_array *a = given(t, i);
    jit_dtype kept = kept_type(t, i);
    return (panel_shape){ .rows = a->shape[0],
                          .columns = a->shape[1],
                          .width = t->panel[i],
                          .size = (int32_t)jit_dtype_size(kept),
                          .paired = kept == JIT_BF16 };
}

static bool in_panels(const taking *t, int32_t i)
{
    return t->panel && t->panel[i] > 0;
}

/* Bytes of all, each aligned. */
static bool count_bytes(taking *t, size_t *all)
{
    *all = PANEL_ALIGN;
    for (int32_t i = 0; i < t->k->n_params; i++) {
        size_t bytes = packed_bytes(t, i);
        if (in_panels(t, i)) {
            panel_shape s = shape_of_panels(t, i);
            if (kept_type(t, i) != given(t, i)->dtype && bytes > t->room)
                t->room = bytes;
            if (!panel_bytes(&s, &bytes))
                return false;
        }
        if (__builtin_add_overflow(*all, (bytes + PANEL_ALIGN - 1) & -(size_t)PANEL_ALIGN, all))
            return false;
    }
    return true;
}

/* To nearest even; as type_encode does, in a fraction of its time. */
static uint16_t bf16_of(uint32_t f32)
{
    bool nan = (f32 & 0x7fffffff) > 0x7f800000;
    return (uint16_t)((nan ? f32 | 0x400000 : f32 + 0x7fff + (f32 >> 16 & 1)) >> 16);
}

static void f32_to_bf16(char *to, const char *from, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        uint32_t bits;
        memcpy(&bits, from + 4 * i, sizeof bits);
        uint16_t half = bf16_of(bits);
        memcpy(to + 2 * i, &half, sizeof half);
    }
}

/* Elements in C order, rounded to the kernel's type. */
static void convert(const jit_array *from, jit_dtype to, char *at)
{
    size_t n = (size_t)jit_array_count(from), size = jit_dtype_size(to);
    size_t from_size = jit_dtype_size(from->dtype);
    const char *values = from->data;
    if (from->dtype == to && n > 0)
        memcpy(at, values, n * size);
    else if (from->dtype == JIT_F32 && to == JIT_BF16)
        f32_to_bf16(at, values, n);
    else
        for (size_t i = 0; i < n; i++)
            type_store(to, at + i * size, type_load(from->dtype, values + i * from_size));
}

/* Where the next one goes. */
static char *take_one(const taking *t, int32_t i, char *at, char *room)
{
    const jit_array *from = given(t, i);
    jit_dtype to = kept_type(t, i);
    size_t bytes = packed_bytes(t, i);
    t->k->constants->array[i] = jit_array_of(to, at, from->rank, from->shape);
    if (!in_panels(t, i)) {
        convert(from, to, at);
    } else {
        panel_shape s = shape_of_panels(t, i);
        if (from->dtype != to)
            convert(from, to, room);
        panel_pack(&s, at, from->dtype == to ? from->data : room);
        (void)panel_bytes(&s, &bytes);
    }
    return at + ((bytes + PANEL_ALIGN - 1) & -(size_t)PANEL_ALIGN);
}

static bool take_all(taking *t)
{
    constants *c = t->k->constants;
    const jit_allocator *a = &t->k->context->allocator;
    size_t all;
    if (!count_bytes(t, &all) || !(c->memory = memory_resize(a, NULL, 0, all)))
        return false;
    c->bytes = all;
    char *room = t->room > 0 ? memory_resize(a, NULL, 0, t->room) : NULL;
    if (t->room > 0 && !room)
        return false;
    char *at = (char *)c->memory + (PANEL_ALIGN - (uintptr_t)c->memory % PANEL_ALIGN);
    for (int32_t i = 0; i < t->k->n_params; i++)
        at = take_one(t, i, at, room);
    if (room)
        memory_resize(a, room, t->room, 0);
    return true;
}

bool constants_take(jit_kernel *k, const jit_params *p, const int32_t *panel, diag *d)
{
    taking t = { .k = k, .p = p, .panel = panel ? panel + (k->n_in - k->n_params) : NULL };
    k->constants = arena_alloc(k->ar, sizeof *k->constants);
    if (k->constants) {
        *k->constants = (constants){ .memory = NULL };
        k->constants->array =
            arena_alloc(k->ar, (size_t)k->n_params * sizeof *k->constants->array);
        if (k->constants->array && take_all(&t))
            return true;
    }
    diag_no_memory(d);
    return false;
}

void constants_free(jit_kernel *k)
{
    const constants *c = k->constants;
    if (c && c->memory)
        memory_resize(&k->context->allocator, c->memory, c->bytes, 0);
}
