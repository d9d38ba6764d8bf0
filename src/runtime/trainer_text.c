/* Writes the functions of a step of training behind the user's program. */
#include "trainer_text.h"

#include <string.h>

#include "parse.h"
#include "writer.h"

/* -------------------------------------------------------------------------- types */

static void put_type(writer *w, jit_dtype t, const char *first, const int64_t *extent,
                     int32_t rank)
{
    bool some = first || rank > 0;
    write_format(w, "%s%s%s", jit_dtype_name(t), some ? "[" : "", first ? first : "");
    for (int32_t i = 0; i < rank; i++)
        write_format(w, "%s%lld", i > 0 || first ? "," : "", (long long)extent[i]);
    write_format(w, "%s", some ? "]" : "");
}

static void put_names(writer *w, const char *name, int32_t n, bool more)
{
    for (int32_t i = 0; i < n; i++)
        write_format(w, "%s%s%d", i > 0 || more ? ", " : "", name, (int)i);
}

/* Of 16-bit parameters gradients and state are f32. */
jit_dtype trainer_wide_type(jit_dtype t)
{
    return t == JIT_F16 || t == JIT_BF16 ? JIT_F32 : t;
}

static void put_data(writer *w, const trainer_text *t)
{
    const jit_array *c = &t->t->class_weight;
    for (int32_t i = 0; i < t->types->n_in; i++) {
        write_format(w, "%sa%d: ", i > 0 ? ", " : "", (int)i);
        put_type(w, t->types->in[i], "b", t->types->extent[i], t->types->rank[i]);
    }
    if (c->rank > 0) {
        write_format(w, ", class_weight: ");
        put_type(w, c->dtype, NULL, c->shape, c->rank);
    }
}

static void put_data_names(writer *w, const trainer_text *t)
{
    put_names(w, "a", t->types->n_in, false);
    write_format(w, "%s", t->t->class_weight.rank > 0 ? ", class_weight" : "");
}

static void put_params(writer *w, const trainer_text *t)
{
    for (int32_t i = 0; i < t->t->n_params; i++) {
        const jit_array *a = &jit_params_at(t->params, i)->array;
        write_format(w, ", p%d: ", (int)i);
        put_type(w, a->dtype, NULL, a->shape, a->rank);
    }
}

/* Arguments of the shape of each trained parameter, in its type or a wider one. */
static void put_likes(writer *w, const trainer_text *t, const char *name, bool wide)
{
    for (int32_t i = 0; i < t->t->n_trained; i++) {
        const jit_array *a = &jit_params_at(t->params, t->t->trained[i])->array;
        write_format(w, "%s%s%d: ", wide || i > 0 ? ", " : "", name, (int)t->t->trained[i]);
        put_type(w, wide ? trainer_wide_type(a->dtype) : a->dtype, NULL, a->shape, a->rank);
    }
}

static void put_states(writer *w, const trainer_text *t)
{
    for (int32_t i = 0; i < t->t->n_trained; i++) {
        const jit_array *a = &jit_params_at(t->params, t->t->trained[i])->array;
        for (int32_t k = 0; k < t->t->n_states; k++) {
            write_format(w, ", s%d_%d: ", (int)t->t->trained[i], (int)k);
            put_type(w, trainer_wide_type(a->dtype), NULL, a->shape, a->rank);
        }
    }
}

/* u0, u1, ..: no name that a user's function has. */
static void put_uniforms(writer *w, const trainer_uniforms *u)
{
    for (int32_t i = 0; i < u->n; i++) {
        bool real = strcmp(u->of[i].type, "real") == 0;
        write_format(w, "%su%d%s%s", i > 0 ? ", " : "; ", (int)i, real ? "" : ": ",
                     real ? "" : u->of[i].type);
    }
}

/* -------------------------------------------------------------------------- loss, gradients */

