#include "engine.h"

#include <assert.h>
#include <ctype.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "muster/tool.h"

/* DOCKER_CONTEXT is not among them: each call names its context. */
static const char *const kept_variables[] = {
    "DOCKER_HOST", "DOCKER_CONFIG", "DOCKER_TLS_VERIFY", "DOCKER_CERT_PATH", "DOCKER_API_VERSION", "HOME",
};
#define KEPT_COUNT (sizeof kept_variables / sizeof kept_variables[0])
_Static_assert(KEPT_COUNT <= COMPOSE_ENV_MAX, "no room for the environment of tools");

enum muster_rc compose__engine_find(struct compose_engine *engine, struct muster_error *err)
{
    *engine = (struct compose_engine){ .context = "" };
    if (!muster_tool_find("docker", engine->docker)) {
        return muster_error_set(
            err, MUSTER_ESKIP,
            "the compose runner needs the program 'docker', which is not in PATH; install "
            "the Docker CLI");
    }
    if (!muster_tool_find("docker-compose", engine->standalone)) {
        engine->standalone[0] = '\0';
    }
    return MUSTER_OK;
}

enum muster_rc compose__engine_choose(struct compose_engine *engine, const char *plugin_version,
                                      struct muster_error *err)
{
    /* Old CLIs print their help for a command they do not know; a version begins otherwise. */
    const char *digits = plugin_version[0] == 'v' ? plugin_version + 1 : plugin_version;
    if (isdigit((unsigned char)digits[0])) {
        engine->standalone[0] = '\0';
        return MUSTER_OK;
    }
    return engine->standalone[0] != '\0'
               ? MUSTER_OK
               : muster_error_set(
                     err, MUSTER_ESKIP,
                     "neither 'docker compose' nor 'docker-compose' is there; install one of them");
}

enum muster_rc compose__engine_keep_env(struct compose_engine *engine, struct muster_error *err)
{
    for (size_t i = 0; i < KEPT_COUNT; i++) {
        const char *value = getenv(kept_variables[i]);
        int length = value == NULL ? asprintf(&engine->env[i], "%s", kept_variables[i])
                                   : asprintf(&engine->env[i], "%s=%s", kept_variables[i], value);
        if (length < 0) {
            engine->env[i] = NULL;
            return muster_error_set(err, MUSTER_ENOMEM, "no memory for the environment of docker");
        }
    }
    return MUSTER_OK;
}

void compose__engine_fini(struct compose_engine *engine)
{
    for (size_t i = 0; i <= COMPOSE_ENV_MAX; i++) {
        free(engine->env[i]);
        engine->env[i] = NULL;
    }
}

json_t *compose__engine_to_json(const struct compose_engine *engine)
{
    json_t *env = json_array();
    for (size_t i = 0; engine->env[i] != NULL; i++) {
        if (json_array_append_new(env, json_string(engine->env[i])) != 0) {
            json_decref(env);
            return NULL;
        }
    }
    return json_pack("{s:s, s:s, s:s, s:o}", "docker", engine->docker, "standalone", engine->standalone,
                     "context", engine->context, "env", env);
}

static bool read_text(const json_t *json, const char *name, char *ret, size_t size)
{
    const char *text = json_string_value(json_object_get(json, name));
    return text != NULL && snprintf(ret, size, "%s", text) < (int)size;
}

enum muster_rc compose__engine_from_json(const json_t *json, struct compose_engine *ret,
                                         struct muster_error *err)
{
    const json_t *env = json_object_get(json, "env");
    *ret = (struct compose_engine){ .context = "" };
    if (!read_text(json, "docker", ret->docker, sizeof ret->docker) ||
        !read_text(json, "standalone", ret->standalone, sizeof ret->standalone) ||
        !read_text(json, "context", ret->context, sizeof ret->context) || ret->docker[0] != '/' ||
        json_array_size(env) > COMPOSE_ENV_MAX) {
        return muster_error_set(err, MUSTER_EREPLY, "the ledger does not say which engine the run used");
    }
    for (size_t i = 0; i < json_array_size(env); i++) {
        const char *text = json_string_value(json_array_get(env, i));
        ret->env[i] = text == NULL ? NULL : strdup(text);
        if (ret->env[i] == NULL) {
            compose__engine_fini(ret);
            return muster_error_set(err, MUSTER_EREPLY, "the ledger's environment of docker is not readable");
        }
    }
    return MUSTER_OK;
}

/* ---- Argument vectors ---- */

void compose__argv_add(struct compose_argv *argv, const char *arg)
{
    assert(argv->count < COMPOSE_ARGS_MAX);
    if (argv->count < COMPOSE_ARGS_MAX) {
        argv->args[argv->count++] = arg;
    }
}

static void add_all(struct compose_argv *argv, va_list arguments)
{
    const char *arg;
    while ((arg = va_arg(arguments, const char *)) != NULL) {
        compose__argv_add(argv, arg);
    }
}

static struct compose_argv begin(const char *program, const char *context)
{
    struct compose_argv argv = { .count = 0 };
    compose__argv_add(&argv, program);
    if (context[0] != '\0') {
        compose__argv_add(&argv, "--context");
        compose__argv_add(&argv, context);
    }
    return argv;
}

struct compose_argv compose__docker(const struct compose_engine *engine, ...)
{
    struct compose_argv argv = begin(engine->docker, engine->context);
    va_list arguments;
    va_start(arguments, engine);
    add_all(&argv, arguments);
    va_end(arguments);
    return argv;
}

struct compose_argv compose__compose(const struct compose_engine *engine, ...)
{
    bool plugin = engine->standalone[0] == '\0';
    /* The standalone program takes DOCKER_HOST for the default context only when it is not named. */
    bool is_default = strcmp(engine->context, "default") == 0;
    struct compose_argv argv = plugin ? begin(engine->docker, engine->context)
                                      : begin(engine->standalone, is_default ? "" : engine->context);
    if (plugin) {
        compose__argv_add(&argv, "compose");
    }
    va_list arguments;
    va_start(arguments, engine);
    add_all(&argv, arguments);
    va_end(arguments);
    return argv;
}
