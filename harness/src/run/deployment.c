#include "run/deployment.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/files.h"
#include "muster/clock.h"

enum muster_rc muster__deployment_create(struct muster_session *session,
                                         struct muster_guardian_client *guardian, struct muster_nodes *nodes,
                                         struct muster_deployment **ret, struct muster_error *err)
{
    struct muster_deployment *deployment = malloc(sizeof *deployment);
    if (deployment == NULL) {
        return muster_error_set(err, MUSTER_ENOMEM, "no memory for the deployment");
    }
    *deployment = (struct muster_deployment){
        .session = session, .guardian = guardian, .nodes = nodes, .deployed_wall_ms = muster_clock_wall_ms()
    };
    *ret = deployment;
    return MUSTER_OK;
}

void muster__deployment_destroy(struct muster_deployment *deployment)
{
    free(deployment);
}

const struct muster_plan *muster_deployment_plan(const struct muster_deployment *deployment)
{
    return deployment->session->plan;
}

const struct muster_variables *muster_deployment_variables(const struct muster_deployment *deployment)
{
    return deployment->session->variables;
}

const char *muster_deployment_run_id(const struct muster_deployment *deployment)
{
    return deployment->session->run_id;
}

const char *muster_deployment_directory(const struct muster_deployment *deployment)
{
    return deployment->session->directory;
}

struct muster_ledger *muster_deployment_ledger(struct muster_deployment *deployment)
{
    return deployment->session->ledger;
}

bool muster_deployment_is_ending(const struct muster_deployment *deployment)
{
    return muster__nodes_all_asked(deployment->nodes);
}

void muster_deployment_node_directory(const struct muster_deployment *deployment, uint32_t node,
                                      char path[4096])
{
    snprintf(path, 4096, "%.4000s/nodes/node-%u", deployment->session->directory, node);
}

enum muster_rc muster_make_directory(const char *path, struct muster_error *err)
{
    return muster__directory_make(path, 0700, err);
}

enum muster_rc muster__log_directory(const struct muster_variables *variables, const char *run_id,
                                     char path[MUSTER__PATH_BYTES], struct muster_error *err)
{
    const char *base = muster_variable_text(variables, MUSTER_VAR_LOG_DIR);
    path[0] = '\0';
    return base[0] == '\0' ? MUSTER_OK : muster__path(path, err, "%s/muster-%s", base, run_id);
}

/* The beginning of the paths of a node's logs. */
static enum muster_rc find_log_prefix(const struct muster_session *session, uint32_t node,
                                      char prefix[MUSTER__PATH_BYTES], struct muster_error *err)
{
    char directory[MUSTER__PATH_BYTES];
    enum muster_rc rc = muster__log_directory(session->variables, session->run_id, directory, err);
    if (rc != MUSTER_OK || directory[0] == '\0') {
        return rc != MUSTER_OK ? rc
                               : muster__path(prefix, err, "%s/nodes/node-%u/", session->directory, node);
    }
    rc = muster__directory_make(directory, 0700, err);
    if (rc != MUSTER_OK) {
        return muster_error_context(err, rc, "%s is '%s', where logs cannot be written",
                                    muster_variable_info(MUSTER_VAR_LOG_DIR)->name,
                                    muster_variable_text(session->variables, MUSTER_VAR_LOG_DIR));
    }
    return muster__path(prefix, err, "%s/node-%u.", directory, node);
}

enum muster_rc muster_deployment_place_logs(struct muster_deployment *deployment, uint32_t node,
                                            char stdout_path[4096], char stderr_path[4096],
                                            struct muster_error *err)
{
    char prefix[MUSTER__PATH_BYTES];
    enum muster_rc rc = find_log_prefix(deployment->session, node, prefix, err);
    if (rc == MUSTER_OK) {
        rc = muster__path(stdout_path, err, "%sstdout.log", prefix);
    }
    return rc != MUSTER_OK ? rc : muster__path(stderr_path, err, "%sstderr.log", prefix);
}

/* ---- Rendering ---- */

static void drop_env(struct muster_rendering *rendering, const char *name)
{
    size_t length = strlen(name);
    for (size_t i = 0; i < rendering->env_count; i++) {
        if (strncmp(rendering->env[i], name, length) == 0 && rendering->env[i][length] == '=') {
            free(rendering->env[i]);
            memmove(&rendering->env[i], &rendering->env[i + 1],
                    (rendering->env_count - i) * sizeof rendering->env[0]);
            rendering->env_count--;
            return;
        }
    }
}

