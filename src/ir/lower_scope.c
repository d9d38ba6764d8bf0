/* Names in scope, variables, and the journal of their changes.
 *
 *     mark = n_journal;  lower the branch;  scope_collect(mark);  scope_undo(mark)
 *     ... the same for the other branch ...;  scope_merge(condition, yes, no)
 *
 * Bindings of all frames are one stack; those of the innermost frame are on top, so that a
 * bucket's chain can stop at the first binding of an outer frame. */
#include "lower_state.h"

#include <string.h>

uint32_t scope_hash(const char *name)
{
    uint32_t h = 2166136261u;
    for (; *name; name++) {
        h = (h ^ (unsigned char)*name) * 16777619u;
    }
    return h;
}

binding *scope_find(lowering *lw, const char *name)
{
    uint32_t hash = scope_hash(name);
    int32_t i = lw->buckets[hash % N_BUCKETS];
    for (; i >= lw->frame->first_binding; i = lw->bindings[i].next) {
        binding *b = &lw->bindings[i];
        if (b->hash == hash && strcmp(b->name, name) == 0) {
            return b;
        }
    }
    return NULL;
}

static binding *push(lowering *lw, const char *name, binding_kind kind)
{
    void *array = lw->bindings;
    if (!arena_grow(lw->ar, &array, sizeof *lw->bindings, &lw->cap_bindings,
                    lw->n_bindings + 1)) {
        lower_no_memory(lw);
        return NULL;
    }
    lw->bindings = array;
    binding *b = &lw->bindings[lw->n_bindings];
    uint32_t hash = scope_hash(name);
    *b = (binding){ .name = name, .hash = hash, .kind = kind, .slot = -1 };
    b->next = lw->buckets[hash % N_BUCKETS];
    lw->buckets[hash % N_BUCKETS] = lw->n_bindings++;
    return b;
}

bool scope_bind(lowering *lw, const char *name, binding_kind kind, value v)
{
    binding *b = push(lw, name, kind);
    if (b) {
        b->value = v;
    }
    return b != NULL;
}

bool scope_bind_slot(lowering *lw, const char *name, binding_kind kind, int32_t s)
{
    binding *b = push(lw, name, kind);
    if (b) {
        b->slot = s;
    }
    return b != NULL;
}

void scope_pop(lowering *lw, int32_t n_bindings)
{
    while (lw->n_bindings > n_bindings) {
        const binding *b = &lw->bindings[--lw->n_bindings];
        lw->buckets[b->hash % N_BUCKETS] = b->next;
    }
}

const char *scope_nearest(lowering *lw, const char *name)
{
    int32_t first = lw->frame->first_binding, n = lw->n_bindings - first;
    n = n > 256 ? 256 : n;
    const char **names = arena_alloc(lw->ar, (size_t)(n + 1) * sizeof *names);
    if (!names) {
        return NULL;
    }
    for (int32_t i = 0; i < n; i++) {
        names[i] = lw->bindings[lw->n_bindings - 1 - i].name;
    }
    const char *near = diag_nearest(name, names, n);
    return near ? near : program_nearest(lw->p, name, true);
}

/* ------------------------------------------------------------------------------ slots */

int32_t scope_slot(lowering *lw, int32_t ordinal, jit_dtype declared)
{
    void *array = lw->slots;
    if (!arena_grow(lw->ar, &array, sizeof *lw->slots, &lw->cap_slots, lw->n_slots + 1)) {
        lower_no_memory(lw);
        return -1;
    }
    lw->slots = array;
    lw->slots[lw->n_slots] = (slot){ .ordinal = ordinal, .declared = declared };
    return lw->n_slots++;
}

int32_t scope_flag(lowering *lw)
{
    int32_t s = scope_slot(lw, -1, JIT_BOOL);
    if (s >= 0) {
        lw->slots[s].now = value_bool(lw, false);
        lw->slots[s].set = true;
        lw->slots[s].flag = true;
    }
    return s;
}

bool scope_array(lowering *lw, int32_t s, const graph_shape *shape)
{
    slot *a = &lw->slots[s];
    value_type known = a->ordinal < 0 ? (value_type)type_compute(a->declared)
                                      : memo_type(lw->frame->memo, a->ordinal);
    bool open = known == TYPE_UNKNOWN || known == TYPE_CONFLICT;
    value zeros = array_zeros(lw, open ? TYPE_WEAK_INTEGER : known, shape);
    if (zeros.kind == VALUE_POISON) {
        return false;
    }
    a->now = zeros;
    a->set = true;
    a->shape = graph_node(lw->g, zeros.u.node)->shape;
    return true;
}

