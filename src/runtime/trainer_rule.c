/* See trainer_rule.h. */
#include "trainer_rule.h"

#include <math.h>
#include <string.h>

#include "call.h"
#include "specialise.h"
#include "trainer_text.h"

/* -------------------------------------------------------------------------- functions */

static bool find_function(jit_module *m, const char *name, jit_function_info *info, diag *d)
{
    return jit_function_find(m, name, info, d->out) == JIT_OK;
}

static bool check_optimizer(jit_trainer *t, const jit_function_info *f, diag *d)
{
    t->n_states = f->n_in - 2;
    if (t->n_states >= 0 && f->n_out == t->n_states + 1)
        return true;
    diag_plain(d, DIAG_train_optimizer, "'%s' takes %d arguments and gives %d", f->name,
               (int)f->n_in, (int)f->n_out);
    diag_hint(d, "an optimiser takes (p, g, state ...) and gives (p, state ...)");
    return false;
}

static bool has_uniform(const jit_function_info *f, const char *name)
{
    for (int32_t i = 0; i < f->n_uniform; i++)
        if (strcmp(f->uniform_name[i], name) == 0)
            return true;
    return false;
}

static bool check_schedule(const jit_function_info *f, const jit_function_info *optimizer,
                           diag *d)
{
    if (f->n_in != 1 || f->n_out != 1) {
        diag_plain(d, DIAG_train_schedule, "'%s' takes %d arguments and gives %d", f->name,
                   (int)f->n_in, (int)f->n_out);
        diag_hint(d, "a schedule takes (t; uniforms) and gives the rate");
        return false;
    }
    if (has_uniform(optimizer, "lr"))
        return true;
    diag_plain(d, DIAG_train_schedule, "'%s' has no uniform argument 'lr' to be scheduled",
               optimizer->name);
    return false;
}

/* -------------------------------------------------------------------------- uniforms */

typedef struct reading {
    jit_module *m;
    const jit_trainer_options *o;
    trainer_uniforms *u;
    arena *ar;
    diag *d;
} reading;

static bool add(reading *r, trainer_uniform one, double value)
{
    if (r->u->n == MAX_TRAINER_UNIFORMS) {
        diag_plain(r->d, DIAG_option_value, "a step has more than %d uniforms",
                   (int)MAX_TRAINER_UNIFORMS);
        return false;
    }
    r->u->value[r->u->n] = value;
    r->u->of[r->u->n++] = one;
    return true;
}

static int32_t find_option(const jit_trainer_options *o, const char *name)
{
    for (int32_t i = 0; i < o->n_uniform; i++)
        if (strcmp(o->uniform_name[i], name) == 0)
            return i;
    return -1;
}

/* The default of a uniform argument, as a double; nan: it has none. */
static double default_of(reading *r, const char *function, const char *name)
{
    cell c = { .f = NAN };
    pthread_mutex_lock(&r->m->lock);
    const ast_fn *fn = program_load(r->m->program, function, r->d);
    int32_t n = fn ? fn->n_uniforms : 0, k = 0;
    uniform_default *all = arena_alloc(r->ar, ((size_t)n + 1) * sizeof *all);
    bool ok = all && fn && lower_defaults(r->m->program, fn, all, n, r->ar, r->d);
    for (int32_t i = 0; ok && i < n; i++) {
        const ast_param *p = &fn->uniforms[i];
        if (p->type.is_fn || p->type.is_dim || p->type.n_dims > 0)
            continue;
        if (strcmp(p->name, name) == 0 && all[k].given &&
            (p->type.scalar == JIT_NONE || type_is_float(p->type.scalar)))
            c = all[k].value;
        k++;
    }
    pthread_mutex_unlock(&r->m->lock);
    if (!ok && !diag_failed(r->d))
        diag_no_memory(r->d);
    return c.f;
}

