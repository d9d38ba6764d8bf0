/* The syntax tree: what the parser and the builder make, and lowering reads. Allocated in the
 * module's arena, immutable afterwards. Names are interned only in that equal names compare
 * equal by strcmp; spans point into the source the tree was made from. */
#ifndef FJ_AST_H
#define FJ_AST_H

#include <stdbool.h>
#include <stdint.h>

#include "arena.h"
#include "diag.h"

typedef struct ast_expr ast_expr;
typedef struct ast_stmt ast_stmt;
typedef struct ast_block ast_block;

typedef enum ast_unary { UNARY_NEG, UNARY_PLUS, UNARY_NOT, UNARY_INVERT } ast_unary;

typedef enum ast_binary {
    BINARY_OR,
    BINARY_AND,
    BINARY_EQ,
    BINARY_NE,
    BINARY_LT,
    BINARY_LE,
    BINARY_GT,
    BINARY_GE,
    BINARY_BITOR,
    BINARY_BITXOR,
    BINARY_BITAND,
    BINARY_SHL,
    BINARY_SHR,
    BINARY_ADD,
    BINARY_SUB,
    BINARY_MUL,
    BINARY_DIV,
    BINARY_FLOORDIV,
    BINARY_MOD,
    BINARY_MATMUL,
    BINARY_POW
} ast_binary;

const char *ast_binary_text(ast_binary op); /* "&&" */
const char *ast_unary_text(ast_unary op);

/* How tightly operators bind. All but ** are left-associative; comparisons do not chain. */
enum {
    PRECEDENCE_SELECT = 1,
    PRECEDENCE_OR,
    PRECEDENCE_AND,
    PRECEDENCE_NOT,
    PRECEDENCE_COMPARE,
    PRECEDENCE_BITOR,
    PRECEDENCE_BITXOR,
    PRECEDENCE_BITAND,
    PRECEDENCE_SHIFT,
    PRECEDENCE_ADD,
    PRECEDENCE_MUL,
    PRECEDENCE_UNARY,
    PRECEDENCE_POW,
    PRECEDENCE_POSTFIX
};
int32_t ast_binary_precedence(ast_binary op);

typedef enum ast_redop {
    REDOP_SUM,
    REDOP_PROD,
    REDOP_MIN,
    REDOP_MAX,
    REDOP_ANY,
    REDOP_ALL,
    REDOP_ARGMIN,
    REDOP_ARGMAX,
    REDOP_MEAN
} ast_redop;

const char *ast_redop_text(ast_redop op); /* "sum" */

typedef struct ast_binder { /* REDOP[i in a .. b] */
    const char *name;
    span at;
    const ast_expr *from, *to; /* NULL: the extent of its plain subscripts */
} ast_binder;

typedef struct ast_arg { /* an argument of a call */
    const char *name;    /* NULL: positional */
    span at;
    const ast_expr *value;
} ast_arg;

typedef enum ast_expr_kind {
    EXPR_INTEGER,
    EXPR_REAL,
    EXPR_NAME,
    EXPR_SCALAR, /* a type name used as a value: f32(x), bitcast(x, u32) */
    EXPR_UNARY,
    EXPR_BINARY,
    EXPR_SELECT, /* c ? a : b */
    EXPR_CALL,
    EXPR_INDEX,
    EXPR_REDUCE,
    EXPR_TUPLE
} ast_expr_kind;

struct ast_expr {
    ast_expr_kind kind;
    span at;       /* the whole expression                                              */
    span op;       /* where a message about the operator points: the operator's own text;
                      for calls the callee, else = at                                    */
    int32_t depth; /* levels of the tree, at most jit_limits.nesting; the left operand of a
                      binary operator adds none, so that a + b + c + ... may be long: walk left
                      spines in a loop. 0 if not known (trees of the builder) */
    union {
        uint64_t integer; /* EXPR_INTEGER */
        double real;
        const char *name;
        jit_dtype scalar;
        struct {
            ast_unary op;
            const ast_expr *x;
        } unary;
        struct {
            ast_binary op;
            const ast_expr *x, *y;
        } binary;
        struct {
            const ast_expr *condition, *yes, *no;
        } select;
        struct {
            const ast_expr *callee;
            const ast_arg *args;     /* before ; */
            const ast_arg *uniforms; /* after ;  */
            int32_t n_args, n_uniforms;
        } call;
        struct {
            const ast_expr *base;
            const ast_expr *const *subscripts;
            int32_t n;
        } index;
        struct {
            ast_redop op;
            const ast_binder *binders;
            int32_t n_binders;
            const ast_expr *body;
        } reduce;
        struct {
            const ast_expr *const *items; /* two or more */
            int32_t n;
        } tuple;
    } u;
};

