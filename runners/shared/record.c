#include "record.h"

#include <stdbool.h>
#include <string.h>

#include "muster/runner.h"

const struct muster_ledger_entry *runner__ledger_find(const struct muster_ledger_view *view, const char *kind)
{
    for (size_t i = 0; i < view->entry_count; i++) {
        if (strcmp(view->entries[i].kind, kind) == 0) {
            return &view->entries[i];
        }
    }
    return NULL;
}

void runner__log_path(const struct muster_ledger_view *view, const char *log_directory, uint32_t node,
                      const char *name, char path[RUNNER_LOG_PATH_BYTES])
{
    if (log_directory[0] == '\0') {
        snprintf(path, RUNNER_LOG_PATH_BYTES, "%.4000s/nodes/node-%u/%s", view->directory, node, name);
    } else {
        snprintf(path, RUNNER_LOG_PATH_BYTES, "%.4000s/muster-%.32s/node-%u.%s", log_directory, view->run_id,
                 node, name);
    }
}

enum muster_rc runner__log_directory_make(const struct muster_ledger_view *view, const char *log_directory,
                                          struct muster_error *err)
{
    char path[RUNNER_LOG_PATH_BYTES];
    if (log_directory[0] == '\0') {
        return MUSTER_OK;
    }
    snprintf(path, sizeof path, "%.4000s/muster-%.32s", log_directory, view->run_id);
    return muster_make_directory(path, err);
}

void runner__print_word(FILE *out, const char *word)
{
    static const char plain[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-./:=@%+,";
    if (word[0] != '\0' && strspn(word, plain) == strlen(word)) {
        fputs(word, out);
        return;
    }
    fputc('\'', out);
    for (const char *at = word; *at != '\0'; at++) {
        fputs(*at == '\'' ? "'\\''" : (char[]){ *at, '\0' }, out);
    }
    fputc('\'', out);
}

void runner__print_command(FILE *out, const struct runner_env *env, const struct runner_argv *argv)
{
    bool has_env = false;
    for (size_t i = 0; env->items[i] != NULL; i++) {
        if (strchr(env->items[i], '=') != NULL && strncmp(env->items[i], "HOME=", 5) != 0) {
            fputs(has_env ? " " : "env ", out);
            runner__print_word(out, env->items[i]);
            has_env = true;
        }
    }
    for (size_t i = 0; i < argv->count; i++) {
        fputs(i > 0 || has_env ? " " : "", out);
        runner__print_word(out, argv->args[i]);
    }
}
