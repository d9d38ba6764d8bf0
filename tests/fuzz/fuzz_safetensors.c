/* Files of several arrays on hostile bytes. The first byte chooses the format: safetensors, npz;
 * what is accepted has names and no more bytes than such a file can hold. */
#include <stdlib.h>
#include <string.h>

#include "npz.h"
#include "safetensors.h"

/* Texts are no longer than the header, and their names differ. */
static int64_t check_texts(const text_set *texts)
{
    int64_t total = 0;
    for (int32_t i = 0; i < texts->n; i++) {
        total += (int64_t)(strlen(texts->item[i].name) + strlen(texts->item[i].text));
        if (i > 0 && strcmp(texts->item[i - 1].name, texts->item[i].name) >= 0)
            abort();
    }
    return total;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    jit_error err;
    diag d;
    file_input in;
    array_set s = { .item = NULL };
    if (size == 0)
        return 0;
    diag_init(&d, &err, NULL);
    file_from_memory(&in, "fuzz", data + 1, size - 1);
    text_set texts = { .item = NULL };
    bool packed = data[0] % 2;
    bool good = packed ? npz_read_all(&s, &in, &d) : safetensors_read_all(&s, &texts, &in, &d);
    file_close(&in);
    if (good != (err.status == JIT_OK) || (!good && !err.diagnostic[0].message[0]))
        abort(); /* a refusal without a reason */
    int64_t total = good ? check_texts(&texts) : 0;
    for (int32_t i = 0; i < s.n; i++)
        total +=
            jit_array_count(&s.item[i].array) * (int64_t)jit_dtype_size(s.item[i].array.dtype) +
            (int64_t)strlen(s.item[i].name);
    if (total > (int64_t)size * (packed ? 1032 : 1))
        abort();
    array_set_free(&s);
    text_set_free(&texts);
    return 0;
}
