/* Counts what a backend has of a run by asking the backend itself, without muster's code and without a
 * ledger. */
#ifndef MUSTER_CONFORMANCE_BACKEND_COUNT_H
#define MUSTER_CONFORMANCE_BACKEND_COUNT_H

/** How many things have the label of the run: in the Docker engine for the runner compose, in all namespaces
 * of the cluster for k8s; 0 for other runners, which have no backend. -1 when the backend does not answer. */
int backend_count(const char *runner, const char *run_id);

#endif
