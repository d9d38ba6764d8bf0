/* Reads the text of a graph. For tests and tools: it stops at the first mistake. */
#include "print.h"

#include <string.h>

#include "graph_intern.h"
#include "print_reader.h"
#include "tier.h"

/* -------------------------------------------------------------------------- nodes */

static node read_const(reader *r)
{
    jit_dtype kind;
    cell v = reader_constant(r, &kind);
    jit_dtype t = reader_type(r);
    if (r->failed)
        return 0;
    if (kind == JIT_NONE)
        return graph_const(r->g, t, type_decode(t, v.u));
    if (type_is_float(t) && kind == JIT_U64)
        v.f = (double)v.u;
    else if (type_is_float(t) && kind == JIT_I64)
        v.f = (double)v.i;
    return graph_const(r->g, t, v);
}

static node operand(reader *r)
{
    reader_expect(r, "%");
    uint64_t i = r->failed ? 0 : reader_decimal(r);
    if (i == 0 || i >= (uint64_t)r->n_nodes)
        reader_fail(r, "an operand that does not come before");
    return r->failed ? 0 : r->nodes[i];
}

static node read_loop(reader *r)
{
    node *in[3] = { NULL };
    int32_t n[3] = { 0 }, capacity[3] = { 0 };
    for (int part = 0; part < 3; part++) {
        while (!r->failed && reader_sees(r, '%')) {
            node value = operand(r);
            if (!arena_grow(r->ar, (void **)&in[part], sizeof(node), &capacity[part],
                            n[part] + 1))
                return (node)reader_no_memory(r);
            in[part][n[part]++] = value;
        }
        if (part < 2)
            reader_expect(r, "|");
    }
    if (!r->failed && (n[0] != n[2] || n[1] != 1))
        reader_fail(r, "expected: loop phis | condition | next values");
    return r->failed ? 0 : graph_loop(r->g, in[0], n[0], in[1][0], in[2], (span){ 0, 0 });
}

static int32_t number(reader *r)
{
    reader_expect(r, "#");
    uint64_t i = r->failed ? 0 : reader_decimal(r);
    return i > INT32_MAX ? INT32_MAX : (int32_t)i;
}

/* An input's shape is known when its extents have been read. */
static void resolve_shape(reader *r, int32_t i)
{
    const shape_text *s = &r->shapes[i];
    node extent[GRAPH_MAX_RANK];
    for (int32_t k = 0; k < s->rank; k++) {
        if (s->extent[k] == 0 || s->extent[k] >= (uint64_t)r->n_nodes)
            reader_fail(r, "an input whose extents do not come before");
        extent[k] = r->failed ? 0 : r->nodes[s->extent[k]];
    }
    if (s->rank > 0 && !r->failed)
        r->g->inputs[i].shape = graph_shape_of(r->g, extent, s->rank);
}

static node read_arg(reader *r)
{
    int32_t i = number(r);
    if (i < r->g->n_inputs && i < JIT_MAX_OPERANDS)
        resolve_shape(r, i);
    return r->failed ? 0 : graph_arg(r->g, i);
}

static node read_numbered(reader *r, op o)
{
    int32_t i = number(r);
    node from = o == OP_proj || o == OP_also ? operand(r) : 0;
    if (r->failed)
        return 0;
    if (o == OP_dim)
        return graph_dim(r->g, i);
    if (o == OP_also)
        return graph_also(r->g, from, i);
    return o == OP_proj ? graph_proj(r->g, from, i) : graph_uniform(r->g, i);
}

/* -------------------------------------------------------------------------- arrays */

static int32_t operands(reader *r, node *in)
{
    int32_t n = 0;
    while (!r->failed && reader_sees(r, '%')) {
        if (n == GRAPH_MAX_IN) {
            reader_fail(r, "too many operands");
            break;
        }
        in[n++] = operand(r);
    }
    return r->failed ? 0 : n;
}

/* Site, name, axis; the number of the site. */
static int32_t read_site(reader *r)
{
    graph *g = r->g;
    int32_t site = number(r);
    graph_site s = { .array = reader_name(r) };
    reader_skip(r);
    s.axis = (int32_t)reader_decimal(r);
    if (r->failed || site > 1 << 20) {
        reader_fail(r, "expected a site");
        return 0;
    }
    if (!arena_grow(r->ar, (void **)&g->sites, sizeof *g->sites, &g->cap_sites, site + 1))
        return (int32_t)reader_no_memory(r);
    g->sites[site] = s;
    g->n_sites = site >= g->n_sites ? site + 1 : g->n_sites;
    return site;
}

