/* Transfers: pooled easy handles with their buffers. */
#include <stdlib.h>
#include <string.h>

#include "http/internal.h"
#include "muster/clock.h"

/* Size of the buffer that libcurl allocates for the reply to a request with a body. It allocates one for each
 * request, and a small one is cheap in malloc(). A longer reply takes more than one read. */
#define RECEIPT_BYTES 1024L
#define HASH_SEED 0xcbf29ce484222325u

static void keep_small(struct muster__buffer *buffer)
{
    if (buffer->capacity > MUSTER__HTTP_KEEP_BYTES) {
        muster__buffer_fini(buffer);
    }
    buffer->used = 0;
}

static uint64_t hash_text(uint64_t hash, const char *text)
{
    for (; *text != '\0'; text++) {
        hash = (hash ^ (unsigned char)*text) * 0x100000001b3u; /* FNV-1a. */
    }
    return hash;
}

uint64_t muster__transfer_hash(const struct muster_endpoint *endpoint, const struct muster_request *request)
{
    uint64_t hash = hash_text(HASH_SEED, endpoint->base_url);
    return hash_text(hash_text(hash, request->path), request->method);
}

/* Prefer a handle that served the same URL: it needs the fewest options set. Otherwise take any. */
struct muster__transfer *muster__transfer_take(struct muster_http *http, uint64_t url_hash)
{
    for (size_t i = 0; i < MUSTER__HTTP_BUCKETS && http->idle_count > 0; i++) {
        struct muster__transfer **link = &http->idle[(url_hash + i) % MUSTER__HTTP_BUCKETS];
        if (*link != NULL) {
            struct muster__transfer *taken = *link;
            *link = taken->next;
            http->idle_count--;
            return taken;
        }
    }
    struct muster__transfer *made = calloc(1, sizeof(*made));
    if (made != NULL) {
        made->http = http;
        made->applied_timeout_ms = -1;
    }
    return made;
}

struct muster__transfer *muster__transfer_recycle(struct muster__transfer *transfer)
{
    struct muster_http *http = transfer->http;
    if (http->idle_count >= MUSTER__HTTP_IDLE_MAX) {
        return transfer;
    }
    keep_small(&transfer->body);
    keep_small(&transfer->reply);
    struct muster__transfer **link = &http->idle[transfer->url_hash % MUSTER__HTTP_BUCKETS];
    transfer->next = *link;
    *link = transfer;
    http->idle_count++;
    return NULL;
}

void muster__transfer_destroy(struct muster__transfer *transfer)
{
    if (transfer == NULL) {
        return;
    }
    curl_easy_cleanup(transfer->easy);
    curl_url_cleanup(transfer->parsed_url); /* The handle used it until the line above. */
    muster__buffer_fini(&transfer->url);
    muster__buffer_fini(&transfer->applied_url);
    muster__buffer_fini(&transfer->body);
    muster__buffer_fini(&transfer->reply);
    free(transfer);
}

static bool copy_texts(struct muster__transfer *transfer, const struct muster_endpoint *endpoint,
                       const struct muster_request *request)
{
    transfer->url.used = 0;
    transfer->body.used = 0;
    const char *body = request->body == NULL ? "" : request->body;
    return muster__buffer_put(&transfer->url, endpoint->base_url, strlen(endpoint->base_url)) &&
           muster__buffer_put(&transfer->url, request->path, strlen(request->path)) &&
           muster__buffer_put(&transfer->body, body, strlen(body));
}

bool muster__transfer_fill(struct muster__transfer *transfer, const struct muster_endpoint *endpoint,
                           const struct muster_request *request)
{
    if (!copy_texts(transfer, endpoint, request)) {
        return false;
    }
    memcpy(transfer->unix_path, endpoint->unix_socket_path, sizeof(transfer->unix_path));
    transfer->node_hash = hash_text(hash_text(HASH_SEED, endpoint->base_url), endpoint->unix_socket_path);
    transfer->method = request->method;
    transfer->has_body = request->body != NULL;
    transfer->timeout_ms = request->timeout_ms == 0 ? MUSTER_REQUEST_TIMEOUT_MS : request->timeout_ms;
    transfer->reply_bytes_max =
        request->reply_bytes_max == 0 ? MUSTER_REPLY_BYTES_MAX : request->reply_bytes_max;
    transfer->began_us = muster_clock_us();
    transfer->waited = false;
    transfer->unsent = NULL;
    transfer->header_bytes = 0;
    transfer->too_large = false;
    transfer->out_of_memory = false;
    transfer->reply.used = 0;
    transfer->stream = 0;
    transfer->line = NULL;
    transfer->line_count = 0;
    transfer->silent = false;
    atomic_store(&transfer->closing, false);
    return true;
}

