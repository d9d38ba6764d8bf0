/* Floating-point modes around compiled code: exceptions masked, round to nearest, subnormals
 * kept (or flushed for @ftz). The host's modes and sticky flags come back exactly as they were.
 *
 * Reading them waits for all that is under way, writing does not: they are read once. */
#ifndef FJ_FPMODE_H
#define FJ_FPMODE_H

#include <stdbool.h>
#include <stdint.h>

#if defined(__x86_64__)
#include <xmmintrin.h>

typedef uint32_t fpmode;
enum {
    FPMODE_STICKY = 0x3f,        /* what operations leave behind       */
    FPMODE_IEEE = 0x1f80,        /* all exceptions masked, to nearest  */
    FPMODE_FLUSH = 0x8000 + 0x40 /* FTZ and DAZ                     */
};

static inline fpmode fpmode_enter(bool ftz)
{
    uint32_t saved = _mm_getcsr();
    uint32_t wanted = (uint32_t)FPMODE_IEEE | (ftz ? (uint32_t)FPMODE_FLUSH : 0);
    if ((saved & ~(uint32_t)FPMODE_STICKY) != wanted)
        _mm_setcsr(wanted | (saved & (uint32_t)FPMODE_STICKY));
    return saved;
}

static inline void fpmode_leave(fpmode saved)
{
    _mm_setcsr(saved);
}

#elif defined(__aarch64__)

typedef struct fpmode {
    uint64_t control, status;
} fpmode;

static inline fpmode fpmode_enter(bool ftz)
{
    fpmode saved;
    uint64_t wanted = ftz ? (uint64_t)1 << 24 : 0; /* FPCR.FZ; traps off, to nearest */
    __asm__ volatile("mrs %0, fpcr" : "=r"(saved.control));
    __asm__ volatile("mrs %0, fpsr" : "=r"(saved.status));
    if (saved.control != wanted)
        __asm__ volatile("msr fpcr, %0" : : "r"(wanted));
    return saved;
}

static inline void fpmode_leave(fpmode saved)
{
    __asm__ volatile("msr fpcr, %0" : : "r"(saved.control));
    __asm__ volatile("msr fpsr, %0" : : "r"(saved.status));
}

#else
#include <fenv.h>

typedef fenv_t fpmode;

static inline fpmode fpmode_enter(bool ftz)
{
    fpmode saved;
    (void)ftz; /* no portable way to flush: results stay IEEE */
    (void)feholdexcept(&saved);
    (void)fesetround(FE_TONEAREST);
    return saved;
}

static inline void fpmode_leave(fpmode saved)
{
    (void)fesetenv(&saved);
}

#endif
#endif
