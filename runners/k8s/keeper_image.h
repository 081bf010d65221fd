/* Process 1 of a node's pod, as it was built with this library. */
#ifndef MUSTER_RUNNERS_K8S_KEEPER_IMAGE_H
#define MUSTER_RUNNERS_K8S_KEEPER_IMAGE_H

#include <stddef.h>

/** The program in base64. */
const char *k8s__keeper_base64(size_t *bytes);

#endif
