#include "compose/calls.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define AT_ONCE 8u

/* ---- Names ---- */

static bool is_wanted(const char *line, bool running_only)
{
    const char *state = line + strcspn(line, "\t");
    return line[0] != '\0' &&
           (!running_only || strncmp(state, "\trunning", 8) == 0 || strncmp(state, "\tpaused", 7) == 0);
}

void compose__names_read(struct compose_names *ret, const char *list, bool running_only)
{
    char *rest = NULL;
    *ret = (struct compose_names){ .text = strdup(list) };
    ret->items = calloc(strlen(list) / 2 + 1, sizeof *ret->items); /* A line has a byte and its end. */
    if (ret->text == NULL || ret->items == NULL) {
        return;
    }
    for (char *line = strtok_r(ret->text, "\n", &rest); line != NULL; line = strtok_r(NULL, "\n", &rest)) {
        if (is_wanted(line, running_only)) {
            line[strcspn(line, "\t")] = '\0';
            ret->items[ret->count++] = line;
        }
    }
}

void compose__names_fini(struct compose_names *names)
{
    free(names->items);
    free(names->text);
    *names = (struct compose_names){ .count = 0 };
}

/* ---- Calls ---- */

bool compose__calls_add(struct compose_calls *calls, struct runner_argv argv,
                        const struct compose_names *names)
{
    size_t room = RUNNER_ARGS_MAX - argv.count;
    size_t count = calls->count + (names->count + room - 1) / room;
    struct runner_argv *argvs = count == 0 ? NULL : reallocarray(calls->argvs, count, sizeof *argvs);
    calls->argvs = argvs == NULL ? calls->argvs : argvs;
    struct muster_tool *tools = argvs == NULL ? NULL : reallocarray(calls->tools, count, sizeof *tools);
    calls->tools = tools == NULL ? calls->tools : tools;
    if (tools == NULL) {
        return count == 0;
    }
    for (size_t i = 0; i < names->count; calls->count++) {
        struct runner_argv *full = &argvs[calls->count];
        *full = argv;
        while (i < names->count && full->count < RUNNER_ARGS_MAX) {
            runner__argv_add(full, names->items[i++]);
        }
        tools[calls->count] = (struct muster_tool){ .env = runner__env_items(&calls->record->engine.env) };
    }
    return true;
}

void compose__calls_run(struct compose_calls *calls, uint32_t timeout_ms, char said[512])
{
    struct muster_error err = { 0 };
    for (size_t i = 0; i < calls->count; i++) {
        calls->tools[i].argv = calls->argvs[i].args;
    }
    enum muster_rc rc = muster_tool_run(calls->tools, calls->count, AT_ONCE, timeout_ms, &err);
    if (rc != MUSTER_OK) {
        snprintf(said, 512, "%.500s", err.text);
    }
    for (size_t i = 0; i < calls->count; i++) {
        if (calls->tools[i].rc == MUSTER_OK && !muster_tool_succeeded(&calls->tools[i])) {
            muster_tool_complaint(calls->tools[i].complaint, said);
        }
    }
}

void compose__calls_fini(struct compose_calls *calls)
{
    for (size_t i = 0; i < calls->count; i++) {
        muster_tool_fini(&calls->tools[i]);
    }
    free(calls->argvs);
    free(calls->tools);
    *calls = (struct compose_calls){ .record = calls->record };
}