/* Those that the options give, and `lr`, so that it can be set later. */
static bool add_function(reading *r, const jit_function_info *f, trainer_owner owner)
{
    for (int32_t i = 0; i < f->n_uniform; i++) {
        const char *name = f->uniform_name[i], *type = f->uniform_type[i];
        int32_t k = find_option(r->o, name);
        /* by the schedule, whose value is the optimiser's lr in any case */
        bool taken = owner == UNIFORM_OPTIMIZER && r->o->schedule && strcmp(name, "lr") == 0;
        for (int32_t j = 0; j < r->u->n; j++)
            taken = taken || strcmp(r->u->of[j].name, name) == 0;
        if (taken || strcmp(name, "t") == 0 || strcmp(type, "fn") == 0 ||
            strcmp(type, "dim") == 0)
            continue;
        double value = k >= 0 ? r->o->uniform[k] : NAN;
        if (k < 0 && strcmp(name, "lr") == 0)
            value = default_of(r, f->name, name);
        if ((k >= 0 || value == value) &&
            !add(r, (trainer_uniform){ name, type, owner }, value))
            return false;
    }
    return !diag_failed(r->d);
}

static bool check_names(const reading *r, const char *optimizer)
{
    for (int32_t k = 0; k < r->o->n_uniform; k++) {
        bool known = false;
        for (int32_t i = 0; i < r->u->n; i++)
            known = known || strcmp(r->u->of[i].name, r->o->uniform_name[k]) == 0;
        if (known)
            continue;
        if (strcmp(r->o->uniform_name[k], "t") == 0)
            diag_plain(r->d, DIAG_train_optimizer, "the uniform 't' is the number of the step");
        else
            diag_plain(r->d, DIAG_train_optimizer, "'%s' has no uniform argument '%.60s'",
                       optimizer, r->o->uniform_name[k]);
        return false;
    }
    return true;
}

static bool add_clipping(reading *r)
{
    const double limit[2] = { r->o->clip_norm, r->o->clip_value };
    static const char *const name[2] = { "clip_norm", "clip_value" };
    for (int32_t i = 0; i < 2; i++) {
        if (limit[i] == 0)
            continue;
        if (!(limit[i] > 0)) {
            diag_plain(r->d, DIAG_option_value, "jit_trainer_options.%s is %g", name[i],
                       limit[i]);
            return false;
        }
        trainer_owner owner = i == 0 ? UNIFORM_CLIP_NORM : UNIFORM_CLIP_VALUE;
        if (!add(r, (trainer_uniform){ name[i], "real", owner }, limit[i]))
            return false;
    }
    return true;
}

static bool check_options(const jit_trainer_options *o, diag *d)
{
    if (o->n_uniform >= 0 && (o->n_uniform == 0 || (o->uniform_name && o->uniform)))
        return true;
    diag_plain(d, DIAG_option_value, "jit_trainer_options.n_uniform is %d", (int)o->n_uniform);
    return false;
}

bool trainer_read_rule(jit_trainer *t, jit_module *m, const jit_trainer_options *o,
                       trainer_rule *rule, trainer_uniforms *u, diag *d)
{
    reading r = { .m = m, .o = o, .u = u, .ar = t->ar, .d = d };
    jit_function_info schedule;
    rule->optimizer = o->optimizer ? o->optimizer : "adam";
    if (!check_options(o, d) || !find_function(m, rule->optimizer, &rule->info, d) ||
        !check_optimizer(t, &rule->info, d))
        return false;
    rule->counts = has_uniform(&rule->info, "t");
    if (o->schedule) {
        if (!find_function(m, o->schedule, &schedule, d) ||
            !check_schedule(&schedule, &rule->info, d) ||
            !add_function(&r, &schedule, UNIFORM_SCHEDULE))
            return false;
        t->schedule = schedule.name;
    }
    if (!add_function(&r, &rule->info, UNIFORM_OPTIMIZER))
        return false;
    return check_names(&r, rule->optimizer) &&
           (!(rule->counts || o->schedule) ||
            add(&r, (trainer_uniform){ "t", "real", UNIFORM_STEPS }, 0)) &&
           add_clipping(&r);
}

