/* fusejit explain: what an error code means. */
#include <stdlib.h>
#include <string.h>

#include "built_in.h"
#include "commands.h"

/* The library's text is title, explanation and perhaps an example, with empty lines between. */
static void print_page(FILE *f, int code, const char *text)
{
    static const char mark[] = "\n\nExample:\n\n";
    size_t title = strcspn(text, "\n");
    const char *example = strstr(text, mark), *body = text + title;
    size_t length = example ? (size_t)(example - body) : strlen(body);
    char *words = memory_text(body, length);
    (void)fprintf(f, "E%04d: %.*s\n", code, (int)title, text);
    built_in_words(f, words);
    free(words);
    if (example)
        (void)fputs("  Example:\n", f);
    for (example = example ? example + sizeof mark - 1 : ""; *example;) {
        size_t n = strcspn(example, "\n");
        (void)fprintf(f, "    %.*s\n", (int)n, example);
        example += n + (example[n] != 0);
    }
}

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
    print_page(c->out, (int)code, explanation);
    return EXIT_DONE;
}
