/* What the files of the engine share. */
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
#define MUSTER__HTTP_TRANSFERS_MAX 65536u /* Waiting and under way, all together. */
#define MUSTER__HTTP_TIMERS_MAX 65536u
#define MUSTER__HTTP_KEEP_BYTES 65536u /* A pooled transfer keeps no larger buffer. */
#define MUSTER__HTTP_HEADERS_MAX (256u * 1024u)
#define MUSTER__HTTP_CONNECT_MS 1000u
#define MUSTER__HTTP_NODE_REQUESTS 64u /* Of one node, under way at once; streams do not count. */
#define MUSTER__HTTP_OVERDUE_MS 100u /* So much later than libcurl we end what it does not time. */
#define MUSTER__HTTP_CONNECTIONS 1024L

struct muster__buffer {
    char *bytes; /* NUL-terminated once anything was put in. */
    size_t used;
    size_t capacity;
};

/* The requests to one node. */
TAILQ_HEAD(muster__waiting, muster__transfer);
struct muster__lane {
    struct muster__lane *next; /* In its bucket. */
    uint64_t node_hash;
    size_t live;
    struct muster__waiting waiting; /* None, unless as many as may be are live. */
};

/* A request on its way, with the easy handle that serves it. Pooled: what was set on the handle by the
 * request before is kept in the applied_ fields, and only what differs is set again. */
struct muster__transfer {
    struct muster__transfer *next; /* In the queue or in the pool. */
    struct muster__transfer *live_next; /* Engine's thread: all that libcurl has. */
    struct muster__transfer *live_prev;
    struct muster_http *http;
    CURL *easy; /* Made in the engine's thread. */

    uint64_t node_hash;
    struct muster__lane *lane; /* That it is counted in; NULL: none. */
    TAILQ_ENTRY(muster__transfer) waiting;
    bool waited; /* In its lane. */
    const char *unsent; /* Why it never left; NULL: it did. */

    uint64_t url_hash;
    struct muster__buffer url;
    struct muster__buffer applied_url; /* Empty: none. */
    CURLU *parsed_url; /* Of applied_url, so that libcurl need not parse it for each request. */
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
    struct muster__buffer reply; /* A stream's: the line that is not complete. */
    char curl_text[CURL_ERROR_SIZE];
    muster__http_done done;
    void *context;

    uint64_t stream; /* 0: not a stream. */
    muster__http_line line;
    uint64_t heard_ms;
    uint64_t line_count;
    bool silent; /* Ended because nothing came. */
    atomic_bool closing;
    struct muster__transfer *stream_next; /* Under the mutex: all open streams. */
    struct muster__transfer *stream_prev;
};

struct muster__timer {
    uint64_t at_ms;
    uint64_t sequence; /* Timers of one moment fire in the order they were set. */
    void (*fire)(void *context);
    void *context;
};

struct muster__socket {
    bool ours; /* Opened by our callback, so our callback will see it closed. */
    uint32_t registered; /* Events epoll has; 0: not registered. */
    uint32_t wanted; /* Events libcurl wants now. */
};

struct muster_http {
    pthread_t thread;
    pthread_mutex_t mutex;

    /* Under the mutex. */
    struct muster__transfer *queue;
    struct muster__transfer **queue_end;
    struct muster__transfer *idle[MUSTER__HTTP_BUCKETS];
    size_t idle_count;
    size_t busy_count; /* Queued and live. */
    struct muster__transfer *streams;
    uint64_t last_stream;
    bool close_asked;
    bool stopping;
    bool asleep;
    uint64_t sleeps_until_ms;
    struct muster__timer *timers; /* A binary heap, the next one first. */
    size_t timer_count;
    size_t timer_capacity;
    uint64_t timer_sequence;

    /* The engine's thread only. */
    CURLM *multi;
    int epoll_fd;
    int wake_fd;
    struct muster__socket *sockets; /* By descriptor. */
    size_t socket_count;
    struct muster__transfer *live;
    uint64_t curl_due_us; /* 0: at once; UINT64_MAX: libcurl waits for nothing. */
    uint64_t silence_due_ms; /* No stream can have been silent for too long before this. */
    struct curl_slist *json_headers;
    struct muster__lane *lanes[MUSTER__HTTP_BUCKETS];
    struct muster__waiting ready; /* They waited, and may begin. */
    uint64_t overdue_ms; /* No request can be overdue before this. */
};

/* buffer.c */

/** Appends and writes a NUL behind the text. Returns false if there is no memory; then nothing changed. */
bool muster__buffer_put(struct muster__buffer *buffer, const char *bytes, size_t count);
void muster__buffer_fini(struct muster__buffer *buffer);

/* transfer.c */

/** Takes a transfer from the pool, or a new one. Under the mutex. NULL: no memory. */
struct muster__transfer *muster__transfer_take(struct muster_http *http, uint64_t url_hash);
/** Copies what is asked into it. Caller's thread. False: no memory. */
bool muster__transfer_fill(struct muster__transfer *transfer, const struct muster_endpoint *endpoint,
                           const struct muster_request *request);
uint64_t muster__transfer_hash(const struct muster_endpoint *endpoint, const struct muster_request *request);
/** Sets the easy handle up for it. Engine's thread. */
CURLcode muster__transfer_apply(struct muster__transfer *transfer);
void muster__transfer_destroy(struct muster__transfer *transfer);
/** When its time is over, counted from when it was asked for. Not of streams. */
uint64_t muster__transfer_deadline_ms(const struct muster__transfer *transfer);
/** Gives it back to the pool. Under the mutex. Returns one to destroy without it, or NULL. */
struct muster__transfer *muster__transfer_recycle(struct muster__transfer *transfer);

/* lane.c */

/** Whether the request may begin now; else it waits, and comes into http->ready. */
bool muster__lane_enter(struct muster__transfer *transfer);
/** It ended: another takes its place. Nothing, where it is in no lane. */
void muster__lane_leave(struct muster__transfer *transfer);
/** Moves to `ret` what waits and whose time is over by now. Returns when the next one's is. */
uint64_t muster__lanes_take_overdue(struct muster_http *http, uint64_t now_ms, struct muster__waiting *ret);
void muster__lanes_free(struct muster_http *http);

/* receive.c */
size_t muster__receive_header(char *bytes, size_t size, size_t count, void *transfer);
size_t muster__receive_body(char *bytes, size_t size, size_t count, void *transfer);

/* end.c */

/** Calls `done` with what became of it. */
void muster__transfer_report(struct muster__transfer *transfer, CURLcode code);
/** Calls `done` with MUSTER_ESTOPPED. */
void muster__transfer_report_stopped(struct muster__transfer *transfer);

/* timer.c */

/** Under the mutex. False: no memory, or too many. */
bool muster__timers_add(struct muster_http *http, uint64_t at_ms, void (*fire)(void *), void *context);
/** Fires what is due; takes the mutex itself. */
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
