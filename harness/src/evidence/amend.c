#include "evidence/amend.h"

#include <assert.h>
#include <jansson.h>
#include <stdlib.h>
#include <string.h>

#include "base/files.h"
#include "base/json.h"
#include "evidence/run_json.h"
#include "muster/clock.h"
#include "muster/run.h"

#define RUN_JSON_BYTES_MAX (64u * 1024u * 1024u)

/* Returns NULL if run.json is missing or torn. */
static json_t *load(const char *directory, char path[MUSTER__PATH_BYTES])
{
    char *text = NULL;
    if (muster__path(path, NULL, "%s/" MUSTER__RUN_JSON, directory) != MUSTER_OK) {
        return NULL;
    }
    json_t *report = muster__file_read(path, RUN_JSON_BYTES_MAX, &text, NULL, NULL) == MUSTER_OK
                         ? json_loads(text, 0, NULL)
                         : NULL;
    free(text);
    if (!json_is_object(report)) {
        json_decref(report);
        return NULL;
    }
    return report;
}

static json_t *make_anew(const struct muster__amendment *amendment)
{
    json_t *report =
        json_pack("{s:i, s:s}", "schema", (int)MUSTER__RUN_JSON_SCHEMA, "run_id", amendment->run_id);
    if (amendment->suite != NULL && amendment->name != NULL) {
        json_object_set_new(report, "scenario", json_sprintf("%s.%s", amendment->suite, amendment->name));
    }
    return report;
}

/* End the last phase in the file if it is the phase in which the test died. The file may have been written
 * before that phase began. */
static void end_phases(json_t *phases, const struct muster__amendment *amendment)
{
    const char *clean_up = muster_phase_name(MUSTER_CLEAN_UP);
    bool in_clean_up = strcmp(amendment->phase, clean_up) == 0;
    size_t count = json_array_size(phases);
    json_t *last = count == 0 ? NULL : json_array_get(phases, count - 1);
    const char *name = json_string_value(json_object_get(last, "name"));
    if (name != NULL && strcmp(name, amendment->phase) == 0) {
        uint64_t ended_ms = in_clean_up ? amendment->cleaned_up_ms : amendment->gone_ms;
        json_object_set_new(last, "ended_ms", json_integer((json_int_t)ended_ms));
    }
    if (!in_clean_up) {
        char wall[MUSTER_TIMESTAMP_BYTES];
        uint64_t ago_ms = amendment->cleaned_up_ms - amendment->gone_ms;
        json_array_append_new(phases, json_pack("{s:s, s:I, s:I, s:s}", "name", clean_up, "began_ms",
                                                (json_int_t)amendment->gone_ms, "ended_ms",
                                                (json_int_t)amendment->cleaned_up_ms, "wall",
                                                muster_clock_format(muster_clock_wall_ms() - ago_ms, wall)));
    }
}

void muster__amend(const struct muster__amendment *amendment)
{
    assert(amendment->directory != NULL && amendment->run_id != NULL);
    assert(amendment->verdict != NULL && amendment->cause != NULL);
    assert(amendment->phase == NULL || amendment->cleaned_up_ms >= amendment->gone_ms);
    char path[MUSTER__PATH_BYTES] = "";
    json_t *report = load(amendment->directory, path);
    if (report == NULL) {
        report = make_anew(amendment);
    }
    json_object_set_new(report, "verdict", json_string(amendment->verdict));
    json_object_set_new(report, "cause", muster__json_text(amendment->cause));
    if (amendment->phase != NULL) {
        end_phases(json_object_get(report, "phases"), amendment);
    }
    char *text = json_dumps(report, JSON_INDENT(2));
    if (text != NULL && path[0] != '\0') {
        enum muster_rc ignored = muster__file_write(path, text, strlen(text), NULL);
        (void)ignored;
    }
    free(text);
    json_decref(report);
}

bool muster__amend_is_due(const char *directory)
{
    char path[MUSTER__PATH_BYTES] = "";
    json_t *report = load(directory, path);
    const char *verdict = json_string_value(json_object_get(report, "verdict"));
    bool is_due = verdict == NULL || strcmp(verdict, "running") == 0 || strcmp(verdict, "pass") == 0;
    json_decref(report);
    return is_due;
}
