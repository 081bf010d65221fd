/* What requests go through: one `kubectl proxy` on a socket in the run directory, or the cluster's own ports.
 */
#include <fcntl.h>
#include <stdio.h>
#include <string.h>

#include "k8s/internal.h"
#include "shared/text.h"

#define SOCKET "api.sock"
#define LINE_BYTES_MAX 4096u

static void take_line(void *context, const char *line, size_t bytes)
{
    (void)context;
    (void)line;
    (void)bytes;
}

/* Left to itself it rejects all that looks like exec or attach of a pod, also where that is a path of the
 * node's. */
static struct runner_argv proxy_argv(const struct k8s *k8s)
{
    return k8s__kubectl(&k8s->cluster, "proxy", "--unix-socket", SOCKET, "--reject-paths", "^$", NULL);
}

/* The guardian ends it when it takes the run down. One that failed is started again: requests fail
 * meanwhile, and are asked again by who needs them. */
static bool proxy_ended(void *context, const struct muster_exit *exit, struct runner_argv *again)
{
    struct k8s *k8s = context;
    (void)exit;
    if (muster_deployment_is_ending(k8s->deployment) || !runner__stream_pause(k8s->proxy, 200)) {
        return false;
    }
    *again = proxy_argv(k8s);
    return true;
}

enum muster_rc k8s__proxy_start(struct k8s *k8s, struct muster_error *err)
{
    if (k8s->node_host[0] != '\0') {
        return MUSTER_OK;
    }
    const char *directory = muster_deployment_directory(k8s->deployment);
    k8s->directory_fd = open(directory, O_PATH | O_DIRECTORY | O_CLOEXEC);
    if (k8s->directory_fd < 0) {
        return muster_error_set(err, MUSTER_EINFRA, "cannot open '%s'", directory);
    }
    const struct runner_argv argv = proxy_argv(k8s);
    const struct runner_stream_options options = { .name = "proxy",
                                                   .line_bytes_max = LINE_BYTES_MAX,
                                                   .line = take_line,
                                                   .ended = proxy_ended,
                                                   .context = k8s };
    enum muster_rc rc = runner__stream_start(&k8s->programs, &argv, &options, &k8s->proxy, err);
    return rc != MUSTER_OK ? muster_error_context(err, rc, "starting kubectl proxy") : MUSTER_OK;
}

enum muster_rc k8s__endpoint(void *state, uint32_t node, struct muster_endpoint *ret,
                             struct muster_error *err)
{
    const struct k8s *k8s = state;
    const struct muster_plan *plan = muster_deployment_plan(k8s->deployment);
    const struct k8s_node *it = &k8s->nodes[node];
    ret->unix_socket_path[0] = '\0';
    if (k8s->node_host[0] != '\0') {
        runner__url(k8s->node_host, it->service.node_port, ret->base_url);
        return it->service.node_port != 0
                   ? MUSTER_OK
                   : muster_error_set(err, MUSTER_EINFRA, "the service '%s' has no NodePort", it->name);
    }
    snprintf(ret->base_url, sizeof ret->base_url, "http://localhost/api/v1/namespaces/%s/pods/%s:%u/proxy",
             k8s->space, it->name, plan->system->ports[0].number);
    /* Whatever the run directory is called: a socket's path has little room. */
    snprintf(ret->unix_socket_path, sizeof ret->unix_socket_path, "/proc/self/fd/%d/" SOCKET,
             k8s->directory_fd);
    return MUSTER_OK;
}
