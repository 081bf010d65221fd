#include "k8s/parse.h"

#include <stdio.h>
#include <string.h>

#include "muster/clock.h"
#include "shared/parse.h"

static enum muster_rc not_understood(const char *what, const char *line, size_t bytes,
                                     struct muster_error *err)
{
    return runner__not_understood("the API server's", what, line, bytes, err);
}

static const char *text_at(const json_t *json, const char *name)
{
    const char *text = json_string_value(json_object_get(json, name));
    return text == NULL ? "" : text;
}

static bool read_name(const json_t *json, char name[K8S_NAME_BYTES])
{
    const char *text = text_at(json_object_get(json, "metadata"), "name");
    return text[0] != '\0' && snprintf(name, K8S_NAME_BYTES, "%s", text) < (int)K8S_NAME_BYTES;
}

/* ---- Pods ---- */

static void say_why(struct k8s_pod *pod, const char *reason, const char *message)
{
    snprintf(pod->why, sizeof pod->why, "%.100s%s%.400s", reason,
             reason[0] != '\0' && message[0] != '\0' ? ": " : "", message);
    for (char *at = pod->why; *at != '\0'; at++) { /* One line of a sentence. */
        *at = (unsigned char)*at < ' ' ? ' ' : *at;
    }
}

static void read_waiting(const json_t *waiting, struct k8s_pod *pod)
{
    const char *reason = text_at(waiting, "reason");
    bool comes = reason[0] == '\0' || strcmp(reason, "ContainerCreating") == 0 ||
                 strcmp(reason, "PodInitializing") == 0;
    pod->stage = comes ? K8S_POD_COMES : K8S_POD_STUCK;
    say_why(pod, reason, text_at(waiting, "message"));
}

static void read_terminated(const json_t *terminated, struct k8s_pod *pod)
{
    json_int_t code = json_integer_value(json_object_get(terminated, "exitCode"));
    const char *reason = text_at(terminated, "reason");
    struct k8s_ended ended;
    pod->stage = K8S_POD_ENDED;
    pod->exit = runner__exit((int)(code & 0xff));
    /* The keeper leaves word of how the node ended, unless it was killed with it. */
    if (k8s__read_ended(text_at(terminated, "message"), &ended, NULL) == MUSTER_OK) {
        pod->exit = ended.exit;
    }
    pod->exit.out_of_memory = strcmp(reason, "OOMKilled") == 0;
    pod->exit.signal_inferred = pod->exit.signal_inferred && !pod->exit.out_of_memory;
    say_why(pod, reason, text_at(terminated, "message"));
}

/* A claim that is not seen yet, or a volume that is still being made, keeps a pod from being placed; all else
 * does for good. */
static void read_unscheduled(const json_t *conditions, struct k8s_pod *pod)
{
    for (size_t i = 0; i < json_array_size(conditions); i++) {
        const json_t *condition = json_array_get(conditions, i);
        const char *message = text_at(condition, "message");
        if (strcmp(text_at(condition, "type"), "PodScheduled") == 0 &&
            strcmp(text_at(condition, "reason"), "Unschedulable") == 0) {
            pod->stage = strcasestr(message, "persistentvolumeclaim") == NULL ? K8S_POD_STUCK : K8S_POD_COMES;
            say_why(pod, "Unschedulable", message);
        }
    }
}

/* An end without a word of the container: evicted, or its machine is lost. */
static void read_phase(const json_t *status, struct k8s_pod *pod)
{
    const char *phase = text_at(status, "phase");
    say_why(pod, text_at(status, "reason"), text_at(status, "message"));
    if (strcmp(phase, "Failed") == 0 || strcmp(phase, "Succeeded") == 0) {
        pod->stage = K8S_POD_ENDED;
        pod->exit = (struct muster_exit){ .code = -1, .signal = 9, .at_ms = muster_clock_ms() };
        snprintf(pod->exit.reason, sizeof pod->exit.reason, "lost its pod (%.40s)",
                 pod->why[0] == '\0' ? phase : text_at(status, "reason"));
    }
}

enum muster_rc k8s__read_pod(const json_t *json, struct k8s_pod *ret, struct muster_error *err)
{
    const json_t *status = json_object_get(json, "status");
    const json_t *container = json_array_get(json_object_get(status, "containerStatuses"), 0);
    const json_t *state = json_object_get(container, "state");
    const json_t *waiting = json_object_get(state, "waiting");
    const json_t *terminated = json_object_get(state, "terminated");
    *ret = (struct k8s_pod){ .stage = K8S_POD_COMES };
    if (!json_is_object(status) || !read_name(json, ret->name)) {
        return not_understood("a pod", "", 0, err);
    }
    snprintf(ret->address, sizeof ret->address, "%.63s", text_at(status, "podIP"));
    ret->deleted = json_is_string(json_object_get(json_object_get(json, "metadata"), "deletionTimestamp"));
    if (json_is_object(terminated)) {
        read_terminated(terminated, ret);
    } else if (json_is_object(json_object_get(state, "running"))) {
        ret->stage = K8S_POD_RUNS;
    } else if (json_is_object(waiting)) {
        read_waiting(waiting, ret);
    }
    if (ret->stage == K8S_POD_COMES && ret->why[0] == '\0') {
        read_phase(status, ret);
        read_unscheduled(json_object_get(status, "conditions"), ret);
    }
    return MUSTER_OK;
}

