/* What the files of lowering share: values, variables, frames and the state of one lowering.
 *
 * A `value` is what an expression gives. Weak values (literals, constants, `for` variables,
 * untyped uniforms) take the type of what they meet: constants are exact integers or doubles
 * until then; others are a node, i64 or of the frame's float type, marked weak.
 *
 * An array is a node with a shape, of the element type it is computed in; typed or weak as a
 * scalar is. What takes scalars is lifted over the elements: see lower_array.c. Variables with
 * a shape are changed under the predicate `within` and neither undone nor merged.
 *
 * Variables live in slots. Every change of a slot is written to a journal, so that a branch can
 * be lowered, its changes collected and undone, and the two sides merged by selects; see
 * lower_scope.c. The type of a variable is the promoted type of all that is assigned to it: a
 * body is lowered again with what was learned until nothing changes; see lower_memo.c. */
#ifndef FJ_LOWER_STATE_H
#define FJ_LOWER_STATE_H

#include "lower.h"

__extension__ typedef __int128 wide; /* exact weak integers: -2^63 .. 2^64-1 */

typedef struct frame frame;
typedef struct lowering lowering;
typedef struct lower_param lower_param; /* see lower_param.c */
typedef struct grad_rule grad_rule;

/* ------------------------------------------------------------------------------ values */

typedef enum value_kind {
    VALUE_NONE,    /* a result that nothing was assigned to */
    VALUE_POISON,  /* wrong (and reported), or unknown in a check: takes part in anything */
    VALUE_INTEGER, /* weak constants */
    VALUE_REAL,
    VALUE_NODE,      /* typed */
    VALUE_WEAK_NODE, /* i64: a weak integer; a float: a weak real */
    VALUE_TUPLE,
    VALUE_FUNCTION
} value_kind;

typedef enum callee_kind {
    CALLEE_NONE,
    CALLEE_FN,
    CALLEE_OP,
    CALLEE_SPECIAL, /* built-ins with rules of their own, see lower_builtin.c */
    CALLEE_UNKNOWN  /* an `fn` argument without default, in a check */
} callee_kind;

typedef struct callee {
    callee_kind kind;
    op op;
    int32_t special;
    const char *name;
    const ast_fn *fn;
} callee;

typedef struct value {
    value_kind kind;
    int32_t n; /* of items */
    span at;   /* the expression that gave it; length 0: see the message's own place */
    union {
        wide integer;
        double real;
        node node;
        const struct value *items;
        const callee *function;
    } u;
} value;

/* The type of a value: a jit_dtype, or one of these. */
typedef int32_t value_type;
enum { TYPE_UNKNOWN = 0, TYPE_WEAK_INTEGER = -1, TYPE_WEAK_REAL = -2, TYPE_CONFLICT = -3 };

/* ------------------------------------------------------------------------------ names */

typedef struct slot { /* a variable */
    value now;
    int32_t ordinal; /* place of its type in the memo; -1: `declared` is its type */
    jit_dtype declared;
    int32_t stamp; /* of the last collection that saw it */
    int32_t shape; /* of graph.shapes: an array, changed in place; 0: anything else */
    bool set;      /* assigned on every path that leads here */
    bool flag;     /* bool made by lowering: returned, broken, continued */
} slot;

typedef struct change { /* journal entry: what a slot was before */
    int32_t slot;
    bool set;
    value before;
} change;

typedef enum binding_kind {
    BIND_ARGUMENT,
    BIND_LET,
    BIND_FOR,
    BIND_DIM,
    BIND_INDEX,
    BIND_VAR,
    BIND_RESULT
} binding_kind;

typedef struct binding {
    const char *name;
    uint32_t hash;
    int32_t next; /* older binding of the same bucket; -1: none */
    binding_kind kind;
    int32_t slot; /* VAR, RESULT */
    value value;  /* the others */
} binding;

enum { N_BUCKETS = 1024 };

