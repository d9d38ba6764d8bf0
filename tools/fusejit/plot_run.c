/* What is asked for in `sin(x), cos(x), x=-3..3`: parts, ranges, variables; then the picture. */
#include <ctype.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "element.h"
#include "gnuplot.h"
#include "plot.h"

enum { MAP_SIDE = 200 }; /* cells of a map in a file */

typedef struct part {
    size_t at, length;     /* in the text; of a range the name's */
    size_t low, high, end; /* of a range: where its bounds begin, and it ends */
    bool range;
} part;

typedef struct request {
    session *s;
    const plot_request *from;
    part part[2 * PLOT_CURVES];
    int n_parts;
    int axis_range[2]; /* part of each variable, -1: none */
    int n_axes;
    bool has_array; /* what is drawn are elements of arrays */
    plot_picture p;
} request;

/* -------------------------------------------------------------------------- parts */

/* NAME = A .. B */
static bool read_range(const char *text, part *a)
{
    const char *p = text + a->at, *end = p + a->length;
    long depth = 0;
    token t = scan_token(&p), equals = scan_token(&p);
    if (t.kind != SCAN_WORD || !scan_is(equals, "=") || p > end)
        return false;
    size_t name = (size_t)(t.text - text), length = t.length;
    a->low = (size_t)(p - text);
    for (t = scan_token(&p); t.kind != SCAN_END && t.text < end; t = scan_token(&p)) {
        depth += t.kind == SCAN_OPEN ? 1 : t.kind == SCAN_CLOSE ? -1 : 0;
        if (depth != 0 || !scan_is(t, ".."))
            continue;
        a->high = (size_t)(p - text);
        a->end = a->at + a->length;
        a->at = name;
        a->length = length;
        a->range = true;
        return true;
    }
    return false;
}

static int add_part(request *r, size_t at, size_t end)
{
    const char *text = r->from->from.text;
    while (at < end && strchr(" \t\r\n", text[at]))
        at++;
    while (end > at && strchr(" \t\r\n", text[end - 1]))
        end--;
    if (end == at)
        return EXIT_DONE;
    if (r->n_parts == 2 * PLOT_CURVES)
        return console_error(r->s->c, EXIT_USER, "at most %d curves are drawn", PLOT_CURVES);
    part *a = &r->part[r->n_parts++];
    *a = (part){ .at = at, .length = end - at };
    a->range = read_range(text, a);
    return EXIT_DONE;
}

static int split(request *r)
{
    const char *text = r->from->from.text, *p = text;
    size_t start = 0;
    long depth = 0;
    int code = EXIT_DONE;
    for (token t = scan_token(&p); t.kind != SCAN_END && !code; t = scan_token(&p)) {
        depth += t.kind == SCAN_OPEN ? 1 : t.kind == SCAN_CLOSE ? -1 : 0;
        if (depth > 0 || !scan_is(t, ","))
            continue;
        code = add_part(r, start, (size_t)(t.text - text));
        start = (size_t)(p - text);
    }
    return code ? code : add_part(r, start, strlen(text));
}

/* The text with blanks for all outside a .. b, so that places in it stay. */
static char *only(const request *r, size_t a, size_t b)
{
    const char *text = r->from->from.text;
    char *copy = memory_take(b + 1), *to = copy;
    for (size_t i = 0; i < b; i++) {
        bool first = ((unsigned char)text[i] & 0xc0) != 0x80;
        if (i >= a || text[i] == '\n')
            *to++ = text[i];
        else if (first)
            *to++ = ' ';
    }
    return copy;
}

/* -------------------------------------------------------------------------- ranges */

static int bound(request *r, size_t from, size_t to, double *v)
{
    expression e;
    char *text = only(r, from, to);
    typed_text t = { text, r->from->from.text, r->from->from.line };
    int code = session_compile(r->s, t, true, &e);
    if (!code)
        code = session_call(r->s, &e);
    if (!code && jit_array_count(&e.call.out[0]) == 1)
        *v = element_real(&e.call.out[0], 0);
    session_release(&e);
    free(text);
    return code;
}

static bool is_blank(const request *r, size_t from, size_t to)
{
    return from + strspn(r->from->from.text + from, " \t\r\n") >= to;
}