/* Unset the paths of certificates: libcurl would copy them for each request, and we use plain HTTP only.
 * Ignore failures: a libcurl built without these options has nothing to copy. */
static void forget_certificates(CURL *easy)
{
    (void)curl_easy_setopt(easy, CURLOPT_CAINFO, NULL);
    (void)curl_easy_setopt(easy, CURLOPT_CAPATH, NULL);
    (void)curl_easy_setopt(easy, CURLOPT_PROXY_CAINFO, NULL);
    (void)curl_easy_setopt(easy, CURLOPT_PROXY_CAPATH, NULL);
}

/* Sets the options that never change. NOSIGNAL: the process has threads. No proxy: nodes are where the runner
 * says. QUICK_EXIT: a name server that hangs must not delay the end of a run. */
static CURLcode make_easy(struct muster__transfer *transfer)
{
    CURL *easy = curl_easy_init();
    if (easy == NULL) {
        return CURLE_OUT_OF_MEMORY;
    }
    transfer->easy = easy;
    forget_certificates(easy);
    CURLcode code[] = {
        curl_easy_setopt(easy, CURLOPT_NOSIGNAL, 1L),
        curl_easy_setopt(easy, CURLOPT_QUICK_EXIT, 1L),
        curl_easy_setopt(easy, CURLOPT_PROXY, ""),
        curl_easy_setopt(easy, CURLOPT_NOPROXY, "*"),
        curl_easy_setopt(easy, CURLOPT_PROTOCOLS_STR, "http"),
        curl_easy_setopt(easy, CURLOPT_FOLLOWLOCATION, 0L),
        curl_easy_setopt(easy, CURLOPT_HTTP_VERSION, CURL_HTTP_VERSION_1_1),
        curl_easy_setopt(easy, CURLOPT_TCP_NODELAY, 1L),
        curl_easy_setopt(easy, CURLOPT_ERRORBUFFER, transfer->curl_text),
        curl_easy_setopt(easy, CURLOPT_PRIVATE, transfer),
        curl_easy_setopt(easy, CURLOPT_HEADERFUNCTION, muster__receive_header),
        curl_easy_setopt(easy, CURLOPT_HEADERDATA, transfer),
        curl_easy_setopt(easy, CURLOPT_WRITEFUNCTION, muster__receive_body),
        curl_easy_setopt(easy, CURLOPT_WRITEDATA, transfer),
        curl_easy_setopt(easy, CURLOPT_OPENSOCKETFUNCTION, muster__socket_open),
        curl_easy_setopt(easy, CURLOPT_OPENSOCKETDATA, transfer->http),
        curl_easy_setopt(easy, CURLOPT_CLOSESOCKETFUNCTION, muster__socket_close),
        curl_easy_setopt(easy, CURLOPT_CLOSESOCKETDATA, transfer->http),
    };
    for (size_t i = 0; i < sizeof(code) / sizeof(code[0]); i++) {
        if (code[i] != CURLE_OK) {
            return code[i];
        }
    }
    return CURLE_OK;
}

/* Parse into a new CURLU: a used one would complete a relative URL with its old content. Set the text as
 * well: libcurl keeps it beside the parsed URL, and the text of the previous request must not stay. */
static CURLcode set_url(struct muster__transfer *transfer)
{
    CURLU *parsed = curl_url();
    if (parsed == NULL) {
        return CURLE_OUT_OF_MEMORY;
    }
    CURLUcode code = curl_url_set(parsed, CURLUPART_URL, transfer->url.bytes,
                                  CURLU_GUESS_SCHEME | CURLU_NON_SUPPORT_SCHEME);
    if (code != CURLUE_OK) {
        curl_url_cleanup(parsed);
        return code == CURLUE_OUT_OF_MEMORY ? CURLE_OUT_OF_MEMORY : CURLE_URL_MALFORMAT;
    }
    (void)curl_easy_setopt(transfer->easy, CURLOPT_CURLU, parsed);
    curl_url_cleanup(transfer->parsed_url);
    transfer->parsed_url = parsed;
    return curl_easy_setopt(transfer->easy, CURLOPT_URL, transfer->url.bytes);
}

