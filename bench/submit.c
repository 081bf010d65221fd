/* The engine's submission rate, beside wrk's with as many connections against the same server. */
#include <semaphore.h>
#include <stdatomic.h>
#include <stdio.h>
#include <time.h>

#include "bench.h"
#include "http/http.h"
#include "muster/chain.h"
#include "muster/clock.h"

#define WARM_UP_MS 500
#define MEASURE_MS 3000

/* Keeps so many requests under way: each answer starts the next one. */
struct load {
    struct muster_http *http;
    struct muster_endpoint endpoint;
    const struct muster_request *request;
    atomic_ulong answered;
    atomic_ulong failed;
    atomic_bool stopping;
    sem_t ended; /* Once for each of the requests kept under way. */
};

static void start_one(struct load *load);

static void on_answer(void *context, enum muster_rc rc, struct muster_reply *reply,
                      const struct muster_error *err)
{
    struct load *load = context;
    (void)err;
    if (rc == MUSTER_OK && reply->status == 200) {
        atomic_fetch_add(&load->answered, 1);
    } else {
        atomic_fetch_add(&load->failed, 1);
    }
    start_one(load);
}

static void start_one(struct load *load)
{
    if (atomic_load(&load->stopping) ||
        muster__http_start(load->http, &load->endpoint, load->request, on_answer, load, NULL) != MUSTER_OK) {
        sem_post(&load->ended);
    }
}

static void pause_ms(int ms)
{
    nanosleep(&(struct timespec){ .tv_sec = ms / 1000, .tv_nsec = ms % 1000 * 1000000L }, NULL);
}

static double measure_rate(struct load *load, unsigned connections)
{
    for (unsigned i = 0; i < connections; i++) {
        start_one(load);
    }
    pause_ms(WARM_UP_MS);
    unsigned long before = atomic_load(&load->answered);
    uint64_t began_us = muster_clock_us();
    pause_ms(MEASURE_MS);
    unsigned long answered = atomic_load(&load->answered) - before;
    double seconds = (double)(muster_clock_us() - began_us) / 1e6;
    atomic_store(&load->stopping, true);
    for (unsigned i = 0; i < connections; i++) {
        sem_wait(&load->ended);
    }
    return (double)answered / seconds;
}

static enum muster_rc measure_engine(const struct bench_server *server, const struct muster_request *request,
                                     unsigned connections, double *ret, struct muster_error *err)
{
    struct load load = { .request = request };
    snprintf(load.endpoint.base_url, sizeof load.endpoint.base_url, "http://127.0.0.1:%u", server->port);
    sem_init(&load.ended, 0, 0);
    enum muster_rc rc = muster__http_create(&load.http, err);
    if (rc == MUSTER_OK) {
        *ret = measure_rate(&load, connections);
        muster__http_destroy(load.http);
    }
    sem_destroy(&load.ended);
    if (rc == MUSTER_OK && atomic_load(&load.failed) > 0) {
        rc = muster_error_set(err, MUSTER_EHTTP, "%lu requests failed", atomic_load(&load.failed));
    }
    return rc;
}

static void print(unsigned connections, struct bench_sample *ours, struct bench_sample *wrk)
{
    char label[96];
    char figure[64];
    char floor[64] = "wrk is not installed";
    char note[96] = "";
    snprintf(label, sizeof label, "submissions a second, %u connections", connections);
    if (wrk->count > 0) {
        snprintf(note, sizeof note, "%.2f × wrk (aim: 0.5)",
                 bench_sample_quantile(ours, 0.5) / bench_sample_quantile(wrk, 0.5));
        bench_sample_text(wrk, 0, floor);
    }
    bench_row(label, bench_sample_text(ours, 0, figure), floor, note);
}

static enum muster_rc compare(const struct bench *bench, const struct bench_server *server,
                              const struct muster_request *request, unsigned connections,
                              struct muster_error *err)
{
    struct bench_sample ours = { .count = 0 };
    struct bench_sample wrk = { .count = 0 };
    enum muster_rc rc = MUSTER_OK;
    for (uint32_t i = 0; rc == MUSTER_OK && i < bench->runs; i++) {
        double rate = 0;
        rc = bench_wrk(server, request->path, request->body, connections, &rate, err);
        if (rc == MUSTER_OK) {
            bench_sample_add(&wrk, rate);
        } else if (rc == MUSTER_ESKIP) {
            muster_error_clear(err);
        } else {
            return rc;
        }
        rc = measure_engine(server, request, connections, &rate, err);
        bench_sample_add(&ours, rate);
    }
    if (rc == MUSTER_OK) {
        print(connections, &ours, &wrk);
    }
    return rc;
}

enum muster_rc bench_submit(const struct bench *bench, struct muster_error *err)
{
    static const unsigned connections[] = { 16, 64 };
    MUSTER_CLEANUP(muster_plan_destroy) struct muster_plan *plan = NULL;
    struct muster_submission submission = { .wallet = 0 };
    struct bench_server server = { .pid = 0 };
    enum muster_rc rc = bench_plan_build(bench, &(struct bench_plan){ .nodes = 1, .wallets = 1 }, &plan, err);
    if (rc == MUSTER_OK) { /* A real transaction, so that the bodies are of real size. */
        rc = plan->system->chain->build_submission(plan->system_state, 0, &submission, err);
    }
    if (rc == MUSTER_OK) {
        rc = bench_server_start(&server, err);
    }
    for (size_t i = 0; rc == MUSTER_OK && i < sizeof connections / sizeof connections[0]; i++) {
        rc = compare(bench, &server, &submission.request, connections[i], err);
    }
    bench_server_stop(&server);
    if (submission.request.path != NULL) {
        plan->system->chain->settle_submission(plan->system_state, &submission, false);
    }
    muster_submission_fini(&submission);
    return rc;
}