static int read_bounds(request *r, const part *a, plot_range *to)
{
    plot_range v = { (double)NAN, (double)NAN };
    const char *text = r->from->from.text + a->at;
    int length = (int)(a->end - a->at);
    bool low = !is_blank(r, a->low, a->high - 2), high = !is_blank(r, a->high, a->end);
    if (!low || !high)
        return console_error(r->s->c, EXIT_USER,
                             "the range '%.*s' has no %s bound: ranges are as in x=-3..3",
                             length, text, low ? "upper" : "lower");
    int code = bound(r, a->low, a->high - 2, &v.lo);
    if (!code)
        code = bound(r, a->high, a->end, &v.hi);
    if (!code && !(v.lo < v.hi && isfinite(v.hi - v.lo) && isfinite(v.lo)))
        return console_error(
            r->s->c, EXIT_USER,
            "the range '%.*s' goes from %g to %g: the second must be larger, and both finite",
            length, text, v.lo, v.hi);
    *to = v;
    return code;
}

static const part *range_of(const request *r, const char *name)
{
    const char *text = r->from->from.text;
    for (int i = 0; i < r->n_parts; i++) {
        const part *a = &r->part[i];
        if (a->range && strlen(name) == a->length &&
            strncmp(text + a->at, name, a->length) == 0)
            return a;
    }
    return NULL;
}

/* -------------------------------------------------------------------------- variables */

static bool is_axis(const request *r, const char *name)
{
    for (int i = 0; i < r->n_axes; i++) {
        if (strcmp(r->p.name[i], name) == 0)
            return true;
    }
    return false;
}

static int add_axis(request *r, const char *name)
{
    if (is_axis(r, name))
        return EXIT_DONE;
    if (r->n_axes == 2)
        return console_error(r->s->c, EXIT_USER,
                             "'%s', '%s' and '%s' have no value: at most two variables can be "
                             "drawn",
                             r->p.name[0], r->p.name[1], name);
    r->p.name[r->n_axes++] = memory_text(name, strlen(name));
    return EXIT_DONE;
}

/* Names with a range, in the order of the ranges; then those without a value. */
static int find_axes(request *r, plot_function *const *f, int n)
{
    int code = EXIT_DONE;
    for (int k = 0; k < r->n_parts && !code; k++) {
        const part *a = &r->part[k];
        char *name = memory_text(r->from->from.text + a->at, a->range ? a->length : 0);
        bool used = false;
        for (int i = 0; i < n; i++)
            for (int j = 0; j < f[i]->e.call.info.n_in; j++)
                used = used || strcmp(f[i]->e.call.info.in_name[j], name) == 0;
        if (a->range && used)
            code = add_axis(r, name);
        free(name);
    }
    for (int i = 0; i < n && !code; i++) {
        const jit_function_info *info = &f[i]->e.call.info;
        for (int j = 0; j < info->n_in && !code; j++)
            if (!session_variable(r->s, info->in_name[j]))
                code = add_axis(r, info->in_name[j]);
    }
    return code;
}

/* A range of no variable: x is that of the only one, whatever its name, y that of the values. */
static int check_ranges(request *r, plot_range *values)
{
    const char *text = r->from->from.text;
    const part *x = range_of(r, "x"), *y = range_of(r, "y");
    bool lent = x && !is_axis(r, "x") && (r->n_axes == 0 || !range_of(r, r->p.name[0]));
    if (lent && r->n_axes == 0)
        r->p.name[0] = memory_text("x", 1);
    for (int i = 0; i < r->n_parts; i++) {
        const part *a = &r->part[i];
        char *name = memory_text(text + a->at, a->range ? a->length : 0);
        bool known =
            !a->range || is_axis(r, name) || (a == x && lent) || (a == y && r->n_axes < 2);
        int code = known ? EXIT_DONE
                         : console_error(r->s->c, EXIT_USER,
                                         "nothing that is drawn depends on '%s'", name);
        free(name);
        if (code)
            return code;
    }
    if (y && !is_axis(r, "y"))
        return read_bounds(r, y, values);
    return EXIT_DONE;
}

static int read_axes(request *r)
{
    plot_range *to[] = { &r->p.x, &r->p.y };
    int code = EXIT_DONE;
    for (int i = 0; i < 2 && !code; i++) {
        const part *a = r->p.name[i] ? range_of(r, r->p.name[i]) : NULL;
        if (!a && i == 0)
            a = range_of(r, "x");
        if (i == 1 && r->n_axes < 2)
            break;
        *to[i] = (plot_range){ -5, 5 };
        code = a ? read_bounds(r, a, to[i]) : EXIT_DONE;
    }
    return code;
}

