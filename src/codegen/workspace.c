/* Sizes of the pieces: extents are known programs, as they are for a call's shapes. */
#include "workspace.h"

#include <string.h>

enum { MOST_EXTENTS = 1024, MOST_STEPS = 2048, ALIGN = 64 };

/* An area that is like one before it in its piece says nothing new. */
static bool is_repeated(const codegen_area *kept, int32_t n, const codegen_area *a)
{
    while (n-- > 0 && kept[n].piece == a->piece && kept[n].many == a->many)
        if (kept[n].shape == a->shape && kept[n].size == a->size && kept[n].fixed == a->fixed &&
            kept[n].rows == a->rows && kept[n].own == a->own && kept[n].copies == a->copies &&
            kept[n].most == a->most)
            return true;
    return false;
}

static bool collect(workspace_plan *p, const codegen_object *object, const graph *g, arena *ar)
{
    int32_t n = 0, k = 0;
    size_t room = (size_t)object->n_areas + 1;
    codegen_area *areas = arena_alloc(ar, room * sizeof *areas);
    int32_t *rank = arena_alloc(ar, room * sizeof *rank);
    node *roots = arena_alloc(g->ar, room * GRAPH_MAX_RANK * sizeof *roots);
    if (!areas || !rank || !roots)
        return false;
    for (int32_t i = 0; i < object->n_areas; i++) {
        const codegen_area *a = &object->areas[i];
        const graph_shape *s = &g->shapes[a->shape];
        if (is_repeated(areas, k, a))
            continue;
        areas[k] = *a;
        rank[k] = a->rows ? 1 : s->rank;
        memcpy(roots + n, s->extent, (size_t)rank[k] * sizeof *roots);
        n += rank[k++];
    }
    *p = (workspace_plan){ .areas = areas, .rank = rank, .n_areas = k };
    return n <= MOST_EXTENTS && known_make(&p->extents, g, roots, n, ar) &&
           p->extents.n_steps <= MOST_STEPS;
}

bool workspace_make(workspace_plan *p, const codegen_object *object, const graph *g, arena *ar)
{
    *p = (workspace_plan){ 0 };
    return object->n_areas == 0 || collect(p, object, g, ar);
}

static bool area_bytes(const codegen_area *a, const int64_t *extent, int32_t rank,
                       int64_t *bytes)
{
    int64_t n = a->shape ? a->size : a->fixed;
    for (int32_t i = 0; i < rank; i++)
        if (__builtin_mul_overflow(n, extent[i] < 0 ? 0 : extent[i], &n))
            return false;
    if (__builtin_add_overflow(n, ALIGN - 1, &n))
        return false;
    *bytes = n / ALIGN * ALIGN;
    return true;
}

/* Of all pieces for so many rows; rows 0: of those that each worker has of its own. A piece is as
 * large as the largest area in it. all[1]: of code for many samples. */
static bool add_pieces(const workspace_plan *p, const int64_t *extent, int64_t rows,
                       int64_t *all)
{
    for (int32_t i = 0; i < p->n_areas;) {
        int64_t most = 0, n, copies = p->areas[i].copies, limit = p->areas[i].most;
        copies = rows == 0 ? p->areas[i].own : copies < rows ? copies : rows;
        bool many = p->areas[i].many;
        for (int32_t piece = p->areas[i].piece;
             i < p->n_areas && p->areas[i].piece == piece && p->areas[i].many == many;
             extent += p->rank[i++]) {
            if (!area_bytes(&p->areas[i], extent, p->rank[i], &n))
                return false;
            most = n > most ? n : most;
        }
        copies = limit > 0 && most > limit ? 1 : copies;
        if (__builtin_mul_overflow(most, copies, &most) ||
            __builtin_add_overflow(all[many], most, &all[many]))
            return false;
    }
    return true;
}

static bool count_bytes(const workspace_plan *p, const graph_known *known, int64_t rows,
                        int64_t *bytes)
{
    cell slots[MOST_STEPS];
    int64_t extent[MOST_EXTENTS], all[2] = { 0, 0 };
    *bytes = 0;
    if (p->n_areas == 0)
        return true;
    if (!known_run(&p->extents, known, slots, extent) || !add_pieces(p, extent, rows, all))
        return false;
    bool many = rows >= ARRAY_GROUP_ROWS && all[1] <= ARRAY_GROUP_BYTES;
    *bytes = many && all[1] > all[0] ? all[1] : all[0];
    return true;
}

bool workspace_bytes(const workspace_plan *p, const graph_known *known, int64_t rows,
                     int64_t *bytes)
{
    return count_bytes(p, known, rows > 0 ? rows : 1, bytes);
}

bool workspace_own_bytes(const workspace_plan *p, const graph_known *known, int64_t *bytes)
{
    return count_bytes(p, known, 0, bytes);
}
