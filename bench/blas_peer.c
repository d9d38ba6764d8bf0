#include "blas_peer.h"

#include <dlfcn.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "kernels.h"
#include "network.h"
#include "peer.h"

enum { ROW_MAJOR = 101, PLAIN = 111, TRANSPOSED = 112, JOB = 128 };

typedef void (*gemm_function)(int order, int ta, int tb, int m, int n, int k, float alpha,
                              const float *a, int lda, const float *b, int ldb, float beta,
                              float *c, int ldc);
typedef void (*gemv_function)(int order, int ta, int m, int n, float alpha, const float *a,
                              int lda, const float *x, int step_x, float beta, float *y,
                              int step_y);
typedef void (*xsmm_product)(const float *a, const float *b, float *c);
typedef xsmm_product (*xsmm_dispatch)(int m, int n, int k, const int *lda, const int *ldb,
                                      const int *ldc, const float *alpha, const float *beta,
                                      const int *flags, const int *prefetch);

typedef struct libraries {
    gemm_function gemm;
    gemv_function gemv;
    xsmm_dispatch xsmm;
} libraries;

/* The last job, ready to run again. */
typedef struct layers {
    char job[JOB];
    network net;
    bound_kernel act[NETWORK_MOST_LAYERS];
    xsmm_product product; /* libxsmm's, else OpenBLAS does it */
} layers;

static void *open_first(const char *const *names, int n)
{
    void *handle = NULL;
    for (int i = 0; i < n && !handle; i++)
        handle = dlopen(names[i], RTLD_NOW | RTLD_LOCAL);
    return handle;
}

static void find(void *handle, const char *symbol, void *function)
{
    void *address = handle ? dlsym(handle, symbol) : NULL;
    memcpy(function, &address, sizeof address);
}

static libraries open_libraries(void)
{
    static const char *const blas[] = { "libopenblas.so.0", "libopenblas.so" };
    static const char *const xsmm[] = { "libxsmm.so.1", "libxsmm.so" };
    libraries l;
    void (*set_threads)(int) = NULL;
    void *handle = open_first(blas, 2);
    find(handle, "cblas_sgemm", &l.gemm);
    find(handle, "cblas_sgemv", &l.gemv);
    find(handle, "openblas_set_num_threads", &set_threads);
    if (set_threads)
        set_threads(1);
    find(open_first(xsmm, 2), "libxsmm_smmdispatch", &l.xsmm);
    return l;
}

static bound_kernel make_activation(const network *net, int layer)
{
    char text[256];
    int64_t shape[] = { net->rows, net->width[layer + 1] };
    const char *act = network_activates(net, layer) ? "act" : "";
    (void)snprintf(text, sizeof text, "%sfn f(x, b) = %s(x + b)",
                   activation_text(net->activation), act);
    bound_kernel k = kernel_make(text, "f32, f32 -> f32");
    k.in[0] = k.out = jit_array_of(JIT_F32, net->y[layer], 2, shape);
    k.in[1] = jit_array_of(JIT_F32, net->b[layer], 1, shape + 1);
    return k;
}

static int bare(const layers *l)
{
    return strcmp(l->net.activation, "none") == 0;
}

static void forget(layers *l)
{
    for (int i = 0; i < l->net.n_layers && !bare(l); i++)
        kernel_free(&l->act[i]);
    if (l->job[0])
        network_free(&l->net);
    memset(l, 0, sizeof *l);
}

/* job: "NAME net_relu:16:784-128" */
static int prepare(layers *l, const libraries *libs, const char *job)
{
    static const char *const known[] = { "relu", "gelu", "user", "none" };
    char activation[8], widths[40];
    long long rows;
    const char *act = NULL;
    if (strcmp(l->job, job) == 0)
        return 1;
    forget(l);
    if (sscanf(job, "%*s net_%7[a-z]:%lld:%39[0-9-]", activation, &rows, widths) != 3)
        return 0;
    for (int i = 0; i < 4; i++)
        act = strcmp(activation, known[i]) == 0 ? known[i] : act;
    if (!act)
        return 0;
    (void)snprintf(l->job, sizeof l->job, "%s", job);
    l->net = network_make(rows, widths, act);
    for (int i = 0; i < l->net.n_layers && !bare(l); i++)
        l->act[i] = make_activation(&l->net, i);
    for (int i = 0; i < l->net.n_layers && !bare(l); i++)
        kernel_bind(&l->act[i], 2);
    if (strncmp(job, "libxsmm ", 8) == 0) { /* column-major: the transposes change places */
        const int n = (int)l->net.width[1], k = (int)l->net.width[0];
        const float one = 1, zero = 0;
        l->product = libs->xsmm(n, (int)rows, k, &n, &k, &n, &one, &zero, NULL, NULL);
        return l->product != NULL;
    }
    return 1;
}

