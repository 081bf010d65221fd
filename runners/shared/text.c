#include "shared/text.h"

#include <arpa/inet.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "muster/runner.h"

#define HOST_CHARACTERS "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-._"

void runner__url(const char *host, uint16_t port, char url[512])
{
    bool bare6 = strchr(host, ':') != NULL && host[0] != '[';
    snprintf(url, 512, "http://%s%s%s:%u", bare6 ? "[" : "", host, bare6 ? "]" : "", port);
}

enum muster_rc runner__check_host(const struct muster_variables *variables, enum muster_variable variable,
                                  struct muster_error *err)
{
    const char *host = muster_variable_text(variables, variable);
    struct in6_addr address6;
    struct in_addr address4;
    bool numeric = strspn(host, "0123456789.") == strlen(host);
    bool valid = numeric ? inet_pton(AF_INET, host, &address4) == 1
                 : strchr(host, ':') != NULL
                     ? inet_pton(AF_INET6, host, &address6) == 1
                     : strspn(host, HOST_CHARACTERS) == strlen(host) && host[0] != '-';
    return valid ? MUSTER_OK
                 : muster_error_set(err, MUSTER_EINVAL,
                                    "%s is '%s'; give a host name or an address, without a port",
                                    muster_variable_info(variable)->name, host);
}

json_t *runner__json_literal(const char *text)
{
    char *escaped = malloc(2 * strlen(text) + 1);
    size_t used = 0;
    if (escaped == NULL) {
        return NULL;
    }
    for (const char *at = text; *at != '\0'; at++) {
        if (*at == '$') {
            escaped[used++] = '$';
        }
        escaped[used++] = *at;
    }
    json_t *json = json_stringn(escaped, used);
    free(escaped);
    return json;
}

uint32_t runner__node_of_name(const char *prefix, const char *name, uint32_t count)
{
    char expected[256];
    const char *last = strrchr(name, '-');
    unsigned long node = last == NULL ? count : strtoul(last + 1, NULL, 10);
    if (node >= count) {
        return MUSTER_NO_NODE;
    }
    /* Made again and compared whole: "+1", " 1", "01" are no names of ours. */
    snprintf(expected, sizeof expected, "%s-node-%lu", prefix, node);
    return strcmp(expected, name) == 0 ? (uint32_t)node : MUSTER_NO_NODE;
}
