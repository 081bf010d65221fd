/* Requests to the guardian. Any number may be open at once; each answer goes to the one who waits for it. */
#include <assert.h>
#include <stdlib.h>

#include "guardian/client_internal.h"
#include "muster/clock.h"

/* Call it with the lock held. Returns NULL if nobody waits for that answer any more. */
static struct asked *find_asked(const struct muster_guardian_client *client, uint64_t seq)
{
    struct asked *asked = client->asked;
    while (asked != NULL && asked->seq != seq) {
        asked = asked->next;
    }
    return asked;
}

void muster__client_answered(struct muster_guardian_client *client, json_t *answer)
{
    pthread_mutex_lock(&client->lock);
    struct asked *asked = find_asked(client, (uint64_t)json_integer_value(json_object_get(answer, "re")));
    if (asked != NULL && asked->answer == NULL) {
        asked->answer = json_incref(answer);
    }
    json_decref(answer);
    pthread_cond_broadcast(&client->changed);
    pthread_mutex_unlock(&client->lock);
}

enum muster_rc muster__client_gone_error(struct muster_error *err)
{
    return muster_error_set(err, MUSTER_EINFRA, "the guardian of this run is gone");
}

bool muster__client_wait_changed(struct muster_guardian_client *client, uint64_t deadline_ms)
{
    struct timespec until = { .tv_sec = (time_t)(deadline_ms / 1000),
                              .tv_nsec = (long)(deadline_ms % 1000) * 1000000 };
    return pthread_cond_timedwait(&client->changed, &client->lock, &until) == 0 ||
           muster_clock_left_ms(deadline_ms) > 0;
}

static void add_asked(struct muster_guardian_client *client, struct asked *asked)
{
    pthread_mutex_lock(&client->lock);
    asked->seq = ++client->seq;
    asked->next = client->asked;
    client->asked = asked;
    pthread_mutex_unlock(&client->lock);
}

/* Call it with the lock held. */
static void drop_asked(struct muster_guardian_client *client, struct asked *asked)
{
    struct asked **at = &client->asked;
    while (*at != asked) {
        assert(*at != NULL);
        at = &(*at)->next;
    }
    *at = asked->next;
    json_decref(asked->answer);
    free(asked);
}

enum muster_rc muster__client_send(struct muster_guardian_client *client, json_t *request, uint64_t *ret,
                                   struct muster_error *err)
{
    struct asked *asked = request == NULL ? NULL : calloc(1, sizeof *asked);
    if (asked == NULL) {
        json_decref(request);
        return muster_error_set(err, MUSTER_ENOMEM, "no memory to ask the guardian");
    }
    add_asked(client, asked);
    uint64_t seq = asked->seq;
    json_object_set_new(request, "seq", json_integer((json_int_t)seq));
    enum muster_rc rc =
        muster__wire_send(client->socket_fd, request, muster_clock_ms() + MUSTER__REPLY_TIMEOUT_MS, err);
    if (rc != MUSTER_OK) {
        pthread_mutex_lock(&client->lock);
        drop_asked(client, asked);
        pthread_mutex_unlock(&client->lock);
        return rc;
    }
    *ret = seq;
    return MUSTER_OK;
}

enum muster_rc muster__client_await(struct muster_guardian_client *client, uint64_t seq, uint32_t timeout_ms,
                                    json_t **ret, struct muster_error *err)
{
    uint64_t deadline_ms = muster_clock_ms() + timeout_ms;
    enum muster_rc rc = MUSTER_OK;
    pthread_mutex_lock(&client->lock);
    struct asked *asked = find_asked(client, seq);
    assert(asked != NULL); /* A ticket is awaited once. */
    while (asked->answer == NULL && !client->gone && rc == MUSTER_OK) {
        if (!muster__client_wait_changed(client, deadline_ms)) {
            rc = muster_error_set(err, MUSTER_EINFRA, "the guardian did not answer within %u s",
                                  timeout_ms / 1000);
        }
    }
    *ret = json_incref(asked->answer);
    if (rc == MUSTER_OK && asked->answer == NULL) {
        rc = muster__client_gone_error(err);
    } else if (asked->answer != NULL) {
        rc = (enum muster_rc)json_integer_value(json_object_get(asked->answer, "rc"));
    }
    drop_asked(client, asked);
    pthread_mutex_unlock(&client->lock);
    if (rc != MUSTER_OK && *ret != NULL) {
        muster_error_set(err, rc, "%s", json_string_value(json_object_get(*ret, "text")));
    }
    return rc;
}

enum muster_rc muster__client_ask(struct muster_guardian_client *client, json_t *request, uint32_t timeout_ms,
                                  json_t **ret, struct muster_error *err)
{
    uint64_t seq = 0;
    json_t *answer = NULL;
    enum muster_rc rc = muster__client_send(client, request, &seq, err);
    if (rc == MUSTER_OK) {
        rc = muster__client_await(client, seq, timeout_ms, &answer, err);
    }
    if (ret != NULL) {
        *ret = answer;
    } else {
        json_decref(answer);
    }
    return rc;
}

void muster__client_forget(struct muster_guardian_client *client)
{
    while (client->asked != NULL) {
        drop_asked(client, client->asked);
    }
}
