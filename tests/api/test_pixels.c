/* Functions of a pixel or a small vector over pictures in every layout: the same bits as one by one, and
 * nothing beside the elements is written. */
#include <criterion/criterion.h>
#include <fusejit.h>
#include <string.h>

enum { HEIGHT = 5, WIDTH = 67, CHANNELS = 4, PIXELS = HEIGHT * WIDTH };

static const char *const program =
    "fn tone(c) = clamp(c*(2.51*c + 0.03) / (c*(2.43*c + 0.59) + 0.14), 0, 1)\n"
    "fn grade(p: u8[3], m: f32[3,3]) -> q: u8[3] {\n"
    "  q[i] = u8(255*tone(sum[j](m[i,j]*(f32(p[j])/255))))\n"
    "}\n";

typedef struct picture {
    uint8_t at[HEIGHT][WIDTH][CHANNELS];
} picture;

static jit_array colours(picture *p, int32_t channels)
{
    int64_t shape[3] = { HEIGHT, WIDTH, CHANNELS };
    jit_array a = jit_array_of(JIT_U8, p->at, 3, shape);
    a.shape[2] = channels;
    return a;
}

static jit_array backward(jit_array a)
{
    a.data = (uint8_t *)a.data + (HEIGHT - 1) * a.stride[0] + (WIDTH - 1) * a.stride[1];
    a.stride[0] = -a.stride[0];
    a.stride[1] = -a.stride[1];
    return a;
}

/* Blue first. */
static jit_array turned(jit_array a)
{
    a.data = (uint8_t *)a.data + 2 * a.stride[2];
    a.stride[2] = -a.stride[2];
    return a;
}

static void call(jit_module *m, jit_array *in, jit_array out, int32_t threads)
{
    jit_error err;
    jit_args args = { .in = in, .n_in = 2, .out = &out, .n_out = 1, .threads = threads };
    cr_assert_eq(jit_call(m, "grade", &args, &err), JIT_OK, "%s", err.diagnostic[0].message);
}

static jit_array one(jit_array a, int64_t y, int64_t x)
{
    a.data = (uint8_t *)a.data + y * a.stride[0] + x * a.stride[1];
    a.shape[0] = a.shape[2];
    a.stride[0] = a.stride[2];
    a.rank = 1;
    return a;
}

static void compare(jit_module *m, jit_array from, jit_array matrix, int32_t layout)
{
    picture to, want;
    memset(&to, 0xa5, sizeof to);
    memset(&want, 0xa5, sizeof want);
    jit_array out = colours(&to, 3), each = colours(&want, 3);
    if (layout & 1) {
        out = backward(out);
        each = backward(each);
    }
    if (layout & 2) {
        out = turned(out);
        each = turned(each);
    }
    call(m, (jit_array[]){ from, matrix }, out, 1 + layout % 3);
    for (int64_t y = 0; y < HEIGHT; y++)
        for (int64_t x = 0; x < WIDTH; x++)
            call(m, (jit_array[]){ one(from, y, x), matrix }, one(each, y, x), 1);
    cr_expect_arr_eq(&to, &want, sizeof to, "layout %d", (int)layout);
}

Test(pixels, in_every_layout_as_one_by_one)
{
    static float m[3][3] = { { .9f, .2f, -.1f }, { .05f, .8f, .15f }, { -.1f, .3f, 1.1f } };
    jit_error err;
    jit_module *module = jit_compile(program, NULL, &err);
    cr_assert(module, "%s", err.diagnostic[0].message);
    jit_array matrix = jit_array_of(JIT_F32, m, 2, (int64_t[]){ 3, 3 });
    picture from;
    for (int32_t i = 0; i < (int32_t)sizeof from; i++)
        ((uint8_t *)&from)[i] = (uint8_t)(i * 37 + i / 256);
    jit_array in = colours(&from, 3);
    for (int32_t layout = 0; layout < 4; layout++) {
        compare(module, in, matrix, layout);
        compare(module, backward(in), matrix, layout);
        compare(module, turned(in), matrix, layout);
    }
    jit_array row = in; /* one pixel for a whole row */
    row.stride[1] = 0;
    compare(module, row, matrix, 0);
    jit_release(module);
}
