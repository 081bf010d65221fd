/* A muster_http and a server that behaves on some paths and misbehaves on others. */
#ifndef MUSTER_TESTING_HTTP_FIXTURE_H
#define MUSTER_TESTING_HTTP_FIXTURE_H

#include <semaphore.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#include "http/http.h"
#include "muster/clock.h"
#include "testing/http_server.h"

/* Valid from http_set_up() to http_tear_down(). */
extern struct muster_http *tested_http;
extern struct test_server *http_server;

/* The handler of the server that http_set_up() starts. */
bool http_handle(void *context, int fd, const struct test_request *request);

void http_set_up(void);

void http_tear_down(void);

/* The caller frees it. */
struct muster_request http_make_request(const char *method, const char *path, const char *body,
                                        uint32_t timeout_ms);

/* Performs one request on the server; a reply has 100 000 bytes at most. */
enum muster_rc http_perform(const char *method, const char *path, const char *body, uint32_t timeout_ms,
                            struct muster_reply *reply, struct muster_error *err);

/* Performs one request and asserts what is replied. timeout_ms of 0 is the default. */
void http_check_reply_within(const char *method, const char *path, const char *body, uint32_t timeout_ms,
                             long status, const char *text);

void http_check_reply(const char *method, const char *path, const char *body, long status, const char *text);

/* How requests ended that are performed in the background. */
struct http_tally {
    sem_t ended;
    atomic_uint ok;
    atomic_uint stopped;
    atomic_uint other;
};

/* The callback of such a request; context is a tally. */
void http_count_end(void *context, enum muster_rc rc, struct muster_reply *reply,
                    const struct muster_error *err);

/* Waits until so many have ended; 30 seconds at most. */
void http_wait_ends(struct http_tally *tally, unsigned count);

#endif
