#include "support/engine.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "kill/backend_count.h"
#include "support/program.h"

const char *engine_ask(const char **complaint, ...)
{
    va_list list;
    va_start(list, complaint);
    const char *answer = program_ask("docker", complaint, list);
    va_end(list);
    return answer;
}

int engine_missing(void)
{
    const char *complaint = "there is no program 'docker'";
    if (engine_ask(&complaint, "version", "--format", "{{.Server.Version}}", NULL) != NULL) {
        return 0;
    }
    fprintf(stderr, "no Docker engine: %s\n", complaint);
    return program_requires("compose") ? EXIT_FAILURE : 77;
}

int engine_has_of_run(const char *run_id)
{
    return backend_count("compose", run_id);
}

const char *engine_make_image(const char *image, const char *change, const char *program)
{
    char container[128];
    char target[160];
    const char *complaint = NULL;
    const char *created = engine_ask(&complaint, "create", ENGINE_NODE_IMAGE, NULL);
    if (created == NULL) {
        return complaint;
    }
    snprintf(container, sizeof container, "%.*s", (int)strcspn(created, "\n"), created);
    snprintf(target, sizeof target, "%s:/", container);
    bool made = (program == NULL || engine_ask(&complaint, "cp", program, target, NULL) != NULL) &&
                engine_ask(&complaint, "commit", "--change", change, container, image, NULL) != NULL;
    char *kept = made ? NULL : strdup(complaint);
    engine_ask(NULL, "rm", "--force", container, NULL);
    return made ? NULL : kept;
}

static bool find_engine(struct proxy_end *ret)
{
    static const char scheme[] = "unix://";
    const char *host = engine_ask(NULL, "context", "inspect", "--format", "{{.Endpoints.docker.Host}}", NULL);
    char path[128];
    if (host == NULL || strncmp(host, scheme, sizeof scheme - 1) != 0) {
        return false;
    }
    host += sizeof scheme - 1;
    snprintf(path, sizeof path, "%.*s", (int)strcspn(host, "\n"), host);
    return proxy_end_unix(ret, path);
}

bool engine_proxy_start(struct proxy *proxy, enum proxy_kind kind, const char *path)
{
    struct proxy_end at;
    struct proxy_end to;
    unlink(path);
    return proxy_end_unix(&at, path) && find_engine(&to) && proxy_start(proxy, kind, &at, &to);
}
