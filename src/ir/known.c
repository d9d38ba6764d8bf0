/* Known values: one step per node, in the graph's order. */
#include "known.h"

struct known_step {
    uint8_t op, in_type, out_type, n_in;
    int32_t in[3]; /* steps */
    cell value;    /* of a const; in u the number of a dim or uniform */
};

typedef struct maker {
    const graph *g;
    int32_t *step; /* per node: its step + 1; 0: not needed; -1: needed, not made yet */
    known_step *steps;
    int32_t n;
} maker;

/* -------------------------------------------------------------------------- making */

static int32_t mark(maker *m, const node *roots, int32_t n_roots)
{
    node last = 0;
    int32_t n = 0;
    for (int32_t i = 0; i < n_roots; i++) {
        m->step[roots[i]] = -1;
        last = roots[i] > last ? roots[i] : last;
    }
    for (node at = last; at > 0; at--) {
        if (m->step[at] == 0)
            continue;
        n++;
        for (int32_t i = 0; i < graph_node(m->g, at)->n_in; i++)
            m->step[graph_in(m->g, at, i)] = -1;
    }
    return n;
}

static bool add_step(maker *m, node n)
{
    const node_data *d = graph_node(m->g, n);
    known_step s = { .op = (uint8_t)d->op, .out_type = d->dtype, .value.u = d->imm };
    bool leaf = d->op == OP_const || d->op == OP_dim || d->op == OP_uniform;
    if (d->shape != 0 || (!leaf && op_info((op)d->op)->rule == RULE_LEAF))
        return false;
    if (d->op == OP_const)
        s.value = type_decode((jit_dtype)d->dtype, d->imm);
    s.n_in = (uint8_t)d->n_in;
    for (int32_t i = 0; i < d->n_in; i++)
        s.in[i] = m->step[graph_in(m->g, n, i)] - 1;
    s.in_type = d->n_in > 0 ? (uint8_t)graph_dtype(m->g, graph_in(m->g, n, 0)) : d->dtype;
    m->steps[m->n++] = s;
    m->step[n] = m->n;
    return true;
}

bool known_make(known_program *out, const graph *g, const node *roots, int32_t n, arena *ar)
{
    maker m = { .g = g };
    int32_t *found = arena_alloc(ar, ((size_t)n + 1) * sizeof *found);
    m.step = arena_alloc(g->ar, (size_t)g->n_nodes * sizeof *m.step);
    if (!found || !m.step)
        return false;
    m.steps = arena_alloc(ar, ((size_t)mark(&m, roots, n) + 1) * sizeof *m.steps);
    if (!m.steps)
        return false;
    for (node at = 1; at < g->n_nodes; at++)
        if (m.step[at] != 0 && !add_step(&m, at))
            return false;
    for (int32_t i = 0; i < n; i++)
        found[i] = m.step[roots[i]] - 1;
    *out = (known_program){ m.steps, m.n, found, n };
    return true;
}

/* -------------------------------------------------------------------------- running */

static bool overflows(op o, const cell *v)
{
    int64_t r;
    return (o == OP_add && __builtin_add_overflow(v[0].i, v[1].i, &r)) ||
           (o == OP_sub && __builtin_sub_overflow(v[0].i, v[1].i, &r)) ||
           (o == OP_mul && __builtin_mul_overflow(v[0].i, v[1].i, &r)) ||
           (o == OP_neg && v[0].i == INT64_MIN);
}

static bool run_operator(const known_step *s, const graph_known *given, const cell *in,
                         cell *out, uint32_t *flags)
{
    if (s->op == OP_const) {
        *out = s->value;
        return true;
    }
    if (s->op == OP_dim) {
        if (given->dims)
            out->i = given->dims[s->value.u];
        return given->dims != NULL;
    }
    if (s->op == OP_uniform) {
        if (given->uniforms)
            *out = given->uniforms[s->value.u];
        return given->uniforms != NULL;
    }
    if (type_is_integer((jit_dtype)s->in_type) && overflows((op)s->op, in))
        return false;
    *out = op_eval((op)s->op, (jit_dtype)s->in_type, (jit_dtype)s->out_type, in, flags);
    return true;
}

static bool run_step(const known_step *s, const graph_known *given, const cell *slots,
                     cell *out)
{
    cell in[3] = { slots[s->in[0]], slots[s->in[1]], slots[s->in[2]] };
    uint32_t flags = 0;
    return run_operator(s, given, in, out, &flags) && flags == 0;
}

bool known_run(const known_program *p, const graph_known *given, cell *slots, int64_t *out)
{
    for (int32_t i = 0; i < p->n_steps; i++)
        if (!run_step(&p->steps[i], given, slots, &slots[i]))
            return false;
    for (int32_t i = 0; i < p->n_roots; i++)
        out[i] = slots[p->roots[i]].i;
    return true;
}

void known_run_each(const known_program *p, const graph_known *given, known_slot *slots,
                    known_slot *out)
{
    cell in[3];
    for (int32_t i = 0; i < p->n_steps; i++) {
        const known_step *s = &p->steps[i];
        slots[i] = (known_slot){ .known = true };
        for (int32_t k = 0; k < s->n_in; k++) {
            slots[i].known = slots[i].known && slots[s->in[k]].known;
            slots[i].divided = slots[i].divided || slots[s->in[k]].divided;
            in[k] = slots[s->in[k]].value;
        }
        uint32_t flags = 0;
        slots[i].known = slots[i].known && run_operator(s, given, in, &slots[i].value, &flags);
        slots[i].divided = slots[i].divided || flags != 0;
    }
    for (int32_t i = 0; i < p->n_roots; i++)
        out[i] = slots[p->roots[i]];
}

bool graph_value(const graph *g, node n, const graph_known *given, arena *ar, int64_t *out)
{
    known_program p;
    if (!known_make(&p, g, &n, 1, ar))
        return false;
    cell *slots = arena_alloc(ar, (size_t)p.n_steps * sizeof *slots);
    return slots && known_run(&p, given, slots, out);
}