/* What is known of one function on arguments of given types: see lower_memo.c. */
typedef struct memo {
    struct memo *next; /* of the same hash bucket */
    const uint64_t *key;
    int32_t n_key;
    value_type *types; /* assumed, by ordinal */
    value_type *seen;  /* in the pass that runs */
    int32_t *shapes;
    int32_t n_types, cap_types, cap_seen, cap_shapes;
    int32_t n_results; /* of a body without declared results; -1: not known */
    bool learned;      /* the number of results, in this pass */
    bool reshaped;     /* a variable became an array of another shape than in the pass before */
    bool finished;     /* in a check: result is known */
    int32_t levels;    /* ... and how deep its body went */
    uint64_t hash;
    value result;
} memo;

typedef struct frame { /* a function being lowered */
    frame *up;
    const ast_fn *fn;       /* NULL: a constant or default value */
    const source *src;      /* of the text being read */
    const source *user_src; /* where messages point: the innermost user's text around, */
    span user_at;           /* ... and the call in it, if src is the prelude           */
    bool prelude;
    jit_dtype float_type; /* of weak reals that are not constant */
    memo *memo;
    int32_t first_binding;
    int32_t next_ordinal;
    int32_t returned;            /* slot; -1: an expression */
    int32_t first_result;        /* slots */
    int32_t n_results;           /* -1: not known before the first return */
    int32_t broken, continued;   /* slots of the innermost loop; -1: no loop */
    span call;                   /* where it was called */
    int32_t begins;              /* paths of parameters: 1; -1: they do not; 0: not known */
    const char *let_name;        /* what the value that is being lowered will be called */
    const char *const *dim_name; /* core dimensions */
    const value *dim;
    int32_t n_dims;
} frame;

typedef struct index_range { /* a variable of a `for`, in its body: from <= i < to */
    node i, from, to;
} index_range;

/* A call of a function with a `grad fn`: see lower_grad.c. */
struct grad_rule {
    node of; /* what it gave */
    const ast_fn *fn;
    const value *value; /* of its arguments, uniforms after the others */
    node *arg;          /* nodes of the arguments; 0: a constant */
    int32_t n_args, n_values;
    span at;
};

/* Parameters that a derivative is taken by, in the order in which they are met. */
typedef struct param_marks {
    const char **path;
    value *marked;
    int32_t n, cap;
} param_marks;

/* ------------------------------------------------------------------------------ state */

struct lowering {
    program *p;
    arena *ar;
    graph *g;
    diag *d;
    frame *frame;
    node yes, no; /* constants */
    node active;  /* path predicate: the elements that execute what is being lowered */
    node within;  /* the same from the entry of the innermost loop or function on */
    node *axes;   /* stack of the axes around what is being lowered */
    index_range *ranges;
    int32_t n_axes, cap_axes, n_ranges, cap_ranges;
    int32_t cap_inputs;
    lower_param *params;
    int32_t n_params, cap_params;
    jit_dtype weights;          /* see specialisation */
    const char *init_path;      /* the parameter whose initial value is wanted */
    node initial;               /* ... when it was met */
    const ast_fn **derivatives; /* functions made by lower_grad.c */
    grad_rule *rules;           /* in the order of their nodes */
    int32_t n_derivatives, cap_derivatives, n_rules, cap_rules;
    int32_t deriving;         /* derivatives around what is being lowered */
    param_marks *param_marks; /* of the innermost one by parameters, or NULL */
    bool checking;
    bool stop; /* a limit was met: give up quietly */
    int32_t n_errors;
    int32_t depth, max_depth, deepest;
    int64_t work, max_work;
    int32_t site; /* number of the next call of rand or randn */
    int32_t stamp;
    slot *slots;
    change *journal;
    binding *bindings;
    int32_t n_slots, cap_slots, n_journal, cap_journal, n_bindings, cap_bindings;
    int32_t buckets[N_BUCKETS];
    const ast_expr **spine; /* stack of left operands still to apply */
    int32_t n_spine, cap_spine;
    bool **cycle; /* in a check: marks of functions that were found to call themselves */
    int32_t n_cycle, cap_cycle;
    memo **memos; /* hash table */
    int32_t n_memos, n_memo_buckets;
};

