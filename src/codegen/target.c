/* What the host can run, and what code is made for. CPU names are ours to give: a name that
 * LLVM does not know, or that claims what this host lacks (virtual machines hide features),
 * must never reach it (traps M7 and "illegal instruction"). */
#include "target.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "llvm_compat.h"
#include "object.h"

enum { /* beyond the level: what LLVM may use for our code if the CPU name says so */
       EXTRA_GFNI = 1,
       EXTRA_VBMI = 2, /* vbmi, vbmi2, bitalg, vpopcntdq, ifma, vnni */
       EXTRA_FP16 = 4,
       EXTRA_AVX = 8 /* AVX without AVX2 */
};

typedef struct cpu_row {
    const char *name;
    int32_t level; /* of x86-64-vN */
    uint32_t extra;
} cpu_row;

static const cpu_row cpu_table[] = {
    { "x86-64", 1, 0 },
    { "x86-64-v2", 2, 0 },
    { "x86-64-v3", 3, 0 },
    { "x86-64-v4", 4, 0 },
    { "nehalem", 2, 0 },
    { "westmere", 2, 0 },
    { "sandybridge", 2, EXTRA_AVX },
    { "ivybridge", 2, EXTRA_AVX },
    { "haswell", 3, 0 },
    { "broadwell", 3, 0 },
    { "skylake", 3, 0 },
    { "skylake-avx512", 4, 0 },
    { "alderlake", 3, EXTRA_GFNI },
    { "raptorlake", 3, EXTRA_GFNI },
    { "meteorlake", 3, EXTRA_GFNI },
    { "icelake-client", 4, EXTRA_GFNI | EXTRA_VBMI },
    { "icelake-server", 4, EXTRA_GFNI | EXTRA_VBMI },
    { "tigerlake", 4, EXTRA_GFNI | EXTRA_VBMI },
    { "rocketlake", 4, EXTRA_GFNI | EXTRA_VBMI },
    { "sapphirerapids", 4, EXTRA_GFNI | EXTRA_VBMI | EXTRA_FP16 },
    { "emeraldrapids", 4, EXTRA_GFNI | EXTRA_VBMI | EXTRA_FP16 },
    { "graniterapids", 4, EXTRA_GFNI | EXTRA_VBMI | EXTRA_FP16 },
    { "znver1", 3, 0 },
    { "znver2", 3, 0 },
    { "znver3", 3, 0 },
    { "znver4", 4, EXTRA_GFNI | EXTRA_VBMI },
#if LLVM_VERSION_MAJOR >= 19
    { "znver5", 4, EXTRA_GFNI | EXTRA_VBMI },
#endif
};
enum { N_CPUS = (int)(sizeof cpu_table / sizeof cpu_table[0]) };

static const char *const level_names[] = { "x86-64", "x86-64-v2", "x86-64-v3", "x86-64-v4" };
static const char *const generic_names[] = { "generic" };

typedef struct host_facts {
    bool x86;
    int32_t level;
    uint32_t extra;
    char triple[64];
    char cpu[64]; /* safe to give to LLVM */
} host_facts;

static bool features_have(const char *features, const char *name)
{
    size_t length = strlen(name);
    for (const char *p = strstr(features, name); p; p = strstr(p + 1, name)) {
        bool whole = p[length] == ',' || p[length] == 0;
        if (whole && p > features && p[-1] == '+')
            return true;
    }
    return false;
}

static bool features_have_all(const char *features, const char *const *names)
{
    for (; *names; names++)
        if (!features_have(features, *names))
            return false;
    return true;
}

static int32_t host_level(const char *features)
{
    static const char *const v2[] = { "cx16",  "sahf",   "popcnt", "sse3",
                                      "ssse3", "sse4.1", "sse4.2", NULL };
    static const char *const v3[] = { "avx", "avx2",  "bmi",   "bmi2",  "f16c",
                                      "fma", "lzcnt", "movbe", "xsave", NULL };
    static const char *const v4[] = { "avx512f",  "avx512bw", "avx512cd",
                                      "avx512dq", "avx512vl", NULL };
    if (!features_have_all(features, v2))
        return 1;
    if (!features_have_all(features, v3))
        return 2;
    return features_have_all(features, v4) ? 4 : 3;
}

static uint32_t host_extra(const char *features)
{
    static const char *const vbmi[] = {
        "avx512vbmi", "avx512vbmi2", "avx512bitalg", "avx512vpopcntdq", "avx512ifma",
        "avx512vnni", NULL
    };
    return (features_have(features, "gfni") ? (uint32_t)EXTRA_GFNI : 0) |
           (features_have_all(features, vbmi) ? (uint32_t)EXTRA_VBMI : 0) |
           (features_have(features, "avx512fp16") ? (uint32_t)EXTRA_FP16 : 0) |
           (features_have(features, "avx") ? (uint32_t)EXTRA_AVX : 0);
}

static const cpu_row *cpu_find(const char *name)
{
    for (int32_t i = 0; i < N_CPUS; i++)
        if (strcmp(cpu_table[i].name, name) == 0)
            return &cpu_table[i];
    return NULL;
}

