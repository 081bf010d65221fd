/* A system whose slots do nothing: for plans that are built and never run. */
#ifndef MUSTER_TESTING_BARE_SYSTEM_H
#define MUSTER_TESTING_BARE_SYSTEM_H

#include "muster/chain.h"
#include "muster/system.h"

static inline enum muster_rc bare_render(const struct muster_plan *plan, uint32_t node,
                                         const struct muster_addresses *addresses,
                                         struct muster_rendering *out, struct muster_error *err)
{
    (void)plan;
    (void)node;
    (void)addresses;
    (void)out;
    (void)err;
    return MUSTER_OK;
}

static inline enum muster_rc bare_request(const void *state, struct muster_request *out,
                                          struct muster_error *err)
{
    (void)state;
    return muster_request_init(out, "GET", "/", NULL, err);
}

static inline enum muster_rc bare_parse_ready(const void *state, const struct muster_reply *reply,
                                              struct muster_error *err)
{
    (void)state;
    (void)reply;
    (void)err;
    return MUSTER_OK;
}

static inline enum muster_rc bare_parse_progress(const void *state, const struct muster_reply *reply,
                                                 struct muster_progress *out, struct muster_error *err)
{
    (void)state;
    (void)reply;
    (void)out;
    (void)err;
    return MUSTER_OK;
}

static inline enum muster_rc bare_request_block(const void *state, const struct muster_id *id,
                                                struct muster_request *out, struct muster_error *err)
{
    (void)id;
    return bare_request(state, out, err);
}

static inline enum muster_rc bare_parse_block(const void *state, const struct muster_id *id,
                                              const struct muster_reply *reply, struct muster_block *out,
                                              struct muster_error *err)
{
    (void)state;
    (void)id;
    (void)reply;
    (void)out;
    (void)err;
    return MUSTER_OK;
}

static inline enum muster_answer bare_parse_submission(const void *state, const struct muster_reply *reply,
                                                       struct muster_error *err)
{
    (void)state;
    (void)reply;
    (void)err;
    return MUSTER_ACCEPTED;
}

static inline void bare_settle_submission(void *state, const struct muster_submission *submission,
                                          bool accepted)
{
    (void)state;
    (void)submission;
    (void)accepted;
}

static const struct muster_port bare_ports[] = { { .name = "api", .number = 1 } };

/* What every system has. */
#define BARE_SYSTEM_SLOTS                                                                                    \
    .ports = bare_ports, .port_count = 1, .render = bare_render, .request_ready = bare_request,              \
    .parse_ready = bare_parse_ready, .request_progress = bare_request, .parse_progress = bare_parse_progress

#endif
