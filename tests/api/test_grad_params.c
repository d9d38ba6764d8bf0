/* grad(f; param): derivatives by the parameters of a store, in its order, against differences. */
#include <criterion/criterion.h>
#include <math.h>

#include <fusejit.h>

static const char program[] =
    "fn net(x: [3]) -> [2] { let h = dense(x; 4, tanh)  return dense(h; 2) }\n"
    "fn total(x: [b,3], y: i32[b]) = mean(xent(net(x), y))\n"
    "fn slopes(x: [b,3], y: i32[b]) = value_and_grad(total; param)(x, y)\n"
    "fn shared(x: [b,3], y: i32[b]) {\n"
    "  let (gx, w, b, v, c) = grad(total; x, param)(x, y)\n"
    "  return gx, w, b, v, c\n"
    "}\n";

enum { B = 5, N_PARAMS = 4, MOST = 16 };

typedef struct fixture {
    jit_error err;
    jit_module *m;
    jit_params *p;
    double x[B * 3];
    int32_t y[B];
    double out[6][MOST];
} fixture;

static void start(fixture *f)
{
    f->m = jit_compile(program, NULL, &f->err);
    cr_assert(f->m, "%s", f->err.diagnostic[0].message);
    f->p = jit_params_new(f->m, "net", "f64[3]", NULL, &f->err);
    cr_assert(f->p, "%s", f->err.diagnostic[0].message);
    for (int i = 0; i < B * 3; i++)
        f->x[i] = sin(i * 1.3);
    for (int i = 0; i < B; i++)
        f->y[i] = i % 2;
}

static void end(fixture *f)
{
    jit_params_free(f->p);
    jit_release(f->m);
}

/* first: the shape of result 0; the others are parameters. */
static void call(fixture *f, const char *name, jit_array first, int n)
{
    jit_array in[] = { jit_array_of(JIT_F64, f->x, 2, (int64_t[]){ B, 3 }),
                       jit_array_of(JIT_I32, f->y, 1, (int64_t[]){ B }) };
    jit_array out[1 + N_PARAMS] = { first };
    for (int i = 1; i < n; i++) {
        const jit_array *a = &jit_params_at(f->p, i - 1)->array;
        out[i] = jit_array_of(JIT_F64, f->out[i], a->rank, a->shape);
    }
    jit_args args = { .in = in, .n_in = 2, .out = out, .n_out = n, .params = f->p };
    cr_assert_eq(jit_call(f->m, name, &args, &f->err), JIT_OK, "%s",
                 f->err.diagnostic[0].message);
}

static double loss_of(fixture *f)
{
    double loss;
    call(f, "total", jit_array_of(JIT_F64, &loss, 0, NULL), 1);
    return loss;
}

static void against_differences(fixture *f)
{
    for (int i = 0; i < N_PARAMS; i++) {
        const jit_named *p = jit_params_at(f->p, i);
        for (int64_t k = 0; k < jit_array_count(&p->array); k++) {
            double *at = (double *)p->array.data + k, was = *at, h = 1e-5;
            *at = was + h;
            double up = loss_of(f);
            *at = was - h;
            double slope = (up - loss_of(f)) / (2 * h);
            *at = was;
            cr_expect_float_eq(f->out[i + 1][k], slope, 1e-9, "%s[%d]: %.12g, not %.12g",
                               p->name, (int)k, f->out[i + 1][k], slope);
        }
    }
}

Test(grad_params, are_those_of_the_store_in_its_order)
{
    fixture f;
    start(&f);
    cr_assert_eq(jit_params_count(f.p), N_PARAMS);
    double loss;
    call(&f, "slopes", jit_array_of(JIT_F64, &loss, 0, NULL), 1 + N_PARAMS);
    cr_expect_eq(loss, loss_of(&f));
    against_differences(&f);
    end(&f);
}

Test(grad_params, stand_behind_arguments_and_keep_their_names_under_let)
{
    fixture f;
    start(&f);
    call(&f, "shared", jit_array_of(JIT_F64, f.out[0], 2, (int64_t[]){ B, 3 }), 1 + N_PARAMS);
    against_differences(&f);
    double was = f.x[4];
    f.x[4] = was + 1e-5;
    double up = loss_of(&f);
    f.x[4] = was - 1e-5;
    cr_expect_float_eq(f.out[0][4], (up - loss_of(&f)) / 2e-5, 1e-9);
    end(&f);
}

Test(grad_params, by_jit_grad)
{
    fixture f;
    start(&f);
    jit_grad_options o = { .size = sizeof o, .by = "param", .value = 1 };
    jit_module *g = jit_grad(f.m, "total", &o, &f.err);
    cr_assert(g, "%s", f.err.diagnostic[0].message);
    jit_release(f.m);
    f.m = g;
    double loss;
    call(&f, "value_and_grad_total", jit_array_of(JIT_F64, &loss, 0, NULL), 1 + N_PARAMS);
    against_differences(&f);
    end(&f);
}
