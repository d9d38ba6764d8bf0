/* Filters of a photograph, from bytes to bytes in one pass: sRGB to light, a colour matrix, exposure,
 * a tone map, and back. The program says what happens to one pixel, which is three bytes; nothing of
 * the chain is stored on the way. Matrix and exposure are the same for all pixels, and change without
 * a compile.
 *
 *     image_filters [OUT.png [IN.png]]        without IN.png one is painted: evening.png */
#include <fusejit.h>
#include <math.h>
#include <png.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

static const char *const program =
    "fn light(v: u8) {\n"
    "  let s = f32(v)/255\n"
    "  return s <= 0.04045 ? s/12.92 : ((s + 0.055)/1.055)**2.4\n"
    "}\n"
    "fn encode(c) = c <= 0.0031308 ? 12.92*c : 1.055*c**(1/2.4) - 0.055\n"
    "fn tonemap(c) = c*(2.51*c + 0.03) / (c*(2.43*c + 0.59) + 0.14)\n"
    "fn finish(c) = u8(round(255*clamp(encode(tonemap(max(c, 0))), 0, 1)))\n"
    "fn develop(p: u8[3]; colours: f32[3,3], exposure = 1) -> q: u8[3] {\n"
    "  q = finish(colours @ (exposure*light(p)))\n"
    "}\n"
    /* hills before a sky, in light: each colour is a function of the place */
    "fn ridge(x; h, k) = h - 0.06*sin(k*x) - 0.03*sin(2.3*k*x + 1) - 0.01*sin(9*k*x)\n"
    "fn shade(x, y; sky, sun, hill) {\n"
    "  let d = hypot(x - 1.1, y - 0.45)\n"
    "  let far = 0.35*hill + 0.25*sky\n"
    "  let above = sky*(0.15 + 0.5*y*y) + sun*(exp(-5*d) + (d < 0.06 ? 2 : 0))\n"
    "  return y > ridge(x; 0.85, 4) ? 0.1*hill*(2 - y) : y > ridge(x; 0.65, 6) ? 0.4*hill\n"
    "       : y > ridge(x; 0.55, 3) ? far : above\n"
    "}\n"
    "fn paint(x, y; sky, sun, hill) -> u8 =\n"
    "  u8(round(255*clamp(encode(0.25*shade(x, y; sky, sun, hill)), 0, 1)))\n";

typedef struct picture {
    jit_array rgb; /* u8 [h,w,3] */
    png_image png;
} picture;

static jit_status make(picture *p, int64_t height, int64_t width, jit_error *err)
{
    return jit_array_new(&p->rgb, JIT_U8, 3, (int64_t[]){ height, width, 3 }, err);
}

static int read_png(picture *p, const char *path, jit_error *err)
{
    p->png = (png_image){ .version = PNG_IMAGE_VERSION };
    if (!png_image_begin_read_from_file(&p->png, path))
        return 0;
    p->png.format = PNG_FORMAT_RGB;
    return make(p, p->png.height, p->png.width, err) == JIT_OK &&
           png_image_finish_read(&p->png, NULL, p->rgb.data, 0, NULL);
}

static int write_png(const picture *p, const char *path)
{
    png_image png = { .version = PNG_IMAGE_VERSION, .format = PNG_FORMAT_RGB };
    png.height = (png_uint_32)p->rgb.shape[0];
    png.width = (png_uint_32)p->rgb.shape[1];
    int good = png_image_write_to_file(&png, path, 0, p->rgb.data, 0, NULL);
    if (!good)
        fprintf(stderr, "%s: %s\n", path, png.message);
    return good;
}

/* One colour of it: a view. */
static jit_array colour_of(const picture *p, int k)
{
    jit_array colour = p->rgb;
    colour.rank = 2;
    colour.data = (uint8_t *)p->rgb.data + k;
    return colour;
}

/* A row of x and a column of y, for each colour. */
static jit_status paint(jit_module *m, picture *p, jit_error *err)
{
    enum { HEIGHT = 400, WIDTH = 640 };
    static const double tones[3][3] = { { .3, 1.6, .10 }, { .5, .7, .22 }, { 1.0, .15, .16 } };
    float x[WIDTH], y[HEIGHT];
    for (int i = 0; i < WIDTH; i++)
        x[i] = (float)i / (float)HEIGHT;
    for (int i = 0; i < HEIGHT; i++)
        y[i] = (float)i / (float)HEIGHT;
    jit_array in[] = { jit_array_of(JIT_F32, x, 1, (int64_t[]){ WIDTH }),
                       jit_array_of(JIT_F32, y, 2, (int64_t[]){ HEIGHT, 1 }) };
    jit_status status = make(p, HEIGHT, WIDTH, err);
    for (int k = 0; k < 3 && status == JIT_OK; k++) {
        jit_array colour = colour_of(p, k);
        jit_args args = { .in = in, .n_in = 2, .out = &colour, .n_out = 1 };
        args.uniform = tones[k];
        args.n_uniform = 3;
        status = jit_call(m, "paint", &args, err);
    }
    return status;
}

