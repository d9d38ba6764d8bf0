/* Laying out a graph for the interpreter: once, as a list of steps. A loop becomes
 *
 *            copy   phi <- init, for each variable
 *     start: what cond needs of the loop's nodes
 *            test   cond, else go to end
 *            the loop's other nodes
 *            copy   temporary <- next, phi <- temporary, for each variable
 *            back   to start, one unit of fuel
 *     end:   a phi holds the loop's result
 *
 * and a map or fold
 *
 *            map    axes <- 0; without elements go to end
 *     start: its nodes
 *            next   store or accumulate (the other values of a map before); axes <- the next element's; to start, if there is one
 *     end:
 *
 * so that a node is evaluated only in iterations that are run, and nesting costs no recursion. */
#include <string.h>

#include "eval_plan.h"
#include "rounds.h"

typedef struct frame { /* a loop, map or fold being laid out; 0: the whole graph */
    node region, cursor;
    bool in_body; /* past the condition; of the whole graph: past the checks */
    int32_t start, test;
} frame;

typedef struct layout {
    const graph *g;
    node *owner;
    uint8_t *live;
    uint8_t *early; /* needed by the condition of its loop */
    uint8_t *quiet; /* only checks need it */
    node *seen;     /* the last loop whose condition was followed to this node */
    node *stack;
    node *first, *link; /* nodes of each region in order */
    frame *frames;
    int32_t depth;
    node *region;        /* of each step */
    int32_t *last, *end; /* the last step that reads an array in its region, and outside */
    int32_t n_regions, n_variables, most_variables, n_steps, n_operands;
    eval_plan *plan;
} layout;

/* -------------------------------------------------------------------------- what is needed */

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

/* Checks come first: what they need is laid out as the condition of the whole graph. They set no
 * status flags, as code has them checked before it runs. */
static void follow_checks(layout *l)
{
    const graph *g = l->g;
    for (int32_t i = 0; i < g->n_checks; i++) {
        follow(l, g->checks[i].value, 0);
        follow(l, g->checks[i].extent, 0);
        follow(l, g->checks[i].when, 0);
    }
    memcpy(l->early, l->live, (size_t)g->n_nodes);
    memset(l->live, 0, (size_t)g->n_nodes);
}

static void follow_results(layout *l)
{
    const graph *g = l->g;
    for (int32_t i = 0; i < g->n_outputs; i++)
        follow(l, g->outputs[i].value, 0);
    for (node n = 1; n < g->n_nodes; n++)
        for (int32_t i = 0; l->live[n] && i < graph_shape_at(g, n)->rank; i++)
            follow(l, graph_shape_at(g, n)->extent[i], 0);
    for (node n = 1; n < g->n_nodes; n++) {
        l->quiet[n] = !l->live[n];
        l->live[n] |= l->early[n];
    }
}

static void count(layout *l, node n)
{
    const node_data *d = graph_node(l->g, n);
    bool binds = d->op == OP_map || d->op == OP_fold;
    int32_t k = d->op == OP_loop ? (int32_t)d->imm : 0;
    bool also = d->op == OP_also;
    l->n_regions += d->op == OP_loop || binds || also;
    l->n_variables += k;
    l->most_variables = k > l->most_variables ? k : l->most_variables;
    int32_t column;
    const lookup_table *own = graph_own_table(l->g, n, &column);
    l->n_operands += own     ? own->rows
                     : binds ? 2 * d->n_in
                     : also  ? 4 * GRAPH_MAX_RANK
                             : d->n_in;
}

/* A phi brings its loop with it: a result may be used only through the condition. */
static void analyse(layout *l)
{
    const graph *g = l->g;
    follow_checks(l);
    follow_results(l);
    for (node n = g->n_nodes - 1; n > 0; n--) {
        if (!l->live[n])
            continue;
        l->link[n] = l->first[l->owner[n]];
        l->first[l->owner[n]] = n;
        count(l, n);
        if (graph_node(g, n)->op != OP_loop)
            continue;
        if (l->owner[condition_of(g, n)] != 0 && l->owner[condition_of(g, n)] <= n)
            follow(l, condition_of(g, n), n);
    }
    /* per loop: 3 copies a variable, a test, a step back; per map and fold: a step to the next
     */
    l->n_steps = g->n_nodes + 3 * l->n_variables + 2 * l->n_regions + g->n_checks;
}

