#include "compose/engine.h"

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
    return runner__env_keep(&engine->env, kept_variables, sizeof kept_variables / sizeof kept_variables[0],
                            err);
}

void compose__engine_fini(struct compose_engine *engine)
{
    runner__env_fini(&engine->env);
}

json_t *compose__engine_to_json(const struct compose_engine *engine)
{
    json_t *env = runner__env_to_json(&engine->env);
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
    *ret = (struct compose_engine){ .context = "" };
    if (!read_text(json, "docker", ret->docker, sizeof ret->docker) ||
        !read_text(json, "standalone", ret->standalone, sizeof ret->standalone) ||
        !read_text(json, "context", ret->context, sizeof ret->context) || ret->docker[0] != '/') {
        return muster_error_set(err, MUSTER_EREPLY, "the ledger does not say which engine the run used");
    }
    return runner__env_from_json(json_object_get(json, "env"), &ret->env, err);
}

/* ---- Argument vectors ---- */

static struct runner_argv begin(const char *program, const char *context)
{
    struct runner_argv argv = { .count = 0 };
    runner__argv_add(&argv, program);
    if (context[0] != '\0') {
        runner__argv_add(&argv, "--context");
        runner__argv_add(&argv, context);
    }
    return argv;
}

struct runner_argv compose__docker(const struct compose_engine *engine, ...)
{
    struct runner_argv argv = begin(engine->docker, engine->context);
    va_list arguments;
    va_start(arguments, engine);
    runner__argv_add_all(&argv, arguments);
    va_end(arguments);
    return argv;
}

struct runner_argv compose__compose(const struct compose_engine *engine, ...)
{
    bool plugin = engine->standalone[0] == '\0';
    /* The standalone program takes DOCKER_HOST for the default context only when it is not named. */
    bool is_default = strcmp(engine->context, "default") == 0;
    struct runner_argv argv = plugin ? begin(engine->docker, engine->context)
                                     : begin(engine->standalone, is_default ? "" : engine->context);
    if (plugin) {
        runner__argv_add(&argv, "compose");
    }
    va_list arguments;
    va_start(arguments, engine);
    runner__argv_add_all(&argv, arguments);
    va_end(arguments);
    return argv;
}
