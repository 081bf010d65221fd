#include "guardian/wire.h"

#include <errno.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include "muster/clock.h"

static enum muster_rc send_packet(int fd, const char *text, size_t length, uint64_t deadline_ms,
                                  struct muster_error *err)
{
    for (;;) {
        if (send(fd, text, length, MSG_NOSIGNAL | MSG_DONTWAIT) == (ssize_t)length) {
            return MUSTER_OK;
        }
        if (errno != EAGAIN && errno != EINTR) {
            return muster_error_errno(err, MUSTER_EINFRA, errno,
                                      "the other end of the guardian's socket is gone");
        }
        struct pollfd ready = { .fd = fd, .events = POLLOUT };
        int left_ms = muster_clock_left_ms(deadline_ms);
        if (left_ms == 0) {
            return muster_error_set(err, MUSTER_ETIMEDOUT, "the guardian's socket took no message in time");
        }
        poll(&ready, 1, left_ms);
    }
}

enum muster_rc muster__wire_send(int fd, json_t *message, uint64_t deadline_ms, struct muster_error *err)
{
    char *text = message == NULL ? NULL : json_dumps(message, JSON_COMPACT);
    json_decref(message);
    if (text == NULL) {
        return muster_error_set(err, MUSTER_ENOMEM, "no memory for a message to the guardian");
    }
    size_t length = strlen(text);
    enum muster_rc rc = MUSTER_OK;
    if (length > MUSTER__PACKET_BYTES) {
        rc = muster_error_set(err, MUSTER_EINVAL,
                              "a message to the guardian has %zu bytes, %u are allowed; use fewer or shorter "
                              "arguments and variables",
                              length, MUSTER__PACKET_BYTES);
    } else {
        rc = send_packet(fd, text, length, deadline_ms, err);
    }
    free(text);
    return rc;
}

json_t *muster__wire_receive(int fd, char *buffer, bool *closed)
{
    ssize_t got = recv(fd, buffer, MUSTER__PACKET_BYTES, MSG_DONTWAIT);
    if (got < 0) {
        *closed = errno != EAGAIN && errno != EINTR;
        return NULL;
    }
    *closed = got == 0;
    json_t *message = got == 0 ? NULL : json_loadb(buffer, (size_t)got, 0, NULL);
    if (message != NULL && !json_is_object(message)) {
        json_decref(message);
        message = NULL;
    }
    return message;
}

json_t *muster__wire_exit_to_json(const struct muster_exit *exit)
{
    return json_pack("{s:i, s:i, s:b, s:b, s:I}", "code", exit->code, "signal", exit->signal, "core_dumped",
                     exit->core_dumped, "out_of_memory", exit->out_of_memory, "at_ms",
                     (json_int_t)exit->at_ms);
}

struct muster_exit muster__wire_exit_from_json(const json_t *json)
{
    return (struct muster_exit){
        .code = (int)json_integer_value(json_object_get(json, "code")),
        .signal = (int)json_integer_value(json_object_get(json, "signal")),
        .core_dumped = json_is_true(json_object_get(json, "core_dumped")),
        .out_of_memory = json_is_true(json_object_get(json, "out_of_memory")),
        .at_ms = (uint64_t)json_integer_value(json_object_get(json, "at_ms")),
    };
}
