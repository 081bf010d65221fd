/* The Docker engine behind tests of the compose runner: asked directly, and through a proxy that can be cut
 * off. */
#ifndef MUSTER_TEST_ENGINE_H
#define MUSTER_TEST_ENGINE_H

#include <stdbool.h>

#include "support/proxy.h"

#define ENGINE_NODE_IMAGE "logos-blockchain-testing:local"

/** 0 when there is an engine; else says why not and returns the exit code of the test program: 77, or 1 where
 * MUSTER_REQUIRE_RUNNERS names compose. */
int engine_missing(void);

/** Runs docker with up to eight arguments, up to NULL, and returns what it said on stdout, valid until the
 * next call. NULL: it failed, which `complaint` (or NULL) tells. */
const char *engine_ask(const char **complaint, ...) __attribute__((sentinel));

/** How many containers, networks and volumes bear the label of a run; -1 when the engine does not say. */
int engine_has_of_run(const char *run_id);

/** Makes an image out of the nodes' that differs as a line of a Dockerfile says, such as "ENTRYPOINT
 * [\"/program\"]", and has the file `program` (or NULL) in its root directory. NULL when it is there, else
 * docker's complaint. */
const char *engine_make_image(const char *image, const char *change, const char *program);

/** A proxy in front of the engine that listens at `path`. False when it cannot, such as when the engine is
 * not behind a Unix socket. */
bool engine_proxy_start(struct proxy *proxy, enum proxy_kind kind, const char *path);

#endif