/* -------------------------------------------------------------------------- expressions */

/* A function alone is called with the variables that have ranges, else with its own names. */
static char *called(request *r, const part *a)
{
    jit_module *m;
    jit_function_info info;
    jit_operator_info o;
    const char *text = r->from->from.text;
    char *name = memory_text(text + a->at, a->length), *call = NULL;
    const char *const *in = NULL;
    int n = 0;
    if (session_function(r->s, name, true, &m, &info)) {
        in = info.in_name;
        n = info.n_in;
    } else if (!session_variable(r->s, name) && jit_operator_find(name, &o) == JIT_OK) {
        in = o.in_name;
        n = o.n_in;
    }
    if (n == 1 || n == 2) {
        size_t size = 2 * strlen(name) + strlen(in[0]) + strlen(in[n - 1]) + a->at + 16;
        call = memory_take(size);
        (void)snprintf(call, size, "%*s%s(%s%s%s)", (int)a->at, "", name, in[0],
                       n == 2 ? ", " : "", n == 2 ? in[1] : "");
    }
    jit_release(m);
    free(name);
    return call ? call : only(r, a->at, a->at + a->length);
}

static int parse(request *r, const part *a, plot_function *f)
{
    char *text = called(r, a);
    typed_text t = { text, r->from->from.shown, r->from->from.line };
    *f = (plot_function){ .s = r->s };
    int code = session_parse(r->s, t, false, &f->e);
    free(text);
    return code;
}

static int bind(request *r, plot_function *f)
{
    double zero = 0;
    value start = { .array = jit_array_of(JIT_F64, &zero, 0, NULL) };
    named_value given[2];
    for (int i = 0; i < r->n_axes; i++) {
        given[i] = (named_value){ r->p.name[i], &start };
        f->at[i] = -1;
        for (int k = 0; k < f->e.call.info.n_in; k++)
            if (strcmp(f->e.call.info.in_name[k], r->p.name[i]) == 0)
                f->at[i] = k;
    }
    for (int i = r->n_axes; i < 2; i++)
        f->at[i] = -1;
    int code = session_bind(r->s, &f->e, given, r->n_axes);
    return code ? code : plot_function_types(f, &r->p);
}

/* -------------------------------------------------------------------------- the picture */

/* "sin(x)", or the result's name behind it. */
static char *label_of(const request *r, const part *a, const plot_function *f)
{
    char text[160];
    size_t n = a->length > 100 ? 97 : a->length;
    while (n > 0 && n < a->length &&
           ((unsigned char)r->from->from.text[a->at + n] & 0xc0) == 0x80)
        n--;
    (void)snprintf(text, sizeof text, "%.*s%s", (int)n, r->from->from.text + a->at,
                   n < a->length ? "..." : "");
    for (char *p = text; *p; p++)
        *p = isspace((unsigned char)*p) ? ' ' : *p;
    if (f->e.call.info.n_out > 1) {
        const char *name = f->e.call.info.out_name[f->result];
        size_t at = strlen(text);
        if (*name)
            (void)snprintf(text + at, sizeof text - at, ": %s", name);
        else
            (void)snprintf(text + at, sizeof text - at, " [%d]", f->result);
    }
    return memory_text(text, strlen(text));
}

/* Another curve with the label; NULL: there are too many. */
static plot_curve *add_curve(request *r, const part *a, const plot_function *f)
{
    if (r->p.n_curves == PLOT_CURVES) {
        (void)console_error(r->s->c, EXIT_USER, "at most %d curves are drawn", PLOT_CURVES);
        return NULL;
    }
    plot_curve *c = &r->p.curve[r->p.n_curves++];
    c->label = label_of(r, a, f);
    return c;
}

/* Elements over their index, or over the range that is given. */
static int add_array(request *r, const part *a, plot_function *f, plot_range *shown)
{
    const jit_array *v = &f->e.call.out[f->result];
    if (!range_of(r, "x"))
        r->p.x =
            (plot_range){ 0, fmax(r->has_array ? r->p.x.hi : 1, (double)(v->shape[0] - 1)) };
    plot_range x = range_of(r, "x") ? r->p.x : (plot_range){ 0, (double)(v->shape[0] - 1) };
    r->has_array = true;
    for (int i = 0; i < plot_array_columns(v); i++) {
        plot_curve *c = add_curve(r, a, f);
        if (!c)
            return EXIT_USER;
        plot_array(v, i, x, c, shown);
    }
    return EXIT_DONE;
}

