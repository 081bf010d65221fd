/* Where a tool is, and what it meant. */
#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/files.h"
#include "muster/tool.h"

#define LINE_BYTES_MAX 400u

static bool is_program(const char *path)
{
    struct stat status;
    return stat(path, &status) == 0 && S_ISREG(status.st_mode) && access(path, X_OK) == 0;
}

bool muster_tool_find(const char *program, char path[4096])
{
    const char *list = getenv("PATH");
    char *copy = list == NULL ? NULL : strdup(list);
    char *rest = NULL;
    bool found = false;
    for (char *item = copy == NULL ? NULL : strtok_r(copy, ":", &rest); item != NULL && !found;
         item = strtok_r(NULL, ":", &rest)) {
        found = item[0] == '/' && muster__path(path, NULL, "%s/%s", item, program) == MUSTER_OK &&
                is_program(path);
    }
    free(copy);
    return found;
}

static bool has_text(const char *line, size_t bytes)
{
    for (size_t i = 0; i < bytes; i++) {
        if (isgraph((unsigned char)line[i])) {
            return true;
        }
    }
    return false;
}

/* How much a line looks like the cause: programs begin it with "error", or have it before a colon. */
static unsigned weight_of(const char *line, size_t bytes)
{
    unsigned weight = has_text(line, bytes) ? 1 : 0;
    for (size_t i = 0; i + 6 <= bytes; i++) {
        if (strncasecmp(line + i, "error:", 6) == 0 || (i == 0 && strncasecmp(line, "error ", 6) == 0)) {
            weight = 2;
        }
    }
    return weight;
}

const char *muster_tool_complaint(const char *complaint, char line[512])
{
    const char *chosen = NULL;
    size_t chosen_bytes = 0;
    unsigned chosen_weight = 0;
    for (const char *at = complaint; at != NULL && *at != '\0';) {
        size_t bytes = strcspn(at, "\n");
        unsigned weight = weight_of(at, bytes);
        if (weight > 0 && weight >= chosen_weight) {
            chosen = at;
            chosen_bytes = bytes;
            chosen_weight = weight;
        }
        at += bytes + (at[bytes] == '\n');
    }
    if (chosen == NULL) {
        snprintf(line, 512, "it said nothing");
        return line;
    }
    size_t used = 0;
    for (size_t i = 0; i < chosen_bytes && used < LINE_BYTES_MAX; i++) {
        unsigned char byte = (unsigned char)chosen[i];
        if (byte != '\r') {
            line[used++] = byte < ' ' || byte == 0x7f ? '?' : (char)byte;
        }
    }
    line[used] = '\0';
    return line;
}
