/* Audio: a wave shaper runs block by block in a callback that must not wait. The kernel is
 * prepared before; running it allocates nothing, which two counters show. */
#include <fusejit.h>
#include <malloc.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>

enum { BLOCK = 128, BLOCKS = 10000 };

/* Counts every call; a host would hand out its own memory here. */
static void *count_calls(void *user, void *ptr, size_t old, size_t size)
{
    (void)old;
    ++*(long *)user;
    if (size)
        return realloc(ptr, size);
    free(ptr);
    return NULL;
}

static size_t heap_in_use(void)
{
    return mallinfo2().uordblks;
}

/* Drives `drive` up and down while it plays: a uniform changes without a compile. */
static jit_status play(const jit_kernel *k, float *block, float *peak)
{
    double drive;
    jit_array x = jit_array_of(JIT_F32, block, 1, (int64_t[]){ BLOCK });
    jit_args args = { .in = &x, .n_in = 1, .out = &x, .n_out = 1 }; /* in place */
    args.uniform = &drive;
    args.n_uniform = 1;
    for (int b = 0; b < BLOCKS; b++) {
        drive = 1 + 4 * fabs(sin(b * 0.01));
        for (int i = 0; i < BLOCK; i++)
            block[i] = sinf((float)(b * BLOCK + i) * 0.0576f);
        jit_status status = jit_run(k, &args, NULL);
        if (status != JIT_OK)
            return status;
        for (int i = 0; i < BLOCK; i++)
            *peak = fmaxf(*peak, fabsf(block[i]));
    }
    return JIT_OK;
}

int main(void)
{
    long calls = 0;
    float block[BLOCK], peak = 0;
    jit_error err;
    jit_context_options options = { .size = sizeof options };
    options.allocator = (jit_allocator){ count_calls, &calls };
    jit_context *context = jit_context_new(&options, &err);
    jit_options compile = { .size = sizeof compile, .context = context };
    jit_module *m = NULL;
    jit_kernel *k = NULL;
    if (context)
        m = jit_compile("fn shape(x; drive = 1) = tanh(drive*x) / tanh(drive)", &compile, &err);
    if (m)
        k = jit_prepare(m, "shape", "f32 -> f32", NULL, &err);
    int failed = k == NULL;
    if (k) {
        long calls_before = calls;
        size_t heap_before = heap_in_use();
        failed = play(k, block, &peak) != JIT_OK;
        size_t heap_after = heap_in_use();
        printf("%d blocks of %d samples, peak %.3f\n", BLOCKS, BLOCK, (double)peak);
        printf("allocations of fusejit while playing: %ld\n", calls - calls_before);
        printf("heap grew by %ld bytes\n", (long)(heap_after - heap_before));
        failed |= calls != calls_before || heap_after != heap_before;
    } else {
        jit_error_print(stderr, &err);
    }
    jit_kernel_release(k);
    jit_release(m);
    if (context)
        jit_context_free(context);
    return failed;
}
