#include "host/lease.h"

#include <errno.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "host/ports.h"
#include "muster/random.h"

#define FIRST_NETWORK 64u /* 127.64 to 127.127: away from 127.0 and what else is used by habit. */
#define NETWORKS 64u
#define TRIES 4096u

/* The name is taken as long as a copy of the descriptor is open; there is no file to be left behind. */
static int bind_name(const char *prefix)
{
    struct sockaddr_un address = { .sun_family = AF_UNIX };
    int length = snprintf(address.sun_path + 1, sizeof address.sun_path - 1, "muster-lease-%s", prefix);
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    socklen_t size = (socklen_t)(offsetof(struct sockaddr_un, sun_path) + 1 + (size_t)length);
    if (fd >= 0 && bind(fd, (struct sockaddr *)&address, size) != 0) {
        int error_number = errno;
        close(fd);
        errno = error_number;
        return -1;
    }
    return fd;
}

enum muster_rc muster__lease_take(int *ret_fd, char prefix[16], struct muster_error *err)
{
    struct muster_random random = muster_random_stream(muster_random_new_seed(), "lease");
    for (unsigned try = 0; try < TRIES; try++) {
        snprintf(prefix, 16, "127.%u.%u.", FIRST_NETWORK + (unsigned)muster_random_below(&random, NETWORKS),
                 (unsigned)muster_random_below(&random, 256));
        int fd = bind_name(prefix);
        if (fd < 0 && errno != EADDRINUSE) {
            return muster_error_errno(err, MUSTER_EINFRA, errno, "cannot lease loopback addresses");
        }
        if (fd >= 0 && muster__ports_listening(prefix, NULL, 0) == 0) {
            *ret_fd = fd;
            return MUSTER_OK;
        }
        if (fd >= 0) {
            close(fd); /* Somebody who knows nothing of leases listens there. */
        }
    }
    return muster_error_set(err, MUSTER_EINFRA,
                            "no free loopback network was found in %u tries; are that many runs going on?",
                            TRIES);
}
