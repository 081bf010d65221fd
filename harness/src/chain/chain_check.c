#include "chain/chain_check.h"

/* Slots of which a chain has both or neither. */
struct pair {
    const char *first;
    bool has_first;
    const char *second;
    bool has_second;
};

static enum muster_rc check_pair(const struct muster_system *system, const struct pair *pair,
                                 struct muster_error *err)
{
    if (pair->has_first == pair->has_second) {
        return MUSTER_OK;
    }
    return muster_error_set(err, MUSTER_EINVAL,
                            "the chain of the system '%s' has %s without %s; give both or neither",
                            system->name, pair->has_first ? pair->first : pair->second,
                            pair->has_first ? pair->second : pair->first);
}

enum muster_rc muster__chain_check(const struct muster_system *system, struct muster_error *err)
{
    const struct muster_chain *chain = system->chain;
    if (chain == NULL) {
        return muster_error_set(
            err, MUSTER_EINVAL,
            "the system '%s' has an observer that follows a chain, but no chain; give it one, or "
            "no observer",
            system->name);
    }
    if (chain->request_block == NULL || chain->parse_block == NULL) {
        return muster_error_set(err, MUSTER_EINVAL,
                                "the chain of the system '%s' has no %s, which every chain needs",
                                system->name, chain->request_block == NULL ? "request_block" : "parse_block");
    }
    const struct pair pairs[] = {
        { "request_stream", chain->request_stream != NULL, "parse_stream_line",
          chain->parse_stream_line != NULL },
        { "build_submission", chain->build_submission != NULL, "parse_submission",
          chain->parse_submission != NULL },
        { "build_submission", chain->build_submission != NULL, "settle_submission",
          chain->settle_submission != NULL },
    };
    for (size_t i = 0; i < sizeof pairs / sizeof pairs[0]; i++) {
        enum muster_rc rc = check_pair(system, &pairs[i], err);
        if (rc != MUSTER_OK) {
            return rc;
        }
    }
    return MUSTER_OK;
}
