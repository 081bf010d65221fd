#include "kill/backend_count.h"

#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include "muster/tool.h"

#define ASK_MS 60000u /* As long as a backend that others use too may take. */
#define ARGS_MAX 12u

static int count_lines(const char *text)
{
    int lines = 0;
    for (const char *at = text; (at = strchr(at, '\n')) != NULL; at++) {
        lines++;
    }
    return lines;
}

/* Calls a program of PATH; how many lines it answers. */
static int count_answered(const char *program, const char *const *args)
{
    char path[4096];
    const char *argv[ARGS_MAX + 2] = { path };
    struct muster_tool tool = { .argv = argv };
    for (size_t i = 0; i < ARGS_MAX && args[i] != NULL; i++) {
        argv[i + 1] = args[i];
    }
    if (!muster_tool_find(program, path)) {
        return -1;
    }
    enum muster_rc rc = muster_tool_run(&tool, 1, 1, ASK_MS, NULL);
    int lines = rc == MUSTER_OK && muster_tool_succeeded(&tool) ? count_lines(tool.output) : -1;
    muster_tool_fini(&tool);
    return lines;
}

static int count_in_engine(const char *run_id)
{
    char filter[96];
    snprintf(filter, sizeof filter, "label=muster.run=%s", run_id);
    const char *const calls[][ARGS_MAX] = {
        { "ps", "-a", "-q", "--filter", filter, NULL },
        { "network", "ls", "-q", "--filter", filter, NULL },
        { "volume", "ls", "-q", "--filter", filter, NULL },
    };
    int sum = 0;
    for (size_t i = 0; i < sizeof calls / sizeof calls[0] && sum >= 0; i++) {
        int found = count_answered("docker", calls[i]);
        sum = found < 0 ? -1 : sum + found;
    }
    return sum;
}

static int count_in_cluster(const char *run_id)
{
    char selector[96];
    snprintf(selector, sizeof selector, "muster.run=%s", run_id);
    const char *const call[] = {
        "get", "all,configmaps,persistentvolumeclaims,namespaces", "-A", "-l", selector, "-o", "name", NULL
    };
    return count_answered("kubectl", call);
}

int backend_count(const char *runner, const char *run_id)
{
    if (strcmp(runner, "compose") == 0) {
        return count_in_engine(run_id);
    }
    return strcmp(runner, "k8s") == 0 ? count_in_cluster(run_id) : 0;
}
