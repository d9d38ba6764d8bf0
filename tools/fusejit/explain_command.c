/* fusejit explain: what an error code means. */
#include <string.h>

#include "commands.h"

int explain_command(const settings *s, const console *c)
{
    int64_t code;
    if (s->n_positional != 1)
        return console_error(c, EXIT_USAGE,
                             s->n_positional ? "one code at a time"
                                             : "no code: as in 'fusejit explain "
                                               "E0101'");
    const char *text = s->positional[0];
    const char *digits = text + (*text == 'E' || *text == 'e');
    if (strlen(digits) > 6 || !options_integer(digits, 0, 999999, &code))
        return console_error(c, EXIT_USER, "'%s' is no error code: they look like E0101", text);
    const char *explanation = jit_error_explain((int32_t)code);
    if (!explanation)
        return console_error(c, EXIT_USER, "there is no error E%04d", (int)code);
    (void)fputs(explanation, c->out);
    size_t n = strlen(explanation);
    if (n && explanation[n - 1] != '\n')
        (void)fputc('\n', c->out);
    return EXIT_DONE;
}
