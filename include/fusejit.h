/* fusejit: formulas and small neural networks, compiled to native SIMD code at run time.
 *
 *     jit_error   err;
 *     jit_module *m = jit_compile("fn swish(x; beta = 1) = x / (1 + exp(-beta*x))", NULL, &err);
 *     if (!m) { jit_error_print(stderr, &err); return 1; }
 *     jit_array x = jit_array_of(JIT_F32, src, 2, (int64_t[]){ rows, cols });
 *     jit_array y = jit_array_of(JIT_F32, dst, 2, (int64_t[]){ rows, cols });
 *     jit_call(m, "swish", &(jit_args){ .in = &x, .n_in = 1, .out = &y, .n_out = 1 }, &err);
 *     jit_release(m);
 *
 * Promises. The library never aborts, exits, prints or installs handlers: every failure is a
 * returned status with plain-data diagnostics. Modules and kernels are immutable once made and
 * may be used from any number of threads at once; jit_release and jit_kernel_release must not
 * race with a use of the same object. A kernel keeps what it needs of its module alive.
 * Running a prepared kernel on one thread locks nothing, calls no system call, never compiles and
 * allocates nothing, but: an array function may need a workspace, which it takes from the context's
 * allocator for the run unless jit_args.workspace is given, and it copies inputs that are outputs
 * too. One exception to "never aborts": LLVM does when malloc fails inside it, so a compile first
 * makes sure of a memory reserve for its size and refuses without it.
 *
 * Every `err` may be NULL. Every options pointer may be NULL (defaults); options structs begin
 * with `size`, set to sizeof the struct, so that they may grow. Zero means default throughout.
 */
#ifndef FUSEJIT_H
#define FUSEJIT_H

#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

#define JIT_VERSION_MAJOR 0
#define JIT_VERSION_MINOR 1
#define JIT_VERSION_PATCH 0

/* Other libraries export a jit_compile too: ours are called fusejit_* by the linker. */
#define JIT_STRING_(x) #x
#define JIT_STRING(x)  JIT_STRING_(x)
#define JIT_LINK(name) __asm__(JIT_STRING(__USER_LABEL_PREFIX__) "fusejit_" #name)
#if defined(__GNUC__)
#define JIT_PUBLIC __attribute__((visibility("default")))
#else
#define JIT_PUBLIC
#endif

/* -------------------------------------------------------------------------- status, errors */

typedef enum jit_status {
    JIT_OK = 0,
    JIT_ERR_PROGRAM,     /* a mistake in the program's text: see the diagnostics          */
    JIT_ERR_ARGUMENT,    /* a call the API does not accept: null, wrong count, bad option */
    JIT_ERR_TYPE,        /* an array's element type cannot be cast safely                 */
    JIT_ERR_SHAPE,       /* shapes that do not broadcast, a bad rank, extent or stride    */
    JIT_ERR_OVERLAP,     /* an output overlaps an operand in part                         */
    JIT_ERR_LIMIT,       /* a limit of jit_limits                                         */
    JIT_ERR_FUEL,        /* a loop ran out of fuel                                        */
    JIT_ERR_MEMORY,      /* out of memory                                                 */
    JIT_ERR_FILE,        /* a file cannot be opened, read or written                      */
    JIT_ERR_FORMAT,      /* a file's content is damaged or of a kind we do not read       */
    JIT_ERR_UNSUPPORTED, /* correct, but not supported by this build or version           */
    JIT_ERR_CANCELLED,   /* stopped by the caller                                         */
    JIT_ERR_INTERNAL,    /* a defect of fusejit: please report                            */
    JIT_ERR_INDEX,       /* a subscript is out of range                                   */
    JIT_ERR_NUMERIC      /* no result for these numbers: singular, no convergence, nan    */
} jit_status;

enum { JIT_MAX_DIAGNOSTICS = 8 };

/* One message. Lines and columns count from 1, columns and length in Unicode characters; line
 * is 0 where no text is concerned. `code` is stable: 101 is shown as E0101. */
typedef struct jit_diagnostic {
    int32_t code;
    int32_t line, column, length;
    char message[256];      /* lower case, no full stop, with the values involved */
    char hint[128];         /* may be empty */
    char excerpt[200];      /* the source line (or the part of it around the place) */
    int32_t excerpt_column; /* 1-based column, in characters, of the place within `excerpt` */
} jit_diagnostic;

/* Plain data: nothing to free. Filled by every call that takes one (status JIT_OK on success). */
typedef struct jit_error {
    jit_status status;
    int32_t n_diagnostics; /* how many were found; the first JIT_MAX_DIAGNOSTICS are kept */
    char file[128];        /* what the text was called in the options */
    jit_diagnostic diagnostic[JIT_MAX_DIAGNOSTICS];
} jit_error;

/* Renders all diagnostics as
 *     act.fj:3:15: error[E0101]: unknown function 'sgmoid'
 *       3 |   let h = a * sgmoid(x)
 *         |               ^^^^^^ did you mean 'sigmoid'?
 * into buffer (at most size bytes with the final 0; may be NULL with size 0). Returns the length
 * of the whole text. colour: non-zero for ANSI escapes. */
JIT_PUBLIC size_t jit_error_format(const jit_error *err, char *buffer, size_t size, int colour)
    JIT_LINK(error_format);

/* What an error code means, with an example; NULL if there is no such code. Static storage. */
JIT_PUBLIC const char *jit_error_explain(int32_t code) JIT_LINK(error_explain);

/* Convenience for hosts: format to a FILE. A macro, so that the library itself never prints. */
#define jit_error_print(stream, err)                                                           \
    do {                                                                                       \
        char jit_text_[8192];                                                                  \
        (void)jit_error_format((err), jit_text_, sizeof jit_text_, 0);                         \
        (void)fputs(jit_text_, (stream));                                                      \
    } while (0)

JIT_PUBLIC const char *jit_version(void) JIT_LINK(version);

/* -------------------------------------------------------------------------- arrays */

typedef enum jit_dtype {
    JIT_NONE = 0,
    JIT_BOOL,
    JIT_I8,
    JIT_I16,
    JIT_I32,
    JIT_I64,
    JIT_U8,
    JIT_U16,
    JIT_U32,
    JIT_U64,
    JIT_F16,
    JIT_BF16,
    JIT_F32,
    JIT_F64
} jit_dtype;

enum { JIT_MAX_RANK = 8, JIT_MAX_OPERANDS = 32 };

/* A borrowed view; strides in bytes, zero or negative allowed, no alignment required. */
typedef struct jit_array {
    void *data;
    jit_dtype dtype;
    int32_t rank;
    int64_t shape[JIT_MAX_RANK];
    int64_t stride[JIT_MAX_RANK];
} jit_array;

JIT_PUBLIC size_t jit_dtype_size(jit_dtype dtype) JIT_LINK(dtype_size); /* bytes; 0 if none */
JIT_PUBLIC const char *jit_dtype_name(jit_dtype dtype) JIT_LINK(dtype_name); /* "f32" */
JIT_PUBLIC jit_dtype jit_dtype_parse(const char *name)
    JIT_LINK(dtype_parse); /* NONE: unknown */

/* A C-contiguous view of `data`. rank 0 .. JIT_MAX_RANK; a bad rank or extent is reported by
 * the call that receives the array. */
JIT_PUBLIC jit_array jit_array_of(jit_dtype dtype, void *data, int rank, const int64_t *shape)
    JIT_LINK(array_of);