static node read_bound(reader *r)
{
    node in[GRAPH_MAX_IN];
    int32_t site = read_site(r);
    if (operands(r, in) != 3) {
        reader_fail(r, "expected three operands");
        return 0;
    }
    node_data d = { OP_bound, JIT_I64, .n_in = 3, .imm = (uint64_t)site };
    return graph_intern(r->g, d, in);
}

static node read_fold(reader *r)
{
    node in[GRAPH_MAX_IN];
    graph_fold_spec f = { FOLD_SUM, FOLD_TREE, 0, 0 };
    const char *word = reader_name(r);
    while (word && f.kind <= FOLD_ARGMAX && strcmp(print_fold_kind(f.kind), word) != 0)
        f.kind++;
    if (!word || f.kind > FOLD_ARGMAX) {
        reader_fail(r, "no such fold");
        return 0;
    }
    f.order = reader_accept(r, "seq") ? FOLD_SEQUENTIAL : FOLD_TREE;
    int32_t n = operands(r, in) - (f.kind == FOLD_DOT ? 2 : 1);
    if (n < 1) {
        reader_fail(r, "expected axes and a value");
        return 0;
    }
    f.x = in[n];
    f.y = f.kind == FOLD_DOT ? in[n + 1] : 0;
    return graph_fold(r->g, in, n, f, (span){ 0, 0 });
}

static node read_map(reader *r)
{
    node in[GRAPH_MAX_IN];
    int32_t more = reader_sees(r, '#') ? number(r) : 0, n = operands(r, in);
    if (r->failed || more >= n - 1) {
        reader_fail(r, "expected axes and values");
        return 0;
    }
    return graph_map_all(r->g, in, n - 1 - more, 1 + more, (span){ 0, 0 });
}

/* axis, at, put: operands alone. */
static node read_array(reader *r, op o)
{
    const span nowhere = { 0, 0 };
    node in[GRAPH_MAX_IN] = { 0 };
    int32_t n = operands(r, in), rank = 0;
    if (n > 0 && (o == OP_at || o == OP_put))
        rank = graph_shape_at(r->g, in[0])->rank;
    if (r->failed || n != rank + (o == OP_put ? 3 : 1)) {
        reader_fail(r, "operands that do not fit");
        return 0;
    }
    if (o == OP_axis)
        return graph_axis(r->g, in[0], nowhere);
    if (o == OP_at)
        return graph_at(r->g, in[0], in + 1, nowhere);
    return graph_put(r->g, in[0], in + 1, in[n - 2], in[n - 1], nowhere);
}

static node read_leaf_node(reader *r, op o)
{
    switch (o) {
    case OP_arg:
        return read_arg(r);
    case OP_uniform:
    case OP_proj:
    case OP_also:
    case OP_dim:
        return read_numbered(r, o);
    case OP_phi: {
        node from = operand(r);
        return r->failed ? 0 : graph_phi(r->g, from, (span){ 0, 0 });
    }
    case OP_bound:
        return read_bound(r);
    case OP_fold:
        return read_fold(r);
    case OP_map:
        return read_map(r);
    case OP_axis:
    case OP_at:
    case OP_put:
        return read_array(r, o);
    default:
        return r->failed ? 0 : graph_leaf(r->g, o);
    }
}

static node read_leaf(reader *r, op o)
{
    node n = read_leaf_node(r, o);
    jit_dtype t = reader_type(r);
    if (r->failed)
        return 0;
    if (n != 0 && graph_dtype(r->g, n) != t)
        reader_fail(r, "not the type that it has");
    return n;
}

static node read_operator(reader *r, op o)
{
    node in[3] = { 0 };
    for (int32_t i = 0; i < op_info(o)->arity && i < 3; i++)
        in[i] = operand(r);
    jit_dtype t = reader_type(r);
    if (r->failed)
        return 0;
    if (o == OP_cast)
        return graph_cast(r->g, t, in[0], (span){ 0, 0 });
    if (o == OP_bitcast)
        return graph_bitcast(r->g, t, in[0], (span){ 0, 0 });
    node n = graph_apply(r->g, o, in, (span){ 0, 0 });
    if (n != 0 && graph_dtype(r->g, n) != t)
        reader_fail(r, "not the type that it has");
    return n;
}