/* What the scenario sets for a node wins over what the system does. */
static enum muster_rc add_plan_env(const struct muster_plan *plan, uint32_t node,
                                   struct muster_rendering *out, struct muster_error *err)
{
    for (size_t i = 0; i < plan->env_count; i++) {
        const struct muster_env *env = &plan->env[i];
        if (env->node == node || env->node == MUSTER_EVERY_NODE) {
            drop_env(out, env->name);
            enum muster_rc rc = muster_rendering_env(out, env->name, env->value, err);
            if (rc != MUSTER_OK) {
                return rc;
            }
        }
    }
    return MUSTER_OK;
}

enum muster_rc muster_deployment_render(struct muster_deployment *deployment, uint32_t node,
                                        const struct muster_addresses *addresses,
                                        struct muster_rendering *out, struct muster_error *err)
{
    const struct muster_plan *plan = deployment->session->plan;
    struct muster_addresses complete = *addresses;
    complete.deployed_wall_ms = deployment->deployed_wall_ms;
    enum muster_rc rc = plan->system->render(plan, node, &complete, out, err);
    if (rc == MUSTER_OK) {
        rc = add_plan_env(plan, node, out, err);
    }
    return rc == MUSTER_OK ? rc : muster_error_context(err, rc, "rendering node-%u", node);
}

enum muster_rc muster_deployment_write_node(struct muster_deployment *deployment, uint32_t node,
                                            const struct muster_rendering *rendering,
                                            struct muster_error *err)
{
    char directory[4096];
    char path[MUSTER__PATH_BYTES];
    muster_deployment_node_directory(deployment, node, directory);
    enum muster_rc rc = muster__path(path, err, "%s/data", directory);
    if (rc == MUSTER_OK) {
        rc = muster__directory_make(path, 0700, err);
    }
    for (size_t i = 0; i < rendering->file_count && rc == MUSTER_OK; i++) {
        const struct muster_file *file = &rendering->files[i];
        rc = muster__path(path, err, "%s/%s", directory, file->name);
        if (rc == MUSTER_OK) {
            rc = muster__file_write(path, file->text, strlen(file->text), err);
        }
    }
    return rc;
}

/* ---- The guardian's services ---- */

enum muster_rc muster_deployment_spawn_begin(struct muster_deployment *deployment,
                                             const struct muster_spawn *spawn, uint64_t *ret,
                                             struct muster_error *err)
{
    if (spawn->node != MUSTER_NO_NODE && spawn->stdout_path != NULL && spawn->stderr_path != NULL) {
        muster__nodes_set_log(deployment->nodes, spawn->node, spawn->stdout_path, spawn->stderr_path);
    }
    return muster__guardian_spawn_begin(deployment->guardian, spawn, ret, err);
}

enum muster_rc muster_deployment_spawn_end(struct muster_deployment *deployment, uint64_t ticket,
                                           uint32_t *ret, struct muster_error *err)
{
    return muster__guardian_spawn_end(deployment->guardian, ticket, ret, err);
}

enum muster_rc muster_deployment_spawn(struct muster_deployment *deployment, const struct muster_spawn *spawn,
                                       uint32_t *ret, struct muster_error *err)
{
    uint64_t ticket = 0;
    enum muster_rc rc = muster_deployment_spawn_begin(deployment, spawn, &ticket, err);
    return rc != MUSTER_OK ? rc : muster_deployment_spawn_end(deployment, ticket, ret, err);
}

enum muster_rc muster_deployment_signal(struct muster_deployment *deployment, uint32_t process, int signal,
                                        struct muster_error *err)
{
    return muster__guardian_signal(deployment->guardian, process, signal, err);
}

enum muster_rc muster_deployment_wait_exit(struct muster_deployment *deployment, uint32_t process,
                                           uint32_t timeout_ms, struct muster_exit *ret,
                                           struct muster_error *err)
{
    return muster__guardian_wait_exit(deployment->guardian, process, timeout_ms, ret, err);
}

enum muster_rc muster_deployment_lease_loopback(struct muster_deployment *deployment, char prefix[16],
                                                struct muster_error *err)
{
    return muster__guardian_lease(deployment->guardian, prefix, err);
}

void muster_deployment_node_ended(struct muster_deployment *deployment, uint32_t node,
                                  const struct muster_exit *exit)
{
    muster__nodes_ended(deployment->nodes, node, exit);
}

void muster_deployment_failed(struct muster_deployment *deployment, const char *format, ...)
{
    char text[1024];
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(text, sizeof text, format, arguments);
    va_end(arguments);
    muster__nodes_fail(deployment->nodes, MUSTER_EINFRA, "%s", text);
}
