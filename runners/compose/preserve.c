/* How to look at a run that was left up, and how to remove it. */
#include <stdio.h>

#include "internal.h"
#include "shared/record.h"

static void print_line(FILE *out, const char *title, const struct compose_record *record,
                       struct runner_argv argv, const char *end)
{
    fprintf(out, "  %-8s", title);
    runner__print_command(out, &record->engine.env, &argv);
    fprintf(out, "%s\n", end);
}

static void print_all(const struct muster_ledger_view *view, const struct compose_record *record, FILE *out)
{
    char file[4200];
    char container[COMPOSE_NAME_BYTES];
    char source[COMPOSE_NAME_BYTES + 32];
    const struct compose_engine *engine = &record->engine;
    snprintf(file, sizeof file, "%.4000s/" COMPOSE_FILE, view->directory);
    compose__container_name(view->run_id, 0, container);
    snprintf(source, sizeof source, "%s:" COMPOSE_NODES_DIRECTORY "/node-0", container);
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
    struct runner_argv down = compose__compose(engine, "-f", file, "-p", record->project, "down", "--volumes",
                                               "--timeout", "1", NULL);
    runner__print_command(out, &record->engine.env, &down);
    fputs(" && rm -rf ", out);
    runner__print_word(out, view->directory);
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
