/* Texts of `__metadata__`: all come back, what is no text of a file is refused, and none is lost when
 * an array is replaced. */
#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "failing_malloc.h"
#include "files_support.h"
#include "safetensors.h"

static float numbers[] = { 1, 2, 3 };

static jit_named one_array(const char *name)
{
    return (jit_named){ name, jit_array_of(JIT_F32, numbers, 1, (int64_t[]){ 3 }) };
}

static bool save(const jit_named_text *text, int32_t n, const char *path, jit_error *err)
{
    diag d;
    jit_named w = one_array("w");
    diag_init(&d, err, NULL);
    return safetensors_save_all(&(safetensors_content){ &w, text, 1, n }, path, &d);
}

static bool load(text_set *texts, const char *path, jit_error *err)
{
    diag d;
    array_set s;
    diag_init(&d, err, NULL);
    bool good = safetensors_load(&s, texts, path, &d);
    cr_assert_eq(good, err->status == JIT_OK);
    cr_assert_eq(s.n, good ? 1 : 0);
    array_set_free(&s);
    return good;
}

static const jit_named_text all[] = {
    { "program",
      "fn f(x) = x\n\t# \xC3\xA9\xE2\x82\xAC\xF0\x9D\x84\x9E \"quoted\" back\\slash\n" },
    { "control \x01\x1f\x7f", "\b\f\r" },
    { "\xE2\x82\xAC", "" },
    { "a", "{\"b\": [1]}" },
};
enum { ALL = sizeof all / sizeof *all };

Test(texts, every_text_comes_back, .fini = files_remove_folder)
{
    jit_error err;
    text_set texts;
    const char *path = files_path("x.safetensors");
    cr_assert(save(all, ALL, path, &err), "%s", err.diagnostic[0].message);
    cr_assert(load(&texts, path, &err), "%s", err.diagnostic[0].message);
    cr_assert_eq(texts.n, ALL);
    for (int i = 0; i < ALL; i++)
        cr_assert_str_eq(text_set_find(&texts, all[i].name), all[i].text);
    cr_assert_null(text_set_find(&texts, "b"));
    text_set_free(&texts);
    cr_assert(save(NULL, 0, path, &err) && load(&texts, path, &err));
    cr_assert_eq(texts.n, 0);
    text_set_free(&texts);
}

Test(texts, the_bytes_are_json, .fini = files_remove_folder)
{
    static const jit_named_text text[] = { { "p\"", "a\nb\\\x02" }, { "q", "\xC3\xA9" } };
    static const char header[] =
        "{\"__metadata__\":{\"p\\\"\":\"a\\nb\\\\\\u0002\",\"q\":\"\xC3\xA9\"},"
        "\"w\":{\"dtype\":\"F32\",\"shape\":[3],\"data_offsets\":[0,12]}}";
    jit_error err;
    cr_assert(save(text, 2, files_path("x.safetensors"), &err));
    bytes b = files_get(files_path("x.safetensors"));
    cr_assert_eq(memcmp(b.at + 8, header, sizeof header - 1), 0);
    bytes_free(&b);
}

Test(texts, stay_when_an_array_is_replaced, .fini = files_remove_folder)
{
    jit_error err;
    text_set texts;
    jit_array a;
    jit_named w = one_array("w");
    char path[256], member[300];
    (void)snprintf(path, sizeof path, "%s", files_path("x.safetensors"));
    (void)snprintf(member, sizeof member, "%s:w", path);
    cr_assert(save(all, ALL, path, &err));
    numbers[0] = 7;
    cr_assert_eq(jit_array_save(&w.array, member, &err), JIT_OK);
    cr_assert_eq(jit_array_load(&a, member, &err), JIT_OK);
    cr_assert_eq(((float *)a.data)[0], 7);
    jit_array_free(&a);
    cr_assert(load(&texts, path, &err));
    cr_assert_eq(texts.n, ALL);
    text_set_free(&texts);
}

