/* The calls that save .npz with deflated members. */
#include <stdlib.h>
#include <string.h>

#include "array.h"
#include "array_io.h"
#include "deflate.h"
#include "npy.h"
#include "npz.h"

/* Whether the path is one of an .npz and the level one of deflate's. */
static bool check_target(const array_path *p, const char *path, int32_t level, diag *d)
{
    char shown[FILE_NAME_SHOWN];
    file_show(shown, path, strlen(path));
    if (p->format != FORMAT_NPZ)
        diag_plain(d, DIAG_file_save_format, "cannot write '%s': only .npz files are deflated",
                   shown);
    else if (level < DEFLATE_FAST || level > DEFLATE_SMALL)
        diag_plain(d, DIAG_file_argument, "deflate has levels %d to %d, not %d", DEFLATE_FAST,
                   DEFLATE_SMALL, (int)level);
    return !diag_failed(d);
}

static bool check_array(const jit_array *a, const char *path, diag *d)
{
    char shown[FILE_NAME_SHOWN];
    file_show(shown, path, strlen(path));
    if (array_is_sound(a))
        return npy_can_hold(a, shown, d);
    array_explain(a, "jit_array_save_deflated: the array", d);
    return false;
}

jit_status jit_array_save_deflated(const jit_array *a, const char *path, int32_t level,
                                   jit_error *err)
{
    diag d;
    diag_init(&d, err, NULL);
    if (!a || !path) {
        diag_plain(&d, DIAG_file_argument, "jit_array_save_deflated: %s is NULL",
                   a ? "path" : "array");
        return d.out->status;
    }
    array_path p = array_path_of(path);
    if (check_target(&p, path, level, &d) && check_array(a, path, &d)) {
        char *file = array_path_file(path, &p, &d);
        if (file)
            (void)npz_save(a, &(npz_target){ file, p.member, level }, &d);
        free(file);
    }
    return d.out->status;
}

jit_status jit_arrays_save_deflated(const jit_named *arrays, int32_t n, const char *path,
                                    int32_t level, jit_error *err)
{
    diag d;
    diag_init(&d, err, NULL);
    if (n < 0 || (n > 0 && !arrays) || !path) {
        diag_plain(&d, DIAG_file_argument, "jit_arrays_save_deflated: %s",
                   n < 0   ? "n is negative"
                   : !path ? "path is NULL"
                           : "arrays is NULL");
        return d.out->status;
    }
    array_path p = array_path_of(path);
    if (p.member)
        p.format = FORMAT_UNKNOWN; /* these are whole files */
    bool good = check_target(&p, path, level, &d) && array_set_check(arrays, n, &d);
    for (int32_t i = 0; good && i < n; i++)
        good = check_array(&arrays[i].array, path, &d);
    if (good)
        (void)npz_save_all(arrays, n, &(npz_target){ path, NULL, level }, &d);
    return d.out->status;
}
