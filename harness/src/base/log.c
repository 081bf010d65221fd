/* The runner's own log. */
#include "muster/log.h"

#include <ctype.h>
#include <errno.h>
#include <pthread.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>
#include <unistd.h>

#include "muster/clock.h"

#define RULES_MAX 32
#define MODULE_BYTES 64
#define LINE_BYTES 8192

/* One module=level. */
struct rule {
    char module[MODULE_BYTES];
    enum muster_log_level level;
};

struct filter {
    enum muster_log_level level; /* Of modules that no rule names. */
    size_t rule_count;
    struct rule rules[RULES_MAX];
};

static pthread_mutex_t filter_lock = PTHREAD_MUTEX_INITIALIZER;
static struct filter current = { .level = MUSTER_LOG_WARN };
/* The most that any module may write, so that silent lines cost one load and no lock. */
static atomic_int loudest = MUSTER_LOG_WARN;

static const char *const level_names[] = {
    [MUSTER_LOG_OFF] = "OFF",   [MUSTER_LOG_ERROR] = "ERROR", [MUSTER_LOG_WARN] = "WARN",
    [MUSTER_LOG_INFO] = "INFO", [MUSTER_LOG_DEBUG] = "DEBUG", [MUSTER_LOG_TRACE] = "TRACE",
};

static bool parse_level(const char *text, size_t bytes, enum muster_log_level *ret)
{
    for (int level = MUSTER_LOG_OFF; level <= MUSTER_LOG_TRACE; level++) {
        if (strlen(level_names[level]) == bytes && strncasecmp(level_names[level], text, bytes) == 0) {
            *ret = (enum muster_log_level)level;
            return true;
        }
    }
    return false;
}

/* Module names are those of RUST_LOG, such as "feed" or "my_crate::mod". */
static bool parse_module(const char *text, size_t bytes, char module[MODULE_BYTES])
{
    if (bytes == 0 || bytes >= MODULE_BYTES) {
        return false;
    }
    for (size_t i = 0; i < bytes; i++) {
        if (!isalnum((unsigned char)text[i]) && strchr("_:.-", text[i]) == NULL) {
            return false;
        }
    }
    memcpy(module, text, bytes);
    module[bytes] = '\0';
    return true;
}

/* Takes blanks off both ends. */
static void trim(const char **text, size_t *bytes)
{
    while (*bytes > 0 && isspace((unsigned char)**text)) {
        (*text)++;
        (*bytes)--;
    }
    while (*bytes > 0 && isspace((unsigned char)(*text)[*bytes - 1])) {
        (*bytes)--;
    }
}

/* One part between commas: "level" or "module=level". */
static bool parse_part(const char *part, size_t bytes, struct filter *filter)
{
    const char *equals = memchr(part, '=', bytes);
    if (equals == NULL) {
        return parse_level(part, bytes, &filter->level);
    }
    const char *module = part;
    const char *level = equals + 1;
    size_t module_bytes = (size_t)(equals - part);
    size_t level_bytes = bytes - module_bytes - 1;
    trim(&module, &module_bytes);
    trim(&level, &level_bytes);
    struct rule rule = { .level = MUSTER_LOG_OFF };
    if (!parse_module(module, module_bytes, rule.module) || !parse_level(level, level_bytes, &rule.level)) {
        return false;
    }
    if (filter->rule_count < RULES_MAX) {
        filter->rules[filter->rule_count] = rule;
    }
    filter->rule_count++;
    return true;
}

static enum muster_rc parse_filter(const char *text, struct filter *filter, struct muster_error *err)
{
    for (const char *rest = text; rest != NULL;) {
        size_t bytes = strcspn(rest, ",");
        const char *part = rest;
        rest = rest[bytes] == ',' ? rest + bytes + 1 : NULL;
        trim(&part, &bytes);
        if (bytes > 0 && !parse_part(part, bytes, filter)) {
            return muster_error_set(err, MUSTER_EINVAL,
                                    "log filter part '%.*s' is not understood; use off, error, warn, info, "
                                    "debug or trace, or module=level",
                                    bytes < 80 ? (int)bytes : 80, part);
        }
    }
    if (filter->rule_count > RULES_MAX) {
        return muster_error_set(err, MUSTER_EINVAL, "log filter names %zu modules; it may name at most %d",
                                filter->rule_count, RULES_MAX);
    }
    return MUSTER_OK;
}