JIT_PUBLIC int64_t jit_array_count(const jit_array *a) JIT_LINK(array_count); /* elements */

/* Makes an array of its own (64-byte aligned, zeros); free with jit_array_free. An output with
 * data NULL and rank -1 asks the call it is given to for an array of the right shape and type; so
 * does one that is all zeros, as jit_array_free leaves it. */
JIT_PUBLIC jit_status jit_array_new(jit_array *a, jit_dtype dtype, int rank,
                                    const int64_t *shape, jit_error *err) JIT_LINK(array_new);
/* Frees what _new, _load or a call made, and empties *a. NULL is fine. */
JIT_PUBLIC void jit_array_free(jit_array *a) JIT_LINK(array_free);

/* Views: the same elements under another shape or order. Nothing is allocated or copied; *view
 * borrows the memory of *a, is never freed, and may be written over *a itself. On an error *view
 * is as it was. An axis may be counted from the end (-1: the last). Thread-safe. */

/* Left out, in a slice: from the first element, or to the last. */
#define JIT_OPEN INT64_MIN
/* One axis as NumPy's a[from:to:step]: `to` is not part of it, negative bounds count from the
 * end, bounds beyond it are clipped, a negative step goes backward. Other axes stay.
 * Errors: no such axis, a step of 0 (JIT_ERR_ARGUMENT). */
JIT_PUBLIC jit_status jit_array_slice(jit_array *view, const jit_array *a, int axis,
                                      int64_t from, int64_t to, int64_t step, jit_error *err)
    JIT_LINK(array_slice);
/* Axis i of the view is axis axes[i] of *a: each once. NULL: all in reverse order. */
JIT_PUBLIC jit_status jit_array_transpose(jit_array *view, const jit_array *a, const int *axes,
                                          jit_error *err) JIT_LINK(array_transpose);
/* The elements in C order under another shape of as many; one extent may be -1: as many as are
 * left. JIT_ERR_SHAPE where no strides can show it (reshape a copy then: jit_array_copy). */
JIT_PUBLIC jit_status jit_array_reshape(jit_array *view, const jit_array *a, int rank,
                                        const int64_t *shape, jit_error *err)
    JIT_LINK(array_reshape);
/* Stretched as in NumPy to a shape of the same rank or a higher one: axes of extent 1, and new
 * ones in front, get stride 0. Such a view is for reading. */
JIT_PUBLIC jit_status jit_array_broadcast(jit_array *view, const jit_array *a, int rank,
                                          const int64_t *shape, jit_error *err)
    JIT_LINK(array_broadcast);
/* Copies the elements of *from, broadcast to the shape of *to, of the same element type, between
 * any layouts; they may overlap. A target with data NULL and rank -1 is made, C-contiguous: free
 * it with jit_array_free. Allocates for that, and where the two overlap in part. */
JIT_PUBLIC jit_status jit_array_copy(jit_array *to, const jit_array *from, jit_error *err)
    JIT_LINK(array_copy);

/* Files. Formats by suffix: .npy (also big-endian and Fortran order; written C order, native),
 * .npz (stored or deflated) .safetensors and FILE.npz:name FILE.safetensors:name (saving one array
 * keeps the others; a name that an archive has twice is refused),
 * .csv (f64; rank 0 to 2, [n] as a column; fields may be quoted, numbers are the same in any locale; a
 * first line of which no field begins as a number is a header, and skipped; written without one), .f32
 * .f64 (raw, rank 1), .idx .gz and names containing "idx" (IDX, also gzip; only read).
 * Loading makes a C-contiguous array of its own. Compressed data may unpack to as much as the machine, or
 * the container, has memory for (all arrays of jit_arrays_load together); more is JIT_ERR_MEMORY before
 * anything is allocated. Saving writes a temporary file beside `path` and renames it: a failure leaves the
 * old file as it was. What replaces a file is on the disk before it does: if the machine stops, the
 * old file is there or the new one, whole. */
JIT_PUBLIC jit_status jit_array_load(jit_array *a, const char *path, jit_error *err)
    JIT_LINK(array_load);
JIT_PUBLIC jit_status jit_array_save(const jit_array *a, const char *path, jit_error *err)
    JIT_LINK(array_save);

/* As jit_array_save into an .npz (FILE.npz or FILE.npz:name), the array deflated at `level`, 1 (fast)
 * to 9 (small), as numpy.savez_compressed does at 6. Other formats are refused. */
JIT_PUBLIC jit_status jit_array_save_deflated(const jit_array *a, const char *path,
                                              int32_t level, jit_error *err)
    JIT_LINK(array_save_deflated);

/* Several arrays with names in one file, .npz or .safetensors by suffix: all or none are read or
 * written. Names: UTF-8, 1 to 1000 bytes when written, each once. .safetensors holds every type,
 * .npz all but bf16. Files are not trusted: sizes are checked before anything is allocated. */
typedef struct jit_named {
    const char *name;
    jit_array array;
} jit_named;
/* A text with a name: UTF-8, as `__metadata__` of a .safetensors file holds them. */
typedef struct jit_named_text {
    const char *name, *text;
} jit_named_text;
/* *arrays: n arrays of their own, in the file's order; free them with jit_arrays_free. */
JIT_PUBLIC jit_status jit_arrays_load(jit_named **arrays, int32_t *n, const char *path,
                                      jit_error *err) JIT_LINK(arrays_load);
JIT_PUBLIC void jit_arrays_free(jit_named *arrays, int32_t n) JIT_LINK(arrays_free);
/* Writes a new file of these arrays, of any strides, by a temporary file beside it. */
JIT_PUBLIC jit_status jit_arrays_save(const jit_named *arrays, int32_t n, const char *path,
                                      jit_error *err) JIT_LINK(arrays_save);

/* The same, an .npz whose members are deflated. */
JIT_PUBLIC jit_status jit_arrays_save_deflated(const jit_named *arrays, int32_t n,
                                               const char *path, int32_t level, jit_error *err)
    JIT_LINK(arrays_save_deflated);

/* What the labels of a table are. */
typedef enum jit_labels {
    JIT_LABELS_AUTO, /* classes if one is text or all are whole numbers, else numbers */
    JIT_LABELS_CLASSES, /* 0, 1, .. for the different ones: numbers in order, texts by their bytes */
    JIT_LABELS_NUMBERS, /* as they are */
    JIT_LABELS_NONE     /* there is no column of labels */
} jit_labels;

typedef struct jit_table_options {
    size_t size;
    jit_labels labels;
    const char *label; /* their column, by name or by number from 1; default: the last */
    /* The columns that are features, in this order, by name, or by number from 1 where there is no
     * header; default: all but the label. */
    const char *const *column;
    int32_t n_columns;
    /* The names of classes 0, 1, ..: a label that is none of them is an error. Default: those of
     * the file. */
    const char *const *class_name;
    int32_t n_classes;
} jit_table_options;

/* A .csv file to learn from, all memory its own. */
typedef struct jit_table {
    jit_array x;               /* features, f32 [rows, columns] */
    jit_array y;               /* labels [rows]: i32 classes, f32 numbers; data NULL: none */
    const char *const *column; /* names of the features; "" without a header */
    const char *label;         /* name of the label's column, or "" */
    const char *const *class_name; /* n_classes; 0 of them where y are numbers */
    int32_t n_columns, n_classes;
    void *memory;
} jit_table;
/* Fields are separated by commas, may be quoted, and texts are UTF-8. The first line is a header if
 * no field of it begins as a number. What is no number is told with line and column; nan is one. */
