/* Models in files: what is saved comes back and computes the same, what is damaged or foreign is
 * refused with a reason. */
#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "failing_malloc.h"
#include "files_support.h"
#include "safetensors.h"

static const char text[] = "# a comment that stays\n"
                           "fn net(x: [k]; n: dim, act: fn) -> [n] {\n"
                           "  let h = dense(x; 5, act)  return dense(h; n)\n}\n";

static const jit_static statics[] = { { "n", NULL, 3 }, { "act", "tanh", 0 } };
static const jit_named_text notes[] = { { "class.0", "\xC3\xA9t\xC3\xA9" }, { "made", "" } };

typedef struct fixture {
    jit_model model;
    char path[256];
} fixture;

static fixture begin(void)
{
    jit_error err;
    fixture f = { .model = { .size = sizeof(jit_model),
                             .function = "net",
                             .signature = "f32[4]",
                             .statics = statics,
                             .n_statics = 2,
                             .text = notes,
                             .n_texts = 2 } };
    f.model.module = jit_compile(text, NULL, &err);
    cr_assert(f.model.module, "%s", err.diagnostic[0].message);
    jit_params_options o = { .size = sizeof o, .statics = statics, .n_statics = 2 };
    f.model.params = jit_params_new(f.model.module, "net", "f32[4]", &o, &err);
    cr_assert(f.model.params, "%s", err.diagnostic[0].message);
    (void)snprintf(f.path, sizeof f.path, "%s", files_path("m.safetensors"));
    return f;
}

static void end(fixture *f)
{
    jit_params_free(f->model.params);
    jit_release(f->model.module);
    files_remove_folder();
}

static void run(const jit_model *m, float y[3])
{
    float x[4] = { 1, -2, 0.5F, 3 };
    jit_error err;
    jit_array in = jit_array_of(JIT_F32, x, 1, (int64_t[]){ 4 });
    jit_array out = jit_array_of(JIT_F32, y, 1, (int64_t[]){ 3 });
    jit_args args = { .in = &in, .n_in = 1, .out = &out, .n_out = 1, .params = m->params };
    args.statics = m->statics;
    args.n_statics = m->n_statics;
    cr_assert_eq(jit_call(m->module, m->function, &args, &err), JIT_OK, "%s",
                 err.diagnostic[0].message);
}

Test(model, comes_back_whole)
{
    fixture f = begin();
    jit_error err;
    float was[3], is[3];
    cr_assert_eq(jit_model_save(&f.model, f.path, &err), JIT_OK, "%s",
                 err.diagnostic[0].message);
    jit_model *m = jit_model_load(f.path, NULL, &err);
    cr_assert(m, "%s", err.diagnostic[0].message);
    cr_assert_str_eq(m->function, "net");
    cr_assert_str_eq(m->signature, "f32[4]");
    cr_assert_eq(m->n_statics, 2);
    cr_assert_str_eq(jit_model_text(m, "class.0"), notes[0].text);
    cr_assert_str_eq(jit_model_text(m, "made"), "");
    cr_assert_null(jit_model_text(m, "fusejit.program"));
    run(&f.model, was);
    run(m, is);
    cr_assert_arr_eq(was, is, sizeof was);
    bytes b = files_get(f.path);
    cr_assert(memmem(b.at, b.n, "# a comment that stays\\n", 24));
    bytes_free(&b);
    jit_model again = *m;
    cr_assert_eq(jit_model_save(&again, files_path("n.safetensors"), &err), JIT_OK);
    bytes one = files_get(f.path), two = files_get(files_path("n.safetensors"));
    cr_assert(one.n == two.n && memcmp(one.at, two.at, one.n) == 0);
    bytes_free(&one);
    bytes_free(&two);
    jit_model_free(m);
    jit_model_free(NULL);
    end(&f);
}

