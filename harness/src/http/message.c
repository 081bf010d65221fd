/* The values of an HTTP exchange, as systems fill them: a request and its reply. */
#include <stdlib.h>
#include <string.h>

#include "muster/system.h"

void muster_request_fini(struct muster_request *request)
{
    if (request != NULL) {
        free(request->path);
        free(request->body);
        memset(request, 0, sizeof *request);
    }
}

enum muster_rc muster_request_init(struct muster_request *request, const char *method, const char *path,
                                   const char *body, struct muster_error *err)
{
    struct muster_request made = { .method = method, .path = strdup(path) };
    if (body != NULL) {
        made.body = strdup(body);
    }
    if (made.path == NULL || (body != NULL && made.body == NULL)) {
        muster_request_fini(&made);
        return muster_error_set(err, MUSTER_ENOMEM, "out of memory");
    }
    *request = made;
    return MUSTER_OK;
}

void muster_reply_fini(struct muster_reply *reply)
{
    if (reply != NULL) {
        free(reply->body);
        memset(reply, 0, sizeof *reply);
    }
}
