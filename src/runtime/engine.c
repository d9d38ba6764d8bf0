/* Objects into memory. The only file that sees ORC.
 *
 *   object bytes -> object layer (RuntimeDyld) -> our pages -> addresses of k0, k1, k2
 *
 * Once an object is linked and its addresses are known, ORC is told to forget it: code needs
 * nothing of ORC to run, its pages are ours, and so all objects can define the same names in one
 * JITDylib, and a live kernel costs its pages only. The JITDylib is bare: an object cannot reach
 * a symbol of the host. Pages are taken before ORC is entered, because LLVM aborts when a memory
 * manager has none to give. */
#include "engine.h"

#include <errno.h>
#include <llvm-c/Core.h>
#include <llvm-c/Error.h>
#include <llvm-c/LLJIT.h>
#include <llvm-c/Orc.h>
#include <llvm-c/OrcEE.h>
#include <pthread.h>
#include <stdio.h>
#include <string.h>

#include "arena.h"
#include "context.h"

enum { N_SYMBOLS = 3, MAX_PIECES = 4, LLVM_RESERVE = 4 << 20 };

static const char *const symbol_name[N_SYMBOLS] = { ABI_SYMBOL_BLOCK, ABI_SYMBOL_LOOP,
                                                    ABI_SYMBOL_SCALAR };

/* The pages of an object. */
typedef struct unit {
    engine *owner;
    slab_range piece[MAX_PIECES]; /* the first is taken before linking, big enough */
    size_t used[MAX_PIECES];
    int32_t n_pieces;
    int32_t seal_errno;
} unit;

struct engine {
    pthread_mutex_t lock;
    jit_allocator allocator;
    slab_pool *pages;
    LLVMOrcLLJITRef jit;
    LLVMOrcExecutionSessionRef session;
    LLVMOrcObjectLayerRef layer;
    LLVMOrcJITDylibRef dylib; /* empty but for the object that is being linked */
    LLVMOrcSymbolStringPoolEntryRef symbol[N_SYMBOLS];
    unit *linking; /* what the memory callbacks belong to */
};

/* ---------------------------------------------------------------- memory */

/* Callbacks of RuntimeDyld: they run inside engine_link, with the lock held. */

static void *area_create(void *user)
{
    engine *e = user;
    return e->linking;
}

static void area_terminate(void *user)
{
    (void)user;
}

static unsigned char *area_bump(unit *u, int32_t i, size_t size, size_t alignment)
{
    size_t start = (u->used[i] + alignment - 1) / alignment * alignment;
    if (start > u->piece[i].bytes || u->piece[i].bytes - start < size)
        return NULL;
    u->used[i] = start + size;
    return u->piece[i].start + start;
}

static unsigned char *area_section(unit *u, uintptr_t size, unsigned alignment)
{
    if (alignment == 0)
        alignment = 16;
    for (int32_t i = 0; i < u->n_pieces; i++) {
        unsigned char *at = area_bump(u, i, size, alignment);
        if (at)
            return at;
    }
    int32_t i = u->n_pieces;
    if (i == MAX_PIECES || !slab_take(u->owner->pages, size + alignment, &u->piece[i]))
        return NULL;
    u->used[i] = 0;
    u->n_pieces++;
    return area_bump(u, i, size, alignment);
}

static uint8_t *area_code(void *user, uintptr_t size, unsigned alignment, unsigned id,
                          const char *name)
{
    (void)id;
    (void)name;
    return area_section(user, size, alignment);
}

/* Data sections lie beside the code, in the same pages: constants. Generated code has no data
 * that it writes. */
static uint8_t *area_data(void *user, uintptr_t size, unsigned alignment, unsigned id,
                          const char *name, LLVMBool read_only)
{
    (void)id;
    (void)name;
    (void)read_only;
    return area_section(user, size, alignment);
}

static LLVMBool area_finalize(void *user, char **message)
{
    unit *u = user;
    (void)message; /* the reason is kept in seal_errno */
    for (int32_t i = 0; i < u->n_pieces; i++) {
        slab_trim(u->owner->pages, &u->piece[i], u->used[i]);
        char *start = (char *)u->piece[i].start;
        if (!slab_seal(&u->piece[i])) {
            u->seal_errno = errno;
            return 1;
        }
        __builtin___clear_cache(start, start + u->piece[i].bytes);
    }
    return 0;
}

