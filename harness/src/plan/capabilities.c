/* The table of capabilities.def, and lists made from it. */
#include <stdio.h>
#include <string.h>

#include "muster/scenario.h"

static const struct muster_capability_info table[] = {
#define X(id, bit, name, words, meaning) { 1u << (bit), name, words, meaning },
#include "muster/capabilities.def"
#undef X
};

#define ROWS (sizeof table / sizeof table[0])

const struct muster_capability_info *muster_capability_info(size_t row)
{
    return row < ROWS ? &table[row] : NULL;
}

static void append(char text[MUSTER_CAPABILITIES_BYTES], const char *separator, const char *item)
{
    size_t used = strlen(text);
    (void)snprintf(text + used, MUSTER_CAPABILITIES_BYTES - used, "%s%s", used == 0 ? "" : separator, item);
}

char *muster_capability_names(uint32_t capabilities, char text[MUSTER_CAPABILITIES_BYTES])
{
    text[0] = '\0';
    for (size_t i = 0; i < ROWS; i++) {
        if ((capabilities & table[i].bit) != 0) {
            append(text, ",", table[i].name);
        }
    }
    return text;
}

char *muster_capability_words(uint32_t capabilities, char text[MUSTER_CAPABILITIES_BYTES])
{
    text[0] = '\0';
    for (size_t i = 0; i < ROWS; i++) {
        if ((capabilities & table[i].bit) == 0) {
            continue;
        }
        capabilities &= ~table[i].bit;
        append(text, (capabilities & MUSTER_ALL_CAPABILITIES) == 0 ? " and " : ", ", table[i].words);
    }
    return text;
}
