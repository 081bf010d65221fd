/* The engine against a real server that behaves, and one that does not. */
#include <check.h>
#include <pthread.h>
#include <semaphore.h>
#include <stdatomic.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include "http/http.h"

#include "testing/http_fixture.h"

START_TEST(requests_are_answered_over_one_connection)
{
    http_check_reply("GET", "/echo", NULL, 200, "GET ");
    http_check_reply("POST", "/echo", "{\"a\":1}", 200, "POST {\"a\":1} as json");
    http_check_reply("POST", "/echo", NULL, 200, "POST  as json");
    http_check_reply("GET", "/echo", NULL, 200, "GET ");
    http_check_reply("PUT", "/echo", "x", 200, "PUT x as json");
    http_check_reply("DELETE", "/echo", NULL, 200, "DELETE ");
    http_check_reply("GET", "/empty", NULL, 200, "");
    http_check_reply("GET", "/refused", NULL, 503, "starting");
    http_check_reply("GET", "/redirect", NULL, 302, "");
    ck_assert_uint_eq(atomic_load(&http_server->accepted), 1);
}
END_TEST

/* One after the other, so that all share one handle, which must carry nothing over. */
START_TEST(a_used_handle_serves_another_node)
{
    struct test_server *other = test_server_start(http_handle, NULL);
    for (unsigned i = 0; i < 3; i++) {
        struct muster_reply reply = { 0 };
        struct muster_error err = { 0 };
        struct muster_endpoint endpoint = test_endpoint(other, "");
        struct muster_request request = http_make_request("GET", "/echo", NULL, 20000);
        http_check_reply("POST", "/echo", "[1]", 200, "POST [1] as json");
        ck_assert_int_eq(muster__http_perform(tested_http, &endpoint, &request, &reply, &err), MUSTER_OK);
        ck_assert_str_eq(reply.body, "GET ");
        muster_reply_fini(&reply);
        muster_request_fini(&request);
    }
    ck_assert_uint_eq(atomic_load(&http_server->accepted), 1);
    ck_assert_uint_eq(atomic_load(&other->accepted), 1);
    test_server_stop(other);
}
END_TEST

/* A relative URL is not completed with the one that the handle had before. */
START_TEST(a_url_that_is_none_is_refused)
{
    static const char *const urls[] = { "/echo", "", "http://", "http://a b" };
    for (size_t i = 0; i < 4; i++) {
        struct muster_reply reply = { 0 };
        struct muster_error err = { 0 };
        struct muster_request request = http_make_request("GET", "", NULL, 1000);
        struct muster_endpoint endpoint = { 0 };
        http_check_reply("GET", "/echo", NULL, 200, "GET ");
        (void)snprintf(endpoint.base_url, sizeof(endpoint.base_url), "%s", urls[i]);
        ck_assert_int_eq(muster__http_perform(tested_http, &endpoint, &request, &reply, &err), MUSTER_EHTTP);
        ck_assert_msg(strstr(err.text, "URL") != NULL, "%s", err.text);
        muster_request_fini(&request);
    }
    http_check_reply("GET", "/echo", NULL, 200, "GET ");
}
END_TEST

/* The answer to a POST that is larger than the room made for it. */
START_TEST(a_long_answer_to_a_post_comes_whole)
{
    char body[6000];
    char text[sizeof(body) + 32];
    memset(body, 'x', sizeof(body) - 1);
    body[sizeof(body) - 1] = '\0';
    (void)snprintf(text, sizeof(text), "POST %s as json", body);
    http_check_reply("POST", "/echo", body, 200, text);
    http_check_reply("GET", "/echo", NULL, 200, "GET ");
    http_check_reply("POST", "/echo", "1", 200, "POST 1 as json");
}
END_TEST

START_TEST(a_node_may_close_a_connection_between_two_requests)
{
    for (unsigned i = 1; i <= 4; i++) {
        http_check_reply(i % 2 == 0 ? "GET" : "POST", "/last", i % 2 == 0 ? NULL : "{}", 200, "last");
        ck_assert_uint_eq(atomic_load(&http_server->accepted), i);
    }
    http_check_reply("POST", "/echo", "{}", 200, "POST {} as json");
}
END_TEST

/* It closed while the request was on its way: sent again, whole, over a new connection. */
START_TEST(a_request_that_met_a_dead_connection_is_sent_again)
{
    http_check_reply("GET", "/echo", NULL, 200, "GET ");
    http_check_reply("POST", "/lose-second", "{}", 200, "kept");
    ck_assert_uint_eq(atomic_load(&http_server->accepted), 1);
    http_check_reply("POST", "/lose-second", "{}", 200, "kept");
    ck_assert_uint_eq(atomic_load(&http_server->accepted), 2);
    http_check_reply("POST", "/echo", "[2]", 200, "POST [2] as json");
}
END_TEST

