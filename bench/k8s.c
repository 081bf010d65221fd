/* Up to ready and down on the k8s runner, beside bare kubectl with the same objects. There the pods count as
 * ready when their containers run: nobody starts the nodes in them, nor asks them. */
#include "k8s/k8s.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/files.h"
#include "bench.h"
#include "k8s/cluster.h"
#include "k8s/objects.h"
#include "muster/clock.h"

#define SLACK_MS 1000.0
#define TIMEOUT "--timeout=170s"

/* One namespace of bare kubectl. */
struct bare {
    const struct muster_plan *plan;
    struct k8s_cluster cluster;
    char directory[64];
    char file[128];
    char name[K8S_NAME_BYTES];
    char selector[K8S_NAME_BYTES + 16];
};

static enum muster_rc add_node(const struct bare *bare, const struct k8s_common *common, const char **hosts,
                               uint32_t node, json_t *items, struct muster_error *err)
{
    struct muster_rendering rendering = { 0 };
    const struct muster_addresses addresses = { .listen_host = "0.0.0.0",
                                                .peer_hosts = hosts,
                                                .data_directory = "data",
                                                .deployed_wall_ms = muster_clock_wall_ms() };
    enum muster_rc rc = bare->plan->system->render(bare->plan, node, &addresses, &rendering, err);
    if (rc == MUSTER_OK) {
        rc = k8s__add_node(items, common, node, &rendering, err);
    }
    muster_rendering_fini(&rendering);
    return rc;
}

static enum muster_rc add_all(const struct bare *bare, const struct k8s_common *common, json_t *items,
                              struct muster_error *err)
{
    uint32_t count = bare->plan->node_count;
    const char **hosts = calloc(count, sizeof *hosts);
    int failed = hosts == NULL || json_array_append_new(items, k8s__namespace_object(common, bare->name)) ||
                 json_array_append_new(items, k8s__keeper_object(common));
    for (uint32_t i = 0; i < count && !failed; i++) {
        hosts[i] = "127.0.0.1"; /* As long as a service's address, which nobody knows yet. */
        failed = json_array_append_new(items, k8s__service_object(common, i));
    }
    enum muster_rc rc =
        failed ? muster_error_set(err, MUSTER_ENOMEM, "no memory for the objects of %u nodes", count)
               : MUSTER_OK;
    for (uint32_t i = 0; i < count && rc == MUSTER_OK; i++) {
        rc = add_node(bare, common, hosts, i, items, err);
    }
    free(hosts);
    return rc;
}

static enum muster_rc write_objects(const struct bare *bare, const struct muster_variables *variables,
                                    struct muster_error *err)
{
    const struct muster_system *system = bare->plan->system;
    const char *image = NULL;
    enum muster_rc rc = muster_image_find(system, variables, &image, err);
    const struct k8s_common common = {
        .run_id = bare->name,
        .prefix = "muster",
        .image = image,
        .pull_policy = muster_variable_text(variables, MUSTER_VAR_IMAGE_PULL_POLICY),
        .program = system->program,
        .storage = "",
        .ports = system->ports,
        .port_count = system->port_count,
        .grace_ms = bare->plan->grace_ms,
    };
    json_t *list = k8s__list_new();
    if (rc == MUSTER_OK) {
        rc = add_all(bare, &common, json_object_get(list, "items"), err);
    }
    if (rc == MUSTER_OK && json_dump_file(list, bare->file, JSON_COMPACT) != 0) {
        rc = muster_error_set(err, MUSTER_EIO, "cannot write '%s'", bare->file);
    }
    json_decref(list);
    return rc;
}

/* On the server's side: what a client would note down of the keeper is more than an object may be annotated
 * with. */
static enum muster_rc up(const struct bare *bare, double *took_ms, struct muster_error *err)
{
    double wait_ms = 0;
    struct runner_argv apply = k8s__kubectl(&bare->cluster, "apply", "--server-side", "--validate=false",
                                            "-n", bare->name, "-f", bare->file, NULL);
    struct runner_argv wait = k8s__kubectl(&bare->cluster, "wait", "--for=condition=Ready", "pods", "-n",
                                           bare->name, "-l", bare->selector, TIMEOUT, NULL);
    enum muster_rc rc = bench_call(&apply, took_ms, err);
    if (rc == MUSTER_OK) {
        rc = bench_call(&wait, &wait_ms, err);
    }
    *took_ms += wait_ms;
    return rc;
}

/* Down follows in every case: up may have failed half way. */
static enum muster_rc up_and_down(const struct bare *bare, struct bench_times *ret, struct muster_error *err)
{
    struct runner_argv down = k8s__kubectl(&bare->cluster, "delete", "-n", bare->name, "-f", bare->file,
                                           "--ignore-not-found", TIMEOUT, NULL);
    enum muster_rc rc = up(bare, &ret->deploy_ms, err);
    enum muster_rc down_rc = bench_call(&down, &ret->teardown_ms, rc == MUSTER_OK ? err : NULL);
    return rc == MUSTER_OK ? down_rc : rc;
}

static enum muster_rc measure_bare(const struct bench *bench, const struct muster_plan *plan,
                                   struct bench_times *ret, struct muster_error *err)
{
    static unsigned count;
    struct bare bare = { .plan = plan, .directory = "/tmp/muster-bench-XXXXXX" };
    enum muster_rc rc = k8s__cluster_find(&bare.cluster, err);
    if (rc == MUSTER_OK && mkdtemp(bare.directory) == NULL) {
        rc = muster_error_errno(err, MUSTER_EINFRA, errno, "cannot make a directory in /tmp");
    }
    if (rc != MUSTER_OK) {
        k8s__cluster_fini(&bare.cluster);
        return rc;
    }
    snprintf(bare.file, sizeof bare.file, "%s/objects.json", bare.directory);
    snprintf(bare.name, sizeof bare.name, "muster-bench-%d-%u", (int)getpid(), ++count);
    snprintf(bare.selector, sizeof bare.selector, K8S_LABEL "=%s", bare.name);
    rc = write_objects(&bare, bench->variables, err);
    if (rc == MUSTER_OK) {
        rc = up_and_down(&bare, ret, err);
    }
    k8s__cluster_fini(&bare.cluster);
    if (muster__directory_remove(bare.directory, NULL) != MUSTER_OK) {
        fprintf(stderr, "bench: %s is left\n", bare.directory);
    }
    return rc;
}

enum muster_rc bench_k8s(const struct bench *bench, struct muster_error *err)
{
    return bench_backend(bench, &muster_k8s_runner, measure_bare, SLACK_MS, err);
}
