/* Decimal numbers to and from double, correctly rounded whatever the host's locale and rounding
 * mode are. */
#ifndef FJ_DECIMAL_H
#define FJ_DECIMAL_H

#include <stdint.h>

/* text: digits with at most one point among them, then perhaps e, a sign and digits; nothing
 * else, no sign in front. Rounded to nearest even; too large gives infinity. */
double decimal_parse(const char *text, int32_t length);

enum { DECIMAL_SIZE = 32 };
/* The shortest text that reads back as x, with a point or an exponent: "0.1", "1.0", "1e+30".
 */
void decimal_print(double x, char text[DECIMAL_SIZE]);

#endif
