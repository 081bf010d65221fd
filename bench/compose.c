/* Up to ready and down on the compose runner, beside bare Compose with the same file. There the nodes' files
 * are mounted from this host, which costs nothing. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/files.h"
#include "bench.h"
#include "compose/compose.h"
#include "compose/engine.h"
#include "compose/project.h"
#include "muster/clock.h"
#include "muster/tool.h"

#define SLACK_MS 300.0

/* One project of bare Compose. */
struct bare {
    const struct bench *bench;
    const struct muster_plan *plan;
    struct compose_engine engine;
    char directory[64];
    char file[128];
    char name[64];
};

static enum muster_rc add_node(const struct bare *bare, const struct compose_common *common,
                               const char **hosts, uint32_t node, json_t *project, struct muster_error *err)
{
    struct muster_rendering rendering = { 0 };
    const struct muster_addresses addresses = { .listen_host = "0.0.0.0",
                                                .peer_hosts = hosts,
                                                .data_directory = "data",
                                                .deployed_wall_ms = muster_clock_wall_ms() };
    char directory[256];
    char mount[256];
    snprintf(directory, sizeof directory, "%s/%s", bare->directory, hosts[node]);
    snprintf(mount, sizeof mount, "%s:" COMPOSE_NODES_DIRECTORY, bare->directory);
    enum muster_rc rc = bench_write_node(bare->plan, node, &addresses, directory, &rendering, err);
    if (rc == MUSTER_OK) {
        rc = compose__project_add(project, common, node, &rendering, err);
    }
    muster_rendering_fini(&rendering);
    json_t *service = json_object_get(json_object_get(project, "services"), hosts[node]);
    if (rc == MUSTER_OK && json_object_set_new(service, "volumes", json_pack("[s]", mount)) != 0) {
        rc = muster_error_set(err, MUSTER_ENOMEM, "no memory for the Compose file");
    }
    return rc;
}

static enum muster_rc write_project(const struct bare *bare, const char **hosts, struct muster_error *err)
{
    char publish[64];
    const struct muster_variables *variables = bare->bench->variables;
    const char *image = NULL;
    enum muster_rc rc = muster_image_find(bare->plan->system, variables, &image, err);
    if (rc != MUSTER_OK) {
        return rc;
    }
    compose__publish(muster_variable_text(variables, MUSTER_VAR_COMPOSE_HOST),
                     bare->plan->system->ports[0].number, publish);
    const struct compose_common common = {
        .run_id = bare->name, .image = image, .publish = publish, .grace_ms = bare->plan->grace_ms
    };
    json_t *project = compose__project_new(&common);
    if (project == NULL) {
        return muster_error_set(err, MUSTER_ENOMEM, "no memory for the Compose file");
    }
    for (uint32_t i = 0; i < bare->plan->node_count && rc == MUSTER_OK; i++) {
        rc = add_node(bare, &common, hosts, i, project, err);
    }
    if (rc == MUSTER_OK && (json_object_del(project, "volumes") != 0 ||
                            json_dump_file(project, bare->file, JSON_INDENT(2)) != 0)) {
        rc = muster_error_set(err, MUSTER_EIO, "cannot write '%s'", bare->file);
    }
    json_decref(project);
    return rc;
}

static enum muster_rc write_files(const struct bare *bare, struct muster_error *err)
{
    uint32_t count = bare->plan->node_count;
    const char **hosts = calloc(count, sizeof *hosts);
    char(*names)[COMPOSE_NAME_BYTES] = calloc(count, sizeof *names);
    enum muster_rc rc = MUSTER_ENOMEM;
    if (hosts == NULL || names == NULL) {
        muster_error_set(err, rc, "no memory for %u nodes", count);
    } else {
        for (uint32_t i = 0; i < count; i++) {
            compose__service_name(i, names[i]);
            hosts[i] = names[i];
        }
        rc = write_project(bare, hosts, err);
    }
    free(hosts);
    free(names);
    return rc;
}

/* Down follows in every case: up may have failed half way. */
static enum muster_rc up_and_down(const struct bare *bare, struct bench_times *ret, struct muster_error *err)
{
    struct runner_argv up =
        compose__compose(&bare->engine, "-f", bare->file, "-p", bare->name, "up", "-d", NULL);
    struct runner_argv down =
        compose__compose(&bare->engine, "-f", bare->file, "-p", bare->name, "down", NULL);
    enum muster_rc rc = bench_call(&up, &ret->deploy_ms, err);
    enum muster_rc down_rc = bench_call(&down, &ret->teardown_ms, err);
    return rc == MUSTER_OK ? down_rc : rc;
}

static enum muster_rc measure_bare(const struct bench *bench, const struct muster_plan *plan,
                                   struct bench_times *ret, struct muster_error *err)
{
    struct bare bare = { .bench = bench, .plan = plan, .directory = "/tmp/muster-bench-XXXXXX" };
    double version_ms;
    enum muster_rc rc = compose__engine_find(&bare.engine, err);
    if (rc != MUSTER_OK) {
        return rc;
    }
    if (mkdtemp(bare.directory) == NULL) {
        return muster_error_errno(err, MUSTER_EINFRA, errno, "cannot make a directory in /tmp");
    }
    snprintf(bare.file, sizeof bare.file, "%s/compose.json", bare.directory);
    snprintf(bare.name, sizeof bare.name, "bench-%d-%u", (int)getpid(), plan->node_count);
    struct runner_argv version = compose__docker(&bare.engine, "compose", "version", NULL);
    bool plugin = bench_call(&version, &version_ms, NULL) == MUSTER_OK;
    rc = compose__engine_choose(&bare.engine, plugin ? "2" : "", err);
    if (rc == MUSTER_OK) {
        rc = write_files(&bare, err);
    }
    if (rc == MUSTER_OK) {
        rc = up_and_down(&bare, ret, err);
    }
    if (muster__directory_remove(bare.directory, NULL) != MUSTER_OK) {
        fprintf(stderr, "bench: %s is left\n", bare.directory);
    }
    return rc;
}

enum muster_rc bench_compose(const struct bench *bench, struct muster_error *err)
{
    return bench_backend(bench, &muster_compose_runner, measure_bare, SLACK_MS, err);
}
