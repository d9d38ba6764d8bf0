/* splitmix64 and values worth testing. */
#include "random_source.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>

uint64_t random_seed(const char *test, uint64_t usual)
{
    const char *text = getenv("FUSEJIT_SEED");
    uint64_t seed = text ? strtoull(text, NULL, 10) : usual;
    fprintf(stderr, "%s: FUSEJIT_SEED=%llu\n", test, (unsigned long long)seed);
    return seed;
}

uint64_t random_next(random_source *r)
{
    uint64_t z = r->state += 0x9e3779b97f4a7c15u;
    z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9u;
    z = (z ^ z >> 27) * 0x94d049bb133111ebu;
    return z ^ z >> 31;
}

int64_t random_below(random_source *r, int64_t n)
{
    return (int64_t)(random_next(r) % (uint64_t)n);
}

double random_real(random_source *r, double low, double high)
{
    return low + (high - low) * ((double)(random_next(r) >> 11) * 0x1p-53);
}

double random_value(random_source *r)
{
    static const double special[] = { 0.0,    -0.0,  1.0,    -1.0,  2.0,      0.5,
                                      1e-310, 1e-42, 3.4e38, 1e300, HUGE_VAL, -HUGE_VAL,
                                      NAN,    255,   1e9,    -7 };
    switch (random_below(r, 4)) {
    case 0:
        return special[random_below(r, (int64_t)(sizeof special / sizeof special[0]))];
    case 1:
        return (double)(random_below(r, 41) - 20);
    case 2:
        return random_real(r, -4, 4);
    default:
        return ldexp(random_real(r, -1, 1), (int)random_below(r, 80) - 40);
    }
}
