/* malloc and its kin for this program, which fail when a test asks. Without effect, and
 * failing_malloc_works() false, under sanitizers, which have their own. */
#ifndef FJ_FAILING_MALLOC_H
#define FJ_FAILING_MALLOC_H

#include <stdbool.h>

bool failing_malloc_works(void);
/* From now on in this thread: the n-th allocation (from 0) fails, and if `onwards` all later.
 */
void failing_malloc_arm(long n, bool onwards);
/* Ends that; true if an allocation failed. */
bool failing_malloc_disarm(void);

#endif
