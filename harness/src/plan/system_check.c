/* Refuses a table that would be a crash in the middle of a run. */
#include "plan/system_check.h"

#include <string.h>

#define NAME_CHARACTERS "abcdefghijklmnopqrstuvwxyz0123456789_-"
#define VARIABLE_CHARACTERS "ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_"

/* Slots of which a system has all or none. */
struct slot {
    const char *name;
    bool given;
};

static bool consists_of(const char *text, const char *characters)
{
    return text[0] != '\0' && strspn(text, characters) == strlen(text);
}

static enum muster_rc check_name(const struct muster_system *system, struct muster_error *err)
{
    if (system->name == NULL) {
        return muster_error_set(err, MUSTER_EINVAL, "the system has no name; give it one");
    }
    if (!consists_of(system->name, NAME_CHARACTERS) || strlen(system->name) >= MUSTER_NAME_BYTES) {
        return muster_error_set(err, MUSTER_EINVAL,
                                "a system's name is '%.80s'; use 1 to %u of a to z, 0 to 9, '_' and '-'",
                                system->name, MUSTER_NAME_BYTES - 1);
    }
    return MUSTER_OK;
}

static enum muster_rc check_variable(const struct muster_system *system, const char *slot, const char *value,
                                     struct muster_error *err)
{
    if (value == NULL ||
        (consists_of(value, VARIABLE_CHARACTERS) && strchr("0123456789", value[0]) == NULL)) {
        return MUSTER_OK;
    }
    return muster_error_set(err, MUSTER_EINVAL,
                            "the system '%s' has the %s '%.80s'; use capital letters, digits and '_'",
                            system->name, slot, value);
}

static enum muster_rc check_port(const struct muster_system *system, size_t at, struct muster_error *err)
{
    const struct muster_port *port = &system->ports[at];
    if (port->name == NULL || !consists_of(port->name, NAME_CHARACTERS)) {
        return muster_error_set(err, MUSTER_EINVAL,
                                "ports[%zu] of the system '%s' has no name of a to z, 0 to 9, '_' and '-'",
                                at, system->name);
    }
    if (port->number == 0) {
        return muster_error_set(err, MUSTER_EINVAL, "ports[%zu] '%s' of the system '%s' has the number 0", at,
                                port->name, system->name);
    }
    for (size_t i = 0; i < at; i++) {
        if (strcmp(system->ports[i].name, port->name) == 0 || system->ports[i].number == port->number) {
            return muster_error_set(
                err, MUSTER_EINVAL, "ports[%zu] and ports[%zu] of the system '%s' have one %s", i, at,
                system->name, system->ports[i].number == port->number ? "number" : "name");
        }
    }
    return MUSTER_OK;
}

static enum muster_rc check_ports(const struct muster_system *system, struct muster_error *err)
{
    if (system->ports == NULL || system->port_count == 0) {
        return muster_error_set(err, MUSTER_EINVAL, "the system '%s' has no ports; give at least its API's",
                                system->name);
    }
    for (size_t i = 0; i < system->port_count; i++) {
        enum muster_rc rc = check_port(system, i, err);
        if (rc != MUSTER_OK) {
            return rc;
        }
    }
    return MUSTER_OK;
}

static enum muster_rc check_required(const struct muster_system *system, struct muster_error *err)
{
    const struct slot slots[] = {
        { "render", system->render != NULL },
        { "request_ready", system->request_ready != NULL },
        { "parse_ready", system->parse_ready != NULL },
        { "request_progress", system->request_progress != NULL },
        { "parse_progress", system->parse_progress != NULL },
    };
    for (size_t i = 0; i < sizeof slots / sizeof slots[0]; i++) {
        if (!slots[i].given) {
            return muster_error_set(err, MUSTER_EINVAL, "the system '%s' has no %s, which every system needs",
                                    system->name, slots[i].name);
        }
    }
    return MUSTER_OK;
}

static enum muster_rc check_together(const struct muster_system *system, const struct slot *first,
                                     const struct slot *second, struct muster_error *err)
{
    if (first->given == second->given) {
        return MUSTER_OK;
    }
    return muster_error_set(err, MUSTER_EINVAL, "the system '%s' has %s without %s; give both or neither",
                            system->name, first->given ? first->name : second->name,
                            first->given ? second->name : first->name);
}

static enum muster_rc check_pairs(const struct muster_system *system, struct muster_error *err)
{
    const struct slot pairs[][2] = {
        { { "request_peers", system->request_peers != NULL },
          { "parse_peers", system->parse_peers != NULL } },
    };
    for (size_t i = 0; i < sizeof pairs / sizeof pairs[0]; i++) {
        enum muster_rc rc = check_together(system, &pairs[i][0], &pairs[i][1], err);
        if (rc != MUSTER_OK) {
            return rc;
        }
    }
    return MUSTER_OK;
}

static enum muster_rc check_observer(const struct muster_system *system, struct muster_error *err)
{
    if (system->chain == NULL || system->observer != NULL) {
        return MUSTER_OK;
    }
    return muster_error_set(
        err, MUSTER_EINVAL,
        "the system '%s' has a chain, but no observer that follows it; set its observer to "
        "&muster_chain_observer",
        system->name);
}

enum muster_rc muster__system_check(const struct muster_system *system, struct muster_error *err)
{
    enum muster_rc rc = check_name(system, err);
    if (rc != MUSTER_OK) {
        return rc;
    }
    rc = check_variable(system, "program_variable", system->program_variable, err);
    if (rc != MUSTER_OK) {
        return rc;
    }
    rc = check_variable(system, "image_variable", system->image_variable, err);
    if (rc != MUSTER_OK) {
        return rc;
    }
    rc = check_ports(system, err);
    if (rc != MUSTER_OK) {
        return rc;
    }
    rc = check_required(system, err);
    if (rc != MUSTER_OK) {
        return rc;
    }
    rc = check_pairs(system, err);
    return rc == MUSTER_OK ? check_observer(system, err) : rc;
}
