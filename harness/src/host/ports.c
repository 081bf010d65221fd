#include "host/ports.h"

#include <stdio.h>
#include <string.h>

#define STATE_LISTEN 0x0A

size_t muster__ports_listening(const char *prefix, char *text, size_t size)
{
    FILE *file = fopen("/proc/net/tcp", "re");
    char line[512];
    size_t count = 0;
    size_t used = 0;
    while (file != NULL && fgets(line, sizeof line, file) != NULL) {
        unsigned address; /* In network order: the first byte of the address is the lowest here. */
        unsigned port;
        unsigned state;
        if (sscanf(line, " %*u: %8X:%4X %*8X:%*4X %2X", &address, &port, &state) != 3 ||
            state != STATE_LISTEN) {
            continue;
        }
        char dotted[32];
        snprintf(dotted, sizeof dotted, "%u.%u.%u.%u", address & 255u, (address >> 8) & 255u,
                 (address >> 16) & 255u, address >> 24);
        if (strncmp(dotted, prefix, strlen(prefix)) != 0) {
            continue;
        }
        count++;
        if (used < size) {
            int length = snprintf(text + used, size - used, "%s%s:%u", used == 0 ? "" : ", ", dotted, port);
            used += length > 0 ? (size_t)length : 0;
        }
    }
    if (file != NULL) {
        fclose(file);
    }
    return count;
}
