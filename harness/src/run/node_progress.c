/* Asking nodes: requests, how far one is, how far all are. */
#include <assert.h>
#include <stdio.h>
#include <stdlib.h>

#include "muster/clock.h"
#include "run/internal.h"

#define POLL_MS_MIN 10u
#define POLL_MS_MAX 250u

static enum muster_rc find_node(struct muster_run *run, uint32_t node, struct muster_endpoint *ret,
                                struct muster_error *err)
{
    if (node >= run->plan->node_count) {
        return muster_error_set(err, MUSTER_EINVAL,
                                "there is no node-%u: the scenario has %u, counted from 0", node,
                                run->plan->node_count);
    }
    return muster__nodes_endpoint(run->nodes, node, ret, err);
}

enum muster_rc muster_node_request(struct muster_run *run, uint32_t node,
                                   const struct muster_request *request, struct muster_reply *reply,
                                   struct muster_error *err)
{
    struct muster_endpoint endpoint;
    enum muster_rc rc = find_node(run, node, &endpoint, err);
    if (rc != MUSTER_OK) {
        return rc;
    }
    struct muster_error cause = { 0 };
    rc = muster__http_perform(run->http, &endpoint, request, reply, &cause);
    if (rc != MUSTER_OK) {
        muster_error_context(&cause, rc, "node-%u", node);
        muster_error_set(err, rc, "%s", cause.text);
    }
    return rc;
}

static enum muster_rc parse_progress(const struct muster_plan *plan, const struct muster_reply *reply,
                                     struct muster_progress *ret, struct muster_error *err)
{
    *ret = (struct muster_progress){ 0 };
    return plan->system->parse_progress(plan->system_state, reply, ret, err);
}

enum muster_rc muster_node_progress(struct muster_run *run, uint32_t node, struct muster_progress *ret,
                                    struct muster_error *err)
{
    struct muster_error cause = { 0 };
    struct muster_request request = { 0 };
    struct muster_reply reply = { 0 };
    enum muster_rc rc = run->plan->system->request_progress(run->plan->system_state, &request, &cause);
    if (rc == MUSTER_OK) {
        rc = muster_node_request(run, node, &request, &reply, &cause);
    }
    if (rc == MUSTER_OK) {
        rc = parse_progress(run->plan, &reply, ret, &cause);
        if (rc != MUSTER_OK) {
            muster_error_context(&cause, rc, "node-%u: %s %s", node, request.method, request.path);
        }
    }
    muster_reply_fini(&reply);
    muster_request_fini(&request);
    return rc == MUSTER_OK ? rc : muster_error_set(err, rc, "%s", cause.text);
}

static enum muster_rc describe_wait(struct muster_run *run, uint32_t node, uint64_t height,
                                    const struct muster_progress *last, const struct muster_error *failing,
                                    uint32_t timeout_ms, struct muster_error *err)
{
    (void)run;
    if (failing->rc != MUSTER_OK) {
        return muster_error_set(err, MUSTER_ETIMEDOUT,
                                "node-%u was not seen at height %llu within %.1f s: %s", node,
                                (unsigned long long)height, (double)timeout_ms / 1000.0, failing->text);
    }
    return muster_error_set(
        err, MUSTER_ETIMEDOUT, "node-%u was at height %llu after %.1f s, not at %llu or above", node,
        (unsigned long long)last->height, (double)timeout_ms / 1000.0, (unsigned long long)height);
}

static uint64_t poll_ms(const struct muster_plan *plan)
{
    uint64_t part_ms = plan->pace_ms / 8;
    return part_ms < POLL_MS_MIN ? POLL_MS_MIN : part_ms > POLL_MS_MAX ? POLL_MS_MAX : part_ms;
}

enum muster_rc muster_node_wait_height(struct muster_run *run, uint32_t node, uint64_t height,
                                       uint32_t timeout_ms, struct muster_error *err)
{
    uint64_t deadline_ms = muster_clock_ms() + timeout_ms;
    uint64_t changes = 0;
    for (;;) {
        struct muster_progress last = { 0 };
        struct muster_error cause = { 0 };
        enum muster_rc rc = muster_node_progress(run, node, &last, &cause);
        if (rc == MUSTER_OK && last.height >= height) {
            return MUSTER_OK;
        }
        if (rc == MUSTER_EINVAL || rc == MUSTER_ENODE || rc == MUSTER_ENOMEM) {
            return muster_error_set(err, rc, "%s", cause.text);
        }
        if (muster__run_failure(run, NULL) != MUSTER_OK) {
            return muster__run_failure(run, err);
        }
        /* A workload's thread is not to outlast the window; a test and an expectation may wait on. */
        if (atomic_load(&run->stopping) && pthread_equal(pthread_self(), run->test_thread) == 0) {
            return MUSTER_ESTOPPED;
        }
        if (muster_clock_left_ms(deadline_ms) == 0) {
            return describe_wait(run, node, height, &last, &cause, timeout_ms, err);
        }
        uint64_t until_ms = muster_clock_ms() + poll_ms(run->plan);
        muster__run_wait(run, until_ms < deadline_ms ? until_ms : deadline_ms, &changes);
    }
}

