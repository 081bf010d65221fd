/* The making of what runners work with; see muster/runner.h. */
#ifndef MUSTER_SRC_DEPLOYMENT_H
#define MUSTER_SRC_DEPLOYMENT_H

#include "guardian/charge.h"
#include "guardian/client.h"
#include "nodes/nodes.h"

struct muster_deployment {
    struct muster_session *session;
    struct muster_guardian_client *guardian;
    struct muster_nodes *nodes;
    uint64_t deployed_wall_ms;
};

/** All borrowed; the deployment is the caller's to destroy. */
MUSTER_MUST_USE enum muster_rc muster__deployment_create(struct muster_session *session,
                                                         struct muster_guardian_client *guardian,
                                                         struct muster_nodes *nodes,
                                                         struct muster_deployment **ret,
                                                         struct muster_error *err);
void muster__deployment_destroy(struct muster_deployment *deployment);

/** Where a run's logs go when the user names a directory for them; "" when not. MUSTER_EINVAL: too long. */
MUSTER_MUST_USE enum muster_rc muster__log_directory(const struct muster_variables *variables,
                                                     const char *run_id, char path[4096],
                                                     struct muster_error *err);

#endif
