/* The interpreter. A graph is laid out once as a list of steps; a loop becomes
 *
 *            copy   phi <- init, for each variable
 *     start: what cond needs of the loop's nodes
 *            test   cond, else go to end
 *            the loop's other nodes
 *            copy   temporary <- next, phi <- temporary, for each variable
 *            back   to start, one unit of fuel
 *     end:   a phi holds the loop's result
 *
 * so that a node is evaluated only in iterations that are run, and nesting costs no recursion.
 */
#include "eval.h"

#include <float.h>
#include <math.h>

typedef enum step_kind {
    STEP_OPERATOR,
    STEP_CONST,
    STEP_ARG,
    STEP_UNIFORM,
    STEP_INDEX,
    STEP_SEED,
    STEP_COPY, /* slot <- in[0]                        */
    STEP_TEST, /* if not in[0], go to step `to`        */
    STEP_BACK  /* go to step `to`                      */
} step_kind;

typedef struct step {
    uint8_t kind, op, in_type, out_type;
    bool flushes; /* with @ftz: subnormal operands and results become 0 */
    int32_t slot, in[3], to;
    cell value; /* of a const; in u the number of an argument */
} step;

struct eval_plan {
    jit_allocator allocator;
    size_t size; /* of this block, steps and outputs included */
    int32_t n_steps, n_slots, n_outputs;
    bool ftz;
    step *steps;
    int32_t *outputs; /* slots */
};

/* -------------------------------------------------------------------------- preparing */

typedef struct frame { /* a loop being laid out; 0: the whole graph */
    node loop, cursor;
    bool in_body; /* past the condition */
    int32_t start, test;
} frame;

typedef struct layout {
    const graph *g;
    node *owner;
    uint8_t *live;
    uint8_t *early; /* needed by the condition of its loop */
    node *seen;     /* the last loop whose condition was followed to this node */
    node *stack;
    node *first, *link; /* nodes of each loop in order */
    frame *frames;
    int32_t n_loops, n_variables, most_variables;
    eval_plan *plan;
} layout;

/* Follows operands from `from`; `loop` != 0: only inside the loop, marking its own nodes early.
 */
static void follow(layout *l, node from, node loop)
{
    int32_t n = 0;
    if (loop == 0 ? l->live[from] : l->seen[from] == loop)
        return;
    l->stack[n++] = from;
    l->live[from] |= loop == 0;
    l->seen[from] = loop;
    while (n > 0) {
        node at = l->stack[--n];
        if (loop != 0 && l->owner[at] == loop)
            l->early[at] = 1;
        for (int32_t i = 0; i < graph_node(l->g, at)->n_in; i++) {
            node in = graph_in(l->g, at, i);
            bool outside = loop != 0 && (l->owner[in] == 0 || l->owner[in] > loop);
            if (outside || (loop == 0 ? l->live[in] : l->seen[in] == loop))
                continue;
            l->live[in] |= loop == 0;
            l->seen[in] = loop;
            l->stack[n++] = in;
        }
    }
}

static node condition_of(const graph *g, node loop)
{
    return graph_in(g, loop, (int32_t)graph_node(g, loop)->imm);
}

/* A phi brings its loop with it: a result may be used only through the condition. */
static void analyse(layout *l)
{
    const graph *g = l->g;
    for (int32_t i = 0; i < g->n_outputs; i++)
        follow(l, g->outputs[i].value, 0);
    for (node n = g->n_nodes - 1; n > 0; n--) {
        if (!l->live[n])
            continue;
        l->link[n] = l->first[l->owner[n]];
        l->first[l->owner[n]] = n;
        const node_data *d = graph_node(g, n);
        if (d->op != OP_loop)
            continue;
        int32_t k = (int32_t)d->imm;
        l->n_loops++;
        l->n_variables += k;
        l->most_variables = k > l->most_variables ? k : l->most_variables;
        if (l->owner[condition_of(g, n)] != 0 && l->owner[condition_of(g, n)] <= n)
            follow(l, condition_of(g, n), n);
    }
}

static bool flushes(op o, jit_dtype in)
{
    bool moves_bits = o == OP_select || o == OP_neg || o == OP_abs || o == OP_copysign ||
                      o == OP_bitcast || op_info(o)->rule == RULE_TEST;
    return (in == JIT_F32 || in == JIT_F64) && !moves_bits;
}

static step *add_step(eval_plan *p, step s)
{
    p->steps[p->n_steps] = s;
    return &p->steps[p->n_steps++];
}

