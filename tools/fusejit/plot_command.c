/* fusejit plot: an expression, or a function of a program, over a range; as the REPL's :plot. */
#include <stdlib.h>
#include <string.h>

#include "commands.h"
#include "gnuplot.h"
#include "plot.h"

static int check(const settings *s, const char **path, const console *c)
{
    *path = s->out.n ? s->out.item[0].text : NULL;
    if (s->n_positional + (s->text != NULL) != 1)
        return console_error(c, EXIT_USAGE,
                             s->text ? "both a file '%s' and -e are given"
                                     : "no program: give -e TEXT or FILE.fj",
                             s->text ? s->positional[0] : "");
    if (s->function && s->text && !scan_has_function(s->text))
        return console_error(c, EXIT_USAGE, "--fn needs a program; -e has an expression");
    const option_id ranges[] = { OPT_X, OPT_Y };
    for (int i = 0; i < 2; i++) {
        const char *range = s->given[ranges[i]];
        if (range && !strstr(range, ".."))
            return console_error(c, EXIT_USAGE, "--%c takes [NAME=]A..B, not '%s'", "xy"[i],
                                 range);
    }
    if (*path && !gnuplot_knows(*path))
        return console_error(c, EXIT_USAGE, "--out takes a .svg or .png file, not '%s'", *path);
    return EXIT_DONE;
}

static int read_inputs(session *s, const settings *given)
{
    for (int i = 0; i < given->in.n; i++) {
        value v;
        const named_text *item = &given->in.item[i];
        int code = value_read(&v, item->name, item->text, s->c);
        if (code)
            return code;
        session_assign(s, item->name, v);
    }
    return EXIT_DONE;
}

/* The program's definitions; *text becomes what is to be drawn. */
static int read_program(session *s, const settings *given, const char **text)
{
    bool program = !given->text || scan_has_function(given->text);
    int code = !program      ? EXIT_DONE
               : given->text ? session_define(s, given->text, "-e", 1)
                             : session_load(s, given->positional[0]);
    *text = given->text;
    if (code || !program)
        return code;
    *text = given->function;
    for (int i = 0; i < s->n_chunks && !given->function; i++) {
        const char *p = s->chunk[i].text;
        if (!s->chunk[i].gradient && scan_is(scan_token(&p), "fn"))
            *text = s->chunk[i].name;
    }
    return *text ? code : console_error(s->c, EXIT_USER, "the program has no function");
}

/* "sin(x), x=-3..3": a range without a name is that of x, or of y. */
static char *request_text(const settings *s, const char *text)
{
    const char *x = s->given[OPT_X], *y = s->given[OPT_Y];
    size_t size = strlen(text) + (x ? strlen(x) : 0) + (y ? strlen(y) : 0) + 16;
    char *all = memory_take(size);
    (void)snprintf(all, size, "%s%s%s%s%s%s%s", text, x ? ", " : "",
                   x && !strchr(x, '=') ? "x=" : "", x ? x : "", y ? ", " : "",
                   y && !strchr(y, '=') ? "y=" : "", y ? y : "");
    return all;
}

int plot_command(const settings *given, const console *c)
{
    session s;
    const char *path, *text;
    int code = check(given, &path, c);
    if (code)
        return code;
    session_init(&s, given, "-e", c);
    code = read_program(&s, given, &text);
    if (!code)
        code = read_inputs(&s, given);
    if (!code) {
        char *all = request_text(given, text);
        plot_request r = { { all, text, 1 }, path };
        code = plot_run(&s, &r);
        free(all);
    }
    session_free(&s);
    return code;
}