/* ---- All at once ---- */

/* What one round waits for. The mutex guards all of it. */
struct round {
    pthread_mutex_t mutex;
    pthread_cond_t done;
    uint32_t pending;
};

struct question {
    struct round *round;
    const struct muster_plan *plan;
    struct muster__answer *answer;
};

static void refuse(struct muster__answer *answer, enum muster_rc rc, const char *text)
{
    answer->rc = rc;
    snprintf(answer->text, sizeof answer->text, "%.255s", text);
}

static void take_answer(void *context, enum muster_rc rc, struct muster_reply *reply,
                        const struct muster_error *err)
{
    struct question *question = context;
    struct muster_error cause = { 0 };
    if (rc == MUSTER_OK) {
        rc = parse_progress(question->plan, reply, &question->answer->progress, &cause);
    } else if (err != NULL) {
        cause = *err;
    }
    if (rc == MUSTER_OK) {
        question->answer->rc = MUSTER_OK;
    } else {
        refuse(question->answer, rc, cause.text);
    }
    pthread_mutex_lock(&question->round->mutex);
    if (--question->round->pending == 0) {
        pthread_cond_signal(&question->round->done);
    }
    pthread_mutex_unlock(&question->round->mutex);
}

static void ask(struct muster_run *run, uint32_t node, const struct muster_request *request,
                struct question *question)
{
    struct muster_error cause = { 0 };
    struct muster_endpoint endpoint;
    enum muster_rc rc = muster__nodes_endpoint(run->nodes, node, &endpoint, &cause);
    if (rc == MUSTER_OK) {
        pthread_mutex_lock(&question->round->mutex);
        question->round->pending++;
        pthread_mutex_unlock(&question->round->mutex);
        rc = muster__http_start(run->http, &endpoint, request, take_answer, question, &cause);
        if (rc == MUSTER_OK) {
            return;
        }
        pthread_mutex_lock(&question->round->mutex);
        question->round->pending--;
        pthread_mutex_unlock(&question->round->mutex);
    }
    refuse(question->answer, rc, cause.text);
}

static void ask_all(struct muster_run *run, const struct muster_request *request, struct question *questions,
                    struct muster__answer *answers)
{
    struct round round = { .mutex = PTHREAD_MUTEX_INITIALIZER, .done = PTHREAD_COND_INITIALIZER };
    for (uint32_t i = 0; i < run->plan->node_count; i++) {
        questions[i] = (struct question){ .round = &round, .plan = run->plan, .answer = &answers[i] };
        if (muster__nodes_state(run->nodes, i) == MUSTER_NODE_RUNNING) {
            ask(run, i, request, &questions[i]);
        }
    }
    /* Bounded: the engine ends every request within its own time limit, and calls back exactly once. */
    pthread_mutex_lock(&round.mutex);
    while (round.pending > 0) {
        pthread_cond_wait(&round.done, &round.mutex);
    }
    pthread_mutex_unlock(&round.mutex);
}

void muster__ask_progress(struct muster_run *run, uint32_t timeout_ms, struct muster__answer *answers)
{
    struct muster_error cause = { 0 };
    struct muster_request request = { 0 };
    for (uint32_t i = 0; i < run->plan->node_count; i++) {
        answers[i] = (struct muster__answer){ .rc = MUSTER_ESKIP };
    }
    enum muster_rc rc = run->plan->system->request_progress(run->plan->system_state, &request, &cause);
    assert(run->plan->node_count >= 1);
    struct question *questions = calloc(run->plan->node_count, sizeof *questions);
    if (rc == MUSTER_OK && questions != NULL) {
        request.timeout_ms = timeout_ms;
        ask_all(run, &request, questions, answers);
    } else {
        for (uint32_t i = 0; i < run->plan->node_count; i++) {
            refuse(&answers[i], MUSTER_ENOMEM, "no memory to ask it");
        }
    }
    free(questions);
    muster_request_fini(&request);
}
