/* What a system renders of a node: files, arguments, environment. */
#include "muster/system.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static enum muster_rc out_of_memory(struct muster_error *err)
{
    return muster_error_set(err, MUSTER_ENOMEM, "out of memory");
}

void muster_rendering_fini(struct muster_rendering *rendering)
{
    if (rendering == NULL) {
        return;
    }
    for (size_t i = 0; i < rendering->file_count; i++) {
        free(rendering->files[i].name);
        free(rendering->files[i].text);
    }
    for (size_t i = 0; i < rendering->arg_count; i++) {
        free(rendering->args[i]);
    }
    for (size_t i = 0; i < rendering->env_count; i++) {
        free(rendering->env[i]);
    }
    memset(rendering, 0, sizeof *rendering);
}

/* Whether a name stays below the directory that it is relative to. */
static bool stays_below(const char *name)
{
    if (name[0] == '\0' || name[0] == '/') {
        return false;
    }
    for (const char *part = name; part != NULL;) {
        size_t bytes = strcspn(part, "/");
        if (bytes == 0 || (bytes == 1 && part[0] == '.') || (bytes == 2 && memcmp(part, "..", 2) == 0)) {
            return false;
        }
        part = part[bytes] == '/' ? part + bytes + 1 : NULL;
    }
    return true;
}

enum muster_rc muster_rendering_file(struct muster_rendering *rendering, const char *name, const char *text,
                                     struct muster_error *err)
{
    if (!stays_below(name)) {
        return muster_error_set(err, MUSTER_EINVAL, "file '%.200s' must lie below the node's directory",
                                name);
    }
    if (rendering->file_count == MUSTER_FILES_MAX) {
        return muster_error_set(err, MUSTER_EINVAL, "file '%.200s' is one too many; a node has at most %u",
                                name, MUSTER_FILES_MAX);
    }
    for (size_t i = 0; i < rendering->file_count; i++) {
        if (strcmp(rendering->files[i].name, name) == 0) {
            return muster_error_set(err, MUSTER_EINVAL, "file '%.200s' is rendered twice", name);
        }
    }
    struct muster_file file = { strdup(name), strdup(text) };
    if (file.name == NULL || file.text == NULL) {
        free(file.name);
        free(file.text);
        return out_of_memory(err);
    }
    rendering->files[rendering->file_count++] = file;
    return MUSTER_OK;
}

enum muster_rc muster_rendering_arg(struct muster_rendering *rendering, const char *arg,
                                    struct muster_error *err)
{
    if (rendering->arg_count == MUSTER_ARGS_MAX) {
        return muster_error_set(err, MUSTER_EINVAL,
                                "argument '%.200s' is one too many; a node has at most %u", arg,
                                MUSTER_ARGS_MAX);
    }
    char *copy = strdup(arg);
    if (copy == NULL) {
        return out_of_memory(err);
    }
    rendering->args[rendering->arg_count++] = copy;
    return MUSTER_OK;
}

/* The entry that already sets `name`, else the one after the last. */
static size_t env_index(const struct muster_rendering *rendering, const char *name)
{
    size_t bytes = strlen(name);
    size_t i = 0;
    while (i < rendering->env_count &&
           (strncmp(rendering->env[i], name, bytes) != 0 || rendering->env[i][bytes] != '=')) {
        i++;
    }
    return i;
}

enum muster_rc muster_rendering_env(struct muster_rendering *rendering, const char *name, const char *value,
                                    struct muster_error *err)
{
    if (name[0] == '\0' || strchr(name, '=') != NULL) {
        return muster_error_set(err, MUSTER_EINVAL, "environment variable '%.200s' needs a name without '='",
                                name);
    }
    size_t index = env_index(rendering, name);
    if (index == MUSTER_ARGS_MAX) {
        return muster_error_set(err, MUSTER_EINVAL,
                                "environment variable '%.200s' is one too many; a node has at most %u", name,
                                MUSTER_ARGS_MAX);
    }
    char *entry = NULL;
    if (asprintf(&entry, "%s=%s", name, value) < 0) {
        return out_of_memory(err);
    }
    if (index < rendering->env_count) {
        free(rendering->env[index]);
    } else {
        rendering->env_count++;
    }
    rendering->env[index] = entry;
    return MUSTER_OK;
}