static const struct {
    const char *path;
    uint32_t timeout_ms;
    enum muster_rc rc;
    const char *text;
} bad_answers[] = {
    { "/hang", 200, MUSTER_ETIMEDOUT, "/hang: no answer within 0.2 s" },
    { "/drip", 6000, MUSTER_ETIMEDOUT, "/drip: answer not complete within 6.0 s, " },
    { "/flood", 20000, MUSTER_EHTTP, "/flood: reply larger than 100000 bytes" },
    { "/flood-headers", 20000, MUSTER_EHTTP, "/flood-headers: headers larger than " },
    { "/garbage", 20000, MUSTER_EHTTP, "/garbage: the answer is not HTTP" },
    { "/cut", 20000, MUSTER_EHTTP, "/cut: connection broken off after 9 bytes" },
    { "/close", 20000, MUSTER_EHTTP, "/close: connection closed without an answer" },
};

START_TEST(a_bad_answer_is_a_sentence)
{
    struct muster_reply reply = { 0 };
    struct muster_error err = { 0 };
    enum muster_rc rc =
        http_perform("GET", bad_answers[_i].path, NULL, bad_answers[_i].timeout_ms, &reply, &err);
    ck_assert_int_eq(rc, bad_answers[_i].rc);
    ck_assert_int_eq(err.rc, rc);
    ck_assert_msg(strstr(err.text, bad_answers[_i].text) != NULL, "%s", err.text);
    ck_assert_msg(strncmp(err.text, "GET http://127.0.0.1:", 21) == 0, "%s", err.text);
    ck_assert_ptr_null(reply.body);
    http_check_reply("GET", "/echo", NULL, 200, "GET ");
}
END_TEST

START_TEST(a_refused_connection_says_so)
{
    struct muster_reply reply = { 0 };
    struct muster_error err = { 0 };
    struct muster_request request = http_make_request("GET", "/x", NULL, 1000);
    struct muster_endpoint endpoint = { .base_url = "http://127.0.0.1:1" };
    ck_assert_int_eq(muster__http_perform(tested_http, &endpoint, &request, &reply, &err), MUSTER_EHTTP);
    ck_assert_str_eq(err.text, "GET http://127.0.0.1:1/x: connection refused");
    muster_request_fini(&request);
}
END_TEST

START_TEST(other_protocols_and_files_are_not_served)
{
    static const char *const urls[] = { "file:///etc", "ftp://127.0.0.1", "https://127.0.0.1" };
    for (size_t i = 0; i < 3; i++) {
        struct muster_reply reply = { 0 };
        struct muster_error err = { 0 };
        struct muster_request request = http_make_request("GET", "/hostname", NULL, 1000);
        struct muster_endpoint endpoint = { 0 };
        (void)snprintf(endpoint.base_url, sizeof(endpoint.base_url), "%s", urls[i]);
        ck_assert_int_eq(muster__http_perform(tested_http, &endpoint, &request, &reply, &err), MUSTER_EHTTP);
        muster_request_fini(&request);
    }
}
END_TEST

START_TEST(many_at_once_share_few_connections)
{
    struct http_tally tally = { 0 };
    struct muster_endpoint endpoint = test_endpoint(http_server, "");
    struct muster_request request = http_make_request("POST", "/echo", "[1,2,3]", 20000);
    (void)sem_init(&tally.ended, 0, 0);
    for (unsigned i = 0; i < 2000; i++) {
        ck_assert_int_eq(muster__http_start(tested_http, &endpoint, &request, http_count_end, &tally, NULL),
                         MUSTER_OK);
    }
    http_wait_ends(&tally, 2000);
    ck_assert_uint_eq(atomic_load(&tally.ok), 2000);
    ck_assert_uint_le(atomic_load(&http_server->accepted), 64);
    muster_request_fini(&request);
}
END_TEST

static void *perform_some(void *context)
{
    (void)context;
    for (int i = 0; i < 50; i++) {
        http_check_reply("POST", "/echo", "{}", 200, "POST {} as json");
    }
    return NULL;
}

START_TEST(any_thread_may_ask)
{
    pthread_t threads[8];
    for (size_t i = 0; i < 8; i++) {
        ck_assert_int_eq(pthread_create(&threads[i], NULL, perform_some, NULL), 0);
    }
    for (size_t i = 0; i < 8; i++) {
        ck_assert_int_eq(pthread_join(threads[i], NULL), 0);
    }
}
END_TEST

