/* The builder: takes the parts of a plan, and keeps the first mistake. */
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "muster/system.h"
#include "plan/internal.h"

bool muster__is_name(const char *name)
{
    size_t bytes = name != NULL ? strnlen(name, MUSTER_NAME_BYTES) : 0;
    return bytes > 0 && bytes < MUSTER_NAME_BYTES &&
           strspn(name, "abcdefghijklmnopqrstuvwxyz0123456789_") == bytes;
}

/* Copies a name, or makes a mistake of it. */
static bool take_name(struct muster_scenario *s, const char *what, const char *name,
                      char copy[MUSTER_NAME_BYTES])
{
    if (!muster__is_name(name)) {
        muster__mistake(s, "%s is '%.80s'; a name needs 1 to %u of a-z, 0-9 and _", what,
                        name != NULL ? name : "", MUSTER_NAME_BYTES - 1);
        return false;
    }
    memset(copy, 0, MUSTER_NAME_BYTES);
    memcpy(copy, name, strlen(name));
    return true;
}

/* The functions below let a NULL scenario pass: its creation ran out of memory, and muster_scenario_build()
 * says so. */

struct muster_scenario *muster_scenario_create(const char *suite, const char *name)
{
    struct muster_scenario *s = calloc(1, sizeof *s);
    struct muster__owned_plan *owned = calloc(1, sizeof *owned);
    if (s == NULL || owned == NULL) {
        free(s);
        free(owned);
        return NULL;
    }
    s->owned = owned;
    (void)take_name(s, "suite name", suite, owned->plan.suite);
    (void)take_name(s, "scenario name", name, owned->plan.name);
    return s;
}

void muster_scenario_destroy(struct muster_scenario *s)
{
    if (s == NULL) {
        return;
    }
    if (s->owned != NULL) {
        muster_plan_destroy(&s->owned->plan);
    }
    for (size_t i = 0; i < s->part_count; i++) {
        free(s->parts[i].options);
    }
    free(s);
}

const struct muster_error *muster_scenario_mistake(const struct muster_scenario *s)
{
    return s != NULL && s->mistake.rc != MUSTER_OK ? &s->mistake : NULL;
}

void muster_scenario_refuse(struct muster_scenario *s, const char *format, ...)
{
    char text[1024];
    va_list arguments;
    if (s == NULL) {
        return;
    }
    va_start(arguments, format);
    (void)vsnprintf(text, sizeof text, format, arguments);
    va_end(arguments);
    muster__mistake(s, "%s", text);
}

void muster_topology(struct muster_scenario *s, const struct muster_topology *topology)
{
    if (s == NULL) {
        return;
    }
    struct muster_topology given = topology != NULL ? *topology : (struct muster_topology){ .nodes = 0 };
    if (given.layout == 0) {
        given.layout = MUSTER_STAR;
    }
    if (given.nodes < 1 || given.nodes > MUSTER_NODES_MAX) {
        muster__mistake(s, "topology.nodes is %u; a cluster needs 1 to %u nodes", given.nodes,
                        MUSTER_NODES_MAX);
    }
    if (given.layout < MUSTER_STAR || given.layout > MUSTER_FULL) {
        muster__mistake(s, "topology.layout is %d; use MUSTER_STAR, MUSTER_CHAIN or MUSTER_FULL",
                        (int)given.layout);
    }
    s->topology_given = true;
    s->owned->plan.layout = given.layout;
    s->owned->plan.node_count = given.nodes;
}

void muster_run_duration(struct muster_scenario *s, int64_t duration_ms)
{
    if (s == NULL) {
        return;
    }
    if (duration_ms < 1 || duration_ms > MUSTER_DAY_MS) {
        muster__mistake(s, "run_duration is %lld ms; use 1 ms to one day (%lld ms)", (long long)duration_ms,
                        (long long)MUSTER_DAY_MS);
    }
    s->duration_given = true;
    s->owned->plan.duration_ms = (uint64_t)duration_ms;
}

void muster_pace(struct muster_scenario *s, uint32_t pace_ms)
{
    if (s == NULL) {
        return;
    }
    if (pace_ms < MUSTER_PACE_MS_MIN || pace_ms > MUSTER_PACE_MS_MAX) {
        muster__mistake(s, "pace is %u ms; use %u to %u ms", pace_ms, MUSTER_PACE_MS_MIN, MUSTER_PACE_MS_MAX);
    }
    s->owned->plan.pace_ms = pace_ms;
}