JIT_PUBLIC jit_status jit_table_load(jit_table *table, const char *path,
                                     const jit_table_options *options, jit_error *err)
    JIT_LINK(table_load);
JIT_PUBLIC void jit_table_free(jit_table *table) JIT_LINK(table_free); /* empties it */

/* -------------------------------------------------------------------------- contexts */

typedef struct jit_context jit_context;

/* realloc-shaped: size 0 frees, ptr NULL allocates; old is the former size. Returned memory is
 * aligned to 16 bytes. May be called from any thread that uses the context. */
typedef struct jit_allocator {
    void *(*resize)(void *user, void *ptr, size_t old, size_t size);
    void *user;
} jit_allocator;

/* Runs task(arg, i) for each i in 0..n-1, in any order, on any threads, and returns when all are
 * done. The results do not depend on how. */
typedef void (*jit_task)(void *arg, int64_t i);
typedef struct jit_parallel {
    void (*run)(void *user, int64_t n, jit_task task, void *arg);
    void *user;
    int32_t threads; /* how many the host will use: sets how finely work is cut */
} jit_parallel;

typedef struct jit_limits {
    int64_t text_bytes;   /* source length, default 1 MiB                                  */
    int32_t nesting;      /* depth of brackets and blocks, default 256                     */
    int32_t nodes;        /* IR nodes of one function after inlining, default 100,000      */
    int32_t name_bytes;   /* default 255                                                   */
    int32_t live_kernels; /* kernels alive at once in a context, default 1,000,000         */
    int64_t fuel;         /* loop back-edges per vector of elements, default 2^31; -1 none */
    int64_t memory;       /* bytes of compiler memory per compile, default 256 MiB         */
} jit_limits;

typedef struct jit_context_options {
    size_t size;
    jit_allocator allocator; /* default: malloc */
    jit_parallel parallel;   /* default: our own pool of parked threads, made on first use */
    jit_limits limits;
    const char *cpu; /* "native" (default), "x86-64", "x86-64-v2", "x86-64-v3", "x86-64-v4", or
                        an LLVM CPU name of the host's architecture */
} jit_context_options;

/* A context holds allocator, limits, target, compiled code and threads. Free it after
 * everything made in it. NULL where a context is taken means one default context per process. */
JIT_PUBLIC jit_context *jit_context_new(const jit_context_options *options, jit_error *err)
    JIT_LINK(context_new);
JIT_PUBLIC void jit_context_free(jit_context *context) JIT_LINK(context_free);

/* -------------------------------------------------------------------------- modules */

typedef struct jit_module jit_module;
typedef struct jit_kernel jit_kernel;

typedef struct jit_options {
    size_t size;
    jit_context *context;
    const char *file; /* the name used in messages; default "<text>" */
    /* Run the reference interpreter instead of compiled code. 1: on the operations that would be
     * compiled, with the same bits; 2: on those of the program as written, with the reference
     * values of mathematical functions. */
    int32_t interpret;
    /* Called with each stage of a compile named in `dump` (letters: see jit_stage_letters),
     * under the module's lock: it must not call back into the module. */
    const char *dump;
    void (*on_dump)(void *user, char letter, const char *function, const char *text);
    void *dump_user;
    /* For jit_compile_expression: names that are arguments even if the program or the prelude
     * defines them. */
    const char *const *arguments;
    int32_t n_arguments;
    /* For jit_compile_expression: the shapes (rank and extents alone are read) of what those
     * arguments will be called with; may be NULL. Where the expression uses arrays (`@`,
     * subscripts, functions of whole arrays), all axes of each are core dimensions, as if NumPy
     * computed it, but those of names that stand in subscripts alone; else all arguments are
     * scalars, and arrays broadcast as batches. */
    const jit_array *argument_shapes;
} jit_options;

/* Parses and checks a whole program (UTF-8, 0-terminated): every function in it, called or not.
 * NULL on error. Nothing is compiled to machine code yet. */
JIT_PUBLIC jit_module *jit_compile(const char *text, const jit_options *options, jit_error *err)
    JIT_LINK(compile);
JIT_PUBLIC jit_module *jit_compile_file(const char *path, const jit_options *options,
                                        jit_error *err) JIT_LINK(compile_file);
/* Compiles `program` (may be NULL) and after it one function named "ans" whose value is
 * `expression` and whose generic arguments are the expression's free names in order of first
 * appearance. Places in messages about the expression are places in `expression`. */
JIT_PUBLIC jit_module *jit_compile_expression(const char *program, const char *expression,
                                              const jit_options *options, jit_error *err)
    JIT_LINK(compile_expression);
/* Frees the module and, once its prepared kernels are released too, its code. NULL is fine. */
JIT_PUBLIC void jit_release(jit_module *m) JIT_LINK(release);

typedef struct jit_function_info {
    const char *name; /* all strings live as long as the module */
    int32_t n_in, n_uniform, n_out;
    int32_t line;
    const char *signature;      /* as written: "swish(x; beta = 1) -> out" */
    const char *const *in_name; /* n_in: the arguments, then arrays after `;` */
    const jit_dtype *in_dtype;  /* declared; JIT_NONE: generic */
    const int32_t *in_rank;     /* core dimensions of each; 0: a scalar */
    const int32_t *in_shared;   /* not 0: an array after `;`, without batch axes */
    int32_t n_dim;              /* dimensions in the types of arguments and results */
    const char *const *dim_name;
    const char *const *uniform_name; /* n_uniform */
    const char *const *uniform_type; /* "real", a dtype name, "fn" or "dim" */
    const int32_t *uniform_has_default;
    const char *const *out_name;   /* n_out; "" if unnamed */
    const int32_t *in_has_default; /* n_in; the last ones of a call may be left to theirs */
} jit_function_info;

JIT_PUBLIC int jit_function_count(const jit_module *m) JIT_LINK(function_count);
/* The i-th function of the program text, in order. */
JIT_PUBLIC jit_status jit_function_at(const jit_module *m, int i, jit_function_info *info)
    JIT_LINK(function_at);
/* By name; a prelude function is found too. */
JIT_PUBLIC jit_status jit_function_find(const jit_module *m, const char *name,
                                        jit_function_info *info, jit_error *err)
    JIT_LINK(function_find);

/* A built-in that has no text in the language, such as atan2. All strings are static. */
typedef struct jit_operator_info {
    const char *name;
    int32_t n_in;
    const char *in_name[3];  /* n_in */
    const char *doc;         /* one line about them */
    double ulp_f32, ulp_f64; /* the largest error in ulp; 0: exact, or correctly rounded */
} jit_operator_info;

JIT_PUBLIC int jit_operator_count(void) JIT_LINK(operator_count);
/* The i-th operator; JIT_ERR_ARGUMENT if there is none. */
JIT_PUBLIC jit_status jit_operator_at(int i, jit_operator_info *info) JIT_LINK(operator_at);
JIT_PUBLIC jit_status jit_operator_find(const char *name, jit_operator_info *info)
    JIT_LINK(operator_find);

/* -------------------------------------------------------------------------- derivatives */

typedef struct jit_grad_options {
    size_t size;
    const char *by; /* names of arguments, "w, b"; default: the first                      */
    const char *as; /* the new function's name; default "grad_NAME", "value_and_grad_NAME" */
    int32_t value;  /* not 0: the function's own value is the first result                 */
} jit_grad_options;