typedef struct ast_type {
    bool given; /* false: no type was written */
    bool is_dim, is_fn;
    jit_dtype scalar; /* JIT_NONE: dims only */
    const ast_expr *const *dims;
    int32_t n_dims; /* 0 and scalar given: a scalar */
    span at;
} ast_type;

struct ast_block {
    const ast_stmt *const *stmts;
    int32_t n;
};

typedef enum ast_stmt_kind {
    STMT_LET,
    STMT_VAR,
    STMT_PARAM,
    STMT_ASSIGN,
    STMT_IF,
    STMT_WHILE,
    STMT_FOR,
    STMT_BREAK,
    STMT_CONTINUE,
    STMT_RETURN
} ast_stmt_kind;

typedef struct ast_name {
    const char *name;
    span at;
} ast_name;

struct ast_stmt {
    ast_stmt_kind kind;
    span at;
    union {
        struct {
            const ast_name *names; /* several: a tuple is taken apart */
            int32_t n_names;
            const ast_expr *const *dims; /* let r2[i,j] = */
            int32_t n_dims;
            ast_type type;
            const ast_expr *value;
        } let;
        struct {
            ast_name name;
            ast_type type;
            const ast_expr *value;
        } var; /* and param */
        struct {
            ast_name name;
            const ast_expr *const *subscripts;
            int32_t n_subscripts;
            bool compound; /* += -= *= /=: op says which */
            ast_binary op;
            span op_at;
            const ast_expr *value;
        } assign;
        struct {
            const ast_expr *condition;
            ast_block yes, no; /* no.n == 0: none; `else if` is a block of one statement */
        } branch;
        struct {
            const ast_expr *condition;
            ast_block body;
        } loop;
        struct {
            ast_name name;
            const ast_expr *from, *to, *by; /* by may be NULL */
            ast_block body;
        } range;
        struct {
            const ast_expr *const *values;
            int32_t n;
        } ret;
    } u;
};

typedef struct ast_param { /* an argument of a function */
    const char *name;
    span at;
    ast_type type;
    const ast_expr *value; /* default, or NULL */
} ast_param;

typedef struct ast_result {
    const char *name; /* NULL: unnamed */
    span at;
    ast_type type;
} ast_result;

typedef struct ast_attr {
    const char *name; /* fast, ulp, abs, portable, ftz, seq, kahan */
    double value;
    bool has_value;
    span at;
} ast_attr;

/* A derivative, made by lowering: see lower_grad.c. */
typedef struct ast_derivative {
    const struct ast_fn *of;
    int32_t *by; /* arguments by number, uniforms after the others */
    int32_t n;
    bool params;    /* and by all parameters */
    bool value_too; /* the value comes first */
} ast_derivative;

typedef struct ast_fn {
    const char *name;
    span name_at;
    const source *src; /* where its spans lie */
    bool is_grad;      /* grad fn: the derivative of the function of that name */
    const ast_param *args, *uniforms;
    int32_t n_args, n_uniforms;
    const ast_result *results; /* n_results == 0: none declared */
    int32_t n_results;
    const ast_attr *attrs;
    int32_t n_attrs;
    const ast_expr *value; /* fn f(x) = value, or NULL: */
    ast_block body;
    const ast_derivative *derivative; /* NULL: it has a body */
} ast_fn;

typedef struct ast_const {
    const char *name;
    span name_at;
    const source *src;
    const ast_expr *value;
} ast_const;

typedef struct ast_program {
    const source *src;
    const ast_fn *const *fns; /* in text order */
    int32_t n_fns;
    const ast_const *const *consts;
    int32_t n_consts;
} ast_program;

#endif
