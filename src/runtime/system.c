/* Facts about the library and the machine. */
#include "arena.h"
#include "codegen.h"
#include "context.h"
#include "text.h"

static char *describe(const jit_context *c, arena *ar)
{
    const target *t = &c->target;
    slab_usage u = engine_usage(c->engine);
    return arena_format(
        ar,
        "fusejit %s\nllvm %s\ntriple %s\ncpu %s\nvector_bytes %d\nvector_registers %d\n"
        "fma %s\nlane_masks %s\nf16 %s\nl1_bytes %lld\nl2_bytes %lld\nllc_bytes %lld\n"
        "cores %d\nlive_kernels %lld\ncode_pages %zu\n",
        jit_version(), codegen_llvm_version(), t->triple, t->cpu, (int)t->vector_bytes,
        (int)t->vector_registers, t->fma ? "yes" : "no", t->masks ? "yes" : "no",
        t->f16 ? "yes" : "no", (long long)t->l1_bytes, (long long)t->l2_bytes,
        (long long)t->llc_bytes, (int)threads_cores(), (long long)c->live_kernels,
        u.pages_used);
}

char *jit_system_info(jit_context *context, jit_error *err)
{
    diag d;
    diag_init(&d, err, NULL);
    jit_context *c = context_take(context, &d);
    if (!c)
        return NULL;
    arena *ar = arena_new(&c->allocator, 0);
    char *text = ar ? describe(c, ar) : NULL;
    char *given = text ? text_give(&c->allocator, text, &d) : NULL;
    if (!text)
        diag_no_memory(&d);
    arena_free(ar);
    context_give(c);
    return given;
}
