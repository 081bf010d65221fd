/* A session whose guardian runs real processes, and the test's side of it. */
#ifndef MUSTER_TESTING_GUARDIAN_FIXTURE_H
#define MUSTER_TESTING_GUARDIAN_FIXTURE_H

#include <pthread.h>
#include <stdbool.h>
#include <stdint.h>

#include "base/files.h"
#include "guardian/charge.h"
#include "guardian/client.h"
#include "host/process.h"
#include "muster/clock.h"
#include "muster/session.h"

#define GUARDIAN_PATIENCE_MS 20000u

/* Valid from guardian_make_root() to guardian_remove_root(). */
extern char guardian_root[64];
extern struct muster_variables *guardian_variables;
extern struct muster_plan *guardian_plan;

uint32_t guardian_no_capabilities(const struct muster_variables *unused);

extern const struct muster_runner guardian_plain_runner;

void guardian_make_root(void);

void guardian_remove_root(void);

/* What the guardian told the test, counted by the three callbacks; context is a guardian_seen. */
struct guardian_seen {
    pthread_mutex_t lock;
    unsigned ended;
    unsigned told; /* Of those, the ones that were told to. */
    unsigned flooded;
    bool gone;
};

void guardian_on_ended(void *context, uint32_t process, uint32_t node, bool told,
                       const struct muster_exit *exit);

void guardian_on_gone(void *context);

void guardian_on_flooded(void *context, uint32_t node, uint64_t log_bytes);

/* Counts for clients that guardian_attach() made. */
extern struct guardian_seen guardian_seen;

/* Waits until the flag is set or the count is above 0; either may be NULL. */
bool guardian_wait_seen(const bool *flag, const unsigned *count);

struct muster_session *guardian_open_session(void);

struct muster_guardian_client *guardian_attach(const struct muster_session *session);

/* Begins to spawn, and waits for the answer. */
enum muster_rc guardian_spawn(struct muster_guardian_client *client, const struct muster_spawn *what,
                              uint32_t *ret, struct muster_error *err);

/* A node that is a shell command. */
uint32_t guardian_spawn_node(struct muster_session *session, struct muster_guardian_client *client,
                             uint32_t node, const char *command);

struct muster_exit guardian_wait_exit(struct muster_guardian_client *client, uint32_t process);

/* Processes that carry the mark of a run. */
unsigned guardian_processes_of(const char *run_id);

/* A process may be between its shell and its program, where it shows no environment. */
void guardian_await_processes(const char *run_id, unsigned count);

bool guardian_await_no_process(const char *run_id);

void guardian_finish(struct muster_guardian_client *client, enum muster_verdict verdict, bool keep);

/* The caller frees it. */
char *guardian_read_run_file(const char *directory, const char *name);

#endif
