/* What the files of this room share.
 *
 * "Engine's thread": call the function from the engine's thread only. "Under the mutex": the caller holds
 * http->mutex. */
#ifndef MUSTER_SRC_HTTP_INTERNAL_H
#define MUSTER_SRC_HTTP_INTERNAL_H

#include <curl/curl.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <sys/epoll.h>
#include <sys/queue.h>

#include "http/http.h"

#define MUSTER__HTTP_BUCKETS 64u
#define MUSTER__HTTP_IDLE_MAX 256u
#define MUSTER__HTTP_TRANSFERS_MAX 65536u /* Waiting and under way together. */
#define MUSTER__HTTP_TIMERS_MAX 65536u
#define MUSTER__HTTP_KEEP_BYTES 65536u /* A pooled transfer frees larger buffers. */
#define MUSTER__HTTP_HEADERS_MAX (256u * 1024u)
#define MUSTER__HTTP_CONNECT_MS 1000u
#define MUSTER__HTTP_NODE_REQUESTS                                                                           \
    64u /* Requests of one node that are under way at once. Streams do not count. */
#define MUSTER__HTTP_OVERDUE_MS                                                                              \
    100u /* How long after its deadline we end a request that libcurl has not ended. */
#define MUSTER__HTTP_CONNECTIONS 1024L

struct muster__buffer {
    char *bytes; /* NULL at first; NUL-terminated after the first muster__buffer_put(). */
    size_t used;
    size_t capacity;
};

/* The requests to one node. */
TAILQ_HEAD(muster__waiting, muster__transfer);
LIST_HEAD(muster__transfers, muster__transfer);
struct muster__lane {
    struct muster__lane *next; /* In the same bucket. */
    uint64_t node_hash;
    size_t live;
    struct muster__waiting waiting; /* Empty unless `live` is at its limit. */
};

/* A request and the easy handle that serves it. Transfers are pooled. The applied_ fields hold what the
 * previous request set on the handle, so that only options that differ are set again. */
struct muster__transfer {
    struct muster__transfer *next; /* In the queue or in the pool. */
    LIST_ENTRY(muster__transfer) live; /* In http->live: the transfers that libcurl has. Engine's thread. */
    struct muster_http *http;
    CURL *easy; /* Created in the engine's thread; NULL until then. */

    uint64_t node_hash;
    struct muster__lane *lane; /* The lane that counts it; NULL: none. */
    TAILQ_ENTRY(muster__transfer) waiting;
    bool waited; /* True if it had to wait in its lane. */
    const char *unsent; /* Why it was never sent; NULL if it was. */

    uint64_t url_hash;
    struct muster__buffer url;
    struct muster__buffer applied_url; /* Empty if no URL is set. */
    CURLU *parsed_url; /* applied_url, parsed once instead of for each request. */
    char unix_path[sizeof(((struct muster_endpoint *)0)->unix_socket_path)];
    char applied_unix_path[sizeof(((struct muster_endpoint *)0)->unix_socket_path)];
    const char *method;
    const char *applied_method;
    bool has_body;
    bool applied_body;
    struct muster__buffer body;
    uint32_t timeout_ms;
    long applied_timeout_ms;
    size_t reply_bytes_max;

    uint64_t began_us;
    size_t header_bytes;
    bool too_large;
    bool out_of_memory;
    struct muster__buffer reply; /* The reply so far; for a stream, the last line while it is incomplete. */
    char curl_text[CURL_ERROR_SIZE];
    muster__http_done done;
    void *context;

    uint64_t stream; /* The stream's identity; 0 if this is not a stream. */
    muster__http_line line;
    uint64_t heard_ms;
    uint64_t line_count;
    bool silent; /* Ended because no data came for timeout_ms. */
    atomic_bool closing;
    LIST_ENTRY(muster__transfer) open; /* In http->streams. Under the mutex. */
};

struct muster__timer {
    uint64_t at_ms;
    uint64_t sequence; /* Timers with the same at_ms fire in the order they were set. */
    void (*fire)(void *context);
    void *context;
};

struct muster__socket {
    bool ours; /* True if our callback opened it. Then our callback will also close it. */
    uint32_t registered; /* Events that epoll watches; 0: not registered. */
    uint32_t wanted; /* Events that libcurl wants now. */
};

struct muster_http {
    pthread_t thread;
    pthread_mutex_t mutex;

