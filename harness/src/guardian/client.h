/* The test's side of the guardian: requests processes and the clean-up, and hears of processes that end. */
#ifndef MUSTER_SRC_GUARDIAN_CLIENT_H
#define MUSTER_SRC_GUARDIAN_CLIENT_H

#include <stdbool.h>
#include <stdint.h>

#include "muster/runner.h"
#include "muster/session.h"

struct muster_guardian_client;

/* Called from the listener's thread. All three are required. */
struct muster__guardian_callbacks {
    /* A process ended. `told` is true if the guardian had sent it SIGTERM or SIGKILL. */
    void (*ended)(void *context, uint32_t process, uint32_t node, bool told, const struct muster_exit *exit);
    /* The guardian died. Called once. */
    void (*gone)(void *context);
    /* A node wrote more than MUSTER__LOG_BYTES_MAX and was stopped. */
    void (*flooded)(void *context, uint32_t node, uint64_t log_bytes);
    void *context;
};

/** Call it in the test's process: says hello on the inherited socket and starts the listener's thread. */
MUSTER_MUST_USE enum muster_rc muster__guardian_attach(int socket_fd,
                                                       const struct muster__guardian_callbacks *callbacks,
                                                       struct muster_guardian_client **ret,
                                                       struct muster_error *err);
void muster__guardian_detach(struct muster_guardian_client *client);

/* See muster_deployment_spawn_begin(). */
MUSTER_MUST_USE enum muster_rc muster__guardian_spawn_begin(struct muster_guardian_client *client,
                                                            const struct muster_spawn *spawn, uint64_t *ret,
                                                            struct muster_error *err);
MUSTER_MUST_USE enum muster_rc muster__guardian_spawn_end(struct muster_guardian_client *client,
                                                          uint64_t ticket, uint32_t *ret,
                                                          struct muster_error *err);
MUSTER_MUST_USE enum muster_rc muster__guardian_signal(struct muster_guardian_client *client,
                                                       uint32_t process, int signal,
                                                       struct muster_error *err);
MUSTER_MUST_USE enum muster_rc muster__guardian_wait_exit(struct muster_guardian_client *client,
                                                          uint32_t process, uint32_t timeout_ms,
                                                          struct muster_exit *ret, struct muster_error *err);

/** Leases 127.a.b.0/24 for the run. Sets `prefix` to "127.a.b.". Returns MUSTER_OK or MUSTER_EINFRA. */
MUSTER_MUST_USE enum muster_rc muster__guardian_lease(struct muster_guardian_client *client, char prefix[16],
                                                      struct muster_error *err);

/** Tells the guardian the phase and the verdict so far, which it reports if the test dies. */
void muster__guardian_note(struct muster_guardian_client *client, enum muster_phase phase,
                           enum muster_verdict verdict, const char *text);

/** Has the evidence saved while the nodes still run. Bounded by the runner's own deadlines. */
void muster__guardian_save_evidence(struct muster_guardian_client *client);

/**
 * Has the evidence saved unless it was, then has everything taken down and audited. Bounded by the plan's
 * grace and the runner's own deadlines.
 *
 * @return MUSTER_OK: all is gone, or preserved as asked.
 *         MUSTER_ENODE: all is gone, but a node had to be killed or ended badly.
 *         MUSTER_ELEAK: something is left; err names it.
 *         MUSTER_EINFRA: the clean-up failed, or the guardian is gone.
 */
MUSTER_MUST_USE enum muster_rc muster__guardian_clean_up(struct muster_guardian_client *client, bool preserve,
                                                         struct muster_error *err);

/** Sends the verdict and whether the run directory stays. The guardian then exits. */
void muster__guardian_done(struct muster_guardian_client *client, enum muster_verdict verdict,
                           const char *text, bool keep_directory);

#endif
