/* Tables to learn from: columns by name and number, labels as numbers and classes, and a message with
 * line and column for what is wrong. */
#include <criterion/criterion.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "failing_malloc.h"
#include "files_support.h"

static jit_status load(jit_table *t, const char *text, const jit_table_options *o,
                       jit_error *err)
{
    const char *path = files_path("t.csv");
    files_take(path, bytes_of(text, strlen(text)));
    return jit_table_load(t, path, o, err);
}

static void expect(const char *text, const jit_table_options *o, const char *wanted)
{
    jit_table t;
    jit_error err;
    char have[1024] = "";
    size_t n = 0;
    cr_assert_eq(load(&t, text, o, &err), JIT_OK, "%s: %s", text, err.diagnostic[0].message);
    for (int32_t i = 0; i < t.n_columns; i++)
        n += (size_t)snprintf(have + n, sizeof have - n, "%s,", t.column[i]);
    n += (size_t)snprintf(have + n, sizeof have - n, " %s:", t.label);
    for (int32_t i = 0; i < t.n_classes; i++)
        n += (size_t)snprintf(have + n, sizeof have - n, " %s", t.class_name[i]);
    cr_assert(t.x.dtype == JIT_F32 && t.x.rank == 2 && t.x.shape[1] == t.n_columns);
    cr_assert(!t.y.data || t.y.shape[0] == t.x.shape[0]);
    for (int64_t i = 0; i < t.x.shape[0]; i++) {
        n += (size_t)snprintf(have + n, sizeof have - n, ";");
        for (int64_t k = 0; k < t.x.shape[1]; k++)
            n += (size_t)snprintf(have + n, sizeof have - n, " %g",
                                  (double)((float *)t.x.data)[i * t.x.shape[1] + k]);
        if (t.y.data && t.y.dtype == JIT_I32)
            n += (size_t)snprintf(have + n, sizeof have - n, " ->%d", ((int *)t.y.data)[i]);
        else if (t.y.data)
            n += (size_t)snprintf(have + n, sizeof have - n, " =%g",
                                  (double)((float *)t.y.data)[i]);
    }
    cr_assert_str_eq(have, wanted);
    jit_table_free(&t);
    cr_assert_null(t.x.data);
}

#define OPTIONS(...) (&(jit_table_options){ .size = sizeof(jit_table_options), __VA_ARGS__ })

Test(table, labels_are_classes_or_numbers, .fini = files_remove_folder)
{
    expect("a,b,c\n1,2,x\n3,4,w\n5,6,x\n", NULL, "a,b, c: w x; 1 2 ->1; 3 4 ->0; 5 6 ->1");
    expect("a,c\n1,0\n2,2\n3,0", NULL, "a, c: 0 2; 1 ->0; 2 ->1; 3 ->0");
    expect("a,c\n1,0.5\n2,2\n", NULL, "a, c:; 1 =0.5; 2 =2");
    expect("a,c\n1,10\n2,9\n3,1e1\n", NULL, "a, c: 9 10; 1 ->1; 2 ->0; 3 ->1");
    expect("a,c\n1,10\n2,9\n3,x\n", NULL, "a, c: 10 9 x; 1 ->0; 2 ->1; 3 ->2");
    expect("a,c\n1,0\n2,2\n", OPTIONS(.labels = JIT_LABELS_NUMBERS), "a, c:; 1 =0; 2 =2");
    expect("a,c\n1,.5\n2,2\n", OPTIONS(.labels = JIT_LABELS_CLASSES),
           "a, c: .5 2; 1 ->0; 2 ->1");
    expect("a,c\n1,0\n2,nan\n", OPTIONS(.labels = JIT_LABELS_NONE), "a,c, :; 1 0; 2 nan");
    expect("a,c\n1,x\n2,\"x\"\n3,\"a \"\"b\"\"\"\n4, y \n", NULL,
           "a, c: a \"b\" x y; 1 ->1; 2 ->1; 3 ->0; 4 ->2");
}

Test(table, columns_are_chosen_by_name_or_number, .fini = files_remove_folder)
{
    static const char *const names[] = { "b", "a" }, *const numbers[] = { "2" };
    static const char text[] = "\xEF\xBB\xBF"
                               "a,\"the \"\"c\"\"\",b\r\n1,x,2\r\n3,y,4\r\n";
    expect(text, OPTIONS(.label = "the \"c\""), "a,b, the \"c\": x y; 1 2 ->0; 3 4 ->1");
    expect(text, OPTIONS(.label = "2"), "a,b, the \"c\": x y; 1 2 ->0; 3 4 ->1");
    expect(text, OPTIONS(.labels = JIT_LABELS_NONE, .column = names, .n_columns = 2),
           "b,a, :; 2 1; 4 3");
    expect("1,x,2\n3,y,4\n", OPTIONS(.label = "2"), ",, : x y; 1 2 ->0; 3 4 ->1");
    expect("1,5,2\n3,6,4\n", OPTIONS(.label = "3", .column = numbers, .n_columns = 1),
           ", : 2 4; 5 ->0; 6 ->1");
    expect("1,2\n", NULL, ", : 2; 1 ->0");
    expect("", NULL, " :");
    expect("a,c\n", NULL, "a, c:");
}

