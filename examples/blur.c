/* A Gaussian blur of an image by index notation: the frame that the window needs is in the type,
 * [h+w-1] rows make [h]. The image is bytes and so is the result; the sums are f32.
 *
 *     blur [OUT.pgm [IMAGE]]        IMAGE: an array file of bytes with two axes, else one is made */
#include <fusejit.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>

static const char *const program =
    "fn gauss(i; sigma = 2) = exp(-i*i/(2*sigma*sigma))\n"
    "fn window(x: f32[n]) -> w: f32[n] { w[i] = x[i]/sum[j](x[j]) }\n"
    "fn down(x: f32[h+m-1, w], k: f32[m]) -> y: f32[h,w] { y[i,j] = sum[a](k[a]*x[i+a,j]) }\n"
    "fn across(x: f32[h, w+m-1], k: f32[m]) -> y: f32[h,w] { y[i,j] = sum[a](k[a]*x[i,j+a]) }\n"
    "fn blur(x: f32[h+m-1, w+m-1], k: f32[m]) -> y: u8[h,w] {\n"
    "  let s = across(down(x, k), k)\n"
    "  y[i,j] = u8(round(s[i,j]))\n"
    "}\n";

enum { TAPS = 11, SIDE = 250 };

/* Bright discs on a dark ground. */
static jit_status draw(jit_array *x, jit_error *err)
{
    jit_status status = jit_array_new(x, JIT_U8, 2, (int64_t[]){ SIDE, SIDE }, err);
    for (int i = 0; i < SIDE * SIDE && status == JIT_OK; i++) {
        int row = i / SIDE, column = i % SIDE, r = row % 50 - 25, c = column % 50 - 25;
        int radius = 5 + 3 * (row / 50);
        ((uint8_t *)x->data)[i] = r * r + c * c < radius * radius ? 230 : 20;
    }
    return status;
}

static jit_status make_window(jit_module *m, float taps[TAPS], jit_error *err)
{
    for (int i = 0; i < TAPS; i++)
        taps[i] = (float)i - TAPS / 2;
    jit_array k = jit_array_of(JIT_F32, taps, 1, (int64_t[]){ TAPS });
    jit_args args = { .in = &k, .n_in = 1, .out = &k, .n_out = 1 };
    jit_status status = jit_call(m, "gauss", &args, err);
    return status != JIT_OK ? status : jit_call(m, "window", &args, err);
}

static int write_pgm(const jit_array *y, const char *path)
{
    size_t n = (size_t)jit_array_count(y);
    FILE *f = fopen(path, "wb");
    if (!f)
        return 0;
    fprintf(f, "P5\n%d %d\n255\n", (int)y->shape[1], (int)y->shape[0]);
    int good = fwrite(y->data, 1, n, f) == n;
    return fclose(f) == 0 && good;
}

/* Pixels that differ from the sums in plain C by more than one grey level. */
static int64_t count_wrong(const jit_array *x, const jit_array *y, const float *taps)
{
    int64_t wrong = 0, width = y->shape[1];
    for (int64_t i = 0; i < jit_array_count(y); i++) {
        double s = 0;
        for (int a = 0; a < TAPS * TAPS; a++) {
            int64_t row = i / width + a / TAPS, column = i % width + a % TAPS;
            s += (double)taps[a / TAPS] * (double)taps[a % TAPS] *
                 ((const uint8_t *)x->data)[row * x->shape[1] + column];
        }
        wrong += fabs(s - ((const uint8_t *)y->data)[i]) > 0.501;
    }
    return wrong;
}

int main(int argc, char **argv)
{
    const char *path = argc > 1 ? argv[1] : "blur.pgm";
    float taps[TAPS];
    jit_error err;
    jit_array in[2], y = { .rank = -1 };
    jit_module *m = jit_compile(program, NULL, &err);
    if (!m || (argc > 2 ? jit_array_load(&in[0], argv[2], &err) : draw(&in[0], &err)) ||
        make_window(m, taps, &err)) {
        jit_error_print(stderr, &err);
        return 1;
    }
    in[1] = jit_array_of(JIT_F32, taps, 1, (int64_t[]){ TAPS });
    jit_args args = { .in = in, .n_in = 2, .out = &y, .n_out = 1, .threads = -1 };
    if (jit_call(m, "blur", &args, &err)) {
        jit_error_print(stderr, &err);
        return 1;
    }
    int64_t wrong = count_wrong(&in[0], &y, taps);
    int written = write_pgm(&y, path);
    printf("%lld x %lld pixels blurred to %lld x %lld in %s, %lld unlike plain C's\n",
           (long long)in[0].shape[0], (long long)in[0].shape[1], (long long)y.shape[0],
           (long long)y.shape[1], written ? path : "no file", (long long)wrong);
    jit_array_free(&in[0]);
    jit_array_free(&y);
    jit_release(m);
    return wrong != 0 || !written;
}
