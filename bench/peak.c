/* Twelve chains of fused multiply-adds: more than the latency times the units of any core so far.
 * Hand-written for AVX2 and AVX-512, chosen at run time; elsewhere the compiler's vectors. */
#include "peak.h"

#include <stdint.h>

#include "contest.h"

enum { CHAINS = 12, ROUNDS = 512 };

#if defined(__x86_64__)
#include <immintrin.h>

enum { WIDE = 16, NARROW = 8 };

__attribute__((target("avx512f"), noinline)) static float chains_wide(void)
{
    __m512 x[CHAINS], m = _mm512_set1_ps(0.999f), a = _mm512_set1_ps(0.001f);
    for (int i = 0; i < CHAINS; i++)
        x[i] = _mm512_set1_ps((float)i);
    __asm__ volatile("" : "+v"(m)); /* so that each call counts */
    for (int r = 0; r < ROUNDS; r++)
#pragma GCC unroll 12
        for (int i = 0; i < CHAINS; i++)
            x[i] = _mm512_fmadd_ps(x[i], m, a);
    __m512 sum = x[0];
    for (int i = 1; i < CHAINS; i++)
        sum = _mm512_add_ps(sum, x[i]);
    return _mm512_cvtss_f32(sum);
}

__attribute__((target("avx2,fma"), noinline)) static float chains_narrow(void)
{
    __m256 x[CHAINS], m = _mm256_set1_ps(0.999f), a = _mm256_set1_ps(0.001f);
    for (int i = 0; i < CHAINS; i++)
        x[i] = _mm256_set1_ps((float)i);
    __asm__ volatile("" : "+x"(m)); /* so that each call counts */
    for (int r = 0; r < ROUNDS; r++)
#pragma GCC unroll 12
        for (int i = 0; i < CHAINS; i++)
            x[i] = _mm256_fmadd_ps(x[i], m, a);
    __m256 sum = x[0];
    for (int i = 1; i < CHAINS; i++)
        sum = _mm256_add_ps(sum, x[i]);
    return _mm256_cvtss_f32(sum);
}

/* Reads only: the vectors are kept by an empty statement, so that none is left out. */
__attribute__((target("avx512f"), noinline)) static void read_wide(const char *at, size_t bytes)
{
    for (const char *end = at + bytes; at < end; at += 512)
#pragma GCC unroll 8
        for (int i = 0; i < 8; i++) {
            __m512 v = _mm512_loadu_ps(at + 64 * i);
            __asm__ volatile("" : : "v"(v));
        }
}

__attribute__((target("avx2"), noinline)) static void read_narrow(const char *at, size_t bytes)
{
    for (const char *end = at + bytes; at < end; at += 512)
#pragma GCC unroll 16
        for (int i = 0; i < 16; i++) {
            __m256 v = _mm256_loadu_ps((const float *)(const void *)(at + 32 * i));
            __asm__ volatile("" : : "x"(v));
        }
}

static int wide(void)
{
    return __builtin_cpu_supports("avx512f");
}

static int narrow(void)
{
    return __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma");
}
#else
enum { WIDE = 16, NARROW = 8 };

static int wide(void)
{
    return 0;
}

static int narrow(void)
{
    return 0;
}

static float chains_wide(void)
{
    return 0;
}

static float chains_narrow(void)
{
    return 0;
}

static void read_wide(const char *at, size_t bytes)
{
    (void)at;
    (void)bytes;
}

static void read_narrow(const char *at, size_t bytes)
{
    read_wide(at, bytes);
}
#endif

enum { PLAIN = 16 };

static float chains_plain(void)
{
    static float x[CHAINS][PLAIN];
    for (int r = 0; r < ROUNDS; r++)
        for (int i = 0; i < CHAINS; i++)
            for (int k = 0; k < PLAIN; k++)
                x[i][k] = x[i][k] * 0.999f + 0.001f;
    return x[0][0];
}

static void read_plain(const char *at, size_t bytes)
{
    uint64_t sum = 0;
    for (size_t i = 0; i < bytes / sizeof sum; i++)
        sum += ((const uint64_t *)(const void *)at)[i];
    __asm__ volatile("" : : "r"(sum));
}

/* Of one call, whatever the width: narrower vectors make more rounds. */
const double peak_flop = 2 * CHAINS * ROUNDS * WIDE;

double peak_run(void *arg, long n)
{
    (void)arg;
    float kept = 0;
    double start = contest_now_ns();
    for (long i = 0; i < n; i++) {
        if (wide()) {
            kept += chains_wide();
        } else if (narrow()) {
            for (int k = 0; k < WIDE / NARROW; k++)
                kept += chains_narrow();
        } else {
            kept += chains_plain();
        }
    }
    double ns = contest_now_ns() - start;
    __asm__ volatile("" : : "r"(&kept) : "memory");
    return ns;
}

double peak_read_run(void *arg, long n)
{
    const peak_memory *m = arg;
    double start = contest_now_ns();
    for (long i = 0; i < n; i++) {
        if (wide())
            read_wide(m->data, m->bytes);
        else if (narrow())
            read_narrow(m->data, m->bytes);
        else
            read_plain(m->data, m->bytes);
    }
    return contest_now_ns() - start;
}
