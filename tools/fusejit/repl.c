/* The loop: lines from a terminal (libedit: editing, history, completion) or from a file.
 *
 * Ctrl-C is a key while a line is edited, and a signal while a statement runs. */
#define _POSIX_C_SOURCE 200809L

#include <errno.h>
#include <histedit.h>
#include <langinfo.h>
#include <locale.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "commands.h"
#include "completion.h"
#include "interrupt.h"
#include "paste.h"
#include "session.h"

/* -------------------------------------------------------------------------- standard input */

static void append(char **all, size_t *length, const char *line)
{
    size_t n = strlen(line);
    *all = memory_resize(*all, *length + n + 1);
    memcpy(*all + *length, line, n + 1);
    *length += n;
}

/* Runs what has been read when it is whole; a command is always one line. */
static bool is_whole(const char *text)
{
    const char *p = text;
    token first = scan_token(&p);
    return scan_is(first, ":") || scan_is(first, "?") || !scan_is_open(text);
}

/* Every statement is run, also after a failed one; the first failure is the exit code. */
static int run_stream(session *s, FILE *in)
{
    char *line = NULL, *all = NULL;
    size_t capacity = 0, length = 0;
    int code = EXIT_DONE, n = 0, first = 1;
    ssize_t got;
    while (!s->quit && !interrupt_seen() && (got = getline(&line, &capacity, in)) >= 0) {
        n++;
        if ((size_t)got != strlen(line)) {
            code = console_error(s->c, EXIT_USER, "line %d has a zero byte in it", n);
            break;
        }
        first = length ? first : n;
        append(&all, &length, line);
        if (!is_whole(all))
            continue;
        int result = session_run(s, all, first);
        (void)fflush(s->c->out); /* who feeds a pipe line by line reads answers so */
        code = code ? code : result;
        length = 0;
    }
    if (length && !s->quit && !interrupt_seen()) {
        int result = session_run(s, all, first);
        code = code ? code : result;
    }
    free(line);
    free(all);
    return interrupt_seen() ? EXIT_INTERRUPT : code;
}

/* -------------------------------------------------------------------------- the terminal */

typedef struct repl {
    session s;
    EditLine *edit;
    History *history;
    char *history_path; /* NULL: none is kept */
    char *open;         /* the statement so far, of `length` bytes */
    size_t length;
    bool cancelled; /* Ctrl-C was typed */
    bool pastes;    /* the terminal is asked to mark what it pastes */
} repl;

static repl *repl_of(EditLine *edit)
{
    void *r = NULL;
    (void)el_get(edit, EL_CLIENTDATA, &r);
    return r;
}

static char *prompt(EditLine *edit)
{
    static char first[] = "fj> ", next[] = "... ";
    return repl_of(edit)->length ? next : first;
}

/* Leaves the line as it is on the screen, and ends it. */
static unsigned char key_cancel(EditLine *edit, int key)
{
    (void)key;
    const LineInfo *line = el_line(edit);
    repl_of(edit)->cancelled = true;
    (void)el_cursor(edit, (int)(line->lastchar - line->cursor));
    (void)el_insertstr(edit, "^C");
    el_push(edit, "\n");
    return CC_REFRESH;
}

static unsigned char key_complete(EditLine *edit, int key)
{
    (void)key;
    return completion_key(edit, &repl_of(edit)->s);
}

static unsigned char key_paste(EditLine *edit, int key)
{
    (void)key;
    return paste_key(edit);
}

/* mkdir -p of the directory the path lies in, private to the user. */
static bool make_directories(char *path)
{
    for (char *p = path + 1; *p; p++) {
        if (*p != '/')
            continue;
        *p = 0;
        bool good = mkdir(path, 0700) == 0 || errno == EEXIST;
        *p = '/';
        if (!good)
            return false;
    }
    return true;
}

static char *history_file(void)
{
    const char *state = getenv("XDG_STATE_HOME"), *home = getenv("HOME");
    bool own = !state || state[0] != '/';
    if (own && (!home || home[0] != '/'))
        return NULL;
    size_t size = strlen(own ? home : state) + 64;
    char *path = memory_take(size);
    (void)snprintf(path, size, "%s%s/fusejit/history", own ? home : state,
                   own ? "/.local/state" : "");
    if (make_directories(path))
        return path;
    free(path);
    return NULL;
}

static void save_history(repl *r)
{
    HistEvent event;
    if (!r->history_path)
        return;
    mode_t old = umask(077);
    (void)history(r->history, &event, H_SAVE, r->history_path);
    (void)umask(old);
    (void)chmod(r->history_path, 0600);
}

static void print_history(void *editor, const char *part)
{
    repl *r = editor;
    HistEvent event;
    int more = history(r->history, &event, H_LAST); /* the oldest */
    for (; more >= 0; more = history(r->history, &event, H_PREV)) {
        size_t n = strlen(event.str);
        if (strstr(event.str, part))
            (void)fprintf(r->s.c->out, "%s%s", event.str,
                          n && event.str[n - 1] == '\n' ? "" : "\n");
    }
}

