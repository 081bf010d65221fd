/* Before anything is created: which engine, and the files of the project and its nodes. */
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "compose/internal.h"

/* The first line of what a command said; "" when it failed or is too long. */
static void take_line(const struct runner_command *command, char *ret, size_t size)
{
    size_t length = command->exit.code == 0 ? strcspn(command->output, "\n") : 0;
    length = length < size ? length : 0;
    memcpy(ret, command->output, length);
    ret[length] = '\0';
}

/* The context is named in every call from here on: switching it elsewhere must not split a run. */
enum muster_rc compose__find_engine(struct compose *compose, struct muster_error *err)
{
    enum muster_rc rc =
        muster_image_find(muster_deployment_plan(compose->deployment)->system,
                          muster_deployment_variables(compose->deployment), &compose->image, err);
    if (rc == MUSTER_OK) {
        rc = compose__engine_find(&compose->engine, err);
    }
    if (rc == MUSTER_OK) {
        rc = compose__engine_keep_env(&compose->engine, err);
    }
    if (rc != MUSTER_OK) {
        return rc;
    }
    struct runner_command commands[] = {
        { .argv = compose__docker(&compose->engine, "compose", "version", "--short", NULL) },
        { .argv = compose__docker(&compose->engine, "context", "inspect", "--format", "{{.Name}}", NULL) },
    };
    rc = runner__run(&compose->programs, commands, 2, COMPOSE_CALL_MS, err);
    if (rc == MUSTER_OK) {
        rc = compose__engine_choose(&compose->engine, commands[0].exit.code == 0 ? commands[0].output : "",
                                    err);
        take_line(&commands[1], compose->engine.context, sizeof compose->engine.context);
    }
    for (size_t i = 0; i < sizeof commands / sizeof commands[0]; i++) {
        runner__command_fini(&commands[i]);
    }
    return rc;
}

enum muster_rc compose__record_project(struct compose *compose, struct muster_error *err)
{
    const struct muster_variables *variables = muster_deployment_variables(compose->deployment);
    json_t *detail = json_pack("{s:o, s:I, s:i, s:s}", "engine", compose__engine_to_json(&compose->engine),
                               "nodes", (json_int_t)compose->node_count, "end_code",
                               muster_deployment_plan(compose->deployment)->system->end_code, "logs",
                               muster_variable_text(variables, MUSTER_VAR_LOG_DIR));
    char *text = detail == NULL ? NULL : json_dumps(detail, JSON_COMPACT);
    enum muster_rc rc =
        text == NULL ? muster_error_set(err, MUSTER_EINVAL, "PATH, HOME or a DOCKER_… variable is not UTF-8")
                     : muster_ledger_created(muster_deployment_ledger(compose->deployment),
                                             COMPOSE_LEDGER_PROJECT, compose->project, text, err);
    free(text);
    json_decref(detail);
    return rc;
}

static enum muster_rc add_node(struct compose *compose, const struct compose_common *common, uint32_t node,
                               json_t *project, struct muster_error *err)
{
    struct muster_rendering rendering = { 0 };
    const struct muster_addresses addresses = { .listen_host = "0.0.0.0",
                                                .peer_hosts = compose->hosts,
                                                .data_directory = "data" };
    enum muster_rc rc = muster_deployment_render(compose->deployment, node, &addresses, &rendering, err);
    if (rc == MUSTER_OK) {
        rc = muster_deployment_write_node(compose->deployment, node, &rendering, err);
    }
    if (rc == MUSTER_OK) {
        rc = compose__project_add(project, common, node, &rendering, err);
    }
    muster_rendering_fini(&rendering);
    return rc;
}

static enum muster_rc write_project(struct compose *compose, const json_t *project, struct muster_error *err)
{
    char path[4096 + 32];
    snprintf(path, sizeof path, "%s/" COMPOSE_FILE, muster_deployment_directory(compose->deployment));
    int fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
    bool written = fd >= 0 && json_dumpfd(project, fd, JSON_INDENT(2)) == 0;
    if (fd >= 0) {
        close(fd);
    }
    return written ? MUSTER_OK : muster_error_set(err, MUSTER_EINFRA, "cannot write '%s'", path);
}

enum muster_rc compose__write_files(struct compose *compose, struct muster_error *err)
{
    const struct muster_plan *plan = muster_deployment_plan(compose->deployment);
    char publish[64];
    compose__publish(compose->host, plan->system->ports[0].number, publish);
    const struct compose_common common = { .run_id = muster_deployment_run_id(compose->deployment),
                                           .image = compose->image,
                                           .publish = publish,
                                           .grace_ms = plan->grace_ms };
    json_t *project = compose__project_new(&common);
    enum muster_rc rc =
        project != NULL ? MUSTER_OK : muster_error_set(err, MUSTER_ENOMEM, "no memory for the Compose file");
    for (uint32_t i = 0; i < compose->node_count && rc == MUSTER_OK; i++) {
        rc = add_node(compose, &common, i, project, err);
    }
    if (rc == MUSTER_OK) {
        rc = write_project(compose, project, err);
    }
    json_decref(project);
    return rc;
}
