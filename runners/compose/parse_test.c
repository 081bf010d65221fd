#include "compose/parse.h"

#include <check.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>

static const char running[] =
    "{\"name\":\"/muster-7c41f09a2b-node-0\",\"state\":{\"Status\":\"running\",\"Running\":true,\"Paused\":"
    "false,\"OOMKilled\":false,\"Pid\":3660,\"ExitCode\":0,\"Error\":\"\"},\"ports\":{\"18080/"
    "tcp\":[{\"HostIp\":"
    "\"127.0.0.1\",\"HostPort\":\"32768\"}]}}";
static const char died[] = "{\"status\":\"die\",\"id\":\"a3b6\",\"Type\":\"container\",\"Action\":\"die\","
                           "\"Actor\":{\"ID\":\"a3b6\","
                           "\"Attributes\":{\"exitCode\":\"137\",\"muster.run\":\"7c41f09a2b\",\"name\":"
                           "\"muster-7c41f09a2b-node-2\"}},"
                           "\"time\":1795389006}";

static enum muster_rc read_state(const char *line, struct compose_state *state)
{
    return compose__read_state(line, strlen(line), 18080, state, NULL);
}

START_TEST(a_running_container_has_its_port)
{
    struct compose_state state;
    ck_assert_int_eq(read_state(running, &state), MUSTER_OK);
    ck_assert_str_eq(state.name, "muster-7c41f09a2b-node-0");
    ck_assert_str_eq(state.status, "running");
    ck_assert(state.running);
    ck_assert_uint_eq(state.port, 32768);
}
END_TEST

START_TEST(ports_of_every_shape)
{
    static const struct {
        const char *ports;
        unsigned port;
    } cases[] = {
        { "null", 0 },
        { "{}", 0 },
        { "[]", 0 },
        { "\"18080/tcp\"", 0 },
        { "{\"18080/tcp\":null}", 0 },
        { "{\"18080/tcp\":[]}", 0 },
        { "{\"18080/tcp\":{}}", 0 },
        { "{\"18080/tcp\":[1,null,[],{}]}", 0 },
        { "{\"18081/tcp\":[{\"HostIp\":\"\",\"HostPort\":\"1\"}]}", 0 },
        { "{\"18080/udp\":[{\"HostIp\":\"\",\"HostPort\":\"1\"}]}", 0 },
        { "{\"18080/tcp\":[{\"HostIp\":\"\",\"HostPort\":80}]}", 0 },
        { "{\"18080/tcp\":[{\"HostIp\":\"\",\"HostPort\":\"\"}]}", 0 },
        { "{\"18080/tcp\":[{\"HostIp\":\"\",\"HostPort\":\"0\"}]}", 0 },
        { "{\"18080/tcp\":[{\"HostIp\":\"\",\"HostPort\":\"-1\"}]}", 0 },
        { "{\"18080/tcp\":[{\"HostIp\":\"\",\"HostPort\":\" 80\"}]}", 0 },
        { "{\"18080/tcp\":[{\"HostIp\":\"\",\"HostPort\":\"0x50\"}]}", 0 },
        { "{\"18080/tcp\":[{\"HostIp\":\"\",\"HostPort\":\"65536\"}]}", 0 },
        { "{\"18080/tcp\":[{\"HostIp\":\"\",\"HostPort\":\"99999999999999999999\"}]}", 0 },
        { "{\"18080/tcp\":[{\"HostPort\":\"65535\"}]}", 65535 },
        { "{\"18080/"
          "tcp\":[{\"HostIp\":\"::\",\"HostPort\":\"6\"},{\"HostIp\":\"0.0.0.0\",\"HostPort\":\"4\"}]}",
          4 },
        { "{\"18080/tcp\":[{\"HostIp\":\"::1\",\"HostPort\":\"6\"}]}", 6 },
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct compose_state state;
        char line[512];
        snprintf(line, sizeof line,
                 "{\"name\":\"/n\",\"state\":{\"Status\":\"running\",\"ExitCode\":0},\"ports\":%s}",
                 cases[i].ports);
        ck_assert_int_eq(read_state(line, &state), MUSTER_OK);
        ck_assert_msg(state.port == cases[i].port, "%s gave %u", cases[i].ports, state.port);
    }
}
END_TEST