static void put_trained(writer *w, const trainer_text *t, const char *name, bool more)
{
    for (int32_t i = 0; i < t->t->n_trained; i++)
        write_format(w, "%s%s%d", i > 0 || more ? ", " : "", name, (int)t->t->trained[i]);
}

#define TRAINING "; training = 1"

/* The loss of a sample times the weight of its class, its last argument. */
static void put_weighted(writer *w, const trainer_text *t)
{
    const jit_array *c = &t->t->class_weight;
    int32_t n = t->types->n_in;
    write_format(w, "fn weighted_of_training(");
    for (int32_t i = 0; i < n; i++) {
        write_format(w, "a%d: ", (int)i);
        put_type(w, t->types->in[i], NULL, t->types->extent[i], t->types->rank[i]);
        write_format(w, ", ");
    }
    write_format(w, "class_weight: ");
    put_type(w, c->dtype, NULL, c->shape, c->rank);
    write_format(w, ") = class_weight[a%d]*%s(", (int)n - 1, t->loss);
    put_names(w, "a", n, false);
    write_format(w, "%s)\n", t->loss_trains ? TRAINING : "");
}

static void put_batch(writer *w, const trainer_text *t)
{
    bool weighted = t->t->class_weight.rank > 0;
    if (weighted)
        put_weighted(w, t);
    write_format(w, "fn " TRAINER_BATCH "(");
    put_data(w, t);
    put_params(w, t);
    write_format(w, ") = (mean(%s(", weighted ? "weighted_of_training" : t->loss);
    put_data_names(w, t);
    write_format(w, "%s))", t->loss_trains && !weighted ? TRAINING : "");
    if (t->model) {
        write_format(w, ", %s(", t->model);
        put_names(w, "a", t->n_model, false);
        write_format(w, "%s)", t->model_trains ? TRAINING : "");
    }
    write_format(w, ")\nfn gradients_of_training(");
    put_data(w, t);
    put_params(w, t);
    write_format(w, ") = value_and_grad(" TRAINER_BATCH "; ");
    put_trained(w, t, "p", false);
    write_format(w, ")(");
    put_data_names(w, t);
    put_names(w, "p", t->t->n_params, true);
    write_format(w, ")\n");
}

static void put_gradients(writer *w, const trainer_text *t)
{
    write_format(w, "  let (loss_of_training");
    put_trained(w, t, "g", true);
    write_format(w, "%s) = gradients_of_training(", t->model ? ", prediction_of_training" : "");
    put_data_names(w, t);
    put_names(w, "p", t->t->n_params, true);
    write_format(w, ")\n");
}

/* -------------------------------------------------------------------------- update */

static int32_t find_owner(const trainer_uniforms *u, trainer_owner owner)
{
    for (int32_t i = 0; i < u->n; i++)
        if (u->of[i].owner == owner)
            return i;
    return -1;
}

/* Of the elements of b_i, summed. */
static void put_squares(writer *w, const trainer_text *t, int32_t i, bool more)
{
    int32_t rank = jit_params_at(t->params, i)->array.rank;
    write_format(w, "%s%s", more ? " + " : "", rank > 0 ? "sum[" : "");
    put_names(w, "i", rank, false);
    write_format(w, rank > 0 ? "](b%d[" : "b%d*", (int)i);
    put_names(w, "i", rank, false);
    write_format(w, rank > 0 ? "]*b%d[" : "b%d", (int)i);
    put_names(w, "i", rank, false);
    write_format(w, "%s", rank > 0 ? "])" : "");
}

