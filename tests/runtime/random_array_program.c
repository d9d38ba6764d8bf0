/* The statements of random array programs, and the function around them. */
#include <stdio.h>
#include <string.h>

#include "random_array_writer.h"

int64_t array_extent_value(const array_extent *e, const int64_t *size)
{
    int64_t n = e->plus;
    n += e->dim >= 0 ? e->times * size[e->dim] : 0;
    return e->other >= 0 ? n + size[e->other] - 1 : n;
}

static array_extent any_extent(writer *w)
{
    array_extent e = plain_extent(pick(w, w->p->n_sizes));
    switch (pick(w, 8)) {
    case 0:
        return (array_extent){ -1, -1, 0, 1 + pick(w, 4) };
    case 1:
        e.plus = 1 + pick(w, 2);
        break;
    case 2:
        e.times = 2;
        break;
    case 3:
        if (w->p->n_sizes > 1)
            e.other = (e.dim + 1) % w->p->n_sizes;
        break;
    default:
        break;
    }
    return e;
}

/* ---------------------------------------------------------------- names */

static void add_array(writer *w, const char *text, const array_type *t, bool variable)
{
    if (w->n_arrays == MAX_ARRAYS)
        return;
    array_name *a = &w->array[w->n_arrays++];
    (void)snprintf(a->text, sizeof a->text, "%s", text);
    a->type = *t;
    if (t->dtype == JIT_F16 || t->dtype == JIT_BF16)
        a->type.dtype = JIT_F32;
    a->variable = variable;
}

static void add_scalar(writer *w, const char *text, jit_dtype t, bool variable)
{
    if (w->n_scalars == MAX_SCALARS)
        return;
    scalar_name *s = &w->scalar[w->n_scalars++];
    (void)snprintf(s->text, sizeof s->text, "%s", text);
    s->type = t;
    s->variable = variable;
}

static jit_dtype pick_computed(writer *w)
{
    int way = pick(w, 10);
    return way < 7 ? w->real : way < 9 ? JIT_I64 : JIT_BOOL;
}

static array_type pick_shape(writer *w)
{
    array_type t = { .dtype = w->real, .rank = 1 + (pick(w, 2) ? 1 : pick(w, 3) == 0) };
    t.rank += t.rank == 2 && pick(w, 8) == 0;
    for (int i = 0; i < t.rank; i++)
        t.extent[i] = extent_in_use(w);
    return t;
}

/* ---------------------------------------------------------------- statements */

/* name[i,j] with indices of its own; returns how many there were before. */
static int bind_axes(writer *w, const char *name, const array_type *t)
{
    int before = w->n_indices;
    put(w, "%s", name);
    for (int i = 0; i < t->rank; i++)
        put(w, "%s%s", i ? "," : "[", add_index(w, t->extent[i])->text);
    put(w, t->rank ? "]" : "");
    return before;
}

/* let t[i,j] = ...: extents by plain uses. */
static void let_elements(writer *w, const char *name, array_type *t, int depth)
{
    size_t begin = w->used;
    t->dtype = pick_computed(w);
    put(w, "let ");
    int before = bind_axes(w, name, t);
    bool fine = true;
    put(w, " = ");
    for (int i = before; i < w->n_indices; i++)
        w->index[i].found = true;
    for (int i = before; i < before + t->rank && fine; i++) {
        fine = plain_use(w, t->dtype == JIT_BOOL ? w->real : t->dtype, &w->index[i]);
        put(w, pick(w, 2) ? "*" : "+");
    }
    number(w, t->dtype == JIT_BOOL ? w->real : t->dtype, depth);
    if (t->dtype == JIT_BOOL)
        put(w, " < %s(1)", jit_dtype_name(w->real));
    put(w, "\n");
    w->n_indices = before;
    if (fine)
        add_array(w, name, t, false);
    else
        w->used = begin;
}

static void local_array(writer *w, int depth)
{
    char name[16];
    array_type t = pick_shape(w);
    (void)snprintf(name, sizeof name, "t%d", w->serial++);
    switch (pick(w, 4)) {
    case 0:
        put(w, "let %s: %s", name, jit_dtype_name(t.dtype));
        put_dims(w, &t);
        put(w, " = ");
        whole_array(w, &t, depth);
        put(w, "\n");
        add_array(w, name, &t, false);
        break;
    case 1:
        t.dtype = pick_computed(w);
        put(w, "var %s: %s", name, jit_dtype_name(t.dtype));
        put_dims(w, &t);
        put(w, t.dtype == JIT_BOOL ? " = false\n" : " = %d\n", pick(w, 3));
        add_array(w, name, &t, true);
        break;
    default:
        let_elements(w, name, &t, depth);
        break;
    }
}

static void local_scalar(writer *w, int depth)
{
    char name[16];
    jit_dtype t = pick_computed(w);
    bool variable = pick(w, 2);
    (void)snprintf(name, sizeof name, "s%d", w->serial++);
    put(w, "%s %s: %s = ", variable ? "var" : "let", name, jit_dtype_name(t));
    number(w, t, depth);
    put(w, "\n");
    add_scalar(w, name, t, variable);
}