static CURLcode apply_url(struct muster__transfer *transfer)
{
    CURLcode code = CURLE_OK;
    if (transfer->applied_url.used == 0 || strcmp(transfer->applied_url.bytes, transfer->url.bytes) != 0) {
        transfer->applied_url.used = 0;
        code = set_url(transfer);
        if (code == CURLE_OK &&
            !muster__buffer_put(&transfer->applied_url, transfer->url.bytes, transfer->url.used)) {
            code = CURLE_OUT_OF_MEMORY;
        }
    }
    if (code == CURLE_OK && strcmp(transfer->applied_unix_path, transfer->unix_path) != 0) {
        const char *path = transfer->unix_path[0] == '\0' ? NULL : transfer->unix_path;
        code = curl_easy_setopt(transfer->easy, CURLOPT_UNIX_SOCKET_PATH, path);
        memcpy(transfer->applied_unix_path, transfer->unix_path, sizeof(transfer->unix_path));
    }
    return code;
}

/* Sets the method, and the body if there is one. */
static CURLcode apply_method(struct muster__transfer *transfer)
{
    CURL *easy = transfer->easy;
    bool post = strcmp(transfer->method, "POST") == 0;
    bool sends = post || transfer->has_body;
    bool plain = post || (!sends && strcmp(transfer->method, "GET") == 0);
    CURLcode code = CURLE_OK;
    if (transfer->applied_method == NULL || strcmp(transfer->applied_method, transfer->method) != 0 ||
        transfer->applied_body != transfer->has_body) {
        code = curl_easy_setopt(easy, sends ? CURLOPT_POST : CURLOPT_HTTPGET, 1L);
        (void)curl_easy_setopt(easy, CURLOPT_CUSTOMREQUEST, plain ? NULL : transfer->method);
        (void)curl_easy_setopt(easy, CURLOPT_HTTPHEADER, sends ? transfer->http->json_headers : NULL);
        (void)curl_easy_setopt(easy, CURLOPT_BUFFERSIZE, sends ? RECEIPT_BYTES : (long)CURL_MAX_WRITE_SIZE);
        transfer->applied_method = transfer->method;
        transfer->applied_body = transfer->has_body;
    }
    if (sends && code == CURLE_OK) {
        (void)curl_easy_setopt(easy, CURLOPT_POSTFIELDSIZE_LARGE, (curl_off_t)transfer->body.used);
        code = curl_easy_setopt(easy, CURLOPT_POSTFIELDS, transfer->body.bytes);
    }
    return code;
}

uint64_t muster__transfer_deadline_ms(const struct muster__transfer *transfer)
{
    return transfer->began_us / 1000u + transfer->timeout_ms;
}

/* Returns how much of the timeout is left. Time spent waiting in a lane counts. */
static uint32_t left_ms(const struct muster__transfer *transfer)
{
    if (!transfer->waited) {
        return transfer->timeout_ms;
    }
    uint64_t left = muster_clock_left_ms(muster__transfer_deadline_ms(transfer));
    return left == 0 ? 1u : (uint32_t)left; /* 0 would mean "no limit" to libcurl. */
}

static CURLcode apply_timeout(struct muster__transfer *transfer)
{
    uint32_t connect_ms = left_ms(transfer);
    long total_ms = transfer->stream != 0 ? 0 : (long)connect_ms;
    if (connect_ms > MUSTER__HTTP_CONNECT_MS) {
        connect_ms = MUSTER__HTTP_CONNECT_MS;
    }
    if (transfer->stream == 0 && transfer->applied_timeout_ms == total_ms) {
        return CURLE_OK;
    }
    transfer->applied_timeout_ms = total_ms;
    CURLcode code = curl_easy_setopt(transfer->easy, CURLOPT_TIMEOUT_MS, total_ms);
    return code != CURLE_OK ? code
                            : curl_easy_setopt(transfer->easy, CURLOPT_CONNECTTIMEOUT_MS, (long)connect_ms);
}

CURLcode muster__transfer_apply(struct muster__transfer *transfer)
{
    transfer->curl_text[0] = '\0';
    CURLcode code = transfer->easy == NULL ? make_easy(transfer) : CURLE_OK;
    if (code == CURLE_OK) {
        code = apply_url(transfer);
    }
    if (code == CURLE_OK) {
        code = apply_method(transfer);
    }
    return code == CURLE_OK ? apply_timeout(transfer) : code;
}
