/* The process we live in: its floating-point modes, signals, locale, output and files stay as
 * they are, running allocates nothing, no memory is writable and executable, and programs made
 * to hurt the compiler do not. */
#include <criterion/criterion.h>
#include <dirent.h>
#include <fcntl.h>
#include <fenv.h>
#include <float.h>
#include <locale.h>
#include <malloc.h>
#include <math.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include <fusejit.h>

#include "../runtime/sanitizers.h"

static const char program[] = "fn f(x; a = 2) = x > 0 ? a/x + exp(x) : 0\n"
                              "fn flush(x) @ftz = x*0.5\n";

static jit_kernel *prepare(const char *function, const char *types)
{
    jit_error err;
    jit_module *m = jit_compile(program, NULL, &err);
    cr_assert(m, "%s", err.diagnostic[0].message);
    jit_kernel *k = jit_prepare(m, function, types, NULL, &err);
    cr_assert(k, "%s", err.diagnostic[0].message);
    jit_release(m);
    return k;
}

static void run(const jit_kernel *k, float *x, float *y, int64_t n, int threads)
{
    jit_array in = jit_array_of(JIT_F32, x, 1, &n), out = jit_array_of(JIT_F32, y, 1, &n);
    jit_args args = { .in = &in, .n_in = 1, .out = &out, .n_out = 1, .threads = threads };
    cr_assert_eq(jit_run(k, &args, NULL), JIT_OK);
}

/* ---------------------------------------------------------------- floating-point modes */

#if defined(__x86_64__) /* MXCSR: flushing, rounding, traps, sticky flags */
static const unsigned tried[] = {
    0x1f80, 0x9fc0, 0x5f80, 0x3f80, 0x7f80, 0x1d00, 0x0000, 0x1fbf
};

static unsigned modes(void)
{
    return __builtin_ia32_stmxcsr();
}

static void set_modes(unsigned m)
{
    __builtin_ia32_ldmxcsr(m);
}
#elif defined(__aarch64__) /* FPCR: rounding, flushing */
static const unsigned tried[] = { 0, 1u << 22, 2u << 22, 3u << 22, 1u << 24, 7u << 22 };

static unsigned modes(void)
{
    return __builtin_aarch64_get_fpcr();
}

static void set_modes(unsigned m)
{
    __builtin_aarch64_set_fpcr(m);
}
#else
static const unsigned tried[] = { FE_TONEAREST, FE_UPWARD, FE_DOWNWARD, FE_TOWARDZERO };

static unsigned modes(void)
{
    return (unsigned)fegetround();
}

static void set_modes(unsigned m)
{
    (void)fesetround((int)m);
}
#endif

Test(host, floating_point_modes_do_not_leak_either_way)
{
    enum { N = 100003 };
    static float x[N], want[N], y[N];
    jit_kernel *f = prepare("f", "f32"), *flush = prepare("flush", "f32");
    for (int i = 0; i < N; i++)
        x[i] = (float)(i % 99) * (i % 3 ? 1e-3f : 1e-41f);
    unsigned usual = modes();
    run(f, x, want, N, 1);
    cr_assert_eq(modes(), usual);
    for (size_t i = 0; i < sizeof tried / sizeof tried[0]; i++) {
        for (int threads = 1; threads < 4; threads += 2) {
            memset(y, 0, sizeof y);
            set_modes(tried[i]); /* with traps: a division by zero would be SIGFPE */
            run(f, x, y, N, threads);
            unsigned after = modes();
            set_modes(usual);
            cr_assert_eq(after, tried[i], "modes %x became %x", tried[i], after);
            cr_assert_eq(memcmp(y, want, sizeof y), 0, "results depend on modes %x", tried[i]);
        }
    }
    float tiny = 1e-40f, half = 1;
    run(flush, &tiny, &half, 1, 1);
    cr_assert_eq(half, 0, "@ftz kept %g", (double)half);
    cr_assert_eq(modes(), usual);
    jit_kernel_release(f);
    jit_kernel_release(flush);
}

/* ---------------------------------------------------------------- the rest of the process */

static int open_files(void)
{
    int n = 0;
    DIR *d = opendir("/proc/self/fd");
    while (d && readdir(d))
        n++;
    if (d)
        closedir(d);
    return n;
}

static int writable_code(void)
{
    char line[512];
    int n = 0;
    FILE *f = fopen("/proc/self/maps", "r");
    while (f && fgets(line, sizeof line, f)) {
        const char *flags = strchr(line, ' ');
        n += flags && flags[2] == 'w' && flags[3] == 'x';
    }
    if (f)
        fclose(f);
    return n;
}

typedef struct process_state {
    struct sigaction handlers[32];
    char locale[64], directory[512];
    mode_t mask;
    int files, round;
} process_state;

static void look(process_state *s)
{
    memset(s, 0, sizeof *s);
    for (int i = 1; i < 32; i++)
        sigaction(i, NULL, &s->handlers[i]);
    snprintf(s->locale, sizeof s->locale, "%s", setlocale(LC_ALL, NULL));
    cr_assert(getcwd(s->directory, sizeof s->directory));
    s->mask = umask(0);
    umask(s->mask);
    s->files = open_files();
    s->round = fegetround();
}

