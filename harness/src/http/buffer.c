/* Text that grows as it arrives. */
#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "http/internal.h"

bool muster__buffer_put(struct muster__buffer *buffer, const char *bytes, size_t count)
{
    assert(buffer->bytes == NULL || buffer->used < buffer->capacity); /* Room for the NUL. */
    if (buffer->bytes == NULL || count >= buffer->capacity - buffer->used) {
        size_t capacity = buffer->capacity < 512 ? 512 : buffer->capacity;
        while (capacity <= buffer->used + count) {
            capacity *= 2;
        }
        char *grown = realloc(buffer->bytes, capacity);
        if (grown == NULL) {
            return false;
        }
        buffer->bytes = grown;
        buffer->capacity = capacity;
    }
    if (count > 0) {
        memcpy(buffer->bytes + buffer->used, bytes, count);
    }
    buffer->used += count;
    buffer->bytes[buffer->used] = '\0';
    return true;
}

void muster__buffer_fini(struct muster__buffer *buffer)
{
    free(buffer->bytes);
    *buffer = (struct muster__buffer){ 0 };
}
