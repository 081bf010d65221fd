#include "guardian/client.h"

#include <assert.h>
#include <errno.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "base/json.h"
#include "guardian/client_internal.h"
#include "host/process.h"
#include "muster/clock.h"

#define CLEAN_UP_TIMEOUT_MS 600000u /* Longer than the deadlines of the runners. */

/* ---- The listener's thread ---- */

static struct ended *ended_at(struct muster_guardian_client *client, uint32_t process)
{
    if (process >= client->ended_count) {
        size_t count = (size_t)process + 64;
        struct ended *grown = realloc(client->ended, count * sizeof *grown);
        if (grown == NULL) {
            return NULL;
        }
        memset(grown + client->ended_count, 0, (count - client->ended_count) * sizeof *grown);
        client->ended = grown;
        client->ended_count = count;
    }
    return &client->ended[process];
}

static void take_ended(struct muster_guardian_client *client, const json_t *event)
{
    uint32_t process = (uint32_t)json_integer_value(json_object_get(event, "process"));
    json_int_t node = json_integer_value(json_object_get(event, "node"));
    struct muster_exit exit = muster__wire_exit_from_json(event);
    /* Call back before waking: whoever waited for the end must find the node's state changed. */
    client->callbacks.ended(client->callbacks.context, process, node < 0 ? MUSTER_NO_NODE : (uint32_t)node,
                            json_is_true(json_object_get(event, "told")), &exit);
    pthread_mutex_lock(&client->lock);
    struct ended *ended = ended_at(client, process);
    if (ended != NULL) {
        *ended = (struct ended){ .known = true, .exit = exit };
    }
    pthread_cond_broadcast(&client->changed);
    pthread_mutex_unlock(&client->lock);
}

/* Steals the message. */
static void take_message(struct muster_guardian_client *client, json_t *message)
{
    const char *event = json_string_value(json_object_get(message, "event"));
    if (event == NULL) {
        muster__client_answered(client, message);
        return;
    }
    if (strcmp(event, "ended") == 0) {
        take_ended(client, message);
    } else if (strcmp(event, "flooded") == 0) {
        client->callbacks.flooded(client->callbacks.context,
                                  (uint32_t)json_integer_value(json_object_get(message, "node")),
                                  (uint64_t)json_integer_value(json_object_get(message, "bytes")));
    }
    json_decref(message);
}

static void mark_gone(struct muster_guardian_client *client)
{
    pthread_mutex_lock(&client->lock);
    bool expected = client->detaching;
    client->gone = true;
    pthread_cond_broadcast(&client->changed);
    pthread_mutex_unlock(&client->lock);
    if (!expected) {
        client->callbacks.gone(client->callbacks.context);
    }
}

static void *listen_to_guardian(void *context)
{
    struct muster_guardian_client *client = context;
    char *buffer = malloc(MUSTER__PACKET_BYTES);
    bool closed = buffer == NULL;
    struct pollfd ready[] = { { .fd = client->socket_fd, .events = POLLIN },
                              { .fd = client->wake_fd, .events = POLLIN } };
    while (!closed) {
        if (poll(ready, 2, -1) < 0 && errno != EINTR) {
            break;
        }
        if (ready[1].revents != 0) {
            break;
        }
        json_t *message =
            ready[0].revents == 0 ? NULL : muster__wire_receive(client->socket_fd, buffer, &closed);
        if (message != NULL) {
            take_message(client, message);
        }
    }
    if (closed) {
        mark_gone(client);
    }
    free(buffer);
    return NULL;
}

/* ---- Requests ---- */

static json_t *string_array(const char *const *strings)
{
    json_t *array = json_array();
    for (size_t i = 0; strings != NULL && strings[i] != NULL; i++) {
        json_array_append_new(array, json_string(strings[i]));
    }
    return array;
}

