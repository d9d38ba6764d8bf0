/* A loop that ends at another time for each element: the Mandelbrot set, as a picture.
 *
 *     mandelbrot [picture.png [width height]]
 */
#include <fusejit.h>
#include <png.h>
#include <stdio.h>
#include <stdlib.h>

static const char program[] =
    "fn mandel(cr, ci; maxit: i32 = 256) -> i32 {\n"
    "  var zr = 0\n"
    "  var zi = 0\n"
    "  var n: i32 = 0\n"
    "  while n < maxit && zr*zr + zi*zi <= 4 {\n"
    "    let t = zr*zr - zi*zi + cr\n"
    "    zi = 2*zr*zi + ci\n"
    "    zr = t\n"
    "    n += 1\n"
    "  }\n"
    "  return n\n"
    "}\n"
    "fn red(n: i32) -> u8 = u8(n == 256 ? 0.0 : 255 * clamp(1.8 * sqrt(n / 256.0), 0, 1))\n"
    "fn green(n: i32) -> u8 = u8(n == 256 ? 0.0 : 255 * clamp(n / 96.0, 0, 1))\n"
    "fn blue(n: i32) -> u8 = u8(n == 256 ? 0.0 : 255 * clamp(0.3 + n / 64.0, 0, 1))\n";

typedef struct picture {
    int64_t width, height;
    float *re, *im;
    int32_t *count;
    unsigned char *rgb;
} picture;

static int make(picture *p)
{
    size_t w = (size_t)p->width, h = (size_t)p->height;
    p->re = malloc(w * sizeof *p->re);
    p->im = malloc(h * sizeof *p->im);
    p->count = malloc(w * h * sizeof *p->count);
    p->rgb = malloc(w * h * 3);
    if (!p->re || !p->im || !p->count || !p->rgb)
        return 0;
    for (size_t i = 0; i < w; i++)
        p->re[i] = -2.2f + 3.2f * (float)i / (float)w;
    for (size_t i = 0; i < h; i++)
        p->im[i] = -1.2f + 2.4f * (float)i / (float)h;
    return 1;
}

/* Counts per point, from a row and a column; then each colour into every third byte. */
static jit_status draw(picture *p, jit_module *m, jit_error *err)
{
    static const char *const colours[] = { "red", "green", "blue" };
    int64_t shape[] = { p->height, p->width };
    jit_array in[2] = { jit_array_of(JIT_F32, p->re, 2, (int64_t[]){ 1, p->width }),
                        jit_array_of(JIT_F32, p->im, 2, (int64_t[]){ p->height, 1 }) };
    jit_array count = jit_array_of(JIT_I32, p->count, 2, shape);
    jit_args args = { .in = in, .n_in = 2, .out = &count, .n_out = 1, .threads = -1 };
    jit_status status = jit_call(m, "mandel", &args, err);
    for (int i = 0; i < 3 && status == JIT_OK; i++) {
        jit_array bytes = jit_array_of(JIT_U8, p->rgb + i, 2, shape);
        bytes.stride[1] = 3;
        bytes.stride[0] = 3 * p->width;
        jit_args paint = { .in = &count, .n_in = 1, .out = &bytes, .n_out = 1 };
        status = jit_call(m, colours[i], &paint, err);
    }
    return status;
}

static int write_png(const picture *p, const char *path)
{
    png_image png = { .version = PNG_IMAGE_VERSION, .format = PNG_FORMAT_RGB };
    png.width = (png_uint_32)p->width;
    png.height = (png_uint_32)p->height;
    return png_image_write_to_file(&png, path, 0, p->rgb, 0, NULL);
}

int main(int argc, char **argv)
{
    const char *path = argc > 1 ? argv[1] : "mandelbrot.png";
    picture p = { .width = argc > 3 ? atoi(argv[2]) : 640,
                  .height = argc > 3 ? atoi(argv[3]) : 480 };
    jit_error err;
    jit_module *m = jit_compile(program, NULL, &err);
    int good = m != NULL && p.width > 0 && p.height > 0 && make(&p);
    good = good && draw(&p, m, &err) == JIT_OK;
    if (!good)
        jit_error_print(stderr, &err);
    else if (!(good = write_png(&p, path)))
        fprintf(stderr, "cannot write %s\n", path);
    else
        printf("%d x %d points in %s\n", (int)p.width, (int)p.height, path);
    jit_release(m);
    free(p.re);
    free(p.im);
    free(p.count);
    free(p.rgb);
    return !good;
}