/* A module of two texts is written as the tree of both. */
Test(model, of_an_expression)
{
    jit_error err;
    jit_model m = { .size = sizeof m, .function = "ans", .signature = "f32[4]" };
    static const char *const name = "x";
    jit_array four = { .rank = 1, .shape = { 4 } };
    jit_options o = { .size = sizeof o, .arguments = &name, .n_arguments = 1 };
    o.argument_shapes = &four;
    m.module = jit_compile_expression("const two = 2\nfn f(x: [k]) = dense(x; 3)*two",
                                      "f(x) + 1", &o, &err);
    m.params = jit_params_new(m.module, "ans", "f32[4]", NULL, &err);
    cr_assert(m.params, "%s", err.diagnostic[0].message);
    cr_assert_eq(jit_model_save(&m, files_path("e.safetensors"), &err), JIT_OK, "%s",
                 err.diagnostic[0].message);
    jit_model *back = jit_model_load(files_path("e.safetensors"), NULL, &err);
    cr_assert(back, "%s", err.diagnostic[0].message);
    float was[3], is[3];
    run(&m, was);
    run(back, is);
    cr_assert_arr_eq(was, is, sizeof was);
    jit_model_free(back);
    jit_params_free(m.params);
    jit_release(m.module);
    files_remove_folder();
}

static void expect_refused(const jit_model *m, const char *path, int32_t code)
{
    jit_error err;
    jit_status status = jit_model_save(m, path, &err);
    cr_assert_neq(status, JIT_OK);
    cr_assert_eq(err.diagnostic[0].code, code, "E%04d %s", (int)err.diagnostic[0].code,
                 err.diagnostic[0].message);
}

Test(model, what_cannot_be_saved)
{
    fixture f = begin();
    static const jit_named_text ours = { "fusejit.program", "" }, bad = { "\xC3", "" };
    jit_model m = f.model;
    expect_refused(NULL, f.path, 500);
    expect_refused(&m, NULL, 500);
    expect_refused(&m, files_path("m.npz"), 664);
    expect_refused(&m, files_path("m.safetensors:a"), 664);
    expect_refused(&m, files_path("no/m.safetensors"), 604);
    m.function = "nets";
    expect_refused(&m, f.path, 502);
    m.function = NULL;
    expect_refused(&m, f.path, 500);
    m = f.model;
    m.text = &ours, m.n_texts = 1;
    expect_refused(&m, f.path, 664);
    m.text = &bad;
    expect_refused(&m, f.path, 659);
    m = f.model;
    m.n_statics = -1;
    expect_refused(&m, f.path, 531);
    m.size = 0;
    expect_refused(&m, f.path, 501);
    cr_assert_eq(files_in_folder(), 0);
    end(&f);
}

/* -------------------------------------------------------------------------- loading */

/* The file with one thing of it changed: a text (NULL: without it), or an array's name. */
typedef struct change {
    const char *name, *text, *array;
    int32_t code;
} change;

static void save_changed(const fixture *f, const change *c)
{
    array_set s;
    text_set t;
    jit_error err;
    diag d;
    diag_init(&d, &err, NULL);
    cr_assert(safetensors_load(&s, &t, f->path, &d));
    for (int32_t i = 0; i < t.n; i++)
        if (strcmp(t.item[i].name, c->name) == 0) {
            free((void *)(uintptr_t)t.item[i].text);
            t.item[i].text = strdup(c->text ? c->text : "");
            if (!c->text)
                ((char *)(uintptr_t)t.item[i].name)[0] = 'x';
        }
    for (int32_t i = 0; i < s.n; i++)
        if (c->array && strcmp(s.item[i].name, c->name) == 0) {
            free((void *)(uintptr_t)s.item[i].name);
            s.item[i].name = strdup(c->array);
        }
    safetensors_content all = { s.item, t.item, s.n, t.n };
    cr_assert(safetensors_save_all(&all, files_path("c.safetensors"), &d));
    array_set_free(&s);
    text_set_free(&t);
}

