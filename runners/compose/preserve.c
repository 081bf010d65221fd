/* How to look at a run that was left up, and how to remove it. */
#include <stdio.h>
#include <string.h>

#include "compose/internal.h"
#include "muster/tool.h"
#include "shared/record.h"

static void print_line(FILE *out, const char *title, const struct compose_record *record,
                       struct runner_argv argv, const char *end)
{
    fprintf(out, "  %-8s", title);
    runner__print_command(out, &record->engine.env, &argv);
    fprintf(out, "%s\n", end);
}

/* The node's program in the image: what can be executed there in any case. */
static void find_entry(const struct compose_record *record, const char *container, char ret[512])
{
    struct runner_argv argv = compose__docker(&record->engine, "inspect", "--type", "container", "--format",
                                              "{{index .Config.Entrypoint 0}}", container, NULL);
    struct muster_tool tool = { .argv = argv.args, .env = runner__env_items(&record->engine.env) };
    bool found = muster_tool_run(&tool, 1, 1, COMPOSE_CALL_MS, NULL) == MUSTER_OK &&
                 muster_tool_succeeded(&tool) && tool.output[0] == '/';
    snprintf(ret, 512, "%.*s", found ? (int)strcspn(tool.output, "\n") : 2, found ? tool.output : "sh");
    muster_tool_fini(&tool);
}

static void print_all(const struct muster_ledger_view *view, const struct compose_record *record, FILE *out)
{
    char file[4200];
    char container[COMPOSE_NAME_BYTES];
    char entry[512];
    char source[COMPOSE_NAME_BYTES + 32];
    const struct compose_engine *engine = &record->engine;
    snprintf(file, sizeof file, "%.4000s/" COMPOSE_FILE, view->directory);
    compose__container_name(view->run_id, 0, container);
    snprintf(source, sizeof source, "%s:" COMPOSE_NODES_DIRECTORY "/node-0", container);
    find_entry(record, container, entry);
    fprintf(out, "muster: the Compose project %s was left up\n", record->project);
    print_line(out, "logs:", record,
               compose__compose(engine, "-f", file, "-p", record->project, "logs", "--tail", "100", NULL),
               "");
    print_line(out, "exec:", record, compose__docker(engine, "exec", container, entry, "--help", NULL),
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