/* lower_core.c */
lowering *lower_new(program *p, arena *ar, graph *g, diag *d);
void lower_set_graph(lowering *lw, graph *g);
void lower_enter(lowering *lw, frame *f, const ast_fn *fn, const source *src, span call);
void lower_leave(lowering *lw);
/* One more expression or statement; false: a limit is met, give up. */
bool lower_step(lowering *lw, span at);
bool lower_deeper(lowering *lw, span at); /* pairs with lw->depth-- even if false */
/* A message, at the user's call if the text being read is the prelude's. */
void lower_error(lowering *lw, diag_code code, span at, const char *format, ...)
    __attribute__((format(printf, 4, 5)));
span lower_place(const lowering *lw, span at);
bool lower_no_memory(lowering *lw); /* reports; false */

/* lower_program.c */
bool program_is_builtin(const char *name);
/* The function or operator of that name as seen from src; CALLEE_NONE: no such. */
callee program_callee(program *p, const char *name, const source *src, diag *d);
callee program_hidden(program *p, const char *name,
                      diag *d);         /* of the prelude, hidden ones too */
bool program_defines(const ast_fn *fn); /* it is one of math_*.fj */
/* Whether a user's function was found wrong in the check, so that calls of it say no more;
 * NULL: not a user's. */
bool *program_fn_wrong(program *p, const ast_fn *fn);
void program_set_results(program *p, const ast_fn *fn, int32_t n);      /* 0: not known */
const char *program_param_argument(const program *p, const char *path); /* NULL: none */
bool program_is_ours(const program *p, const ast_fn *fn); /* written around a layer */
bool program_shares_params(const program *p);
bool program_repeats_draws(const program *p, const ast_fn *fn);
const ast_fn *program_grad_fn(program *p, const ast_fn *fn, diag *d); /* NULL: it has none */
/* What operator o gives its operands: (x, y, z, r, g) -> one value each, with as many of the
 * first as it has operands; NULL: it is not differentiable. */
const ast_fn *program_adjoint(program *p, op o, diag *d);
const ast_fn *program_operator(program *p, op o, diag *d); /* fn (x, y, z) = o(x, y, z) */
typedef struct const_slot const_slot;
const_slot *program_const(program *p, const char *name, const source *src, diag *d);
const char *program_nearest(program *p, const char *name, bool consts);
jit_limits program_limits(const program *p);
arena *program_arena(program *p);
const ast_program *program_tree(const program *p);
const_slot *program_const_at(program *p, int32_t i); /* of the tree */

typedef enum const_state { CONST_NEW, CONST_BUSY, CONST_DONE } const_state;
struct const_slot {
    const ast_const *ast;
    const_state state;
    value_kind kind; /* INTEGER, REAL, NODE: a bool, or POISON */
    wide integer;
    double real;
    bool truth;
};

/* lower_value.c */
value value_poison(void);
value value_integer(wide v);
value value_real(double v);
value value_node(node n);
value value_weak(node n);
value value_bool(lowering *lw, bool v);
bool value_is_constant(value v); /* weak constant */
bool value_is_weak(value v);
bool value_same(value a, value b);
value_type type_of_value(const lowering *lw, value v);
value_type type_join(value_type a, value_type b);
const char *type_text(value_type t);
/* The node of a number or bool brought to type t (a compute type, or bool for a bool). Reports
 * weak integers that do not fit and weak reals for integer types. */
node value_to_node(lowering *lw, value v, jit_dtype t, span at);
/* As value_type t: weak types give a weak node of i64 or the frame's float type. */
value value_as(lowering *lw, value v, value_type t, span at);
value value_declared(lowering *lw, value v, jit_dtype t, span at); /* safe casts only */
value value_cast(lowering *lw, value v, jit_dtype t, span at);     /* T(x) */
value value_stored(lowering *lw, node stored, jit_dtype declared); /* reads an argument */
bool value_constant_cell(lowering *lw, value v, jit_dtype t, span at, cell *out);
jit_dtype type_weak_node(const lowering *lw, value_type t);
node node_and(lowering *lw, node a, node b, span at);
node node_or(lowering *lw, node a, node b, span at);
node node_not(lowering *lw, node a, span at);
node node_select(lowering *lw, node c, node yes, node no, span at);

