/* The system "counter": how its nodes are started, asked and understood. It renders and parses, and does no
 * I/O. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#include "counter.h"

static const struct muster_port ports[] = { { .name = "api", .number = 18080 } };

/* The command line: counter HOST PORT. */
static enum muster_rc render(const struct muster_plan *plan, uint32_t node,
                             const struct muster_addresses *addresses, struct muster_rendering *out,
                             struct muster_error *err)
{
    char port[8];
    (void)plan, (void)node;
    snprintf(port, sizeof port, "%u", ports[0].number);
    enum muster_rc rc = muster_rendering_arg(out, addresses->listen_host, err);
    return rc == MUSTER_OK ? muster_rendering_arg(out, port, err) : rc;
}

static enum muster_rc request_count(const void *state, struct muster_request *out, struct muster_error *err)
{
    (void)state;
    return muster_request_init(out, "GET", "/count", NULL, err);
}

/* Any bytes may come: what is no number is refused, never guessed. */
static enum muster_rc parse_progress(const void *state, const struct muster_reply *reply,
                                     struct muster_progress *out, struct muster_error *err)
{
    char *end = NULL;
    (void)state;
    errno = 0;
    unsigned long long count = strtoull(reply->body, &end, 10);
    bool is_number = reply->body[0] >= '0' && reply->body[0] <= '9' && *end == '\0' && errno == 0;
    if (reply->status != 200 || !is_number) {
        return muster_error_set(err, MUSTER_EREPLY, "HTTP %ld with \"%.40s\" instead of a count",
                                reply->status, reply->body);
    }
    *out = (struct muster_progress){ .height = count };
    snprintf(out->tip.text, sizeof out->tip.text, "%llu", count);
    return MUSTER_OK;
}

static enum muster_rc parse_ready(const void *state, const struct muster_reply *reply,
                                  struct muster_error *err)
{
    struct muster_progress ignored;
    return parse_progress(state, reply, &ignored, err);
}

static const struct muster_system system_table = {
    .name = "counter",
    .program = "counter", /* It lies beside the suite, or in PATH. */
    .ports = ports,
    .port_count = 1,
    .render = render,
    .request_ready = request_count,
    .parse_ready = parse_ready,
    .request_progress = request_count,
    .parse_progress = parse_progress,
};

const struct muster_system *counter_system(void)
{
    return &system_table;
}
