/* The plan: what a scenario is made of, in the words its author uses. */
#ifndef MUSTER_SCENARIO_H
#define MUSTER_SCENARIO_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "muster/clock.h"
#include "muster/random.h"
#include "muster/result.h"
#include "muster/variables.h"

#ifdef __cplusplus
extern "C" {
#endif

#define MUSTER_NODES_MAX 250u
#define MUSTER_PACE_MS_MIN 10u
#define MUSTER_PACE_MS_MAX 3600000u
#define MUSTER_DEPTH_MAX 10000u /* Whatever is counted in blocks below the tip. */
#define MUSTER_ENV_MAX 64u /* Variables a scenario may set on its nodes, over all nodes. */
#define MUSTER_ENV_BYTES_MAX 65536u /* Name and value of one of them. */
#define MUSTER_PARTS_MAX 32u /* Workloads, and expectations, of one scenario. */
#define MUSTER_NAME_BYTES 64u /* Of a scenario, workload or expectation, with the final NUL. */

struct muster_run;
struct muster_system;
struct muster_report;

/* A plan under construction. Its functions return nothing: the first mistake sticks, names its field,
 * and muster_scenario_build() returns it. All strings and structs given are copied. Topology, wallets,
 * duration, consensus, deadlines and system replace what was given before; transactions, liveness and chaos
 * are given once. */
struct muster_scenario;

enum muster_layout {
    MUSTER_STAR = 1, /* Every node dials node 0. */
    MUSTER_CHAIN, /* Node i dials node i - 1. */
    MUSTER_FULL, /* Node i dials every node below it. */
};

struct muster_topology {
    enum muster_layout layout; /* Default: MUSTER_STAR. */
    uint32_t nodes; /* 1 to MUSTER_NODES_MAX. No default. */
};
void muster_topology(struct muster_scenario *s, const struct muster_topology *topology);

/* Times to one day each. Defaults in paces (see muster_pace()) are at most a quarter
 * of the window. */
struct muster_chaos {
    uint32_t min_delay_ms; /* From one action to the next; chosen between both. Default: 2 paces. */
    uint32_t max_delay_ms; /* Default: 6 paces. */
    uint32_t cooldown_ms; /* How long a node that is back is left alone. Default: max_delay_ms. */
    uint32_t restart_weight; /* How often it is chosen, beside the others. Default: 1 each, if all are 0. */
    uint32_t kill_weight;
    uint32_t pause_weight;
    uint32_t down_ms; /* How long a killed node stays down. Default: 2 paces. */
    uint32_t pause_ms; /* How long a paused node stays paused. Default: 2 paces. */
    const uint32_t *spare_nodes; /* Nodes that are never touched. Default: none. */
    uint32_t spare_count;
    uint32_t quorum; /* Nodes that run, and have caught up, are never fewer. Default: more than half. */
    uint32_t recover_ms; /* From when a node is told to come back until it must be at the cluster's tip.
                            Default: the time until ready, and 10 paces. Stretched as the deadlines are. */
    uint32_t lag_max; /* How far behind the best height still is the cluster's tip, to MUSTER_DEPTH_MAX.
                                Default: 2. */
};
/** Adds the workload "chaos", which restarts, kills and pauses nodes at moments of chance, as the seed says;
 * and with it the expectation "recovers": each of them is back at the cluster's tip in time, and some were
 * touched at all. An action begins only if its whole length fits into the window, and whatever is down when
 * the window closes is brought back first. Requires MUSTER_NODE_CONTROL by itself. NULL takes every default.
 */
void muster_chaos(struct muster_scenario *s, const struct muster_chaos *chaos);

/** The wall-clock length of the window in which workloads run: 1 ms to one day, and at least two slots where
 * the system has blocks; see MUSTER_SECONDS. */
void muster_run_duration(struct muster_scenario *s, int64_t duration_ms);

/** How often something new is to be seen of a system that is no chain: nodes are observed five times in it,
 * and defaults follow it. 10 ms to one hour. Default: one second. A chain's is its block interval. */
void muster_pace(struct muster_scenario *s, uint32_t pace_ms);

/* What runners may be able to do; capabilities.def is the one table of it. */
enum muster_capability {
#define X(id, bit, name, words, meaning) MUSTER_##id = 1u << (bit),
#include "muster/capabilities.def"
#undef X
    MUSTER_ALL_CAPABILITIES = 0
#define X(id, bit, name, words, meaning) +(1u << (bit))
#include "muster/capabilities.def"
#undef X
};

struct muster_capability_info {
    uint32_t bit;
    const char *name; /* "node_control" */
    const char *words; /* "node control" */
    const char *meaning;
};
/** A row of the table; NULL beyond its end. */
const struct muster_capability_info *muster_capability_info(size_t row);

#define MUSTER_CAPABILITIES_BYTES 512u /* All of them in one text. */
/** Writes the names of those that are set, with a comma between two. Returns text. */
char *muster_capability_names(uint32_t capabilities, char text[MUSTER_CAPABILITIES_BYTES]);
/** Writes them as a sentence has them: "a, b and c". Returns text. */
char *muster_capability_words(uint32_t capabilities, char text[MUSTER_CAPABILITIES_BYTES]);

/** Names capabilities (or'ed) without which the scenario must not start. */
void muster_require(struct muster_scenario *s, uint32_t capabilities);

/** Deadlines, to one day each; 0 keeps the default. SLOW_TEST_ENV and CK_TIMEOUT_MULTIPLIER stretch them. */
struct muster_deadlines {
    uint32_t ready_ms; /* Deploy, all nodes and their peers together. Default: the runner's. */
    uint32_t settle_ms; /* Cooldown and settle. Default: ten block intervals and 5 s, to 10 min. */
    uint32_t grace_ms; /* From a node's TERM to its KILL. Default: the system's. */
};
void muster_deadlines(struct muster_scenario *s, const struct muster_deadlines *deadlines);

#define MUSTER_EVERY_NODE UINT32_MAX
/** Sets an environment variable of a node, or of MUSTER_EVERY_NODE; the value may be empty. */
void muster_node_env(struct muster_scenario *s, uint32_t node, const char *name, const char *value);

/** Which kind of node this is. Borrowed, static storage. Default: what the program's main set. */
void muster_system(struct muster_scenario *s, const struct muster_system *system);

/* Code that puts load on the run. `run` is called in a thread of its own when the window opens; it
 * returns MUSTER_OK when it has nothing more to do or once muster_run_sleep() or another call says
 * MUSTER_ESTOPPED. Any other code, with the cause in err, ends the window and fails the run. */
struct muster_workload {
    const char *name;
    enum muster_rc (*run)(struct muster_run *run, void *context, struct muster_error *err);
    void *context; /* Owned by the scenario when destroy is set, else borrowed. */
    void (*destroy)(void *context);
};
void muster_workload(struct muster_scenario *s, const struct muster_workload *workload);

/* Something that must hold. Slots but evaluate may be NULL. All are called in the test's thread. */
struct muster_expectation {
    const char *name;
    /* The baseline, after every node is ready and before the window opens. */
    enum muster_rc (*capture)(struct muster_run *run, void *context, struct muster_error *err);
    /* Called about once a second in the window. A failure ends the window at once. */
    enum muster_rc (*check)(struct muster_run *run, void *context, struct muster_error *err);
    /* The judgement, once all is settled: MUSTER_OK or MUSTER_EEXPECT with what was observed.
     * Numbers worth keeping go into report (run.h), whatever the judgement. */
    enum muster_rc (*evaluate)(struct muster_run *run, void *context, struct muster_report *report,
                               struct muster_error *err);
    void *context; /* Owned by the scenario when destroy is set, else borrowed. */
    void (*destroy)(void *context);
};
void muster_expectation(struct muster_scenario *s, const struct muster_expectation *expectation);

/** For who writes parts of a scenario: makes the plan unusable for a reason, one sentence that names the
 * field, its value and the remedy. The first mistake sticks. */
void muster_scenario_refuse(struct muster_scenario *s, const char *format, ...) MUSTER_PRINTF(2, 3);

/* One variable for a node. */
struct muster_env {
    uint32_t node; /* Or MUSTER_EVERY_NODE. */
    char *name;
    char *value;
};

struct muster_part;

/* A part of a plan; see muster/part.h. */
struct muster_planned_part {
    const struct muster_part *part;
    void *state; /* What the part made of its options. */
};

/* The finished plan. Immutable; any thread may read it. */
struct muster_plan {
    char suite[MUSTER_NAME_BYTES];
    char name[MUSTER_NAME_BYTES];
    const struct muster_system *system;
    enum muster_layout layout;
    uint32_t node_count;
    uint32_t wallet_count;
    uint32_t slot_ms;
    double active_slot_coeff;
    uint32_t security_depth;
    uint64_t block_interval_ms; /* slot_ms / active_slot_coeff: what a block takes on average. */
    uint64_t duration_ms;
    uint32_t capabilities; /* Required ones, or'ed. */
    uint64_t seed;
    double slowdown; /* Every deadline below is multiplied by it already. */
    uint32_t ready_ms; /* 0: the runner's default times slowdown. */
    uint32_t settle_ms;
    uint32_t grace_ms;
    uint64_t
        pace_ms; /* How often something new is to be seen: the block interval of a chain, else a second. */
    uint64_t recover_ms; /* On top of all: what parts may take to bring nodes back after the window. */
    size_t env_count;
    struct muster_env env[MUSTER_ENV_MAX];
    size_t workload_count;
    struct muster_workload workloads[MUSTER_PARTS_MAX];
    size_t expectation_count;
    struct muster_expectation expectations[MUSTER_PARTS_MAX];
    size_t part_count;
    struct muster_planned_part parts[MUSTER_PARTS_MAX]; /* In the order in which they were given. */
    void *system_state; /* The system's own: keys, genesis. */
};

/**
 * Starts a plan.
 *
 * @param suite, name  [a-z0-9_]; what artifacts and tests are called.
 * @return Owned by the caller, who builds or destroys it. NULL only when memory is out.
 */
struct muster_scenario *muster_scenario_create(const char *suite, const char *name);
void muster_scenario_destroy(struct muster_scenario *s);

/**
 * Validates the plan and prepares the system (keys, genesis). s is consumed in every case.
 *
 * @param variables  Borrowed for the call: seed, consensus and slow-down come from it.
 * @param ret        Set on success only; destroy it with muster_plan_destroy().
 * @return MUSTER_OK; MUSTER_EINVAL, one sentence that names the field, its value and the remedy;
 *         MUSTER_ENOMEM.
 */
MUSTER_MUST_USE enum muster_rc muster_scenario_build(struct muster_scenario *s,
                                                     const struct muster_variables *variables,
                                                     struct muster_plan **ret, struct muster_error *err);
void muster_plan_destroy(struct muster_plan *plan);
MUSTER_DEFINE_CLEANUP(muster_plan_destroy, struct muster_plan *);

/** What a scenario says about itself without being built: its first mistake, NULL where there is none yet.
 * Borrowed. */
const struct muster_error *muster_scenario_mistake(const struct muster_scenario *s);

/** Whether node `from` dials node `to` under this layout. */
bool muster_layout_dials(enum muster_layout layout, uint32_t from, uint32_t to);

/** How many peers a node has when all are connected (the undirected degree). */
uint32_t muster_layout_degree(enum muster_layout layout, uint32_t node_count, uint32_t node);

/** "star", "chain" or "full". */
const char *muster_layout_name(enum muster_layout layout);

/** The most that a whole run may take, in milliseconds, but for what its runner takes to create the nodes
 * (up_ms of struct muster_runner): ready (60 s where the plan leaves it to the runner), duration, settle
 * (twice where nodes are controlled), grace, what parts may take to bring nodes back, eight paces for
 * evaluation, and 60 s for capture, what else evaluation takes, and clean-up; all but the duration are
 * stretched. */
uint64_t muster_plan_time_limit_ms(const struct muster_plan *plan);

#ifdef __cplusplus
}
#endif
#endif