/* A module with the functions of m and, last, the derivative of one: `grad(NAME; w, b)` of the
 * language. It takes the arguments of NAME, whose result must be one real number, and gives one
 * result for each argument of `by`. What keeps a function from being differentiated (a `while`,
 * bits of a number) is told when the derivative is prepared or called. NULL on error. The new
 * module has m's options and keeps m, which may be released before it. Thread-safe. */
JIT_PUBLIC jit_module *jit_grad(jit_module *m, const char *name,
                                const jit_grad_options *options, jit_error *err) JIT_LINK(grad);

/* -------------------------------------------------------------------------- calling */

enum {
    /* copy operands that an output overlaps in part, instead of an error */
    JIT_COPY_OVERLAP = 1
};

/* A compile-time argument after `;`: a function by name, or a dimension. Others mean another
 * kernel. */
typedef struct jit_static {
    const char *name;     /* of the uniform argument */
    const char *function; /* for `fn` arguments, else NULL */
    int64_t dim;          /* for `dim` arguments */
} jit_static;

/* The operands of one call.
 *
 * in       one array for each argument, then one for each array after `;` (in_name of
 *          jit_function_info tells the order). The last ones may be left out where the program
 *          gives them defaults: n_in is then smaller.
 * shapes   The last axes of an array are the core dimensions that its argument declares: they
 *          must agree wherever a dimension is named, and never stretch. The axes in front of them,
 *          which are all axes of a scalar argument, are the batch: they broadcast against each
 *          other as in NumPy, and the function is applied to each sample of the batch. Arrays
 *          after `;` have core dimensions alone: one for all samples.
 * out      one array for each result: the batch axes, the same for all results and broadcast as
 *          NumPy's `out` if there are more, then the core dimensions of the result. data NULL and
 *          rank -1: made by the run, to be freed with jit_array_free.
 * overlap  an output may be exactly an input (same data, shape, strides and element size; the run
 *          of an array function copies that input); see JIT_COPY_OVERLAP for the rest.
 * uniform  one double per uniform argument that is not `fn`, `dim` or an array, in order (integers
 *          up to 2^53 exactly; see uniform_i64); the rest keep their defaults. */
typedef struct jit_args {
    const jit_array *in;
    jit_array *out;
    const double *uniform;
    /* if not NULL: used instead of `uniform` for integer uniforms */
    const int64_t *uniform_i64;
    /* if not NULL: only uniforms whose byte is non-zero are taken */
    const uint8_t *uniform_set;
    int32_t n_in, n_out, n_uniform;
    int32_t threads; /* 0 or 1: the calling thread only; -1: as many as there are cores */
    int32_t options; /* JIT_COPY_OVERLAP */
    uint32_t flags;  /* result: JIT_FLAG_* */
    int64_t fuel;    /* 0: the context's limit; -1: none */
    uint64_t seed;   /* of rand and randn; parameters have one of their own */
    /* if not NULL, a non-zero value stops the run between chunks and at loop back-edges:
     * JIT_ERR_CANCELLED */
    const volatile int32_t *cancel;
    /* jit_call: values of `fn` and `dim` arguments; those of a prepared kernel are fixed. */
    const jit_static *statics;
    int32_t n_statics;
    /* of a function with parameters; a store made for it, or for one with the same names */
    const struct jit_params *params;
    /* memory for temporaries, any alignment, not shared by runs that overlap in time; where it is
     * NULL or smaller than jit_kernel_workspace says, a run may allocate */
    void *workspace;
    size_t workspace_bytes;
} jit_args;

enum {
    /* an integer was divided by zero (result 0), or taken to a negative power */
    JIT_FLAG_INT_DIVIDE = 1,
    /* a float was NaN or out of range in a cast to an integer */
    JIT_FLAG_INT_CAST = 2
};

/* Calls function `name` on arrays of any element types, compiling for them on first use.
 * Thread-safe. On JIT_ERR_FUEL, JIT_ERR_CANCELLED and JIT_ERR_INDEX the outputs' content is
 * unspecified; after any other error they are untouched. */
JIT_PUBLIC jit_status jit_call(jit_module *m, const char *name, jit_args *args, jit_error *err)
    JIT_LINK(call);

typedef struct jit_prepare_options {
    size_t size;
    const jit_static *statics;
    int32_t n_statics;
    int32_t entries; /* JIT_ENTRY_*: raw entry points to compile besides */
    /* Not NULL: the kernel takes the parameters from this store now. It copies them, laid out as its
     * code reads them best; their shapes fix dimensions as numbers in the signature do. Runs then
     * give no jit_args.params (JIT_ERR_ARGUMENT), and what is written to the store later does not
     * show. */
    const struct jit_params *params;
    /* Of the copies of f32 and f64 parameters with two axes or more. JIT_BF16: rounded to bf16, to
     * nearest even, which halves the memory that a run reads; arithmetic and results are of the
     * types that they would be, as if the store held the rounded values. 0: as they are. */
    jit_dtype weights;
    /* Matrix products of f32 and f64 with two rows or more and at least so many operations
     * (2 rows columns depth) are done by OpenBLAS, which is loaded now (JIT_ERR_UNSUPPORTED where
     * it is not there) and held to one thread meanwhile; what follows a product is compiled, and
     * follows block by block. JIT_BLAS_MEASURED: from the size at which OpenBLAS is measured to be
     * faster on this machine, if there is one; measured once per context, in a second or less. 0,
     * the default: all are compiled, whose results have the same bits on every machine.
     * Parameters that the kernel keeps lie as compiled products read them best: theirs stay
     * compiled. */
    double blas_from;
} jit_prepare_options;

#define JIT_BLAS_MEASURED (-1.0)

enum { JIT_ENTRY_LOOP = 1, JIT_ENTRY_SCALAR = 2 };

/* Compiles one function for fixed element types, now. signature: the type of each input, arrays
 * after `;` too, and "->" and those of the results, which may be left out: "f32[n], f32 -> f32[n]".
 * NULL: the declared types, f32 where generic.
 * Dimensions in brackets are optional. Of array arguments the last ones are the core dimensions:
 * a number fixes the extent, so that code is made for it and other arrays are refused; names leave
 * it open. Those in front are batch axes, of which only their being there counts: where one
 * argument has some and another none, as in "f32[B,784], f32[784,128]", the latter is one array for
 * all samples, and has to be. Where no argument has any, as in "f32[n]", code is made for one
 * sample: less of it, in half the time; batches are run one by one. Dimensions of results say
 * nothing: any layout and any batch can be run. */
JIT_PUBLIC jit_kernel *jit_prepare(jit_module *m, const char *name, const char *signature,
                                   const jit_prepare_options *options, jit_error *err)
    JIT_LINK(prepare);
/* Runs it. The arrays' element types must be those prepared. err is written on failure only.
 * Outputs may be asked to be made as by jit_call: that allocates. After an error outputs are as
 * jit_call leaves them. */
JIT_PUBLIC jit_status jit_run(const jit_kernel *k, jit_args *args, jit_error *err)
    JIT_LINK(run);
/* The element types and shapes that args->out would have if the run made them; nothing is run or
 * allocated, and what args->out was is lost. The inputs' data are not read. */
JIT_PUBLIC jit_status jit_kernel_shapes(const jit_kernel *k, jit_args *args, jit_error *err)
    JIT_LINK(kernel_shapes);
/* How many bytes of jit_args.workspace a run with these arguments (shapes, layouts, threads) needs
 * so that it allocates nothing: 0 if none. Outputs that are inputs in place are not counted. */
