/* Words of the language that are neither functions nor operators of the library. */
#include "topics.h"

#include <string.h>

#include "built_in.h"

typedef struct topic {
    const char
        *names; /* the first is its own, words that lead here follow, each with a blank */
    const char *usage, *text;
    const char *example; /* an expression, or NULL */
} topic;

#define OVER(name)                                                                             \
    name "(x)   " name "(x; axis = 0)   " name "[i](e)   " name "[i, j in a .. b](e)"

static const topic table[] = {
    { "sum ", OVER("sum"),
      "the sum over the last axis, another one, or all i for which e has elements; in an "
      "order "
      "fixed by the length; integers and bool in i64 (u64 if unsigned); of nothing 0",
      "sum[i in 1 .. 5](i*i)" },
    { "prod ", OVER("prod"), "the product; integers and bool in i64 (u64); of nothing 1",
      "prod[i in 1 .. 6](i)" },
    { "mean ", OVER("mean"), "the sum divided by the count; of integers f64; of nothing NaN",
      "mean[i in 0 .. 4](i)" },
    { "min ", OVER("min"), "reduction: the smallest element, NaN if any is",
      "min[i in 0 .. 7](i*i - 4*i)" },
    { "max ", OVER("max"), "reduction: the largest element, NaN if any is",
      "max[i in 0 .. 7](4*i - i*i)" },
    { "any ", OVER("any"), "whether one element is true; of nothing false",
      "any[i in 1 .. 9](i*i == 25)" },
    { "all ", OVER("all"), "whether all elements are true; of nothing true",
      "all[i in 1 .. 9](i*i < 25)" },
    { "argmin ", "argmin(x)   argmin(x; axis = 0)   argmin[i](e)",
      "the index of the smallest element, the first of equals, or of the first NaN; i64",
      "argmin[i in 0 .. 7](i*i - 4*i)" },
    { "argmax ", "argmax(x)   argmax(x; axis = 0)   argmax[i](e)",
      "the index of the largest element, the first of equals, or of the first NaN; i64",
      "argmax[i in 0 .. 7](4*i - i*i)" },
    { "@ matmul dot ", "x @ W",
      "the product of vectors, matrices, or batches of matrices, as NumPy's matmul; "
      "the same as an index expression: y[i,j] = sum[k](x[i,k]*W[k,j])",
      NULL },
    { "[ ] index indices einsum ", "y[i,j] = e   let t[i] = e   x[i+1, j]",
      "index notation: e for all i and j; an index has the extent of the declared axis on the "
      "left, else of the arrays that it is a plain subscript of",
      NULL },
    { "fn ", "fn name(x, W: [k,n]; a = 1) -> y: [n] = e   fn name(..) { .. return e }",
      "a function of one sample: arguments before ';' broadcast, those after it are one value "
      "for all; [k,n] are core dimensions, axes in front of them are batches",
      NULL },
    { "let ", "let a = e   let (a, b) = e   let t[i] = e", "a name for a value in a function",
      NULL },
    { "var ", "var a = e   var t: [n] = 0", "a name in a function that can be assigned", NULL },
    { "param ", "param W: [k,n] = he_uniform(k, n)",
      "a parameter of a layer, with its first value; kept in a store under its path, net.h.W",
      NULL },
    { "const ", "const k = 2*pi", "a constant", NULL },
    { "dim ", "fn f(x: [k]; n: dim)",
      "a dimension given by the caller, a whole number that is fixed when the kernel is made",
      NULL },
    { "if else ", "if c { .. } else { .. }", "statements for the elements of which c is true",
      NULL },
    { "for in by ", "for i in 0 .. n { .. }   for i in n .. 0 by -1 { .. }",
      "counts from the first bound to before the second", NULL },
    { "while break continue ", "while c { .. }", "repeats as long as c is true", NULL },
    { "return ", "return e", "ends a function with its value", NULL },
    { "? : ", "c ? x : y", "x where c is true, else y; both may be computed", NULL },
    { "bool i8 i16 i32 i64 u8 u16 u32 u64 f16 bf16 f32 f64 ", "x: f32   x: f32[n]   f32(x)",
      "element types; as a function a cast. f16 and bf16 are stored so and computed in f32",
      "i32(2.75)" },
    { "grad value_and_grad ", "grad(f)(x)   value_and_grad(f; w, b)(x, w, b)",
      "the derivative of f by its first argument, or by those named; its value before them",
      NULL },
};
enum { N_TOPICS = sizeof table / sizeof *table };

static bool leads_here(const topic *t, const char *name)
{
    size_t n = strlen(name);
    for (const char *p = t->names; *p; p = strchr(p, ' ') + 1) {
        if (strncmp(p, name, n) == 0 && p[n] == ' ')
            return n > 0;
    }
    return false;
}

bool topics_page(session *s, const char *name)
{
    for (const topic *t = table; t < table + N_TOPICS; t++) {
        if (!leads_here(t, name))
            continue;
        (void)fprintf(s->c->out, "%s\n", t->usage);
        built_in_words(s->c->out, t->text);
        if (t->example)
            (void)built_in_example(s, t->example);
        return true;
    }
    return false;
}

/* Reductions alone are offered: the rest is short or known. */
const char *topics_name(int i)
{
    static const char *const words[] = { "sum",    "prod",  "mean",   "any",   "all", "argmin",
                                         "argmax", "param", "return", "const", NULL };
    return words[i];
}