static bool host_runs(const host_facts *h, const cpu_row *cpu)
{
    return cpu->level <= h->level && (cpu->extra & ~h->extra) == 0;
}

/* The host's own name if it claims nothing that is hidden, else the nearest that does not. */
static const char *host_cpu(const host_facts *h, const char *name)
{
    const cpu_row *own = cpu_find(name);
    if (own && host_runs(h, own))
        return own->name;
    if (own && strncmp(name, "znver", 5) == 0 && h->level == 3)
        return "znver3";
    return level_names[h->level - 1];
}

static bool text_copy(char *to, size_t size, const char *from)
{
    size_t length = strlen(from);
    if (length >= size)
        return false;
    memcpy(to, from, length + 1);
    return true;
}

static host_facts host; /* written once, by host_find */
static pthread_once_t host_once = PTHREAD_ONCE_INIT;

static void host_find(void)
{
    object_initialise();
    char *triple = LLVMGetDefaultTargetTriple();
    char *name = LLVMGetHostCPUName();
    char *features = LLVMGetHostCPUFeatures();
    text_copy(host.triple, sizeof host.triple, triple);
    host.x86 = strncmp(triple, "x86_64", 6) == 0;
    if (host.x86) {
        host.level = host_level(features);
        host.extra = host_extra(features);
        text_copy(host.cpu, sizeof host.cpu, host_cpu(&host, name));
    } else {
        host.level = 1;
        text_copy(host.cpu, sizeof host.cpu, "generic");
    }
    LLVMDisposeMessage(features);
    LLVMDisposeMessage(name);
    LLVMDisposeMessage(triple);
}

static const host_facts *host_get(void)
{
    pthread_once(&host_once, host_find);
    return &host;
}

const char *const *target_levels(int32_t *n)
{
    const host_facts *h = host_get();
    *n = h->level;
    return h->x86 ? level_names : generic_names;
}

static int64_t cache_bytes(int name, int64_t fallback, int64_t most)
{
    long bytes = sysconf(name);
    if (bytes <= 0)
        return fallback;
    return bytes < most ? bytes : most;
}

/* What the operating system says of a shared cache is often wrong, and it is shared: at most
 * 4 MiB a core are counted on. */
static void target_caches(target *t)
{
    const int64_t mib = 1 << 20;
    long cores = sysconf(_SC_NPROCESSORS_ONLN);
    int64_t most = 4 * mib * (cores > 0 ? cores : 1);
#ifdef _SC_LEVEL1_DCACHE_SIZE
    t->l1_bytes = cache_bytes(_SC_LEVEL1_DCACHE_SIZE, 32 << 10, 256 << 10);
    t->l2_bytes = cache_bytes(_SC_LEVEL2_CACHE_SIZE, mib, 4 * mib);
    t->llc_bytes = cache_bytes(_SC_LEVEL3_CACHE_SIZE, 4 * mib, most);
#else
    t->l1_bytes = 32 << 10;
    t->l2_bytes = mib;
    t->llc_bytes = most;
#endif
}

static void target_instructions(target *t, const host_facts *h, const cpu_row *cpu)
{
    if (!h->x86) { /* every 64-bit ARM has these */
        t->vector_bytes = 16;
        t->vector_registers = 32;
        t->fma = t->round = t->f16 = true;
        return;
    }
    bool avx512 = cpu->level >= 4;
    t->vector_bytes = avx512 ? 64 : cpu->level == 3 ? 32 : 16;
    t->vector_registers = avx512 ? 32 : 16;
    t->fma = t->f16 = cpu->level >= 3;
    t->round = cpu->level >= 2;
    t->masks = avx512;
    t->second_of_equals = true;
}

bool target_init(target *t, const char *name, diag *d)
{
    const host_facts *h = host_get();
    *t = (target){ 0 };
    bool native = !name || strcmp(name, "native") == 0 || strcmp(name, h->cpu) == 0;
    const cpu_row *cpu = cpu_find(native ? h->cpu : name);
    if (!native && (!h->x86 || !cpu)) {
        diag_plain(d, DIAG_unknown_cpu, "unknown cpu '%.40s'", name);
        diag_hint(d, "x86-64, x86-64-v2, x86-64-v3, x86-64-v4 or native");
        return false;
    }
    if (!native && !host_runs(h, cpu)) {
        diag_plain(d, DIAG_unsupported_cpu, "this machine cannot run code for '%s'", cpu->name);
        diag_hint(d, "it runs %s", level_names[h->level - 1]);
        return false;
    }
    text_copy(t->triple, sizeof t->triple, h->triple);
    text_copy(t->cpu, sizeof t->cpu, native ? h->cpu : cpu->name);
    target_instructions(t, h, cpu);
    target_caches(t);
    return true;
}

void target_spare_free(target_spare *spare)
{
    LLVMTargetMachineRef machine = atomic_exchange(&spare->machine, NULL);
    if (machine)
        LLVMDisposeTargetMachine(machine);
}