START_TEST(a_hanging_node_holds_up_no_other)
{
    struct http_tally tally = { 0 };
    struct muster_endpoint endpoint = test_endpoint(http_server, "");
    struct muster_request hanging = http_make_request("GET", "/hang", NULL, 30000);
    (void)sem_init(&tally.ended, 0, 0);
    for (unsigned i = 0; i < 20; i++) {
        ck_assert_int_eq(muster__http_start(tested_http, &endpoint, &hanging, http_count_end, &tally, NULL),
                         MUSTER_OK);
    }
    http_check_reply("GET", "/echo", NULL, 200, "GET ");
    uint64_t began_ms = muster_clock_ms();
    muster__http_destroy(tested_http);
    tested_http = NULL;
    ck_assert_uint_lt(muster_clock_ms() - began_ms, 5000);
    ck_assert_uint_eq(atomic_load(&tally.stopped), 20);
    muster_request_fini(&hanging);
}
END_TEST

struct ticks {
    struct http_tally tally;
    unsigned order[64];
    unsigned count;
    uint64_t at_ms;
};
struct tick {
    struct ticks *ticks;
    unsigned number;
};

static void fire(void *context)
{
    struct tick *tick = context;
    if (muster_clock_ms() >= tick->ticks->at_ms) {
        tick->ticks->order[tick->ticks->count++] = tick->number;
    }
    (void)sem_post(&tick->ticks->tally.ended);
}

/* In the engine's thread, so that none fires before all are set, however slow the machine is. */
static void set_scrambled(void *context)
{
    struct tick *each = context;
    each->ticks->at_ms = muster_clock_ms() + 50;
    for (unsigned i = 0; i < 64; i++) {
        unsigned place = (i * 37) % 64;
        each[i].number = place;
        ck_assert_int_eq(muster__http_timer(tested_http, each->ticks->at_ms + place, fire, &each[i]),
                         MUSTER_OK);
    }
}

START_TEST(timers_fire_in_order_and_not_early)
{
    struct ticks ticks = { .count = 0 };
    struct tick each[64];
    (void)sem_init(&ticks.tally.ended, 0, 0);
    for (unsigned i = 0; i < 64; i++) {
        each[i] = (struct tick){ .ticks = &ticks };
    }
    ck_assert_int_eq(muster__http_timer(tested_http, 0, set_scrambled, each), MUSTER_OK);
    http_wait_ends(&ticks.tally, 64);
    ck_assert_uint_eq(ticks.count, 64);
    for (unsigned i = 0; i < 64; i++) {
        ck_assert_uint_eq(ticks.order[i], i);
    }
}
END_TEST

START_TEST(a_timer_still_to_come_is_dropped)
{
    struct ticks ticks = { .count = 0 };
    struct tick tick = { .ticks = &ticks };
    ck_assert_int_eq(muster__http_timer(tested_http, muster_clock_ms() + 60000, fire, &tick), MUSTER_OK);
    muster__http_destroy(tested_http);
    tested_http = NULL;
    ck_assert_uint_eq(ticks.count, 0);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("http");
    TCase *cases = tcase_create("http");
    tcase_add_checked_fixture(cases, http_set_up, http_tear_down);
    tcase_set_timeout(cases, 60);
    tcase_add_test(cases, requests_are_answered_over_one_connection);
    tcase_add_test(cases, a_used_handle_serves_another_node);
    tcase_add_test(cases, a_url_that_is_none_is_refused);
    tcase_add_test(cases, a_long_answer_to_a_post_comes_whole);
    tcase_add_test(cases, a_node_may_close_a_connection_between_two_requests);
    tcase_add_test(cases, a_request_that_met_a_dead_connection_is_sent_again);
    tcase_add_loop_test(cases, a_bad_answer_is_a_sentence, 0, sizeof(bad_answers) / sizeof(bad_answers[0]));
    tcase_add_test(cases, a_refused_connection_says_so);
    tcase_add_test(cases, other_protocols_and_files_are_not_served);
    tcase_add_test(cases, many_at_once_share_few_connections);
    tcase_add_test(cases, any_thread_may_ask);
    tcase_add_test(cases, a_hanging_node_holds_up_no_other);
    tcase_add_test(cases, timers_fire_in_order_and_not_early);
    tcase_add_test(cases, a_timer_still_to_come_is_dropped);
    suite_add_tcase(suite, cases);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_NORMAL);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed == 0 ? 0 : 1;
}
