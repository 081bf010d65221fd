/* What the benchmark's parts share. A figure is the median of several runs, with their range. */
#ifndef MUSTER_BENCH_H
#define MUSTER_BENCH_H

#include <stddef.h>
#include <stdint.h>

#include "muster/chain.h"
#include "muster/result.h"
#include "muster/run.h"
#include "muster/runner.h"
#include "muster/scenario.h"
#include "muster/variables.h"
#include "shared/argv.h"

#define BENCH_RUNS_MAX 31u
#define BENCH_SAMPLES_MAX 4096u

/* What all parts work with. Immutable once made; borrowed by all. */
struct bench {
    const struct muster_variables *variables;
    const struct muster_system *system;
    const struct muster_runner *runner;
    uint32_t runs; /* Of each measurement. */
};

struct bench_sample {
    size_t count;
    double values[BENCH_SAMPLES_MAX];
};

/** Adds a value; beyond BENCH_SAMPLES_MAX they are dropped. */
void bench_sample_add(struct bench_sample *sample, double value);
/** The value below which `share` (0 to 1) of all lie; 0 of none. Sorts the sample. */
double bench_sample_quantile(struct bench_sample *sample, double share);
/** "12.3 (11.0–14.2)": median and range, with so many decimals. Returns text. */
const char *bench_sample_text(struct bench_sample *sample, int decimals, char text[64]);

/** Prints a row of the table at once: what, muster's figure, the floor's, the ratio or what was aimed at. */
void bench_row(const char *what, const char *figure, const char *floor, const char *note);

/* A plan to be run: what its scenario adds to `nodes` idle nodes in a star. */
struct bench_plan {
    uint32_t nodes;
    uint32_t wallets; /* 0: none. */
    int64_t duration_ms; /* 0: the shortest there is. */
    const struct muster_consensus *consensus; /* NULL: the defaults, slots of 2 s. */
    const struct muster_workload *workload; /* NULL: none. */
};
MUSTER_MUST_USE enum muster_rc bench_plan_build(const struct bench *bench, const struct bench_plan *wanted,
                                                struct muster_plan **ret, struct muster_error *err);

struct muster_session;

/* One run of a plan, in a process of its own as Check would have it. */
struct bench_run {
    /* Called once all is deployed, in the run's process; NULL: nothing. `shared` is memory that the caller
     * reads after the run. */
    enum muster_rc (*body)(struct muster_session *session, struct muster_run *run, void *shared,
                           struct muster_error *err);
    void *shared;
};
struct bench_times {
    double deploy_ms; /* From opening the session until all is ready. */
    double teardown_ms; /* From finishing until the guardian is done. */
};
MUSTER_MUST_USE enum muster_rc bench_run(const struct bench *bench, const struct muster_plan *plan,
                                         const struct bench_run *run, struct bench_times *ret,
                                         struct muster_error *err);

/** Memory that a forked process writes and we read; NULL when there is none. Freed with bench_unshare(). */
void *bench_share(size_t bytes);
void bench_unshare(void *memory, size_t bytes);

struct bench_figures {
    struct bench_sample deploy;
    struct bench_sample teardown;
};
/* How one side of a comparison is measured once. */
typedef enum muster_rc bench_floor_fn(const struct bench *bench, const struct muster_plan *plan,
                                      struct bench_times *ret, struct muster_error *err);
/** Deploys `nodes` idle nodes and takes them down, in turn with the floor, as often as asked. */
MUSTER_MUST_USE enum muster_rc bench_compare(const struct bench *bench, uint32_t nodes, bench_floor_fn *floor,
                                             struct bench_figures *ours, struct bench_figures *floors,
                                             struct muster_error *err);
/** Prints the row of one of both. `aim_ms`: 0 for none. */
void bench_compared(const char *what, uint32_t nodes, struct bench_sample *ours, struct bench_sample *floor,
                    double aim_ms);

/** Compares 3 and 10 nodes on a runner with a backend of its own; of one that is absent the row says why. The
 * aim is a tenth more than the floor, or `slack_ms`. */
MUSTER_MUST_USE enum muster_rc bench_backend(const struct bench *bench, const struct muster_runner *runner,
                                             bench_floor_fn *floor, double slack_ms,
                                             struct muster_error *err);

/** Renders a node and writes its files, and data/, below `directory`. The caller calls
 * muster_rendering_fini(). */
MUSTER_MUST_USE enum muster_rc bench_write_node(const struct muster_plan *plan, uint32_t node,
                                                const struct muster_addresses *addresses,
                                                const char *directory, struct muster_rendering *rendering,
                                                struct muster_error *err);

/** The floor of deploy and teardown: the same program and files, started by a loop, asked until all are
 * ready. */
MUSTER_MUST_USE enum muster_rc bench_floor(const struct bench *bench, const struct muster_plan *plan,
                                           struct bench_times *ret, struct muster_error *err);

/** Runs a bare program and waits for it. MUSTER_OK, it succeeded; else MUSTER_EINFRA or as muster_tool_run().
 */
MUSTER_MUST_USE enum muster_rc bench_call(const struct runner_argv *argv, double *took_ms,
                                          struct muster_error *err);

/* The parts. Each prints its rows. */
MUSTER_MUST_USE enum muster_rc bench_deploy(const struct bench *bench, struct muster_error *err);
MUSTER_MUST_USE enum muster_rc bench_compose(const struct bench *bench, struct muster_error *err);
MUSTER_MUST_USE enum muster_rc bench_k8s(const struct bench *bench, struct muster_error *err);
MUSTER_MUST_USE enum muster_rc bench_submit(const struct bench *bench, struct muster_error *err);
MUSTER_MUST_USE enum muster_rc bench_idle(const struct bench *bench, struct muster_error *err);
MUSTER_MUST_USE enum muster_rc bench_delay(const struct bench *bench, struct muster_error *err);

/* A trivial server in a process of its own, which answers every request with `null`. */
struct bench_server {
    int pid;
    uint16_t port;
};
MUSTER_MUST_USE enum muster_rc bench_server_start(struct bench_server *server, struct muster_error *err);
void bench_server_stop(struct bench_server *server);

/** Requests a second that `wrk` gets from the server with POST of `body`. MUSTER_ESKIP: wrk is not installed.
 */
MUSTER_MUST_USE enum muster_rc bench_wrk(const struct bench_server *server, const char *path,
                                         const char *body, unsigned connections, double *ret,
                                         struct muster_error *err);

#endif
