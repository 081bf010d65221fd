/* The cluster behind tests of the k8s runner: asked with kubectl, and through a proxy that can be cut off. */
#ifndef MUSTER_TEST_CLUSTER_H
#define MUSTER_TEST_CLUSTER_H

#include <stdbool.h>

#include "support/proxy.h"

/** 0 when there is a cluster; else says why not and returns the exit code of the test program: 77, or 1 where
 * MUSTER_REQUIRE_RUNNERS names k8s. */
int cluster_missing(void);

/** Runs kubectl with up to eight arguments, up to NULL, and returns what it said on stdout, valid until the
 * next call. NULL: it failed, which `complaint` (or NULL) tells. */
const char *cluster_ask(const char **complaint, ...) __attribute__((sentinel));

/** How many objects bear the label of a run, in all namespaces; -1 when the cluster does not say. */
int cluster_has_of_run(const char *run_id);

/** Creates what a YAML manifest says in a namespace (NULL: of no namespace). NULL when it is there, else
 * kubectl's complaint. */
const char *cluster_create(const char *space, const char *manifest);

/** Writes a kubeconfig for the current cluster at another server (NULL: the same), and with a token (NULL: as
 * the current user). False when it cannot. */
bool cluster_write_config(const char *path, const char *server, const char *token);

/** A proxy in front of the API server, at a port of 127.0.0.1 that the first start finds: `at` is all zeroes
 * then. */
bool cluster_proxy_start(struct proxy *proxy, enum proxy_kind kind, struct proxy_end *at);
/** "https://127.0.0.1:port". */
void cluster_proxy_url(const struct proxy_end *at, char url[64]);

#endif
