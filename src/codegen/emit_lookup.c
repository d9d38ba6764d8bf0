/* Elements of tables, by an index per lane. Columns that a register holds are permuted, where the
 * machine can; else each lane's row is loaded, TABLE_GROUP columns at once, and rows are turned into columns. */
#include "emit.h"
#include "tables.h"

/* -------------------------------------------------------------------------- tables */

static int32_t element_bytes(const lookup_table *t)
{
    return type_bits(t->type) / 8;
}

static int32_t row_bytes(const lookup_table *t)
{
    return t->columns * element_bytes(t);
}

static ir_value table_global(emitter *e, const lookup_table *t, int32_t number)
{
    enum { ALIGN = 64 };
    if (e->table[number])
        return e->table[number];
    ir_value bytes =
        LLVMConstStringInContext2(e->context, t->element, (size_t)(t->rows * row_bytes(t)), 1);
    ir_value global = LLVMAddGlobal(e->module, LLVMTypeOf(bytes), "table");
    LLVMSetInitializer(global, bytes);
    LLVMSetGlobalConstant(global, 1);
    LLVMSetLinkage(global, LLVMPrivateLinkage);
    LLVMSetAlignment(global, ALIGN);
    return e->table[number] = global;
}

static int32_t log2_of(int32_t power)
{
    return __builtin_ctz((unsigned)power);
}

/* Bytes from the table's begin to the row of each lane. */
static ir_value row_offsets(emitter *e, const lookup_table *t, ir_value index)
{
    int32_t bits = type_bits(t->type), shift = log2_of(row_bytes(t));
    ir_value row = build_and(e, index, build_bits(e, bits, (uint64_t)t->rows - 1));
    return build_shl(e, row, build_bits(e, bits, (uint64_t)shift));
}

static ir_value at_offset(emitter *e, ir_value pointer, ir_value bytes)
{
    return build_offset(e, pointer, LLVMBuildZExt(e->b, bytes, e->i64, ""));
}

/* -------------------------------------------------------------------------- permuted */

/* Elements in a register that the machine permutes by a vector of indices; 0: it does not. */
static int32_t permuted_elements(const emitter *e, const lookup_table *t)
{
    bool x86 = e->target->second_of_equals;
    if (x86 && e->target->masks)
        return 512 / type_bits(t->type);
    return x86 && e->target->fma && t->type == JIT_F32 ? 8 : 0;
}

static bool is_permuted(const emitter *e, const lookup_table *t)
{
    int32_t n = permuted_elements(e, t);
    return n > 0 && e->lanes % n == 0 && t->rows <= n;
}

static ir_value column_elements(emitter *e, const lookup_table *t, int32_t column)
{
    ir_value element[16];
    int32_t n = permuted_elements(e, t);
    ir_type type = e->scalar[t->type];
    for (int32_t i = 0; i < n; i++)
        element[i] = LLVMConstReal(type, table_element(t, (uint64_t)i, column));
    return LLVMConstVector(element, (unsigned)n);
}

/* For as many lanes as a register has. */
static ir_value permuted_part(emitter *e, const lookup_table *t, int32_t column, ir_value index)
{
    const char *name = !e->target->masks    ? "llvm.x86.avx2.permps"
                       : t->type == JIT_F32 ? "llvm.x86.avx512.permvar.sf.512"
                                            : "llvm.x86.avx512.permvar.df.512";
    ir_value in[2] = { column_elements(e, t, column), index };
    return build_fixed_intrinsic(e, name, in, 2);
}

static ir_value permuted(emitter *e, const lookup_table *t, int32_t column, ir_value index)
{
    int32_t lanes = e->lanes, half = lanes / 2;
    if (lanes == permuted_elements(e, t))
        return permuted_part(e, t, column, index);
    e->lanes = half;
    ir_value low = permuted(e, t, column, build_part(e, index, 0, half));
    ir_value high = permuted(e, t, column, build_part(e, index, half, half));
    e->lanes = lanes;
    return build_joined(e, low, high);
}

/* -------------------------------------------------------------------------- loaded */

/* Rows l, l + 4, l + 8, ... side by side. */
static ir_value every_fourth(emitter *e, const ir_value *row, int32_t n)
{
    if (n == 1)
        return row[0];
    int32_t h = n / 2;
    return build_joined(e, every_fourth(e, row, h), every_fourth(e, row + 4 * h, h));
}

/* In each group of four lanes: lane at[i] of a, or at[i] - 4 of b. */
static ir_value grouped(emitter *e, ir_value a, ir_value b, const int32_t *at)
{
    int32_t lane[MAX_LANES], n = e->lanes;
    for (int32_t i = 0; i < n; i++)
        lane[i] = i / 4 * 4 + at[i % 4] % 4 + (at[i % 4] < 4 ? 0 : n);
    return build_shuffle(e, a, b, lane, n);
}

