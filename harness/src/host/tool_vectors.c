#include "host/tool_vectors.h"

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

extern char **environ;

static size_t count_of(const char *const *strings)
{
    size_t count = 0;
    while (strings != NULL && strings[count] != NULL) {
        count++;
    }
    return count;
}

void muster__strings_free(char **strings)
{
    for (size_t i = 0; strings != NULL && strings[i] != NULL; i++) {
        free(strings[i]);
    }
    free(strings);
}

char **muster__strings_copy(const char *const *strings)
{
    size_t count = count_of(strings);
    char **copy = calloc(count + 1, sizeof *copy);
    for (size_t i = 0; copy != NULL && i < count; i++) {
        copy[i] = strdup(strings[i]);
        if (copy[i] == NULL) {
            muster__strings_free(copy);
            return NULL;
        }
    }
    return copy;
}

static bool is_named_in(const char *variable, const char *const *own)
{
    size_t name_bytes = strcspn(variable, "=");
    for (size_t i = 0; own != NULL && own[i] != NULL; i++) {
        if (strcspn(own[i], "=") == name_bytes && strncmp(own[i], variable, name_bytes) == 0) {
            return true;
        }
    }
    return false;
}

char **muster__tool_environment(const char *const *own)
{
    size_t inherited_count = 0;
    while (environ != NULL && environ[inherited_count] != NULL) {
        inherited_count++;
    }
    const char **all = calloc(inherited_count + count_of(own) + 1, sizeof *all);
    if (all == NULL) {
        return NULL;
    }
    size_t count = 0;
    for (size_t i = 0; i < inherited_count; i++) {
        if (!is_named_in(environ[i], own)) {
            all[count++] = environ[i];
        }
    }
    for (size_t i = 0; own != NULL && own[i] != NULL; i++) {
        if (strchr(own[i], '=') != NULL) {
            all[count++] = own[i];
        }
    }
    char **copy = muster__strings_copy(all);
    free(all);
    return copy;
}