enum muster_rc muster__guardian_spawn_begin(struct muster_guardian_client *client,
                                            const struct muster_spawn *spawn, uint64_t *ret,
                                            struct muster_error *err)
{
    json_t *request = json_pack(
        "{s:s, s:o, s:o, s:s?, s:s?, s:s?, s:I}", "op", "spawn", "argv", string_array(spawn->argv), "env",
        string_array(spawn->env), "directory", spawn->directory, "stdout", spawn->stdout_path, "stderr",
        spawn->stderr_path, "node", spawn->node == MUSTER_NO_NODE ? (json_int_t)-1 : (json_int_t)spawn->node);
    return request == NULL ? muster_error_set(err, MUSTER_EINVAL, "a path or variable of '%s' is not UTF-8",
                                              spawn->argv[0])
                           : muster__client_send(client, request, ret, err);
}

enum muster_rc muster__guardian_spawn_end(struct muster_guardian_client *client, uint64_t ticket,
                                          uint32_t *ret, struct muster_error *err)
{
    json_t *answer = NULL;
    enum muster_rc rc = muster__client_await(client, ticket, MUSTER__REPLY_TIMEOUT_MS, &answer, err);
    if (rc == MUSTER_OK) {
        *ret = (uint32_t)json_integer_value(json_object_get(answer, "process"));
    }
    json_decref(answer);
    return rc;
}

enum muster_rc muster__guardian_signal(struct muster_guardian_client *client, uint32_t process, int signal,
                                       struct muster_error *err)
{
    return muster__client_ask(
        client,
        json_pack("{s:s, s:I, s:i}", "op", "signal", "process", (json_int_t)process, "signal", signal),
        MUSTER__REPLY_TIMEOUT_MS, NULL, err);
}

enum muster_rc muster__guardian_wait_exit(struct muster_guardian_client *client, uint32_t process,
                                          uint32_t timeout_ms, struct muster_exit *ret,
                                          struct muster_error *err)
{
    uint64_t deadline_ms = muster_clock_ms() + timeout_ms;
    enum muster_rc rc = MUSTER_OK;
    pthread_mutex_lock(&client->lock);
    struct ended *ended;
    while ((ended = ended_at(client, process)) != NULL && !ended->known && !client->gone && rc == MUSTER_OK) {
        if (!muster__client_wait_changed(client, deadline_ms)) {
            rc = muster_error_set(err, MUSTER_ETIMEDOUT, "it did not end within %.1f s", timeout_ms / 1000.0);
        }
    }
    if (ended != NULL && ended->known) {
        *ret = ended->exit;
        rc = MUSTER_OK;
    } else if (rc == MUSTER_OK) {
        rc = ended == NULL ? muster_error_set(err, MUSTER_ENOMEM, "no memory for another process")
                           : muster__client_gone_error(err);
    }
    pthread_mutex_unlock(&client->lock);
    return rc;
}

enum muster_rc muster__guardian_lease(struct muster_guardian_client *client, char prefix[16],
                                      struct muster_error *err)
{
    json_t *answer = NULL;
    enum muster_rc rc =
        muster__client_ask(client, json_pack("{s:s}", "op", "lease"), MUSTER__REPLY_TIMEOUT_MS, &answer, err);
    if (rc == MUSTER_OK) {
        snprintf(prefix, 16, "%s", json_string_value(json_object_get(answer, "prefix")));
    }
    json_decref(answer);
    return rc;
}

void muster__guardian_note(struct muster_guardian_client *client, enum muster_phase phase,
                           enum muster_verdict verdict, const char *text)
{
    json_t *request = json_pack("{s:s, s:i, s:i, s:o}", "op", "note", "phase", (int)phase, "verdict",
                                (int)verdict, "text", muster__json_text(text == NULL ? "" : text));
    if (request != NULL &&
        muster__client_ask(client, request, MUSTER__REPLY_TIMEOUT_MS, NULL, NULL) != MUSTER_OK) {
        return; /* gone() has reported that the guardian is gone. */
    }
}

