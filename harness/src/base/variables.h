/* What variables_named.c needs of variables.c. */
#ifndef MUSTER_BASE_VARIABLES_H
#define MUSTER_BASE_VARIABLES_H

#include "muster/variables.h"

/** What the environment held for a variable when `variables` were read, whether the table has it or not. ""
 * where it was unset. Borrowed. */
const char *muster__variables_environment(const struct muster_variables *variables, const char *name);

/**
 * Checks a text as a row of type text or path is checked.
 *
 * @param ret  Set on success only; the caller frees it. A path is absolute.
 * @return MUSTER_OK; MUSTER_EINVAL, err names the variable and what is allowed; MUSTER_ENOMEM.
 */
MUSTER_MUST_USE enum muster_rc muster__variable_parse(const struct muster_variable_info *info,
                                                      const char *text, char **ret, struct muster_error *err);

#endif