static enum muster_log_level loudest_of(const struct filter *filter)
{
    enum muster_log_level level = filter->level;
    for (size_t i = 0; i < filter->rule_count; i++) {
        if (filter->rules[i].level > level) {
            level = filter->rules[i].level;
        }
    }
    return level;
}

enum muster_rc muster_log_configure(const char *filter, struct muster_error *err)
{
    struct filter parsed = { .level = MUSTER_LOG_WARN };
    enum muster_rc rc = parse_filter(filter, &parsed, err);
    if (rc != MUSTER_OK) {
        return rc;
    }
    pthread_mutex_lock(&filter_lock);
    current = parsed;
    atomic_store(&loudest, (int)loudest_of(&parsed));
    pthread_mutex_unlock(&filter_lock);
    return MUSTER_OK;
}

/* A rule holds for its module and, as in RUST_LOG, for all that lies below it ("a" for "a::b"). */
static bool covers(const struct rule *rule, const char *module)
{
    size_t bytes = strlen(rule->module);
    return strncmp(rule->module, module, bytes) == 0 &&
           (module[bytes] == '\0' || strncmp(module + bytes, "::", 2) == 0);
}

static enum muster_log_level level_of(const struct filter *filter, const char *module)
{
    enum muster_log_level level = filter->level;
    size_t longest = 0;
    for (size_t i = 0; i < filter->rule_count; i++) {
        size_t bytes = strlen(filter->rules[i].module);
        if (bytes >= longest && covers(&filter->rules[i], module)) {
            longest = bytes;
            level = filter->rules[i].level;
        }
    }
    return level;
}

bool muster_log_enabled(const char *module, enum muster_log_level level)
{
    if (level == MUSTER_LOG_OFF || (int)level > atomic_load_explicit(&loudest, memory_order_relaxed)) {
        return false;
    }
    pthread_mutex_lock(&filter_lock);
    enum muster_log_level allowed = level_of(&current, module);
    pthread_mutex_unlock(&filter_lock);
    return level <= allowed;
}

static const char *name_of(enum muster_log_level level)
{
    return level >= MUSTER_LOG_OFF && level <= MUSTER_LOG_TRACE ? level_names[level] : "?";
}

/* What snprintf() put into a buffer of this size, given what it wanted to. */
static size_t written(int wanted, size_t size)
{
    if (wanted < 0) {
        return 0;
    }
    return (size_t)wanted < size ? (size_t)wanted : size - 1;
}

/* Control characters become blanks: a line stays one line, and a terminal does as it did before. */
static void flatten(char *text, size_t bytes)
{
    for (size_t i = 0; i < bytes; i++) {
        if ((unsigned char)text[i] < ' ' || text[i] == 0x7f) {
            text[i] = ' ';
        }
    }
}

void muster_log_write(const char *module, enum muster_log_level level, const char *format, ...)
{
    int saved = errno;
    char time[MUSTER_TIMESTAMP_BYTES];
    char line[LINE_BYTES];
    size_t room = sizeof line - 1; /* One byte stays for the newline. */
    int wanted = snprintf(line, room, "%s %-5s %s: ", muster_clock_format(muster_clock_wall_ms(), time),
                          name_of(level), module);
    size_t used = written(wanted, room);

    va_list args;
    va_start(args, format);
    wanted = vsnprintf(line + used, room - used, format, args);
    va_end(args);
    bool cut = wanted >= 0 && (size_t)wanted >= room - used;
    used += written(wanted, room - used);
    if (cut) {
        memcpy(line + used - 3, "...", 3);
    }

    flatten(line, used);
    line[used++] = '\n';
    while (write(STDERR_FILENO, line, used) < 0 && errno == EINTR) {
    }
    errno = saved;
}
