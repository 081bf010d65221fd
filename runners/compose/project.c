#include "compose/project.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "compose/engine.h"
#include "shared/text.h"

/* Of a container's log, kept by the engine: a flooding node must not fill its disk. Two files, so that one is
 * full once it has been exceeded. */
#define LOG_FILE_MAX "64m"
#define LOG_FILES "2"

void compose__project_name(const char *run_id, char name[COMPOSE_NAME_BYTES])
{
    snprintf(name, COMPOSE_NAME_BYTES, "muster-%s", run_id);
}

void compose__container_name(const char *run_id, uint32_t node, char name[COMPOSE_NAME_BYTES])
{
    snprintf(name, COMPOSE_NAME_BYTES, "muster-%s-node-%u", run_id, node);
}

void compose__service_name(uint32_t node, char name[COMPOSE_NAME_BYTES])
{
    snprintf(name, COMPOSE_NAME_BYTES, "node-%u", node);
}

uint32_t compose__container_node(const char *run_id, const char *name, uint32_t node_count)
{
    char project[COMPOSE_NAME_BYTES];
    compose__project_name(run_id, project);
    return runner__node_of_name(project, name, node_count);
}

void compose__publish(const char *host, uint16_t port, char publish[64])
{
    bool loopback4 =
        strncmp(host, "127.", 4) == 0 && strspn(host, "0123456789.") == strlen(host) && strlen(host) <= 15;
    const char *bind = loopback4 ? host : strcmp(host, "localhost") == 0 ? "127.0.0.1" : "0.0.0.0";
    snprintf(publish, 64, "%s::%u", strcmp(host, "::1") == 0 ? "[::1]" : bind, port);
}

/* ---- JSON ---- */

static json_t *command_of(const struct muster_rendering *rendering)
{
    json_t *command = json_array();
    for (size_t i = 0; i < rendering->arg_count; i++) {
        if (json_array_append_new(command, runner__json_literal(rendering->args[i])) != 0) {
            json_decref(command);
            return NULL;
        }
    }
    return command;
}

static json_t *environment_of(const struct muster_rendering *rendering)
{
    json_t *environment = json_object();
    for (size_t i = 0; i < rendering->env_count; i++) {
        const char *value = strchr(rendering->env[i], '=');
        char *name = value == NULL ? NULL : strndup(rendering->env[i], (size_t)(value - rendering->env[i]));
        bool added =
            name != NULL && json_object_set_new(environment, name, runner__json_literal(value + 1)) == 0;
        free(name);
        if (!added) {
            json_decref(environment);
            return NULL;
        }
    }
    return environment;
}

json_t *compose__project_new(const struct compose_common *common)
{
    return json_pack("{s:{}, s:{s:{s:{s:s}}}, s:{s:{s:{s:s}}}}", "services", "networks", "default", "labels",
                     COMPOSE_LABEL, common->run_id, "volumes", COMPOSE_VOLUME, "labels", COMPOSE_LABEL,
                     common->run_id);
}

enum muster_rc compose__project_add(json_t *project, const struct compose_common *common, uint32_t node,
                                    const struct muster_rendering *rendering, struct muster_error *err)
{
    char service_name[COMPOSE_NAME_BYTES];
    char container_name[COMPOSE_NAME_BYTES];
    char directory[COMPOSE_NAME_BYTES + sizeof COMPOSE_NODES_DIRECTORY];
    char grace[32];
    compose__service_name(node, service_name);
    compose__container_name(common->run_id, node, container_name);
    snprintf(directory, sizeof directory, COMPOSE_NODES_DIRECTORY "/%s", service_name);
    snprintf(grace, sizeof grace, "%us", (common->grace_ms + 999) / 1000);
    json_t *command = command_of(rendering);
    json_t *environment = environment_of(rendering);
    json_t *image = runner__json_literal(common->image);
    if (command == NULL || environment == NULL || image == NULL) {
        json_decref(command);
        json_decref(environment);
        json_decref(image);
        return muster_error_set(err, MUSTER_EINVAL,
                                "an argument or variable of node-%u, or the image's name, is not UTF-8",
                                node);
    }
    /* With an init of its own a node need not handle signals and orphans as process 1 must. The files of
     * nodes come by `docker cp`, which makes them root's and nobody else's, so nodes are root whatever user
     * the image names. */
    json_t *service = json_pack(
        "{s:o, s:s, s:s, s:b, s:s, s:s, s:s, s:o, s:o, s:[s], s:[s], s:{s:s}, s:{s:s, s:{s:s, s:s}}}",
        "image", image, "container_name", container_name, "user", "0:0", "init", 1, "restart", "no",
        "working_dir", directory, "stop_grace_period", grace, "command", command, "environment", environment,
        "ports", common->publish, "volumes", COMPOSE_VOLUME ":" COMPOSE_NODES_DIRECTORY, "labels",
        COMPOSE_LABEL, common->run_id, "logging", "driver", "json-file", "options", "max-size", LOG_FILE_MAX,
        "max-file", LOG_FILES);
    return json_object_set_new(json_object_get(project, "services"), service_name, service) == 0
               ? MUSTER_OK
               : muster_error_set(err, MUSTER_ENOMEM, "no memory for the Compose file");
}
