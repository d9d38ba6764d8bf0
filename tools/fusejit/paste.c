/* Bracketed paste: CSI ? 2004 h makes a terminal send CSI 200 ~ before what it pastes and
 * CSI 201 ~ behind it (xterm control sequences, "Bracketed Paste Mode"). */
#define _POSIX_C_SOURCE 200809L

#include "paste.h"

#include <poll.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <wchar.h>

#include "console.h"

enum { PROMPT = 4, END_MARK = 6, LONGEST = 1 << 20 };

typedef struct pasted {
    wchar_t *text;
    size_t n, room;
} pasted;

static void tell(FILE *terminal, const char *sequence)
{
    (void)fputs(sequence, terminal);
    (void)fflush(terminal);
}

void paste_begin(FILE *terminal)
{
    tell(terminal, "\033[?2004h");
}

void paste_end(FILE *terminal)
{
    tell(terminal, "\033[?2004l");
}

const char *paste_without_prompt(const char *line)
{
    while (strncmp(line, "fj> ", PROMPT) == 0 || strncmp(line, "... ", PROMPT) == 0)
        line += PROMPT;
    return line;
}

/* -------------------------------------------------------------------------- reading */

static void add(pasted *p, wchar_t c)
{
    if (p->n == p->room) {
        p->room = p->room ? 2 * p->room : 256;
        p->text = memory_resize(p->text, p->room * sizeof *p->text);
    }
    p->text[p->n++] = c;
}

static bool is_closed(const pasted *p)
{
    return p->n >= END_MARK && wmemcmp(p->text + p->n - END_MARK, L"\033[201~", END_MARK) == 0;
}

/* Nothing has come for a while: what comes next is typed, not pasted. */
static bool is_idle(EditLine *edit)
{
    enum { WHILE_MS = 500 };
    FILE *in = NULL;
    if (el_get(edit, EL_GETFP, 0, &in) != 0 || !in)
        return false;
    struct pollfd waiting = { .fd = fileno(in), .events = POLLIN };
    return poll(&waiting, 1, WHILE_MS) == 0;
}

/* Up to the closing mark, without it. What is too long is read, but only its end is kept. The mark
 * may be lost: Ctrl-C or Ctrl-D by itself ends that, while both may be pasted. */
static bool read_all(EditLine *edit, pasted *p)
{
    enum { CTRL_C = 3, CTRL_D = 4 };
    bool fits = true;
    wchar_t c;
    while (!is_closed(p)) {
        bool typed = is_idle(edit);
        if (el_wgetc(edit, &c) != 1 || (typed && (c == CTRL_C || c == CTRL_D)))
            return false;
        if (p->n == LONGEST) {
            fits = false;
            wmemmove(p->text, p->text + LONGEST - END_MARK, END_MARK);
            p->n = END_MARK;
        }
        add(p, c);
    }
    p->n -= END_MARK;
    return fits;
}

/* -------------------------------------------------------------------------- cleaning */

/* Of a prompt at the beginning of the line: 0 if there is none. The blank behind an empty one is
 * often lost. */
static size_t prompt_length(const wchar_t *line, size_t n)
{
    size_t m = n < PROMPT ? n : PROMPT;
    bool found =
        m >= PROMPT - 1 && (wmemcmp(line, L"fj> ", m) == 0 || wmemcmp(line, L"... ", m) == 0);
    return found ? m : 0;
}

/* Line breaks become '\n', those at the end go, and so do control characters. */
static void make_plain(pasted *p)
{
    size_t to = 0;
    for (size_t i = 0; i < p->n; i++) {
        wchar_t c = p->text[i];
        bool crlf = c == L'\r' && i + 1 < p->n && p->text[i + 1] == L'\n';
        if (c == L'\r')
            c = L'\n';
        if (!crlf && (c == L'\n' || c == L'\t' || (c >= 0x20 && (c < 0x7f || c > 0x9f))))
            p->text[to++] = c;
    }
    while (to > 0 && p->text[to - 1] == L'\n')
        to--;
    p->n = to;
}

static size_t line_length(const pasted *p, size_t at)
{
    size_t n = 0;
    while (at + n < p->n && p->text[at + n] != L'\n')
        n++;
    return n;
}

static void strip_prompts(pasted *p)
{
    bool transcript = prompt_length(p->text, line_length(p, 0)) > 0;
    size_t to = 0;
    for (size_t at = 0; at < p->n;) {
        size_t n = line_length(p, at), next = at + n + 1, skip, start = at;
        for (; (skip = prompt_length(p->text + at, n)) > 0; n -= skip)
            at += skip;
        bool prompt = at > start;
        if (prompt || !transcript) {
            if (to > 0)
                p->text[to++] = L'\n';
            wmemmove(p->text + to, p->text + at, n);
            to += n;
        }
        at = next;
    }
    p->n = to;
}

unsigned char paste_key(EditLine *edit)
{
    pasted p = { .text = NULL };
    bool good = read_all(edit, &p);
    if (good) {
        make_plain(&p);
        strip_prompts(&p);
        add(&p, 0);
        good = p.n == 1 || el_winsertstr(edit, p.text) == 0;
    }
    free(p.text);
    return good ? CC_REFRESH : CC_ERROR;
}