static void copy_slot(eval_plan *p, int32_t to, int32_t from)
{
    add_step(p, (step){ .kind = STEP_COPY, .slot = to, .in = { from } });
}

static void add_operator(layout *l, node n)
{
    const node_data *d = graph_node(l->g, n);
    step s = { .kind = STEP_OPERATOR, .op = (uint8_t)d->op, .out_type = d->dtype, .slot = n };
    for (int32_t i = 0; i < d->n_in; i++)
        s.in[i] = graph_in(l->g, n, i);
    s.in_type = (uint8_t)graph_dtype(l->g, s.in[0]);
    s.flushes = l->g->ftz && flushes((op)d->op, (jit_dtype)s.in_type);
    add_step(l->plan, s);
}

static void add_node(layout *l, node n)
{
    const node_data *d = graph_node(l->g, n);
    step s = { .slot = n, .value.u = d->imm };
    switch ((op)d->op) {
    case OP_const:
        s.kind = STEP_CONST;
        s.value = type_decode((jit_dtype)d->dtype, d->imm);
        break;
    case OP_arg:
        s.kind = STEP_ARG;
        break;
    case OP_uniform:
        s.kind = STEP_UNIFORM;
        break;
    case OP_index:
        s.kind = STEP_INDEX;
        break;
    case OP_seed:
        s.kind = STEP_SEED;
        break;
    case OP_proj:
        s.kind = STEP_COPY;
        s.in[0] = graph_in(l->g, graph_in(l->g, n, 0), (int32_t)d->imm);
        break;
    default:
        add_operator(l, n);
        return;
    }
    add_step(l->plan, s);
}

static void begin_loop(layout *l, frame *f, node loop)
{
    int32_t k = (int32_t)graph_node(l->g, loop)->imm;
    for (int32_t i = 0; i < k; i++) {
        node phi = graph_in(l->g, loop, i);
        copy_slot(l->plan, phi, graph_in(l->g, phi, 0));
    }
    *f = (frame){ .loop = loop, .cursor = l->first[loop], .start = l->plan->n_steps };
}

static void test_loop(layout *l, frame *f)
{
    f->test = l->plan->n_steps;
    add_step(l->plan, (step){ .kind = STEP_TEST, .in = { condition_of(l->g, f->loop) } });
    f->in_body = true;
    f->cursor = l->first[f->loop];
}

static void end_loop(layout *l, const frame *f)
{
    int32_t k = (int32_t)graph_node(l->g, f->loop)->imm, temporary = l->g->n_nodes;
    for (int32_t i = 0; i < k; i++)
        copy_slot(l->plan, temporary + i, graph_in(l->g, f->loop, k + 1 + i));
    for (int32_t i = 0; i < k; i++)
        copy_slot(l->plan, graph_in(l->g, f->loop, i), temporary + i);
    add_step(l->plan, (step){ .kind = STEP_BACK, .to = f->start });
    l->plan->steps[f->test].to = l->plan->n_steps;
}

static void lay_out(layout *l)
{
    int32_t depth = 0;
    l->frames[0] = (frame){ .cursor = l->first[0], .in_body = true };
    while (depth >= 0) {
        frame *f = &l->frames[depth];
        node n = f->cursor;
        if (n != 0) {
            f->cursor = l->link[n];
            if (graph_node(l->g, n)->op == OP_phi || l->early[n] == f->in_body)
                continue;
            if (graph_node(l->g, n)->op == OP_loop)
                begin_loop(l, &l->frames[++depth], n);
            else
                add_node(l, n);
        } else if (!f->in_body) {
            test_loop(l, f);
        } else {
            if (f->loop != 0)
                end_loop(l, f);
            depth--;
        }
    }
}

static eval_plan *new_plan(const jit_allocator *a, const layout *l)
{
    const graph *g = l->g;
    /* per loop: 3 copies a variable, a test, a step back */
    size_t n_steps = (size_t)g->n_nodes + 3 * (size_t)l->n_variables + 2 * (size_t)l->n_loops;
    size_t steps_at = (sizeof(eval_plan) + 15) / 16 * 16;
    size_t outputs_at = steps_at + n_steps * sizeof(step);
    size_t size = outputs_at + (size_t)g->n_outputs * sizeof(int32_t);
    eval_plan *p = memory_resize(a, NULL, 0, size);
    if (!p)
        return NULL;
    *p = (eval_plan){ .size = size, .n_outputs = g->n_outputs, .ftz = g->ftz };
    if (a)
        p->allocator = *a;
    p->n_slots = g->n_nodes + l->most_variables;
    p->steps = (step *)(void *)((char *)p + steps_at);
    p->outputs = (int32_t *)(void *)((char *)p + outputs_at);
    for (int32_t i = 0; i < g->n_outputs; i++)
        p->outputs[i] = g->outputs[i].value;
    return p;
}

