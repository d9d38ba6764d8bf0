/* Strangers' text: random bytes and mutated programs through the public interface, in one
 * process. Each must give a module or a message with a place; what compiles is run.
 *
 *     feed [RANDOM [MUTATED]]      how many of each; FUSEJIT_SEED sets the seed */
#include <fusejit.h>
#include <inttypes.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { LONGEST = 4096, N_ELEMENTS = 5, COMPILE_EVERY = 20 };

static const char *const programs[] = {
    "fn sigmoid(x) = 1 / (1 + exp(-x))",
    "fn leaky_relu(x; a = 0.01) = x > 0 ? x : a*x",
    "fn softplus(x) = max(x, 0) + log1p(exp(-abs(x)))\ngrad fn softplus(x, g) = g * sigmoid(x)",
    "fn softmax(x: [n]) -> y: [n] {\n  let m = max[i](x[i])\n  let s = sum[i](exp(x[i] - m))\n"
    "  y[i] = exp(x[i] - m) / s\n}",
    "fn mlp2(x: [d], W1: [d,h], b1: [h]) -> [h] = relu(x @ W1 + b1)",
    "fn dense(x: [k]; n: dim, act: fn = identity) -> y: [n] {\n  param W: [k,n] = "
    "he_uniform(k, n)\n  y[j] = act(sum[i](x[i]*W[i,j]))\n}",
    "fn sgd(p, g, v = 0; lr = 0.1, mu = 0.9) -> (p2, v2) {\n  v2 = mu*v + g\n  p2 = p - "
    "lr*v2\n}",
    "fn mandel(cr, ci; maxit: i32 = 256) -> i32 {\n  var zr = 0\n  var zi = 0\n  var n: i32 = "
    "0\n"
    "  while n < maxit && zr*zr + zi*zi <= 4 {\n    let t = zr*zr - zi*zi + cr\n    zi = "
    "2*zr*zi + ci\n    zr = t\n    n += 1\n  }\n  return n\n}",
    "const k = 2**10\nfn bits(a: i32, b: u8) = (a << 3) ^ ~i32(b) & popcount(a) | k // 3 % 7",
    "fn collatz(n: i64) -> i64 {\n  var x = n\n  var c: i64 = 0\n  while x > 1 { x = x % 2 == "
    "0 "
    "? x // 2 : 3*x + 1   c += 1 }\n  return c\n}",
    "fn both(x; f: fn = tanh) -> (s: f64, c) = (f64(f(x)), cos(x) ** 2)",
    "fn poly(x) {\n  var s = 0\n  for i in 0 .. 8 by 2 { if x < 0 { continue } s += x**i }\n"
    "  return s\n}",
    "fn pick(x: f16, y: bf16, b: bool) @fast = b && !isnan(x) ? select(b, x, y) : nan",
    "fn deep(x) = ((((((((x + 1) * 2) - 3) / 4) ** 2) % 5) // 6) + frexp(x))",
};
enum { N_PROGRAMS = sizeof programs / sizeof *programs };

static const char *const words[] = {
    "fn ",       "let ",
    "var ",      "param ",
    "const ",    "if ",
    "else ",     "while ",
    "for ",      " in ",
    " .. ",      "break ",
    "continue ", "return ",
    "grad",      "dim",
    "f32",       "i8",
    "u64",       "bool",
    "x",         "y",
    "[",         "]",
    "(",         ")",
    "{",         "}",
    "=",         "==",
    "->",        "**",
    "//",        "%",
    "@",         "?",
    ":",         ";",
    ",",         "0",
    "1e400",     "18446744073709551616",
    "0x",        "-",
    "~",         "!",
    "<<",        "sum[i]",
    "max",       "min(",
    "π",         "\"",
    "#",         "\n",
    "\xff",      "\xe2\x82",
    "1.",        ".5",
    "rand()",    "i64(1e30)",
    "x//0",      "while true {}",
};
enum { N_WORDS = sizeof words / sizeof *words };