    /* Under the mutex. */
    struct muster__transfer *queue;
    struct muster__transfer **queue_end;
    struct muster__transfer *idle[MUSTER__HTTP_BUCKETS];
    size_t idle_count;
    size_t busy_count; /* Queued, waiting and live. */
    struct muster__transfers streams;
    uint64_t last_stream;
    bool close_asked;
    bool stopping;
    bool asleep;
    uint64_t sleeps_until_ms;
    struct muster__timer *timers; /* A binary heap with the next timer first. */
    size_t timer_count;
    size_t timer_capacity;
    uint64_t timer_sequence;

    /* Engine's thread. */
    CURLM *multi;
    int epoll_fd;
    int wake_fd;
    struct muster__socket *sockets; /* By descriptor. */
    size_t socket_count;
    struct muster__transfers live;
    uint64_t curl_due_us; /* When libcurl wants to be called. 0: at once; UINT64_MAX: no time set. */
    uint64_t silence_due_ms; /* No stream can exceed its limit of silence before this time. */
    struct curl_slist *json_headers;
    struct muster__lane *lanes[MUSTER__HTTP_BUCKETS];
    struct muster__waiting ready; /* Transfers that waited in a lane and may begin now. */
    uint64_t overdue_ms; /* No request can be overdue before this time. */
};

/* buffer.c */

/** Appends and writes a NUL behind the text. Returns false if there is no memory; then nothing changed. */
bool muster__buffer_put(struct muster__buffer *buffer, const char *bytes, size_t count);
void muster__buffer_fini(struct muster__buffer *buffer);

/* transfer.c */

/** Takes a transfer from the pool, or a new one. Under the mutex. NULL: no memory. */
struct muster__transfer *muster__transfer_take(struct muster_http *http, uint64_t url_hash);
/** Copies endpoint and request into the transfer. Any thread. Returns false if there is no memory. */
bool muster__transfer_fill(struct muster__transfer *transfer, const struct muster_endpoint *endpoint,
                           const struct muster_request *request);
uint64_t muster__transfer_hash(const struct muster_endpoint *endpoint, const struct muster_request *request);
/** Sets the easy handle's options for the request. Engine's thread. */
CURLcode muster__transfer_apply(struct muster__transfer *transfer);
void muster__transfer_destroy(struct muster__transfer *transfer);
/** Returns when the request's time is over, counted from the call that asked for it. Not for streams. */
uint64_t muster__transfer_deadline_ms(const struct muster__transfer *transfer);
/** Puts the transfer into the pool and returns NULL. If the pool is full, returns the transfer, which the
 * caller destroys after it released the mutex. Under the mutex. */
struct muster__transfer *muster__transfer_recycle(struct muster__transfer *transfer);

/* lane.c */

/** Returns true if the request may begin now. Otherwise it waits in its lane, later in http->ready. */
bool muster__lane_enter(struct muster__transfer *transfer);
/** The request ended: moves the next waiting one to http->ready. Does nothing if it is in no lane. */
void muster__lane_leave(struct muster__transfer *transfer);
/** Moves waiting requests whose deadline is not after now_ms to `ret`. Returns the next deadline. */
uint64_t muster__lanes_take_overdue(struct muster_http *http, uint64_t now_ms, struct muster__waiting *ret);
void muster__lanes_free(struct muster_http *http);

/* receive.c */
size_t muster__receive_header(char *bytes, size_t size, size_t count, void *transfer);
size_t muster__receive_body(char *bytes, size_t size, size_t count, void *transfer);

/* end.c */

/** Calls `done` with the reply or the cause of failure. */
void muster__transfer_report(struct muster__transfer *transfer, CURLcode code);
/** Calls `done` with MUSTER_ESTOPPED. */
void muster__transfer_report_stopped(struct muster__transfer *transfer);

/* timer.c */

/** Under the mutex. Returns false if there is no memory or there are too many timers. */
bool muster__timers_add(struct muster_http *http, uint64_t at_ms, void (*fire)(void *), void *context);
/** Calls the timers that are due. Takes the mutex itself. */
void muster__timers_fire(struct muster_http *http);

/* socket.c: callbacks of libcurl */

curl_socket_t muster__socket_open(void *http, curlsocktype purpose, struct curl_sockaddr *address);
int muster__socket_close(void *http, curl_socket_t fd);
int muster__socket_wanted(CURL *easy, curl_socket_t fd, int what, void *http, void *unused);
int muster__curl_due(CURLM *multi, long timeout_ms, void *http);
/** Passes to libcurl what epoll reported for one of its sockets. Not for the engine's own wake_fd. */
void muster__socket_act(struct muster_http *http, const struct epoll_event *event);

/* loop.c */
void *muster__http_loop(void *http);
/** Makes the loop look at what was queued. Call it with the mutex held. */
void muster__http_wake(struct muster_http *http);

#endif