/* lower_weak.c: exact arithmetic on weak constants. Reports; false: no value. */
bool weak_fold(lowering *lw, op o, const value *v, int32_t n, span at, value *out);
bool weak_power(lowering *lw, value x, value y, span at, value *out);
bool weak_compare(op o, value x, value y);
bool weak_fits(wide v, jit_dtype t);
double weak_real(value v);

/* lower_extent.c: extents and subscripts as polynomials in dimensions and axes */
node extent_node(lowering *lw, node n);        /* equal extents are one node */
node extent_add(lowering *lw, node a, node b); /* such nodes of sums, ... */
node extent_sub(lowering *lw, node a, node b);
node extent_mul(lowering *lw, node a, node b);
node extent_const(lowering *lw, int64_t v);
value extent_value(lowering *lw, node n);
bool extent_known(const lowering *lw, node n);             /* before a run */
bool extent_at_least(lowering *lw, node n, int64_t least); /* whatever the dimensions are */
/* The value of `unknown`, of which `e` is a linear function, for which e == have; 0: none. */
node extent_solve(lowering *lw, node e, node unknown, node have);
bool extent_can_solve(lowering *lw, node e, node unknown); /* whether it is linear */
const char *extent_text(lowering *lw, node n);
const char *extents_text(lowering *lw, const graph_shape *s); /* "[n, 3]" */
typedef enum subscript_range {
    SUBSCRIPT_PROVEN, /* in range */
    SUBSCRIPT_WRONG,  /* never */
    SUBSCRIPT_AFFINE, /* between least and most, both of which it takes if all axes have any */
    SUBSCRIPT_DATA
} subscript_range;
typedef struct subscript_bounds {
    node least, most;
    node wrong; /* the one that is not in range */
} subscript_bounds;
subscript_range extent_range(lowering *lw, node i, node extent, subscript_bounds *b);

/* lower_array.c */
graph_shape value_shape(const lowering *lw, value v); /* rank 0: no array */
bool value_is_array(const lowering *lw, value v);
bool values_have_array(const lowering *lw, const value *v, int32_t n);
const char *value_text(lowering *lw, value v); /* "f32[n]", for messages */
bool axes_push(lowering *lw, const node *axes, int32_t n);
void axes_pop(lowering *lw, int32_t n);
bool array_axes(lowering *lw, const graph_shape *s, node *axes, span at); /* new ones */
value lower_array_at(lowering *lw, value array, const node *subscript, span at);
value lower_array_map(lowering *lw, const node *axes, int32_t n, value element, span at);
value array_fill(lowering *lw, value scalar, const graph_shape *s, span at);
value array_zeros(lowering *lw, value_type t, const graph_shape *s);
value array_broadcast(lowering *lw, value v, const graph_shape *s, span at);
bool array_broadcast_shape(lowering *lw, const value *v, int32_t n, graph_shape *out, span at);
/* One value of elements at the axes of a shape that v broadcasts to. */
value array_aligned(lowering *lw, value v, const node *axes, int32_t n, span at);
typedef value (*lift_function)(lowering *lw, void *user, const value *elements, span at);
value array_lift(lowering *lw, const value *v, int32_t n, lift_function f, void *user, span at);
value array_apply(lowering *lw, op o, const value *v, int32_t n, span at);
value lower_array_choose(lowering *lw, value c, value yes, value no, span at);
value array_as(lowering *lw, value v, value_type t, span at);
value array_declared(lowering *lw, value v, jit_dtype t, span at);
value array_cast(lowering *lw, value v, jit_dtype t, span at);
value array_stored(lowering *lw, node stored, jit_dtype declared);
node array_cast_node(lowering *lw, node n, jit_dtype t, span at); /* scalars too */
bool value_only_scalar(lowering *lw, value v, const char *what, span at);