static op operator_named(reader *r)
{
    const char *word = reader_name(r);
    for (int o = OP_none + 1; word && o < OP_COUNT; o++)
        if (strcmp(op_info((op)o)->name, word) == 0)
            return (op)o;
    reader_fail(r, "no such operator");
    return OP_none;
}

/* Where the marks of the line begin, ` fast ulp(4)`, or its end: after the type (a loop has
 * none, and no names). Nodes are made with the marks already set. */
static const char *read_marks(reader *r)
{
    static const char *const first[] = { " fast", " ulp(", " abs(" };
    const char *end = r->at + strcspn(r->at, "\n"), *type = end;
    while (type > r->at && *type != ':')
        type--;
    for (const char *at = type; at < end; at++)
        for (size_t i = 0; i < sizeof first / sizeof *first; i++)
            if (strncmp(at, first[i], 5) == 0) {
                if (!tier_parse(at, (int32_t)(end - at), &r->g->relaxed))
                    reader_fail(r, "marks that are none");
                return at;
            }
    r->g->relaxed = 0;
    return end;
}

static void read_node(reader *r)
{
    if (reader_decimal(r) != (uint64_t)r->n_nodes)
        reader_fail(r, "nodes are numbered 1, 2, 3 ...");
    reader_expect(r, "=");
    op o = r->failed ? OP_none : operator_named(r);
    node n = 0;
    const char *marks = read_marks(r);
    if (o == OP_const)
        n = read_const(r);
    else if (o == OP_loop)
        n = read_loop(r);
    else if (o != OP_none)
        n = op_info(o)->rule == RULE_LEAF ? read_leaf(r, o) : read_operator(r, o);
    reader_skip(r);
    if (r->at == marks + 1)
        r->at += strcspn(r->at, "\n");
    reader_end_line(r);
    if (n == 0)
        reader_fail(r, "operands that do not fit");
    if (!arena_grow(r->ar, (void **)&r->nodes, sizeof(node), &r->cap_nodes, r->n_nodes + 1)) {
        reader_no_memory(r);
        return;
    }
    r->nodes[r->n_nodes++] = n;
}

/* -------------------------------------------------------------------------- the function */

static bool add_input(reader *r, graph_input **in, int32_t *n, int32_t *capacity)
{
    graph_input i = { .name = reader_name(r) };
    reader_expect(r, ":");
    i.constant = reader_accept(r, "constant ");
    i.shared = i.constant || reader_accept(r, "shared ");
    reader_skip(r);
    i.dtype = reader_dtype(r);
    shape_text s = reader_shape(r);
    bool uniform = in == &r->g->uniforms;
    if (s.rank > 0 && (uniform || *n >= JIT_MAX_OPERANDS))
        reader_fail(r, "an array where none can be");
    if (r->failed)
        return false;
    if (!uniform && *n < JIT_MAX_OPERANDS)
        r->shapes[*n] = s;
    if (!arena_grow(r->ar, (void **)in, sizeof **in, capacity, *n + 1))
        return reader_no_memory(r);
    (*in)[(*n)++] = i;
    return true;
}

static void read_dims(reader *r)
{
    graph *g = r->g;
    int32_t capacity = 0;
    if (!reader_accept(r, "["))
        return;
    do {
        const char *dim = reader_name(r);
        if (!arena_grow(r->ar, (void **)&g->dims, sizeof *g->dims, &capacity, g->n_dims + 1)) {
            reader_no_memory(r);
            return;
        }
        g->dims[g->n_dims++] = dim;
    } while (!r->failed && reader_accept(r, ","));
    reader_expect(r, "]");
}

static void read_arguments(reader *r)
{
    graph *g = r->g;
    int32_t cap_inputs = 0, cap_uniforms = 0;
    reader_expect(r, "(");
    bool uniforms = reader_accept(r, ";");
    if (reader_accept(r, ")"))
        return;
    for (;;) {
        if (!(uniforms ? add_input(r, &g->uniforms, &g->n_uniforms, &cap_uniforms)
                       : add_input(r, &g->inputs, &g->n_inputs, &cap_inputs)))
            return;
        if (reader_accept(r, ")"))
            return;
        if (!uniforms && reader_accept(r, ";"))
            uniforms = true;
        else
            reader_expect(r, ",");
    }
}