/* ORC forgets the object; the pages stay. */
static void area_destroy(void *user)
{
    (void)user;
}

/* NULL: no memory. Sections, their padding and the linker's stubs are smaller than the file they
 * come from. */
static unit *make_unit(engine *e, size_t size)
{
    unit *u = memory_resize(&e->allocator, NULL, 0, sizeof *u);
    if (!u)
        return NULL;
    *u = (unit){ .owner = e, .n_pieces = 1 };
    if (slab_take(e->pages, size + 1024, &u->piece[0]))
        return u;
    memory_resize(&e->allocator, u, sizeof *u, 0);
    return NULL;
}

static void free_unit(unit *u)
{
    engine *e = u->owner;
    while (u->n_pieces > 0) {
        u->n_pieces--;
        slab_give(e->pages, &u->piece[u->n_pieces]);
    }
    memory_resize(&e->allocator, u, sizeof *u, 0);
}

/* ---------------------------------------------------------------- starting */

static LLVMOrcObjectLayerRef make_layer(void *user, LLVMOrcExecutionSessionRef session,
                                        const char *triple)
{
    (void)triple;
    return LLVMOrcCreateRTDyldObjectLinkingLayerWithMCJITMemoryManagerLikeCallbacks(
        session, user, area_create, area_terminate, area_code, area_data, area_finalize,
        area_destroy);
}

/* ORC would print to stderr. What failed comes back from the lookup as well. */
static void swallow_report(void *user, LLVMErrorRef error)
{
    (void)user;
    LLVMConsumeError(error);
}

static bool report_error(LLVMErrorRef error, diag *d, const char *doing)
{
    if (!error)
        return true;
    char *text = LLVMGetErrorMessage(error);
    diag_plain(d, DIAG_internal, "%s: %.150s", doing, text ? text : "no message");
    LLVMDisposeErrorMessage(text);
    return false;
}

static bool start(engine *e, diag *d)
{
    if (e->jit)
        return true;
    if (!e->pages)
        e->pages = slab_pool_new(&e->allocator);
    if (!e->pages) {
        diag_no_memory(d);
        return false;
    }
    LLVMOrcLLJITBuilderRef builder = LLVMOrcCreateLLJITBuilder();
    LLVMOrcLLJITBuilderSetObjectLinkingLayerCreator(builder, make_layer, e);
    LLVMOrcLLJITRef jit = NULL;
    if (!report_error(LLVMOrcCreateLLJIT(&jit, builder), d, "cannot start the linker"))
        return false;
    e->jit = jit;
    e->session = LLVMOrcLLJITGetExecutionSession(jit);
    LLVMOrcExecutionSessionSetErrorReporter(e->session, swallow_report, e);
    e->layer = LLVMOrcLLJITGetObjLinkingLayer(jit);
    e->dylib = LLVMOrcExecutionSessionCreateBareJITDylib(e->session, "kernels");
    for (int32_t i = 0; i < N_SYMBOLS; i++)
        e->symbol[i] = LLVMOrcLLJITMangleAndIntern(jit, symbol_name[i]);
    return true;
}

engine *engine_new(const jit_allocator *a)
{
    engine *e = memory_resize(a, NULL, 0, sizeof *e);
    if (!e)
        return NULL;
    *e = (engine){ .allocator = *a };
    if (pthread_mutex_init(&e->lock, NULL) != 0) {
        memory_resize(a, e, sizeof *e, 0);
        return NULL;
    }
    return e;
}

void engine_free(engine *e)
{
    if (!e)
        return;
    if (e->jit) {
        for (int32_t i = 0; i < N_SYMBOLS; i++)
            LLVMOrcReleaseSymbolStringPoolEntry(e->symbol[i]);
        LLVMConsumeError(LLVMOrcDisposeLLJIT(e->jit));
    }
    slab_pool_free(e->pages);
    pthread_mutex_destroy(&e->lock);
    jit_allocator a = e->allocator;
    memory_resize(&a, e, sizeof *e, 0);
}

/* ---------------------------------------------------------------- linking */

typedef struct engine_object {
    const void *bytes;
    size_t size;
    diag *d;
} engine_object;

typedef struct found {
    const engine *e;
    uint64_t address[N_SYMBOLS];
    LLVMErrorRef error;
} found;

