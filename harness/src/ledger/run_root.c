#include "ledger/run_root.h"

#include <stdlib.h>

#include "base/files.h"

enum muster_rc muster__run_root(const struct muster_variables *variables, char root[4096],
                                struct muster_error *err)
{
    const char *temporary = getenv("TMPDIR");
    bool given = muster_variable_is_set(variables, MUSTER_VAR_RUN_ROOT);
    const char *path = given ? muster_variable_text(variables, MUSTER_VAR_RUN_ROOT)
                       : temporary != NULL && temporary[0] == '/' ? temporary
                                                                  : "/tmp";
    return muster__path(root, err, "%s", path);
}