/* lower_dims.c */
bool type_is_array(const ast_type *t);
bool fn_has_dims(const ast_fn *fn);
bool type_shape(lowering *lw, const ast_type *t, graph_shape *out);
bool type_is_generic(const ast_type *t); /* takes the element type it is called with */
/* Binds dimensions of the frame and the given `dim` arguments. */
bool dims_bind(lowering *lw, const frame *f, const value *args);
bool dims_solve(lowering *lw, frame *f, value *args, span at);

/* lower_index.c */
value lower_index(lowering *lw, const ast_expr *e);
node subscript_node(lowering *lw, const ast_expr *e);
node subscript_checked(lowering *lw, node i, node extent, graph_site site);
void index_add_range(lowering *lw, node i, node from, node to);
void check_once(lowering *lw, node v, node extent, graph_site site);
/* The extent that an index has by its plain subscripts in e; 0: none, or a message. */
typedef struct index_use {
    const char *name;
    node extent;       /* 0: not found */
    const char *array; /* where */
    bool wrong;        /* reported, or unknown */
} index_use;
void index_extents(lowering *lw, const ast_expr *e, index_use *use, int32_t n);
void index_unknown(lowering *lw, const char *name, span at, bool reduction);

/* lower_notation.c */
void lower_index_assign(lowering *lw, const ast_stmt *s);
void lower_index_let(lowering *lw, const ast_stmt *s);
void assign_array(lowering *lw, int32_t s, const char *name, value v, span at);

/* lower_reduce.c */
value lower_reduce(lowering *lw, const ast_expr *e);
value lower_whole_reduce(lowering *lw, const ast_expr *e, ast_redop o);
value reduce_over(lowering *lw, ast_redop o, const node *axes, int32_t n, value body, span at);

/* lower_reduce_loop.c: a range is not known before a run */
value reduce_loop(lowering *lw, const ast_expr *e, const node *from, const node *to,
                  const node *extent);

/* lower_matmul.c */
value lower_matmul(lowering *lw, value x, value y, span at);

/* lower_param.c */
void lower_param_stmt(lowering *lw, const ast_stmt *s);
bool param_is_constant(const graph *g);

/* lower_grad.c */
value lower_grad(lowering *lw, const callee *c, const ast_expr *e);
value lower_derivative(lowering *lw, const frame *f, const value *args);
/* The parameter of that path where a derivative is taken by parameters. */
value lower_marked_param(lowering *lw, const char *path, value v, span at);
value grad_rule_mark(lowering *lw, const ast_fn *fn, const value *args, value v, span at);
const grad_rule *grad_rule_of(const lowering *lw, node n); /* NULL: none */
value grad_rule_apply(lowering *lw, const grad_rule *rule, node g);
node grad_rule_slope(lowering *lw, const grad_rule *rule, int32_t i, value v);

/* lower_lift.c */
value lift_call(lowering *lw, const ast_fn *fn, value *args, span at);

/* lower_apply.c */
value lower_apply(lowering *lw, op o, const value *v, int32_t n, span at);
value lower_power(lowering *lw, value x, value y, span at);
value lower_choose(lowering *lw, node c, value yes, value no, span at); /* c ? yes : no */

/* lower_scope.c */
uint32_t scope_hash(const char *name);
binding *scope_find(lowering *lw, const char *name);
bool scope_bind(lowering *lw, const char *name, binding_kind kind, value v);
bool scope_bind_slot(lowering *lw, const char *name, binding_kind kind, int32_t slot);
void scope_pop(lowering *lw, int32_t n_bindings);
int32_t scope_slot(lowering *lw, int32_t ordinal, jit_dtype declared);
int32_t scope_flag(lowering *lw);
void scope_store(lowering *lw, int32_t s, value v, bool set); /* journal and change */
bool scope_array(lowering *lw, int32_t s,
                 const graph_shape *shape); /* zeros, changed in place */
void scope_undo(lowering *lw, int32_t mark);
typedef struct changes { /* what a branch changed */
    int32_t *slot;
    value *now;
    bool *set;
    int32_t n;
    bool ended; /* no element comes out of it: it returned, broke or continued */
} changes;
bool scope_collect(lowering *lw, int32_t mark, int32_t n_slots, changes *out);
/* After both were undone. */
void scope_merge(lowering *lw, node c, const changes *yes, const changes *no);
const char *scope_nearest(lowering *lw, const char *name);

