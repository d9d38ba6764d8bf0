/* Audio: a wave shaper runs block by block in a callback that must not wait. The kernel is prepared
 * before; running it allocates nothing, which two counters show, and calls the system for nothing,
 * which a process shows that the kernel of the operating system ends at its first system call. */
#define _GNU_SOURCE 1

#include <fusejit.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <malloc.h>
#include <math.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

enum { BLOCK = 128, BLOCKS = 10000, SKIPPED = 77 };

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

/* From now on every system call but the end of the process ends the process, by SIGSYS. */
static int forbid_system_calls(void)
{
    struct sock_filter rules[] = {
        BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr)),
        BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_exit_group, 0, 1),
        BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
        BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_KILL_PROCESS),
    };
    struct sock_fprog program = { .len = sizeof rules / sizeof *rules, .filter = rules };
    return prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0 &&
           prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program, 0, 0) == 0;
}

/* Plays in a process of its own, or, without a kernel, asks the system for something. Returns how that
 * process ended: the status of the run, SKIPPED, or minus the signal. */
static int play_in_silence(const jit_kernel *k, float *peak)
{
    float block[BLOCK];
    int how;
    pid_t child = fork();
    if (child == 0) {
        if (!forbid_system_calls())
            _exit(SKIPPED);
        syscall(SYS_exit_group, k ? (long)play(k, block, peak) : (long)getppid());
    }
    if (child < 0 || waitpid(child, &how, 0) != child)
        return SKIPPED;
    return WIFSIGNALED(how) ? -WTERMSIG(how) : WEXITSTATUS(how);
}

/* 0, 1 if it fails, SKIPPED if the operating system cannot show it. */
static int show_silence(const jit_kernel *k)
{
    float *peak =
        mmap(NULL, sizeof *peak, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    int caught = peak == MAP_FAILED ? SKIPPED : play_in_silence(NULL, NULL);
    if (caught == SKIPPED) {
        fprintf(stderr, "skipped: the system does not let a process forbid system calls\n");
        return SKIPPED;
    }
    int ended = play_in_silence(k, peak);
    printf("a process that calls the system: %s\n", caught < 0 ? "ended" : "GOES ON");
    printf("one that plays, peak %.3f: %s\n", (double)*peak,
           ended == JIT_OK ? "0 system calls" : "ENDED");
    munmap(peak, sizeof *peak);
    return caught >= 0 || ended != JIT_OK;
}

static int show_memory(const jit_kernel *k, const long *calls)
{
    float block[BLOCK], peak = 0;
    long calls_before = *calls;
    size_t heap_before = heap_in_use();
    int failed = play(k, block, &peak) != JIT_OK;
    size_t heap_after = heap_in_use();
    printf("%d blocks of %d samples, peak %.3f\n", BLOCKS, BLOCK, (double)peak);
    printf("allocations of fusejit while playing: %ld\n", *calls - calls_before);
    printf("heap grew by %ld bytes\n", (long)(heap_after - heap_before));
    return failed || *calls != calls_before || heap_after != heap_before;
}

int main(void)
{
    long calls = 0;
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
    if (!k)
        jit_error_print(stderr, &err);
    int failed = !k || show_memory(k, &calls);
    if (!failed)
        failed = show_silence(k);
    jit_kernel_release(k);
    jit_release(m);
    if (context)
        jit_context_free(context);
    return failed;
}