static const array_name *variable_array(writer *w)
{
    int found = 0, chosen = -1;
    for (int i = 0; i < w->n_arrays; i++)
        if (w->array[i].variable && pick(w, ++found) == 0)
            chosen = i;
    return chosen < 0 ? NULL : &w->array[chosen];
}

/* v[i,j] = ..., v[i,0] += ..., v[data] = ..., or v = ... */
static void change_array(writer *w, const array_name *v, int depth)
{
    int before = w->n_indices;
    if (pick(w, 4) == 0 && v->type.dtype == w->real && v->type.rank > 0) {
        put(w, "%s = ", v->text);
        whole_array(w, &v->type, depth);
        put(w, "\n");
        return;
    }
    put(w, "%s", v->text);
    for (int i = 0; i < v->type.rank; i++) {
        put(w, i ? "," : "[");
        int way = pick(w, 8);
        bool room = w->n_indices < MAX_INDICES - 2;
        if (way == 0 && before > 0) {
            put(w, "%s", w->index[pick(w, before)].text);
        } else if (way == 1) {
            put(w, "0");
        } else if (way == 2 && before > 0) {
            put(w, "(%s*3) %% max(i64(", w->index[pick(w, before)].text);
            put_extent(w, &v->type.extent[i]);
            put(w, "), i64(1))");
        } else if (room) {
            put(w, "%s", add_index(w, v->type.extent[i])->text);
        } else {
            put(w, "0");
        }
    }
    static const char *const operators[] = { "=", "=", "+=", "*=" };
    put(w, "%s %s ", v->type.rank ? "]" : "",
        v->type.dtype == JIT_BOOL ? "=" : operators[pick(w, 4)]);
    number(w, v->type.dtype, depth);
    put(w, "\n");
    w->n_indices = before;
}

static void change_scalar(writer *w, int depth)
{
    int found = 0, chosen = -1;
    for (int i = 0; i < w->n_scalars; i++)
        if (w->scalar[i].variable && pick(w, ++found) == 0)
            chosen = i;
    if (chosen < 0) {
        local_scalar(w, depth);
        return;
    }
    jit_dtype t = w->scalar[chosen].type;
    put(w, "%s %s ", w->scalar[chosen].text, t != JIT_BOOL && pick(w, 2) ? "+=" : "=");
    number(w, t, depth);
    put(w, "\n");
}

static void statements(writer *w, int n, int depth);

/* Names made in a block end with it. */
static void block(writer *w, int n, int depth)
{
    int arrays = w->n_arrays, scalars = w->n_scalars;
    put(w, "{\n");
    statements(w, n, depth);
    w->n_arrays = arrays;
    w->n_scalars = scalars;
    put(w, "}\n");
}

static void loop(writer *w, int depth)
{
    if (w->n_indices >= MAX_INDICES - 4 || w->in_loop >= 2)
        return;
    array_extent e = extent_in_use(w);
    put(w, "for %s in 0 .. ", add_index(w, e)->text);
    put_extent(w, &e);
    put(w, pick(w, 5) ? " " : " by 2 ");
    w->in_loop++;
    block(w, 1 + pick(w, 3), depth - 1);
    w->in_loop--;
    w->n_indices--;
}

static void branch(writer *w, int depth)
{
    put(w, "if ");
    number(w, JIT_BOOL, 1);
    put(w, " ");
    block(w, 1 + pick(w, 2), depth);
    if (pick(w, 2)) {
        put(w, "else ");
        block(w, 1, depth);
    } else if (w->in_loop && pick(w, 3) == 0) {
        put(w, "else { %s }\n", pick(w, 2) ? "break" : "continue");
    }
}

static void statements(writer *w, int n, int depth)
{
    for (int i = 0; i < n; i++) {
        const array_name *v = variable_array(w);
        int what = pick(w, 12);
        if (what < 4)
            local_array(w, depth);
        else if (what < 6)
            local_scalar(w, depth);
        else if (what < 8 && v)
            change_array(w, v, depth);
        else if (what < 9)
            change_scalar(w, depth);
        else if (what < 10)
            branch(w, depth - 1);
        else
            loop(w, depth);
    }
}

/* ---------------------------------------------------------------- the function */

static jit_dtype stored_type(writer *w)
{
    static const jit_dtype types[] = { JIT_BOOL, JIT_I8,  JIT_I16,  JIT_I32, JIT_I64, JIT_U8,
                                       JIT_U16,  JIT_F16, JIT_BF16, JIT_F32, JIT_F64 };
    return pick(w, 3) ? w->real : types[pick(w, 11)];
}

/* The first arguments have every size as an axis. */
static void choose_inputs(writer *w)
{
    random_array_program *p = w->p;
    p->n_sizes = 1 + pick(w, N_SIZES);
    int next = 0;
    for (p->n_in = 0; next < p->n_sizes || (p->n_in < ARRAY_PROGRAM_IN - 1 && pick(w, 3));) {
        array_type *t = &p->in[p->n_in++];
        *t = (array_type){ .dtype = stored_type(w), .rank = pick(w, 4) };
        t->rank += next < p->n_sizes && t->rank == 0;
        t->rank -= t->rank == 3 && pick(w, 3);
        for (int i = 0; i < t->rank; i++)
            t->extent[i] = next < p->n_sizes ? plain_extent(next++) : any_extent(w);
        if (next == p->n_sizes && t->rank > 0 && p->n_in > 1)
            t->shared = pick(w, 6) == 0;
    }
}

