/* Arrays that a loop computes anew, each element from its own or not: compiled as interpreted. */
#include <criterion/criterion.h>
#include <stdio.h>
#include <string.h>

#include <fusejit.h>

enum { MOST = 301 };

/* x and w are [n], a is [4,n] */
static const char *const programs[] = {
    /* in the old one's place */
    "var y = x  for i in 0 .. 4 { y[j] = y[j]*0.5 - a[i,j] }  return y",
    "var y = x  for i in 0 .. 4 { y[j] = y[j] + sum[k in 0 .. 3](a[i,j]*a[k,j]) }  return y",
    "var y = x  for i in 0 .. 4 { y[j] = y[j] + w[0]*i  y[0] = y[1] }  return y",
    "var y = x  var s = w[0]  for i in 0 .. 4 { s = s + sum(y)  y[j] = y[j]*0.25 + s }  return "
    "y",
    "var y = x  var z = w  for i in 0 .. 4 { y[j] = y[j] - a[i,j]  z[j] = z[j]*0.5 + y[j] }  "
    "return y - z",
    /* not there: others read the old one later, in another order, or take it */
    "var y = x  for i in 0 .. 4 { y[j] = y[j] - 0.5*y[max(j-1,0)] }  return y",
    "var y = x  for i in 0 .. 4 { y[j] = y[n-1-j] + a[i,j] }  return y",
    "var y = x  for i in 0 .. 4 { y[j] = y[j] - 0.25*sum(y) }  return y",
    "var y = x  var z = w  for i in 0 .. 4 { let o = y  y[j] = y[j]*0.5 + z[j]  z = o }  "
    "return y - z",
    "var y = x  var z = w  for i in 0 .. 4 { let o = y  y[j] = y[j] + a[i,j]  z[j] = z[j] - "
    "o[j] }  return y*z",
    "var y = x  var z = w  for i in 0 .. 4 { y[j] = y[j] + a[i,j]  z = y }  return y*z",
    "var y = x  var m = w  for i in 0 .. 4 { if i == 2 { y[j] = y[j] + a[i,j] }  m[j] = m[j] + "
    "y[j] }  return m",
    "var y = x  var i = 0  while i < 9 && sum(y) < 100 { y[j] = y[j]*1.5 + 1  i += 1 }  return "
    "y",
};

static float data[6][MOST];

static jit_module *compile(const char *body, const char *before, int interpret)
{
    char text[1000];
    jit_error err;
    jit_options o = { .size = sizeof o, .interpret = interpret };
    (void)snprintf(text, sizeof text,
                   "%sfn f(x: f32[n], w: f32[n], a: f32[4,n]) -> f32[n] { %s }", before, body);
    jit_module *m = jit_compile(text, &o, &err);
    cr_assert(m, "%s: %s", text, err.diagnostic[0].message);
    return m;
}

static void run(jit_module *m, int64_t n, float *y)
{
    jit_error err;
    jit_array in[3] = { jit_array_of(JIT_F32, data[0], 1, &n),
                        jit_array_of(JIT_F32, data[1], 1, &n),
                        jit_array_of(JIT_F32, data[2], 2, (int64_t[]){ 4, n }) };
    jit_array out = jit_array_of(JIT_F32, y, 1, &n);
    jit_args args = { .in = in, .n_in = 3, .out = &out, .n_out = 1 };
    jit_call(m, "f", &args, &err);
    cr_assert_eq(err.status, JIT_OK, "%s", err.diagnostic[0].message);
}

static void compare(const char *body, const char *before, const int64_t *n, int n_sizes)
{
    static float y[2][MOST];
    jit_module *m[2] = { compile(body, before, 0), compile(body, before, 1) };
    for (int i = 0; i < n_sizes; i++) {
        run(m[0], n[i], y[0]);
        run(m[1], n[i], y[1]);
        cr_expect(memcmp(y[0], y[1], (size_t)n[i] * 4) == 0, "%s, %d elements", body,
                  (int)n[i]);
    }
    jit_release(m[0]);
    jit_release(m[1]);
}

Test(loop_arrays, compiled_as_interpreted)
{
    for (int i = 0; i < 6; i++)
        for (int k = 0; k < MOST; k++)
            data[i][k] = (float)((k * 7 + i * 3) % 53) / 16 - 1;
    for (size_t i = 0; i < sizeof programs / sizeof programs[0]; i++) {
        compare(programs[i], "", (int64_t[]){ 2, 15, 17, 70, MOST }, 5);
        compare(programs[i], "const n = 70\n", (int64_t[]){ 70 }, 1);
    }
}
