/* The array file formats on hostile bytes. The first byte chooses the format: npy, npz, IDX,
 * CSV, all of an npz; what is accepted must be an array that can be read and written again. */
#include <stdlib.h>

#include "csv.h"
#include "idx.h"
#include "npy.h"
#include "npz.h"

/* The last array of the archive. */
static bool npz_parse_all(jit_array *a, const char *name, const void *bytes, size_t n, diag *d)
{
    file_input in;
    array_set s = { .item = NULL };
    file_from_memory(&in, name, bytes, n);
    bool good = npz_read_all(&s, &in, d);
    for (int32_t i = 0; good && i < s.n; i++)
        if (!s.item[i].name[0])
            abort();
    *a = jit_array_of(JIT_U8, NULL, 1, (int64_t[]){ 0 });
    if (good && s.n > 0) {
        *a = s.item[s.n - 1].array;
        s.item[s.n - 1].array.data = NULL;
    }
    array_set_free(&s);
    file_close(&in);
    return good;
}

typedef bool (*parser)(jit_array *, const char *, const void *, size_t, diag *);

static const parser parsers[] = { npy_parse, npz_parse, idx_parse, csv_parse, npz_parse_all };

enum { N_PARSERS = sizeof parsers / sizeof *parsers };

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    jit_array a;
    jit_error err;
    diag d;
    if (size == 0)
        return 0;
    diag_init(&d, &err, NULL);
    if (!parsers[data[0] % N_PARSERS](&a, "fuzz", data + 1, size - 1, &d)) {
        if (err.status == JIT_OK || err.n_diagnostics < 1 || !err.diagnostic[0].message[0])
            abort(); /* a refusal without a reason */
        return 0;
    }
    file_output o;
    file_measure(&o);
    npy_write(&a, &o);
    if (err.status != JIT_OK || o.size < jit_array_count(&a))
        abort();
    jit_array_free(&a);
    return 0;
}
