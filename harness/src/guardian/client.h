/* The test's side of the guardian: asks for processes, learns of their ends, asks for clean-up. */
#ifndef MUSTER_SRC_GUARDIAN_CLIENT_H
#define MUSTER_SRC_GUARDIAN_CLIENT_H

#include <stdbool.h>
#include <stdint.h>

#include "muster/runner.h"
#include "muster/session.h"

struct muster_guardian_client;

/** In the test's process: says hello on the inherited socket and starts the thread that listens.
 * `ended` is called from that thread for each process's end, `told` when that was told to end before; `gone`
 * once, when the guardian died. */
struct muster__guardian_callbacks {
    void (*ended)(void *context, uint32_t process, uint32_t node, bool told, const struct muster_exit *exit);
    void (*gone)(void *context);
    /* A node's log grew past its bound. */
    void (*flooded)(void *context, uint32_t node, uint64_t log_bytes);
    void *context;
};
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

/** Leases 127.a.b.0/24 for the run: `prefix` becomes "127.a.b.". MUSTER_OK or MUSTER_EINFRA. */
MUSTER_MUST_USE enum muster_rc muster__guardian_lease(struct muster_guardian_client *client, char prefix[16],
                                                      struct muster_error *err);

/** Tells the guardian what phase it is and how it stands, should the test die. */
void muster__guardian_note(struct muster_guardian_client *client, enum muster_phase phase,
                           enum muster_verdict verdict, const char *text);

/** Has the evidence saved, before anything is told to end. Bounded by the runner's own deadlines. */
void muster__guardian_save_evidence(struct muster_guardian_client *client);

/**
 * Evidence unless it was saved, down, audit. Bounded by the grace and the runner's own deadlines.
 *
 * @return MUSTER_OK, all is gone (or preserved, as asked); MUSTER_ENODE, a node had to be killed;
 * MUSTER_ELEAK with what is left; MUSTER_EINFRA.
 */
MUSTER_MUST_USE enum muster_rc muster__guardian_clean_up(struct muster_guardian_client *client, bool preserve,
                                                         struct muster_error *err);

/** The last word: the verdict, and whether the run directory stays. The guardian then exits. */
void muster__guardian_done(struct muster_guardian_client *client, enum muster_verdict verdict,
                           const char *text, bool keep_directory);

#endif