static void on_found(LLVMErrorRef error, LLVMOrcCSymbolMapPairs pairs, size_t n, void *user)
{
    found *f = user;
    f->error = error;
    for (size_t i = 0; !error && i < n; i++)
        for (int32_t s = 0; s < N_SYMBOLS; s++)
            if (pairs[i].Name == f->e->symbol[s])
                f->address[s] = pairs[i].Sym.Address;
}

/* The lookup is what makes ORC link: it returns when that is done. */
static void look_up(engine *e, found *f)
{
    LLVMOrcCLookupSetElement set[N_SYMBOLS + 1] = { 0 };
    for (int32_t i = 0; i < N_SYMBOLS; i++) {
        LLVMOrcRetainSymbolStringPoolEntry(e->symbol[i]);
        set[i].Name = e->symbol[i];
        set[i].LookupFlags = i == 0 ? LLVMOrcSymbolLookupFlagsRequiredSymbol
                                    : LLVMOrcSymbolLookupFlagsWeaklyReferencedSymbol;
    }
    LLVMOrcCJITDylibSearchOrderElement order[2] = {
        { e->dylib, LLVMOrcJITDylibLookupFlagsMatchAllSymbols }
    };
    LLVMOrcExecutionSessionLookup(e->session, LLVMOrcLookupKindStatic, order, 1, set, N_SYMBOLS,
                                  on_found, f);
}

static bool report_seal(const unit *u, diag *d)
{
    if (u->seal_errno == ENOMEM)
        diag_no_memory(d);
    else
        diag_plain(d, DIAG_executable_memory, "the system refuses executable memory (%s)",
                   u->seal_errno == EACCES ? "EACCES" : "EPERM");
    return false;
}

/* Takes the buffer. Afterwards ORC holds nothing, whether it has linked the object or not. */
static bool link_object(engine *e, LLVMMemoryBufferRef object, found *f)
{
    LLVMOrcResourceTrackerRef tracker = LLVMOrcJITDylibCreateResourceTracker(e->dylib);
    f->error = LLVMOrcObjectLayerAddObjectFileWithRT(e->layer, tracker, object);
    if (!f->error)
        look_up(e, f);
    LLVMConsumeError(LLVMOrcResourceTrackerRemove(tracker));
    LLVMOrcReleaseResourceTracker(tracker);
    return !f->error;
}

static void fill_entries(const unit *u, const found *f, engine_code *out)
{
    memcpy(&out->block, &f->address[0], sizeof out->block);
    memcpy(&out->loop, &f->address[1], sizeof out->loop);
    memcpy(&out->scalar, &f->address[2], sizeof out->scalar);
    for (int32_t i = 0; i < u->n_pieces; i++)
        out->bytes += u->piece[i].bytes;
}

static bool link_unit(unit *u, const engine_object *object, engine_code *out)
{
    engine *e = u->owner;
    found f = { .e = e };
    e->linking = u;
    bool ok = link_object(
        e, LLVMCreateMemoryBufferWithMemoryRange(object->bytes, object->size, "k", 0), &f);
    e->linking = NULL;
    if (ok) {
        out->handle = u;
        fill_entries(u, &f, out);
        return true;
    }
    if (u->seal_errno) {
        LLVMConsumeError(f.error);
        report_seal(u, object->d);
    } else {
        report_error(f.error, object->d, "cannot link");
    }
    free_unit(u);
    return false;
}

bool engine_link(engine *e, const void *bytes, size_t size, engine_code *out, diag *d)
{
    *out = (engine_code){ 0 };
    if (!memory_reserve(LLVM_RESERVE + size)) {
        diag_no_memory(d);
        return false;
    }
    engine_object object = { bytes, size, d };
    pthread_mutex_lock(&e->lock);
    bool started = start(e, d);
    unit *u = started ? make_unit(e, size) : NULL;
    if (started && !u)
        diag_no_memory(d);
    bool ok = u && link_unit(u, &object, out);
    pthread_mutex_unlock(&e->lock);
    return ok;
}

void engine_unlink(engine *e, engine_code *code)
{
    if (!code->handle)
        return;
    pthread_mutex_lock(&e->lock);
    free_unit(code->handle);
    pthread_mutex_unlock(&e->lock);
    *code = (engine_code){ 0 };
}

slab_usage engine_usage(engine *e)
{
    pthread_mutex_lock(&e->lock);
    slab_usage u = e->pages ? slab_count(e->pages) : (slab_usage){ 0 };
    pthread_mutex_unlock(&e->lock);
    return u;
}