static bool get_room(layout *l)
{
    size_t n = (size_t)l->g->n_nodes;
    l->owner = graph_owners(l->g);
    l->live = arena_alloc(l->g->ar, n);
    l->early = arena_alloc(l->g->ar, n);
    l->seen = arena_alloc(l->g->ar, n * sizeof(node));
    l->stack = arena_alloc(l->g->ar, n * sizeof(node));
    l->first = arena_alloc(l->g->ar, n * sizeof(node));
    l->link = arena_alloc(l->g->ar, n * sizeof(node));
    return l->owner && l->live && l->early && l->seen && l->stack && l->first && l->link;
}

eval_plan *eval_prepare(const jit_allocator *a, const graph *g)
{
    layout l = { .g = g };
    if (!get_room(&l))
        return NULL;
    analyse(&l);
    l.frames = arena_alloc(g->ar, ((size_t)l.n_loops + 1) * sizeof *l.frames);
    l.plan = l.frames ? new_plan(a, &l) : NULL;
    if (l.plan)
        lay_out(&l);
    return l.plan;
}

void eval_free(eval_plan *p)
{
    if (!p)
        return;
    jit_allocator a = p->allocator;
    memory_resize(&a, p, p->size, 0);
}

size_t eval_scratch(const eval_plan *p)
{
    return (size_t)p->n_slots * sizeof(cell);
}

/* -------------------------------------------------------------------------- running */

static cell flush(jit_dtype t, cell v)
{
    double least = t == JIT_F32 ? (double)FLT_MIN : DBL_MIN;
    if ((t == JIT_F32 || t == JIT_F64) && fabs(v.f) < least)
        v.f = copysign(0, v.f);
    return v;
}

static cell run_operator(const step *s, const cell *slots, uint32_t *flags)
{
    cell in[3] = { slots[s->in[0]], slots[s->in[1]], slots[s->in[2]] };
    jit_dtype t = (jit_dtype)s->in_type, to = (jit_dtype)s->out_type;
    if (!s->flushes)
        return op_eval((op)s->op, t, to, in, flags);
    for (int i = 0; i < 3; i++)
        in[i] = i == 0 || op_info((op)s->op)->rule != RULE_SCALE ? flush(t, in[i]) : in[i];
    return flush(to, op_eval((op)s->op, t, to, in, flags));
}

static jit_status go_back(eval_call *c)
{
    if (c->cancel && *c->cancel)
        return JIT_ERR_CANCELLED;
    if (c->fuel == 0)
        return JIT_ERR_FUEL;
    if (c->fuel > 0)
        c->fuel--;
    return JIT_OK;
}

static cell run_step(const step *s, const cell *slots, eval_call *c)
{
    switch ((step_kind)s->kind) {
    case STEP_OPERATOR:
        return run_operator(s, slots, &c->flags);
    case STEP_CONST:
        return s->value;
    case STEP_ARG:
        return c->in[s->value.u];
    case STEP_UNIFORM:
        return c->uniform[s->value.u];
    case STEP_INDEX:
        return (cell){ .u = c->index };
    case STEP_SEED:
        return (cell){ .u = c->seed };
    case STEP_COPY:
    case STEP_TEST:
    case STEP_BACK:
        break;
    }
    return slots[s->in[0]];
}

jit_status eval_run(const eval_plan *p, eval_call *c, void *scratch)
{
    cell *slots = scratch;
    slots[0].u = 0; /* what unused operands read */
    for (int32_t i = 0; i < p->n_steps;) {
        const step *s = &p->steps[i++];
        if (s->kind == STEP_TEST) {
            i = slots[s->in[0]].u ? i : s->to;
        } else if (s->kind == STEP_BACK) {
            jit_status stop = go_back(c);
            if (stop != JIT_OK)
                return stop;
            i = s->to;
        } else {
            slots[s->slot] = run_step(s, slots, c);
        }
    }
    for (int32_t i = 0; i < p->n_outputs; i++)
        c->out[i] = slots[p->outputs[i]];
    return JIT_OK;
}
