/* Arguments for an expression whose names have no value: arrays of points. */
#include "repl_points.h"

#include <inttypes.h>
#include <math.h>
#include <string.h>

#include "element.h"
#include "print_array.h"

/* splitmix64: any fixed generator does. */
static uint64_t next_random(uint64_t *state)
{
    uint64_t z = *state += UINT64_C(0x9e3779b97f4a7c15);
    z = (z ^ z >> 30) * UINT64_C(0xbf58476d1ce4e5b9);
    z = (z ^ z >> 27) * UINT64_C(0x94d049bb133111eb);
    return z ^ z >> 31;
}

/* Within f32: half of them of ordinary size, the others of any. */
static double wide(int64_t i, uint64_t *state)
{
    static const double special[] = { 0, -0.0, 1, -1, 0.5, 2, INFINITY, -INFINITY, NAN, 1e-40 };
    uint64_t r = next_random(state);
    double unit = (double)(r >> 11) * 0x1p-53;
    if (i < (int64_t)(sizeof special / sizeof *special))
        return special[i];
    if (i % 2)
        return (unit - 0.5) * 20;
    return copysign(ldexp(0.5 + unit / 2, (int)(r % 200) - 100), i % 4 ? 1 : -1);
}

static element point(jit_dtype type, points_kind kind, int64_t i, uint64_t *state)
{
    element e = { .kind = element_kind_of(type) };
    uint64_t r = next_random(state);
    e.real = kind == POINTS_WIDE ? wide(i, state) : (double)(r >> 11) * 0x1p-53;
    e.natural = type == JIT_BOOL ? r & 1 : r % 100;
    e.integer = (int64_t)e.natural;
    return e;
}

static int make(points *p, const char *name, const points_request *r, const console *c)
{
    jit_error err;
    value *v = &p->made[p->n];
    *v = (value){ .item = NULL };
    uint64_t state = (uint64_t)p->n + 1;
    if (jit_array_new(&v->array, p->type, p->form.rank, p->form.shape, &err) != JIT_OK)
        return console_jit_error(c, &err);
    for (int64_t i = 0; i < jit_array_count(&v->array); i++)
        element_write(p->type, (char *)v->array.data + (size_t)i * jit_dtype_size(p->type),
                      point(p->type, r->kind, i, &state));
    p->name[p->n++] = name;
    return EXIT_DONE;
}

/* As many as there are, or the shape of the largest array beside them. */
static jit_array form_of(const session *s, const points_request *r,
                         const jit_function_info *info)
{
    jit_array form = { .rank = 1, .shape = { r->n } };
    int64_t most = 1;
    for (int i = 0; i < info->n_in; i++) {
        const variable *x = session_variable(s, info->in_name[i]);
        jit_array a = x ? value_form(&x->v) : form;
        if (x && info->in_rank[i] == 0 && jit_array_count(&a) > most) {
            most = jit_array_count(&a);
            form = a;
        }
    }
    return form;
}

static int bind(points *p, session *s, const points_request *r, expression *e)
{
    named_value given[JIT_MAX_OPERANDS];
    int code = EXIT_DONE;
    p->form = form_of(s, r, &e->call.info);
    for (int i = 0; i < e->call.info.n_in && !code; i++) {
        const char *name = e->call.info.in_name[i];
        if (session_variable(s, name))
            continue;
        code = make(p, name, r, s->c);
    }
    for (int i = 0; i < p->n; i++)
        given[i] = (named_value){ p->name[i], &p->made[i] };
    return code ? code : session_bind(s, e, given, p->n);
}

static void release(points *p)
{
    for (int i = 0; i < p->n; i++)
        value_free(&p->made[i]);
    p->n = 0;
}

void points_free(points *p)
{
    release(p);
}

bool points_are_whole(const jit_function_info *info)
{
    for (int i = 0; i < info->n_in; i++) {
        if (info->in_rank[i] > 0)
            return true;
    }
    return false;
}

/* Whether the types fit: a kernel can be made. */
static bool fits(session *s, const expression *e, jit_error *err)
{
    char signature[16 * JIT_MAX_OPERANDS];
    call_signature(&e->call, signature, sizeof signature);
    jit_kernel *k = jit_prepare(e->module, "ans", signature, NULL, err);
    (void)s;
    jit_kernel_release(k);
    return k != NULL;
}

int points_compile(points *p, session *s, const points_request *r, expression *e)
{
    static const jit_dtype types[] = { JIT_F32, JIT_I64, JIT_I32, JIT_F64 };
    typed_text t = { r->text, r->text, s->line };
    jit_error first, err;
    *p = (points){ .n = 0 };
    int code = session_parse(s, t, r->interpret, e);
    const char *name = code ? NULL : session_free_name(s, e);
    if (code)
        return code;
    if (!name)
        return session_bind(s, e, NULL, 0);
    for (size_t i = 0; i < sizeof types / sizeof *types; i++) {
        p->type = types[i];
        code = bind(p, s, r, e);
        if (code || fits(s, e, i ? &err : &first))
            return code;
        jit_function_info info = e->call.info;
        call_free(&e->call);
        e->call.info = info;
        release(p);
    }
    return console_jit_error(s->c, &first);
}

void points_print(const points *p, FILE *f)
{
    for (int i = 0; i < p->n; i++)
        (void)fprintf(f, "%s%s", i ? ", " : "", p->name[i]);
    if (p->n > 0) {
        (void)fputs("        ", f);
        print_type(f, &p->made[0].array);
        (void)fputs(element_kind_of(p->type) == ELEMENT_FLOAT ? ", from 0 to 1\n"
                                                              : ", from 0 to 99\n",
                    f);
    }
}