/* c0, c1, ..: the gradients, clipped. By value first, so that the norm holds in any case. */
static void put_clipped(writer *w, const trainer_text *t, const trainer_uniforms *u)
{
    int32_t value = find_owner(u, UNIFORM_CLIP_VALUE), norm = find_owner(u, UNIFORM_CLIP_NORM);
    for (int32_t i = 0; i < t->t->n_trained; i++) {
        int k = (int)t->t->trained[i];
        if (value >= 0)
            write_format(w, "  let b%d = min(max(g%d, -u%d), u%d)\n", k, k, (int)value,
                         (int)value);
        else
            write_format(w, "  let b%d = g%d\n", k, k);
    }
    if (norm >= 0) {
        write_format(w, "  let norm_of_training = sqrt(");
        for (int32_t i = 0; i < t->t->n_trained; i++)
            put_squares(w, t, t->t->trained[i], i > 0);
        write_format(
            w,
            ")\n  let share_of_training = norm_of_training > u%d ? u%d/norm_of_training : 1\n",
            (int)norm, (int)norm);
    }
    for (int32_t i = 0; i < t->t->n_trained; i++) {
        int k = (int)t->t->trained[i];
        write_format(w, "  let c%d = b%d%s\n", k, k, norm >= 0 ? "*share_of_training" : "");
    }
}

/* "; name = u0, .." of those that belong to `owner`, t as `steps` says. */
static bool put_given(writer *w, const trainer_uniforms *u, trainer_owner owner)
{
    bool any = false;
    for (int32_t i = 0; i < u->n; i++) {
        if (u->of[i].owner != owner)
            continue;
        write_format(w, "%s%s = u%d", any ? ", " : "; ", u->of[i].name, (int)i);
        any = true;
    }
    return any;
}

typedef struct trained_array { /* of parameter n: state k, or -1 */
    int32_t n, k, rank;
} trained_array;

static void put_element(writer *w, const char *letter, const trained_array *a)
{
    write_format(w, "%s%d", letter, (int)a->n);
    if (a->k >= 0)
        write_format(w, "_%d", (int)a->k);
    write_format(w, "%s", a->rank > 0 ? "[" : "");
    put_names(w, "i", a->rank, false);
    write_format(w, "%s", a->rank > 0 ? "]" : "");
}

/* n0 = fine_of_training ? now : before, element by element. */
static void put_held(writer *w, const trained_array *a, const char *now, const char *before)
{
    write_format(w, "  let ");
    put_element(w, "n", a);
    write_format(w, " = fine_of_training ? ");
    put_element(w, now, a);
    write_format(w, " : ");
    put_element(w, before, a);
    write_format(w, "\n");
}

/* The step goes on if the loss is a number. */
static void put_fine(writer *w)
{
    write_format(w, "  let fine_of_training = isfinite(loss_of_training)\n");
}

static void put_held_update(writer *w, const trainer_text *t)
{
    put_fine(w);
    for (int32_t i = 0; i < t->t->n_trained; i++) {
        int32_t n = t->t->trained[i];
        trained_array a = { n, -1, jit_params_at(t->params, n)->array.rank };
        put_held(w, &a, "q", "p");
        for (a.k = 0; a.k < t->t->n_states; a.k++)
            put_held(w, &a, "r", "s");
    }
}

static void put_optimizer(writer *w, const trainer_text *t, const trainer_uniforms *u,
                          int32_t i)
{
    int32_t n = t->t->n_states, steps = find_owner(u, UNIFORM_STEPS);
    write_format(w, "  let %sq%d", n > 0 ? "(" : "", (int)i);
    for (int32_t k = 0; k < n; k++)
        write_format(w, ", r%d_%d", (int)i, (int)k);
    write_format(w, "%s = %s(p%d, c%d", n > 0 ? ")" : "", t->optimizer, (int)i, (int)i);
    for (int32_t k = 0; k < n; k++)
        write_format(w, ", s%d_%d", (int)i, (int)k);
    bool any = put_given(w, u, UNIFORM_OPTIMIZER);
    if (steps >= 0 && t->counts) {
        write_format(w, "%st = u%d", any ? ", " : "; ", (int)steps);
        any = true;
    }
    if (t->schedule)
        write_format(w, "%slr = rate_of_step", any ? ", " : "; ");
    write_format(w, ")\n");
}

