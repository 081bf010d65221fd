/* The runner's own log, on stderr. It never touches the nodes' logs. */
#ifndef MUSTER_LOG_H
#define MUSTER_LOG_H

#include <stdbool.h>

#include "muster/result.h"

#ifdef __cplusplus
extern "C" {
#endif

enum muster_log_level {
    MUSTER_LOG_OFF,
    MUSTER_LOG_ERROR,
    MUSTER_LOG_WARN,
    MUSTER_LOG_INFO,
    MUSTER_LOG_DEBUG,
    MUSTER_LOG_TRACE,
};

/**
 * Sets which lines are written, by a filter such as "info" or "warn,feed=debug,guardian=trace" (the
 * form of RUST_LOG: a default level, then module=level). Without a call: "warn".
 *
 * @return MUSTER_OK; MUSTER_EINVAL with the part that was not understood, the old filter stays.
 */
MUSTER_MUST_USE enum muster_rc muster_log_configure(const char *filter, struct muster_error *err);

/** Whether a line of this module and level would be written. */
bool muster_log_enabled(const char *module, enum muster_log_level level);

/** Writes one line, whole, in one write(2): time, level, module, text. Any thread. */
void muster_log_write(const char *module, enum muster_log_level level, const char *format, ...)
    MUSTER_PRINTF(3, 4);

/* Each source file names its module: #define MUSTER_LOG_MODULE "feed", before including this file. */
#ifndef MUSTER_LOG_MODULE
#define MUSTER_LOG_MODULE "muster"
#endif
#define muster_log(level, ...)                                                                               \
    do {                                                                                                     \
        if (muster_log_enabled(MUSTER_LOG_MODULE, (level))) {                                                \
            muster_log_write(MUSTER_LOG_MODULE, (level), __VA_ARGS__);                                       \
        }                                                                                                    \
    } while (0)
#define muster_log_error(...) muster_log(MUSTER_LOG_ERROR, __VA_ARGS__)
#define muster_log_warn(...) muster_log(MUSTER_LOG_WARN, __VA_ARGS__)
#define muster_log_info(...) muster_log(MUSTER_LOG_INFO, __VA_ARGS__)
#define muster_log_debug(...) muster_log(MUSTER_LOG_DEBUG, __VA_ARGS__)

#ifdef __cplusplus
}
#endif
#endif
