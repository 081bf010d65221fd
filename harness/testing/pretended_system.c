#include "testing/pretended_system.h"
#include "muster/chain.h"
#include "testing/bare_system.h"

#include <check.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static enum muster_rc fake_request_progress(const void *state, struct muster_request *out,
                                            struct muster_error *err)
{
    (void)state;
    return muster_request_init(out, "GET", "/progress", NULL, err);
}

static enum muster_rc fake_parse_progress(const void *state, const struct muster_reply *reply,
                                          struct muster_progress *out, struct muster_error *err)
{
    unsigned long long height = 0;
    (void)state;
    if (sscanf(reply->body, "%71s %71s %llu", out->tip.text, out->final.text, &height) != 3) {
        return muster_error_set(err, MUSTER_EREPLY, "no progress in \"%.20s\"", reply->body);
    }
    out->height = out->slot = height;
    return MUSTER_OK;
}

static enum muster_rc fake_parse_ready(const void *state, const struct muster_reply *reply,
                                       struct muster_error *err)
{
    struct muster_progress ignored = { 0 };
    return fake_parse_progress(state, reply, &ignored, err);
}

static enum muster_rc fake_request_block(const void *state, const struct muster_id *id,
                                         struct muster_request *out, struct muster_error *err)
{
    char path[128];
    (void)state;
    snprintf(path, sizeof path, "/block/%s", id->text);
    return muster_request_init(out, "GET", path, NULL, err);
}

static enum muster_rc fake_parse_text(const char *text, struct muster_block *out, struct muster_error *err)
{
    char *rest = NULL;
    *out = (struct muster_block){ .has_height = true };
    out->slot = out->height = strtoull(text, &rest, 10);
    snprintf(out->id.text, MUSTER_ID_BYTES, "b%llu", (unsigned long long)out->height);
    if (out->height > 0) {
        snprintf(out->parent.text, MUSTER_ID_BYTES, "b%llu", (unsigned long long)out->height - 1);
    }
    char identity[MUSTER_ID_BYTES];
    int used = 0;
    enum muster_rc rc = MUSTER_OK;
    while (rc == MUSTER_OK && sscanf(rest, " %71s%n", identity, &used) == 1) {
        rc = muster_block_add_identity(out, identity, err);
        out->transaction_count++;
        rest += used;
    }
    return rc;
}

static enum muster_rc fake_parse_block(const void *state, const struct muster_id *id,
                                       const struct muster_reply *reply, struct muster_block *out,
                                       struct muster_error *err)
{
    (void)state;
    (void)id;
    if (reply->status != 200 || reply->body[0] < '0' || reply->body[0] > '9') {
        return muster_error_set(err, reply->status == 404 ? MUSTER_ENOTFOUND : MUSTER_EREPLY, "no block");
    }
    return fake_parse_text(reply->body, out, err);
}

static enum muster_rc fake_request_stream(const void *state, struct muster_request *out,
                                          struct muster_error *err)
{
    (void)state;
    return muster_request_init(out, "GET", "/stream", NULL, err);
}

static enum muster_rc fake_parse_stream_line(const void *state, const char *line, size_t bytes,
                                             struct muster_block *out, struct muster_error *err)
{
    (void)state;
    char *text = strndup(line, bytes);
    enum muster_rc rc = fake_parse_text(text, out, err);
    free(text);
    return rc;
}

static enum muster_rc fake_build_submission(void *state, uint32_t wallet, struct muster_submission *out,
                                            struct muster_error *err)
{
    (void)state;
    snprintf(out->identity.text, MUSTER_ID_BYTES, "t%u", atomic_fetch_add(&cluster.built, 1));
    out->wallet = wallet;
    return muster_request_init(&out->request, "POST", "/submit", out->identity.text, err);
}

static enum muster_answer fake_parse_submission(const void *state, const struct muster_reply *reply,
                                                struct muster_error *err)
{
    (void)state;
    if (reply->status == 200 && strcmp(reply->body, "null") == 0) {
        return MUSTER_ACCEPTED;
    }
    muster_error_set(err, MUSTER_EREPLY, "HTTP %ld: %s", reply->status, reply->body);
    return reply->status == 422 ? MUSTER_REFUSED : MUSTER_TRY_AGAIN;
}

static void fake_settle_submission(void *state, const struct muster_submission *submission, bool accepted)
{
    (void)state;
    (void)submission;
    (void)accepted;
}

#define FAKE_SYSTEM_SLOTS                                                                                    \
    .name = "fake", .ports = bare_ports, .port_count = 1, .render = bare_render,                             \
    .request_ready = fake_request_progress, .parse_ready = fake_parse_ready,                                 \
    .request_progress = fake_request_progress, .parse_progress = fake_parse_progress,                        \
    .observer = &muster_chain_observer
#define FAKE_CHAIN_SLOTS                                                                                     \
    .request_block = fake_request_block, .parse_block = fake_parse_block,                                    \
    .build_submission = fake_build_submission, .parse_submission = fake_parse_submission,                    \
    .settle_submission = fake_settle_submission

static const struct muster_chain fake_chain = { FAKE_CHAIN_SLOTS };
const struct muster_system fake_system = { FAKE_SYSTEM_SLOTS, .chain = &fake_chain };

static const struct muster_chain fake_streamed_chain = { FAKE_CHAIN_SLOTS,
                                                         .request_stream = fake_request_stream,
                                                         .parse_stream_line = fake_parse_stream_line };
const struct muster_system fake_streamed = { FAKE_SYSTEM_SLOTS, .chain = &fake_streamed_chain };

const struct muster_system fake_plain = { .name = "plain",
                                          .render = bare_render,
                                          .ports = bare_ports,
                                          .port_count = 1,
                                          .request_ready = fake_request_progress,
                                          .parse_ready = fake_parse_ready,
                                          .request_progress = fake_request_progress,
                                          .parse_progress = fake_parse_progress };
