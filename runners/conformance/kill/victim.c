#include "kill/victim.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "muster/clock.h"
#include "muster/runner.h"
#include "muster/variables.h"

extern char **environ;

static bool begins_with(const char *text, const char *beginning)
{
    return strncmp(text, beginning, strlen(beginning)) == 0;
}

/* Variables of the table that describe this machine, not the run. */
static bool is_of_machine(enum muster_variable id)
{
    return id == MUSTER_VAR_IMAGE || id == MUSTER_VAR_IMAGE_PULL_POLICY || id == MUSTER_VAR_COMPOSE_HOST ||
           id == MUSTER_VAR_K8S_NODE_HOST || id == MUSTER_VAR_SLOW_TEST_ENV;
}

static bool is_in_table(const char *variable)
{
    size_t length = strcspn(variable, "=");
    for (int i = MUSTER_VARIABLE_FIRST; i < MUSTER_VARIABLE_COUNT; i++) {
        enum muster_variable id = (enum muster_variable)i;
        const char *name = muster_variable_info(id)->name;
        if (strlen(name) == length && strncmp(variable, name, length) == 0) {
            return !is_of_machine(id);
        }
    }
    return false;
}

/* Whether a variable would change what a victim does. */
static bool is_steering(const char *variable, const char *const *dropped)
{
    for (size_t i = 0; dropped != NULL && dropped[i] != NULL; i++) {
        if (begins_with(variable, dropped[i])) {
            return true;
        }
    }
    return begins_with(variable, "CK_") || begins_with(variable, "MUSTER_") ||
           begins_with(variable, "KILL_MATRIX_") || is_in_table(variable);
}

/* The strings are borrowed from both; the caller frees the array alone. */
static char **make_environment(const char *const *own, const char *const *dropped)
{
    size_t inherited = 0;
    while (environ[inherited] != NULL) {
        inherited++;
    }
    char **all = calloc(inherited + VICTIM_ENV_MAX + 1, sizeof *all);
    size_t count = 0;
    for (size_t i = 0; all != NULL && i < inherited; i++) {
        if (!is_steering(environ[i], dropped)) {
            all[count++] = environ[i];
        }
    }
    for (size_t i = 0; all != NULL && i < VICTIM_ENV_MAX && own[i] != NULL; i++) {
        memcpy(&all[count++], &own[i], sizeof own[i]); /* posix_spawn() wants them without const. */
    }
    return all;
}

static int spawn(struct victim *victim, const char *const *argv, char **env, const char *output_path)
{
    if (argv[0] == NULL) {
        return EINVAL;
    }
    posix_spawn_file_actions_t actions;
    posix_spawnattr_t attributes;
    sigset_t all;
    sigset_t none;
    posix_spawn_file_actions_init(&actions);
    posix_spawn_file_actions_addopen(&actions, STDIN_FILENO, "/dev/null", O_RDONLY, 0);
    posix_spawn_file_actions_addopen(&actions, STDOUT_FILENO, output_path, O_WRONLY | O_CREAT | O_APPEND,
                                     0600);
    posix_spawn_file_actions_adddup2(&actions, STDOUT_FILENO, STDERR_FILENO);
    posix_spawnattr_init(&attributes);
    /* A shell has its background jobs ignore SIGINT; a victim must not. */
    sigfillset(&all);
    sigemptyset(&none);
    posix_spawnattr_setsigdefault(&attributes, &all);
    posix_spawnattr_setsigmask(&attributes, &none);
    posix_spawnattr_setflags(&attributes,
                             POSIX_SPAWN_SETSID | POSIX_SPAWN_SETSIGDEF | POSIX_SPAWN_SETSIGMASK);
    char **arguments;
    memcpy(&arguments, &argv, sizeof argv);
    int error = posix_spawn(&victim->pid, argv[0], &actions, &attributes, arguments, env);
    posix_spawnattr_destroy(&attributes);
    posix_spawn_file_actions_destroy(&actions);
    return error;
}

enum muster_rc victim_start(struct victim *victim, const char *const *argv, const char *const *env,
                            const char *const *dropped, const char *output_path, struct muster_error *err)
{
    memset(victim, 0, sizeof *victim);
    char **all = make_environment(env, dropped);
    int error = all == NULL ? ENOMEM : spawn(victim, argv, all, output_path);
    free(all);
    return error == 0 ? MUSTER_OK
                      : muster_error_errno(err, MUSTER_EINFRA, error, "cannot start '%s'", argv[0]);
}

bool victim_look(struct victim *victim)
{
    if (!victim->ended && waitpid(victim->pid, &victim->status, WNOHANG) == victim->pid) {
        victim->ended = true;
        victim->ended_ms = muster_clock_ms();
    }
    return victim->ended;
}

bool victim_wait(struct victim *victim, uint64_t deadline_ms)
{
    while (!victim_look(victim) && muster_clock_left_ms(deadline_ms) > 0) {
        poll(NULL, 0, 5);
    }
    return victim->ended;
}

const char *victim_describe(const struct victim *victim, char text[96])
{
    const struct muster_exit exit = {
        .code = WIFEXITED(victim->status) ? WEXITSTATUS(victim->status) : -1,
        .signal = WIFSIGNALED(victim->status) ? WTERMSIG(victim->status) : 0,
    };
    return muster_exit_describe(&exit, text);
}