/* -------------------------------------------------------------------------- steps */

static step *add_step(layout *l, step s)
{
    eval_plan *p = l->plan;
    l->region[p->n_steps] = l->frames[l->depth].region;
    p->steps[p->n_steps] = s;
    return &p->steps[p->n_steps++];
}

static void copy_slot(layout *l, int32_t to, int32_t from, node like)
{
    bool array = graph_node(l->g, like)->shape != 0;
    add_step(l, (step){ .kind = array ? STEP_SHARE : STEP_COPY, .slot = to, .in = { from } });
}

static int32_t add_operand(layout *l, node n)
{
    l->plan->operands[l->n_operands] = n;
    return l->n_operands++;
}

/* in[0] is the index; the operands are the column. */
static step lookup_step(layout *l, node n, const lookup_table *t, int32_t column)
{
    step s = { .kind = STEP_LOOKUP, .op = OP_lookup, .slot = n, .rank = t->rows };
    s.first = l->n_operands;
    s.in[0] = graph_in(l->g, n, 0);
    s.out_type = (uint8_t)t->type;
    for (int32_t i = 0; i < t->rows; i++) {
        cell v = { .f = table_element(t, (uint64_t)i, column) };
        (void)add_operand(l, (int32_t)(uint32_t)type_encode(t->type, v));
    }
    return s;
}

static step operator_step(layout *l, node n)
{
    const node_data *d = graph_node(l->g, n);
    int32_t column;
    const lookup_table *own = graph_own_table(l->g, n, &column);
    if (own)
        return lookup_step(l, n, own, column);
    step s = { .kind = STEP_OPERATOR, .op = (uint8_t)d->op, .out_type = d->dtype, .slot = n };
    for (int32_t i = 0; i < d->n_in; i++)
        s.in[i] = graph_in(l->g, n, i);
    s.in_type = (uint8_t)graph_dtype(l->g, s.in[0]);
    s.flushes = l->g->ftz && eval_flushes((op)d->op, (jit_dtype)s.in_type);
    s.quiet = l->quiet[n];
    if (d->op == OP_select && d->shape != 0)
        s.kind = STEP_CHOOSE;
    return s;
}

/* at, put: subscripts are the operands, in[0] is the array. */
static step element_step(layout *l, node n)
{
    const node_data *d = graph_node(l->g, n);
    int32_t rank = graph_shape_at(l->g, graph_in(l->g, n, 0))->rank;
    step s = { .kind = d->op == OP_at ? STEP_AT : STEP_PUT, .out_type = d->dtype, .slot = n };
    s.first = l->n_operands;
    s.rank = rank;
    s.in[0] = graph_in(l->g, n, 0);
    for (int32_t i = 1; i <= rank; i++)
        (void)add_operand(l, graph_in(l->g, n, i));
    for (int32_t i = rank + 1; i < d->n_in; i++)
        s.in[i - rank] = graph_in(l->g, n, i);
    return s;
}

static step step_of(layout *l, node n)
{
    const node_data *d = graph_node(l->g, n);
    step s = { .slot = n, .number = (int32_t)d->imm, .out_type = d->dtype };
    switch ((op)d->op) {
    case OP_const:
        s.kind = STEP_CONST;
        s.value = type_decode((jit_dtype)d->dtype, d->imm);
        return s;
    case OP_arg:
        s.kind = d->shape != 0 ? STEP_INPUT : STEP_ARG;
        s.to = d->shape;
        return s;
    case OP_uniform:
        s.kind = STEP_UNIFORM;
        return s;
    case OP_index:
        s.kind = STEP_INDEX;
        return s;
    case OP_seed:
        s.kind = STEP_SEED;
        return s;
    case OP_dim:
        s.kind = STEP_DIM;
        return s;
    case OP_bound:
        s.kind = STEP_BOUND;
        for (int32_t i = 0; i < 3; i++)
            s.in[i] = graph_in(l->g, n, i);
        return s;
    case OP_at:
    case OP_put:
        return element_step(l, n);
    default:
        return operator_step(l, n);
    }
}