JIT_PUBLIC jit_status jit_kernel_workspace(const jit_kernel *k, jit_args *args, size_t *bytes,
                                           jit_error *err) JIT_LINK(kernel_workspace);
JIT_PUBLIC void jit_kernel_release(jit_kernel *k) JIT_LINK(kernel_release);

/* Raw entry points of functions over scalars; they live as long as the kernel. No broadcasting, no
 * checks, default uniforms and fuel, the host's floating-point modes.
 * loop:   NumPy's ufunc inner loop: args = inputs then outputs, n[0] elements, steps in bytes; one
 *         element after the other where an output is what a later element reads. data: NULL.
 * scalar: T (*)(T, ...) for functions with one result whose arguments and result are all f32 or
 *         all f64; NULL (JIT_ERR_UNSUPPORTED) otherwise. */
typedef void (*jit_loop)(char **args, const intptr_t *n, const intptr_t *steps, void *data);
typedef void (*jit_scalar)(void); /* cast to the right type */
JIT_PUBLIC jit_loop jit_kernel_loop(const jit_kernel *k, jit_error *err) JIT_LINK(kernel_loop);
JIT_PUBLIC jit_scalar jit_kernel_scalar(const jit_kernel *k, jit_error *err)
    JIT_LINK(kernel_scalar);

/* -------------------------------------------------------------------------- parameters */

/* The `param` arrays of a function and of all that it calls, each named by its path ("mlp.h.W"); at
 * most 256. A store may be read by any number of runs at once; writing to it must not race with them. */
typedef struct jit_params jit_params;

typedef struct jit_params_options {
    size_t size;
    uint64_t seed; /* of rand and randn in initial values */
    const jit_static *statics;
    int32_t n_statics;
} jit_params_options;

/* Makes a store with initial values: the same for the same seed. signature: as jit_prepare takes
 * it; its numbers fix the dimensions that shapes of parameters depend on ("f32[784]"). */
JIT_PUBLIC jit_params *jit_params_new(jit_module *m, const char *name, const char *signature,
                                      const jit_params_options *options, jit_error *err)
    JIT_LINK(params_new);
JIT_PUBLIC void jit_params_free(jit_params *p) JIT_LINK(params_free); /* NULL is fine */
JIT_PUBLIC int32_t jit_params_count(const jit_params *p) JIT_LINK(params_count);
/* The i-th, in the order of the program; its data may be written. NULL if there is none. */
JIT_PUBLIC const jit_named *jit_params_at(const jit_params *p, int32_t i) JIT_LINK(params_at);
JIT_PUBLIC jit_status jit_params_get(const jit_params *p, const char *name, jit_array *view,
                                     jit_error *err) JIT_LINK(params_get);
/* Copies an array of the same shape, converted to the parameter's element type. */
JIT_PUBLIC jit_status jit_params_set(jit_params *p, const char *name, const jit_array *value,
                                     jit_error *err) JIT_LINK(params_set);
/* .npz or .safetensors, by suffix. A file must have the same names and shapes: else nothing is
 * changed, and the message names the first that differs. Values are converted. */
JIT_PUBLIC jit_status jit_params_load(jit_params *p, const char *path, jit_error *err)
    JIT_LINK(params_load);
JIT_PUBLIC jit_status jit_params_save(const jit_params *p, const char *path, jit_error *err)
    JIT_LINK(params_save);

/* -------------------------------------------------------------------------- models */

/* A model in one .safetensors file. Its arrays are the parameters, which any reader of the format
 * finds under their paths; `__metadata__` has, as text, what else is needed to run it. */
typedef struct jit_model {
    size_t size;
    jit_module *module;   /* its whole program is written, as text */
    const char *function; /* of the program: what the model is */
    const char
        *signature; /* of its arguments, as jit_params_new took it: "f32[784]"; may be NULL */
    jit_params *params;        /* made for the function */
    const jit_static *statics; /* the same as those of the store */
    int32_t n_statics;
    const jit_named_text *text; /* what else is to be known: names of classes, a date ... */
    int32_t n_texts;            /* names that begin with "fusejit." are ours */
} jit_model;
/* Borrows all. Writes a temporary file beside `path` (.safetensors) and renames it. */
JIT_PUBLIC jit_status jit_model_save(const jit_model *model, const char *path, jit_error *err)
    JIT_LINK(model_save);
/* A model of its own: the program is compiled, with the limits of options->context, and the file's
 * arrays have to be those of a store made for it, in names and shapes. Files are not trusted. NULL on
 * error. */
JIT_PUBLIC jit_model *jit_model_load(const char *path, const jit_options *options,
                                     jit_error *err) JIT_LINK(model_load);
/* Frees a loaded model with its module and store, after their last use. NULL is fine. */
JIT_PUBLIC void jit_model_free(jit_model *model) JIT_LINK(model_free);
/* One of its texts; NULL: there is none of the name. */
JIT_PUBLIC const char *jit_model_text(const jit_model *model, const char *name)
    JIT_LINK(model_text);

/* -------------------------------------------------------------------------- training */

/* Minimises a function of the program by gradient descent. A step - the mean loss of a batch, its
 * derivatives by the parameters, clipping, the rate, the optimiser - is one kernel, and gradients
 * are stored nowhere unless they are asked for. A trainer is used by one thread at a time, borrows
 * the store, and has the optimiser's state, which begins as zeros. Both are changed in place, as a
 * whole or, where a step fails, not at all. Further memory: the activations of a batch, a part of a
 * gradient, and copies of weights behind the first layer. */
typedef struct jit_trainer jit_trainer;

enum { JIT_MAX_METRICS = 8 };

typedef struct jit_trainer_options {
    size_t size;
    /* A function (p, g, state ...; uniforms) -> (p, state ...) of the program or the prelude, applied to
     * each parameter; default "adam". A uniform argument `t` is the number of the step, from 1. */
    const char *optimizer;
    const char *const
        *uniform_name; /* its uniform arguments that are not to have their defaults */
    const double *uniform;
    int32_t n_uniform;
    int32_t threads; /* as in jit_args */
    /* Of rand and randn in the loss, such as dropout's: each step draws anew, the same numbers for
     * the same seed and number of the step. */
    uint64_t seed;
    /* Metrics, at most JIT_MAX_METRICS: names of functions (prediction, target) -> number of the program
     * or the prelude, such as "accuracy". The prediction is what `model` gives of the first arguments
     * of the loss, of which the last one is the target. By the axes that it declares a metric is of
     * one sample ("accuracy" of z: [k] and a label, averaged over samples; if both have more axes,
     * over those too), or of all of them, with one axis more ("r2" of p: [n], t: [n] where a
     * prediction is a number). Steps that have metrics give their predictions besides, by the
     * loss's own forward pass and random numbers. */
    const char *model;
    const char *const *metric;
    int32_t n_metrics;
    /* A function (t; uniforms) -> rate of the program or the prelude, such as "cosine_decay": the
     * optimiser's `lr` after t steps. Uniforms of its names are its own (its `lr` is the first
     * rate), not the optimiser's. */
    const char *schedule;
    /* Limits of the gradients before the optimiser sees them; 0: none. Each value is brought to
     * -clip_value .. clip_value; then, if all of them together are longer than clip_norm (the root
     * of the sum of their squares), they are shortened to it. */
    double clip_norm, clip_value;
    /* Parameters that stay as they are: names, or the beginning of paths ("net.h": all of that
     * layer). There are no derivatives by them, and no state. */
    const char *const *frozen;
    int32_t n_frozen;
    /* Not NULL: the last argument of the loss is a class, an integer from 0 to n_classes - 1, and
     * the loss of a sample counts so often. The mean is still over the number of samples: weights
     * whose mean over the samples is 1 leave the loss as large as it was. */
    const double *class_weight;
    int32_t n_classes;
    /* More than 1: so many batches give one update, by the mean of their gradients, weighted by
     * their samples, as if they were one batch. Gradients are then stored, and a step is two
     * kernels. */
    int32_t accumulate;
    /* Called between gradients and update, with the n gradients, C-contiguous, of the parameters that
     * are not frozen, in the order of the store (of 16-bit parameters in f32): the place to average
     * them over ranks. A result that is not 0 gives these gradients up: JIT_ERR_CANCELLED. Stores
     * gradients as accumulate does. */
    int (*on_gradients)(void *user, jit_array *gradient, int32_t n);
    void *user;
} jit_trainer_options;

