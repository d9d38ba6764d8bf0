/* The floor's entry: graph -> nest -> module -> object bytes or text.
 *
 *   graph  -nest.c-> lists, loops  -nest_plan.c-> lanes, interleave  [-cut.c-> runs, slots]
 *          -loops.c-> k0 around the body: emit.c, emit_*.c per node  -entries.c-> k1, k2
 *          -object.c-> bytes
 */
#include "codegen.h"

#include <string.h>

#include "arena.h"
#include "emit.h"
#include "entries.h"
#include "listing.h"
#include "loops.h"
#include "object.h"
#include "values.h"

enum {
    MAX_WEIGHT = 80000, /* instructions: about 1.5 seconds */
    LOOP_CONTROL = 60   /* of a loop in a nest that is cut */
};

typedef struct job {
    const graph *g;
    const codegen_options *o;
    diag *d;
    nest *t;
    emit_values values;
    object_compile object;
    emitter e;
} job;

static bool within_limits(const job *j)
{
    int64_t weight = j->t->weight + (int64_t)LOOP_CONTROL * j->t->n_loops;
    if (j->t->n_buffers > JIT_MAX_OPERANDS) {
        diag_plain(j->d, DIAG_code_size, "'%s' has %d arguments and results, the limit is %d",
                   j->g->name, j->t->n_buffers, (int)JIT_MAX_OPERANDS);
        return false;
    }
    if (weight <= MAX_WEIGHT)
        return true;
    diag_plain(j->d, DIAG_code_size,
               "'%s' needs about %lld machine instructions, the limit is %d", j->g->name,
               (long long)weight, (int)MAX_WEIGHT);
    return false;
}

static bool make_nest(job *j)
{
    const codegen_options *o = j->o;
    nest_options n = { o->target, o->vector_lanes, o->interleave, o->cut };
    j->t = nest_make(j->g, &n, j->d);
    return j->t && within_limits(j);
}

static void make_types(emitter *e)
{
    LLVMContextRef c = e->context;
    e->i1 = LLVMInt1TypeInContext(c);
    e->i8 = LLVMInt8TypeInContext(c);
    e->i32 = LLVMInt32TypeInContext(c);
    e->i64 = LLVMInt64TypeInContext(c);
    e->pointer = LLVMPointerTypeInContext(c, 0);
    for (int t = JIT_BOOL; t <= JIT_F64; t++)
        e->scalar[t] = LLVMIntTypeInContext(c, (unsigned)type_bits((jit_dtype)t));
    e->scalar[JIT_BOOL] = e->i1;
    e->scalar[JIT_F32] = LLVMFloatTypeInContext(c);
    e->scalar[JIT_F64] = LLVMDoubleTypeInContext(c);
}

/* Nothing here throws; no function but ours is ever called. */
static void mark_functions(emitter *e)
{
    unsigned kind = LLVMGetEnumAttributeKindForName("nounwind", 8);
    LLVMAttributeRef nounwind = LLVMCreateEnumAttribute(e->context, kind, 0);
    for (ir_value f = LLVMGetFirstFunction(e->module); f; f = LLVMGetNextFunction(f))
        if (!LLVMIsDeclaration(f))
            LLVMAddAttributeAtIndex(f, (LLVMAttributeIndex)LLVMAttributeFunctionIndex,
                                    nounwind);
}

static bool make_module(job *j)
{
    if (!make_nest(j) || !values_make(&j->values, j->t, j->d) ||
        !object_begin(&j->object, j->o->target, j->d))
        return false;
    emitter *e = &j->e;
    *e = (emitter){ .t = j->t,
                    .g = j->g,
                    .target = j->o->target,
                    .context = j->object.context,
                    .module = j->object.module,
                    .values = &j->values };
    e->b = LLVMCreateBuilderInContext(e->context);
    make_types(e);
    ir_value block = loops_block(e);
    if (j->o->entry_loop)
        entries_loop(e, block, j->o->defaults);
    if (j->o->entry_scalar)
        entries_scalar(e, block, j->o->defaults);
    mark_functions(e);
    LLVMDisposeBuilder(e->b);
    if (e->failed || arena_failed(j->g->ar))
        diag_no_memory(j->d);
    return !e->failed && !arena_failed(j->g->ar);
}

