/* Program text as far as the program itself must see it: words, brackets, definitions. */
#include "scan.h"

#include <string.h>

static bool is_letter(unsigned char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_' || c >= 0x80;
}

static bool is_digit(unsigned char c)
{
    return c >= '0' && c <= '9';
}

static const char *skip_blanks(const char *p)
{
    for (;;) {
        p += strspn(p, " \t\r\n");
        if (*p != '#')
            return p;
        p += strcspn(p, "\n");
    }
}

static size_t word_length(const char *p)
{
    size_t n = 0;
    while (is_letter((unsigned char)p[n]) || is_digit((unsigned char)p[n]))
        n++;
    return n;
}

token scan_token(const char **p)
{
    static const char pairs[] = "== != <= >= -> && || ** // << >> .. += -= *= /= ";
    token t = { SCAN_SIGN, skip_blanks(*p), 1 };
    const char *s = t.text;
    if (!*s) {
        t = (token){ SCAN_END, s, 0 };
    } else if (is_letter((unsigned char)*s) || is_digit((unsigned char)*s)) {
        t.kind = is_digit((unsigned char)*s) ? SCAN_NUMBER : SCAN_WORD;
        t.length = word_length(s);
    } else if (*s == '"') {
        size_t n = strcspn(s + 1, "\"\n");
        t = (token){ SCAN_TEXT, s, n + 1 + (s[n + 1] == '"') };
    } else if (strchr("([{", *s)) {
        t.kind = SCAN_OPEN;
    } else if (strchr(")]}", *s)) {
        t.kind = SCAN_CLOSE;
    } else if (s[1] && s[1] != ' ') {
        for (const char *q = pairs; *q; q += 3)
            t.length = s[0] == q[0] && s[1] == q[1] ? 2 : t.length;
    }
    *p = t.text + t.length;
    return t;
}

bool scan_is(token t, const char *text)
{
    return t.length == strlen(text) && strncmp(t.text, text, t.length) == 0;
}

bool scan_has_function(const char *text)
{
    for (token t = scan_token(&text); t.kind != SCAN_END; t = scan_token(&text)) {
        if (t.kind == SCAN_WORD && scan_is(t, "fn"))
            return true;
    }
    return false;
}

bool scan_is_open(const char *text)
{
    long depth = 0;
    token last = { SCAN_END, text, 0 };
    for (token t = scan_token(&text); t.kind != SCAN_END; t = scan_token(&text)) {
        depth += t.kind == SCAN_OPEN ? 1 : t.kind == SCAN_CLOSE ? -1 : 0;
        last = t;
    }
    return depth > 0 || scan_is(last, "=") || scan_is(last, "->");
}

size_t scan_statement(const char *text, bool *silent)
{
    const char *p = text;
    long depth = 0;
    *silent = false;
    for (token t = scan_token(&p); t.kind != SCAN_END; t = scan_token(&p)) {
        depth += t.kind == SCAN_OPEN ? 1 : t.kind == SCAN_CLOSE ? -1 : 0;
        if (depth <= 0 && scan_is(t, ";")) {
            *silent = true;
            return (size_t)(t.text - text);
        }
    }
    return strlen(text);
}

/* Whether a definition starts at the token; *name is the token behind `fn` or `const`. */
static bool starts_definition(token t, const char *behind, definition *d)
{
    if (t.kind != SCAN_WORD)
        return false;
    d->gradient = scan_is(t, "grad");
    if (d->gradient)
        t = scan_token(&behind);
    if (!scan_is(t, "fn") && (d->gradient || !scan_is(t, "const")))
        return false;
    d->name = scan_token(&behind);
    return true;
}

bool scan_definition(const char **p, definition *d)
{
    definition next;
    long depth = 0;
    const char *at = *p;
    token t = scan_token(&at);
    if (!starts_definition(t, at, d))
        return false;
    d->text = t.text;
    if (d->gradient)
        (void)scan_token(&at);
    do {
        t = scan_token(&at);
        depth += t.kind == SCAN_OPEN ? 1 : t.kind == SCAN_CLOSE ? -1 : 0;
    } while (t.kind != SCAN_END && !(depth <= 0 && starts_definition(t, at, &next)));
    d->length = (size_t)(t.text - d->text);
    *p = t.text;
    return true;
}
