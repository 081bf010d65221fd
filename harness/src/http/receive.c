/* Receives data: a reply is kept whole, a stream is cut into lines. Both are bounded. */
#include <string.h>

#include "http/internal.h"
#include "muster/clock.h"

#define REFUSAL_BYTES_MAX 512u /* How much is kept of a reply that should have been a stream. */

size_t muster__receive_header(char *bytes, size_t size, size_t count, void *context)
{
    struct muster__transfer *transfer = context;
    (void)bytes;
    transfer->header_bytes += size * count;
    if (transfer->header_bytes > MUSTER__HTTP_HEADERS_MAX) {
        transfer->too_large = true;
        return 0;
    }
    return size * count;
}

static size_t keep(struct muster__transfer *transfer, const char *bytes, size_t count, size_t bytes_max)
{
    if (count > bytes_max - transfer->reply.used) {
        transfer->too_large = true;
        return 0;
    }
    if (!muster__buffer_put(&transfer->reply, bytes, count)) {
        transfer->out_of_memory = true;
        return 0;
    }
    return count;
}

static void give_line(struct muster__transfer *transfer, const char *line, size_t bytes)
{
    if (bytes > 0 && line[bytes - 1] == '\r') {
        bytes--;
    }
    if (bytes > 0) { /* Empty lines only keep a stream alive. */
        transfer->line_count++;
        transfer->line(transfer->context, line, bytes);
    }
}

/* A line that lies completely in `bytes` is passed on without a copy. */
static size_t receive_lines(struct muster__transfer *transfer, const char *bytes, size_t count)
{
    size_t left = count;
    while (left > 0 && !atomic_load(&transfer->closing)) {
        const char *newline = memchr(bytes, '\n', left);
        size_t part = newline == NULL ? left : (size_t)(newline - bytes);
        if (newline == NULL || transfer->reply.used > 0 || part > transfer->reply_bytes_max) {
            if (keep(transfer, bytes, part, transfer->reply_bytes_max) != part) {
                return 0;
            }
            if (newline == NULL) {
                return count;
            }
            give_line(transfer, transfer->reply.bytes, transfer->reply.used);
            transfer->reply.used = 0;
        } else {
            give_line(transfer, bytes, part);
        }
        bytes += part + 1;
        left -= part + 1;
    }
    return left > 0 ? 0 : count;
}

static size_t receive_stream(struct muster__transfer *transfer, const char *bytes, size_t count)
{
    transfer->heard_ms = muster_clock_ms();
    long status = 0;
    (void)curl_easy_getinfo(transfer->easy, CURLINFO_RESPONSE_CODE, &status);
    if (status >= 200 && status < 300) {
        return receive_lines(transfer, bytes, count);
    }
    size_t room = REFUSAL_BYTES_MAX - transfer->reply.used;
    return keep(transfer, bytes, count < room ? count : room, REFUSAL_BYTES_MAX) == count ? count : 0;
}

size_t muster__receive_body(char *bytes, size_t size, size_t count, void *context)
{
    struct muster__transfer *transfer = context;
    if (transfer->stream != 0) {
        return receive_stream(transfer, bytes, size * count);
    }
    return keep(transfer, bytes, size * count, transfer->reply_bytes_max);
}