void muster__guardian_save_evidence(struct muster_guardian_client *client)
{
    json_t *request = json_pack("{s:s}", "op", "collect");
    if (muster__client_ask(client, request, CLEAN_UP_TIMEOUT_MS, NULL, NULL) != MUSTER_OK) {
        return; /* As in muster__guardian_note(). */
    }
}

enum muster_rc muster__guardian_clean_up(struct muster_guardian_client *client, bool preserve,
                                         struct muster_error *err)
{
    return muster__client_ask(client, json_pack("{s:s, s:b}", "op", "clean_up", "preserve", preserve),
                              CLEAN_UP_TIMEOUT_MS, NULL, err);
}

void muster__guardian_done(struct muster_guardian_client *client, enum muster_verdict verdict,
                           const char *text, bool keep_directory)
{
    pthread_mutex_lock(&client->lock);
    client->detaching = true; /* The guardian exits now, and gone() must not be called for that. */
    pthread_mutex_unlock(&client->lock);
    json_t *request =
        json_pack("{s:s, s:i, s:i, s:o, s:b}", "op", "done", "phase", (int)MUSTER_CLEAN_UP, "verdict",
                  (int)verdict, "text", muster__json_text(text == NULL ? "" : text), "keep", keep_directory);
    if (request != NULL &&
        muster__client_ask(client, request, MUSTER__REPLY_TIMEOUT_MS, NULL, NULL) != MUSTER_OK) {
        return; /* As above. The suite program learns the outcome. */
    }
}

/* ---- Attaching ---- */

static enum muster_rc say_hello(struct muster_guardian_client *client, struct muster_error *err)
{
    pid_t pid = getpid();
    return muster__client_ask(client,
                              json_pack("{s:s, s:i, s:I}", "op", "hello", "pid", (int)pid, "start",
                                        (json_int_t)muster__process_start(pid)),
                              MUSTER__REPLY_TIMEOUT_MS, NULL, err);
}

enum muster_rc muster__guardian_attach(int socket_fd, const struct muster__guardian_callbacks *callbacks,
                                       struct muster_guardian_client **ret, struct muster_error *err)
{
    assert(callbacks->ended != NULL && callbacks->gone != NULL && callbacks->flooded != NULL);
    struct muster_guardian_client *client = calloc(1, sizeof *client);
    if (client == NULL) {
        return muster_error_set(err, MUSTER_ENOMEM, "no memory for the guardian's client");
    }
    client->socket_fd = socket_fd;
    client->callbacks = *callbacks;
    client->wake_fd = eventfd(0, EFD_CLOEXEC);
    muster_clock_init_condition(&client->changed);
    pthread_mutex_init(&client->lock, NULL);
    int error_number =
        client->wake_fd < 0 ? errno : pthread_create(&client->listener, NULL, listen_to_guardian, client);
    if (error_number != 0) {
        free(client);
        return muster_error_errno(err, MUSTER_EINFRA, error_number, "no thread to listen to the guardian");
    }
    enum muster_rc rc = say_hello(client, err);
    if (rc != MUSTER_OK) {
        muster__guardian_detach(client);
        return rc;
    }
    *ret = client;
    return MUSTER_OK;
}

void muster__guardian_detach(struct muster_guardian_client *client)
{
    if (client == NULL) {
        return;
    }
    pthread_mutex_lock(&client->lock);
    client->detaching = true;
    pthread_mutex_unlock(&client->lock);
    uint64_t one = 1;
    if (write(client->wake_fd, &one, sizeof one) == (ssize_t)sizeof one) {
        pthread_join(client->listener, NULL);
    }
    close(client->wake_fd);
    muster__client_forget(client);
    free(client->ended);
    pthread_cond_destroy(&client->changed);
    pthread_mutex_destroy(&client->lock);
    free(client);
}
