/* Starting the guardian's children. */
#include <assert.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "guardian/guardian.h"
#include "host/launch.h"
#include "host/process.h"

extern char **environ;

/* ---- What a request asks for ---- */

static void free_strings(char **strings)
{
    for (size_t i = 0; strings != NULL && strings[i] != NULL; i++) {
        free(strings[i]);
    }
    free(strings);
}

static char **strings_from_json(const json_t *array)
{
    size_t count = json_array_size(array);
    char **strings = calloc(count + 1, sizeof *strings);
    for (size_t i = 0; strings != NULL && i < count; i++) {
        const char *text = json_string_value(json_array_get(array, i));
        strings[i] = strdup(text == NULL ? "" : text);
        if (strings[i] == NULL) {
            free_strings(strings);
            return NULL;
        }
    }
    return strings;
}

/* Nodes do not inherit the variables of muster and Check. By contract RUST_LOG is for the runner only. */
static bool is_inherited(const char *variable, bool for_node)
{
    static const char *const own[] = { "RUST_LOG=", "MUSTER_", "CK_" };
    for (size_t i = 0; for_node && i < sizeof own / sizeof own[0]; i++) {
        if (strncmp(variable, own[i], strlen(own[i])) == 0) {
            return false;
        }
    }
    return strncmp(variable, MUSTER__RUN_VARIABLE "=", sizeof MUSTER__RUN_VARIABLE) != 0;
}

static bool is_overridden(const char *variable, const json_t *own)
{
    size_t name_length = strcspn(variable, "=") + 1;
    for (size_t i = 0; i < json_array_size(own); i++) {
        const char *text = json_string_value(json_array_get(own, i));
        if (text != NULL && strncmp(text, variable, name_length) == 0) {
            return true;
        }
    }
    return false;
}

static char **make_environment(const json_t *own, const char *run_id, bool for_node)
{
    json_t *all = json_array();
    for (char **variable = environ; *variable != NULL; variable++) {
        if (is_inherited(*variable, for_node) && !is_overridden(*variable, own)) {
            json_array_append_new(all, json_string(*variable)); /* A value that is not UTF-8 is left out. */
        }
    }
    for (size_t i = 0; i < json_array_size(own); i++) {
        json_array_append(all, json_array_get(own, i));
    }
    json_array_append_new(all, json_sprintf(MUSTER__RUN_VARIABLE "=%s", run_id));
    char **environment = strings_from_json(all);
    json_decref(all);
    return environment;
}

/* ---- Starting ---- */

static enum muster_rc make_room(struct muster__guardian *guardian, struct muster_error *err)
{
    if ((guardian->child_count & (guardian->child_count - 1)) == 0) { /* Full at every power of two. */
        size_t room = guardian->child_count == 0 ? 1 : guardian->child_count * 2;
        void *grown = realloc(guardian->children, room * sizeof *guardian->children);
        if (grown == NULL) {
            return muster_error_set(err, MUSTER_ENOMEM, "no memory for another process");
        }
        guardian->children = grown;
    }
    return MUSTER_OK;
}

void muster__process_name(pid_t pid, char name[MUSTER__PROCESS_NAME_BYTES])
{
    snprintf(name, MUSTER__PROCESS_NAME_BYTES, "%d:%" PRIu64, (int)pid, muster__process_start(pid));
}

struct recording {
    struct muster_ledger *ledger;
    char *draft;
};

/* Runs in the new process, before its program. */
static enum muster_rc record_process(void *context, struct muster_error *err)
{
    const struct recording *recording = context;
    char name[MUSTER__PROCESS_NAME_BYTES];
    muster__process_name(getpid(), name);
    return muster__ledger_append_draft(recording->ledger, recording->draft, name, err);
}

static enum muster_rc launch_recorded(struct muster__guardian *guardian, const struct muster__launch *launch,
                                      json_int_t node, pid_t *ret, struct muster_error *err)
{
    json_t *detail = json_pack("{s:s, s:I}", "program", launch->program, "node", node);
    struct recording recording = { guardian->session->ledger, muster__ledger_draft("process", detail) };
    enum muster_rc rc = recording.draft == NULL
                            ? muster_error_set(err, MUSTER_ENOMEM, "no memory for a line of the ledger")
                            : muster__launch(launch, record_process, &recording, ret, err);
    free(recording.draft);
    json_decref(detail);
    return rc;
}

static char *copy_or_null(const char *text)
{
    return text == NULL ? NULL : strdup(text);
}

static void remove_failed(struct muster__guardian *guardian, pid_t pid)
{
    char name[MUSTER__PROCESS_NAME_BYTES];
    muster__process_name(pid, name);
    muster__best_effort(muster_ledger_removed(guardian->session->ledger, "process", name, NULL));
    waitpid(pid, NULL, 0);
}

enum muster_rc muster__child_spawn(struct muster__guardian *guardian, const json_t *request, uint32_t *ret,
                                   struct muster_error *err)
{
    enum muster_rc rc = make_room(guardian, err);
    if (rc != MUSTER_OK) {
        return rc;
    }
    json_int_t node = json_integer_value(json_object_get(request, "node"));
    struct muster__child child = { .pid = -1,
                                   .node = node < 0 ? MUSTER_NO_NODE : (uint32_t)node,
                                   .running = true };
    char **argv = strings_from_json(json_object_get(request, "argv"));
    char **env = make_environment(json_object_get(request, "env"), guardian->session->run_id, node >= 0);
    const struct muster__launch launch = {
        .program = argv == NULL ? NULL : argv[0],
        .argv = argv,
        .env = env,
        .directory = json_string_value(json_object_get(request, "directory")),
        .stdout_path = json_string_value(json_object_get(request, "stdout")),
        .stderr_path = json_string_value(json_object_get(request, "stderr")),
    };
    if (launch.program == NULL || env == NULL) {
        rc = muster_error_set(err, MUSTER_EINVAL, "a process needs a program");
    } else {
        rc = launch_recorded(guardian, &launch, node, &child.pid, err);
    }
    if (rc == MUSTER_OK) {
        assert(child.pid > 0);
        child.log_paths[0] = copy_or_null(launch.stdout_path);
        child.log_paths[1] = copy_or_null(launch.stderr_path);
        *ret = (uint32_t)guardian->child_count;
        guardian->children[guardian->child_count++] = child;
    } else if (child.pid > 0) {
        remove_failed(guardian, child.pid);
    }
    free_strings(argv);
    free_strings(env);
    return rc;
}
