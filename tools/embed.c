/* Writes the prelude's texts as C: embed OUT.c HEADER.h FILE.fj...
 *
 * An item begins at a line that starts with `fn`, `grad fn` or `const` in column 1, together
 * with the comment lines directly above it, and ends before the next item. The output defines
 * prelude_items, sorted by name, and prelude_count, as HEADER.h declares them (see prelude.h). `grad fn f` is stored as
 * "grad f". Runs at build time only, so it may print and exit. */
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { MAX_NAME = 128 };

typedef struct item {
    char name[MAX_NAME];
    const char *text;
    size_t length;
    const char *file;
    bool is_const;
} item;

typedef struct items {
    item *at;
    size_t n, capacity;
} items;

static void fail(const char *what, const char *which)
{
    fprintf(stderr, "embed: %s: %s\n", what, which);
    exit(1);
}

static char *read_whole(const char *path)
{
    FILE *f = fopen(path, "rb");
    if (!f || fseek(f, 0, SEEK_END) != 0) {
        fail("cannot open", path);
        return NULL;
    }
    long size = ftell(f);
    if (size < 0 || fseek(f, 0, SEEK_SET) != 0) {
        fail("cannot read", path);
    }
    char *text = calloc((size_t)size + 1, 1);
    if (!text || fread(text, 1, (size_t)size, f) != (size_t)size) {
        fail("cannot read", path);
    }
    fclose(f);
    return text;
}

static const char *after_word(const char *line, const char *word)
{
    size_t n = strlen(word);
    return strncmp(line, word, n) == 0 && line[n] == ' ' ? line + n + 1 : NULL;
}

/* The name that an item's first line defines, or NULL if the line begins no item. */
static const char *defined_name(const char *line, bool *is_const, bool *is_grad)
{
    const char *name = after_word(line, "const");
    *is_const = name != NULL;
    *is_grad = false;
    if (!name && (name = after_word(line, "grad fn"))) {
        *is_grad = true;
    }
    return name ? name : after_word(line, "fn");
}

static item *add_item(items *list)
{
    if (list->n == list->capacity) {
        list->capacity = list->capacity ? 2 * list->capacity : 64;
        list->at = realloc(list->at, list->capacity * sizeof *list->at);
        if (!list->at) {
            fail("out of memory", "items");
        }
    }
    item *it = &list->at[list->n++];
    memset(it, 0, sizeof *it);
    return it;
}

static void name_item(item *it, const char *name, bool is_grad)
{
    size_t length = strcspn(name, " (=\n");
    size_t prefix = is_grad ? 5 : 0;
    if (length == 0 || length + prefix >= MAX_NAME) {
        fail("bad name", name);
    }
    memcpy(it->name, "grad ", prefix);
    memcpy(it->name + prefix, name, length);
    it->name[prefix + length] = 0;
}

/* Ends the open item, if any, before `end`, without the blank lines between. */
static void end_item(items *list, bool *open, const char *end)
{
    if (!*open) {
        return;
    }
    item *it = &list->at[list->n - 1];
    it->length = (size_t)(end - it->text);
    while (it->length > 0 && strchr("\n\r\t ", it->text[it->length - 1])) {
        it->length--;
    }
    *open = false;
}

static void collect(items *list, const char *path, const char *text)
{
    const char *slash = strrchr(path, '/');
    const char *comment = NULL; /* first of the comment lines directly above */
    const char *line = text;
    bool open = false;
    while (*line) {
        bool is_const, is_grad;
        const char *name = defined_name(line, &is_const, &is_grad);
        const char *start = comment ? comment : line;
        if (name || line[0] == '#') {
            end_item(list, &open, start);
        }
        if (name) {
            item *it = add_item(list);
            it->text = start;
            it->file = slash ? slash + 1 : path;
            it->is_const = is_const;
            name_item(it, name, is_grad);
            open = true;
        }
        comment = line[0] == '#' ? start : NULL;
        line += strcspn(line, "\n");
        line += *line == '\n';
    }
    end_item(list, &open, line);
}

static int by_name(const void *a, const void *b)
{
    return strcmp(((const item *)a)->name, ((const item *)b)->name);
}

/* As numbers: a string literal of more than 4095 bytes is not portable. */
static void write_text(FILE *out, size_t i, const item *it)
{
    fprintf(out, "static const char text_%zu[] = {", i);
    for (size_t k = 0; k < it->length; k++) {
        fprintf(out, "%s%d,", k % 20 == 0 ? "\n    " : " ", (signed char)it->text[k]);
    }
    fprintf(out, " 0\n};\n");
}

static void write_c(FILE *out, const items *list, const char *header)
{
    fprintf(out,
            "/* Made by tools/embed.c from the .fj files of src/ir/prelude. */\n"
            "#include \"%s\"\n\n",
            header);
    for (size_t i = 0; i < list->n; i++) {
        write_text(out, i, &list->at[i]);
    }
    fprintf(out, "\nconst prelude_item prelude_items[] = {\n");
    for (size_t i = 0; i < list->n; i++) {
        const item *it = &list->at[i];
        fprintf(out, "    { \"%s\", text_%zu, \"%s\", %d },\n", it->name, i, it->file,
                it->is_const);
    }
    fprintf(out, "};\nconst int32_t prelude_count = %zu;\n", list->n);
}

int main(int argc, char **argv)
{
    if (argc < 4) {
        fail("usage", "embed OUT.c HEADER.h FILE.fj...");
    }
    items list = { NULL, 0, 0 };
    for (int i = 3; i < argc; i++) {
        collect(&list, argv[i], read_whole(argv[i]));
    }
    if (list.n == 0) {
        fail("no items in", argv[3]);
        return 1;
    }
    qsort(list.at, list.n, sizeof *list.at, by_name);
    for (size_t i = 1; i < list.n; i++) {
        if (strcmp(list.at[i - 1].name, list.at[i].name) == 0) {
            fail("two items of one name", list.at[i].name);
        }
    }
    FILE *out = fopen(argv[1], "wb");
    if (!out) {
        fail("cannot write", argv[1]);
        return 1;
    }
    write_c(out, &list, argv[2]);
    if (fclose(out) != 0) {
        fail("cannot write", argv[1]);
    }
    return 0;
}
