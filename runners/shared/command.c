#include "shared/command.h"

#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "muster/clock.h"
#include "muster/tool.h"

#define AT_ONCE 8u
#define OUTPUT_MAX MUSTER_TOOL_OUTPUT_MAX
#define KILL_TIMEOUT_MS 5000u

void runner__command_fini(struct runner_command *command)
{
    free(command->output);
    free(command->complaint);
    command->output = command->complaint = NULL;
}

/* What a program wrote, up to OUTPUT_MAX; "" where nothing can be read. NULL only without memory. */
static char *take_file(const char *path)
{
    struct stat status;
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
    size_t size = fd >= 0 && fstat(fd, &status) == 0 && status.st_size > 0 ? (size_t)status.st_size : 0;
    size = size < OUTPUT_MAX ? size : OUTPUT_MAX;
    char *text = malloc(size + 1);
    size_t used = 0;
    ssize_t got = 1;
    while (text != NULL && fd >= 0 && used < size && got > 0) {
        got = read(fd, text + used, size - used);
        used += got > 0 ? (size_t)got : 0;
    }
    if (fd >= 0) {
        close(fd);
    }
    unlink(path);
    if (text != NULL) {
        text[used] = '\0';
    }
    return text;
}

enum muster_rc runner__begin(struct runner_programs *programs, struct runner_command *command,
                             struct runner_flight *flight, struct muster_error *err)
{
    const char *directory = muster_deployment_directory(programs->deployment);
    unsigned number = atomic_fetch_add(&programs->command_count, 1);
    *flight = (struct runner_flight){ .command = command };
    if (command->stdout_path == NULL) {
        snprintf(flight->paths[0], sizeof flight->paths[0], "%s/command-%u.out", directory, number);
    }
    if (command->stderr_path == NULL) {
        snprintf(flight->paths[1], sizeof flight->paths[1], "%s/command-%u.err", directory, number);
    }
    const struct muster_spawn spawn = {
        .argv = command->argv.args,
        .env = programs->env,
        .directory = directory,
        .stdout_path = command->stdout_path != NULL ? command->stdout_path : flight->paths[0],
        .stderr_path = command->stderr_path != NULL ? command->stderr_path : flight->paths[1],
        .node = MUSTER_NO_NODE,
    };
    return muster_deployment_spawn(programs->deployment, &spawn, &flight->process, err);
}

static enum muster_rc expire(struct runner_programs *programs, const struct runner_flight *flight,
                             uint32_t timeout_ms, struct muster_error *err)
{
    struct muster_exit exit;
    const struct runner_argv *argv = &flight->command->argv;
    enum muster_rc rc = muster_deployment_signal(programs->deployment, flight->process, SIGKILL, err);
    if (rc == MUSTER_OK) {
        rc = muster_deployment_wait_exit(programs->deployment, flight->process, KILL_TIMEOUT_MS, &exit, err);
    }
    return rc != MUSTER_OK
               ? rc
               : muster_error_set(err, MUSTER_ETIMEDOUT, "'%s … %s' did not end within %.1f s and was killed",
                                  argv->args[0], argv->args[argv->count - 1], timeout_ms / 1000.0);
}

bool runner__has_ended(struct runner_programs *programs, const struct runner_flight *flight)
{
    struct muster_exit exit;
    return muster_deployment_wait_exit(programs->deployment, flight->process, 0, &exit, NULL) !=
           MUSTER_ETIMEDOUT;
}

enum muster_rc runner__finish(struct runner_programs *programs, struct runner_flight *flight,
                              uint64_t deadline_ms, uint32_t timeout_ms, struct muster_error *err)
{
    struct runner_command *command = flight->command;
    enum muster_rc rc =
        muster_deployment_wait_exit(programs->deployment, flight->process,
                                    (uint32_t)muster_clock_left_ms(deadline_ms), &command->exit, NULL);
    if (rc == MUSTER_ETIMEDOUT) {
        rc = expire(programs, flight, timeout_ms, err);
    } else if (rc != MUSTER_OK) {
        muster_error_set(err, rc, "the guardian of this run is gone");
    }
    command->done = rc == MUSTER_OK;
    if (flight->paths[0][0] != '\0') {
        command->output = take_file(flight->paths[0]);
    }
    if (flight->paths[1][0] != '\0') {
        command->complaint = take_file(flight->paths[1]);
    }
    if (rc == MUSTER_OK && ((flight->paths[0][0] != '\0' && command->output == NULL) ||
                            (flight->paths[1][0] != '\0' && command->complaint == NULL))) {
        rc = muster_error_set(err, MUSTER_ENOMEM, "no memory for what '%s' said", command->argv.args[0]);
    }
    return rc;
}

enum muster_rc runner__run(struct runner_programs *programs, struct runner_command *commands, size_t count,
                           uint32_t timeout_ms, struct muster_error *err)
{
    struct runner_flight *flights = calloc(AT_ONCE, sizeof *flights);
    uint64_t deadline_ms = muster_clock_ms() + timeout_ms;
    enum muster_rc first =
        flights == NULL ? muster_error_set(err, MUSTER_ENOMEM, "no memory to run programs") : MUSTER_OK;
    size_t begun = 0;
    size_t finished = 0;
    /* In order: the oldest is waited for while the others go on. After a failure none is begun. */
    while (flights != NULL && (finished < begun || (begun < count && first == MUSTER_OK))) {
        if (begun < count && begun - finished < AT_ONCE && first == MUSTER_OK) {
            first = runner__begin(programs, &commands[begun], &flights[begun % AT_ONCE], err);
            begun += first == MUSTER_OK;
            continue;
        }
        enum muster_rc rc = runner__finish(programs, &flights[finished % AT_ONCE], deadline_ms, timeout_ms,
                                           first == MUSTER_OK ? err : NULL);
        finished++;
        first = first == MUSTER_OK ? rc : first;
    }
    free(flights);
    return first;
}
