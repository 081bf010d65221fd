/* What the files of the guardian's client share. */
#ifndef MUSTER_SRC_GUARDIAN_CLIENT_INTERNAL_H
#define MUSTER_SRC_GUARDIAN_CLIENT_INTERNAL_H

#include <pthread.h>

#include "guardian/client.h"
#include "guardian/wire.h"

#define MUSTER__REPLY_TIMEOUT_MS 30000u /* A spawn or a signal; the guardian does one thing at a time. */

/* How a process ended, kept until it is asked for. */
struct ended {
    bool known;
    struct muster_exit exit;
};

/* A request that was sent. Any number may be under way; nobody waits for the answer twice. */
struct asked {
    uint64_t seq;
    json_t *answer; /* NULL until it is there. */
    struct asked *next;
};

struct muster_guardian_client {
    int socket_fd;
    int wake_fd; /* Ends the listener. */
    pthread_t listener;
    struct muster__guardian_callbacks callbacks;
    pthread_mutex_t lock; /* All below. */
    pthread_cond_t changed;
    uint64_t seq;
    struct asked *asked;
    bool gone;
    bool detaching;
    size_t ended_count;
    struct ended *ended;
};

/* guardian_ask.c */
/** Sends a request (stolen). *ret is for muster__client_await(), which must follow, once. */
MUSTER_MUST_USE enum muster_rc muster__client_send(struct muster_guardian_client *client, json_t *request,
                                                   uint64_t *ret, struct muster_error *err);
/** Waits for the answer, which is the caller's to release, and is NULL when there was none. Its code, or
 * MUSTER_EINFRA. */
MUSTER_MUST_USE enum muster_rc muster__client_await(struct muster_guardian_client *client, uint64_t seq,
                                                    uint32_t timeout_ms, json_t **ret,
                                                    struct muster_error *err);
/** Both; ret may be NULL. */
MUSTER_MUST_USE enum muster_rc muster__client_ask(struct muster_guardian_client *client, json_t *request,
                                                  uint32_t timeout_ms, json_t **ret,
                                                  struct muster_error *err);
/** An answer (stolen) has come. */
void muster__client_answered(struct muster_guardian_client *client, json_t *answer);
/** Lets go of all that was asked and not awaited; nobody may wait any more. */
void muster__client_forget(struct muster_guardian_client *client);
/** Waits on `changed`, with the lock held; false once the deadline has passed. */
bool muster__client_wait_changed(struct muster_guardian_client *client, uint64_t deadline_ms);
enum muster_rc muster__client_gone_error(struct muster_error *err);

#endif
