/* See tier.h. */
#include "tier.h"

#include <stdio.h>
#include <string.h>

#include "decimal.h"
#include "graph.h"

enum {
    ULP_SHIFT = 1,
    ULP_MOST = 63,
    HALF_ULP = 1,
    ULP_FIRST = 2, /* 1e0 */
    ABS_SHIFT = 7,
    ABS_MOST = 504,
    ABS_FIRST = 1, /* 1e-52 */
    ABS_LEAST_POWER = -52
};

static int32_t ulp_code(tier t)
{
    return t >> ULP_SHIFT & ULP_MOST;
}

static int32_t abs_code(tier t)
{
    return t >> ABS_SHIFT;
}

/* digit * 10**power, the n-th from 1e(least) on. */
static double nth(int32_t n, int32_t least)
{
    char text[DECIMAL_SIZE];
    int32_t length =
        snprintf(text, sizeof text, "%de%d", (int)(n % 9 + 1), (int)(least + n / 9));
    return decimal_parse(text, length);
}

static double ulp_of_code(int32_t code)
{
    return code == HALF_ULP ? 0.5 : nth(code - ULP_FIRST, 0);
}

static double abs_of_code(int32_t code)
{
    return nth(code - ABS_FIRST, ABS_LEAST_POWER);
}

/* The last code whose bound is at most x; `none` if there is none. */
static int32_t code_below(double x, int32_t none, int32_t most, double (*bound)(int32_t))
{
    int32_t low = none, high = most;
    while (low < high) {
        int32_t middle = low + (high - low + 1) / 2;
        if (bound(middle) <= x) {
            low = middle;
        } else {
            high = middle - 1;
        }
    }
    return low;
}

tier tier_bounds(double ulp, double abs)
{
    int32_t u = ulp > 0 ? code_below(ulp, HALF_ULP, ULP_MOST, ulp_of_code) : 0;
    int32_t a = abs > 0 ? code_below(abs, 0, ABS_MOST, abs_of_code) : 0;
    return (tier)(u << ULP_SHIFT | a << ABS_SHIFT);
}

tier tier_of_fn(const ast_fn *fn, tier around)
{
    double ulp = 0, abs = 0;
    bool said = false, fast = false;
    for (int32_t i = 0; i < fn->n_attrs; i++) {
        const ast_attr *a = &fn->attrs[i];
        bool is_ulp = strcmp(a->name, "ulp") == 0, is_abs = strcmp(a->name, "abs") == 0;
        bool is_fast = strcmp(a->name, "fast") == 0;
        ulp = is_ulp ? a->value : ulp;
        abs = is_abs ? a->value : abs;
        fast = fast || is_fast;
        said = said || is_ulp || is_abs || is_fast;
    }
    int32_t kept = (around & NODE_FAST) | (fast ? NODE_FAST : 0);
    return said ? (tier)(tier_bounds(ulp, abs) | kept) : around;
}

double tier_ulp(tier t)
{
    return ulp_code(t) ? ulp_of_code(ulp_code(t)) : t & NODE_FAST ? 4 : 1;
}

double tier_abs(tier t)
{
    return abs_code(t) ? abs_of_code(abs_code(t)) : 0;
}

bool tier_meets(tier promised, tier asked)
{
    return (!(promised & NODE_FAST) || (asked & NODE_FAST)) &&
           tier_ulp(promised) <= tier_ulp(asked) && abs_code(promised) <= abs_code(asked);
}

bool tier_looser(tier a, tier b)
{
    if (abs_code(a) != abs_code(b)) {
        return abs_code(a) > abs_code(b);
    }
    if ((a ^ b) & NODE_FAST) {
        return (a & NODE_FAST) != 0;
    }
    return tier_ulp(a) > tier_ulp(b);
}

/* -------------------------------------------------------------------------- text */

/* " ulp(4)", " abs(1e-6)"; nothing for a bound that is not said. */
static void print_bound(char *text, size_t size, const char *name, int32_t n, int32_t least)
{
    int32_t power = least + n / 9;
    if (n < 0) {
        text[0] = 0;
    } else if (power == 0) {
        (void)snprintf(text, size, " %s(%d)", name, (int)(n % 9 + 1));
    } else {
        (void)snprintf(text, size, " %s(%de%d)", name, (int)(n % 9 + 1), (int)power);
    }
}

void tier_print(tier t, char text[TIER_TEXT_SIZE])
{
    char ulp[16], abs[16];
    print_bound(ulp, sizeof ulp, "ulp", ulp_code(t) - ULP_FIRST, 0);
    print_bound(abs, sizeof abs, "abs", abs_code(t) - ABS_FIRST, ABS_LEAST_POWER);
    (void)snprintf(text, TIER_TEXT_SIZE, "%s%s%s", t & NODE_FAST ? " fast" : "",
                   ulp_code(t) == HALF_ULP ? " ulp(0.5)" : ulp, abs);
}

/* Skips `word`, a number and ')'; its bound to *out. */
static bool read_bound(const char **at, const char *end, const char *word, double *out)
{
    size_t n = strlen(word);
    if ((size_t)(end - *at) < n || strncmp(*at, word, n) != 0) {
        return true; /* not there */
    }
    const char *first = *at + n, *last = first;
    while (last < end && strchr("0123456789e.-", *last)) {
        last++;
    }
    if (last == first || last == end || *last != ')') {
        return false;
    }
    *out = decimal_parse(first, (int32_t)(last - first));
    *at = last + 1;
    return *out > 0;
}

bool tier_parse(const char *text, int32_t length, tier *out)
{
    const char *at = text, *end = text + length;
    double ulp = 0, abs = 0;
    bool fast = length >= 5 && strncmp(at, " fast", 5) == 0;
    at += fast ? 5 : 0;
    if (!read_bound(&at, end, " ulp(", &ulp) || !read_bound(&at, end, " abs(", &abs)) {
        return false;
    }
    *out = (tier)(tier_bounds(ulp, abs) | (fast ? NODE_FAST : 0));
    return at == end;
}
