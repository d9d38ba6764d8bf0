/* The library's version. */
#include "fusejit.h"

const char *jit_version(void)
{
    return JIT_STRING(JIT_VERSION_MAJOR) "." JIT_STRING(JIT_VERSION_MINOR) "." JIT_STRING(
        JIT_VERSION_PATCH);
}