START_TEST(states_that_make_no_sense_are_refused)
{
    static const char *const lines[] = {
        "",
        "null",
        "[]",
        "{}",
        "not json",
        "{\"name\":1,\"state\":{\"Status\":\"running\",\"ExitCode\":0}}",
        "{\"name\":\"/n\",\"state\":[]}",
        "{\"name\":\"/n\",\"state\":{\"Status\":1,\"ExitCode\":0}}",
        "{\"name\":\"/n\",\"state\":{\"Status\":\"longer than any status\",\"ExitCode\":0}}",
        "{\"name\":\"/n\",\"state\":{\"Status\":\"exited\",\"ExitCode\":\"0\"}}",
        "{\"name\":\"/n\",\"state\":{\"Status\":\"exited\",\"ExitCode\":256}}",
        "{\"name\":\"/n\",\"state\":{\"Status\":\"exited\",\"ExitCode\":-9223372036854775808}}",
        "{\"name\":\"/n\",\"name\":\"/m\",\"state\":{\"Status\":\"exited\",\"ExitCode\":0}}",
    };
    for (size_t i = 0; i < sizeof lines / sizeof lines[0]; i++) {
        struct compose_state state;
        ck_assert_msg(read_state(lines[i], &state) == MUSTER_EREPLY, "%s", lines[i]);
    }
}
END_TEST

START_TEST(a_long_name_does_not_overflow)
{
    char line[1024];
    char name[400];
    struct compose_state state;
    memset(name, 'n', sizeof name - 1);
    name[sizeof name - 1] = '\0';
    snprintf(line, sizeof line, "{\"name\":\"/%s\",\"state\":{\"Status\":\"exited\",\"ExitCode\":1}}", name);
    ck_assert_int_eq(read_state(line, &state), MUSTER_EREPLY);
    name[94] = '\0';
    snprintf(line, sizeof line, "{\"name\":\"/%s\",\"state\":{\"Status\":\"exited\",\"ExitCode\":1}}", name);
    ck_assert_int_eq(read_state(line, &state), MUSTER_OK);
    ck_assert_str_eq(state.name, name);
}
END_TEST

START_TEST(an_exit_code_above_128_is_a_signal)
{
    ck_assert_int_eq(compose__exit(0, false).code, 0);
    ck_assert_int_eq(compose__exit(128, false).code, 128);
    ck_assert_int_eq(compose__exit(137, true).signal, SIGKILL);
    ck_assert(!compose__exit(137, true).signal_inferred);
    ck_assert(compose__exit(137, false).signal_inferred);
    ck_assert(compose__exit(137, true).out_of_memory);
    ck_assert_int_eq(compose__exit(137, true).code, -1);
    ck_assert(!compose__exit(0, true).out_of_memory); /* It took another process of the container. */
    ck_assert_int_eq(compose__exit(192, false).signal, 64);
    ck_assert_int_eq(compose__exit(193, false).signal, 0);
    ck_assert_int_eq(compose__exit(255, false).code, 255);
}
END_TEST

START_TEST(an_end_is_read_from_the_stream)
{
    struct compose_event event;
    ck_assert_int_eq(compose__read_event(died, strlen(died), &event, NULL), MUSTER_OK);
    ck_assert_int_eq(event.kind, COMPOSE_DIED);
    ck_assert_int_eq(event.exit_code, 137);
    ck_assert_str_eq(event.name, "muster-7c41f09a2b-node-2");
}
END_TEST

static enum muster_rc read_event(const char *line, struct compose_event *event)
{
    return compose__read_event(line, strlen(line), event, NULL);
}

