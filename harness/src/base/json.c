#include "base/json.h"

#include <stdlib.h>
#include <string.h>

json_t *muster__json_text(const char *text)
{
    json_t *string = json_string(text);
    char *plain = string == NULL ? strdup(text) : NULL;
    if (plain != NULL) {
        for (char *at = plain; *at != '\0'; at++) {
            *at = (unsigned char)*at >= 0x80 ? '?' : *at;
        }
        string = json_string(plain);
        free(plain);
    }
    return string;
}
