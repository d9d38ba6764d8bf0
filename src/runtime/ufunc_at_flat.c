/* The loop is a function of the language whose result begins as x: called with x as its output it
 * changes x in place. */
#include "ufunc_at_flat.h"

#include <assert.h>
#include <string.h>

#include "drive.h"
#include "gufunc.h"
#include "ufunc_text.h"

enum { PIECE = 1 << 16 }; /* places that share their fuel, and between two looks at `cancel` */

static ufunc_y kind_of(const jit_array *y)
{
    bool one = true;
    for (int32_t i = 0; y->data && i < y->rank; i++)
        one = one && (y->shape[i] == 1 || y->stride[i] == 0);
    return !y->data ? UFUNC_NO_Y : one ? UFUNC_ONE_Y : UFUNC_EACH_Y;
}

/* y as the loop takes it: a number, or packed; false: it is neither. */
static bool view_y(const ufunc_flat *f, jit_array *view)
{
    *view = *f->y;
    if (kind_of(f->y) == UFUNC_EACH_Y)
        return jit_array_reshape(view, f->y, 1, &f->n, NULL) == JIT_OK &&
               view->stride[0] == (int64_t)jit_dtype_size(view->dtype);
    view->rank = 0;
    return true;
}

bool ufunc_flat_fits(const ufunc_flat *f, diag *d)
{
    jit_array y;
    ufunc_typing t;
    jit_dtype type = f->x.dtype, in[2] = { type, type };
    int32_t mark = diag_count(d);
    if (f->x.stride[0] != (int64_t)jit_dtype_size(type) || f->n == 0 ||
        (f->y->data && f->y->dtype != type) || !view_y(f, &y))
        return false;
    bool fits = ufunc_type_results(f->u, in, f->u->fn->n_args, &t, d) && t.n_out == 1 &&
                t.out[0] == type;
    if (diag_failed(d) && d->out->status == JIT_ERR_PROGRAM)
        diag_rewind(d, mark);
    return fits;
}

static jit_kernel *find_kernel(const ufunc_flat *f, ufunc_y y, diag *d)
{
    static const char method[] = "at";
    ufunc_made made;
    ufunc_key key;
    memset(&key, 0, sizeof key);
    key.method = method;
    key.one = true;
    key.n = y == UFUNC_NO_Y ? 2 : 3;
    key.out = key.in[0] = key.in[2] = f->x.dtype;
    key.in[1] = JIT_I64;
    key.rank[0] = key.rank[1] = 1;
    key.rank[2] = y == UFUNC_EACH_Y;
    jit_kernel *k = ufunc_find_kernel(f->u, &key);
    if (k)
        return k;
    arena *ar = arena_new(&f->u->m->context->allocator, 0);
    const char *text = ar ? ufunc_text_at(ar, f->u, y) : NULL;
    bool ok = ufunc_make(f->u, text, method, &made, d);
    arena_free(ar);
    return ok ? ufunc_make_kernel(f->u, &made, &key, d) : NULL;
}

bool ufunc_flat_run(const ufunc_flat *f, uint32_t *flags, diag *d)
{
    ufunc_y y = kind_of(f->y);
    jit_array in[3] = { f->x, jit_array_of(JIT_I64, (void *)f->index, 1, &f->n) }, out = f->x;
    const jit_kernel *k = view_y(f, &in[2]) ? find_kernel(f, y, d) : NULL;
    jit_args args = *f->args;
    args.in = in;
    args.n_in = y == UFUNC_NO_Y ? 2 : 3;
    args.out = &out;
    args.n_out = args.threads = 1;
    args.cancel = NULL;
    args.workspace = NULL;
    for (int64_t at = 0, n; k && at < f->n && *flags < KERNEL_OUT_OF_FUEL; at += n) {
        uint32_t raised = 0;
        n = f->n - at < PIECE ? f->n - at : PIECE;
        in[1].shape[0] = n;
        in[1].data = (char *)(f->index + at);
        if (y == UFUNC_EACH_Y) {
            in[2].shape[0] = n;
            in[2].data = (char *)f->y->data + at * in[2].stride[0];
        }
        if (!gufunc_run_onto(k, &args, &raised)) {
            assert(at == 0); /* pieces are alike */
            return false;
        }
        *flags |= raised | (*drive_cancel(f->args) ? KERNEL_CANCELLED : 0);
    }
    return k != NULL;
}
