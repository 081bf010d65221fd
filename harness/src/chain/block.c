/* Values of a chain: blocks and submissions. */
#include <stdlib.h>
#include <string.h>

#include "muster/chain.h"
#include "muster/system.h"

void muster_block_fini(struct muster_block *block)
{
    if (block != NULL) {
        free(block->identities);
        block->identities = NULL;
        block->identity_count = 0;
    }
}

enum muster_rc muster_block_add_identity(struct muster_block *block, const char *identity,
                                         struct muster_error *err)
{
    size_t bytes = strnlen(identity, MUSTER_ID_BYTES);
    if (bytes == 0 || bytes == MUSTER_ID_BYTES) {
        return muster_error_set(err, MUSTER_EINVAL, "identity '%.80s' needs 1 to %u characters", identity,
                                MUSTER_ID_BYTES - 1);
    }
    if (block->identity_count == MUSTER_IDENTITIES_MAX) {
        return muster_error_set(err, MUSTER_EINVAL, "a block has at most %u identities",
                                MUSTER_IDENTITIES_MAX);
    }
    /* One more each time: the allocator grows in place, and no capacity has to be kept. */
    struct muster_id *grown = reallocarray(block->identities, block->identity_count + 1, sizeof *grown);
    if (grown == NULL) {
        return muster_error_set(err, MUSTER_ENOMEM, "out of memory");
    }
    block->identities = grown;
    struct muster_id *id = &block->identities[block->identity_count++];
    memset(id, 0, sizeof *id);
    memcpy(id->text, identity, bytes);
    return MUSTER_OK;
}

void muster_submission_fini(struct muster_submission *submission)
{
    if (submission != NULL) {
        muster_request_fini(&submission->request);
        memset(submission, 0, sizeof *submission);
    }
}
