/* Which container image a system's nodes are started from. */
#include "muster/runner.h"

enum muster_rc muster_image_find(const struct muster_system *system, const struct muster_variables *variables,
                                 const char **ret, struct muster_error *err)
{
    if (system->image == NULL) {
        return muster_error_set(
            err, MUSTER_EINVAL,
            "the system '%s' has no container image; run it where nodes are processes, as with "
            "MUSTER_RUNNER=local",
            system->name);
    }
    const char *named = "";
    enum muster_rc rc = muster_variable_named_text(variables, system->image_variable, &named, err);
    if (rc == MUSTER_OK) {
        *ret = named[0] != '\0' ? named : system->image;
    }
    return rc;
}