/* lower_memo.c */
bool memo_clear(lowering *lw); /* an empty table */
memo *memo_find(lowering *lw, const ast_fn *fn, const value *args, int32_t n);
value_type memo_type(const memo *m, int32_t ordinal);
/* graph.shapes of what a variable is, in the pass before; 0: a scalar, or not known. */
int32_t memo_shape(const memo *m, int32_t ordinal);
void memo_see_shape(memo *m, int32_t ordinal, int32_t shape);
void memo_see(lowering *lw, memo *m, int32_t ordinal, value_type t);
void memo_begin(memo *m);
bool memo_end(memo *m, int32_t pass); /* true: learned something, lower again */

/* lower_expr.c */
value lower_expr(lowering *lw, const ast_expr *e);
value lower_number(lowering *lw, const ast_expr *e); /* no tuple, no function */
node lower_condition(lowering *lw, const ast_expr *e);
node lower_conditions(lowering *lw, const ast_expr *e); /* an array of them too */
value lower_binary_apply(lowering *lw, ast_binary o, value x, value y, span at);

/* lower_entry.c */
typedef struct lower_outputs {
    node *node;
    int32_t n;
    span at; /* of the call, in the user's text */
} lower_outputs;
/* lower_inline in a lowering that is kept for several. */
bool lower_inline_in(lowering *lw, const char *name, const node *in, int32_t n_in,
                     lower_outputs out);

/* lower_check.c */
void check_program(program *p, diag *d); /* every constant and function */
value check_argument(lowering *lw, jit_dtype t, const graph_shape *s); /* rank 0: a number */

/* lower_const.c */
value lower_const(lowering *lw, const_slot *c, span at);
bool lower_dim(lowering *lw, value v, span at, value *out);

/* lower_builtin.c: built-ins with rules of their own */
int32_t builtin_find(const char *name); /* 0: none */
const char *const *builtin_names(int32_t *n);
ast_redop builtin_redop(const char *name); /* of one that is there */
bool builtin_has_args(lowering *lw, const ast_expr *e, const char *name, int32_t n);
value builtin_call(lowering *lw, const callee *c, const ast_expr *e);

/* lower_call.c */
value lower_call(lowering *lw, const ast_expr *e);
value lower_name(lowering *lw, const ast_expr *e);
/* v as the value of an argument: its declared type, fn and dim. */
value call_bind(lowering *lw, const ast_param *param, value v, span at);
value call_default(lowering *lw, const ast_fn *fn, const ast_param *param, span at);

/* lower_inline.c */
value inline_function(lowering *lw, const ast_fn *fn, const value *args, span at);
value inline_passes(lowering *lw, frame *f, const value *args); /* in the frame of a function */
/* What @fast, @ulp, @abs and @portable of fn mean for the nodes that are made from here on. */
void lower_take_attributes(lowering *lw, const ast_fn *fn);
/* The widest float type among typed values. */
jit_dtype inline_float_type(const lowering *lw, const value *args, int32_t n,
                            jit_dtype otherwise);

/* lower_stmt.c */
void lower_block(lowering *lw, const ast_block *b);
/* name: of the variable, for messages; NULL: an unnamed result */
void stmt_assign(lowering *lw, int32_t slot, const char *name, value v, span at);
node stmt_live(lowering *lw); /* which elements come out of the statement before */
int32_t stmt_slot(lowering *lw, const ast_stmt *s); /* to assign; -1 and a message */
/* The type that slot s has once a value of type t is assigned. */
value_type stmt_type(lowering *lw, int32_t s, const char *name, value_type t, span at);
value stmt_brought(lowering *lw, int32_t s, value v, value_type t, span at);

/* lower_loop.c */
void lower_while(lowering *lw, const ast_stmt *s);
void lower_for(lowering *lw, const ast_stmt *s);

/* lower_advice.c: how what an unknown function does elsewhere is written here, or NULL. */
const char *lower_advice(const char *name);

#endif