Test(table, classes_that_are_known, .fini = files_remove_folder)
{
    static const char *const texts[] = { "no", "yes" }, *const numbers[] = { "3", "1" };
    expect("a,c\n1,yes\n2,yes\n", OPTIONS(.class_name = texts, .n_classes = 2),
           "a, c: no yes; 1 ->1; 2 ->1");
    expect("a,c\n1,1.0\n2,3\n", OPTIONS(.class_name = numbers, .n_classes = 2),
           "a, c: 3 1; 1 ->1; 2 ->0");
}

Test(table, what_is_wrong_is_told_with_its_place, .fini = files_remove_folder)
{
    static const char *const twice[] = { "a", "a" }, *const known[] = { "u", "v" };
    static const char *const label[] = { "c" };
    const struct row {
        const char *text;
        const jit_table_options *o;
        int32_t code;
        const char *part;
    } rows[] = {
        { "a,c\n1,x\n?,y\n", NULL, 640, "line 3 of" },
        { "a,b,c\n1,2,x\n3,,y\n", NULL, 640, "column 2: '' is no number" },
        { "a,c\n1,x\n2,y,z\n", NULL, 641, "line 3" },
        { "a,b,c\n1,x\n", NULL, 641, "2 fields, not 3" },
        { "a,b\n1,x\n1\n", NULL, 641, "has 1 field, not 2" },
        { "a,c\n1,\"x\n", NULL, 642, "not closed" },
        { "a,c\n1,x\n2,\n", NULL, 644, "line 3 of" },
        { "a,c\n1,x\n2,\n", NULL, 644, "column 2 'c': the label is missing" },
        { "a,c\n1,\xC3\n", NULL, 644, "UTF-8" },
        { "a,\xC3\n1,2\n", NULL, 644, "line 1" },
        { "a,c\n1,nan\n", OPTIONS(.labels = JIT_LABELS_CLASSES), 644, "nan" },
        { "a,c\n1,x\n", OPTIONS(.labels = JIT_LABELS_NUMBERS), 640, "column 2: 'x'" },
        { "a,c\n1,x\n", OPTIONS(.class_name = known, .n_classes = 2), 644,
          "'x' is none of the 2" },
        { "abc,c\n1,x\n", OPTIONS(.label = "abd"), 643, "no column 'abd'" },
        { "abc,c\n1,x\n", OPTIONS(.label = "3"), 643, "no column '3'" },
        { "1,x\n", OPTIONS(.label = "c"), 643, "no column 'c'" },
        { "a,a\n1,x\n", OPTIONS(.label = "a"), 643, "two columns" },
        { "a,c\n1,x\n", OPTIONS(.column = twice, .n_columns = 2), 643, "twice" },
        { "a,c\n1,x\n", OPTIONS(.column = label, .n_columns = 1), 643, "twice" },
        { "a,c\n1,x\n", OPTIONS(.n_columns = 1), 531, "" },
        { "a,c\n1,x\n", OPTIONS(.labels = (jit_labels)7), 531, "" },
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        jit_table t;
        jit_error err;
        cr_assert_neq(load(&t, rows[i].text, rows[i].o, &err), JIT_OK, "%s", rows[i].text);
        cr_expect_eq(err.diagnostic[0].code, rows[i].code, "%s: E%04d %s", rows[i].text,
                     (int)err.diagnostic[0].code, err.diagnostic[0].message);
        cr_expect(strstr(err.diagnostic[0].message, rows[i].part), "%s: %s", rows[i].text,
                  err.diagnostic[0].message);
        cr_assert(!t.x.data && !t.memory);
    }
    jit_table t;
    jit_error err;
    cr_assert_eq(jit_table_load(NULL, "x.csv", NULL, &err), JIT_ERR_ARGUMENT);
    cr_assert_eq(jit_table_load(&t, NULL, NULL, &err), JIT_ERR_ARGUMENT);
    cr_assert_eq(jit_table_load(&t, files_path("none.csv"), NULL, &err), JIT_ERR_FILE);
    jit_table_free(&t);
    jit_table_free(NULL);
}

/* Any bytes: a table or a reason. */
Test(table, random_text, .fini = files_remove_folder)
{
    static const char piece[][6] = { ",",    "\n", "\"",   "1",    "x",   "nan",
                                     "\r\n", " ",  "-2.5", "\xC3", "\"\"" };
    uint64_t random = 5;
    for (int i = 0; i < 2000; i++) {
        char text[256] = "";
        jit_table t;
        jit_error err;
        for (uint64_t n = files_random(&random) % 30; n > 0; n--)
            strcat(text, piece[files_random(&random) % (sizeof piece / sizeof *piece)]);
        jit_table_options o = { .size = sizeof o };
        o.labels = (jit_labels)(files_random(&random) % 4);
        jit_status s = load(&t, text, &o, &err);
        cr_assert(s == JIT_OK || err.diagnostic[0].message[0]);
        jit_table_free(&t);
    }
}

Test(table, every_allocation_may_fail, .fini = files_remove_folder)
{
    if (!failing_malloc_works())
        cr_skip_test("a sanitizer has its own malloc");
    const char *path = files_path("t.csv");
    files_take(path, bytes_of("a,b,c\n1,2,x\n3,4,w\n", 18));
    bool failed = true;
    for (long k = 0; failed && k < 100; k++) {
        jit_table t;
        jit_error err;
        failing_malloc_arm(k, false);
        jit_status s = jit_table_load(&t, path, NULL, &err);
        failed = failing_malloc_disarm();
        cr_assert(s == (failed ? JIT_ERR_MEMORY : JIT_OK));
        jit_table_free(&t);
    }
}
