/* The compose runner in the test's process. */
#ifndef MUSTER_RUNNERS_COMPOSE_INTERNAL_H
#define MUSTER_RUNNERS_COMPOSE_INTERNAL_H

#include "compose/engine.h"
#include "compose/parse.h"
#include "compose/project.h"
#include "muster/runner.h"
#include "shared/command.h"

#define COMPOSE_LEDGER_PROJECT "compose_project"
#define COMPOSE_LEDGER_UP "compose_up" /* While the engine may still be creating. */
#define COMPOSE_FILE "compose.json"

struct compose_watch;

struct compose_node {
    char container[COMPOSE_NAME_BYTES];
    char url[512];
    bool url_is_stale;
};

struct compose {
    struct muster_deployment *deployment;
    struct compose_engine engine;
    char project[COMPOSE_NAME_BYTES];
    char label[64]; /* "label=muster.run=<run id>": a filter. */
    const char *host; /* Where published ports are reached. */
    uint32_t node_count;
    struct compose_node *nodes;
    const char **hosts; /* Service names by node. */
    char (*services)[COMPOSE_NAME_BYTES];
    const char *image; /* Borrowed from the system or the environment. */
    struct runner_programs programs;
    struct compose_watch *watch;
};

/* ---- command.c: what docker answers ---- */

/** MUSTER_OK when it exited with 0; else `rc`, with `what` and what it complained about. MUSTER_EINFRA when
 * that is that the engine is gone. */
MUSTER_MUST_USE enum muster_rc compose__judge(const struct runner_command *command, enum muster_rc rc,
                                              const char *what, struct muster_error *err);

/** Runs one and judges it. */
MUSTER_MUST_USE enum muster_rc compose__do(struct compose *compose, struct runner_argv argv,
                                           uint32_t timeout_ms, enum muster_rc rc, const char *what,
                                           struct muster_error *err);

/** Whether the engine answers. MUSTER_OK or MUSTER_EINFRA. */
enum muster_rc compose__check(void *state, struct muster_error *err);

/** Whether a complaint says that the engine is not there. */
bool compose__is_engine_gone(const char *complaint);

/* ---- watch.c: the engine's event stream ---- */

/** Starts the stream and the thread that follows it. MUSTER_OK or MUSTER_EINFRA. */
MUSTER_MUST_USE enum muster_rc compose__watch_start(struct compose *compose, struct muster_error *err);
void compose__watch_stop(struct compose_watch *watch);

/** Waits until an event has come: from then on none is missed. False: none did. */
bool compose__watch_is_live(struct compose_watch *watch, uint32_t timeout_ms);

/** Waits until the containers of the nodes from `first` up to `end` have been seen to be created; false when
 * the time passed before. */
bool compose__watch_created(struct compose_watch *watch, uint32_t first, uint32_t end, uint32_t timeout_ms);

/** A node was told to start, or will be told to end: an end before the next start is as asked. */
void compose__watch_started(struct compose_watch *watch, uint32_t node);
void compose__watch_ending(struct compose_watch *watch, uint32_t node, bool asked);

/** Waits until the end of a node has been reported; false when the time passed before. */
bool compose__watch_ended(struct compose_watch *watch, uint32_t node, uint32_t timeout_ms,
                          struct muster_exit *exit);

/* ---- prepare.c, create.c, up.c, locate.c, control.c ---- */

/** Finds the programs and the context that all calls of the run will name. MUSTER_OK; MUSTER_ESKIP; as
 * runner__run(). */
MUSTER_MUST_USE enum muster_rc compose__find_engine(struct compose *compose, struct muster_error *err);
/** Writes the project into the ledger. */
MUSTER_MUST_USE enum muster_rc compose__record_project(struct compose *compose, struct muster_error *err);
/** Renders all nodes; writes their files and the Compose file into the run directory. */
MUSTER_MUST_USE enum muster_rc compose__write_files(struct compose *compose, struct muster_error *err);

/** Has Compose create the project, copies the nodes' files into it and starts the nodes. */
MUSTER_MUST_USE enum muster_rc compose__create_and_start(struct compose *compose, struct muster_error *err);
/** How long up may take, in milliseconds, before deadlines are stretched. */
uint32_t compose__up_ms(const struct muster_variables *variables, uint32_t node_count);
enum muster_rc compose__up(struct muster_deployment *deployment, void **state, struct muster_error *err);
void compose__detach(void *state);
/** Reads where all nodes (or one) are published now. */
MUSTER_MUST_USE enum muster_rc compose__locate(struct compose *compose, uint32_t node,
                                               struct muster_error *err);
enum muster_rc compose__control(void *state, uint32_t node, enum muster_action action,
                                struct muster_error *err);

/* ---- probe.c, cleanup.c, collect.c, preserve.c ---- */

/* What the ledger says of a run's project. */
struct compose_record {
    struct compose_engine engine;
    char project[COMPOSE_NAME_BYTES];
    char label[64];
    uint32_t node_count;
    int end_code; /* The system's. */
    char log_directory[4096]; /* "" for the nodes' own. */
    bool up_unfinished;
};

enum muster_rc compose__probe(const struct muster_plan *plan, const struct muster_variables *variables,
                              struct muster_error *err);
enum muster_rc compose__collect(const struct muster_ledger_view *view, struct muster_error *err);
enum muster_rc compose__down(const struct muster_ledger_view *view, uint32_t grace_ms,
                             struct muster_error *err);
enum muster_rc compose__audit(const struct muster_ledger_view *view, struct muster_audit *audit,
                              struct muster_error *err);
/** Saves the logs of `count` nodes from `first` on, each that the engine gives in place of what was saved of
 * it before. As muster_tool_run(). */
MUSTER_MUST_USE enum muster_rc compose__save_logs(const struct muster_ledger_view *view,
                                                  const struct compose_record *record, uint32_t first,
                                                  uint32_t count, struct muster_error *err);
/** MUSTER_ENODE when a log that compose__collect() saved is a flood. MUSTER_OK or MUSTER_ENODE. */
MUSTER_MUST_USE enum muster_rc compose__judge_logs(const struct muster_ledger_view *view,
                                                   const struct compose_record *record,
                                                   struct muster_error *err);
void compose__print_preserved(const struct muster_ledger_view *view, FILE *out);

/** MUSTER_OK; MUSTER_ENOTFOUND, the run never got as far; MUSTER_EREPLY. The caller calls
 * compose__engine_fini(). */
MUSTER_MUST_USE enum muster_rc compose__record_read(const struct muster_ledger_view *view,
                                                    struct compose_record *ret, struct muster_error *err);

#endif
