/* Variables by name: rows of the table, and those that a system outside the tree names for itself. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/variables.h"

#define TEXT_BYTES_MAX 500
#define PATH_BYTES_MAX 3000

static enum muster_rc from_table(const struct muster_variables *variables, enum muster_variable id,
                                 enum muster_variable_type type, const char **ret, struct muster_error *err)
{
    if (muster_variable_info(id)->type != type) {
        return muster_error_set(err, MUSTER_EINVAL, "%s holds no %s; name another variable",
                                muster_variable_info(id)->name, type == MUSTER_TYPE_PATH ? "path" : "text");
    }
    *ret = muster_variable_is_set(variables, id) ? muster_variable_text(variables, id) : "";
    return MUSTER_OK;
}

enum muster_variable muster_variable_find(const char *name)
{
    for (int id = MUSTER_VARIABLE_FIRST; name != NULL && id < MUSTER_VARIABLE_COUNT; id++) {
        if (strcmp(name, muster_variable_info((enum muster_variable)id)->name) == 0) {
            return (enum muster_variable)id;
        }
    }
    return MUSTER_VAR_NONE;
}

enum muster_rc muster_variable_named_text(const struct muster_variables *variables, const char *name,
                                          const char **ret, struct muster_error *err)
{
    enum muster_variable id = muster_variable_find(name);
    if (id != MUSTER_VAR_NONE) {
        return from_table(variables, id, MUSTER_TYPE_TEXT, ret, err);
    }
    const struct muster_variable_info row = { name, MUSTER_TYPE_TEXT, "", 1, TEXT_BYTES_MAX, "" };
    char *checked = NULL;
    *ret = name == NULL ? "" : muster__variables_environment(variables, name);
    enum muster_rc rc = (*ret)[0] == '\0' ? MUSTER_OK : muster__variable_parse(&row, *ret, &checked, err);
    free(checked);
    return rc;
}

enum muster_rc muster_variable_named_path(const struct muster_variables *variables, const char *name,
                                          char path[4096], struct muster_error *err)
{
    enum muster_variable id = muster_variable_find(name);
    const char *known = "";
    path[0] = '\0';
    if (id != MUSTER_VAR_NONE) {
        enum muster_rc rc = from_table(variables, id, MUSTER_TYPE_PATH, &known, err);
        (void)snprintf(path, 4096, "%s", known);
        return rc;
    }
    const struct muster_variable_info row = { name, MUSTER_TYPE_PATH, "", 1, PATH_BYTES_MAX, "" };
    const char *given = name == NULL ? "" : muster__variables_environment(variables, name);
    char *absolute = NULL;
    enum muster_rc rc = given[0] == '\0' ? MUSTER_OK : muster__variable_parse(&row, given, &absolute, err);
    (void)snprintf(path, 4096, "%s", absolute == NULL ? "" : absolute);
    free(absolute);
    return rc;
}