typedef struct feeder {
    uint64_t state, seed;
    int64_t accepted, refused, run, failures;
} feeder;

static uint64_t draw(feeder *f, uint64_t n)
{
    f->state ^= f->state >> 12;
    f->state ^= f->state << 25;
    f->state ^= f->state >> 27;
    return (f->state * UINT64_C(2685821657736338717) >> 11) % n;
}

static void fail(feeder *f, const char *text, const char *what)
{
    f->failures++;
    printf("FUSEJIT_SEED=%" PRIu64 ": %s, for\n---\n%s\n---\n", f->seed, what, text);
}

/* -------------------------------------------------------------------------- texts */

static void make_random(feeder *f, char *text)
{
    size_t n = draw(f, draw(f, 4) ? 60 : 600);
    bool printable = draw(f, 2);
    for (size_t i = 0; i < n; i++)
        text[i] = (char)(printable ? 32 + draw(f, 95) : 1 + draw(f, 255));
    text[n] = 0;
}

static void splice(char *text, size_t from, size_t length, const char *insert)
{
    char rest[LONGEST];
    size_t n = strlen(text), m = strlen(insert);
    if (n - length + m + 1 >= LONGEST)
        return;
    memcpy(rest, text + from + length, n - from - length + 1);
    memcpy(text + from, insert, m);
    memcpy(text + from + m, rest, n - from - length + 1);
}

static size_t word_at(const char *text, size_t at)
{
    size_t n = 0;
    while ((text[at + n] >= 'a' && text[at + n] <= 'z') ||
           (text[at + n] >= '0' && text[at + n] <= '9'))
        n++;
    return n;
}

/* Puts one word or operator of the text in the place of another: this often stays a program. */
static void exchange(feeder *f, char *text)
{
    size_t n = strlen(text), from = n ? draw(f, n) : 0, to = n ? draw(f, n) : 0;
    char piece[32] = "";
    while (from > 0 && word_at(text, from - 1))
        from--;
    while (to > 0 && word_at(text, to - 1))
        to--;
    size_t length = word_at(text, from), old = word_at(text, to);
    length = length ? length : n > 0;
    if (length >= sizeof piece || (old == 0) != (word_at(text, from) == 0))
        return;
    memcpy(piece, text + from, length);
    splice(text, to, old ? old : n > 0, piece);
}

static void mutate(feeder *f, char *text)
{
    size_t n = strlen(text), at = n ? draw(f, n) : 0;
    size_t length = n ? draw(f, n - at < 12 ? n - at + 1 : 12) : 0;
    char piece[16] = "";
    switch (draw(f, 10)) {
    case 0:
        splice(text, at, length, "");
        break;
    case 1:
        splice(text, at, 0, words[draw(f, N_WORDS)]);
        break;
    case 2:
        splice(text, at, length, words[draw(f, N_WORDS)]);
        break;
    case 3:
        memcpy(piece, text + at, length);
        splice(text, n ? draw(f, n) : 0, 0, piece);
        break;
    case 4:
        piece[0] = (char)(1 + draw(f, 255));
        splice(text, at, n ? 1 : 0, piece);
        break;
    case 5:
        splice(text, n, 0, "\n");
        splice(text, strlen(text), 0, programs[draw(f, N_PROGRAMS)]);
        break;
    default:
        exchange(f, text);
        break;
    }
}

static void make_mutated(feeder *f, char *text)
{
    strcpy(text, programs[draw(f, N_PROGRAMS)]);
    for (uint64_t i = 0, n = 1 + draw(f, 1 + draw(f, 5)); i < n; i++)
        mutate(f, text);
}

/* -------------------------------------------------------------------------- what must hold */

static int32_t count_lines(const char *text)
{
    int32_t n = 1;
    for (; *text; text++)
        n += *text == '\n';
    return n;
}