static void put_update(writer *w, const trainer_text *t, const trainer_uniforms *u)
{
    put_clipped(w, t, u);
    if (t->schedule) {
        write_format(w, "  let rate_of_step = %s(u%d - 1", t->schedule,
                     (int)find_owner(u, UNIFORM_STEPS));
        put_given(w, u, UNIFORM_SCHEDULE);
        write_format(w, ")\n");
    }
    for (int32_t i = 0; i < t->t->n_trained; i++)
        put_optimizer(w, t, u, t->t->trained[i]);
}

/* Parameters q0, q1, .., states r0_0, r0_1, .. */
static void put_new(writer *w, const trainer_text *t, const char *param, const char *state)
{
    put_trained(w, t, param, false);
    for (int32_t i = 0; i < t->t->n_trained; i++)
        for (int32_t k = 0; k < t->t->n_states; k++)
            write_format(w, ", %s%d_%d", state, (int)t->t->trained[i], (int)k);
}

static void put_end(writer *w, const trainer_text *t)
{
    write_format(w, "%s\n}\n", t->model ? ", prediction_of_training" : "");
}

/* -------------------------------------------------------------------------- the kernels */

static void put_fused_step(writer *w, const trainer_text *t)
{
    const trainer_uniforms *u = &t->t->step_uniforms;
    write_format(w, "fn " TRAINER_STEP "(");
    put_data(w, t);
    put_params(w, t);
    put_states(w, t);
    put_uniforms(w, u);
    write_format(w, ") {\n");
    put_gradients(w, t);
    put_update(w, t, u);
    put_held_update(w, t);
    write_format(w, "  return loss_of_training, ");
    put_new(w, t, "n", "n");
    put_end(w, t);
}

static void put_held_mean(writer *w, const trainer_text *t)
{
    put_fine(w);
    for (int32_t i = 0; i < t->t->n_trained; i++) {
        int32_t n = t->t->trained[i];
        trained_array a = { n, -1, jit_params_at(t->params, n)->array.rank };
        write_format(w, "  let m%d = u0 > 0 ? u0*h%d + u1*g%d : g%d\n", (int)n, (int)n, (int)n,
                     (int)n);
        put_held(w, &a, "m", "h");
    }
}

/* With the mean of the gradients so far, h0, h1, .., if a share of them is asked for. */
static void put_stored_step(writer *w, const trainer_text *t)
{
    const trainer_uniforms *u = &t->t->step_uniforms;
    bool more = u->n > 0;
    write_format(w, "fn " TRAINER_STEP "(");
    put_data(w, t);
    put_params(w, t);
    if (more)
        put_likes(w, t, "h", true);
    put_uniforms(w, u);
    write_format(w, ") {\n");
    put_gradients(w, t);
    if (more)
        put_held_mean(w, t);
    write_format(w, "  return loss_of_training");
    put_trained(w, t, more ? "n" : "g", true);
    put_end(w, t);
}

static void put_stored_update(writer *w, const trainer_text *t)
{
    const trainer_uniforms *u = &t->t->update_uniforms;
    write_format(w, "fn " TRAINER_UPDATE "(");
    put_likes(w, t, "p", false);
    put_likes(w, t, "g", true);
    put_states(w, t);
    put_uniforms(w, u);
    write_format(w, ") {\n");
    put_update(w, t, u);
    write_format(w, "  return ");
    put_new(w, t, "q", "r");
    write_format(w, "\n}\n");
}

/* Of step t, by the schedule. */
static void put_rate(writer *w, const trainer_text *t, const trainer_uniforms *u)
{
    write_format(w, "fn " TRAINER_RATE "(t: f64");
    put_uniforms(w, u);
    write_format(w, ") = f64(%s(t - 1", t->schedule);
    put_given(w, u, UNIFORM_SCHEDULE);
    write_format(w, "))\n");
}

/* -------------------------------------------------------------------------- the program */

