/* The k8s runner in the test's process. */
#ifndef MUSTER_RUNNERS_K8S_INTERNAL_H
#define MUSTER_RUNNERS_K8S_INTERNAL_H

#include "k8s/cluster.h"
#include "k8s/objects.h"
#include "k8s/parse.h"
#include "muster/runner.h"
#include "shared/command.h"
#include "shared/stream.h"

#define K8S_LEDGER_NAMESPACE "k8s_namespace"
#define K8S_LEDGER_UP "k8s_up" /* While objects may still be being created. */
#define K8S_SELECTOR_BYTES 64u

struct k8s_watch;

struct k8s_node {
    char name[K8S_NAME_BYTES];
    struct k8s_service service;
};

struct k8s {
    struct muster_deployment *deployment;
    struct k8s_cluster cluster;
    struct runner_programs programs;
    const char *env[2]; /* Of programs: where the cluster is. */
    bool debug; /* Log every call. */
    char space[K8S_NAME_BYTES]; /* The namespace. */
    bool owns_space;
    char prefix[K8S_NAME_BYTES];
    char selector[K8S_SELECTOR_BYTES]; /* "muster.run=<run id>" */
    uint32_t node_count;
    struct k8s_node *nodes;
    const char **hosts; /* Where the services are, by node. */
    const char *node_host; /* "": the nodes are reached through the proxy. */
    uint64_t up_deadline_ms;
    int directory_fd; /* The run directory: through it the socket's path is short, wherever that is. */
    struct runner_stream *proxy;
    struct k8s_watch *watch;
};

/* ---- names.c ---- */

/** The prefix of the objects of a run: K8S_RUNNER_RELEASE, or "muster", and the run. */
void k8s__prefix(const struct muster_variables *variables, const char *run_id, char prefix[K8S_NAME_BYTES]);
/** Whether a name is one that Kubernetes takes: small letters, digits and dashes inside, at most 63. */
bool k8s__is_name(const char *name);
/** Whether a complaint says that the API server was not reached. */
bool k8s__is_unreached(const char *complaint);
/** The program's name in the image: of the variable's path if that is set, else as the system calls it.
 * Borrowed from `path`, which it fills, or from the system. */
const char *k8s__program(const struct muster_plan *plan, const struct muster_variables *variables,
                         char path[4096]);
/** Logs a call of kubectl, for K8S_RUNNER_DEBUG. */
void k8s__log_call(const struct runner_argv *argv);

/* ---- variables.c ---- */

/** Whether a text is a size as Kubernetes takes it: "1Gi", "0.5G", "1000". */
bool k8s__is_quantity(const char *text);
/** MUSTER_OK; MUSTER_EINVAL names the variable, or the system's port, that cannot be. */
MUSTER_MUST_USE enum muster_rc k8s__check_plan(const struct muster_plan *plan,
                                               const struct muster_variables *variables,
                                               struct muster_error *err);

/* ---- call.c ---- */

/** Runs commands as runner__run() does, and again those that did not reach the API server, until the
 * deadline. MUSTER_OK, all ended by themselves; else as there, and MUSTER_EINFRA: the API server was not
 * reached. */
MUSTER_MUST_USE enum muster_rc k8s__run(struct k8s *k8s, struct runner_command *commands, size_t count,
                                        uint32_t timeout_ms, struct muster_error *err);

/** MUSTER_OK when it exited with 0; else `rc`, with `what` and what it complained about. */
MUSTER_MUST_USE enum muster_rc k8s__judge(const struct runner_command *command, enum muster_rc rc,
                                          const char *what, struct muster_error *err);

/* ---- watch.c, watch_nodes.c: the pods ---- */

MUSTER_MUST_USE enum muster_rc k8s__watch_start(struct k8s *k8s, struct muster_error *err);
void k8s__watch_stop(struct k8s_watch *watch);
/** Whether the API server answers, and has done so lately. MUSTER_OK or MUSTER_EINFRA. */
enum muster_rc k8s__check(void *state, struct muster_error *err);

/** Waits until every pod runs. A node that has ended is no failure here: it was reported. MUSTER_OK;
 * MUSTER_EINFRA, one cannot start, err has the reason and its events; MUSTER_ETIMEDOUT, err names those that
 * are missing. */
MUSTER_MUST_USE enum muster_rc k8s__watch_await_running(struct k8s_watch *watch, uint64_t deadline_ms,
                                                        struct muster_error *err);
/** The address of a node's pod; "" where it is not known. */
void k8s__watch_address(struct k8s_watch *watch, uint32_t node, char address[64]);
/** Waits until the end of a pod has been reported; false when the time passed before. */
bool k8s__watch_ended(struct k8s_watch *watch, uint32_t node, uint32_t timeout_ms);

/* ---- prepare.c, up.c, proxy.c, control.c ---- */

/** Finds the cluster that all calls of the run will name. */
MUSTER_MUST_USE enum muster_rc k8s__find_cluster(struct k8s *k8s, struct muster_error *err);
/** Finds out whether the namespace is there already, and writes it into the ledger. */
MUSTER_MUST_USE enum muster_rc k8s__choose_space(struct k8s *k8s, struct muster_error *err);
/** Writes objects into the run directory and creates them. `output` (or NULL) gets them as they were created;
 * the caller frees it. */
MUSTER_MUST_USE enum muster_rc k8s__create(struct k8s *k8s, json_t *list, const char *file, const char *what,
                                           char **output, struct muster_error *err);
enum muster_rc k8s__up(struct muster_deployment *deployment, void **state, struct muster_error *err);
void k8s__detach(void *state);
/** Starts what requests go through. */
MUSTER_MUST_USE enum muster_rc k8s__proxy_start(struct k8s *k8s, struct muster_error *err);
enum muster_rc k8s__endpoint(void *state, uint32_t node, struct muster_endpoint *ret,
                             struct muster_error *err);
/** Starts all nodes, once all their pods run: one that came long before the others would make a chain of its
 * own. */
MUSTER_MUST_USE enum muster_rc k8s__start_all(struct k8s *k8s, uint32_t timeout_ms, struct muster_error *err);
enum muster_rc k8s__control(void *state, uint32_t node, enum muster_action action, struct muster_error *err);

/* ---- probe.c, collect.c, cleanup.c, preserve.c ---- */

enum muster_rc k8s__probe(const struct muster_plan *plan, const struct muster_variables *variables,
                          struct muster_error *err);
enum muster_rc k8s__collect(const struct muster_ledger_view *view, struct muster_error *err);
enum muster_rc k8s__down(const struct muster_ledger_view *view, uint32_t grace_ms, struct muster_error *err);
enum muster_rc k8s__audit(const struct muster_ledger_view *view, struct muster_audit *audit,
                          struct muster_error *err);
void k8s__print_preserved(const struct muster_ledger_view *view, FILE *out);

#endif
