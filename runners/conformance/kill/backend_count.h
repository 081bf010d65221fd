/* What of a run its backend has, asked of the backend itself: without the product's code, and without a
 * ledger. */
#ifndef MUSTER_CONFORMANCE_LABELLED_H
#define MUSTER_CONFORMANCE_LABELLED_H

/** How many things bear the label of a run: of the Docker engine for the runner compose, of the cluster, in
 * all namespaces, for k8s; other runners have no backend. -1 when it does not say. */
int labelled_count(const char *runner, const char *run_id);

#endif
