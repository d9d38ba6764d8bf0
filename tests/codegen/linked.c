/* See linked.h. One LLJIT per kernel: slow, simple. */
#include "linked.h"

#include <criterion/criterion.h>
#include <llvm-c/Core.h>
#include <llvm-c/LLJIT.h>
#include <llvm-c/Object.h>
#include <stdio.h>
#include <string.h>

#include "print.h"

static bool has_undefined_symbols(LLVMMemoryBufferRef buffer)
{
    char *message = NULL;
    LLVMBinaryRef binary = LLVMCreateBinary(buffer, NULL, &message);
    if (!binary)
        return true;
    bool found = false;
    LLVMSymbolIteratorRef s = LLVMObjectFileCopySymbolIterator(binary);
    LLVMSectionIteratorRef none = LLVMObjectFileCopySectionIterator(binary);
    for (; !LLVMObjectFileIsSymbolIteratorAtEnd(binary, s); LLVMMoveToNextSymbol(s)) {
        const char *name = LLVMGetSymbolName(s);
        LLVMSectionIteratorRef section = LLVMObjectFileCopySectionIterator(binary);
        LLVMMoveToContainingSection(section, s);
        bool inside = !LLVMObjectFileIsSectionIteratorAtEnd(binary, section);
        if (!inside && name && *name && strcmp(name, "fusejit") != 0) {
            fprintf(stderr, "undefined symbol %s\n", name);
            found = true;
        }
        LLVMDisposeSectionIterator(section);
    }
    LLVMDisposeSectionIterator(none);
    LLVMDisposeSymbolIterator(s);
    LLVMDisposeBinary(binary);
    return found;
}

static void *address_of(LLVMOrcLLJITRef jit, const char *name)
{
    LLVMOrcExecutorAddress address = 0;
    LLVMErrorRef error = LLVMOrcLLJITLookup(jit, &address, name);
    if (error) {
        LLVMConsumeError(error);
        return NULL;
    }
    return (void *)(uintptr_t)address;
}

static bool link_object(linked *l, LLVMMemoryBufferRef buffer, const codegen_options *o)
{
    LLVMOrcLLJITRef jit = NULL;
    LLVMErrorRef error = LLVMOrcCreateLLJIT(&jit, NULL);
    if (!error)
        error = LLVMOrcLLJITAddObjectFile(jit, LLVMOrcLLJITGetMainJITDylib(jit), buffer);
    if (error) {
        LLVMConsumeError(error);
        return false;
    }
    void *block = address_of(jit, ABI_SYMBOL_BLOCK);
    void *loop = o->entry_loop ? address_of(jit, ABI_SYMBOL_LOOP) : NULL;
    void *scalar = o->entry_scalar ? address_of(jit, ABI_SYMBOL_SCALAR) : NULL;
    memcpy(&l->block, &block, sizeof block);
    memcpy(&l->loop, &loop, sizeof loop);
    memcpy(&l->scalar, &scalar, sizeof scalar);
    l->jit = jit;
    return block != NULL;
}

bool linked_make(linked *l, const graph *g, const codegen_options *o, diag *d)
{
    *l = (linked){ 0 };
    if (!codegen_compile(g, o, &l->object, d))
        return false;
    LLVMMemoryBufferRef buffer =
        LLVMCreateMemoryBufferWithMemoryRangeCopy(l->object.bytes, l->object.size, "kernel");
    codegen_object kept = l->object;
    l->object.areas = NULL;
    l->object.panel = NULL;
    codegen_free(o, &l->object);
    l->object = kept;
    l->object.bytes = NULL;
    l->object.size = 0;
    if (has_undefined_symbols(buffer)) {
        LLVMDisposeMemoryBuffer(buffer);
        diag_plain(d, DIAG_internal, "the object has undefined symbols");
        return false;
    }
    if (link_object(l, buffer, o))
        return true;
    diag_plain(d, DIAG_internal, "the object cannot be linked");
    return false;
}

void linked_free(linked *l)
{
    if (l->jit) {
        LLVMErrorRef error = LLVMOrcDisposeLLJIT(l->jit);
        if (error)
            LLVMConsumeError(error);
    }
    codegen_free(&(codegen_options){ 0 }, &l->object);
    *l = (linked){ 0 };
}

linked_text linked_text_make(const char *text, codegen_options o)
{
    linked_text k = { .ar = arena_new(NULL, 0) };
    jit_error err;
    diag d;
    diag_init(&d, &err, NULL);
    target here;
    cr_assert(target_init(&here, NULL, &d));
    o.target = o.target ? o.target : &here;
    k.g = print_parse(k.ar, text, &d);
    cr_assert(k.g, "%s", err.diagnostic[0].message);
    cr_assert(linked_make(&k.l, k.g, &o, &d), "%s", err.diagnostic[0].message);
    return k;
}

void linked_text_free(linked_text *k)
{
    linked_free(&k->l);
    arena_free(k->ar);
}

bool target_avx512(target *t, diag *d)
{
    if (!target_init(t, NULL, d) || strncmp(t->triple, "x86_64", 6) != 0)
        return false;
    (void)snprintf(t->cpu, sizeof t->cpu, "x86-64-v4");
    t->vector_bytes = 64;
    t->vector_registers = 32;
    t->masks = t->fma = t->f16 = t->round = true;
    return true;
}
