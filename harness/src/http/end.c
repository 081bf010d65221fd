/* How a transfer ended, in a sentence. */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "http/internal.h"
#include "muster/clock.h"

static double seconds(uint32_t ms)
{
    return (double)ms / 1000.0;
}

static bool is_connected(const struct muster__transfer *transfer)
{
    curl_off_t connected_us = 0;
    char *address = NULL;
    (void)curl_easy_getinfo(transfer->easy, CURLINFO_CONNECT_TIME_T, &connected_us);
    (void)curl_easy_getinfo(transfer->easy, CURLINFO_PRIMARY_IP, &address);
    return connected_us > 0 || (address != NULL && address[0] != '\0');
}

static enum muster_rc timed_out(const struct muster__transfer *transfer, struct muster_error *err)
{
    if (transfer->unsent != NULL) {
        return muster_error_set(err, MUSTER_ETIMEDOUT, "not sent within %.1f s: %s",
                                seconds(transfer->timeout_ms), transfer->unsent);
    }
    if (transfer->reply.used > 0 || transfer->header_bytes > 0) {
        return muster_error_set(err, MUSTER_ETIMEDOUT, "answer not complete within %.1f s, %zu bytes came",
                                seconds(transfer->timeout_ms), transfer->reply.used);
    }
    uint32_t waited_ms = transfer->timeout_ms;
    if (!is_connected(transfer) && waited_ms > MUSTER__HTTP_CONNECT_MS) {
        waited_ms = MUSTER__HTTP_CONNECT_MS;
        return muster_error_set(err, MUSTER_ETIMEDOUT, "no connection within %.1f s", seconds(waited_ms));
    }
    return muster_error_set(err, MUSTER_ETIMEDOUT, "no answer within %.1f s", seconds(waited_ms));
}

static enum muster_rc not_connected(const struct muster__transfer *transfer, struct muster_error *err)
{
    long number = 0;
    (void)curl_easy_getinfo(transfer->easy, CURLINFO_OS_ERRNO, &number);
    if (number == ECONNREFUSED) {
        return muster_error_set(err, MUSTER_EHTTP, "connection refused");
    }
    if (number == 0) {
        return muster_error_set(err, MUSTER_EHTTP, "no connection");
    }
    return muster_error_errno(err, MUSTER_EHTTP, (int)number, "no connection");
}

static enum muster_rc not_received(const struct muster__transfer *transfer, struct muster_error *err)
{
    if (transfer->out_of_memory) {
        return muster_error_set(err, MUSTER_ENOMEM, "no memory for the reply");
    }
    if (transfer->header_bytes > MUSTER__HTTP_HEADERS_MAX) {
        return muster_error_set(err, MUSTER_EHTTP, "headers larger than %u bytes", MUSTER__HTTP_HEADERS_MAX);
    }
    return muster_error_set(err, MUSTER_EHTTP, "%s larger than %zu bytes",
                            transfer->stream != 0 ? "line" : "reply", transfer->reply_bytes_max);
}

static enum muster_rc broken_off(const struct muster__transfer *transfer, struct muster_error *err)
{
    if (transfer->header_bytes == 0) {
        return muster_error_set(err, MUSTER_EHTTP, "connection closed without an answer");
    }
    return muster_error_set(err, MUSTER_EHTTP, "connection broken off after %zu bytes of the reply",
                            transfer->reply.used);
}

static enum muster_rc describe(const struct muster__transfer *transfer, CURLcode code,
                               struct muster_error *err)
{
    if (transfer->too_large || transfer->out_of_memory) {
        return not_received(transfer, err);
    }
    switch (code) {
    case CURLE_OPERATION_TIMEDOUT:
        return timed_out(transfer, err);
    case CURLE_COULDNT_CONNECT:
        return not_connected(transfer, err);
    case CURLE_GOT_NOTHING:
    case CURLE_PARTIAL_FILE:
    case CURLE_RECV_ERROR:
    case CURLE_SEND_ERROR:
        return broken_off(transfer, err);
    case CURLE_UNSUPPORTED_PROTOCOL:
    case CURLE_WEIRD_SERVER_REPLY:
        return muster_error_set(err, MUSTER_EHTTP, "the answer is not HTTP");
    case CURLE_OUT_OF_MEMORY:
        return muster_error_set(err, MUSTER_ENOMEM, "out of memory");
    default:
        return muster_error_set(err, MUSTER_EHTTP, "%s",
                                transfer->curl_text[0] != '\0' ? transfer->curl_text
                                                               : curl_easy_strerror(code));
    }
}