/* loss: a function of one sample with parameters; its value is one real number. A uniform argument
 * `training` of the loss or the model is 1 in steps, elsewhere what its default says: that of
 * "fn net(x: [8]; training = 0)" is for layers such as dropout(h; 0.2*training). signature: of a
 * sample, with all dimensions as numbers ("f32[784], i32"). params: the loss's store. */
JIT_PUBLIC jit_trainer *jit_trainer_new(jit_module *m, const char *loss, const char *signature,
                                        jit_params *params, const jit_trainer_options *options,
                                        jit_error *err) JIT_LINK(trainer_new);
JIT_PUBLIC void jit_trainer_free(jit_trainer *t) JIT_LINK(trainer_free); /* NULL is fine */
/* One step. data: n arrays, the loss's arguments, each with a first axis of samples; element types
 * as in the signature, any strides. *loss (may be NULL): the mean loss before the step. A loss
 * that is not finite is JIT_ERR_NUMERIC, with the element of the data or the parameter, or the
 * operation of the program, that it comes from; and the parameters stay as they were: on every
 * error they do. After the first step with the largest batch nothing is allocated. Same bits for any number
 * of threads. With `accumulate` it is one batch, and every so many of them the update. */
JIT_PUBLIC jit_status jit_trainer_step(jit_trainer *t, const jit_array *data, int32_t n,
                                       double *loss, jit_error *err) JIT_LINK(trainer_step);

/* The update by the gradients of batches since the last one, if there are any: where `accumulate`
 * batches did not come together, as at the end of an epoch, which does this by itself. */
JIT_PUBLIC jit_status jit_trainer_update(jit_trainer *t, jit_error *err)
    JIT_LINK(trainer_update);
/* Changes, from the next step on, `lr`, a uniform that the options gave, or "clip_norm" and
 * "clip_value" if the options set them. With a schedule `lr` is that of the schedule. */
JIT_PUBLIC jit_status jit_trainer_set(jit_trainer *t, const char *name, double value,
                                      jit_error *err) JIT_LINK(trainer_set);

typedef struct jit_trainer_info {
    int64_t steps, epochs; /* updates, and passes over all samples */
    double rate;           /* `lr` of the next step; nan if the optimiser has none */
    size_t state_bytes;    /* of the optimiser's state */
    size_t gradient_bytes; /* of stored gradients; 0: none are */
    /* all else: new parameters and state until they are taken, activations and what else a step of
     * the largest batch so far needs */
    size_t workspace_bytes;
    double compile_ms; /* that jit_trainer_new took */
} jit_trainer_info;
JIT_PUBLIC jit_status jit_trainer_describe(jit_trainer *t, jit_trainer_info *info)
    JIT_LINK(trainer_describe);

typedef struct jit_epoch {
    size_t size;
    int64_t batch;    /* samples of a step, default 128; the last step takes what is left */
    uint64_t seed;    /* of the order of the samples, another one in each epoch */
    int32_t in_order; /* 1: as they lie in memory */
    /* After each step; a result that is not 0 ends the epoch: JIT_ERR_CANCELLED. */
    int (*on_step)(void *user, int64_t samples_done, int64_t samples, double mean_loss);
    void *user;
} jit_epoch;

/* All samples once. *loss (may be NULL): the mean of the steps' losses, weighted by their samples.
 * An error ends the epoch after the steps that were taken. */
JIT_PUBLIC jit_status jit_trainer_epoch(jit_trainer *t, const jit_array *data, int32_t n,
                                        const jit_epoch *options, double *loss, jit_error *err)
    JIT_LINK(trainer_epoch);

/* Mean loss over any number of samples, and in metric[i] (may be NULL) the metrics of the trainer's
 * options. Samples are read in blocks: memory does not grow with them, unless a metric is of all
 * samples, for which their predictions are kept. data: as in a step. Sums are in f64, in the order of
 * the samples: same bits for any number of threads. Nothing of the trainer changes; random numbers of the
 * loss are those of seed 0. The first call compiles. A loss that is not finite is no error here: that
 * is what *loss tells. */
JIT_PUBLIC jit_status jit_trainer_evaluate(jit_trainer *t, const jit_array *data, int32_t n,
                                           double *loss, double *metric, jit_error *err)
    JIT_LINK(trainer_evaluate);

/* How an epoch went. What there is none of is nan. */
typedef struct jit_epoch_report {
    int64_t epoch, epochs;          /* its number, from 1, and that of the last one */
    int64_t samples, steps;         /* trained on in the epoch; steps of the trainer in all */
    double loss;                    /* mean over the steps, each before its update */
    double val_loss;                /* of the validation samples, after the epoch */
    int32_t n_metrics;              /* in the order of the trainer's options: */
    double metric[JIT_MAX_METRICS]; /* mean over the steps, as loss */
    double val_metric[JIT_MAX_METRICS]; /* of the validation samples */
    double rate;                        /* the optimiser's uniform `lr` */
    double seconds;                     /* of the epoch, with its validation */
    double monitored;                   /* val_loss, or loss without validation samples */
    int32_t is_best;                    /* not 0: no epoch so far was better */
    int64_t best_epoch;                 /* the best one so far */
} jit_epoch_report;

typedef struct jit_fit_options {
    size_t size;
    int64_t
        epochs;    /* that the trainer has done in the end, those before included; default 10 */
    int64_t batch; /* as in jit_epoch: so many samples in a step, default 128 */
    uint64_t seed; /* of the orders of the samples, as in jit_epoch, and of the split */
    int32_t in_order; /* 1: as they lie in memory */
    /* Samples that are not trained on: n arrays, or, where that is NULL, this share of the samples,
     * from 0 to less than 1 (at least one sample, if it is not 0), drawn with the seed. */
    const jit_array *validation;
    double validation_split;
    /* Which value tells how good an epoch is: "loss", "val_loss" or a metric's name (of the validation
     * samples if there are any). NULL: val_loss, or loss without validation samples. Losses, "mse",
     * "mae", "rmse" and what ends in "loss" or "error" are better if smaller, all else if larger,
     * unless `better` says it: 1 if larger, -1 if smaller. nan is never better. */
    const char *monitor;
    int32_t better;
    double
        min_gain; /* by how much more than this an epoch has to be better than the best one */
    int32_t patience; /* ends after so many epochs since the best one; 0: never */
    /* 1: in the end the parameters are those of the best epoch, of which a copy is kept (the
     * optimiser's state is the last one). */
    int32_t restore_best;
    /* Instead of arrays (data is NULL then, n 0): fills the loss's arguments for the next batch, each
     * with a first axis of samples, as views of memory that stays until the next call. 1: it did; 0:
     * the epoch is over; another number: it failed, which ends the training (JIT_ERR_ARGUMENT).
     * `batch` counts from 0 in each epoch, epochs count from 1. */
    int (*next)(void *user, int64_t epoch, int64_t batch, jit_array *data, int32_t n);
    /* After each step: samples done in this epoch, of how many (-1 with `next`), their mean loss;
     * after each epoch. They are called by the thread that called fit, and may read the parameters;
     * on_epoch may call jit_trainer_set. A result that is not 0 ends the training: JIT_ERR_CANCELLED,
     * and all that was done stays. */
    int (*on_step)(void *user, int64_t samples_done, int64_t samples, double mean_loss);
    int (*on_epoch)(void *user, const jit_epoch_report *report);
    void *user;
    /* Files that jit_trainer_save writes after each epoch, after on_epoch; after each best one. */
    const char *checkpoint, *best_checkpoint;
} jit_fit_options;