static void put_inputs(writer *w, bool shared)
{
    random_array_program *p = w->p;
    char name[16];
    bool first = true;
    for (int i = 0; i < p->n_in; i++) {
        const array_type *t = &p->in[i];
        if ((t->shared != 0) != shared)
            continue;
        (void)snprintf(name, sizeof name, "a%d", i);
        put(w, "%s%s: %s", first ? "" : ", ", name, jit_dtype_name(t->dtype));
        put_dims(w, t);
        add_array(w, name, t, false);
        first = false;
    }
    if (!shared)
        return;
    p->n_uniform = pick(w, 3);
    for (int i = 0; i < p->n_uniform; i++) {
        (void)snprintf(name, sizeof name, "u%d", i);
        put(w, "%s%s: %s = %d", first ? "" : ", ", name, jit_dtype_name(w->real), i + 1);
        add_scalar(w, name, w->real, false);
        p->uniform[i] = random_real(&w->r, -2, 2);
        first = false;
    }
}

/* Inputs that are shared come last in a call. */
static void order_inputs(random_array_program *p)
{
    array_type sorted[ARRAY_PROGRAM_IN];
    int n = 0;
    for (int shared = 0; shared < 2; shared++)
        for (int i = 0; i < p->n_in; i++)
            if ((p->in[i].shared != 0) == (shared != 0))
                sorted[n++] = p->in[i];
    memcpy(p->in, sorted, (size_t)n * sizeof *sorted);
}

static void header(writer *w)
{
    random_array_program *p = w->p;
    const char *t = jit_dtype_name(w->real);
    put(w, "fn h0(x) = x > 0 ? x : %s(0.25)*x\n", t);
    put(w, "fn h1(x, y) { var s: %s = x  for q in 0 .. 2 { s = s*y + x } return s }\n", t);
    put(w, "fn h2(x: [p]) -> y: [p] { y[i] = x[i] - x[p-1-i]*%s(0.5) }\n", t);
    choose_inputs(w);
    order_inputs(p);
    put(w, "fn f(");
    put_inputs(w, false);
    size_t at = w->used;
    put(w, "; ");
    size_t after = w->used;
    put_inputs(w, true);
    if (w->used == after)
        w->used = at;
    put(w, ") -> (");
    p->n_out = 1 + (pick(w, 3) == 0) + (pick(w, 6) == 0);
    for (int i = 0; i < p->n_out; i++) {
        p->out[i] = pick(w, 4) ? pick_shape(w) : (array_type){ .rank = 0 };
        p->out[i].dtype = stored_type(w);
        put(w, "%sy%d: %s", i ? ", " : "", i, jit_dtype_name(p->out[i].dtype));
        put_dims(w, &p->out[i]);
    }
    put(w, ") {\n");
}

/* Those that are of a type that is computed with are variables too. */
static void add_results(writer *w)
{
    char name[16];
    for (int i = 0; i < w->p->n_out; i++) {
        const array_type *t = &w->p->out[i];
        bool computed = t->dtype == w->real || t->dtype == JIT_I64 || t->dtype == JIT_BOOL;
        (void)snprintf(name, sizeof name, "y%d", i);
        if (computed && t->rank > 0)
            add_array(w, name, t, true);
    }
}

/* Results are set at the end; those of arrays may be changed before. */
static void result(writer *w, int i, int depth)
{
    const array_type *t = &w->p->out[i];
    jit_dtype c = t->dtype == JIT_BOOL ? JIT_BOOL : t->dtype < JIT_F16 ? JIT_I64 : w->real;
    char name[16];
    (void)snprintf(name, sizeof name, "y%d", i);
    bool cast = t->dtype != c;
    if (t->rank > 0 && c == w->real && pick(w, 3) == 0) {
        put(w, cast ? "%s = %s(" : "%s = ", name, jit_dtype_name(t->dtype));
        whole_array(w, t, depth);
        put(w, cast ? ")\n" : "\n");
        return;
    }
    int before = bind_axes(w, name, t);
    put(w, cast ? " = %s(" : " = ", jit_dtype_name(t->dtype));
    number(w, c, depth);
    put(w, cast ? ")\n" : "\n");
    w->n_indices = before;
}

void random_array_program_make(random_array_program *p, uint64_t seed)
{
    writer w = { .r = { seed }, .p = p };
    memset(p, 0, sizeof *p);
    w.real = pick(&w, 3) ? JIT_F32 : JIT_F64;
    header(&w);
    int depth = 1 + pick(&w, 3);
    add_results(&w);
    statements(&w, pick(&w, 6), depth);
    for (int i = 0; i < p->n_out; i++)
        result(&w, i, depth + 1);
    put(&w, "}\n");
}