static void add_node(layout *l, node n)
{
    const node_data *d = graph_node(l->g, n);
    if (d->op == OP_proj)
        copy_slot(l, n, graph_in(l->g, graph_in(l->g, n, 0), (int32_t)d->imm), n);
    else
        add_step(l, step_of(l, n));
}

/* -------------------------------------------------------------------------- regions */

static void begin_loop(layout *l, node loop)
{
    int32_t k = (int32_t)graph_node(l->g, loop)->imm;
    for (int32_t i = 0; i < k; i++) {
        node phi = graph_in(l->g, loop, i);
        copy_slot(l, phi, graph_in(l->g, phi, 0), phi);
    }
    l->frames[++l->depth] =
        (frame){ .region = loop, .cursor = l->first[loop], .start = l->plan->n_steps };
}

static void test_loop(layout *l, frame *f)
{
    f->test = l->plan->n_steps;
    add_step(l, (step){ .kind = STEP_TEST, .in = { condition_of(l->g, f->region) } });
}

static void end_loop(layout *l, const frame *f)
{
    int32_t k = (int32_t)graph_node(l->g, f->region)->imm, temporary = l->g->n_nodes;
    for (int32_t i = 0; i < k; i++)
        copy_slot(l, temporary + i, graph_in(l->g, f->region, k + 1 + i),
                  graph_in(l->g, f->region, i));
    for (int32_t i = 0; i < k; i++)
        copy_slot(l, graph_in(l->g, f->region, i), temporary + i, graph_in(l->g, f->region, i));
    bool is_free = rounds_are_free(l->g, l->owner, f->region);
    add_step(l, (step){ .kind = is_free ? STEP_AGAIN : STEP_BACK, .to = f->start });
    l->plan->steps[f->test].to = l->plan->n_steps;
}

static int32_t add_axes(layout *l, node n, int32_t k)
{
    int32_t first = l->n_operands;
    for (int32_t i = 0; i < k; i++)
        (void)add_operand(l, graph_in(l->g, n, i));
    for (int32_t i = 0; i < k; i++)
        (void)add_operand(l, graph_in(l->g, graph_in(l->g, n, i), 0));
    return first;
}

/* A step for each further value of a map that is needed. */
static void add_others(layout *l, node map, step_kind kind)
{
    const node_data *m = graph_node(l->g, map);
    for (node n = map + 1; m->op == OP_map && m->imm > 0 && n < l->g->n_nodes; n++) {
        const node_data *d = graph_node(l->g, n);
        if (!l->live[n] || d->op != OP_also || graph_in(l->g, n, 0) != map)
            continue;
        step s = { .kind = (uint8_t)kind, .slot = n, .out_type = d->dtype };
        s.rank = graph_n_axes(m);
        s.in[0] = graph_in(l->g, map, s.rank + (int32_t)d->imm);
        s.first = add_axes(l, map, s.rank);
        add_step(l, s);
    }
}

static void begin_elements(layout *l, node n)
{
    const node_data *d = graph_node(l->g, n);
    int32_t k = graph_n_axes(d);
    step s = { .kind = d->op == OP_map ? STEP_MAP : STEP_FOLD, .slot = n, .rank = k };
    s.out_type = d->dtype;
    s.in_type = (uint8_t)graph_dtype(l->g, graph_in(l->g, n, k));
    s.first = add_axes(l, n, k);
    s.imm = d->imm;
    s.flushes = l->g->ftz;
    for (int32_t i = k; i < d->n_in && i < k + 2; i++)
        s.in[i - k] = graph_in(l->g, n, i);
    if (d->op == OP_fold)
        s.number = l->plan->n_folds++;
    add_others(l, n, STEP_MAKE);
    add_step(l, s);
    l->frames[++l->depth] = (frame){
        .region = n, .cursor = l->first[n], .in_body = true, .start = l->plan->n_steps
    };
}

