/* Which programs speak to which engine, and how they are called. */
#ifndef MUSTER_RUNNERS_COMPOSE_ENGINE_H
#define MUSTER_RUNNERS_COMPOSE_ENGINE_H

#include <jansson.h>
#include <stdbool.h>

#include "muster/result.h"
#include "shared/argv.h"

#define COMPOSE_CALL_MS 20000u /* A call that has one thing to do in the engine. */
#define COMPOSE_LABEL "muster.run"

struct compose_engine {
    char docker[4096];
    char standalone[4096]; /* docker-compose; "" when `docker compose` serves. */
    char context[256]; /* Of the Docker CLI; "" for the current one. */
    struct runner_env env; /* The same engine also from another shell. */
};

/** Finds the programs in PATH. `standalone` is set where there is one, to be dropped if the plugin answers.
 * MUSTER_OK; MUSTER_ESKIP, there is no Docker CLI. */
MUSTER_MUST_USE enum muster_rc compose__engine_find(struct compose_engine *engine, struct muster_error *err);

/** Takes what `docker compose version --short` answered ("" when it failed). MUSTER_ESKIP: there is no
 * Compose. */
MUSTER_MUST_USE enum muster_rc compose__engine_choose(struct compose_engine *engine,
                                                      const char *plugin_version, struct muster_error *err);

/** Takes over the environment that says where the engine is. MUSTER_OK or MUSTER_ENOMEM. */
MUSTER_MUST_USE enum muster_rc compose__engine_keep_env(struct compose_engine *engine,
                                                        struct muster_error *err);
void compose__engine_fini(struct compose_engine *engine);

/** For the ledger, and back from there. NULL without memory, or where a path is not UTF-8. */
json_t *compose__engine_to_json(const struct compose_engine *engine);
MUSTER_MUST_USE enum muster_rc compose__engine_from_json(const json_t *json, struct compose_engine *ret,
                                                         struct muster_error *err);

/** `docker` with its context and the arguments that follow, up to NULL. */
struct runner_argv compose__docker(const struct compose_engine *engine, ...) __attribute__((sentinel));
/** The same for Compose. */
struct runner_argv compose__compose(const struct compose_engine *engine, ...) __attribute__((sentinel));

#endif
