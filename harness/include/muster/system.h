/* A system: adapter for one kind of node. Pure: it renders and parses, and does no I/O at all. */
#ifndef MUSTER_SYSTEM_H
#define MUSTER_SYSTEM_H

#include <stdbool.h>
#include <stdint.h>

#include "muster/result.h"
#include "muster/scenario.h"

#ifdef __cplusplus
extern "C" {
#endif

#define MUSTER_ID_BYTES 72u /* Of a block, transaction or leader: text with its final NUL. */
#define MUSTER_FILES_MAX 8u
#define MUSTER_ARGS_MAX 64u

struct muster_id {
    char text[MUSTER_ID_BYTES];
};

/* A TCP port the node listens on; the same number in every run, each node has its own address. */
struct muster_port {
    const char *name;
    uint16_t number;
};

/* Where nodes are, as the runner placed them. Borrowed. */
struct muster_addresses {
    const char *listen_host; /* What this node binds. */
    const char *const *peer_hosts; /* By node: what its peers dial; node_count entries. */
    const char *data_directory; /* As the node sees it; exists, or will. */
    uint64_t deployed_wall_ms; /* When the run's deploy began: the same for all, also later. */
};

struct muster_file {
    char *name; /* Relative to the node's directory, which is also its working directory. */
    char *text;
};

/* What it takes to start a node. Owned by whoever had it rendered; muster_rendering_fini() frees it. */
struct muster_rendering {
    size_t file_count;
    struct muster_file files[MUSTER_FILES_MAX];
    size_t arg_count;
    char *args[MUSTER_ARGS_MAX + 1]; /* After the program's name; relative paths to files. */
    size_t env_count;
    char *env[MUSTER_ARGS_MAX + 1]; /* "NAME=value". */
};
void muster_rendering_fini(struct muster_rendering *rendering);

/* Append a copy to a rendering. MUSTER_OK, MUSTER_ENOMEM, or MUSTER_EINVAL when the bound is reached or the
 * name cannot be one (a file outside the node's directory or rendered twice, a variable with '='). A
 * variable that is set already gets the new value. */
MUSTER_MUST_USE enum muster_rc muster_rendering_file(struct muster_rendering *rendering, const char *name,
                                                     const char *text, struct muster_error *err);
MUSTER_MUST_USE enum muster_rc muster_rendering_arg(struct muster_rendering *rendering, const char *arg,
                                                    struct muster_error *err);
MUSTER_MUST_USE enum muster_rc muster_rendering_env(struct muster_rendering *rendering, const char *name,
                                                    const char *value, struct muster_error *err);

/* One HTTP request to a node's API. Zeroed, then filled; muster_request_fini() frees path and body. */
struct muster_request {
    const char *method; /* "GET" or "POST"; static storage. */
    char *path; /* From the first slash, query included. Owned. */
    char *body; /* NULL: none. JSON text. Owned. */
    uint32_t timeout_ms; /* Total. Default (0): MUSTER_REQUEST_TIMEOUT_MS. */
    size_t reply_bytes_max; /* Default (0): MUSTER_REPLY_BYTES_MAX. */
};
#define MUSTER_REQUEST_TIMEOUT_MS 5000u
#define MUSTER_REPLY_BYTES_MAX (16u * 1024u * 1024u)

void muster_request_fini(struct muster_request *request);

/** Fills `request` with a copy of path and body (NULL: none). MUSTER_OK or MUSTER_ENOMEM. */
MUSTER_MUST_USE enum muster_rc muster_request_init(struct muster_request *request, const char *method,
                                                   const char *path, const char *body,
                                                   struct muster_error *err);

/* What came back. body is NUL-terminated beyond body_bytes. */
struct muster_reply {
    long status; /* HTTP status code. */
    char *body; /* Owned; muster_reply_fini() frees it. */
    size_t body_bytes;
    uint64_t elapsed_us;
};
void muster_reply_fini(struct muster_reply *reply);

/* How far a node is. */
struct muster_progress {
    struct muster_id tip;
    struct muster_id final; /* Last final block; "" where the system does not say. */
    uint64_t height; /* Of the tip. */
    uint64_t slot; /* Of the tip; 0 where the system has none. */
    struct muster_id network; /* What all nodes of its network say, and no other's; "" where the system has no
                                 such thing. Without it nodes are of one network when one has a block of the
                                 other. */
};

struct muster_chain;
struct muster_observer;

/* All slots are called with the plan's system_state. Those that take it const may be called from any
 * thread at any time; the others from one thread at a time. NULL slots are allowed where it says so.
 * Every parser takes any bytes: what it does not understand is MUSTER_EREPLY, with what and where. */
struct muster_system {
    const char *name; /* "logos". */

    /* The program, where a runner starts one: the path in program_variable ("REDIS_SERVER_BIN") if that is
     * set, else program looked up beside the suite and in PATH, else program_path if that file exists.
     * The variable may be one of variables.def or one of the system's own. NULL: no variable. */
    const char *program_variable;
    const char *program;
    const char *program_path; /* Where it is installed; NULL: nowhere of its own. */

    /* The container image, where a runner starts one; its entry point is the program. image_variable names
     * it, as program_variable does the program; else it is `image`. Without `image` the system has none, and
     * the variable is not looked at. */
    const char *image_variable;
    const char *image;

    /* Milliseconds from a node's TERM to its KILL, where the scenario does not say. Default: 3 000. */
    uint32_t grace_ms;

    int end_code; /* What a node exits with when it is told to end by TERM: 0 for most. */

    const struct muster_port *ports; /* ports[0] is the API's. */
    size_t port_count;

    /* prepare makes keys and genesis from plan->seed; called once, at build. A plan that asks for what
     * the system has not (wallets, say) is refused here. *state may stay NULL. */
    enum muster_rc (*prepare)(const struct muster_plan *plan, const struct muster_variables *variables,
                              void **state, struct muster_error *err);
    void (*release)(void *state);

    /* render writes a node's files, arguments and environment; plan->env is added by the runner. */
    enum muster_rc (*render)(const struct muster_plan *plan, uint32_t node,
                             const struct muster_addresses *addresses, struct muster_rendering *out,
                             struct muster_error *err);

    /* Is the node up? parse_ready: MUSTER_OK, or why not yet. */
    enum muster_rc (*request_ready)(const void *state, struct muster_request *out, struct muster_error *err);
    enum muster_rc (*parse_ready)(const void *state, const struct muster_reply *reply,
                                  struct muster_error *err);

    /* How many peers has it? NULL pair: no second gate. */
    enum muster_rc (*request_peers)(const void *state, struct muster_request *out, struct muster_error *err);
    enum muster_rc (*parse_peers)(const void *state, const struct muster_reply *reply, uint32_t *peers,
                                  struct muster_error *err);

    enum muster_rc (*request_progress)(const void *state, struct muster_request *out,
                                       struct muster_error *err);
    enum muster_rc (*parse_progress)(const void *state, const struct muster_reply *reply,
                                     struct muster_progress *out, struct muster_error *err);

    /* How runs follow its nodes: &muster_chain_observer for a system with a chain. NULL: each node is asked
     * again and again how far it is. */
    const struct muster_observer *observer;

    /* What only a chain has: see muster/chain.h. NULL: it is none. */
    const struct muster_chain *chain;
};

/** The system of scenarios that name none. Not defined by the harness, but once in a program: by the library
 * of a system, unless the program defines it itself. */
const struct muster_system *muster_default_system(void);

#ifdef __cplusplus
}
#endif
#endif
