#include "support/program.h"

#include <dirent.h>
#include <fcntl.h>
#include <ftw.h>
#include <poll.h>
#include <regex.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "muster/clock.h"
#include "muster/tool.h"

#define LIMIT_MS 120000u
#define ASK_MS 60000u
#define ARGS_MAX 8u

static char run_root[64];

static void set_environment(const char *const *environment)
{
    for (; environment != NULL && *environment != NULL; environment++) {
        char name[256];
        const char *equals = strchr(*environment, '=');
        size_t length = equals == NULL ? strlen(*environment) : (size_t)(equals - *environment);
        snprintf(name, sizeof(name), "%.*s", (int)length, *environment);
        if (equals == NULL) {
            unsetenv(name);
        } else {
            setenv(name, equals + 1, 1);
        }
    }
}

static void become(const char *path, const char *argument, const char *const *environment, int output_fd)
{
    static const char *const neutral[] = { "CK_RUN_CASE",     "CK_RUN_SUITE",
                                           "CK_INCLUDE_TAGS", "CK_EXCLUDE_TAGS",
                                           "CK_FORK",         "MUSTER_RUNNER",
                                           "MUSTER_SEED",     NULL };
    setsid();
    set_environment(neutral);
    set_environment(environment);
    dup2(output_fd, STDOUT_FILENO);
    dup2(output_fd, STDERR_FILENO);
    execl(path, path, argument, (char *)NULL);
    _exit(126);
}

/* Whoever holds the other end may outlive the program; so this waits for the program, not for the end. */
static void read_until(int fd, pid_t pid, uint64_t deadline_ms, struct program_result *ret)
{
    size_t used = 0;
    int status = 0;
    bool ended = false;
    while (muster_clock_left_ms(deadline_ms) > 0) {
        ssize_t got = 0;
        struct pollfd poll_fd = { .fd = fd, .events = POLLIN };
        if (poll(&poll_fd, 1, ended ? 0 : 20) > 0) {
            got = read(fd, ret->output + used, sizeof(ret->output) - 1 - used);
            used += got > 0 ? (size_t)got : 0;
        }
        if (ended && got <= 0) {
            ret->code = WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
            break;
        }
        ended = ended || waitpid(pid, &status, WNOHANG) == pid;
    }
    ret->output[used] = '\0';
}

void program_run(const char *bin_directory, const char *name, const char *argument,
                 const char *const *environment, struct program_result *ret)
{
    char path[4096];
    int fds[2];
    ret->code = -1;
    ret->output[0] = '\0';
    snprintf(path, sizeof(path), "%s/%s", bin_directory, name);
    if (pipe2(fds, O_CLOEXEC) != 0) {
        return;
    }
    pid_t pid = fork();
    if (pid == 0) {
        become(path, argument, environment, fds[1]);
    }
    close(fds[1]);
    if (pid > 0) {
        read_until(fds[0], pid, muster_clock_ms() + LIMIT_MS, ret);
        if (ret->code == -1) {
            kill(pid, SIGKILL);
            waitpid(pid, NULL, 0);
        }
    }
    close(fds[0]);
}

bool program_says(const struct program_result *result, const char *pattern)
{
    regex_t regex;
    if (regcomp(&regex, pattern, REG_EXTENDED | REG_NOSUB) != 0) {
        return false;
    }
    bool found = regexec(&regex, result->output, 0, NULL, 0) == 0;
    regfree(&regex);
    return found;
}

const char *program_run_root(void)
{
    snprintf(run_root, sizeof(run_root), "/tmp/muster-test-XXXXXX");
    return mkdtemp(run_root) == NULL ? "/nonexistent" : run_root;
}

bool program_left_nothing(void)
{
    /* rmdir() refuses what is not empty. */
    return rmdir(run_root) == 0;
}

static int remove_one(const char *path, const struct stat *status, int kind, struct FTW *walk)
{
    (void)status;
    (void)kind;
    (void)walk;
    return remove(path);
}

void program_remove(const char *path)
{
    nftw(path, remove_one, 16, FTW_DEPTH | FTW_PHYS | FTW_MOUNT);
}

void program_discard(void)
{
    program_remove(run_root);
}

bool program_run_id(const char *root, char run_id[64])
{
    static const char prefix[] = "muster-";
    unsigned found = 0;
    DIR *directory = opendir(root);
    const struct dirent *entry;
    while (directory != NULL && (entry = readdir(directory)) != NULL) {
        if (strncmp(entry->d_name, prefix, sizeof prefix - 1) == 0) {
            snprintf(run_id, 64, "%.63s", entry->d_name + sizeof prefix - 1);
            found++;
        }
    }
    if (directory != NULL) {
        closedir(directory);
    }
    return found == 1;
}

static bool works_for(const char *pid, const char *run_id)
{
    char path[64];
    char directory[4096];
    snprintf(path, sizeof path, "/proc/%.20s/cwd", pid);
    ssize_t bytes = readlink(path, directory, sizeof directory - 1);
    directory[bytes > 0 ? bytes : 0] = '\0';
    const char *name = strrchr(directory, '-');
    return name != NULL && strcmp(name + 1, run_id) == 0;
}

static bool has_argument(const char *pid, const char *argument)
{
    char path[64];
    char line[8192];
    snprintf(path, sizeof path, "/proc/%.20s/cmdline", pid);
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    ssize_t bytes = fd < 0 ? 0 : read(fd, line, sizeof line - 1);
    if (fd >= 0) {
        close(fd);
    }
    line[bytes > 0 ? bytes : 0] = '\0';
    for (const char *at = line; at < line + bytes; at += strlen(at) + 1) {
        if (strcmp(at, argument) == 0) {
            return true;
        }
    }
    return false;
}

unsigned program_kill(const char *run_id, const char *argument)
{
    unsigned killed = 0;
    DIR *processes = opendir("/proc");
    const struct dirent *entry;
    while (processes != NULL && (entry = readdir(processes)) != NULL) {
        long pid = strtol(entry->d_name, NULL, 10);
        if (pid > 1 && works_for(entry->d_name, run_id) && has_argument(entry->d_name, argument)) {
            killed += kill((pid_t)pid, SIGKILL) == 0;
        }
    }
    if (processes != NULL) {
        closedir(processes);
    }
    return killed;
}

const char *program_ask(const char *program, const char **complaint, va_list arguments)
{
    static struct muster_tool asked;
    char path[4096];
    const char *argv[ARGS_MAX + 2] = { path };
    size_t count = 1;
    if (!muster_tool_find(program, path)) {
        return NULL;
    }
    while (count <= ARGS_MAX && (argv[count] = va_arg(arguments, const char *)) != NULL) {
        count++;
    }
    muster_tool_fini(&asked);
    asked = (struct muster_tool){ .argv = argv };
    enum muster_rc rc = muster_tool_run(&asked, 1, 1, ASK_MS, NULL);
    asked.argv = NULL;
    if (complaint != NULL) {
        *complaint = asked.complaint == NULL ? "it could not be run in time" : asked.complaint;
    }
    return rc == MUSTER_OK && muster_tool_succeeded(&asked) ? asked.output : NULL;
}

bool program_requires(const char *runner)
{
    const char *required = getenv("MUSTER_REQUIRE_RUNNERS");
    return required != NULL && strstr(required, runner) != NULL;
}