static void use_everything(void)
{
    enum { N = 50000 };
    static float x[N], y[N];
    jit_error err;
    jit_context *c = jit_context_new(NULL, NULL);
    jit_options o = { .size = sizeof o, .context = c };
    jit_module *m = jit_compile(program, &o, &err);
    cr_assert(m);
    jit_release(jit_compile("fn f(x) = $", &o, &err));
    for (int s = JIT_STAGE_TREE; s <= JIT_STAGE_FORMULA; s++)
        jit_text_free(jit_stage_text(m, "f", NULL, NULL, (jit_stage)s, &err));
    jit_text_free(jit_system_info(c, &err));
    jit_kernel *k = jit_prepare(m, "f", "f32", NULL, &err);
    run(k, x, y, N, 3);
    cr_assert_eq(writable_code(), 0);
    jit_kernel_release(k);
    jit_release(m);
    jit_context_free(c);
}

Test(host, nothing_is_printed_installed_or_left_open)
{
    char path[] = "/tmp/fusejit-output-XXXXXX";
    process_state before, after;
    int file = mkstemp(path), saved[2] = { dup(1), dup(2) };
    cr_assert_geq(file, 0);
    fflush(stdout);
    fflush(stderr);
    dup2(file, 1);
    dup2(file, 2);
    look(&before);
    use_everything();
    look(&after);
    fflush(stdout);
    fflush(stderr);
    struct stat info;
    fstat(file, &info);
    dup2(saved[0], 1);
    dup2(saved[1], 2);
    close(file);
    unlink(path);
    cr_assert_eq(info.st_size, 0, "%lld bytes were printed", (long long)info.st_size);
    for (int i = 1; i < 32; i++)
        cr_assert(after.handlers[i].sa_handler == before.handlers[i].sa_handler, "signal %d",
                  i);
    cr_assert_str_eq(after.locale, before.locale);
    cr_assert_str_eq(after.directory, before.directory);
    cr_assert_eq(after.mask, before.mask);
    cr_assert_eq(after.files, before.files);
    cr_assert_eq(after.round, before.round);
}

/* Numbers are read the same whatever the host's locale. */
Test(host, the_locale_does_not_matter)
{
    static const char *const names[] = { "de_DE.UTF-8", "de_DE.utf8", "fr_FR.UTF-8",
                                         "C.UTF-8" };
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++)
        (void)setlocale(LC_ALL, names[i]);
    jit_module *m = jit_compile("fn f(x) = x*1.5 + 2.25e1", NULL, NULL);
    cr_assert(m);
    double x = 2, y = 0;
    jit_array in = jit_array_of(JIT_F64, &x, 0, NULL), out = jit_array_of(JIT_F64, &y, 0, NULL);
    jit_args args = { .in = &in, .n_in = 1, .out = &out, .n_out = 1 };
    cr_assert_eq(jit_call(m, "f", &args, NULL), JIT_OK);
    cr_assert_eq(y, 25.5);
    jit_release(m);
}

#if !WITH_ASAN && !WITH_TSAN
static size_t allocated(void)
{
    struct mallinfo2 i = mallinfo2();
    return i.uordblks + i.hblkhd;
}

/* The allocator's own statistics move with every allocation, freed or not: `arena` and the free
 * chunks would change too. Compared after each single run. */
Test(host, running_allocates_nothing)
{
    enum { N = 5000 };
    static float x[2 * N], y[2 * N];
    jit_kernel *k = prepare("f", "f32");
    run(k, x, y, N, 1);
    void *(*volatile take)(size_t) = malloc;
    void *probe = take(100);
    free(probe);
    struct mallinfo2 before = mallinfo2();
    size_t in_use = allocated();
    for (int64_t n = 0; n < 300; n++)
        run(k, x, y, n * 16, 1);
    jit_array in = jit_array_of(JIT_F32, x, 2, (int64_t[]){ 50, 100 });
    jit_array out = jit_array_of(JIT_F32, y, 2, (int64_t[]){ 50, 100 });
    in.stride[0] = 800; /* the long way round */
    jit_args args = { .in = &in, .n_in = 1, .out = &out, .n_out = 1 };
    cr_assert_eq(jit_run(k, &args, NULL), JIT_OK);
    struct mallinfo2 after = mallinfo2();
    cr_assert_eq(allocated(), in_use);
    cr_assert_eq(memcmp(&before, &after, sizeof before), 0, "the heap has changed");
    jit_kernel_release(k);
}
#endif

/* ---------------------------------------------------------------- compile bombs */

typedef struct bomb {
    char *text;
    size_t used, size;
} bomb;

static void add(bomb *b, const char *text)
{
    size_t n = strlen(text);
    if (b->used + n + 1 > b->size) {
        b->size = 2 * (b->used + n + 1);
        b->text = realloc(b->text, b->size);
        cr_assert(b->text);
    }
    memcpy(b->text + b->used, text, n + 1);
    b->used += n;
}

static void repeat(bomb *b, const char *text, int n)
{
    for (int i = 0; i < n; i++)
        add(b, text);
}