START_TEST(events_of_every_kind)
{
    static const struct {
        const char *line;
        enum muster_rc rc;
        enum compose_event_kind kind;
    } cases[] = {
        { "{\"Action\":\"oom\",\"Actor\":{\"Attributes\":{\"name\":\"n\"}}}", MUSTER_OK,
          COMPOSE_OUT_OF_MEMORY },
        { "{\"Action\":\"extract-to-dir\",\"Actor\":{\"Attributes\":{\"name\":\"n\"}}}", MUSTER_OK,
          COMPOSE_COPIED },
        { "{\"Action\":\"create\",\"Actor\":{\"Attributes\":{\"name\":\"n\"}}}", MUSTER_OK, COMPOSE_CREATED },
        { "{\"Action\":\"exec_create: sh\"}", MUSTER_OK, COMPOSE_OTHER_EVENT },
        { "{\"Action\":\"\"}", MUSTER_OK, COMPOSE_OTHER_EVENT },
        { "{\"Action\":1}", MUSTER_EREPLY, COMPOSE_OTHER_EVENT },
        { "{\"Action\":\"die\"}", MUSTER_EREPLY, COMPOSE_DIED },
        { "{\"Action\":\"die\",\"Actor\":[]}", MUSTER_EREPLY, COMPOSE_DIED },
        { "{\"Action\":\"die\",\"Actor\":{\"Attributes\":{\"name\":\"n\"}}}", MUSTER_EREPLY, COMPOSE_DIED },
        { "{\"Action\":\"die\",\"Actor\":{\"Attributes\":{\"name\":\"n\",\"exitCode\":1}}}", MUSTER_EREPLY,
          COMPOSE_DIED },
        { "{\"Action\":\"die\",\"Actor\":{\"Attributes\":{\"name\":\"n\",\"exitCode\":\"\"}}}", MUSTER_EREPLY,
          COMPOSE_DIED },
        { "{\"Action\":\"die\",\"Actor\":{\"Attributes\":{\"name\":\"n\",\"exitCode\":\"-1\"}}}",
          MUSTER_EREPLY, COMPOSE_DIED },
        { "{\"Action\":\"die\",\"Actor\":{\"Attributes\":{\"name\":\"n\",\"exitCode\":\"256\"}}}",
          MUSTER_EREPLY, COMPOSE_DIED },
        { "{\"Action\":\"die\",\"Actor\":{\"Attributes\":{\"exitCode\":\"1\"}}}", MUSTER_EREPLY,
          COMPOSE_DIED },
        { "{", MUSTER_EREPLY, COMPOSE_OTHER_EVENT },
        { "", MUSTER_EREPLY, COMPOSE_OTHER_EVENT },
        { "\xff\xff", MUSTER_EREPLY, COMPOSE_OTHER_EVENT },
        { "error during connect: EOF", MUSTER_EREPLY, COMPOSE_OTHER_EVENT },
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct compose_event event;
        ck_assert_msg(read_event(cases[i].line, &event) == cases[i].rc, "%s", cases[i].line);
        ck_assert_int_eq(event.kind, cases[i].kind);
    }
}
END_TEST

/* Cut anywhere, a line is refused or read; it is never read beyond its end. */
START_TEST(every_cut_of_a_line_is_survived)
{
    for (size_t bytes = 0; bytes < sizeof died - 1; bytes++) {
        char *exact = malloc(bytes + 1);
        struct compose_event event;
        struct compose_state state;
        memcpy(exact, died, bytes);
        ck_assert_int_eq(compose__read_event(exact, bytes, &event, NULL), MUSTER_EREPLY);
        ck_assert_int_eq(compose__read_state(exact, bytes, 18080, &state, NULL), MUSTER_EREPLY);
        free(exact);
    }
}
END_TEST

START_TEST(nesting_without_end_is_refused)
{
    enum { DEPTH = 100000 };
    char *line = malloc(DEPTH);
    struct compose_event event;
    memset(line, '[', DEPTH);
    ck_assert_int_eq(compose__read_event(line, DEPTH, &event, NULL), MUSTER_EREPLY);
    free(line);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("answers");
    TCase *tests = tcase_create("answers");
    tcase_add_test(tests, a_running_container_has_its_port);
    tcase_add_test(tests, ports_of_every_shape);
    tcase_add_test(tests, states_that_make_no_sense_are_refused);
    tcase_add_test(tests, a_long_name_does_not_overflow);
    tcase_add_test(tests, an_exit_code_above_128_is_a_signal);
    tcase_add_test(tests, an_end_is_read_from_the_stream);
    tcase_add_test(tests, events_of_every_kind);
    tcase_add_test(tests, every_cut_of_a_line_is_survived);
    tcase_add_test(tests, nesting_without_end_is_refused);
    suite_add_tcase(suite, tests);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_NORMAL);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