typedef struct settings {
    float matrix[3][3];
    double exposure;
} settings;

/* More or less colour at the same brightness, then a gain for each. */
static void set_colours(settings *to, double saturation, const double gain[3])
{
    static const double luma[] = { 0.2126, 0.7152, 0.0722 };
    for (int i = 0; i < 9; i++)
        to->matrix[i / 3][i % 3] = (float)(gain[i / 3] * ((1 - saturation) * luma[i % 3] +
                                                          (i % 4 == 0 ? saturation : 0)));
}

static double seconds(void)
{
    struct timespec t;
    timespec_get(&t, TIME_UTC);
    return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

static double light(uint8_t v)
{
    double s = v / 255.0;
    return s <= 0.04045 ? s / 12.92 : pow((s + 0.055) / 1.055, 2.4);
}

/* Bytes that are not what plain C makes of their pixel, rounded either way. */
static int64_t count_wrong(const picture *from, const picture *to, const settings *with)
{
    const uint8_t *p = from->rgb.data, *q = to->rgb.data;
    int64_t wrong = 0;
    for (int64_t k = 0; k < jit_array_count(&to->rgb); k++) {
        const uint8_t *pixel = p + k / 3 * 3;
        const float *row = with->matrix[k % 3];
        double c =
            row[0] * light(pixel[0]) + row[1] * light(pixel[1]) + row[2] * light(pixel[2]);
        c = fmax(with->exposure * c, 0);
        c = c * (2.51 * c + 0.03) / (c * (2.43 * c + 0.59) + 0.14);
        c = c <= 0.0031308 ? 12.92 * c : 1.055 * pow(c, 1 / 2.4) - 0.055;
        wrong += fabs(q[k] - 255 * fmin(c, 1)) > 0.501;
    }
    return wrong;
}

/* Makes *to; the time of the best of a few runs, < 0 on an error. */
static double develop(jit_module *m, const picture *from, picture *to, settings *with)
{
    double best = 1e300;
    jit_error err;
    jit_array in[] = { from->rgb, jit_array_of(JIT_F32, with->matrix, 2, (int64_t[]){ 3, 3 }) };
    jit_args args = { .in = in, .n_in = 2, .out = &to->rgb, .n_out = 1 };
    args.uniform = &with->exposure;
    args.n_uniform = 1;
    args.threads = -1;
    jit_status status = make(to, from->rgb.shape[0], from->rgb.shape[1], &err);
    for (int i = 0; i < 10 && status == JIT_OK; i++) {
        double start = seconds();
        status = jit_call(m, "develop", &args, &err);
        best = fmin(best, seconds() - start);
    }
    if (status == JIT_OK)
        return best;
    jit_error_print(stderr, &err);
    return -1;
}

/* Reads the picture that is asked for, or paints one and writes that too. */
static int get_picture(jit_module *m, picture *p, int argc, char **argv)
{
    jit_error err = { .status = JIT_OK };
    if (argc > 2 && read_png(p, argv[2], &err))
        return 1;
    if (argc > 2) {
        fprintf(stderr, "%s: %s\n", argv[2],
                err.status ? err.diagnostic[0].message : p->png.message);
        return 0;
    }
    if (paint(m, p, &err) == JIT_OK)
        return write_png(p, "evening.png");
    jit_error_print(stderr, &err);
    return 0;
}

int main(int argc, char **argv)
{
    const char *path = argc > 1 ? argv[1] : "developed.png";
    settings with = { .exposure = 5 };
    double time = -1;
    jit_error err;
    picture from = { .rgb.rank = -1 }, to = { .rgb.rank = -1 }, again = { .rgb.rank = -1 };
    jit_module *m = jit_compile(program, NULL, &err);
    if (!m)
        jit_error_print(stderr, &err);
    set_colours(&with, 1.25, (double[]){ 1.08, 1, 0.94 });
    if (m && get_picture(m, &from, argc, argv))
        time = develop(m, &from, &to, &with);
    int failed = time < 0 || !write_png(&to, path) || !read_png(&again, path, &err);
    if (!failed) {
        int64_t n = jit_array_count(&to.rgb), wrong = count_wrong(&from, &to, &with);
        for (int64_t i = 0; i < n; i++)
            wrong += ((uint8_t *)again.rgb.data)[i] != ((uint8_t *)to.rgb.data)[i];
        printf("%d x %d pixels in %s, %lld bytes unlike plain C's, %.1f ns a pixel\n",
               (int)to.rgb.shape[1], (int)to.rgb.shape[0], path, (long long)wrong,
               3e9 * time / (double)n);
        failed = wrong != 0;
    }
    jit_array_free(&from.rgb);
    jit_array_free(&to.rgb);
    jit_array_free(&again.rgb);
    jit_release(m);
    return failed;
}