static bool name_params(jit_module *m, const trainer_text *t, const source *ours)
{
    int32_t n = t->t->n_params;
    param_argument *list = arena_alloc(m->ar, ((size_t)n + 1) * sizeof *list);
    for (int32_t i = 0; list && i < n; i++) {
        const char *path = jit_params_at(t->params, i)->name;
        list[i].path = arena_text(m->ar, path, strlen(path));
        list[i].argument = arena_format(m->ar, "p%d", (int)i);
        if (!list[i].path || !list[i].argument)
            return false;
    }
    if (list)
        program_set_param_arguments(m->program, list, n, ours);
    return list != NULL;
}

/* `made` goes on with m by the functions of a text. */
static jit_module *finish(jit_module *made, const jit_module *m, const source *ours, diag *d)
{
    const jit_limits *limits = &made->context->limits;
    const ast_program *more = ours ? parse_program(made->ar, ours, limits, d) : NULL;
    made->tree = more ? module_program(made, m->tree, more->fns, more->n_fns) : NULL;
    if (!made->tree && !diag_failed(d))
        diag_no_memory(d);
    return module_finish(made, d);
}

jit_module *trainer_module(jit_module *m, const trainer_text *t, diag *d)
{
    jit_module *made = module_over(m, d);
    if (!made)
        return NULL;
    writer w = { .ar = made->ar };
    bool stored = t->t->gradient != NULL;
    put_batch(&w, t);
    if (stored) {
        put_stored_step(&w, t);
        put_stored_update(&w, t);
    } else {
        put_fused_step(&w, t);
    }
    if (t->schedule)
        put_rate(&w, t, stored ? &t->t->update_uniforms : &t->t->step_uniforms);
    const source *ours = w.failed ? NULL : module_source(made, "<step>", w.text, d);
    made = finish(made, m, ours, d);
    if (made)
        program_repeat_draws(made->program, TRAINER_BATCH);
    if (!made || name_params(made, t, ours))
        return made;
    diag_no_memory(d);
    jit_release(made);
    return NULL;
}

/* -------------------------------------------------------------------------- evaluation */

static void put_evaluation(writer *w, const evaluation_text *t)
{
    write_format(w, "fn " TRAINER_EVALUATION "(");
    for (int32_t i = 0; i < t->types->n_in; i++) {
        write_format(w, "%sa%d: ", i > 0 ? ", " : "", (int)i);
        put_type(w, t->types->in[i], NULL, t->types->extent[i], t->types->rank[i]);
    }
    write_format(w, ") = (f64(%s(", t->loss);
    put_names(w, "a", t->types->n_in, false);
    write_format(w, "))");
    if (t->model) {
        write_format(w, ", %s(", t->model);
        put_names(w, "a", t->n_model, false);
        write_format(w, ")");
    }
    write_format(w, ")\n");
}

jit_module *trainer_evaluation(jit_module *m, const evaluation_text *t, diag *d)
{
    jit_module *made = module_over(m, d);
    if (!made)
        return NULL;
    writer w = { .ar = made->ar };
    put_evaluation(&w, t);
    made = finish(made, m, w.failed ? NULL : module_source(made, "<evaluation>", w.text, d), d);
    if (made) {
        program_share_params(made->program);
        program_repeat_draws(made->program, TRAINER_EVALUATION);
    }
    return made;
}

const char *trainer_evaluation_signature(const evaluation_text *t, arena *ar)
{
    writer w = { .ar = ar };
    for (int32_t i = 0; i < t->types->n_in; i++) {
        write_format(&w, "%s", i > 0 ? ", " : "");
        put_type(&w, t->types->in[i], "b", t->types->extent[i], t->types->rank[i]);
    }
    return w.failed ? NULL : w.text;
}

const char *trainer_metric_signature(const jit_array *a, const jit_array *b, arena *ar)
{
    writer w = { .ar = ar };
    put_type(&w, a->dtype, "b", a->shape, a->rank);
    write_format(&w, ", ");
    put_type(&w, b->dtype, "b", b->shape, b->rank);
    write_format(&w, " -> f64");
    return w.failed ? NULL : w.text;
}