Test(model, what_is_no_model_is_refused)
{
    static const change rows[] = {
        { "fusejit.model", NULL, NULL, 663 },
        { "fusejit.model", "2", NULL, 663 },
        { "fusejit.program", NULL, NULL, 663 },
        { "fusejit.function", NULL, NULL, 663 },
        { "fusejit.function", "nets", NULL, 502 },
        { "fusejit.program", "fn net(x) = y", NULL, 100 },
        { "fusejit.program", "fn net(", NULL, 11 },
        { "fusejit.program", "fn net(x: [k]) = dense(x; 3)", NULL, 520 },
        { "fusejit.signature", "f32[5]", NULL, 540 },
        { "fusejit.signature", "f32[", NULL, 518 },
        { "fusejit.signature", NULL, NULL, 540 },
        { "fusejit.static.n", "4", NULL, 540 },
        { "fusejit.static.n", NULL, NULL, 520 },
        { "fusejit.static.n", "99999999999999999999", NULL, 520 },
        { "fusejit.static.act", "tan h", NULL, 101 },
        { "net.dense.W", NULL, "net.dense.V", 539 },
        { "net.dense.b", NULL, "c", 539 },
    };
    fixture f = begin();
    cr_assert_eq(jit_model_save(&f.model, f.path, NULL), JIT_OK);
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        jit_error err;
        save_changed(&f, &rows[i]);
        cr_assert_null(jit_model_load(files_path("c.safetensors"), NULL, &err), "%zu", i);
        cr_expect_eq(err.diagnostic[0].code, rows[i].code, "%zu: E%04d %s", i,
                     (int)err.diagnostic[0].code, err.diagnostic[0].message);
        cr_assert_null(jit_model_load(files_path("c.safetensors"), NULL, NULL));
    }
    jit_error err;
    cr_assert_null(jit_model_load(NULL, NULL, &err));
    cr_assert_null(jit_model_load(files_path("none.safetensors"), NULL, &err));
    cr_assert_eq(err.status, JIT_ERR_FILE);
    end(&f);
}

/* The program is a stranger's: it has the context's limits. */
Test(model, a_program_over_the_limits_is_refused)
{
    fixture f = begin();
    jit_error err;
    jit_context_options o = { .size = sizeof o, .limits = { .text_bytes = 20 } };
    jit_context *c = jit_context_new(&o, &err);
    cr_assert_eq(jit_model_save(&f.model, f.path, &err), JIT_OK);
    cr_assert_null(jit_model_load(
        f.path, &(jit_options){ .size = sizeof(jit_options), .context = c }, &err));
    cr_assert_eq(err.status, JIT_ERR_LIMIT, "%s", err.diagnostic[0].message);
    jit_context_free(c);
    end(&f);
}

Test(model, damaged_bytes_are_refused_or_make_no_difference)
{
    fixture f = begin();
    cr_assert_eq(jit_model_save(&f.model, f.path, NULL), JIT_OK);
    bytes b = files_get(f.path);
    uint64_t random = 1;
    jit_options o = { .size = sizeof o, .interpret = 1 };
    for (int i = 0; i < 150; i++) {
        jit_error err;
        bytes damaged = bytes_of(b.at, i % 3 ? b.n : files_random(&random) % b.n);
        if (i % 3 && damaged.n)
            damaged.at[files_random(&random) % (i % 2 ? damaged.n : 600)] ^=
                (uint8_t)(1 << files_random(&random) % 8);
        files_take(files_path("d.safetensors"), damaged);
        jit_model *m = jit_model_load(files_path("d.safetensors"), &o, &err);
        cr_assert(m || err.diagnostic[0].message[0]);
        jit_model_free(m);
    }
    bytes_free(&b);
    end(&f);
}

Test(model, every_allocation_may_fail)
{
    if (!failing_malloc_works())
        cr_skip_test("a sanitizer has its own malloc");
    fixture f = begin();
    jit_options o = { .size = sizeof o, .interpret = 1 };
    bool failed = true;
    for (long k = 0; failed && k < 300; k++) {
        jit_error err;
        failing_malloc_arm(k, false);
        (void)jit_model_save(&f.model, f.path, &err);
        failed = failing_malloc_disarm();
        cr_assert(err.status == JIT_OK || failed);
        cr_assert_eq(jit_model_save(&f.model, f.path, NULL), JIT_OK);
        failing_malloc_arm(k, false);
        jit_model *m = jit_model_load(f.path, &o, &err);
        failed |= failing_malloc_disarm();
        cr_assert(m || (failed && err.status == JIT_ERR_MEMORY), "%ld: %s", k,
                  err.diagnostic[0].message);
        jit_model_free(m);
    }
    end(&f);
}
