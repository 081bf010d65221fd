/* The program under test: GET /count says how many POSTs there were. "counter HOST PORT" */
#define _POSIX_C_SOURCE 200809L
#include <arpa/inet.h>
#include <microhttpd.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static unsigned long count;

/* With this in its environment it forgets every third: how its suite is shown to notice. */
static bool forgets(void)
{
    static unsigned long posts;
    return getenv("COUNTER_FORGETS") != NULL && ++posts % 3 == 0;
}

static enum MHD_Result answer(void *context, struct MHD_Connection *connection, const char *url,
                              const char *method, const char *version, const char *body, size_t *body_bytes,
                              void **request)
{
    char text[32];
    (void)context, (void)url, (void)version, (void)body;
    if (*request == NULL || *body_bytes > 0) { /* Called once more when all has arrived. */
        *request = &count;
        *body_bytes = 0;
        return MHD_YES;
    }
    if (strcmp(method, "POST") == 0 && !forgets()) {
        count++;
    }
    int length = snprintf(text, sizeof text, "%lu", count);
    struct MHD_Response *response =
        MHD_create_response_from_buffer((size_t)length, text, MHD_RESPMEM_MUST_COPY);
    enum MHD_Result queued = MHD_queue_response(connection, MHD_HTTP_OK, response);
    MHD_destroy_response(response);
    return queued;
}

int main(int argc, char **argv)
{
    struct sockaddr_in address = { .sin_family = AF_INET };
    sigset_t stop;
    int signal_number = 0;
    sigemptyset(&stop);
    sigaddset(&stop, SIGTERM);
    sigprocmask(SIG_BLOCK, &stop, NULL);
    if (argc != 3 || inet_pton(AF_INET, argv[1], &address.sin_addr) != 1) {
        fprintf(stderr, "usage: counter HOST PORT\n");
        return EXIT_FAILURE;
    }
    address.sin_port = htons((uint16_t)strtoul(argv[2], NULL, 10));
    struct MHD_Daemon *daemon = MHD_start_daemon(MHD_USE_INTERNAL_POLLING_THREAD, 0, NULL, NULL, answer, NULL,
                                                 MHD_OPTION_SOCK_ADDR, &address, MHD_OPTION_END);
    if (daemon == NULL) {
        perror("counter: cannot listen");
        return EXIT_FAILURE;
    }
    sigwait(&stop, &signal_number);
    MHD_stop_daemon(daemon);
    return EXIT_SUCCESS;
}
