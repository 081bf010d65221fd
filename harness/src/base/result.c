/* Result codes in words, and the error that carries the first cause up. */
#include "muster/result.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

/* What stands in for them when the code is analyzed. */
#undef muster_error_set
#undef muster_error_errno
#undef muster_error_context

const char *muster_rc_text(enum muster_rc rc)
{
    switch (rc) {
    case MUSTER_OK:
        return "success";
#define X(name, text)                                                                                        \
    case MUSTER_##name:                                                                                      \
        return text;
        MUSTER_RC_MAP(X)
#undef X
    }
    return "unknown result";
}

const char *muster_rc_name(enum muster_rc rc)
{
    switch (rc) {
    case MUSTER_OK:
        return "MUSTER_OK";
#define X(name, text)                                                                                        \
    case MUSTER_##name:                                                                                      \
        return "MUSTER_" #name;
        MUSTER_RC_MAP(X)
#undef X
    }
    return "MUSTER_UNKNOWN";
}

/* Ends a text that did not fit with "...", so that nobody takes the cut text for all there was. */
static void mark_cut(char text[MUSTER_ERROR_TEXT_BYTES], size_t wanted)
{
    if (wanted >= MUSTER_ERROR_TEXT_BYTES) {
        memcpy(text + MUSTER_ERROR_TEXT_BYTES - 4, "...", 4);
    }
}

/* Appends to what err holds. */
static void append(struct muster_error *err, const char *text)
{
    size_t used = strlen(err->text);
    int bytes = snprintf(err->text + used, sizeof err->text - used, "%s", text);
    mark_cut(err->text, used + (bytes < 0 ? 0 : (size_t)bytes));
}

MUSTER_PRINTF(2, 0)
static void format_text(char text[MUSTER_ERROR_TEXT_BYTES], const char *format, va_list args)
{
    int bytes = vsnprintf(text, MUSTER_ERROR_TEXT_BYTES, format, args);
    mark_cut(text, bytes < 0 ? 0 : (size_t)bytes);
}

enum muster_rc muster_error_set(struct muster_error *err, enum muster_rc rc, const char *format, ...)
{
    if (err == NULL || err->rc != MUSTER_OK) {
        return rc;
    }
    va_list args;
    va_start(args, format);
    format_text(err->text, format, args);
    va_end(args);
    err->rc = rc;
    return rc;
}

enum muster_rc muster_error_errno(struct muster_error *err, enum muster_rc rc, int error_number,
                                  const char *format, ...)
{
    if (err == NULL || err->rc != MUSTER_OK) {
        return rc;
    }
    va_list args;
    va_start(args, format);
    format_text(err->text, format, args);
    va_end(args);
    err->rc = rc;

    char buffer[128];
    append(err, ": ");
    append(err, strerror_r(error_number, buffer, sizeof buffer));
    return rc;
}

enum muster_rc muster_error_context(struct muster_error *err, enum muster_rc rc, const char *format, ...)
{
    if (err == NULL) {
        return rc;
    }
    char cause[MUSTER_ERROR_TEXT_BYTES];
    memcpy(cause, err->text, sizeof cause);
    cause[sizeof cause - 1] = '\0';

    va_list args;
    va_start(args, format);
    format_text(err->text, format, args);
    va_end(args);
    append(err, ": ");
    /* A callee may have failed without a word; its code then has to do. */
    append(err, err->rc != MUSTER_OK ? cause : muster_rc_text(rc));
    if (err->rc == MUSTER_OK) {
        err->rc = rc;
    }
    return rc;
}

void muster_error_clear(struct muster_error *err)
{
    if (err != NULL) {
        err->rc = MUSTER_OK;
        err->text[0] = '\0';
    }
}