static void nested(bomb *b)
{
    add(b, "fn f(x) = ");
    repeat(b, "(", 500000);
    add(b, "x");
    repeat(b, ")", 500000);
}
static void minus(bomb *b)
{
    add(b, "fn f(x) = ");
    repeat(b, "-", 1 << 20);
    add(b, "x");
}
static void minus_within(bomb *b)
{
    add(b, "fn f(x) = ");
    repeat(b, "-", 1000000);
    add(b, "x");
}
static void chain(bomb *b)
{
    add(b, "fn f(x) = x");
    repeat(b, "+x", 100000);
}
static void products(bomb *b)
{
    add(b, "fn f(x, y) = x");
    repeat(b, "*y+x", 3000);
}
static void doubling(bomb *b) /* 2^40 operations if calls were not shared */
{
    char line[64];
    add(b, "fn g0(x) = x + x\n");
    for (int i = 1; i < 40; i++) {
        snprintf(line, sizeof line, "fn g%d(x) = g%d(g%d(x) + 1)\n", i, i - 1, i - 1);
        add(b, line);
    }
    add(b, "fn f(x) = g39(x)");
}
static void loops(bomb *b)
{
    add(b, "fn f(x) { var s = x\n");
    repeat(b, "for i in 0 .. 1000000000 {\n", 40);
    add(b, "s += x\n");
    repeat(b, "}\n", 40);
    add(b, "return s }");
}
static void blocks(bomb *b)
{
    add(b, "fn f(x) { var s = x\n");
    repeat(b, "if s > 0 {", 300000);
    repeat(b, "}", 300000);
    add(b, "return s }");
}
static void selects(bomb *b)
{
    add(b, "fn f(x) = ");
    repeat(b, "x > 0 ? x : ", 60000);
    add(b, "x");
}
static void variables(bomb *b)
{
    char line[64];
    add(b, "fn f(x) {\nvar v0 = x\n");
    for (int i = 1; i < 2000; i++) {
        snprintf(line, sizeof line, "var v%d = v%d*x + %d\n", i, i - 1, i);
        add(b, line);
    }
    add(b, "return v1999 }");
}
static void functions(bomb *b)
{
    char line[64];
    for (int i = 0; i < 10000; i++) {
        snprintf(line, sizeof line, "fn g%d(x) = x + %d\n", i, i);
        add(b, line);
    }
    add(b, "fn f(x) = g9999(x)");
}
static void mathematics(bomb *b)
{
    char line[64];
    add(b, "fn f(x) = x");
    for (int i = 0; i < 100; i++) {
        snprintf(line, sizeof line, " + sin(exp(x*%d)*cos(x + %d))", i, i);
        add(b, line);
    }
}
static void hostile_bytes(bomb *b)
{
    add(b, "fn f(x) = \xff\xfe\x01\x80\xed\xa0\x80 x");
}

typedef struct charge {
    const char *name;
    void (*make)(bomb *b);
} charge;

static const charge charges[] = {
    { "brackets", nested },     { "too long", minus },       { "minus signs", minus_within },
    { "a long chain", chain },  { "products", products },    { "doubling calls", doubling },
    { "nested loops", loops },  { "nested blocks", blocks }, { "selects", selects },
    { "variables", variables }, { "functions", functions },  { "mathematics", mathematics },
    { "bytes", hostile_bytes },
};

static double seconds(void)
{
    struct timespec t;
    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &t);
    return (double)t.tv_sec + (double)t.tv_nsec * 1e-9;
}

static void light(const charge *c)
{
    bomb b = { 0 };
    jit_error err;
    c->make(&b);
    double start = seconds();
    jit_module *m = jit_compile(b.text, NULL, &err);
    jit_kernel *k = m ? jit_prepare(m, "f", NULL, NULL, &err) : NULL;
    double took = seconds() - start;
    fprintf(stderr, "%-16s %6.3f s  %s\n", c->name, took,
            k ? "compiles" : err.diagnostic[0].message);
    if (!k)
        cr_assert(err.status == JIT_ERR_LIMIT || err.status == JIT_ERR_PROGRAM,
                  "%s: status %d %s", c->name, (int)err.status, err.diagnostic[0].message);
    jit_kernel_release(k);
    jit_release(m);
    free(b.text);
}

static void *light_all(void *arg)
{
    (void)arg;
    for (size_t i = 0; i < sizeof charges / sizeof charges[0]; i++)
        light(&charges[i]);
    return NULL;
}

/* On a small stack: what recurses on the user's nesting would overflow it. */
Test(host, compile_bombs_are_limited, .timeout = 120)
{
    pthread_t thread;
    pthread_attr_t attr;
    pthread_attr_init(&attr);
#if WITH_ASAN || WITH_TSAN
    pthread_attr_setstacksize(&attr, 2 << 20);
#else
    pthread_attr_setstacksize(&attr, 256 << 10);
#endif
    cr_assert_eq(pthread_create(&thread, &attr, light_all, NULL), 0);
    pthread_join(thread, NULL);
    pthread_attr_destroy(&attr);
}
