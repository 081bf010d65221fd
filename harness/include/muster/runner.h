/* A runner: a backend that turns a plan into running nodes. Adding one touches its own folder and one
 * line of runners/registry.c; it is done when it passes runners/conformance. */
#ifndef MUSTER_RUNNER_H
#define MUSTER_RUNNER_H

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

#include "muster/ledger.h"
#include "muster/run.h"
#include "muster/scenario.h"
#include "muster/system.h"
#include "muster/variables.h"

#ifdef __cplusplus
extern "C" {
#endif

/* Where a node's API is reached from the test. */
struct muster_endpoint {
    char base_url[512]; /* "http://127.64.3.1:18080", without a final slash. */
    char unix_socket_path[108]; /* "" for TCP. */
};

enum muster_action {
    MUSTER_START = 1,
    MUSTER_STOP, /* TERM, then KILL after the plan's grace. */
    MUSTER_KILL,
    MUSTER_PAUSE,
    MUSTER_RESUME,
};

/* What up() works with: the plan, the run directory, the guardian's services. */
struct muster_deployment;

const struct muster_plan *muster_deployment_plan(const struct muster_deployment *deployment);
const struct muster_variables *muster_deployment_variables(const struct muster_deployment *deployment);
const char *muster_deployment_run_id(const struct muster_deployment *deployment);
/** The run directory, absolute. */
const char *muster_deployment_directory(const struct muster_deployment *deployment);
struct muster_ledger *muster_deployment_ledger(struct muster_deployment *deployment);

/** Writes "<run directory>/nodes/node-<i>", which exists once muster_deployment_write_node() made it. */
void muster_deployment_node_directory(const struct muster_deployment *deployment, uint32_t node,
                                      char path[4096]);

/** Has the system render a node and adds the plan's environment for it. The caller calls
 * muster_rendering_fini(). MUSTER_OK; MUSTER_EINVAL; MUSTER_ENOMEM. */
MUSTER_MUST_USE enum muster_rc muster_deployment_render(struct muster_deployment *deployment, uint32_t node,
                                                        const struct muster_addresses *addresses,
                                                        struct muster_rendering *out,
                                                        struct muster_error *err);

/** Writes a rendering's files, and data/, below the node's directory. MUSTER_OK or MUSTER_EIO. */
MUSTER_MUST_USE enum muster_rc muster_deployment_write_node(struct muster_deployment *deployment,
                                                            uint32_t node,
                                                            const struct muster_rendering *rendering,
                                                            struct muster_error *err);

/** The plan's system's program on this host, absolute (see muster_system). MUSTER_EINVAL names what
 * was looked for, where, and why it does not serve (missing, not executable, wrong architecture). */
MUSTER_MUST_USE enum muster_rc muster_program_find(const struct muster_system *system,
                                                   const struct muster_variables *variables, char path[4096],
                                                   struct muster_error *err);

/** The container image of the plan's system (see muster_system). Borrowed from both. MUSTER_EINVAL: it has
 * none. */
MUSTER_MUST_USE enum muster_rc muster_image_find(const struct muster_system *system,
                                                 const struct muster_variables *variables, const char **ret,
                                                 struct muster_error *err);

/** Where a node's output goes: beside its files, or below the log directory (MUSTER_VAR_LOG_DIR) in a
 * directory of the run's own, which is made. MUSTER_OK; MUSTER_EIO names the variable and why logs cannot be
 * written there. */
MUSTER_MUST_USE enum muster_rc muster_deployment_place_logs(struct muster_deployment *deployment,
                                                            uint32_t node, char stdout_path[4096],
                                                            char stderr_path[4096], struct muster_error *err);

/** Makes a directory (mode 0700) and the parents it lacks; one that exists is fine. MUSTER_OK or MUSTER_EIO.
 */
MUSTER_MUST_USE enum muster_rc muster_make_directory(const char *path, struct muster_error *err);

#define MUSTER_NO_NODE UINT32_MAX

/* A process for the guardian to start: it outlives nothing of the run, whatever happens. */
struct muster_spawn {
    const char *const *argv; /* NULL-terminated; argv[0] is a path. */
    const char *const *env; /* NULL-terminated "NAME=value", on top of the suite's; NULL: none. */
    const char *directory; /* Working directory; absolute. */
    const char *stdout_path; /* Appended to; NULL: discarded. */
    const char *stderr_path;
    uint32_t node; /* Whose process; MUSTER_NO_NODE for a tool. */
};

/* How a process ended. */
struct muster_exit {
    int code; /* 0 to 255, or -1 when a signal ended it. */
    int signal; /* 0 unless a signal ended it. */
    bool signal_inferred; /* From a code of 128 + signal, with which it may have exited by itself. */
    bool core_dumped;
    bool out_of_memory; /* The kernel's out-of-memory killer was seen at work. */
    char reason[80]; /* What says it better than code and signal, such as "lost its pod"; "". */
    uint64_t at_ms; /* Monotonic. */
};
/** "exited with code 3", "was ended by SIGSEGV (core dumped)", … Returns text. */
const char *muster_exit_describe(const struct muster_exit *exit, char text[96]);

/**
 * Judges how a node ended that was told to, by TERM and where that was not enough by KILL. Right is the
 * system's end_code, 0, and being ended by one of these signals, also as a shell or a container engine puts
 * it (143, 137).
 *
 * @return MUSTER_OK; MUSTER_ENODE: "node-1 was ended by SIGSEGV while it was taken down".
 */
MUSTER_MUST_USE enum muster_rc muster_exit_judge(const struct muster_exit *exit, int end_code, uint32_t node,
                                                 struct muster_error *err);

/** Has the guardian start a process in a group of its own. MUSTER_OK; MUSTER_ENODE, exec failed (err
 * has the program and the reason); MUSTER_EIO; MUSTER_EINFRA, the guardian is gone. `ret` identifies
 * it in the calls below and is never used twice in a run. */
MUSTER_MUST_USE enum muster_rc muster_deployment_spawn(struct muster_deployment *deployment,
                                                       const struct muster_spawn *spawn, uint32_t *ret,
                                                       struct muster_error *err);

/**
 * muster_deployment_spawn() in two steps, so that many processes start side by side: begins one, and returns
 * without waiting for it.
 *
 * @param ret  A ticket, for exactly one muster_deployment_spawn_end(), which is due also when another start
 * failed.
 *
 * @return MUSTER_OK; MUSTER_EINVAL; MUSTER_ENOMEM; MUSTER_ETIMEDOUT; MUSTER_EINFRA. After a failure nothing
 * began.
 */
MUSTER_MUST_USE enum muster_rc muster_deployment_spawn_begin(struct muster_deployment *deployment,
                                                             const struct muster_spawn *spawn, uint64_t *ret,
                                                             struct muster_error *err);

/** Waits until a process that was begun runs its program, or cannot. Returns as muster_deployment_spawn(). */
MUSTER_MUST_USE enum muster_rc muster_deployment_spawn_end(struct muster_deployment *deployment,
                                                           uint64_t ticket, uint32_t *ret,
                                                           struct muster_error *err);

/** Sends a signal to the group of a process started so. MUSTER_OK, also when it is gone already. */
MUSTER_MUST_USE enum muster_rc muster_deployment_signal(struct muster_deployment *deployment,
                                                        uint32_t process, int signal,
                                                        struct muster_error *err);

/** Waits until such a process has ended. MUSTER_OK; MUSTER_ETIMEDOUT; MUSTER_EINFRA. */
MUSTER_MUST_USE enum muster_rc muster_deployment_wait_exit(struct muster_deployment *deployment,
                                                           uint32_t process, uint32_t timeout_ms,
                                                           struct muster_exit *ret, struct muster_error *err);

/** Leases a /24 of loopback addresses for the run ("127.64.3."), which no other run gets as long as the
 * guardian lives. MUSTER_OK; MUSTER_EINFRA. */
MUSTER_MUST_USE enum muster_rc muster_deployment_lease_loopback(struct muster_deployment *deployment,
                                                                char prefix[16], struct muster_error *err);

/** For runners whose nodes are not the guardian's processes: node ended. Asked or not is known from
 * the control that is under way. Any thread. */
void muster_deployment_node_ended(struct muster_deployment *deployment, uint32_t node,
                                  const struct muster_exit *exit);

/** For runners whose backend can fail under the nodes: it is gone, and the run with it. Becomes the failure,
 * as MUSTER_EINFRA, unless there is one already. Any thread. */
void muster_deployment_failed(struct muster_deployment *deployment, const char *format, ...)
    MUSTER_PRINTF(2, 3);

/** Whether the run is being taken down: then its backend's streams may end, and no node's end is unasked. Any
 * thread. */
bool muster_deployment_is_ending(const struct muster_deployment *deployment);

/* The table. All slots but detach may fail; each gives one sentence in err. up, endpoint, control and
 * detach run in the test's process, one at a time for each run; collect, down and audit run in the
 * guardian or in `muster sweep`, possibly in a later process, and know only the ledger. */
struct muster_runner {
    const char *name; /* What users write in MUSTER_RUNNER. */
    const char *alias; /* Another word for it, or NULL. */

    /* Its nodes run already and stay as they are: up() finds them and creates nothing. The engine then asks
     * for any peers instead of the layout's, makes sure that all are of one network, and lets wallets go on
     * from what they have spent there. */
    bool attaches;

    /* What it can do here, or'ed muster_capability. */
    uint32_t (*capabilities)(const struct muster_variables *variables);

    /* How to get the capabilities that are missing: the end of a sentence. May return NULL. */
    const char *(*remedy)(uint32_t missing);

    /* Milliseconds a cluster of this size may take until ready, before slow-down. */
    uint32_t (*ready_ms)(const struct muster_variables *variables, uint32_t node_count);

    /* Milliseconds that up may take at most, before slow-down. NULL: a few seconds. */
    uint32_t (*up_ms)(const struct muster_variables *variables, uint32_t node_count);

    /* Can it run this plan here? Creates nothing. MUSTER_ESKIP, the backend is absent: a skipped test;
     * MUSTER_EINVAL, the user's mistake: a failed one. */
    enum muster_rc (*probe)(const struct muster_plan *plan, const struct muster_variables *variables,
                            struct muster_error *err);

    /* Creates all nodes, recording each thing in the ledger first. Does not wait for readiness. May
     * fail half way: down follows in every case. *state is given to detach also after a failure. */
    enum muster_rc (*up)(struct muster_deployment *deployment, void **state, struct muster_error *err);

    /* Where the node's API is now; asked again after every start. */
    enum muster_rc (*endpoint)(void *state, uint32_t node, struct muster_endpoint *ret,
                               struct muster_error *err);

    /* Does it, and returns when it is done: STOP and KILL when the node is gone, its data kept. START
     * returns when the node was started, ready or not. NULL: no node control. */
    enum muster_rc (*control)(void *state, uint32_t node, enum muster_action action,
                              struct muster_error *err);

    /* Is the backend still there? Asked when something has failed, before that is judged, and may take its
     * time to find out. MUSTER_EINFRA: it is gone, and whatever failed is no fault of the nodes. NULL: it
     * cannot go. */
    enum muster_rc (*check)(void *state, struct muster_error *err);

    /* Frees what up allocated in this process; removes nothing. */
    void (*detach)(void *state);

    /* Saves logs and exit states below the run directory, before down. NULL: they are there already. */
    enum muster_rc (*collect)(const struct muster_ledger_view *view, struct muster_error *err);

    /* Removes what the ledger names, within grace_ms for the nodes' own ending. May run twice, or in a
     * later process; what is gone is no error. Processes and directories are the guardian's own, and
     * not down's. NULL: nothing else is created. */
    enum muster_rc (*down)(const struct muster_ledger_view *view, uint32_t grace_ms,
                           struct muster_error *err);

    /* Adds what still exists of the run. NULL as down. MUSTER_EINFRA when that cannot be found out. */
    enum muster_rc (*audit)(const struct muster_ledger_view *view, struct muster_audit *audit,
                            struct muster_error *err);

    /* Whether the run is to be left up, and how to look at it and remove it. NULL: never. */
    bool (*preserve)(const struct muster_variables *variables);
    void (*print_preserved)(const struct muster_ledger_view *view, FILE *out);
};

/** Whether a table is whole. Asked when a program chooses its runner. MUSTER_OK; MUSTER_EINVAL names the slot
 * that is missing, and the runner. */
MUSTER_MUST_USE enum muster_rc muster_runner_check(const struct muster_runner *runner,
                                                   const struct muster_variables *variables,
                                                   struct muster_error *err);

#ifdef __cplusplus
}
#endif
#endif