void scope_store(lowering *lw, int32_t s, value v, bool set)
{
    void *array = lw->journal;
    if (lw->slots[s].shape != 0) { /* neither undone nor merged */
        lw->slots[s].now = v;
        return;
    }
    if (!arena_grow(lw->ar, &array, sizeof *lw->journal, &lw->cap_journal, lw->n_journal + 1)) {
        lower_no_memory(lw);
        return;
    }
    lw->journal = array;
    slot *now = &lw->slots[s];
    lw->journal[lw->n_journal++] = (change){ .slot = s, .set = now->set, .before = now->now };
    now->now = v;
    now->set = set;
}

void scope_undo(lowering *lw, int32_t mark)
{
    while (lw->n_journal > mark) {
        const change *c = &lw->journal[--lw->n_journal];
        if (c->slot < lw->n_slots) {
            lw->slots[c->slot].now = c->before;
            lw->slots[c->slot].set = c->set;
        }
    }
}

bool scope_collect(lowering *lw, int32_t mark, int32_t n_slots, changes *out)
{
    size_t n = (size_t)(lw->n_journal - mark) + 1;
    *out = (changes){ arena_alloc(lw->ar, n * sizeof *out->slot),
                      arena_alloc(lw->ar, n * sizeof *out->now),
                      arena_alloc(lw->ar, n * sizeof *out->set), 0, false };
    if (!out->slot || !out->now || !out->set) {
        return lower_no_memory(lw);
    }
    int32_t stamp = ++lw->stamp;
    for (int32_t i = mark; i < lw->n_journal; i++) {
        int32_t s = lw->journal[i].slot;
        if (s < n_slots && lw->slots[s].stamp != stamp) {
            lw->slots[s].stamp = stamp;
            out->slot[out->n] = s;
            out->now[out->n] = lw->slots[s].now;
            out->set[out->n++] = lw->slots[s].set;
        }
    }
    return true;
}

/* ------------------------------------------------------------------------------ merging */

static value merge_values(lowering *lw, const slot *s, node c, value yes, value no)
{
    span at = { 0, 0 };
    if (yes.kind == VALUE_NONE || no.kind == VALUE_NONE) {
        return yes.kind == VALUE_NONE ? no : yes;
    }
    if (value_same(yes, no)) {
        return yes;
    }
    if (s->flag && yes.kind == VALUE_NODE && no.kind == VALUE_NODE) {
        return value_node(node_select(lw, c, yes.u.node, no.u.node, at));
    }
    value_type t = type_join(type_of_value(lw, yes), type_of_value(lw, no));
    value_type known = s->ordinal < 0 ? (value_type)type_compute(s->declared)
                                      : memo_type(lw->frame->memo, s->ordinal);
    t = known == TYPE_UNKNOWN || known == TYPE_CONFLICT ? t : known;
    value x = value_as(lw, yes, t, at), y = value_as(lw, no, t, at);
    return t == TYPE_CONFLICT ? value_poison() : lower_choose(lw, c, x, y, at);
}

/* Slot s after the merge: `yes` and `no` are its indices in the lists, or -1 for unchanged. */
static void merge_slot(lowering *lw, node c, const changes *list[2], const int32_t index[2])
{
    int32_t s = index[0] >= 0 ? list[0]->slot[index[0]] : list[1]->slot[index[1]];
    value v[2];
    bool set = true;
    for (int32_t i = 0; i < 2; i++) {
        bool changed = index[i] >= 0;
        v[i] = changed ? list[i]->now[index[i]] : lw->slots[s].now;
        set = set && (list[i]->ended || (changed ? list[i]->set[index[i]] : lw->slots[s].set));
    }
    slot copy = lw->slots[s];
    scope_store(lw, s, merge_values(lw, &copy, c, v[0], v[1]), set);
}

void scope_merge(lowering *lw, node c, const changes *yes, const changes *no)
{
    const changes *list[2] = { yes, no };
    int32_t base = lw->stamp;
    lw->stamp += yes->n + 1; /* stamp base + 1 + i: slot yes->slot[i] */
    for (int32_t i = 0; i < yes->n; i++) {
        lw->slots[yes->slot[i]].stamp = base + 1 + i;
    }
    for (int32_t k = 0; k < no->n; k++) {
        int32_t i = lw->slots[no->slot[k]].stamp - base - 1;
        bool both = i >= 0 && i < yes->n && yes->slot[i] == no->slot[k];
        merge_slot(lw, c, list, (int32_t[]){ both ? i : -1, k });
        if (both) {
            lw->slots[no->slot[k]].stamp = base; /* done */
        }
    }
    for (int32_t i = 0; i < yes->n; i++) {
        if (lw->slots[yes->slot[i]].stamp == base + 1 + i) {
            merge_slot(lw, c, list, (int32_t[]){ i, -1 });
        }
    }
}
