/* Numbers times powers of ten, rounded once (to nearest, ties to even): by integers of 128 bits, which
 * reach as far as most numbers of files do. The floating-point mode is to be IEEE's (fpmode_enter). */
#ifndef FJ_TEN_POWER_H
#define FJ_TEN_POWER_H

#include <stdbool.h>
#include <stdint.h>

/* digits * 10^power as a number of `bits` <= 53 significant bits; false, and nothing done, where
 * |power| is over 27. */
bool ten_power_of_digits(uint64_t digits, int32_t power, int32_t bits, double *value);
/* x * 10^power as an integer, for normal x > 0; false where |power| is over 27 or the integer has
 * more than 64 bits. */
bool ten_power_to_digits(double x, int32_t power, uint64_t *digits);

#endif
