/* Names and words of kubectl. */
#define MUSTER_LOG_MODULE "k8s"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "k8s/internal.h"
#include "muster/log.h"

void k8s__prefix(const struct muster_variables *variables, const char *run_id, char prefix[K8S_NAME_BYTES])
{
    const char *release = muster_variable_text(variables, MUSTER_VAR_K8S_RELEASE);
    snprintf(prefix, K8S_NAME_BYTES, "%.40s-%.11s", release[0] == '\0' ? "muster" : release, run_id);
}

bool k8s__is_name(const char *name)
{
    size_t length = strlen(name);
    return length > 0 && length < K8S_NAME_BYTES &&
           strspn(name, "abcdefghijklmnopqrstuvwxyz0123456789-") == length && name[0] != '-' &&
           name[length - 1] != '-';
}

bool k8s__is_unreached(const char *complaint)
{
    static const char *const signs[] = { "was refused - did you specify the right host",
                                         "Unable to connect to the server",
                                         "connection refused",
                                         "connection reset by peer",
                                         "i/o timeout",
                                         "TLS handshake timeout",
                                         "http2: client connection lost",
                                         "unexpected EOF",
                                         "no route to host",
                                         "etcdserver: request timed out",
                                         "etcdserver: leader changed",
                                         "the server is currently unable to handle the request",
                                         "apiserver not ready" };
    for (size_t i = 0; i < sizeof signs / sizeof signs[0]; i++) {
        if (strstr(complaint, signs[i]) != NULL) {
            return true;
        }
    }
    return false;
}

const char *k8s__program(const struct muster_plan *plan, const struct muster_variables *variables,
                         char path[4096])
{
    if (muster_variable_named_path(variables, plan->system->program_variable, path, NULL) != MUSTER_OK) {
        path[0] = '\0';
    }
    const char *slash = strrchr(path, '/');
    const char *name = slash == NULL ? path : slash + 1;
    return name[0] == '\0' ? plan->system->program : name;
}

void k8s__log_call(const struct runner_argv *argv)
{
    char *text = NULL;
    size_t bytes = 0;
    FILE *out = open_memstream(&text, &bytes);
    if (out == NULL) {
        return;
    }
    for (size_t i = 0; i < argv->count; i++) {
        fprintf(out, "%s%s", i > 0 ? " " : "", argv->args[i]);
    }
    if (fclose(out) == 0) {
        muster_log_write(MUSTER_LOG_MODULE, MUSTER_LOG_INFO, "%s", text);
    }
    free(text);
}
