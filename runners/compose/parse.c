#include "compose/parse.h"

#include <jansson.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "shared/parse.h"

struct muster_exit compose__exit(int exit_code, bool out_of_memory)
{
    struct muster_exit exit = runner__exit(exit_code);
    exit.out_of_memory = out_of_memory && exit.signal == SIGKILL; /* Else it met another process in there. */
    exit.signal_inferred = exit.signal_inferred && !exit.out_of_memory;
    return exit;
}

/* A copy that fits, or false. */
static bool copy_text(const json_t *json, char *ret, size_t size)
{
    const char *text = json_string_value(json);
    return text != NULL && strlen(text) < size && snprintf(ret, size, "%s", text) >= 0;
}

static enum muster_rc not_understood(const char *what, const char *line, size_t bytes,
                                     struct muster_error *err)
{
    return runner__not_understood("the engine's", what, line, bytes, err);
}

static uint16_t port_number(const json_t *binding)
{
    const char *text = json_string_value(json_object_get(binding, "HostPort"));
    char *end = NULL;
    size_t length = text == NULL ? 0 : strlen(text);
    if (length == 0 || length > 5 || strspn(text, "0123456789") != length) {
        return 0;
    }
    unsigned long number = strtoul(text, &end, 10);
    return number <= UINT16_MAX ? (uint16_t)number : 0;
}

/* An engine with IPv6 publishes twice; clients take the IPv4 one where there is one. */
static uint16_t published_port(const json_t *ports, uint16_t api_port)
{
    char key[32];
    snprintf(key, sizeof key, "%u/tcp", api_port);
    const json_t *bindings = json_object_get(ports, key);
    uint16_t found = 0;
    for (size_t i = 0; i < json_array_size(bindings); i++) {
        const json_t *binding = json_array_get(bindings, i);
        const char *host = json_string_value(json_object_get(binding, "HostIp"));
        uint16_t number = port_number(binding);
        if (number != 0 && (found == 0 || (host != NULL && strchr(host, ':') == NULL))) {
            found = number;
        }
    }
    return found;
}

enum muster_rc compose__read_state(const char *line, size_t bytes, uint16_t api_port,
                                   struct compose_state *ret, struct muster_error *err)
{
    *ret = (struct compose_state){ .port = 0 };
    json_auto_t *json = json_loadb(line, bytes, JSON_REJECT_DUPLICATES, NULL);
    const json_t *state = json_object_get(json, "state");
    const json_t *code = json_object_get(state, "ExitCode");
    const char *name = json_string_value(json_object_get(json, "name"));
    if (name == NULL || strlen(name) > sizeof ret->name ||
        !copy_text(json_object_get(state, "Status"), ret->status, sizeof ret->status) ||
        !json_is_integer(code) || json_integer_value(code) < -1 || json_integer_value(code) > 255) {
        return not_understood("a container", line, bytes, err);
    }
    snprintf(ret->name, sizeof ret->name, "%s", name[0] == '/' ? name + 1 : name);
    const char *error = json_string_value(json_object_get(state, "Error"));
    snprintf(ret->error, sizeof ret->error, "%.255s", error == NULL ? "" : error);
    ret->running = json_is_true(json_object_get(state, "Running"));
    ret->exit =
        compose__exit((int)json_integer_value(code), json_is_true(json_object_get(state, "OOMKilled")));
    ret->port = published_port(json_object_get(json, "ports"), api_port);
    return MUSTER_OK;
}

static enum compose_event_kind kind_of(const char *action)
{
    if (strcmp(action, "die") == 0) {
        return COMPOSE_DIED;
    }
    if (strcmp(action, "oom") == 0) {
        return COMPOSE_OUT_OF_MEMORY;
    }
    if (strcmp(action, "create") == 0) {
        return COMPOSE_CREATED;
    }
    return strcmp(action, "extract-to-dir") == 0 ? COMPOSE_COPIED : COMPOSE_OTHER_EVENT;
}

/* The number stands there as text. */
static bool read_exit_code(const json_t *attributes, int *ret)
{
    const char *text = json_string_value(json_object_get(attributes, "exitCode"));
    size_t length = text == NULL ? 0 : strlen(text);
    if (length == 0 || length > 3 || strspn(text, "0123456789") != length) {
        return false;
    }
    *ret = (int)strtol(text, NULL, 10);
    return *ret <= 255;
}

enum muster_rc compose__read_event(const char *line, size_t bytes, struct compose_event *ret,
                                   struct muster_error *err)
{
    *ret = (struct compose_event){ .kind = COMPOSE_OTHER_EVENT };
    json_auto_t *json = json_loadb(line, bytes, 0, NULL);
    const json_t *attributes = json_object_get(json_object_get(json, "Actor"), "Attributes");
    const char *action = json_string_value(json_object_get(json, "Action"));
    if (action == NULL) {
        return not_understood("an event", line, bytes, err);
    }
    ret->kind = kind_of(action);
    if (ret->kind == COMPOSE_OTHER_EVENT) {
        return MUSTER_OK;
    }
    if (!copy_text(json_object_get(attributes, "name"), ret->name, sizeof ret->name) ||
        (ret->kind == COMPOSE_DIED && !read_exit_code(attributes, &ret->exit_code))) {
        return not_understood("an event", line, bytes, err);
    }
    return MUSTER_OK;
}