static void fill_shape(const nest *t, block_shape *s)
{
    s->group = t->lanes * t->interleave;
    s->n_inputs = t->n_inputs;
    s->n_operands = t->n_buffers;
    s->streams = t->streams;
    s->indexed = t->indexed;
    for (int32_t i = 0; i < t->n_buffers; i++)
        s->size[i] = (uint8_t)(t->buffers[i].value ? type_bits(t->buffers[i].dtype) / 8 : 0);
    block_plan(s);
}

static bool copy_out(const job *j, LLVMMemoryBufferRef buffer, codegen_object *out)
{
    size_t size = LLVMGetBufferSize(buffer);
    out->bytes = memory_resize(j->o->allocator, NULL, 0, size);
    if (!out->bytes) {
        diag_no_memory(j->d);
        return false;
    }
    memcpy(out->bytes, LLVMGetBufferStart(buffer), size);
    out->size = size;
    out->vector_lanes = j->t->lanes;
    out->interleave = j->t->interleave;
    fill_shape(j->t, &out->shape);
    return true;
}

/* One that LLVM reported an error with is not kept. */
static void keep_machine(job *j)
{
    if (j->o->spare && j->object.machine && !j->object.failed) {
        LLVMTargetMachineRef old = atomic_exchange(&j->o->spare->machine, j->object.machine);
        j->object.machine = old;
    }
}

bool codegen_compile(const graph *g, const codegen_options *o, codegen_object *out, diag *d)
{
    job j = { .g = g, .o = o, .d = d };
    bool ok = false;
    *out = (codegen_object){ 0 };
    if (o->spare)
        j.object.machine = atomic_exchange(&o->spare->machine, NULL);
    if (make_module(&j)) {
        LLVMMemoryBufferRef buffer = object_emit(&j.object, LLVMObjectFile, d);
        ok = buffer && copy_out(&j, buffer, out);
        if (buffer)
            LLVMDisposeMemoryBuffer(buffer);
    }
    keep_machine(&j);
    object_end(&j.object);
    return ok;
}

void codegen_free(const codegen_options *o, codegen_object *object)
{
    memory_resize(o->allocator, object->bytes, object->size, 0);
    *object = (codegen_object){ 0 };
}

/* -------------------------------------------------------------------------- text */

static char *kept(const job *j, const char *text, size_t length)
{
    char *copy = arena_text(j->g->ar, text, length);
    if (!copy)
        diag_no_memory(j->d);
    return copy;
}

static char *module_text(job *j)
{
    char *text = LLVMPrintModuleToString(j->e.module);
    char *copy = kept(j, text, strlen(text));
    LLVMDisposeMessage(text);
    return copy;
}

static char *assembly_text(job *j)
{
    LLVMMemoryBufferRef buffer = object_emit(&j->object, LLVMAssemblyFile, j->d);
    if (!buffer)
        return NULL;
    char *text = listing_make(j->t, LLVMGetBufferStart(buffer), LLVMGetBufferSize(buffer));
    LLVMDisposeMemoryBuffer(buffer);
    if (!text)
        diag_no_memory(j->d);
    return text;
}

char *codegen_text(const graph *g, const codegen_options *o, codegen_text_kind kind, diag *d)
{
    job j = { .g = g, .o = o, .d = d };
    char *text = NULL;
    if (kind == CODEGEN_NEST) {
        if (make_nest(&j) && !(text = nest_print(j.t)))
            diag_no_memory(d);
        return text;
    }
    if (make_module(&j))
        text = kind == CODEGEN_LLVM ? module_text(&j) : assembly_text(&j);
    object_end(&j.object);
    return text;
}

const char *codegen_llvm_version(void)
{
    return LLVM_VERSION_STRING;
}