static void open_editor(repl *r)
{
    HistEvent event;
    FILE *out = r->s.c->out_terminal ? r->s.c->out : r->s.c->err;
    const char *term = getenv("TERM");
    r->pastes = isatty(fileno(out)) && term && *term && strcmp(term, "dumb") != 0;
    /* editing counts characters; numbers stay in the C locale */
    if (!setlocale(LC_CTYPE, "") || strcmp(nl_langinfo(CODESET), "UTF-8") != 0)
        (void)setlocale(LC_CTYPE, "C.UTF-8");
    r->edit = el_init("fusejit", stdin, out, r->s.c->err);
    r->history = history_init();
    if (!r->edit || !r->history)
        return;
    (void)history(r->history, &event, H_SETSIZE, 1000);
    (void)history(r->history, &event, H_SETUNIQUE, 1);
    r->history_path = history_file();
    if (r->history_path)
        (void)history(r->history, &event, H_LOAD, r->history_path);
    r->s.print_history = print_history;
    r->s.editor = r;
    (void)el_set(r->edit, EL_CLIENTDATA, r);
    (void)el_set(r->edit, EL_PROMPT, prompt);
    (void)el_set(r->edit, EL_EDITOR, "emacs");
    (void)el_set(r->edit, EL_HIST, history, r->history);
    (void)el_set(r->edit, EL_ADDFN, "fj-cancel", "cancel the line", key_cancel);
    (void)el_set(r->edit, EL_ADDFN, "fj-complete", "complete a name", key_complete);
    (void)el_source(r->edit, NULL);
    (void)el_set(r->edit, EL_BIND, "^C", "fj-cancel", NULL);
    (void)el_set(r->edit, EL_BIND, "^I", "fj-complete", NULL);
    (void)el_set(r->edit, EL_ADDFN, "fj-paste", "take pasted text as it is", key_paste);
    (void)el_set(r->edit, EL_BIND, PASTE_MARK, "fj-paste", NULL);
    (void)el_set(r->edit, EL_BIND, "^R", "em-inc-search-prev", NULL);
    (void)el_set(r->edit, EL_SETTY, "-d", "-isig", NULL);
}

static void close_editor(repl *r)
{
    if (r->history)
        history_end(r->history);
    if (r->edit)
        el_end(r->edit);
    free(r->history_path);
    free(r->open);
}

static void remember(repl *r, const char *text)
{
    HistEvent event;
    if (!text[strspn(text, " \t\n")])
        return;
    (void)history(r->history, &event, H_ENTER, text);
    save_history(r);
}

/* False: it was interrupted, and nothing more shall run. */
static bool run_whole(repl *r, const char *text)
{
    remember(r, text);
    interrupt_clear();
    (void)session_run(&r->s, text, 1);
    (void)fflush(r->s.c->out);
    bool interrupted = interrupt_seen();
    interrupt_clear();
    return !interrupted;
}

/* A pasted text has several lines, and may have several statements; what is not whole waits. */
static void run_lines(repl *r, const char *text)
{
    while (*text && !r->s.quit) {
        size_t n = strcspn(text, "\n");
        char *line = memory_text(text, n + (text[n] == '\n'));
        append(&r->open, &r->length, paste_without_prompt(line));
        free(line);
        text += n + (text[n] == '\n');
        if (!is_whole(r->open))
            continue;
        r->length = 0;
        if (!run_whole(r, r->open))
            return;
    }
}

static const char *read_line(repl *r, FILE *terminal)
{
    int n = 0;
    r->cancelled = false;
    /* before the prompt: a Ctrl-D typed at the sight of it must be a key already */
    (void)el_set(r->edit, EL_PREP_TERM, 1);
    if (r->pastes)
        paste_begin(terminal);
    const char *line = el_gets(r->edit, &n);
    if (r->pastes)
        paste_end(terminal);
    return n > 0 ? line : NULL;
}

static int run_terminal(repl *r)
{
    FILE *terminal = r->s.c->out_terminal ? r->s.c->out : r->s.c->err;
    (void)fprintf(terminal, "fusejit %s   :help for help, Ctrl-D to quit\n", jit_version());
    while (!r->s.quit) {
        const char *line = read_line(r, terminal);
        bool interrupted = !line && interrupt_seen(); /* by a signal, not the key */
        if (interrupted) {
            interrupt_clear();
            (void)fputs("\n", terminal);
        }
        if (r->cancelled || interrupted || (!line && r->length)) {
            r->length = 0;
            continue;
        }
        if (!line) {
            (void)fputs("\n", terminal);
            break;
        }
        run_lines(r, line);
    }
    return EXIT_DONE;
}

int repl_command(const settings *given, const console *c)
{
    repl r = { .edit = NULL };
    bool terminal = isatty(STDIN_FILENO) != 0;
    int code;
    session_init(&r.s, given, terminal ? "<repl>" : "<stdin>", c);
    if (terminal)
        open_editor(&r);
    if (r.edit && r.history)
        code = run_terminal(&r);
    else
        code = run_stream(&r.s, stdin);
    close_editor(&r);
    session_free(&r.s);
    return code;
}