static void read_results(reader *r)
{
    graph *g = r->g;
    int32_t capacity = 0;
    reader_expect(r, "->");
    reader_expect(r, "(");
    while (!r->failed) {
        graph_output out = { .name = reader_name(r) };
        (void)reader_type(r);
        if (!arena_grow(r->ar, (void **)&g->outputs, sizeof *g->outputs, &capacity,
                        g->n_outputs + 1)) {
            reader_no_memory(r);
            return;
        }
        g->outputs[g->n_outputs++] = out;
        if (reader_accept(r, ")"))
            break;
        reader_expect(r, ",");
    }
    g->ftz = reader_accept(r, "ftz");
    g->portable = reader_accept(r, "portable");
    reader_end_line(r);
}

static void read_table(reader *r)
{
    enum { MOST_ROWS = 64 };
    reader_skip(r);
    uint64_t rows = reader_decimal(r);
    reader_skip(r);
    uint64_t columns = r->failed ? 0 : reader_decimal(r);
    bool fits = rows >= 1 && rows <= MOST_ROWS && (rows & (rows - 1)) == 0 &&
                columns >= TABLE_GROUP && columns <= TABLE_COLUMNS &&
                (columns & (columns - 1)) == 0;
    float *element = fits ? arena_alloc(r->ar, rows * columns * sizeof *element) : NULL;
    if (!fits)
        reader_fail(r, "a table of another size");
    else if (!element)
        (void)reader_no_memory(r);
    for (uint64_t i = 0; i < rows * columns && !r->failed; i++) {
        jit_dtype kind;
        cell v = reader_constant(r, &kind);
        element[i] = (float)(kind == JIT_NONE ? type_decode(JIT_F32, v.u) : v).f;
    }
    reader_end_line(r);
    lookup_table t = { JIT_F32, (int32_t)rows, (int32_t)columns, element };
    if (!r->failed && graph_add_table(r->g, t) < 0)
        reader_fail(r, "too many tables");
}

static void read_checks(reader *r)
{
    graph *g = r->g;
    node in[GRAPH_MAX_IN];
    while (!r->failed && reader_accept(r, "check")) {
        int32_t site = read_site(r);
        if (operands(r, in) != 3)
            reader_fail(r, "expected three operands");
        reader_end_line(r);
        if (!arena_grow(r->ar, (void **)&g->checks, sizeof *g->checks, &g->cap_checks,
                        g->n_checks + 1)) {
            reader_no_memory(r);
            return;
        }
        if (r->failed)
            return;
        g->checks[g->n_checks++] = (graph_check){ in[0], in[1], in[2], site };
    }
}

static void read_return(reader *r)
{
    for (int32_t i = 0; i < r->g->n_inputs && i < JIT_MAX_OPERANDS && !r->failed; i++)
        if (r->g->inputs[i].shape == 0)
            resolve_shape(r, i);
    for (int32_t i = 0; i < r->g->n_outputs && !r->failed; i++) {
        if (i > 0)
            reader_expect(r, ",");
        r->g->outputs[i].value = operand(r);
    }
    reader_end_line(r);
    if (!r->failed && *r->at)
        reader_fail(r, "text after the end");
}

graph *print_parse(arena *ar, const char *text, diag *d)
{
    reader r = { .at = text, .line = 1, .ar = ar, .d = d, .n_nodes = 1 };
    r.g = graph_new(ar, d, NULL, 0);
    if (!r.g)
        return NULL;
    reader_expect(&r, "fn");
    r.g->name = r.failed ? NULL : reader_name(&r);
    read_dims(&r);
    read_arguments(&r);
    read_results(&r);
    while (!r.failed && reader_accept(&r, "table"))
        read_table(&r);
    while (!r.failed && reader_accept(&r, "%"))
        read_node(&r);
    read_checks(&r);
    reader_expect(&r, "return");
    read_return(&r);
    return r.failed || r.g->failed ? NULL : r.g;
}