/* Four by four, by shuffles that stay within 128 bits as far as they can. */
static void turn(emitter *e, const ir_value *r, bool wide, ir_value *column)
{
    static const int32_t even[4] = { 0, 4, 2, 6 }, odd[4] = { 1, 5, 3, 7 };
    static const int32_t low[4] = { 0, 4, 1, 5 }, high[4] = { 2, 6, 3, 7 };
    static const int32_t first[4] = { 0, 1, 4, 5 }, second[4] = { 2, 3, 6, 7 };
    const int32_t *one = wide ? even : low, *other = wide ? odd : high;
    ir_value a = grouped(e, r[0], r[1], one), b = grouped(e, r[2], r[3], one);
    ir_value c = grouped(e, r[0], r[1], other), d = grouped(e, r[2], r[3], other);
    column[0] = grouped(e, a, b, first);
    column[wide ? 2 : 1] = grouped(e, a, b, second);
    column[wide ? 1 : 2] = grouped(e, c, d, first);
    column[3] = grouped(e, c, d, second);
}

/* Offsets for lanes from those of 32 bits: two at a time leave a register faster than one. */
static void pair_offsets(emitter *e, ir_value offsets, ir_value *lane)
{
    ir_type wide = build_vector(e->i64, e->lanes / 2);
    ir_value pairs = LLVMBuildBitCast(e->b, offsets, wide, "");
    for (int32_t i = 0; i < e->lanes; i += 2) {
        ir_value both = LLVMBuildExtractElement(e->b, pairs, build_i32(e, i / 2), "");
        lane[i] = LLVMBuildAnd(e->b, both, build_i64(e, UINT32_MAX), "");
        lane[i + 1] = LLVMBuildLShr(e->b, both, build_i64(e, 32), "");
    }
}

static void lane_offsets(emitter *e, const lookup_table *t, ir_value index, ir_value *lane)
{
    ir_value offsets = row_offsets(e, t, index);
    if (t->type == JIT_F32) {
        pair_offsets(e, offsets, lane);
        return;
    }
    for (int32_t i = 0; i < e->lanes; i++)
        lane[i] = build_lane(e, offsets, i);
}

static void load_rows(emitter *e, const lookup_table *t, ir_value group, ir_value index,
                      ir_value *column)
{
    ir_value row[MAX_LANES], offset[MAX_LANES], turned[TABLE_GROUP];
    lane_offsets(e, t, index, offset);
    ir_type type = build_vector(e->scalar[t->type], TABLE_GROUP);
    for (int32_t i = 0; i < e->lanes; i++)
        row[i] = build_load(e, type, build_offset(e, group, offset[i]),
                            element_bytes(t) * TABLE_GROUP);
    for (int32_t i = 0; i < TABLE_GROUP; i++)
        turned[i] = every_fourth(e, row + i, e->lanes / 4);
    turn(e, turned, t->type == JIT_F64, column);
}

/* The group of columns that the last lookups have loaded for this index; NULL: none has. */
static lookup_rows *find_rows(emitter *e, ir_value index, ir_value group)
{
    ir_block here = LLVMGetInsertBlock(e->b);
    for (int32_t i = 0; i < LOOKUP_ROWS; i++)
        if (e->rows[i].index == index && e->rows[i].group == group && e->rows[i].block == here)
            return &e->rows[i];
    return NULL;
}

static ir_value loaded(emitter *e, const lookup_table *t, int32_t number, int32_t column,
                       ir_value index)
{
    ir_value begin = table_global(e, t, number);
    int32_t first = column / TABLE_GROUP * TABLE_GROUP;
    ir_value group = build_offset(e, begin, build_i64(e, first * element_bytes(t)));
    lookup_rows *r = find_rows(e, index, group);
    if (!r) {
        r = &e->rows[e->next_rows++ % LOOKUP_ROWS];
        *r = (lookup_rows){ index, group, LLVMGetInsertBlock(e->b), { NULL } };
        load_rows(e, t, group, index, r->column);
    }
    return r->column[column - first];
}

/* -------------------------------------------------------------------------- each lane */

static ir_value loaded_each(emitter *e, const lookup_table *t, int32_t number, int32_t column,
                            ir_value index)
{
    ir_value begin = table_global(e, t, number), offsets = row_offsets(e, t, index), r = NULL;
    ir_type type = e->scalar[t->type];
    ir_value from = build_offset(e, begin, build_i64(e, column * element_bytes(t)));
    for (int32_t i = 0; i < e->lanes; i++) {
        ir_value at = at_offset(e, from, build_lane(e, offsets, i));
        ir_value v = build_load(e, type, at, element_bytes(t));
        if (e->lanes == 1)
            return v;
        r = r ? r : LLVMGetPoison(build_vector(type, e->lanes));
        r = LLVMBuildInsertElement(e->b, r, v, build_i32(e, i), "");
    }
    return r;
}

ir_value emit_lookup(emitter *e, const emit_args *a)
{
    int32_t column, number = (int32_t)(a->constant[1].u / TABLE_COLUMNS);
    const lookup_table *t = graph_table(e->g, a->out, a->constant[1].u, &column);
    if (!t)
        return build_real(e, a->out, 0);
    if (is_permuted(e, t))
        return permuted(e, t, column, a->v[0]);
    if (e->lanes % 4 == 0)
        return loaded(e, t, number, column, a->v[0]);
    return loaded_each(e, t, number, column, a->v[0]);
}