static void run_once(layers *l, const libraries *libs)
{
    network *net = &l->net;
    const int rows = (int)net->rows;
    const float *x = net->x;
    for (int i = 0; i < net->n_layers; i++) {
        const int k = (int)net->width[i], n = (int)net->width[i + 1];
        if (l->product)
            l->product(net->w[i], x, net->y[i]);
        else if (rows == 1)
            libs->gemv(ROW_MAJOR, TRANSPOSED, k, n, 1, net->w[i], n, x, 1, 0, net->y[i], 1);
        else
            libs->gemm(ROW_MAJOR, PLAIN, PLAIN, rows, n, k, 1, x, k, net->w[i], n, 0, net->y[i],
                       n);
        if (!bare(l))
            (void)jit_run(l->act[i].kernel, &l->act[i].args, NULL);
        x = net->y[i];
    }
}

static double answer(layers *l, const libraries *libs, const char *job, long n)
{
    if (!prepare(l, libs, job))
        return NAN;
    double start = contest_now_ns();
    for (long i = 0; i < n; i++)
        run_once(l, libs);
    return contest_now_ns() - start;
}

int blas_peer_serve(const char *name)
{
    static layers of_blas, of_xsmm; /* one of each, as they take turns */
    char line[JOB];
    libraries libs = open_libraries();
    if (!libs.gemm || !libs.gemv)
        return 1;
    printf("%s net_relu,%s net_gelu,%s net_user,%s net_none%s\n", name, name, name, name,
           libs.xsmm ? ",libxsmm net_none" : "");
    (void)fflush(stdout);
    while (fgets(line, sizeof line, stdin)) {
        char *comma = strrchr(line, ',');
        if (!comma)
            return 1;
        *comma = 0;
        layers *l = strncmp(line, "libxsmm ", 8) == 0 ? &of_xsmm : &of_blas;
        printf("%.9g\n", answer(l, &libs, line, strtol(comma + 1, NULL, 10)));
        (void)fflush(stdout);
    }
    forget(&of_blas);
    forget(&of_xsmm);
    return 0;
}

static bool start(const char *core_type, const char *name)
{
    char command[512], path[256];
    ssize_t length = readlink("/proc/self/exe", path, sizeof path - 1);
    if (length < 0)
        return false;
    path[length] = 0;
    (void)snprintf(command, sizeof command, "%s%s exec '%s' --blas %s",
                   *core_type ? "OPENBLAS_CORETYPE=" : "", core_type, path, name);
    return peer_start(command);
}

/* How long a middling layer takes with this core type; NaN where it does not run. */
static double time_of(const char *core_type)
{
    static contender c;
    char name[PEER_NAME];
    if (!start(core_type, "try"))
        return NAN;
    if (peer_add(&c, 0, name, "try", "net_none:128:512-512") == 1)
        contest(&c, 1, 7);
    peer_stop_last();
    return c.best_ns;
}

void blas_peer_start(bool search)
{
    static const char *const types[] = { "",         "Haswell",    "Zen",
                                         "SkylakeX", "Cooperlake", "SapphireRapids" };
    int best = 0;
    double least = INFINITY;
    if (!start("", "openblas")) {
        fprintf(stderr, "no OpenBLAS\n");
        return;
    }
    for (int i = 0; i < (int)(sizeof types / sizeof *types) && search; i++) {
        double ns = time_of(types[i]);
        if (ns < least) {
            least = ns;
            best = i;
        }
    }
    if (search && start(types[best], "openblas-best"))
        printf("openblas-best: core type %s\n", *types[best] ? types[best] : "by itself");
}
