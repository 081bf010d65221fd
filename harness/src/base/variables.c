/* The environment, checked against the table in variables.def. */
#include "base/variables.h"

#include <assert.h>
#include <ctype.h>
#include <errno.h>
#include <locale.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <unistd.h>

static const struct muster_variable_info table[MUSTER_VARIABLE_COUNT] = {
#define X(id, name, type, fallback, min, max, text)                                                          \
    [MUSTER_VAR_##id] = { name, MUSTER_TYPE_##type, fallback, min, max, text },
#include "muster/variables.def"
#undef X
};

struct value {
    bool set; /* By the environment. */
    bool flag;
    uint64_t uint;
    double number;
    char *text; /* Text, path, list, level; NULL where there is none. */
};

struct muster_variables {
    struct value values[MUSTER_VARIABLE_COUNT];
    char **environment; /* A copy of it all, for variables that only a system knows. NULL-terminated. */
};

/* What one parser works with. */
struct input {
    const struct muster_variable_info *info;
    const char *text;
    locale_t locale; /* "C": numbers have a point, whatever the program set. */
};

/* A value as error sentences show it: short and free of control characters. */
struct shown {
    char text[72];
};

static struct shown show(const char *value)
{
    struct shown shown;
    (void)snprintf(shown.text, sizeof shown.text, "%.64s%s", value, strlen(value) > 64 ? "..." : "");
    for (char *c = shown.text; *c != '\0'; c++) {
        if ((unsigned char)*c < ' ' || *c == 0x7f) {
            *c = '?';
        }
    }
    return shown;
}

static enum muster_rc refuse(const struct input *input, const char *remedy, struct muster_error *err)
{
    return muster_error_set(err, MUSTER_EINVAL, "%s is '%s'; use %s", input->info->name,
                            show(input->text).text, remedy);
}

static enum muster_rc parse_flag(const struct input *input, struct value *ret, struct muster_error *err)
{
    static const char *const yes[] = { "1", "true", "yes", "on" };
    static const char *const no[] = { "0", "false", "no", "off" };
    for (size_t i = 0; i < sizeof yes / sizeof yes[0]; i++) {
        if (strcasecmp(input->text, yes[i]) == 0) {
            ret->flag = true;
            return MUSTER_OK;
        }
        if (strcasecmp(input->text, no[i]) == 0) {
            ret->flag = false;
            return MUSTER_OK;
        }
    }
    return refuse(input, "1, true, yes or on, or 0, false, no, off or empty", err);
}

static enum muster_rc parse_uint(const struct input *input, struct value *ret, struct muster_error *err)
{
    const char *text = input->text;
    char *end = NULL;
    errno = 0;
    unsigned long long value = strtoull(text, &end, 10);
    /* strtoull() itself would take blanks and signs. */
    bool whole = strspn(text, "0123456789") == strlen(text) && *end == '\0' && errno == 0;
    /* 2^64 as a maximum admits every value. */
    if (whole && (double)value >= input->info->min && (double)value <= input->info->max) {
        ret->uint = value;
        return MUSTER_OK;
    }
    unsigned long long max = input->info->max < 0x1p64 ? (unsigned long long)input->info->max : UINT64_MAX;
    char remedy[96];
    (void)snprintf(remedy, sizeof remedy, "a whole number from %.0f to %llu", input->info->min, max);
    return refuse(input, remedy, err);
}

static enum muster_rc parse_number(const struct input *input, struct value *ret, struct muster_error *err)
{
    const char *text = input->text;
    char *end = NULL;
    double value = strtod_l(text, &end, input->locale);
    /* strtod() itself would take blanks, hexadecimal, "inf" and "nan". */
    bool decimal = strspn(text, "0123456789.eE+-") == strlen(text) && end != text && *end == '\0';
    if (decimal && value >= input->info->min && value <= input->info->max) {
        ret->number = value;
        return MUSTER_OK;
    }
    char remedy[96];
    (void)snprintf(remedy, sizeof remedy, "a number from %g to %g", input->info->min, input->info->max);
    return refuse(input, remedy, err);
}

static enum muster_rc keep(const char *text, struct value *ret, struct muster_error *err)
{
    ret->text = strdup(text);
    return ret->text != NULL ? MUSTER_OK : muster_error_set(err, MUSTER_ENOMEM, "out of memory");
}

static enum muster_rc check_text(const struct input *input, struct muster_error *err)
{
    size_t bytes = strlen(input->text);
    if ((double)bytes < input->info->min || (double)bytes > input->info->max) {
        return muster_error_set(err, MUSTER_EINVAL, "%s is '%s', %zu bytes long; use %.0f to %.0f bytes",
                                input->info->name, show(input->text).text, bytes, input->info->min,
                                input->info->max);
    }
    for (const char *c = input->text; *c != '\0'; c++) {
        if ((unsigned char)*c < ' ' || *c == 0x7f) {
            return refuse(input, "a value without control characters", err);
        }
    }
    return MUSTER_OK;
}

static enum muster_rc parse_text(const struct input *input, struct value *ret, struct muster_error *err)
{
    enum muster_rc rc = check_text(input, err);
    return rc == MUSTER_OK ? keep(input->text, ret, err) : rc;
}

/* Absolute, because nodes and the guardian work in other directories. */
static enum muster_rc parse_path(const struct input *input, struct value *ret, struct muster_error *err)
{
    enum muster_rc rc = check_text(input, err);
    if (rc != MUSTER_OK) {
        return rc;
    }
    if (input->text[0] == '/') {
        return keep(input->text, ret, err);
    }
    char *here = getcwd(NULL, 0);
    if (here == NULL) {
        return muster_error_errno(
            err, MUSTER_EINVAL, errno,
            "%s is '%s'; use an absolute path, since the current directory is not known", input->info->name,
            show(input->text).text);
    }
    if (asprintf(&ret->text, "%s/%s", strcmp(here, "/") == 0 ? "" : here, input->text) < 0) {
        ret->text = NULL;
        rc = muster_error_set(err, MUSTER_ENOMEM, "out of memory");
    } else if ((double)strlen(ret->text) > input->info->max) {
        rc = muster_error_set(err, MUSTER_EINVAL,
                              "%s is '%s', which is longer than %.0f bytes below '%.200s'; "
                              "use a shorter path",
                              input->info->name, show(input->text).text, input->info->max, here);
    }
    free(here);
    return rc;
}

static enum muster_rc parse_level(const struct input *input, struct value *ret, struct muster_error *err)
{
    static const char *const levels[] = { "trace", "debug", "info", "warn", "error" };
    for (size_t i = 0; i < sizeof levels / sizeof levels[0]; i++) {
        if (strcasecmp(input->text, levels[i]) == 0) {
            return keep(levels[i], ret, err);
        }
    }
    return refuse(input, "trace, debug, info, warn or error", err);
}

static enum muster_rc parse(const struct input *input, struct value *ret, struct muster_error *err)
{
    switch (input->info->type) {
    case MUSTER_TYPE_FLAG:
        return parse_flag(input, ret, err);
    case MUSTER_TYPE_UINT:
        return parse_uint(input, ret, err);
    case MUSTER_TYPE_NUMBER:
        return parse_number(input, ret, err);
    case MUSTER_TYPE_TEXT:
    case MUSTER_TYPE_LIST:
        return parse_text(input, ret, err);
    case MUSTER_TYPE_PATH:
        return parse_path(input, ret, err);
    case MUSTER_TYPE_LEVEL:
        return parse_level(input, ret, err);
    }
    return muster_error_set(err, MUSTER_EINVAL, "%s has an unknown type", input->info->name);
}

/* Empty is unset, but for a flag, where it means false also if the default is true. */
static enum muster_rc read_one(struct input *input, struct value *ret, struct muster_error *err)
{
    const char *given = getenv(input->info->name);
    if (given != NULL && given[0] == '\0' && input->info->type == MUSTER_TYPE_FLAG) {
        return MUSTER_OK;
    }
    ret->set = given != NULL && given[0] != '\0';
    input->text = ret->set ? given : input->info->fallback;
    return input->text[0] != '\0' ? parse(input, ret, err) : MUSTER_OK;
}

static void free_environment(char **environment)
{
    for (char **at = environment; at != NULL && *at != NULL; at++) {
        free(*at);
    }
    free(environment);
}

static char **copy_environment(void)
{
    size_t count = 0;
    while (environ[count] != NULL) {
        count++;
    }
    char **copy = calloc(count + 1, sizeof *copy);
    for (size_t i = 0; copy != NULL && i < count; i++) {
        copy[i] = strdup(environ[i]);
        if (copy[i] == NULL) {
            free_environment(copy);
            return NULL;
        }
    }
    return copy;
}

enum muster_rc muster_variables_read(struct muster_variables **ret, struct muster_error *err)
{
    struct muster_variables *variables = calloc(1, sizeof *variables);
    locale_t locale = newlocale(LC_ALL_MASK, "C", (locale_t)0);
    enum muster_rc rc = MUSTER_OK;
    if (variables != NULL) {
        variables->environment = copy_environment();
    }
    if (variables == NULL || variables->environment == NULL || locale == (locale_t)0) {
        rc = muster_error_set(err, MUSTER_ENOMEM, "out of memory");
    }
    for (size_t i = MUSTER_VARIABLE_FIRST; rc == MUSTER_OK && i < MUSTER_VARIABLE_COUNT; i++) {
        struct input input = { .info = &table[i], .locale = locale };
        rc = read_one(&input, &variables->values[i], err);
    }
    if (locale != (locale_t)0) {
        freelocale(locale);
    }
    if (rc != MUSTER_OK) {
        muster_variables_destroy(variables);
        return rc;
    }
    *ret = variables;
    return MUSTER_OK;
}

void muster_variables_destroy(struct muster_variables *variables)
{
    if (variables == NULL) {
        return;
    }
    for (size_t i = MUSTER_VARIABLE_FIRST; i < MUSTER_VARIABLE_COUNT; i++) {
        free(variables->values[i].text);
    }
    free_environment(variables->environment);
    free(variables);
}

const char *muster__variables_environment(const struct muster_variables *variables, const char *name)
{
    size_t bytes = strlen(name);
    for (char **at = variables->environment; *at != NULL; at++) {
        if (strncmp(*at, name, bytes) == 0 && (*at)[bytes] == '=') {
            return *at + bytes + 1;
        }
    }
    return "";
}

enum muster_rc muster__variable_parse(const struct muster_variable_info *info, const char *text, char **ret,
                                      struct muster_error *err)
{
    assert(info->type == MUSTER_TYPE_TEXT || info->type == MUSTER_TYPE_PATH);
    const struct input input = { .info = info, .text = text };
    struct value value = { 0 };
    enum muster_rc rc = parse(&input, &value, err);
    if (rc != MUSTER_OK) {
        free(value.text);
        return rc;
    }
    *ret = value.text;
    return MUSTER_OK;
}

const struct muster_variable_info *muster_variable_info(enum muster_variable id)
{
    assert(id > MUSTER_VAR_NONE && (unsigned)id < MUSTER_VARIABLE_COUNT);
    return &table[id];
}

bool muster_variable_is_set(const struct muster_variables *variables, enum muster_variable id)
{
    assert(id > MUSTER_VAR_NONE && (unsigned)id < MUSTER_VARIABLE_COUNT);
    return variables->values[id].set;
}

bool muster_variable_flag(const struct muster_variables *variables, enum muster_variable id)
{
    assert(muster_variable_info(id)->type == MUSTER_TYPE_FLAG);
    return variables->values[id].flag;
}

uint64_t muster_variable_uint(const struct muster_variables *variables, enum muster_variable id)
{
    assert(muster_variable_info(id)->type == MUSTER_TYPE_UINT);
    return variables->values[id].uint;
}

double muster_variable_number(const struct muster_variables *variables, enum muster_variable id)
{
    assert(muster_variable_info(id)->type == MUSTER_TYPE_NUMBER);
    return variables->values[id].number;
}

const char *muster_variable_text(const struct muster_variables *variables, enum muster_variable id)
{
    assert(muster_variable_info(id)->type >= MUSTER_TYPE_TEXT);
    return variables->values[id].text != NULL ? variables->values[id].text : "";
}

bool muster_variable_list_has(const struct muster_variables *variables, enum muster_variable id,
                              const char *item)
{
    assert(muster_variable_info(id)->type == MUSTER_TYPE_LIST);
    size_t wanted = strlen(item);
    for (const char *rest = muster_variable_text(variables, id); *rest != '\0';) {
        size_t bytes = strcspn(rest, ",");
        const char *part = rest;
        rest += bytes + (rest[bytes] == ',' ? 1 : 0);
        for (; bytes > 0 && isspace((unsigned char)*part); bytes--) {
            part++;
        }
        while (bytes > 0 && isspace((unsigned char)part[bytes - 1])) {
            bytes--;
        }
        if (bytes == wanted && bytes > 0 && memcmp(part, item, bytes) == 0) {
            return true;
        }
    }
    return false;
}

double muster_variables_slowdown(const struct muster_variables *variables)
{
    double factor = muster_variable_flag(variables, MUSTER_VAR_SLOW_TEST_ENV) ? 2.0 : 1.0;
    return fmax(1.0, factor * muster_variable_number(variables, MUSTER_VAR_TIMEOUT_MULTIPLIER));
}

const char *muster_variables_log_filter(const struct muster_variables *variables)
{
    enum muster_variable id =
        muster_variable_is_set(variables, MUSTER_VAR_LOG_ALIAS) ? MUSTER_VAR_LOG_ALIAS : MUSTER_VAR_LOG;
    return muster_variable_text(variables, id);
}
