#include "compose/ends.h"

#include <signal.h>
#include <string.h>

#include "shared/text.h"

/* The node of the lowest number that is wrong. */
struct wrong {
    uint32_t node;
    struct muster_error cause;
};

/* The engine kills what ignores SIGTERM and does not say so, but the state that is left does. */
static enum muster_rc judge_end(const struct compose_record *record, const struct compose_state *state,
                                uint32_t node, uint32_t killed_after_ms, struct muster_error *err)
{
    bool killed = killed_after_ms != 0 && state->exit.signal == SIGKILL && !state->exit.out_of_memory;
    return killed ? muster_error_set(err, MUSTER_ENODE, "node-%u ignored SIGTERM for %.1f s and was killed",
                                     node, killed_after_ms / 1000.0)
                  : muster_exit_judge(&state->exit, record->end_code, node, err);
}

static void judge_line(const struct compose_record *record, const char *line, size_t bytes,
                       uint32_t killed_after_ms, struct wrong *wrong)
{
    struct compose_state state;
    struct muster_error cause = { 0 };
    if (compose__read_state(line, bytes, 0, &state, NULL) != MUSTER_OK || state.running) {
        return;
    }
    uint32_t node = runner__node_of_name(record->project, state.name, record->node_count);
    if (node < wrong->node && judge_end(record, &state, node, killed_after_ms, &cause) != MUSTER_OK) {
        *wrong = (struct wrong){ .node = node, .cause = cause };
    }
}

enum muster_rc compose__judge_ends(const struct compose_record *record, const struct muster_tool *answers,
                                   size_t count, uint32_t killed_after_ms, uint32_t *ret,
                                   struct muster_error *err)
{
    struct wrong wrong = { .node = MUSTER_NO_NODE };
    for (size_t i = 0; i < count; i++) {
        const char *line = answers[i].output == NULL ? "" : answers[i].output;
        while (*line != '\0') {
            size_t bytes = strcspn(line, "\n");
            judge_line(record, line, bytes, killed_after_ms, &wrong);
            line += bytes + (line[bytes] == '\n');
        }
    }
    *ret = wrong.node;
    return wrong.node == MUSTER_NO_NODE ? MUSTER_OK
                                        : muster_error_set(err, MUSTER_ENODE, "%s", wrong.cause.text);
}