enum muster_rc k8s__read_event(const char *line, size_t bytes, enum k8s_event *ret, struct k8s_pod *pod,
                               struct muster_error *err)
{
    json_auto_t *json = json_loadb(line, bytes, 0, NULL);
    const char *type = text_at(json, "type");
    bool gone = strcmp(type, "DELETED") == 0;
    *ret = K8S_EVENT_OTHER;
    if (type[0] == '\0') {
        return not_understood("an event", line, bytes, err);
    }
    if (!gone && strcmp(type, "ADDED") != 0 && strcmp(type, "MODIFIED") != 0) {
        return MUSTER_OK; /* Such as ERROR: the stream ends with it. */
    }
    *ret = gone ? K8S_EVENT_GONE : K8S_EVENT_CHANGED;
    return k8s__read_pod(json_object_get(json, "object"), pod, err);
}

/* ---- Services ---- */

enum muster_rc k8s__read_service(const json_t *json, struct k8s_service *ret, struct muster_error *err)
{
    const json_t *spec = json_object_get(json, "spec");
    const json_t *port = json_array_get(json_object_get(spec, "ports"), 0);
    json_int_t number = json_integer_value(json_object_get(port, "nodePort"));
    const char *address = text_at(spec, "clusterIP");
    *ret = (struct k8s_service){ .node_port = 0 };
    if (!read_name(json, ret->name) || address[0] == '\0' || strcmp(address, "None") == 0 ||
        snprintf(ret->address, sizeof ret->address, "%s", address) >= (int)sizeof ret->address ||
        number < 0 || number > UINT16_MAX) {
        return not_understood("a service", ret->name, strlen(ret->name), err);
    }
    ret->node_port = (uint16_t)number;
    return MUSTER_OK;
}

json_t *k8s__next_object(const char **text)
{
    json_error_t error;
    json_t *json = json_loads(*text, JSON_DISABLE_EOF_CHECK, &error);
    if (json != NULL) {
        *text += error.position;
    }
    return json;
}

/* A namespace that two runs found missing was made by one of them, and goes with that one. */
static enum muster_rc check_space(const json_t *json, const char *run_id, struct muster_error *err)
{
    const json_t *metadata = json_object_get(json, "metadata");
    return strcmp(text_at(json_object_get(metadata, "labels"), K8S_LABEL), run_id) == 0
               ? MUSTER_OK
               : muster_error_set(err, MUSTER_EINFRA,
                                  "the namespace '%.63s' was made by somebody else at the same time; make it "
                                  "before the runs that are to share it",
                                  text_at(metadata, "name"));
}

static enum muster_rc take_created(const json_t *json, const struct k8s_created *created,
                                   struct muster_error *err)
{
    const char *kind = text_at(json, "kind");
    const json_t *items = strcmp(kind, "List") == 0 ? json_object_get(json, "items") : NULL;
    struct k8s_service service;
    enum muster_rc rc = MUSTER_OK;
    for (size_t i = 0; i < json_array_size(items) && rc == MUSTER_OK; i++) {
        const json_t *item = json_array_get(items, i);
        rc = strcmp(text_at(item, "kind"), "List") == 0 ? MUSTER_OK : take_created(item, created, err);
    }
    if (strcmp(kind, "Namespace") == 0) {
        return check_space(json, created->run_id, err);
    }
    if (strcmp(kind, "Service") != 0) {
        return rc;
    }
    rc = k8s__read_service(json, &service, err);
    uint32_t node =
        rc != MUSTER_OK ? MUSTER_NO_NODE : k8s__node_of(created->prefix, service.name, created->node_count);
    if (node != MUSTER_NO_NODE) {
        created->services[node] = service;
    }
    return rc;
}

enum muster_rc k8s__read_created(const char *text, const struct k8s_created *created,
                                 struct muster_error *err)
{
    enum muster_rc rc = MUSTER_OK;
    json_t *json;
    while (rc == MUSTER_OK && (json = k8s__next_object(&text)) != NULL) {
        rc = take_created(json, created, err);
        json_decref(json);
    }
    for (uint32_t i = 0; i < created->node_count && rc == MUSTER_OK; i++) {
        if (created->services[i].address[0] == '\0') {
            rc = muster_error_set(err, MUSTER_EINFRA, "the API server gave the service of node-%u no address",
                                  i);
        }
    }
    return rc;
}

/* ---- The keeper ---- */

enum muster_rc k8s__read_ended(const char *answer, struct k8s_ended *ret, struct muster_error *err)
{
    int code;
    int signal;
    int core;
    int forced;
    *ret = (struct k8s_ended){ .forced = false };
    if (sscanf(answer, "ended %d %d %d %d", &code, &signal, &core, &forced) != 4 || code < -1 || code > 255 ||
        signal < 0 || signal > RUNNER_SIGNAL_MAX) {
        return not_understood("how a node ended", answer, strlen(answer), err);
    }
    ret->exit = (struct muster_exit){
        .code = code, .signal = signal, .core_dumped = core != 0, .at_ms = muster_clock_ms()
    };
    ret->forced = forced != 0;
    return MUSTER_OK;
}
