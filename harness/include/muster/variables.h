/* The environment, read and checked once, at start. variables.def is the one table of it. */
#ifndef MUSTER_VARIABLES_H
#define MUSTER_VARIABLES_H

#include <stdbool.h>
#include <stdint.h>

#include "muster/result.h"

#ifdef __cplusplus
extern "C" {
#endif

enum muster_variable {
    MUSTER_VAR_NONE, /* No variable. Loops over the table begin at MUSTER_VARIABLE_FIRST. */
#define X(id, name, type, fallback, min, max, text) MUSTER_VAR_##id,
#include "muster/variables.def"
#undef X
    MUSTER_VARIABLE_COUNT, /* Rows of the table, and one for MUSTER_VAR_NONE. */
    MUSTER_VARIABLE_FIRST = 1,
};

enum muster_variable_type {
    MUSTER_TYPE_FLAG = 1,
    MUSTER_TYPE_UINT,
    MUSTER_TYPE_NUMBER,
    MUSTER_TYPE_TEXT,
    MUSTER_TYPE_PATH,
    MUSTER_TYPE_LIST,
    MUSTER_TYPE_LEVEL,
};

struct muster_variable_info {
    const char *name;
    enum muster_variable_type type;
    const char *fallback; /* "" where there is none. */
    double min;
    double max;
    const char *text;
};

struct muster_variables; /* Immutable once read; any thread. */

/**
 * Reads and checks every variable of the table.
 *
 * A flag is true for 1, true, yes, on and false for 0, false, no, off or empty, in any case.
 *
 * @param ret  Set on success only; the caller destroys it.
 * @return MUSTER_OK; MUSTER_EINVAL, err names the variable, its value and what is allowed; MUSTER_ENOMEM.
 */
MUSTER_MUST_USE enum muster_rc muster_variables_read(struct muster_variables **ret, struct muster_error *err);
void muster_variables_destroy(struct muster_variables *variables);
MUSTER_DEFINE_CLEANUP(muster_variables_destroy, struct muster_variables *);

/** The row of the table; never NULL. */
const struct muster_variable_info *muster_variable_info(enum muster_variable id);

/** Whether the environment holds it, with a value other than "". */
bool muster_variable_is_set(const struct muster_variables *variables, enum muster_variable id);

/* Values, or the table's default where unset. Each asserts that the type is its own. Text, path, list
 * and level are borrowed from `variables`; "" where unset without a default. A path is absolute. */
bool muster_variable_flag(const struct muster_variables *variables, enum muster_variable id);
uint64_t muster_variable_uint(const struct muster_variables *variables, enum muster_variable id);
double muster_variable_number(const struct muster_variables *variables, enum muster_variable id);
const char *muster_variable_text(const struct muster_variables *variables, enum muster_variable id);

/** Whether the comma-separated list holds `item`; blanks around items do not count. */
bool muster_variable_list_has(const struct muster_variables *variables, enum muster_variable id,
                              const char *item);

/** The row with this name; MUSTER_VAR_NONE where there is none, and for NULL. */
enum muster_variable muster_variable_find(const char *name);

/* Variables that a system names for its program and its image: rows of the table, or names of its own. Those
 * are taken from the environment as it was when `variables` were read, and checked as rows of their type are.
 * "" where unset, and for the name NULL. MUSTER_OK; MUSTER_EINVAL names the variable and what is allowed;
 * MUSTER_ENOMEM. */

/** Borrowed from `variables`. */
MUSTER_MUST_USE enum muster_rc muster_variable_named_text(const struct muster_variables *variables,
                                                          const char *name, const char **ret,
                                                          struct muster_error *err);
/** Writes an absolute path. */
MUSTER_MUST_USE enum muster_rc muster_variable_named_path(const struct muster_variables *variables,
                                                          const char *name, char path[4096],
                                                          struct muster_error *err);

/** What deadlines are multiplied by: SLOW_TEST_ENV (2) times CK_TIMEOUT_MULTIPLIER, but never less than 1. */
double muster_variables_slowdown(const struct muster_variables *variables);

/** The filter for muster_log_configure(): MUSTER_LOG, else RUST_LOG, else the default. Borrowed. */
const char *muster_variables_log_filter(const struct muster_variables *variables);

#ifdef __cplusplus
}
#endif
#endif
