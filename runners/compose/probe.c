/* Can this plan run here? Nothing is created. */
#include <stdio.h>
#include <string.h>

#include "compose/internal.h"
#include "muster/tool.h"
#include "shared/text.h"

#define PROBE_MS 10000u
#define BUILD_SCRIPT "scripts/build/build-test-image.sh"

enum question { ASK_ENGINE, ASK_PLUGIN, ASK_IMAGE, ASK_PLACE, QUESTION_COUNT };

static enum muster_rc judge_engine(const struct muster_tool *tool, struct muster_error *err)
{
    char line[512];
    if (tool->rc == MUSTER_ETIMEDOUT) {
        return muster_error_set(
            err, MUSTER_ESKIP,
            "no Docker engine answered within %.1f s; start one, or name one with DOCKER_HOST",
            PROBE_MS / 1000.0);
    }
    if (muster_tool_succeeded(tool)) {
        return MUSTER_OK;
    }
    const char *complaint = tool->complaint == NULL ? "" : tool->complaint;
    if (strstr(complaint, "permission denied") != NULL) {
        return muster_error_set(
            err, MUSTER_ESKIP,
            "this user may not use the Docker engine (%s); add the user to the group docker",
            muster_tool_complaint(complaint, line));
    }
    if (strstr(complaint, "Error response from daemon") != NULL) {
        return muster_error_set(err, MUSTER_ESKIP,
                                "the Docker engine refuses to serve this user (%s); ask its administrator, "
                                "or name another engine with DOCKER_HOST",
                                muster_tool_complaint(complaint, line));
    }
    return muster_error_set(err, MUSTER_ESKIP,
                            "there is no Docker engine (%s); start one, or name one with DOCKER_HOST",
                            muster_tool_complaint(complaint, line));
}

/* The image's entry point is the node; without one the first argument would be taken for a program. */
static enum muster_rc judge_image(const struct muster_tool *tool, const struct muster_system *system,
                                  const char *image, struct muster_error *err)
{
    char line[512];
    bool has_variable = system->image_variable != NULL;
    const char *variable = has_variable ? system->image_variable : "";
    if (muster_tool_succeeded(tool)) {
        bool has_entry = tool->output[0] == '[' && strncmp(tool->output, "[]", 2) != 0;
        return has_entry ? MUSTER_OK
                         : muster_error_set(err, MUSTER_EINVAL,
                                            "the image '%s' has no entry point, so there is no node in it to "
                                            "start; build it with ENTRYPOINT%s%s",
                                            image, has_variable ? ", or name another with " : "",
                                            has_variable ? variable : "");
    }
    if (tool->rc == MUSTER_OK && strstr(tool->complaint, "invalid reference format") != NULL) {
        return muster_error_set(err, MUSTER_EINVAL,
                                "%s is '%s', which cannot be the name of an image; give one such as '%s'",
                                has_variable ? variable : "the system's image", image, system->image);
    }
    if (tool->rc != MUSTER_OK || strcasestr(tool->complaint, "no such image") == NULL) {
        return muster_error_set(err, MUSTER_ESKIP,
                                "the engine does not say whether it has the image '%s': %s", image,
                                muster_tool_complaint(tool->complaint, line));
    }
    if (strcmp(image, system->image) == 0) {
        return muster_error_set(err, MUSTER_EINVAL,
                                "the engine has no image '%s'; build it with " BUILD_SCRIPT
                                " --tag %s --node PATH, the path of '%s'",
                                image, image, system->program);
    }
    return muster_error_set(
        err, MUSTER_EINVAL,
        "the engine has no image '%s', which %s names; it is not pulled: pull or build it first", image,
        variable);
}

/* Published ports of an engine on another host are not reached at this one's loopback address. */
static enum muster_rc judge_place(const struct muster_tool *tool, const struct muster_variables *variables,
                                  struct muster_error *err)
{
    static const char *const here[] = {
        "unix:",           "fd:",         "npipe:",         "tcp://127.", "tcp://[::1]",
        "tcp://localhost", "http://127.", "ssh://localhost"
    };
    bool is_set = muster_variable_is_set(variables, MUSTER_VAR_COMPOSE_HOST);
    bool is_here = is_set || !muster_tool_succeeded(tool) || tool->output[0] <= ' ';
    for (size_t i = 0; i < sizeof here / sizeof here[0] && !is_here; i++) {
        is_here = strncmp(tool->output, here[i], strlen(here[i])) == 0;
    }
    return is_here
               ? MUSTER_OK
               : muster_error_set(err, MUSTER_EINVAL,
                                  "the Docker engine is at '%.*s', so its published ports are not on this "
                                  "host; set %s to the name at which they are reached",
                                  (int)strcspn(tool->output, "\n"), tool->output,
                                  muster_variable_info(MUSTER_VAR_COMPOSE_HOST)->name);
}

static enum muster_rc judge(struct compose_engine *engine, const struct muster_tool tools[QUESTION_COUNT],
                            const struct muster_system *system, const char *image,
                            const struct muster_variables *variables, struct muster_error *err)
{
    const struct muster_tool *plugin = &tools[ASK_PLUGIN];
    enum muster_rc rc = judge_engine(&tools[ASK_ENGINE], err);
    if (rc == MUSTER_OK) {
        rc = compose__engine_choose(engine, muster_tool_succeeded(plugin) ? plugin->output : "", err);
    }
    if (rc == MUSTER_OK) {
        rc = judge_place(&tools[ASK_PLACE], variables, err);
    }
    return rc != MUSTER_OK ? rc : judge_image(&tools[ASK_IMAGE], system, image, err);
}

enum muster_rc compose__probe(const struct muster_plan *plan, const struct muster_variables *variables,
                              struct muster_error *err)
{
    struct compose_engine engine;
    const char *image = NULL;
    enum muster_rc rc = runner__check_host(variables, MUSTER_VAR_COMPOSE_HOST, err);
    if (rc == MUSTER_OK) {
        rc = muster_image_find(plan->system, variables, &image, err);
    }
    if (rc == MUSTER_OK) {
        rc = compose__engine_find(&engine, err);
    }
    if (rc != MUSTER_OK) {
        return rc;
    }
    const struct runner_argv argvs[QUESTION_COUNT] = {
        [ASK_ENGINE] = compose__docker(&engine, "version", "--format", "{{.Server.Version}}", NULL),
        [ASK_PLUGIN] = compose__docker(&engine, "compose", "version", "--short", NULL),
        [ASK_IMAGE] = compose__docker(&engine, "image", "inspect", "--format", "{{json .Config.Entrypoint}}",
                                      "--", image, NULL),
        [ASK_PLACE] =
            compose__docker(&engine, "context", "inspect", "--format", "{{.Endpoints.docker.Host}}", NULL),
    };
    struct muster_tool tools[QUESTION_COUNT] = { 0 };
    for (size_t i = 0; i < QUESTION_COUNT; i++) {
        tools[i].argv = argvs[i].args;
    }
    struct muster_error failure = { 0 };
    rc = muster_tool_run(tools, QUESTION_COUNT, QUESTION_COUNT, PROBE_MS, &failure);
    bool could_ask = rc == MUSTER_OK || rc == MUSTER_ETIMEDOUT;
    rc = could_ask ? judge(&engine, tools, plan->system, image, variables, err)
                   : muster_error_set(err, MUSTER_ESKIP, "docker cannot be run here: %s", failure.text);
    for (size_t i = 0; i < QUESTION_COUNT; i++) {
        muster_tool_fini(&tools[i]);
    }
    return rc;
}
