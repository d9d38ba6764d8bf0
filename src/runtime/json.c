/* JSON as RFC 8259 has it: strings, whole numbers, punctuation. */
#include "json.h"

#include <string.h>

#include "unicode.h"

bool json_fail(json *j, const char *wrong)
{
    if (!j->wrong)
        j->wrong = wrong;
    return false;
}

static void skip_space(json *j)
{
    while (j->at < j->end && memchr(" \t\r\n", *j->at, 4))
        j->at++;
}

bool json_accept(json *j, char c)
{
    if (j->wrong)
        return false;
    skip_space(j);
    if (j->at == j->end || *j->at != c)
        return false;
    j->at++;
    return true;
}

bool json_expect(json *j, char c)
{
    if (json_accept(j, c))
        return true;
    return json_fail(j, c == ':'   ? "a ':' is missing"
                        : c == '{' ? "an object is missing"
                        : c == '[' ? "a list is missing"
                                   : "a bracket is missing");
}

bool json_more(json *j, char close)
{
    if (json_accept(j, ','))
        return true;
    if (!json_accept(j, close))
        (void)json_fail(j, "a ',' or the closing bracket is missing");
    return false;
}

bool json_finished(json *j)
{
    if (j->wrong)
        return false;
    skip_space(j);
    return j->at == j->end || json_fail(j, "something follows its end");
}

/* ---------------------------------------------------------------- strings */

static int digit(char c)
{
    if (c >= '0' && c <= '9')
        return c - '0';
    if (c >= 'a' && c <= 'f')
        return c - 'a' + 10;
    return c >= 'A' && c <= 'F' ? c - 'A' + 10 : -1;
}

/* The four digits after \u. */
static bool read_unit(json *j, uint32_t *unit)
{
    *unit = 0;
    for (int i = 0; i < 4; i++, j->at++) {
        if (j->at == j->end || digit(*j->at) < 0)
            return json_fail(j, "\\u is not followed by four digits");
        *unit = *unit << 4 | (uint32_t)digit(*j->at);
    }
    return true;
}

/* The character of \u escapes, two of them beyond U+FFFF. */
static bool read_point(json *j, uint32_t *point)
{
    uint32_t low;
    if (!read_unit(j, point))
        return false;
    if (*point == 0)
        return json_fail(j, "a string has a zero byte");
    if (*point < 0xD800 || *point > 0xDFFF)
        return true;
    bool pair = *point < 0xDC00 && j->end - j->at > 2 && j->at[0] == '\\' && j->at[1] == 'u';
    if (pair)
        j->at += 2;
    if (!pair || !read_unit(j, &low) || low < 0xDC00 || low > 0xDFFF)
        return json_fail(j, "half a surrogate pair");
    *point = 0x10000 + ((*point - 0xD800) << 10) + (low - 0xDC00);
    return true;
}

static char *put_point(char *to, uint32_t point)
{
    if (point < 0x80) {
        *to++ = (char)point;
        return to;
    }
    int more = point < 0x800 ? 1 : point < 0x10000 ? 2 : 3;
    static const unsigned lead[] = { 0, 0xC0, 0xE0, 0xF0 };
    *to++ = (char)(lead[more] | point >> 6 * more);
    while (more-- > 0)
        *to++ = (char)(0x80 | (point >> 6 * more & 0x3F));
    return to;
}

/* The escape behind a backslash, decoded to `*to`: never longer than it was written. */
static bool read_escape(json *j, char **to)
{
    static const char names[] = "\"\\/bfnrt", values[] = "\"\\/\b\f\n\r\t";
    if (j->at == j->end)
        return json_fail(j, "a string has no end");
    char c = *j->at++;
    uint32_t point;
    if (c == 'u') {
        if (!read_point(j, &point))
            return false;
        *to = put_point(*to, point);
        return true;
    }
    const char *found = c ? strchr(names, c) : NULL;
    if (!found)
        return json_fail(j, "an unknown escape");
    *(*to)++ = values[found - names];
    return true;
}

bool json_string(json *j, json_text *t)
{
    if (!json_accept(j, '"'))
        return json_fail(j, "a string is missing");
    char *to = j->at;
    t->at = to;
    while (j->at < j->end && *j->at != '"') {
        unsigned char c = (unsigned char)*j->at++;
        if (c < 0x20)
            return json_fail(j, "a string has a control character");
        if (c != '\\')
            *to++ = (char)c;
        else if (!read_escape(j, &to))
            return false;
    }
    if (j->at == j->end)
        return json_fail(j, "a string has no end");
    j->at++;
    *to = 0; /* at the latest where the quote was */
    t->n = (size_t)(to - t->at);
    return unicode_valid(t->at, t->n) || json_fail(j, "a string is not UTF-8");
}

/* ---------------------------------------------------------------- numbers */

bool json_count(json *j, int64_t *value)
{
    if (j->wrong)
        return false;
    skip_space(j);
    const char *start = j->at;
    *value = 0;
    for (; j->at < j->end && *j->at >= '0' && *j->at <= '9'; j->at++)
        if (__builtin_mul_overflow(*value, 10, value) ||
            __builtin_add_overflow(*value, *j->at - '0', value))
            return json_fail(j, "a number is over 2^63");
    bool padded = j->at - start > 1 && *start == '0';
    bool longer = j->at < j->end && memchr(".eE", *j->at, 3);
    if (j->at == start || padded || longer)
        return json_fail(j, "a number is not whole or is negative");
    return true;
}