static void end_elements(layout *l, const frame *f)
{
    add_others(l, f->region, STEP_STORE);
    step next = l->plan->steps[f->start - 1];
    next.kind = next.kind == STEP_MAP ? STEP_MAP_NEXT : STEP_FOLD_NEXT;
    next.to = f->start;
    add_step(l, next);
    l->plan->steps[f->start - 1].to = l->plan->n_steps;
}

static void add_checks(layout *l)
{
    for (int32_t i = 0; i < l->g->n_checks; i++) {
        const graph_check *c = &l->g->checks[i];
        add_step(l, (step){ .kind = STEP_CHECK,
                            .in = { c->value, c->extent, c->when },
                            .number = c->site });
    }
}

static void lay_out_node(layout *l, node n)
{
    switch ((op)graph_node(l->g, n)->op) {
    case OP_phi:
    case OP_axis:
    case OP_also:
        break;
    case OP_loop:
        begin_loop(l, n);
        break;
    case OP_map:
    case OP_fold:
        begin_elements(l, n);
        break;
    default:
        add_node(l, n);
    }
}

/* All its early nodes are laid out. */
static void enter_body(layout *l, frame *f)
{
    if (f->region == 0)
        add_checks(l);
    else
        test_loop(l, f);
    f->in_body = true;
    f->cursor = l->first[f->region];
}

static void leave(layout *l)
{
    const frame *f = &l->frames[l->depth];
    op o = f->region == 0 ? OP_none : (op)graph_node(l->g, f->region)->op;
    if (o == OP_loop)
        end_loop(l, f);
    else if (o != OP_none)
        end_elements(l, f);
    l->depth--;
}

static void lay_out(layout *l)
{
    l->depth = 0;
    l->n_operands = 0;
    l->frames[0] = (frame){ .cursor = l->first[0] };
    while (l->depth >= 0) {
        frame *f = &l->frames[l->depth];
        node n = f->cursor;
        if (n != 0) {
            f->cursor = l->link[n];
            if (l->early[n] != f->in_body)
                lay_out_node(l, n);
        } else if (!f->in_body) {
            enter_body(l, f);
        } else {
            leave(l);
        }
    }
}

/* -------------------------------------------------------------------------- last uses */

/* A variable of a loop holds two values in turn: inside the loop, and its result. */
static void read_array(layout *l, int32_t at, node array)
{
    const graph *g = l->g;
    if (array >= g->n_nodes) /* a temporary is read once */
        return;
    node loop = graph_node(g, array)->op == OP_phi ? l->owner[array] : 0;
    bool outside = loop != 0 && (l->region[at] == 0 || l->region[at] > loop);
    *(outside ? &l->end[array] : &l->last[array]) = at;
}

static void find_reads(layout *l)
{
    const eval_plan *p = l->plan;
    for (int32_t i = 0; i < p->n_steps; i++) {
        const step *s = &p->steps[i];
        if (s->kind == STEP_SHARE || s->kind == STEP_AT || s->kind == STEP_PUT)
            read_array(l, i, s->in[0]);
        for (int32_t k = 1; s->kind == STEP_CHOOSE && k < 3; k++)
            read_array(l, i, s->in[k]);
        node loop = s->kind == STEP_TEST ? l->region[i] : 0;
        for (int32_t k = 0; loop != 0 && k < (int32_t)graph_node(l->g, loop)->imm; k++)
            if (graph_node(l->g, graph_in(l->g, loop, k))->shape != 0)
                read_array(l, i, graph_in(l->g, loop, k)); /* the result, if this is the end */
    }
    for (int32_t i = 0; i < p->n_outputs; i++)
        l->last[p->outputs[i].slot] = INT32_MAX;
}

static bool is_last(const layout *l, int32_t at)
{
    node array = l->plan->steps[at].in[0], region = l->region[at];
    if (array >= l->g->n_nodes)
        return true;
    if (l->last[array] == at)
        return l->owner[array] == region;
    return l->end[array] == at; /* the result of a loop: taken once, where the loop is */
}

