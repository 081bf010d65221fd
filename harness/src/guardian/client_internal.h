/* What the files of the guardian's client share. */
#ifndef MUSTER_SRC_GUARDIAN_CLIENT_INTERNAL_H
#define MUSTER_SRC_GUARDIAN_CLIENT_INTERNAL_H

#include <pthread.h>

#include "guardian/client.h"
#include "guardian/wire.h"

#define MUSTER__REPLY_TIMEOUT_MS                                                                             \
    30000u /* Includes the requests before it: the guardian does one at a time. */

/* How a process ended. Kept for muster__guardian_wait_exit(). */
struct ended {
    bool known;
    struct muster_exit exit;
};

/* A request that was sent. There may be any number. Each answer is awaited once. */
struct asked {
    uint64_t seq;
    json_t *answer; /* NULL until it has come. */
    struct asked *next;
};

struct muster_guardian_client {
    int socket_fd;
    int wake_fd; /* An eventfd that ends the listener. */
    pthread_t listener;
    struct muster__guardian_callbacks callbacks;
    pthread_mutex_t lock; /* Guards all fields below. */
    pthread_cond_t changed;
    uint64_t seq;
    struct asked *asked;
    bool gone;
    bool detaching;
    size_t ended_count;
    struct ended *ended;
};

/* client_ask.c */
/** Sends a request, which it steals. Sets *ret to the number to pass to muster__client_await(), once. */
MUSTER_MUST_USE enum muster_rc muster__client_send(struct muster_guardian_client *client, json_t *request,
                                                   uint64_t *ret, struct muster_error *err);
/** Waits for an answer. Sets *ret to the answer, which the caller releases, or to NULL if none came.
 *
 * @return The code in the answer.
 *         MUSTER_EINFRA: no answer came.
 */
MUSTER_MUST_USE enum muster_rc muster__client_await(struct muster_guardian_client *client, uint64_t seq,
                                                    uint32_t timeout_ms, json_t **ret,
                                                    struct muster_error *err);
/** Sends a request, which it steals, and waits for the answer. `ret` may be NULL. */
MUSTER_MUST_USE enum muster_rc muster__client_ask(struct muster_guardian_client *client, json_t *request,
                                                  uint32_t timeout_ms, json_t **ret,
                                                  struct muster_error *err);
/** Hands an answer, which it steals, to whoever waits for it. Drops it if nobody does. */
void muster__client_answered(struct muster_guardian_client *client, json_t *answer);
/** Frees the requests that nobody awaited. No thread may be waiting. */
void muster__client_forget(struct muster_guardian_client *client);
/** Waits on `changed`. Call it with the lock held. Returns false once the deadline has passed. */
bool muster__client_wait_changed(struct muster_guardian_client *client, uint64_t deadline_ms);
enum muster_rc muster__client_gone_error(struct muster_error *err);

#endif
