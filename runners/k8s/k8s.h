/* The runner "k8s": each node is a pod in one namespace of a Kubernetes cluster, spoken to by kubectl. */
#ifndef MUSTER_RUNNERS_K8S_K8S_H
#define MUSTER_RUNNERS_K8S_K8S_H

#include "muster/runner.h"

extern const struct muster_runner muster_k8s_runner;

#endif