static enum muster_rc context(const struct muster__transfer *transfer, enum muster_rc rc,
                              struct muster_error *err)
{
    return muster_error_context(err, rc, "%s %s", transfer->method, transfer->url.bytes);
}

static void quote(const struct muster__transfer *transfer, char text[128])
{
    size_t bytes = transfer->reply.used < 127 ? transfer->reply.used : 127;
    for (size_t i = 0; i < bytes; i++) {
        unsigned char c = (unsigned char)transfer->reply.bytes[i];
        text[i] = (char)(c < 0x20 || c == 0x7f ? ' ' : c);
    }
    text[bytes] = '\0';
}

/* MUSTER_EREPLY: the node answers, but it has no stream. Any other code: the node could not be reached. */
static enum muster_rc describe_stream(struct muster__transfer *transfer, CURLcode code,
                                      struct muster_error *err)
{
    long status = 0;
    if (transfer->easy != NULL) {
        (void)curl_easy_getinfo(transfer->easy, CURLINFO_RESPONSE_CODE, &status);
    }
    if (status != 0 && (status < 200 || status > 299)) {
        char text[128];
        quote(transfer, text);
        return muster_error_set(err, MUSTER_EREPLY, "answered %ld \"%s\"", status, text);
    }
    if (transfer->silent) {
        return muster_error_set(err, MUSTER_ETIMEDOUT, "nothing came for %.1f s",
                                seconds(transfer->timeout_ms));
    }
    if (code == CURLE_OK) {
        return muster_error_set(err, MUSTER_EHTTP, "the stream ended after %llu lines",
                                (unsigned long long)transfer->line_count);
    }
    return describe(transfer, code, err);
}

static void report_failure(struct muster__transfer *transfer, CURLcode code)
{
    struct muster_error err;
    err.rc = MUSTER_OK;
    err.text[0] = '\0';
    enum muster_rc rc =
        transfer->stream != 0 ? describe_stream(transfer, code, &err) : describe(transfer, code, &err);
    rc = context(transfer, rc, &err);
    transfer->done(transfer->context, rc, NULL, &err);
}

static void report_success(struct muster__transfer *transfer)
{
    struct muster_reply reply = { .body = transfer->reply.bytes,
                                  .body_bytes = transfer->reply.used,
                                  .elapsed_us = muster_clock_us() - transfer->began_us };
    (void)curl_easy_getinfo(transfer->easy, CURLINFO_RESPONSE_CODE, &reply.status);
    transfer->done(transfer->context, MUSTER_OK, &reply, NULL);
    if (reply.body == NULL) { /* The callee took the body. */
        transfer->reply = (struct muster__buffer){ 0 };
    }
}

void muster__transfer_report(struct muster__transfer *transfer, CURLcode code)
{
    if (atomic_load(&transfer->closing)) {
        muster__transfer_report_stopped(transfer);
        return;
    }
    if (code == CURLE_OK && transfer->stream == 0) {
        /* An empty body is an empty text, not a missing one. */
        if (muster__buffer_put(&transfer->reply, "", 0)) {
            report_success(transfer);
            return;
        }
        code = CURLE_OUT_OF_MEMORY;
    }
    report_failure(transfer, code);
}

void muster__transfer_report_stopped(struct muster__transfer *transfer)
{
    struct muster_error err;
    err.rc = MUSTER_OK;
    err.text[0] = '\0';
    enum muster_rc rc = muster_error_set(&err, MUSTER_ESTOPPED, "given up: the engine is being closed");
    if (atomic_load(&transfer->closing)) {
        muster_error_clear(&err);
        rc = muster_error_set(&err, MUSTER_ESTOPPED, "closed as asked");
    }
    rc = context(transfer, rc, &err);
    transfer->done(transfer->context, rc, NULL, &err);
}
