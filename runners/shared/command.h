/* Programs that the test's process needs: the guardian starts them, so that they die with the run. */
#ifndef MUSTER_RUNNERS_SHARED_COMMAND_H
#define MUSTER_RUNNERS_SHARED_COMMAND_H

#include <stdatomic.h>

#include "muster/runner.h"
#include "shared/argv.h"

/* Where commands run. Zeroed, then filled. */
struct runner_programs {
    struct muster_deployment *deployment;
    const char *const *env; /* As muster_spawn takes it; NULL: the suite's own. */
    atomic_uint command_count;
};

struct runner_command {
    struct runner_argv argv;
    const char *stdout_path; /* Appended to; NULL: kept in `output`. */
    const char *stderr_path; /* The same for `complaint`. */
    bool done; /* It ran and ended by itself. */
    struct muster_exit exit;
    char *output; /* NUL-terminated; NULL where it went to a file. */
    char *complaint;
};
void runner__command_fini(struct runner_command *command);

/* A command under way. */
struct runner_flight {
    struct runner_command *command;
    uint32_t process;
    char paths[2][4096 + 64]; /* Of what is kept; "" for what goes to a file of the caller's. */
};

/** Starts one through the guardian; runner__finish() follows after MUSTER_OK. Any thread.
 * MUSTER_OK; MUSTER_ENODE, the program cannot be executed; MUSTER_EIO; MUSTER_EINFRA. */
MUSTER_MUST_USE enum muster_rc runner__begin(struct runner_programs *programs, struct runner_command *command,
                                             struct runner_flight *flight, struct muster_error *err);
/** Whether it needs not be waited for any more. */
bool runner__has_ended(struct runner_programs *programs, const struct runner_flight *flight);
/** Waits for its end until the deadline, which is `timeout_ms` after its begin: then it is killed. As
 * runner__run(). */
MUSTER_MUST_USE enum muster_rc runner__finish(struct runner_programs *programs, struct runner_flight *flight,
                                              uint64_t deadline_ms, uint32_t timeout_ms,
                                              struct muster_error *err);

/** Runs all of them through the guardian, several at once, and waits. Any thread.
 * MUSTER_OK, all ended by themselves, whatever their exit codes; MUSTER_ENODE; MUSTER_ETIMEDOUT;
 * MUSTER_EINFRA; MUSTER_ENOMEM. */
MUSTER_MUST_USE enum muster_rc runner__run(struct runner_programs *programs, struct runner_command *commands,
                                           size_t count, uint32_t timeout_ms, struct muster_error *err);

#endif