static int sample(request *r, const part *a, plot_function *f, plot_range *shown)
{
    int code = EXIT_DONE;
    for (f->result = 0; f->result < f->e.call.info.n_out && !code; f->result++) {
        bool array = r->n_axes == 0 && plot_array_columns(&f->e.call.out[f->result]) > 0;
        plot_curve *c = array ? NULL : add_curve(r, a, f);
        code = array ? add_array(r, a, f, shown)
               : c   ? plot_sample(f, &r->p, c, shown)
                     : EXIT_USER;
    }
    return code;
}

static int no_value(const request *r)
{
    return console_error(r->s->c, EXIT_USER, "there is nothing to draw: no value is a number");
}

static int map(request *r, const part *a, plot_function *f, const plot_look *look)
{
    plot_map *m = &r->p.map;
    bool file = r->from->path != NULL;
    m->label = label_of(r, a, f);
    m->columns = file ? MAP_SIDE : look->columns;
    m->rows = file ? MAP_SIDE : look->rows * (look->colour ? 2 : 1);
    m->z = memory_take((size_t)m->columns * (size_t)m->rows * sizeof *m->z);
    int code = plot_function_map(f, &r->p, m);
    r->p.z = (plot_range){ 1, 0 };
    if (!code)
        plot_shown(m->z, m->columns * m->rows, &r->p.z);
    if (!code && !(r->p.z.lo <= r->p.z.hi))
        return no_value(r);
    r->p.z = plot_widened(r->p.z);
    return code;
}

static int draw(const request *r, const plot_look *look)
{
    if (r->from->path)
        return plot_file(&r->p, r->from->path, r->s->c);
    if (r->p.map.z)
        plot_heat(&r->p, look);
    else
        plot_text(&r->p, look);
    return EXIT_DONE;
}

static int make(request *r, plot_function *const *f, const part *const *a, int n)
{
    plot_range values = { 1, 0 }, shown = { 1, 0 };
    plot_look look = plot_look_of(r->s->c);
    int code = find_axes(r, f, n);
    code = code ? code : check_ranges(r, &values);
    code = code ? code : read_axes(r);
    if (!code && r->n_axes == 2 && n > 1)
        return console_error(r->s->c, EXIT_USER,
                             "of functions of two variables one at a time is drawn");
    for (int i = 0; i < n && !code; i++) {
        code = bind(r, f[i]);
        if (!code)
            code = r->n_axes == 2 ? map(r, a[i], f[i], &look) : sample(r, a[i], f[i], &shown);
    }
    if (code)
        return code;
    if (r->n_axes < 2) {
        if (!(shown.lo <= shown.hi))
            return no_value(r);
        r->p.y = values.lo < values.hi ? values : plot_widened(shown);
    }
    if (!r->p.name[0])
        r->p.name[0] = r->has_array ? memory_text("index", 5) : memory_text("x", 1);
    return draw(r, &look);
}

static int collect(request *r)
{
    plot_function *f[PLOT_CURVES] = { NULL };
    const part *a[PLOT_CURVES];
    int n = 0, code = split(r);
    for (int i = 0; i < r->n_parts && !code; i++) {
        if (r->part[i].range)
            continue;
        if (n == PLOT_CURVES) {
            code =
                console_error(r->s->c, EXIT_USER, "at most %d curves are drawn", PLOT_CURVES);
            break;
        }
        a[n] = &r->part[i];
        f[n] = memory_take(sizeof *f[n]);
        code = parse(r, a[n], f[n]);
        n++;
    }
    if (!code && n == 0)
        code = console_error(r->s->c, EXIT_USER, "there is no expression to draw");
    if (!code)
        code = make(r, f, a, n);
    for (int i = 0; i < n; i++) {
        session_release(&f[i]->e);
        free(f[i]);
    }
    return code;
}

int plot_run(session *s, const plot_request *from)
{
    request *r = memory_take(sizeof *r);
    *r = (request){ .s = s, .from = from };
    int code = from->path ? gnuplot_check("cannot draw", from->path, s->c) : EXIT_DONE;
    if (!code)
        code = collect(r);
    for (int i = 0; i < r->p.n_curves; i++) {
        free(r->p.curve[i].label);
        free(r->p.curve[i].x);
        free(r->p.curve[i].y);
    }
    free(r->p.map.label);
    free(r->p.map.z);
    free(r->p.name[0]);
    free(r->p.name[1]);
    free(r);
    return code;
}
