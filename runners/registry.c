#include "muster/registry.h"

#include <string.h>

#include "compose/compose.h"
#include "external/external.h"
#include "k8s/k8s.h"
#include "local/local.h"

static const struct muster_runner *const all_runners[] = {
    &muster_local_runner, &muster_compose_runner, &muster_k8s_runner, &muster_external_runner, NULL,
};

const struct muster_runner *const *muster_runners(void)
{
    return all_runners;
}

const struct muster_runner *muster_runner_find(const char *name)
{
    for (const struct muster_runner *const *runner = all_runners; *runner != NULL; runner++) {
        const char *alias = (*runner)->alias;
        if (strcmp((*runner)->name, name) == 0 || (alias != NULL && strcmp(alias, name) == 0)) {
            return *runner;
        }
    }
    return NULL;
}
