/* The floor's entry: graph -> nest -> module -> object bytes or text.
 *
 *   graph  -nest.c-> lists, loops  -nest_plan.c-> lanes, interleave  [-cut.c-> runs, slots]
 *          -loops.c-> k0 around the body: emit.c, emit_*.c per node  -entries.c-> k1, k2
 *          -object.c-> bytes
 */
#include "codegen.h"

#include <string.h>

#include "arena.h"
#include "array_code.h"
#include "array_short.h"
#include "array_split.h"
#include "emit.h"
#include "entries.h"
#include "listing.h"
#include "loops.h"
#include "object.h"
#include "values.h"

enum {
    MAX_WEIGHT = 80000, /* instructions: about 1.5 seconds */
    MAX_LARGE = 400000, /* half a minute */
    LOOP_CONTROL = 60,  /* of a loop in a nest that is cut */
    NEST_CONTROL = 120  /* of a map or fold of arrays */
};

typedef struct job {
    const graph *g;
    const codegen_options *o;
    diag *d;
    nest *t;
    array_nest *grouped;     /* samples in vectors; NULL: they are not */
    scalars *scalars;        /* a sample as scalars, and */
    nest *shorts;            /*   its nest; NULL: it has none */
    array_nest *a;           /* of an array function, else NULL; */
    const int32_t *shape_of; /*   the shapes of its graph in g, if it is another */
    emit_values values;
    object_compile object;
    emitter e;
} job;

static bool within_limits(const job *j)
{
    int64_t weight = j->t->weight + (int64_t)LOOP_CONTROL * j->t->n_loops;
    weight += j->a ? (int64_t)NEST_CONTROL * j->a->n_binds : 0;
    weight += j->grouped ? j->grouped->t->weight : 0;
    weight += j->shorts ? j->shorts->weight * j->shorts->interleave : 0;
    if (!j->a && j->t->n_buffers > JIT_MAX_OPERANDS) {
        diag_plain(j->d, DIAG_code_size, "'%s' has %d arguments and results, the limit is %d",
                   j->g->name, j->t->n_buffers, (int)JIT_MAX_OPERANDS);
        return false;
    }
    int64_t most = j->o->large ? MAX_LARGE : MAX_WEIGHT;
    if (weight <= most)
        return true;
    diag_plain(j->d, DIAG_code_size,
               "'%s' needs about %lld machine instructions, the limit is %d", j->g->name,
               (long long)weight, (int)most);
    return false;
}

/* One nest for many samples, and one for few, of which none is divided among threads: a loop
 * cannot be. */
static void make_grouped(job *j, array_options widths)
{
    array_options whole = widths;
    whole.whole = widths.samples = true;
    j->grouped = array_nest_make(j->g, &widths, j->d);
    if (j->a->n_steps)
        j->a = array_nest_make(j->g, &whole, j->d);
    j->a = j->grouped ? j->a : NULL;
}

/* All elements of a group are there at once, and the last group takes as long as a whole one. */
static int32_t most_vectors(const nest *t)
{
    int32_t vectors = t->interleave;
    while (vectors > 1 && (t->lanes * vectors > ARRAY_SHORT_GROUP ||
                           t->n_buffers * vectors > t->target->vector_registers))
        vectors /= 2;
    return vectors;
}

/* Samples as what elements are to scalar functions, where that is no large thing and no lane can
 * end the call. */
static void make_shorts(job *j)
{
    nest_options n = { j->o->target, j->o->vector_lanes, j->o->interleave, false };
    j->scalars = scalars_make(j->g);
    nest *t = j->scalars ? nest_make(j->scalars->g, &n, j->d) : NULL;
    if (t && n.interleave == 0 && most_vectors(t) < t->interleave) {
        n.interleave = most_vectors(t);
        t = nest_make(j->scalars->g, &n, j->d);
    }
    if (t && !t->cut && !t->fuelled && t->weight * t->interleave <= ARRAY_SHORT_WEIGHT)
        j->shorts = t;
}

/* Few samples are run one by one. False: matrices in panels are for products; vectors are full. */
static bool make_few(job *j, array_options widths)
{
    widths.one = widths.whole = true;
    j->a = array_nest_make(j->g, &widths, j->d);
    for (int32_t i = 0; j->a && i < j->g->n_inputs; i++)
        if (j->a->panel[i] != 0)
            return false;
    return !j->a || !(array_wants_split(j->a) || array_fills_vectors(j->a));
}

static bool make_array_nest(job *j)
{
    array_options widths = { .target = j->o->target,
                             .lanes = j->o->vector_lanes,
                             .vectors = j->o->interleave,
                             .divide = j->o->divide,
                             .sweep = j->o->sweep,
                             .reload = j->o->reload,
                             .products = j->o->products,
                             .whole = j->o->whole,
                             .one = j->o->samples == SAMPLES_ONE,
                             .over = j->o->samples == SAMPLES_ONE ? j->o->over : NULL,
                             .samples = j->o->samples == SAMPLES_TOGETHER };
    if (j->o->samples == SAMPLES_CHOOSE && !j->o->products)
        make_shorts(j);
    if (j->shorts && make_few(j, widths)) {
        j->t = j->a ? j->a->t : NULL;
        return j->t != NULL;
    }
    j->shorts = NULL;
    j->a = array_nest_make(j->g, &widths, j->d);
    if (j->a && array_wants_split(j->a)) {
        j->g = array_split(j->a, &j->shape_of, j->d);
        j->a = j->g ? array_nest_make(j->g, &widths, j->d) : NULL;
    } else if (j->a && j->o->samples == SAMPLES_CHOOSE && array_lanes_pay(j->a)) {
        make_grouped(j, widths);
    }
    j->t = j->a ? j->a->t : NULL;
    return j->t != NULL;
}

