/* A node that hangs keeps its own requests waiting, and no others; what waits is timed all the same. */
#include <check.h>
#include <semaphore.h>
#include <stdatomic.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>
#include <time.h>

#include "testing/http_fixture.h"

#define REQUESTS_MAX 64u /* Of one node, under way at once. */

/* While what it tells of its requests is still there. */
static void end_engine(void)
{
    muster__http_destroy(tested_http);
    tested_http = NULL;
}

/* The nodes are behind one address, as behind a proxy: only the path tells them apart. */
static void start_hanging(const char *node, unsigned count, uint32_t timeout_ms, muster__http_done done,
                          void *context)
{
    struct muster_endpoint endpoint = test_endpoint(http_server, node);
    struct muster_request request = http_make_request("POST", "/hang", "{}", timeout_ms);
    for (unsigned i = 0; i < count; i++) {
        ck_assert_int_eq(muster__http_start(tested_http, &endpoint, &request, done, context, NULL),
                         MUSTER_OK);
    }
    muster_request_fini(&request);
}

START_TEST(a_hanging_node_behind_the_same_address_holds_up_no_other)
{
    struct http_tally tally = { 0 };
    (void)sem_init(&tally.ended, 0, 0);
    start_hanging("/node-1", 4 * REQUESTS_MAX, 30000, http_count_end, &tally);
    start_hanging("/node-2", 4 * REQUESTS_MAX, 30000, http_count_end, &tally);
    http_check_reply_within("GET", "/echo", NULL, 20000, 200, "GET ");
    ck_assert_uint_le(atomic_load(&http_server->accepted), 2 * REQUESTS_MAX + 1);
    end_engine();
    ck_assert_uint_eq(atomic_load(&tally.stopped), 8 * REQUESTS_MAX);
}
END_TEST

START_TEST(what_waits_for_its_node_ends_in_its_own_time)
{
    struct http_tally tally = { 0 };
    struct muster_reply reply = { 0 };
    struct muster_error err = { 0 };
    struct muster_endpoint endpoint = test_endpoint(http_server, "/node-1");
    struct muster_request request = http_make_request("GET", "/hang", NULL, 200);
    (void)sem_init(&tally.ended, 0, 0);
    start_hanging("/node-1", REQUESTS_MAX, 30000, http_count_end, &tally);
    ck_assert_int_eq(muster__http_perform(tested_http, &endpoint, &request, &reply, &err), MUSTER_ETIMEDOUT);
    ck_assert_msg(
        strstr(err.text, "/node-1/hang: not sent within 0.2 s: the node has not answered those before it") !=
            NULL,
        "%s", err.text);
    ck_assert_uint_eq(atomic_load(&tally.stopped) + atomic_load(&tally.other), 0);
    end_engine();
    muster_request_fini(&request);
}
END_TEST

struct ending {
    sem_t ended;
    char text[MUSTER_ERROR_TEXT_BYTES];
};

static void keep_text(void *context, enum muster_rc rc, struct muster_reply *reply,
                      const struct muster_error *err)
{
    struct ending *ending = context;
    (void)rc;
    (void)reply;
    (void)snprintf(ending->text, sizeof(ending->text), "%s", err == NULL ? "answered" : err->text);
    (void)sem_post(&ending->ended);
}

#define OTHERS_MS 2000u /* Long beside what the engine needs to begin and to end as many. */
#define LAST_MS 4000u

/* The last one is sent when the others ended, and has only the rest of its time left for its answer. */
START_TEST(the_time_spent_waiting_counts)
{
    static struct http_tally tally;
    static struct ending ending;
    struct timespec deadline;
    (void)sem_init(&tally.ended, 0, 0);
    (void)sem_init(&ending.ended, 0, 0);
    start_hanging("/node-1", REQUESTS_MAX, OTHERS_MS, http_count_end, &tally);
    uint64_t began_ms = muster_clock_ms();
    start_hanging("/node-1", 1, LAST_MS, keep_text, &ending);
    http_wait_ends(&tally, REQUESTS_MAX);
    (void)clock_gettime(CLOCK_REALTIME, &deadline);
    deadline.tv_sec += 30;
    ck_assert_int_eq(sem_timedwait(&ending.ended, &deadline), 0);
    ck_assert_uint_lt(muster_clock_ms() - began_ms, OTHERS_MS + LAST_MS);
    ck_assert_msg(strstr(ending.text, "no answer within 4.0 s") != NULL, "%s", ending.text);
}
END_TEST

START_TEST(what_waited_is_sent_once_others_ended)
{
    struct http_tally tally = { 0 };
    struct muster_endpoint endpoint = test_endpoint(http_server, "");
    struct muster_request request = http_make_request("POST", "/echo", "{}", 20000);
    (void)sem_init(&tally.ended, 0, 0);
    start_hanging("", REQUESTS_MAX, 300, http_count_end, &tally);
    for (unsigned i = 0; i < 2 * REQUESTS_MAX; i++) {
        ck_assert_int_eq(muster__http_start(tested_http, &endpoint, &request, http_count_end, &tally, NULL),
                         MUSTER_OK);
    }
    http_wait_ends(&tally, 3 * REQUESTS_MAX);
    ck_assert_uint_eq(atomic_load(&tally.ok), 2 * REQUESTS_MAX);
    ck_assert_uint_eq(atomic_load(&tally.other), REQUESTS_MAX);
    muster_request_fini(&request);
}
END_TEST

/* An engine that may open few descriptors opens few connections, and makes do with them. */
static void make_poor_engine(void)
{
    struct rlimit before;
    ck_assert_int_eq(getrlimit(RLIMIT_NOFILE, &before), 0);
    struct rlimit poor = { .rlim_cur = 16, .rlim_max = before.rlim_max };
    end_engine();
    ck_assert_int_eq(setrlimit(RLIMIT_NOFILE, &poor), 0);
    enum muster_rc rc = muster__http_create(&tested_http, NULL);
    ck_assert_int_eq(setrlimit(RLIMIT_NOFILE, &before), 0);
    ck_assert_int_eq(rc, MUSTER_OK);
}

START_TEST(what_no_connection_is_free_for_ends_in_its_own_time)
{
    struct http_tally tally = { 0 };
    struct muster_reply reply = { 0 };
    struct muster_error err = { 0 };
    (void)sem_init(&tally.ended, 0, 0);
    make_poor_engine();
    start_hanging("/node-1", 8, 30000, http_count_end, &tally);
    ck_assert_int_eq(http_perform("GET", "/echo", NULL, 200, &reply, &err), MUSTER_ETIMEDOUT);
    ck_assert_msg(strstr(err.text, "/echo: not sent within 0.2 s: no connection was free") != NULL, "%s",
                  err.text);
    end_engine();
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("http_lane");
    TCase *cases = tcase_create("http_lane");
    tcase_add_checked_fixture(cases, http_set_up, http_tear_down);
    tcase_set_timeout(cases, 60);
    tcase_add_test(cases, a_hanging_node_behind_the_same_address_holds_up_no_other);
    tcase_add_test(cases, what_waits_for_its_node_ends_in_its_own_time);
    tcase_add_test(cases, the_time_spent_waiting_counts);
    tcase_add_test(cases, what_waited_is_sent_once_others_ended);
    tcase_add_test(cases, what_no_connection_is_free_for_ends_in_its_own_time);
    suite_add_tcase(suite, cases);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_NORMAL);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed == 0 ? 0 : 1;
}