Test(texts, what_cannot_be_saved, .fini = files_remove_folder)
{
    static const struct row {
        jit_named_text text[2];
        int32_t n;
    } rows[] = {
        { { { NULL, "" } }, 1 },
        { { { "", "" } }, 1 },
        { { { "a", NULL } }, 1 },
        { { { "\xC3", "" } }, 1 },
        { { { "a", "\xED\xA0\x80" } }, 1 },
        { { { "a", "1" }, { "a", "2" } }, 2 },
        { { { "a", "" } }, -1 },
        { { { "a", "" } }, TEXTS_MOST + 1 },
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        jit_error err;
        cr_assert_not(save(rows[i].text, rows[i].n, files_path("x.safetensors"), &err));
        cr_assert_eq(err.diagnostic[0].code, 659, "%zu", i);
        cr_assert_eq(err.status, JIT_ERR_ARGUMENT);
    }
    char *longest = malloc(SAFETENSORS_HEADER_MOST + 1);
    memset(longest, 'x', SAFETENSORS_HEADER_MOST);
    longest[SAFETENSORS_HEADER_MOST] = 0;
    jit_error err;
    cr_assert_not(
        save(&(jit_named_text){ "a", longest }, 1, files_path("x.safetensors"), &err));
    cr_assert_eq(err.diagnostic[0].code, 659);
    free(longest);
    cr_assert_eq(files_in_folder(), 0);
}

static void try_header(const char *header, jit_error *err)
{
    text_set texts;
    static const uint8_t zeros[12];
    files_take(files_path("h.safetensors"), bytes_safetensors(header, bytes_of(zeros, 12)));
    cr_assert_not(load(&texts, files_path("h.safetensors"), err), "%s", header);
    cr_assert_eq(texts.n, 0);
}

#define W "\"w\":{\"dtype\":\"F32\",\"shape\":[3],\"data_offsets\":[0,12]}}"

Test(texts, damaged_headers_are_refused, .fini = files_remove_folder)
{
    static const char *const rows[] = {
        "{\"__metadata__\":{\"a\":\"1\",\"a\":\"2\"}," W,
        "{\"__metadata__\":{\"a\":\"1\",\"\\u0061\":\"2\"}," W,
        "{\"__metadata__\":{\"a\":[\"1\"]}," W,
        "{\"__metadata__\":{\"a\":\"1\\u0000\"}," W,
        "{\"__metadata__\":{\"a\":\"\xC3\"}," W,
        "{\"__metadata__\":{\"a\":\"1\",}," W,
        "{\"__metadata__\":{\"a\":\"1\"},\"__metadata__\":{\"b\":\"1\"}," W,
    };
    jit_error err;
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        try_header(rows[i], &err);
        cr_assert_eq(err.diagnostic[0].code, 654, "%s", rows[i]);
    }
    char *many = malloc(64 + 16 * (TEXTS_MOST + 1)), *at = many;
    at += sprintf(at, "{\"__metadata__\":{");
    for (int i = 0; i <= TEXTS_MOST; i++)
        at += sprintf(at, "%s\"%d\":\"\"", i > 0 ? "," : "", i);
    (void)sprintf(at, "}," W);
    try_header(many, &err);
    cr_assert_eq(err.diagnostic[0].code, 654);
    free(many);
}

Test(texts, every_allocation_may_fail, .fini = files_remove_folder)
{
    enum { MOST = 100 };
    if (!failing_malloc_works())
        cr_skip_test("a sanitizer has its own malloc");
    const char *path = files_path("x.safetensors");
    bool failed = true;
    long k = 0;
    for (; failed && k < MOST; k++) {
        jit_error err;
        text_set texts;
        failing_malloc_arm(k, false);
        bool good = save(all, ALL, path, &err);
        failed = failing_malloc_disarm();
        cr_assert(good || failed);
        cr_assert(save(all, ALL, path, &err));
        failing_malloc_arm(k, false);
        good = load(&texts, path, &err);
        failed |= failing_malloc_disarm();
        cr_assert(good || (failed && err.status == JIT_ERR_MEMORY));
        text_set_free(&texts);
    }
    cr_assert(k > 5 && k < MOST);
}
