#include "kill/complaint.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

void complain(struct complaint *complaint, const char *format, ...)
{
    size_t used = strlen(complaint->text);
    if (used > 0) {
        snprintf(complaint->text + used, sizeof complaint->text - used, "; ");
        used = strlen(complaint->text);
    }
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(complaint->text + used, sizeof complaint->text - used, format, arguments);
    va_end(arguments);
}

bool complained(const struct complaint *complaint)
{
    return complaint->text[0] != '\0';
}