static void check_error(feeder *f, const char *text, const jit_error *err)
{
    const jit_diagnostic *d = &err->diagnostic[0];
    if (err->status == JIT_OK || err->n_diagnostics < 1)
        fail(f, text, "a failure without a message");
    else if (err->status == JIT_ERR_INTERNAL)
        fail(f, text, d->message);
    else if (d->code <= 0 || !d->message[0] || strstr(d->message, "LLVM") ||
             !jit_error_explain(d->code))
        fail(f, text, d->message);
    else if (d->line > 0 && (d->line > count_lines(text) || d->column < 1))
        fail(f, text, "a place outside the text");
    if (jit_error_format(err, NULL, 0, 1) == 0)
        fail(f, text, "an error that formats to nothing");
}

/* Calls the last function on a few numbers of the types it declares. */
static void run_last(feeder *f, const char *text, jit_module *m)
{
    static double data[JIT_MAX_OPERANDS][N_ELEMENTS];
    jit_array in[JIT_MAX_OPERANDS], out[JIT_MAX_OPERANDS];
    jit_function_info info;
    jit_error err;
    if (jit_function_count(m) == 0)
        return;
    if (jit_function_at(m, jit_function_count(m) - 1, &info) != JIT_OK)
        fail(f, text, "a function that cannot be described");
    else if (info.n_in + info.n_out <= JIT_MAX_OPERANDS) {
        for (int i = 0; i < info.n_in; i++) {
            jit_dtype type = info.in_dtype[i] == JIT_NONE ? JIT_F64 : info.in_dtype[i];
            for (int j = 0; j < N_ELEMENTS && type == JIT_F64; j++)
                data[i][j] = (double)draw(f, 2000) * 0.01 - 10;
            if (type != JIT_F64)
                memset(data[i], type == JIT_BOOL ? 1 : (int)draw(f, 256), sizeof data[i]);
            in[i] = jit_array_of(type, data[i], 1, (int64_t[]){ N_ELEMENTS });
        }
        for (int i = 0; i < info.n_out; i++)
            out[i] = (jit_array){ .rank = -1 };
        jit_args args = { .in = in, .n_in = info.n_in, .out = out, .n_out = info.n_out };
        args.fuel = 2000;
        if (jit_call(m, info.name, &args, &err) != JIT_OK)
            check_error(f, text, &err);
        else
            f->run++;
        for (int i = 0; i < info.n_out; i++) {
            if (out[i].rank >= 0)
                jit_array_free(&out[i]);
        }
    }
}

static void feed(feeder *f, const char *text)
{
    jit_error err;
    jit_options options = { .size = sizeof options };
    options.interpret = (f->accepted + f->refused) % COMPILE_EVERY != 0;
    jit_module *m = jit_compile(text, &options, &err);
    if (m) {
        f->accepted++;
        run_last(f, text, m);
    } else {
        f->refused++;
        check_error(f, text, &err);
    }
    jit_release(m);
}

int main(int argc, char **argv)
{
    static char text[LONGEST];
    const char *seed = getenv("FUSEJIT_SEED");
    long n_random = argc > 1 ? atol(argv[1]) : 10000;
    long n_mutated = argc > 2 ? atol(argv[2]) : 10000;
    feeder f = { .seed = seed ? strtoull(seed, NULL, 10) : 20240229 };
    f.state = f.seed * UINT64_C(0x9e3779b97f4a7c15) + 1;
    printf("FUSEJIT_SEED=%" PRIu64 "\n", f.seed);
    for (long i = 0; i < n_random && f.failures < 10; i++) {
        make_random(&f, text);
        feed(&f, text);
    }
    for (long i = 0; i < n_mutated && f.failures < 10; i++) {
        make_mutated(&f, text);
        feed(&f, text);
    }
    printf("%" PRId64 " accepted (%" PRId64 " run), %" PRId64 " refused, %" PRId64
           " failures\n",
           f.accepted, f.run, f.refused, f.failures);
    return f.failures != 0;
}