typedef struct jit_fit_report {
    jit_epoch_report last, best; /* epoch 0: there is none */
    double seconds;
    int32_t out_of_patience; /* not 0: it ended for that */
} jit_fit_report;

/* Epochs of training, with validation after each. The best epoch, as the number of epochs, is the
 * trainer's: a fit that follows another one goes on where that ended, with the same result as one
 * fit, and has nothing to do where that was out of patience. Another monitor begins anew. *report
 * (may be NULL) is written on errors too: it tells of the epochs that were finished. Memory beside the
 * arrays: a batch, a block of validation samples, 16 bytes a sample, the best parameters. Same bits for
 * any number of threads. Compiles before the first step, not later. */
JIT_PUBLIC jit_status jit_trainer_fit(jit_trainer *t, const jit_array *data, int32_t n,
                                      const jit_fit_options *options, jit_fit_report *report,
                                      jit_error *err) JIT_LINK(trainer_fit);

/* All that a trainer goes on from, as a .safetensors file that replaces an older one in one step: the
 * parameters, by path, state, gradients that wait for their update, steps, epochs, the seed, values of
 * uniforms, the best epoch. */
JIT_PUBLIC jit_status jit_trainer_save(jit_trainer *t, const char *path, jit_error *err)
    JIT_LINK(trainer_save);
/* Into a trainer with the same loss, optimiser, schedule, uniforms and parameters; the store's
 * parameters are replaced. What it goes on to do, with the same options of fits, has the same bits as
 * that of the trainer that was saved. Any other file is refused (JIT_ERR_FORMAT), and nothing is
 * changed. */
JIT_PUBLIC jit_status jit_trainer_load(jit_trainer *t, const char *path, jit_error *err)
    JIT_LINK(trainer_load);

/* -------------------------------------------------------------------------- linear algebra */

/* NumPy's linear algebra on arrays of f32 and f64 (f32 with f64 gives f64). The last two axes are
 * the matrices, those in front a batch, broadcast between operands; any strides. m, n: rows and
 * columns of a; k: the smaller of them.
 *
 * outputs  of the shape and type named, any strides; data NULL and rank -1: made, to be freed with
 *          jit_array_free. May be or overlap inputs, not each other. Written when the whole batch
 *          is done: after an error they are as they were. "or NULL": not wanted.
 * errors   JIT_ERR_SHAPE (not square, extents that differ), JIT_ERR_TYPE, JIT_ERR_NUMERIC (named
 *          below; the message names the matrix of the batch), JIT_ERR_LIMIT (extents over 2^31; svd
 *          over 20000, eigh and eig over 30000), JIT_ERR_MEMORY, JIT_ERR_UNSUPPORTED (OpenBLAS is
 *          not installed)
 * NaN, inf go through solve, inv, det, qr and matmul; the others refuse them (JIT_ERR_NUMERIC)
 * method   LAPACK and BLAS of OpenBLAS, which the first call loads (FUSEJIT_BLAS names another
 *          file). It is held to one thread during a call: the same bits whatever the host has set.
 * threads  all are thread-safe; inputs must not change meanwhile */

/* c = a b as NumPy's matmul: [m,n] [n,p] -> [m,p]; a vector [n] is a row on the left, a column on
 * the right, and its axis is not in the result. gemm. */
JIT_PUBLIC jit_status jit_matmul(jit_array *c, const jit_array *a, const jit_array *b,
                                 jit_error *err) JIT_LINK(matmul);
/* x with a x = b: a [n,n]; b and x [n,p], or [n] where b has one axis. NUMERIC: a pivot is
 * exactly 0. LU with partial pivoting (getrf, getrs). */
JIT_PUBLIC jit_status jit_solve(jit_array *x, const jit_array *a, const jit_array *b,
                                jit_error *err) JIT_LINK(solve);
/* [n,n], as jit_solve with the identity. Solving is faster and more exact than multiplying by it. */
JIT_PUBLIC jit_status jit_inv(jit_array *inverse, const jit_array *a, jit_error *err)
    JIT_LINK(inv);
/* One number for each matrix: the product of the pivots (getrf), 0 if singular, 1 if n = 0. */
JIT_PUBLIC jit_status jit_det(jit_array *determinant, const jit_array *a, jit_error *err)
    JIT_LINK(det);
/* lower [n,n] with lower lower^T = a, zeros above the diagonal. Only the lower triangle of a is
 * read. NUMERIC: not positive definite. potrf. */
JIT_PUBLIC jit_status jit_cholesky(jit_array *lower, const jit_array *a, jit_error *err)
    JIT_LINK(cholesky);

enum {
    /* jit_qr: q [m,m], r [m,n]; jit_svd: u [m,m], vt [n,n] */
    JIT_FULL_MATRICES = 1
};
/* q r = a: q [m,k] with orthonormal columns or NULL, r [k,n] upper triangular or NULL. Signs as
 * Householder reflections give them (geqrf, orgqr). */
JIT_PUBLIC jit_status jit_qr(jit_array *q, jit_array *r, const jit_array *a, int32_t options,
                             jit_error *err) JIT_LINK(qr);
/* u diag(s) vt = a: u [m,k] or NULL, s [k] falling, vt [k,n] or NULL. NUMERIC: no convergence.
 * gesdd. */
JIT_PUBLIC jit_status jit_svd(jit_array *u, jit_array *s, jit_array *vt, const jit_array *a,
                              int32_t options, jit_error *err) JIT_LINK(svd);
/* Symmetric a, of which only the lower triangle is read: eigenvalues w [n] rising, eigenvectors
 * the columns of v [n,n] or NULL. NUMERIC: no convergence. syevd. */
JIT_PUBLIC jit_status jit_eigh(jit_array *w, jit_array *v, const jit_array *a, jit_error *err)
    JIT_LINK(eigh);
/* Any square a: eigenvalues w[0] + i w[1], each [n], in no order but conjugate pairs together;
 * eigenvectors of length 1 the columns of v[0] + i v[1], each [n,n]; v or NULL. NUMERIC: no
 * convergence. geev. */
JIT_PUBLIC jit_status jit_eig(jit_array w[2], jit_array v[2], const jit_array *a,
                              jit_error *err) JIT_LINK(eig);