static bool make_nest(job *j)
{
    const codegen_options *o = j->o;
    if (graph_has_arrays(j->g)) {
        return make_array_nest(j) && within_limits(j);
    }
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

/* The code for many samples calls that for few. */
static void emit_arrays(job *j)
{
    emitter *e = &j->e;
    ir_value few = array_kernel(e, j->a, NULL);
    if (!j->grouped && !j->shorts)
        return;
    LLVMSetValueName2(few, "few", 3);
    LLVMSetLinkage(few, LLVMInternalLinkage);
    if (j->shorts) {
        e->t = j->shorts;
        e->g = j->scalars->g;
        if (values_make(&j->values, e->t, j->d))
            array_short_kernel(e, j->scalars, few);
        else
            e->failed = true;
        return;
    }
    e->t = j->grouped->t;
    if (values_make(&j->values, e->t, j->d))
        array_kernel(e, j->grouped, few);
    else
        e->failed = true;
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
    ir_value block = j->a ? NULL : loops_block(e);
    if (j->a)
        emit_arrays(j);
    if (j->o->entry_loop && !j->a)
        entries_loop(e, block, j->o->defaults);
    if (j->o->entry_scalar && !j->a)
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

static int32_t count_areas(const array_nest *a)
{
    int32_t n = 0;
    for (int32_t i = 0; a && i < a->n_pieces; i++)
        n += a->pieces[i].n_storages + (a->pieces[i].fixed > 0);
    return n;
}

static void add_areas(const job *j, const array_nest *a, codegen_object *out)
{
    bool many = a == j->grouped;
    for (int32_t i = 0; a && i < a->n_pieces; i++) {
        const array_piece *p = &a->pieces[i];
        int64_t copies = p->by_sample ? a->block : 1, most = a->together ? ARRAY_SMALL : 0;
        for (int32_t k = 0; k < p->n_storages; k++) {
            const array_storage *s = &a->storages[p->storage[k]];
            int32_t shape = j->shape_of ? j->shape_of[s->shape] : s->shape;
            int32_t size = type_bits(s->dtype) / 8 * (s->lanes ? a->group : 1);
            size *= s->strip > 0 ? s->strip : 1;
            codegen_area *area = &out->areas[out->n_areas++];
            *area =
                (codegen_area){ i, many, shape, size, 0, copies, most, p->own, s->strip > 0 };
            if (s->block > 0)
                *area = (codegen_area){ i, many, 0, 0, s->block, copies, 0, p->own, false };
        }
        if (p->fixed > 0)
            out->areas[out->n_areas++] =
                (codegen_area){ i, many, 0, 0, p->fixed, copies, 0, p->own, false };
    }
}

static bool fill_areas(const job *j, codegen_object *out)
{
    int32_t n = count_areas(j->a) + count_areas(j->grouped);
    out->areas = memory_resize(j->o->allocator, NULL, 0, ((size_t)n + 1) * sizeof *out->areas);
    if (!out->areas) {
        diag_no_memory(j->d);
        return false;
    }
    out->n_areas = 0;
    add_areas(j, j->a, out);
    add_areas(j, j->grouped, out);
    return true;
}

static bool fill_panels(const job *j, codegen_object *out)
{
    bool any = false;
    for (int32_t i = 0; i < j->g->n_inputs; i++)
        any |= j->a->panel[i] != 0;
    if (!any)
        return true;
    size_t size = (size_t)j->g->n_inputs * sizeof *out->panel;
    out->panel = memory_resize(j->o->allocator, NULL, 0, size);
    if (!out->panel) {
        diag_no_memory(j->d);
        return false;
    }
    out->n_panels = j->g->n_inputs;
    for (int32_t i = 0; i < out->n_panels; i++)
        out->panel[i] = j->g->inputs[i].constant ? j->a->panel[i] : -j->a->panel[i];
    return true;
}

/* What runs most samples. */
static const nest *main_nest(const job *j)
{
    return j->shorts ? j->shorts : j->t;
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
    out->vector_lanes = main_nest(j)->lanes;
    out->interleave = main_nest(j)->interleave;
    if (j->a) {
        out->n_steps = j->a->n_steps;
        out->group = j->a->together ? 1 : j->a->block;
        bool ok = fill_areas(j, out) && fill_panels(j, out);
        if (!ok)
            codegen_free(j->o, out);
        return ok;
    }
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
    if (object->areas)
        memory_resize(o->allocator, object->areas,
                      ((size_t)object->n_areas + 1) * sizeof *object->areas, 0);
    if (object->panel)
        memory_resize(o->allocator, object->panel,
                      (size_t)object->n_panels * sizeof *object->panel, 0);
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
    char *text =
        listing_make(main_nest(j), LLVMGetBufferStart(buffer), LLVMGetBufferSize(buffer));
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
        const array_nest *a = make_nest(&j) && j.grouped ? j.grouped : j.shorts ? NULL : j.a;
        if (j.t && !(text = a ? array_nest_print(a) : nest_print(main_nest(&j))))
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