void muster_require(struct muster_scenario *s, uint32_t capabilities)
{
    if (s == NULL) {
        return;
    }
    if ((capabilities & ~(uint32_t)MUSTER_ALL_CAPABILITIES) != 0) {
        char known[MUSTER_CAPABILITIES_BYTES];
        muster__mistake(s, "require is 0x%x, which has bits of no capability; there is %s", capabilities,
                        muster_capability_words(MUSTER_ALL_CAPABILITIES, known));
    }
    s->owned->plan.capabilities |= capabilities;
}

static void check_deadline(struct muster_scenario *s, const char *field, uint32_t value_ms)
{
    if (value_ms > MUSTER_DAY_MS) {
        muster__mistake(s, "deadlines.%s is %u ms; use at most one day (%lld ms)", field, value_ms,
                        (long long)MUSTER_DAY_MS);
    }
}

void muster_deadlines(struct muster_scenario *s, const struct muster_deadlines *deadlines)
{
    if (s == NULL) {
        return;
    }
    struct muster_deadlines given = deadlines != NULL ? *deadlines : (struct muster_deadlines){ 0 };
    check_deadline(s, "ready_ms", given.ready_ms);
    check_deadline(s, "settle_ms", given.settle_ms);
    check_deadline(s, "grace_ms", given.grace_ms);
    s->owned->plan.ready_ms = given.ready_ms;
    s->owned->plan.settle_ms = given.settle_ms;
    s->owned->plan.grace_ms = given.grace_ms;
}

void muster_system(struct muster_scenario *s, const struct muster_system *system)
{
    if (s == NULL) {
        return;
    }
    if (system == NULL) {
        muster__mistake(s, "system is NULL; give one, such as the system of an adapter");
    }
    s->owned->plan.system = system;
}

/* Whether name, value and index of a node's variable will do. */
static bool check_env(struct muster_scenario *s, uint32_t node, const char *name, const char *value)
{
    if (name == NULL || name[0] == '\0' || strchr(name, '=') != NULL) {
        muster__mistake(s, "node_env name is '%.80s'; an environment variable needs a name without '='",
                        name != NULL ? name : "");
        return false;
    }
    if (value == NULL) {
        muster__mistake(s, "node_env '%.80s' is NULL; give it a value, \"\" for an empty one", name);
        return false;
    }
    if (strlen(name) + strlen(value) > MUSTER_ENV_BYTES_MAX) {
        muster__mistake(s, "node_env '%.80s' has %zu bytes, name and value together; use at most %u", name,
                        strlen(name) + strlen(value), MUSTER_ENV_BYTES_MAX);
        return false;
    }
    if (node != MUSTER_EVERY_NODE && node >= MUSTER_NODES_MAX) {
        muster__mistake(s, "node_env '%.80s' is for node %u; use 0 to %u or MUSTER_EVERY_NODE", name, node,
                        MUSTER_NODES_MAX - 1);
        return false;
    }
    return true;
}

/* The variable of that node and name, else a place for it; NULL when there is none left. */
static struct muster_env *find_env(struct muster_plan *plan, uint32_t node, const char *name)
{
    for (size_t i = 0; i < plan->env_count; i++) {
        if (plan->env[i].node == node && strcmp(plan->env[i].name, name) == 0) {
            return &plan->env[i];
        }
    }
    return plan->env_count < MUSTER_ENV_MAX ? &plan->env[plan->env_count] : NULL;
}

void muster_node_env(struct muster_scenario *s, uint32_t node, const char *name, const char *value)
{
    if (s == NULL || !check_env(s, node, name, value)) {
        return;
    }
    struct muster_plan *plan = &s->owned->plan;
    struct muster_env *env = find_env(plan, node, name);
    if (env == NULL) {
        muster__mistake(s, "node_env '%.80s' is one too many; a scenario sets at most %u", name,
                        MUSTER_ENV_MAX);
        return;
    }
    struct muster_env copy = { .node = node, .name = strdup(name), .value = strdup(value) };
    if (copy.name == NULL || copy.value == NULL) {
        free(copy.name);
        free(copy.value);
        (void)muster_error_set(&s->mistake, MUSTER_ENOMEM, "out of memory");
        return;
    }
    if (env == &plan->env[plan->env_count]) {
        plan->env_count++;
    }
    free(env->name);
    free(env->value);
    *env = copy;
}
