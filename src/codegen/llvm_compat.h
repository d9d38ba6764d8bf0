/* The one place of this floor that includes LLVM's C API; LLVM 18 to 22. */
#ifndef FJ_LLVM_COMPAT_H
#define FJ_LLVM_COMPAT_H

#include <llvm-c/Analysis.h>
#include <llvm-c/Core.h>
#include <llvm-c/Target.h>
#include <llvm-c/TargetMachine.h>
#include <llvm/Config/llvm-config.h>

#if LLVM_VERSION_MAJOR < 18
#error "fusejit needs LLVM 18 or later"
#endif

#endif
