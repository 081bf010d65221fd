/* How to look at a run that was left up, and how to remove it. */
#include <stdio.h>
#include <string.h>

#include "internal.h"

/* A word as a shell takes it. */
static void print_word(FILE *out, const char *word)
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

/* Where the engine is, in front of each command: another shell may have other variables. */
static void print_command(FILE *out, const struct compose_record *record, const struct compose_argv *argv)
{
    bool has_env = false;
    for (size_t i = 0; record->engine.env[i] != NULL; i++) {
        const char *setting = record->engine.env[i];
        if (strchr(setting, '=') != NULL && strncmp(setting, "HOME=", 5) != 0) {
            fputs(has_env ? " " : "env ", out);
            print_word(out, setting);
            has_env = true;
        }
    }
    for (size_t i = 0; i < argv->count; i++) {
        fputs(i > 0 || has_env ? " " : "", out);
        print_word(out, argv->args[i]);
    }
}

static void print_line(FILE *out, const char *title, const struct compose_record *record,
                       struct compose_argv argv, const char *end)
{
    fprintf(out, "  %-8s", title);
    print_command(out, record, &argv);
    fprintf(out, "%s\n", end);
}

static void print_all(const struct muster_ledger_view *view, const struct compose_record *record, FILE *out)
{
    char file[4200];
    char container[COMPOSE_NAME_BYTES];
    char source[COMPOSE_NAME_BYTES + 16];
    const struct compose_engine *engine = &record->engine;
    snprintf(file, sizeof file, "%.4000s/" COMPOSE_FILE, view->directory);
    compose__container_name(view->run_id, 0, container);
    snprintf(source, sizeof source, "%s:" COMPOSE_NODE_DIRECTORY, container);
    fprintf(out, "muster: the Compose project %s was left up\n", record->project);
    print_line(out, "logs:", record,
               compose__compose(engine, "-f", file, "-p", record->project, "logs", "--tail", "100", NULL),
               "");
    print_line(out, "exec:", record,
               compose__docker(engine, "exec", container, record->entry[0] == '\0' ? "sh" : record->entry,
                               "--help", NULL),
               "  (or any program of the image; sh where it has one)");
    print_line(out, "files:", record, compose__docker(engine, "cp", source, "./node-0", NULL), "");
    fputs("  remove: ", out);
    struct compose_argv down = compose__compose(engine, "-f", file, "-p", record->project, "down",
                                                "--volumes", "--timeout", "1", NULL);
    print_command(out, record, &down);
    fputs(" && rm -rf ", out);
    print_word(out, view->directory);
    fputc('\n', out);
    fflush(out);
}

void compose__print_preserved(const struct muster_ledger_view *view, FILE *out)
{
    struct compose_record record;
    if (compose__record_read(view, &record, NULL) == MUSTER_OK) {
        print_all(view, &record, out);
        compose__engine_fini(&record.engine);
    }
}
