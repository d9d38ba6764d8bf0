/* Contexts, the default one, options structs. */
#include "context.h"

#include <stdlib.h>
#include <string.h>

#include "arena.h"

/* The default context, made on first use and kept: with blas.c's, the library's mutable globals. */
static _Atomic(jit_context *) default_context;

static const jit_limits default_limits = {
    .text_bytes = 1 << 20,
    .nesting = 256,
    .nodes = 100000,
    .name_bytes = 255,
    .live_kernels = 1000000,
    .fuel = (int64_t)1 << 31,
    .memory = 256 << 20,
};

bool memory_reserve(size_t size)
{
    void *volatile p = malloc(size); /* volatile: or the pair is optimised away */
    if (!p)
        return false;
    free(p);
    return true;
}

bool options_read(void *into, size_t known, const void *from, diag *d)
{
    memset(into, 0, known);
    if (!from)
        return true;
    size_t size;
    memcpy(&size, from, sizeof size);
    if (size < sizeof size) {
        diag_plain(d, DIAG_options_size, "the options struct says it has %zu bytes", size);
        diag_hint(d, "set its first field: .size = sizeof options");
        return false;
    }
    memcpy(into, from, size < known ? size : known);
    return true;
}

void *context_alloc(const jit_context *c, size_t size)
{
    void *p = memory_resize(&c->allocator, NULL, 0, size);
    if (p)
        memset(p, 0, size);
    return p;
}

void context_release(const jit_context *c, void *p, size_t size)
{
    if (p)
        memory_resize(&c->allocator, p, size, 0);
}

bool context_grow(const jit_context *c, char **memory, size_t *size, size_t wanted)
{
    if (wanted <= *size)
        return true;
    char *larger = context_alloc(c, wanted);
    if (!larger)
        return false;
    context_release(c, *memory, *size);
    *memory = larger;
    *size = wanted;
    return true;
}

static bool check_limit(diag *d, const char *name, int64_t value)
{
    if (value >= 0)
        return true;
    diag_plain(d, DIAG_option_value, "limit %s is %lld", name, (long long)value);
    return false;
}

/* Zero means default. Only fuel may be negative: none. */
static bool set_limits(jit_limits *l, diag *d)
{
    const jit_limits *base = &default_limits;
    if (!check_limit(d, "text_bytes", l->text_bytes) ||
        !check_limit(d, "nesting", l->nesting) || !check_limit(d, "nodes", l->nodes) ||
        !check_limit(d, "name_bytes", l->name_bytes) ||
        !check_limit(d, "live_kernels", l->live_kernels) ||
        !check_limit(d, "memory", l->memory) || !check_limit(d, "fuel", l->fuel + 1))
        return false;
    l->text_bytes = l->text_bytes ? l->text_bytes : base->text_bytes;
    l->nesting = l->nesting ? l->nesting : base->nesting;
    l->nodes = l->nodes ? l->nodes : base->nodes;
    l->name_bytes = l->name_bytes ? l->name_bytes : base->name_bytes;
    l->live_kernels = l->live_kernels ? l->live_kernels : base->live_kernels;
    l->fuel = l->fuel ? l->fuel : base->fuel;
    l->memory = l->memory ? l->memory : base->memory;
    return true;
}

static void destroy(jit_context *c)
{
    thread_pools_free(c->pools);
    target_spare_free(&c->spare);
    engine_free(c->engine);
    pthread_mutex_destroy(&c->crossover.lock);
    jit_allocator a = c->allocator;
    memory_resize(&a, c, sizeof *c, 0);
}

static jit_context *make(const jit_context_options *o, diag *d)
{
    jit_context *c = memory_resize(&o->allocator, NULL, 0, sizeof *c);
    if (!c) {
        diag_no_memory(d);
        return NULL;
    }
    memset(c, 0, sizeof *c);
    c->allocator = o->allocator;
    c->parallel = o->parallel;
    c->limits = o->limits;
    atomic_init(&c->references, 1);
    pthread_mutex_init(&c->crossover.lock, NULL);
    if (!set_limits(&c->limits, d) || !target_init(&c->target, o->cpu, d)) {
        destroy(c);
        return NULL;
    }
    c->engine = engine_new(&c->allocator);
    c->pools = c->engine ? thread_pools_new(&c->allocator) : NULL;
    if (!c->pools) {
        diag_no_memory(d);
        destroy(c);
        return NULL;
    }
    return c;
}

jit_context *jit_context_new(const jit_context_options *options, jit_error *err)
{
    diag d;
    diag_init(&d, err, NULL);
    jit_context_options o;
    return options_read(&o, sizeof o, options, &d) ? make(&o, &d) : NULL;
}

void jit_context_free(jit_context *context)
{
    if (context)
        context_give(context);
}

static jit_context *get_default(diag *d)
{
    jit_context *c = default_context;
    if (c)
        return c;
    jit_context *fresh = make(&(jit_context_options){ 0 }, d);
    if (!fresh)
        return NULL;
    if (atomic_compare_exchange_strong(&default_context, &c, fresh))
        return fresh;
    destroy(fresh); /* another thread was first */
    return c;
}

jit_context *context_take(jit_context *c, diag *d)
{
    if (!c)
        c = get_default(d);
    if (c)
        c->references++;
    return c;
}

void context_give(jit_context *c)
{
    if (atomic_fetch_sub(&c->references, 1) == 1)
        destroy(c);
}
