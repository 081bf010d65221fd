#include "run/parts.h"

#include <string.h>

#include "muster/part.h"
#include "run/internal.h"

bool muster__parts_settled(struct muster_run *run, uint64_t *height)
{
    *height = 0;
    for (size_t i = 0; i < run->plan->part_count; i++) {
        const struct muster_planned_part *it = &run->plan->parts[i];
        if (it->part->settled != NULL && !it->part->settled(run, it->state, height)) {
            return false;
        }
    }
    return true;
}

void muster__parts_end(struct muster_run *run)
{
    for (size_t i = 0; i < run->plan->part_count; i++) {
        const struct muster_planned_part *it = &run->plan->parts[i];
        if (it->part->end != NULL) {
            it->part->end(run, it->state);
        }
    }
}

void muster__parts_progress(struct muster_run *run, char text[MUSTER__PART_TEXT_BYTES])
{
    text[0] = '\0';
    for (size_t i = 0; i < run->plan->part_count; i++) {
        const struct muster_planned_part *it = &run->plan->parts[i];
        char words[MUSTER__PART_TEXT_BYTES];
        size_t used = strlen(text);
        if (it->part->progress != NULL && it->part->progress(run, it->state, words, sizeof words)) {
            (void)snprintf(text + used, MUSTER__PART_TEXT_BYTES - used, "%s%s", used > 0 ? " | " : "", words);
        }
    }
}

void muster__parts_summary(struct muster_run *run, FILE *out)
{
    for (size_t i = 0; i < run->plan->part_count; i++) {
        const struct muster_planned_part *it = &run->plan->parts[i];
        char line[MUSTER__PART_TEXT_BYTES];
        if (it->part->summary != NULL && it->part->summary(run, it->state, line, sizeof line)) {
            fprintf(out, "  %s\n", line);
        }
    }
}

void muster__parts_add_to_json(struct muster_run *run, json_t *object)
{
    for (size_t i = 0; i < run->plan->part_count; i++) {
        const struct muster_planned_part *it = &run->plan->parts[i];
        json_t *section = it->part->to_json == NULL ? NULL : it->part->to_json(run, it->state);
        if (section != NULL) {
            json_object_set_new(object, it->part->name, section);
        }
    }
}
