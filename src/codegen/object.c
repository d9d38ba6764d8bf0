/* See object.h. Code generation at level O1 without any IR pass: the IR is final as made. */
#include "object.h"

#include <pthread.h>
#include <string.h>

static pthread_once_t once = PTHREAD_ONCE_INIT;

static void initialise(void)
{
    LLVMInitializeNativeTarget();
    LLVMInitializeNativeAsmPrinter();
    LLVMInitializeNativeAsmParser();
}

void object_initialise(void)
{
    pthread_once(&once, initialise);
}

/* The default handler ends the process on an error. */
static void on_diagnostic(LLVMDiagnosticInfoRef info, void *user)
{
    object_compile *c = user;
    if (LLVMGetDiagInfoSeverity(info) == LLVMDSError)
        c->failed = true;
}

static LLVMTargetMachineRef make_machine(const target *t)
{
    LLVMTargetRef found;
    char *message = NULL;
    if (LLVMGetTargetFromTriple(t->triple, &found, &message)) {
        LLVMDisposeMessage(message);
        return NULL;
    }
    return LLVMCreateTargetMachine(found, t->triple, t->cpu, t->features, LLVMCodeGenLevelLess,
                                   LLVMRelocPIC, LLVMCodeModelSmall);
}

bool object_begin(object_compile *c, const target *t, diag *d)
{
    object_initialise();
    *c = (object_compile){ .machine = c->machine };
    if (!c->machine)
        c->machine = make_machine(t);
    if (!c->machine) {
        diag_plain(d, DIAG_internal, "no code generator for %s", t->triple);
        return false;
    }
    c->context = LLVMContextCreate();
    LLVMContextSetDiagnosticHandler(c->context, on_diagnostic, c);
    c->module = LLVMModuleCreateWithNameInContext("fusejit", c->context);
    LLVMSetTarget(c->module, t->triple);
    LLVMTargetDataRef layout = LLVMCreateTargetDataLayout(c->machine);
    LLVMSetModuleDataLayout(c->module, layout);
    LLVMDisposeTargetData(layout);
    return true;
}

void object_end(object_compile *c)
{
    if (c->module)
        LLVMDisposeModule(c->module);
    if (c->context)
        LLVMContextDispose(c->context);
    if (c->machine)
        LLVMDisposeTargetMachine(c->machine);
}

/* Always: a defect of ours must not reach the code generator, which would end the process. */
static bool is_valid(object_compile *c, diag *d)
{
    char *message = NULL;
    bool broken = LLVMVerifyModule(c->module, LLVMReturnStatusAction, &message) != 0;
    if (broken)
        diag_plain(d, DIAG_internal, "invalid code was generated: %.160s", message);
    LLVMDisposeMessage(message);
    return !broken;
}

LLVMMemoryBufferRef object_emit(object_compile *c, LLVMCodeGenFileType type, diag *d)
{
    LLVMMemoryBufferRef buffer = NULL;
    char *message = NULL;
    if (!is_valid(c, d))
        return NULL;
    if (type == LLVMAssemblyFile)
        LLVMSetTargetMachineAsmVerbosity(c->machine, 1);
    if (LLVMTargetMachineEmitToMemoryBuffer(c->machine, c->module, type, &message, &buffer)) {
        diag_plain(d, DIAG_internal, "no machine code was generated: %.160s", message);
        LLVMDisposeMessage(message);
        return NULL;
    }
    if (!c->failed)
        return buffer;
    diag_plain(d, DIAG_internal, "machine code generation failed");
    LLVMDisposeMemoryBuffer(buffer);
    return NULL;
}