static void find_last_uses(layout *l)
{
    find_reads(l);
    for (int32_t i = 0; i < l->plan->n_steps; i++) {
        step *s = &l->plan->steps[i];
        if (s->kind == STEP_SHARE || s->kind == STEP_PUT)
            s->last = is_last(l, i);
    }
}

/* -------------------------------------------------------------------------- the plan */

static size_t take(size_t *end, size_t n, size_t size)
{
    size_t at = (*end + 15) / 16 * 16;
    *end = at + n * size;
    return at;
}

static eval_plan *new_plan(const jit_allocator *a, const layout *l)
{
    const graph *g = l->g;
    size_t size = sizeof(eval_plan);
    size_t steps = take(&size, (size_t)l->n_steps, sizeof(step));
    size_t outputs = take(&size, (size_t)g->n_outputs, sizeof(eval_output));
    size_t inputs = take(&size, (size_t)g->n_inputs, sizeof(jit_dtype));
    size_t shapes = take(&size, (size_t)g->n_shapes, sizeof(graph_shape));
    size_t operands = take(&size, (size_t)l->n_operands, sizeof(int32_t));
    char *block = memory_resize(a, NULL, 0, size);
    if (!block)
        return NULL;
    eval_plan *p = (eval_plan *)(void *)block;
    *p = (eval_plan){ .size = size, .n_outputs = g->n_outputs, .ftz = g->ftz };
    if (a)
        p->allocator = *a;
    p->n_slots = g->n_nodes + l->most_variables;
    p->n_inputs = g->n_inputs;
    p->steps = (step *)(void *)(block + steps);
    p->outputs = (eval_output *)(void *)(block + outputs);
    p->inputs = (jit_dtype *)(void *)(block + inputs);
    p->shapes = (graph_shape *)(void *)(block + shapes);
    p->operands = (int32_t *)(void *)(block + operands);
    memcpy(p->shapes, g->shapes, (size_t)g->n_shapes * sizeof(graph_shape));
    for (int32_t i = 0; i < g->n_inputs; i++)
        p->inputs[i] = g->inputs[i].dtype;
    for (int32_t i = 0; i < g->n_outputs; i++) {
        node n = g->outputs[i].value;
        p->outputs[i] = (eval_output){ n, graph_dtype(g, n), graph_shape_at(g, n)->rank };
    }
    return p;
}

static bool get_room(layout *l)
{
    size_t n = (size_t)l->g->n_nodes;
    l->owner = graph_owners(l->g);
    l->live = arena_alloc(l->g->ar, n);
    l->early = arena_alloc(l->g->ar, n);
    l->quiet = arena_alloc(l->g->ar, n);
    l->seen = arena_alloc(l->g->ar, n * sizeof(node));
    l->stack = arena_alloc(l->g->ar, n * sizeof(node));
    l->first = arena_alloc(l->g->ar, n * sizeof(node));
    l->link = arena_alloc(l->g->ar, n * sizeof(node));
    l->last = arena_alloc(l->g->ar, n * sizeof(int32_t));
    l->end = arena_alloc(l->g->ar, n * sizeof(int32_t));
    return l->owner && l->live && l->early && l->quiet && l->seen && l->stack && l->first &&
           l->link && l->last && l->end;
}

eval_plan *eval_prepare(const jit_allocator *a, const graph *g)
{
    layout l = { .g = g };
    if (!get_room(&l))
        return NULL;
    analyse(&l);
    l.frames = arena_alloc(g->ar, ((size_t)l.n_regions + 1) * sizeof *l.frames);
    l.region = arena_alloc(g->ar, ((size_t)l.n_steps + 1) * sizeof *l.region);
    l.plan = l.frames && l.region ? new_plan(a, &l) : NULL;
    if (l.plan) {
        lay_out(&l);
        find_last_uses(&l);
    }
    return l.plan;
}

void eval_free(eval_plan *p)
{
    if (!p)
        return;
    jit_allocator a = p->allocator;
    memory_resize(&a, p, p->size, 0);
}
