/* Where a tool is, and what it meant. */
#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/stat.h>
#include <unistd.h>

#include "files.h"
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

static bool says_error(const char *line, size_t bytes)
{
    for (size_t i = 0; i + 6 <= bytes; i++) {
        if (strncasecmp(line + i, "error", 5) == 0) {
            return true;
        }
    }
    return false;
}

const char *muster_tool_complaint(const char *complaint, char line[512])
{
    const char *chosen = NULL;
    size_t chosen_bytes = 0;
    bool chosen_says = false;
    for (const char *at = complaint; at != NULL && *at != '\0';) {
        size_t bytes = strcspn(at, "\n");
        bool says = says_error(at, bytes);
        if (has_text(at, bytes) && (says || !chosen_says)) {
            chosen = at;
            chosen_bytes = bytes;
            chosen_says = says;
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