void trainer_count_steps(trainer_uniforms *u, int64_t steps)
{
    for (int32_t i = 0; i < u->n; i++)
        if (u->of[i].owner == UNIFORM_STEPS)
            u->value[i] = (double)(steps + 1);
}

/* -------------------------------------------------------------------------- afterwards */

jit_status jit_trainer_set(jit_trainer *t, const char *name, double value, jit_error *err)
{
    diag d;
    diag_init(&d, err, NULL);
    if (!t || !name) {
        diag_plain(&d, DIAG_null_argument, "jit_trainer_set: the %s is null",
                   t ? "name" : "trainer");
        return JIT_ERR_ARGUMENT;
    }
    trainer_uniforms *u = trainer_rule_uniforms(t);
    for (int32_t i = 0; i < u->n; i++)
        if (u->of[i].owner != UNIFORM_STEPS && strcmp(u->of[i].name, name) == 0) {
            u->value[i] = value;
            return JIT_OK;
        }
    diag_plain(&d, DIAG_train_optimizer, "there is no number '%.60s' to be set", name);
    diag_hint(&d, "lr, and those that the options of the trainer gave");
    return d.out->status;
}

/* The schedule by itself, interpreted. NULL: no memory. */
static jit_kernel *rate_kernel(jit_trainer *t)
{
    static const jit_dtype in = JIT_F64, out = JIT_F64;
    diag d;
    diag_init(&d, NULL, NULL);
    pthread_mutex_lock(&t->module->lock);
    resolved r = { .fn = request_function(t->module, TRAINER_RATE, &d), .once = true };
    pthread_mutex_unlock(&t->module->lock);
    r.elements = 1;
    r.spec = (specialisation){ .fn = r.fn, .in = &in, .out = &out, .n_in = 1, .n_out = 1 };
    request_machine(&r.spec, t->context);
    return r.fn ? specialise_resolved(t->module, &r, &d) : NULL;
}

static double scheduled_rate(jit_trainer *t)
{
    double step = (double)(t->steps + 1), rate = NAN;
    const trainer_uniforms *u = trainer_rule_uniforms(t);
    jit_array in = jit_array_of(JIT_F64, &step, 0, NULL);
    jit_array out = jit_array_of(JIT_F64, &rate, 0, NULL);
    jit_args a = { .in = &in, .n_in = 1, .out = &out, .n_out = 1 };
    a.uniform = u->value;
    a.n_uniform = u->n;
    diag d;
    diag_init(&d, NULL, NULL);
    t->rate = t->rate ? t->rate : rate_kernel(t);
    return t->rate && call_run(t->rate, &a, &d) ? rate : NAN;
}

double trainer_rate(jit_trainer *t)
{
    const trainer_uniforms *u = trainer_rule_uniforms(t);
    if (t->schedule)
        return scheduled_rate(t);
    for (int32_t i = 0; i < u->n; i++)
        if (strcmp(u->of[i].name, "lr") == 0)
            return u->value[i];
    return NAN;
}

jit_status jit_trainer_describe(jit_trainer *t, jit_trainer_info *info)
{
    if (!t || !info)
        return JIT_ERR_ARGUMENT;
    *info =
        (jit_trainer_info){ .steps = t->steps,
                            .epochs = t->epochs,
                            .state_bytes = t->state_bytes,
                            .gradient_bytes = t->gradient_bytes,
                            .workspace_bytes = t->bytes - t->state_bytes - t->gradient_bytes +
                                               t->packed_bytes + t->step->workspace_bytes,
                            .compile_ms = t->compile_ms,
                            .rate = trainer_rate(t) };
    if (t->update)
        info->workspace_bytes += t->update->workspace_bytes;
    return JIT_OK;
}
