/* The engine: one thread, one libcurl multi handle, for every request of a run. */
#ifndef MUSTER_SRC_HTTP_H
#define MUSTER_SRC_HTTP_H

#include <stddef.h>
#include <stdint.h>

#include "muster/runner.h"
#include "muster/system.h"

struct muster_http;

MUSTER_MUST_USE enum muster_rc muster__http_create(struct muster_http **ret, struct muster_error *err);

/** Ends all transfers (their callbacks get MUSTER_ESTOPPED), then the thread. NULL is fine. */
void muster__http_destroy(struct muster_http *http);

/* Callbacks run in the engine's thread and must not block. They may start new transfers and timers. */

/** Reports the end of a transfer. On MUSTER_OK `reply` is set; it is freed after the call, unless the callee
 * takes reply->body and sets it to NULL. Otherwise `reply` is NULL and `err` has the cause. */
typedef void (*muster__http_done)(void *context, enum muster_rc rc, struct muster_reply *reply,
                                  const struct muster_error *err);

/** Starts a request; request and endpoint are copied. When it returns MUSTER_OK, done is called exactly
 * once; otherwise (MUSTER_ENOMEM, MUSTER_ESTOPPED) never. Any thread. */
MUSTER_MUST_USE enum muster_rc muster__http_start(struct muster_http *http,
                                                  const struct muster_endpoint *endpoint,
                                                  const struct muster_request *request,
                                                  muster__http_done done, void *context,
                                                  struct muster_error *err);

/** Performs a request and waits for it; not from the engine's thread. See muster_node_request(). */
MUSTER_MUST_USE enum muster_rc muster__http_perform(struct muster_http *http,
                                                    const struct muster_endpoint *endpoint,
                                                    const struct muster_request *request,
                                                    struct muster_reply *reply, struct muster_error *err);

/** One line of a stream, without its newline; not NUL-terminated. */
typedef void (*muster__http_line)(void *context, const char *line, size_t bytes);

/** Opens a stream of lines (each at most request->reply_bytes_max). `ended` is called exactly once, with the
 * cause (never MUSTER_OK). No total time limit; ends when nothing came for request->timeout_ms. Returns an
 * identity for muster__http_stream_close(), 0 on failure (MUSTER_ENOMEM, MUSTER_ESTOPPED in err). */
uint64_t muster__http_stream_open(struct muster_http *http, const struct muster_endpoint *endpoint,
                                  const struct muster_request *request, muster__http_line line,
                                  muster__http_done ended, void *context, struct muster_error *err);
void muster__http_stream_close(struct muster_http *http, uint64_t stream);

/** Calls `fire` in the engine's thread at `at_ms` (monotonic). muster__http_destroy() drops timers that are
 * not due yet without calling `fire`. The context belongs to the caller. */
MUSTER_MUST_USE enum muster_rc muster__http_timer(struct muster_http *http, uint64_t at_ms,
                                                  void (*fire)(void *context), void *context);

#endif
