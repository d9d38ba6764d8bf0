/* The array file formats on hostile bytes. The first byte chooses the format: npy, npz, IDX,
 * CSV; what is accepted must be an array that can be read and written again. */
#include <stdlib.h>

#include "csv.h"
#include "idx.h"
#include "npy.h"
#include "npz.h"

typedef bool (*parser)(jit_array *, const char *, const void *, size_t, diag *);

static const parser parsers[] = { npy_parse, npz_parse, idx_parse, csv_parse };

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    jit_array a;
    jit_error err;
    diag d;
    if (size == 0)
        return 0;
    diag_init(&d, &err, NULL);
    if (!parsers[data[0] % 4](&a, "fuzz", data + 1, size - 1, &d)) {
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
