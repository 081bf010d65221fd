/* What the user said of the cluster, and what the plan needs of a pod: refused here in words, before the API
 * server does it in its own. */
#include <string.h>

#include "k8s/internal.h"
#include "k8s/keeper/ask.h"
#include "shared/text.h"

#define DIGITS "0123456789"

static enum muster_rc check_name(const struct muster_variables *variables, enum muster_variable variable,
                                 struct muster_error *err)
{
    const char *name = muster_variable_text(variables, variable);
    return name[0] == '\0' || k8s__is_name(name)
               ? MUSTER_OK
               : muster_error_set(err, MUSTER_EINVAL,
                                  "%s is '%s', which Kubernetes does not take for a name; use small letters, "
                                  "digits and dashes between them",
                                  muster_variable_info(variable)->name, name);
}

/* Of a namespace any name will do, a service's begins with a letter. */
static enum muster_rc check_release(const struct muster_variables *variables, struct muster_error *err)
{
    const char *name = muster_variable_text(variables, MUSTER_VAR_K8S_RELEASE);
    enum muster_rc rc = check_name(variables, MUSTER_VAR_K8S_RELEASE, err);
    return rc != MUSTER_OK || name[0] == '\0' || strchr(DIGITS, name[0]) == NULL
               ? rc
               : muster_error_set(
                     err, MUSTER_EINVAL,
                     "%s is '%s', which Kubernetes does not take for a service; begin with a letter",
                     muster_variable_info(MUSTER_VAR_K8S_RELEASE)->name, name);
}

bool k8s__is_quantity(const char *text)
{
    static const char *const units[] = {
        "", "k", "M", "G", "T", "P", "E", "Ki", "Mi", "Gi", "Ti", "Pi", "Ei"
    };
    size_t whole = strspn(text, DIGITS);
    const char *rest = text + whole;
    if (*rest == '.') {
        rest += 1 + strspn(rest + 1, DIGITS);
    }
    for (size_t i = 0; i < sizeof units / sizeof units[0]; i++) {
        if (whole > 0 && strcmp(rest, units[i]) == 0) {
            return true;
        }
    }
    return false;
}

static enum muster_rc check_storage(const struct muster_variables *variables, struct muster_error *err)
{
    const char *size = muster_variable_text(variables, MUSTER_VAR_K8S_STORAGE);
    return size[0] == '\0' || k8s__is_quantity(size)
               ? MUSTER_OK
               : muster_error_set(err, MUSTER_EINVAL, "%s is '%s', which is no size; give one such as 1Gi",
                                  muster_variable_info(MUSTER_VAR_K8S_STORAGE)->name, size);
}

static enum muster_rc check_policy(const struct muster_variables *variables, struct muster_error *err)
{
    const char *policy = muster_variable_text(variables, MUSTER_VAR_IMAGE_PULL_POLICY);
    return strcmp(policy, "Always") == 0 || strcmp(policy, "IfNotPresent") == 0 ||
                   strcmp(policy, "Never") == 0
               ? MUSTER_OK
               : muster_error_set(err, MUSTER_EINVAL, "%s is '%s'; use Always, IfNotPresent or Never",
                                  muster_variable_info(MUSTER_VAR_IMAGE_PULL_POLICY)->name, policy);
}

static enum muster_rc check_ports(const struct muster_system *system, struct muster_error *err)
{
    for (size_t i = 0; i < system->port_count; i++) {
        if (system->ports[i].number == KEEPER_PORT) {
            return muster_error_set(err, MUSTER_EINVAL,
                                    "the port '%s' of the system '%s' is %d, which the k8s runner uses in "
                                    "each pod itself; give it another number",
                                    system->ports[i].name, system->name, KEEPER_PORT);
        }
    }
    return MUSTER_OK;
}

enum muster_rc k8s__check_plan(const struct muster_plan *plan, const struct muster_variables *variables,
                               struct muster_error *err)
{
    enum muster_rc rc = check_name(variables, MUSTER_VAR_K8S_NAMESPACE, err);
    if (rc == MUSTER_OK) {
        rc = check_release(variables, err);
    }
    if (rc == MUSTER_OK) {
        rc = check_storage(variables, err);
    }
    if (rc == MUSTER_OK && muster_variable_text(variables, MUSTER_VAR_K8S_NODE_HOST)[0] != '\0') {
        rc = runner__check_host(variables, MUSTER_VAR_K8S_NODE_HOST, err);
    }
    if (rc == MUSTER_OK) {
        rc = check_policy(variables, err);
    }
    return rc == MUSTER_OK ? check_ports(plan->system, err) : rc;
}
