#include "support/cluster.h"

#include <arpa/inet.h>
#include <fcntl.h>
#include <jansson.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "kill/backend_count.h"
#include "support/program.h"

const char *cluster_ask(const char **complaint, ...)
{
    va_list list;
    va_start(list, complaint);
    const char *answer = program_ask("kubectl", complaint, list);
    va_end(list);
    return answer;
}

int cluster_missing(void)
{
    const char *complaint = "there is no program 'kubectl'";
    if (cluster_ask(&complaint, "get", "--raw", "/version", "--request-timeout=10s", NULL) != NULL) {
        return 0;
    }
    fprintf(stderr, "no cluster: %s\n", complaint);
    return program_requires("k8s") ? EXIT_FAILURE : 77;
}

int cluster_has_of_run(const char *run_id)
{
    return backend_count("k8s", run_id);
}

const char *cluster_create(const char *space, const char *manifest)
{
    char path[64];
    const char *complaint = "its manifest could not be written";
    int fd = memfd_create("manifest", MFD_CLOEXEC);
    size_t bytes = strlen(manifest);
    snprintf(path, sizeof path, "/proc/%ld/fd/%d", (long)getpid(), fd);
    /* What begins with a brace would be taken for JSON. */
    bool created =
        fd >= 0 && write(fd, "---\n", 4) == 4 && write(fd, manifest, bytes) == (ssize_t)bytes &&
        cluster_ask(&complaint, "create", "-f", path, space == NULL ? NULL : "-n", space, NULL) != NULL;
    if (fd >= 0) {
        close(fd);
    }
    return created ? NULL : complaint;
}

/* ---- Another way to it ---- */

/* The current context, with all it needs. */
static json_t *read_config(void)
{
    const char *text = cluster_ask(NULL, "config", "view", "--minify", "--flatten", "-o", "json", NULL);
    return text == NULL ? NULL : json_loads(text, 0, NULL);
}

static json_t *only(json_t *config, const char *list, const char *member)
{
    return json_object_get(json_array_get(json_object_get(config, list), 0), member);
}

/* The host and port in "https://host:port". */
static bool split_url(const char *url, char host[256], char port[16])
{
    const char *scheme = strstr(url == NULL ? "" : url, "://");
    port[0] = '\0';
    if (scheme == NULL || sscanf(scheme + 3, "%255[^:/]:%15[0-9]", host, port) < 1) {
        return false;
    }
    if (port[0] == '\0') {
        snprintf(port, 16, "443");
    }
    return true;
}

/* Its certificate bears the name of the server itself. */
static bool redirect(json_t *config, const char *server)
{
    char host[256];
    char port[16];
    json_t *cluster = only(config, "clusters", "cluster");
    return split_url(json_string_value(json_object_get(cluster, "server")), host, port) &&
           json_object_set_new(cluster, "tls-server-name", json_string(host)) == 0 &&
           json_object_set_new(cluster, "server", json_string(server)) == 0;
}

bool cluster_write_config(const char *path, const char *server, const char *token)
{
    json_auto_t *config = read_config();
    json_t *user = json_array_get(json_object_get(config, "users"), 0);
    bool made = config != NULL && (server == NULL || redirect(config, server)) &&
                (token == NULL || json_object_set_new(user, "user", json_pack("{s:s}", "token", token)) == 0);
    int fd = !made ? -1 : open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
    bool written = fd >= 0 && json_dumpfd(config, fd, 0) == 0;
    if (fd >= 0) {
        close(fd);
    }
    return written;
}

bool cluster_proxy_start(struct proxy *proxy, enum proxy_kind kind, struct proxy_end *at)
{
    char host[256];
    char port[16];
    struct proxy_end to;
    json_auto_t *config = read_config();
    const char *server = json_string_value(json_object_get(only(config, "clusters", "cluster"), "server"));
    return (at->bytes != 0 || proxy_end_tcp(at, "127.0.0.1", "0")) && split_url(server, host, port) &&
           proxy_end_tcp(&to, host, port) && proxy_start(proxy, kind, at, &to);
}

void cluster_proxy_url(const struct proxy_end *at, char url[64])
{
    struct sockaddr_in address;
    memcpy(&address, &at->address, sizeof address);
    snprintf(url, 64, "https://127.0.0.1:%u", ntohs(address.sin_port));
}