typedef struct jit_lstsq_options {
    size_t size;
    double rcond;        /* singular values under rcond times the largest count as 0; 0: the
                            type's epsilon times the larger of m and n; negative: epsilon */
    jit_array *residual; /* or NULL: [p], or no axis: sum of squares of b - a x, at any rank */
    jit_array *rank;     /* or NULL: i64, one number for each matrix */
    jit_array *singular; /* or NULL: [k], the singular values of a */
} jit_lstsq_options;
/* x of least |b - a x|, and of those of least |x|: b [m,p] or, with one axis, [m]; x [n,p] or [n].
 * NUMERIC: no convergence. gelsd. */
JIT_PUBLIC jit_status jit_lstsq(jit_array *x, const jit_array *a, const jit_array *b,
                                const jit_lstsq_options *options, jit_error *err)
    JIT_LINK(lstsq);

/* -------------------------------------------------------------------------- introspection */

/* The core shapes (rank and extents) of a function's n_in inputs for given dimensions, n_dim of
 * them: of `x: [n+w-1], k: [w]` with n = 8, w = 3 they are [10] and [3]. options: for `fn` and
 * `dim` arguments. */
JIT_PUBLIC jit_status jit_function_shapes(jit_module *m, const char *name,
                                          const jit_prepare_options *options,
                                          const int64_t *dims, jit_array *in, jit_error *err)
    JIT_LINK(function_shapes);

typedef enum jit_stage {
    JIT_STAGE_TREE,    /* t  the syntax tree                       */
    JIT_STAGE_SSA,     /* s  typed IR as lowered                   */
    JIT_STAGE_OPT,     /* o  IR after simplification               */
    JIT_STAGE_FUSE,    /* f  IR with maps fused into their readers     */
    JIT_STAGE_MATH,    /* m  IR with mathematical functions expanded */
    JIT_STAGE_NEST,    /* n  loop nests                            */
    JIT_STAGE_LLVM,    /* l  LLVM IR                               */
    JIT_STAGE_ASM,     /* a  assembly                              */
    JIT_STAGE_EXPLAIN, /* e  what was chosen and why               */
    /* No stage and without a letter: the simplified IR as a function of the language, for people
     * to read (sums and products in order: the same but for rounding); functions with arrays or
     * loops as JIT_STAGE_OPT. */
    JIT_STAGE_FORMULA
} jit_stage;

JIT_PUBLIC const char *jit_stage_letters(void) JIT_LINK(stage_letters); /* "tsofmnlae" */
/* The text of one stage of one specialisation; free with jit_text_free. NULL on error. */
JIT_PUBLIC char *jit_stage_text(jit_module *m, const char *name, const char *signature,
                                const jit_prepare_options *options, jit_stage stage,
                                jit_error *err) JIT_LINK(stage_text);
JIT_PUBLIC void jit_text_free(char *text) JIT_LINK(text_free);

/* Where the time of the last compile of this kernel went, and what it is. */
typedef struct jit_kernel_info {
    double parse_ms, lower_ms, codegen_ms, link_ms;
    int32_t n_in, n_out, n_uniform;
    jit_dtype in_dtype[JIT_MAX_OPERANDS], out_dtype[JIT_MAX_OPERANDS];
    int32_t vector_lanes, interleave;
    int64_t code_bytes;
    /* arithmetic operations of one element, as written; of an array function of one sample, and
     * -1 where that depends on dimensions that the signature leaves open. A sum of products has
     * two for each, a function such as exp is one, a loop counts as its counter says, or once */
    int64_t flops;
} jit_kernel_info;
JIT_PUBLIC jit_status jit_kernel_describe(const jit_kernel *k, jit_kernel_info *info)
    JIT_LINK(kernel_describe);

/* Facts about this library and machine as lines of text ("llvm 19.1.7", "cpu znver4", ...). */
JIT_PUBLIC char *jit_system_info(jit_context *context, jit_error *err) JIT_LINK(system_info);

/* -------------------------------------------------------------------------- builder */

/* Makes the same tree as the text. Expressions are handles owned by the builder; 0 is the error
 * value, and the first error is kept until jit_build. All strings are copied. */
typedef struct jit_builder jit_builder;
typedef int32_t jit_expr;

JIT_PUBLIC jit_builder *jit_builder_new(jit_context *context, jit_error *err)
    JIT_LINK(builder_new);
JIT_PUBLIC void jit_builder_free(jit_builder *b) JIT_LINK(builder_free);
/* Makes the module; the builder can go on and be built again. */
JIT_PUBLIC jit_module *jit_build(jit_builder *b, const jit_options *options, jit_error *err)
    JIT_LINK(build);

JIT_PUBLIC void jit_fn_begin(jit_builder *b, const char *name) JIT_LINK(fn_begin);
/* type: "f32", "i32", ... or NULL (generic). value: a default, or 0. */
JIT_PUBLIC jit_expr jit_fn_arg(jit_builder *b, const char *name, const char *type)
    JIT_LINK(fn_arg);
JIT_PUBLIC jit_expr jit_fn_uniform(jit_builder *b, const char *name, const char *type,
                                   jit_expr value) JIT_LINK(fn_uniform);
JIT_PUBLIC void jit_fn_result(jit_builder *b, const char *name, const char *type)
    JIT_LINK(fn_result);
JIT_PUBLIC void jit_fn_end(jit_builder *b) JIT_LINK(fn_end);

JIT_PUBLIC jit_expr jit_real(jit_builder *b, double value) JIT_LINK(real);
JIT_PUBLIC jit_expr jit_integer(jit_builder *b, int64_t value) JIT_LINK(integer);
JIT_PUBLIC jit_expr jit_name(jit_builder *b, const char *name) JIT_LINK(name);
/* op as written: "+", "<=", "&&", "**"; "-", "!", "~" with b = 0 for one operand; "?:" has
 * jit_select. */
JIT_PUBLIC jit_expr jit_op(jit_builder *b, const char *op, jit_expr x, jit_expr y) JIT_LINK(op);
JIT_PUBLIC jit_expr jit_select(jit_builder *b, jit_expr condition, jit_expr yes, jit_expr no)
    JIT_LINK(select);
JIT_PUBLIC jit_expr jit_apply(jit_builder *b, const char *function, const jit_expr *args, int n)
    JIT_LINK(apply);

JIT_PUBLIC void jit_let(jit_builder *b, const char *name, jit_expr value) JIT_LINK(let);
JIT_PUBLIC void jit_var(jit_builder *b, const char *name, const char *type, jit_expr value)
    JIT_LINK(var);
JIT_PUBLIC void jit_assign(jit_builder *b, const char *name, jit_expr value) JIT_LINK(assign);
JIT_PUBLIC void jit_if(jit_builder *b, jit_expr condition) JIT_LINK(if);
JIT_PUBLIC void jit_else(jit_builder *b) JIT_LINK(else);
JIT_PUBLIC void jit_while(jit_builder *b, jit_expr condition) JIT_LINK(while);
JIT_PUBLIC void jit_for(jit_builder *b, const char *name, jit_expr from, jit_expr to,
                        jit_expr by) JIT_LINK(for);
JIT_PUBLIC void jit_break(jit_builder *b) JIT_LINK(break);
JIT_PUBLIC void jit_continue(jit_builder *b) JIT_LINK(continue);
JIT_PUBLIC void jit_end(jit_builder *b) JIT_LINK(end); /* closes if, else, while or for */
JIT_PUBLIC void jit_return(jit_builder *b, const jit_expr *values, int n) JIT_LINK(return );

#ifdef __cplusplus
}
#endif
#endif
