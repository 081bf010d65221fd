#include "k8s/parse.h"

#include <check.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>

/* Reads a pod with that name and that status, which is JSON. */
static struct k8s_pod pod_with(const char *status)
{
    struct k8s_pod pod;
    json_t *json = json_pack("{s:{s:s}, s:o}", "metadata", "name", "muster-7c41f09a2b-node-1", "status",
                             json_loads(status, 0, NULL));
    ck_assert_msg(json != NULL, "the test's status is no JSON: %s", status);
    ck_assert_int_eq(k8s__read_pod(json, &pod, NULL), MUSTER_OK);
    ck_assert_str_eq(pod.name, "muster-7c41f09a2b-node-1");
    json_decref(json);
    return pod;
}

static struct k8s_pod container_in(const char *state)
{
    char status[1024];
    snprintf(status, sizeof status, "{\"phase\":\"Pending\",\"containerStatuses\":[{\"state\":%s}]}", state);
    return pod_with(status);
}

START_TEST(stages_of_a_pod)
{
    static const struct {
        const char *status;
        enum k8s_pod_stage stage;
        const char *why;
    } cases[] = {
        { "{}", K8S_POD_COMES, "" },
        { "{\"phase\":\"Pending\"}", K8S_POD_COMES, "" },
        { "{\"containerStatuses\":[{\"state\":{\"waiting\":{\"reason\":\"ContainerCreating\"}}}]}",
          K8S_POD_COMES, "ContainerCreating" },
        { "{\"containerStatuses\":[{\"state\":{\"waiting\":{\"reason\":\"PodInitializing\"}}}]}",
          K8S_POD_COMES, "PodInitializing" },
        { "{\"containerStatuses\":[{\"state\":{\"waiting\":{}}}]}", K8S_POD_COMES, "" },
        { "{\"containerStatuses\":[{\"state\":{\"running\":{\"startedAt\":\"x\"}}}]}", K8S_POD_RUNS, "" },
        { "{\"conditions\":[{\"type\":\"PodScheduled\",\"status\":\"False\",\"reason\":\"Unschedulable\","
          "\"message\":\"0/1 nodes\"}]}",
          K8S_POD_STUCK, "Unschedulable: 0/1 nodes" },
        { "{\"conditions\":[{\"type\":\"PodScheduled\",\"status\":\"False\",\"reason\":\"Unschedulable\","
          "\"message\":\"pod has unbound immediate PersistentVolumeClaims\"}]}",
          K8S_POD_COMES, "Unschedulable: pod has unbound immediate PersistentVolumeClaims" },
        { "{\"conditions\":[{\"type\":\"PodScheduled\",\"status\":\"False\",\"reason\":\"Unschedulable\","
          "\"message\":\"persistentvolumeclaim \\\"a\\\" not found\"}]}",
          K8S_POD_COMES, "Unschedulable: persistentvolumeclaim \"a\" not found" },
        { "{\"conditions\":[{\"type\":\"Ready\",\"status\":\"False\",\"reason\":\"Unschedulable\"}]}",
          K8S_POD_COMES, "" },
        { "{\"phase\":\"Failed\",\"reason\":\"Evicted\",\"message\":\"low on memory\"}", K8S_POD_ENDED,
          "Evicted: low on memory" },
        { "{\"containerStatuses\":\"none\",\"conditions\":7,\"phase\":[]}", K8S_POD_COMES, "" },
        { "{\"containerStatuses\":[7]}", K8S_POD_COMES, "" },
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct k8s_pod pod = pod_with(cases[i].status);
        ck_assert_msg(pod.stage == cases[i].stage, "%s: stage %d", cases[i].status, (int)pod.stage);
        ck_assert_str_eq(pod.why, cases[i].why);
    }
}
END_TEST

START_TEST(what_keeps_a_container_from_starting)
{
    static const char *const reasons[] = {
        "ErrImagePull",      "ImagePullBackOff",           "ErrImageNeverPull",
        "InvalidImageName",  "CreateContainerConfigError", "CreateContainerError",
        "RunContainerError", "CrashLoopBackOff",           "SomethingThatIsNotKnownYet"
    };
    for (size_t i = 0; i < sizeof reasons / sizeof reasons[0]; i++) {
        char state[256];
        snprintf(state, sizeof state, "{\"waiting\":{\"reason\":\"%s\",\"message\":\"two\\nlines\"}}",
                 reasons[i]);
        struct k8s_pod pod = container_in(state);
        ck_assert_int_eq(pod.stage, K8S_POD_STUCK);
        ck_assert_int_eq(strncmp(pod.why, reasons[i], strlen(reasons[i])), 0);
        ck_assert_ptr_nonnull(strstr(pod.why, ": two lines"));
    }
}
END_TEST

START_TEST(how_a_container_ended)
{
    struct k8s_pod pod = container_in("{\"terminated\":{\"exitCode\":3,\"reason\":\"Error\"}}");
    ck_assert_int_eq(pod.stage, K8S_POD_ENDED);
    ck_assert_int_eq(pod.exit.code, 3);
    ck_assert_int_eq(pod.exit.signal, 0);
    ck_assert(!pod.exit.out_of_memory);
    ck_assert_str_eq(pod.exit.reason, "");
    pod = container_in("{\"terminated\":{\"exitCode\":139,\"reason\":\"Error\"}}");
    ck_assert_int_eq(pod.exit.code, -1);
    ck_assert_int_eq(pod.exit.signal, SIGSEGV);
    ck_assert(pod.exit.signal_inferred);
    pod = container_in("{\"terminated\":{\"exitCode\":139,\"message\":\"ended -1 11 1 0\"}}");
    ck_assert_int_eq(pod.exit.signal, SIGSEGV);
    ck_assert(pod.exit.core_dumped);
    ck_assert(!pod.exit.signal_inferred);
    pod = container_in("{\"terminated\":{\"exitCode\":139,\"message\":\"ended 139 0 0 0\"}}");
    ck_assert_int_eq(pod.exit.code, 139);
    ck_assert_int_eq(pod.exit.signal, 0);
    pod = container_in("{\"terminated\":{\"exitCode\":137,\"reason\":\"OOMKilled\"}}");
    ck_assert_int_eq(pod.exit.signal, SIGKILL);
    ck_assert(pod.exit.out_of_memory);
    pod = container_in("{\"terminated\":{\"exitCode\":255}}");
    ck_assert_int_eq(pod.exit.code, 255);
    pod = pod_with("{\"phase\":\"Failed\",\"reason\":\"Evicted\"}");
    ck_assert_str_eq(pod.exit.reason, "lost its pod (Evicted)");
    ck_assert_int_eq(pod.exit.signal, SIGKILL);
}
END_TEST

#define SERVICE(name, address)                                                                               \
    "{\"kind\":\"Service\",\"metadata\":{\"name\":\"" name "\"},\"spec\":{\"clusterIP\":\"" address "\"}}"
#define SPACE(run)                                                                                           \
    "{\"kind\":\"Namespace\",\"metadata\":{\"name\":\"ci\",\"labels\":{\"muster.run\":\"" run "\"}}}"

START_TEST(what_was_created)
{
    static const struct {
        const char *text;
        enum muster_rc rc;
    } cases[] = {
        { SPACE("7c") SERVICE("m-7c-node-0", "10.0.0.1") "\n" SERVICE("m-7c-node-1", "10.0.0.2"), MUSTER_OK },
        { "{\"kind\":\"List\",\"items\":[" SPACE("7c") "," SERVICE("m-7c-node-1", "10.0.0.2") "," SERVICE(
              "m-7c-node-0", "10.0.0.1") "]}",
          MUSTER_OK },
        { SPACE("8d") SERVICE("m-7c-node-0", "10.0.0.1") SERVICE("m-7c-node-1", "10.0.0.2"), MUSTER_EINFRA },
        { "{\"kind\":\"Namespace\"}", MUSTER_EINFRA },
        { SERVICE("m-7c-node-0", "10.0.0.1") SERVICE("m-7c-node-2", "10.0.0.2"), MUSTER_EINFRA },
        { SERVICE("m-7c-node-0", "None"), MUSTER_EREPLY },
        { "{\"kind\":\"List\",\"items\":[{\"kind\":\"List\",\"items\":[7]},8]}", MUSTER_EINFRA },
        { "", MUSTER_EINFRA },
        { "{", MUSTER_EINFRA },
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct k8s_service services[2] = { { .node_port = 0 } };
        const struct k8s_created created = {
            .run_id = "7c", .prefix = "m-7c", .services = services, .node_count = 2
        };
        struct muster_error err = { 0 };
        ck_assert_msg(k8s__read_created(cases[i].text, &created, &err) == cases[i].rc, "%s: %s",
                      cases[i].text, err.text);
        if (cases[i].rc == MUSTER_OK) {
            ck_assert_str_eq(services[0].address, "10.0.0.1");
            ck_assert_str_eq(services[1].address, "10.0.0.2");
        }
    }
}
END_TEST

START_TEST(events_of_a_watch)
{
    static const char pod_json[] =
        "{\"metadata\":{\"name\":\"n\",\"deletionTimestamp\":\"2026-01-02T03:04:05Z\"},\"status\":{}}";
    static const struct {
        const char *type;
        enum k8s_event event;
    } cases[] = { { "ADDED", K8S_EVENT_CHANGED },
                  { "MODIFIED", K8S_EVENT_CHANGED },
                  { "DELETED", K8S_EVENT_GONE },
                  { "BOOKMARK", K8S_EVENT_OTHER },
                  { "ERROR", K8S_EVENT_OTHER } };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        char line[512];
        enum k8s_event event;
        struct k8s_pod pod;
        snprintf(line, sizeof line, "{\"type\":\"%s\",\"object\":%s}", cases[i].type, pod_json);
        ck_assert_int_eq(k8s__read_event(line, strlen(line), &event, &pod, NULL), MUSTER_OK);
        ck_assert_int_eq(event, cases[i].event);
        if (event != K8S_EVENT_OTHER) {
            ck_assert_str_eq(pod.name, "n");
            ck_assert(pod.deleted);
        }
    }
}
END_TEST

START_TEST(lines_that_make_no_sense_are_refused)
{
    static const char *const lines[] = {
        "",
        "{",
        "null",
        "[]",
        "Error from server (Forbidden)",
        "{\"type\":7}",
        "{\"type\":\"ADDED\"}",
        "{\"type\":\"ADDED\",\"object\":7}",
        "{\"type\":\"ADDED\",\"object\":{\"metadata\":{\"name\":\"n\"}}}",
        "{\"type\":\"ADDED\",\"object\":{\"metadata\":{},\"status\":{}}}",
        "{\"type\":\"ADDED\",\"object\":{\"metadata\":{\"name\":\"\"},\"status\":{}}}",
        ("{\"type\":\"ADDED\",\"object\":{\"metadata\":{\"name\":"
         "\"a-name-that-has-more-characters-than-a-name-of-kubernetes-may-have\"},\"status\":{}}}"),
    };
    for (size_t i = 0; i < sizeof lines / sizeof lines[0]; i++) {
        enum k8s_event event;
        struct k8s_pod pod;
        ck_assert_msg(k8s__read_event(lines[i], strlen(lines[i]), &event, &pod, NULL) == MUSTER_EREPLY,
                      "taken: %s", lines[i]);
    }
}
END_TEST

static enum muster_rc read_service(const char *text, struct k8s_service *service)
{
    json_t *json = json_loads(text, 0, NULL);
    enum muster_rc rc = k8s__read_service(json, service, NULL);
    json_decref(json);
    return rc;
}

START_TEST(services_have_addresses)
{
    struct k8s_service service;
    ck_assert_int_eq(read_service("{\"metadata\":{\"name\":\"s\"},\"spec\":{\"clusterIP\":\"10.96.0.9\","
                                  "\"ports\":[{\"nodePort\":30123},{\"nodePort\":1}]}}",
                                  &service),
                     MUSTER_OK);
    ck_assert_str_eq(service.name, "s");
    ck_assert_str_eq(service.address, "10.96.0.9");
    ck_assert_uint_eq(service.node_port, 30123);
    ck_assert_int_eq(
        read_service("{\"metadata\":{\"name\":\"s\"},\"spec\":{\"clusterIP\":\"fd00::9\"}}", &service),
        MUSTER_OK);
    ck_assert_uint_eq(service.node_port, 0);
    static const char *const wrong[] = {
        "{}",
        "{\"metadata\":{\"name\":\"s\"}}",
        "{\"metadata\":{\"name\":\"s\"},\"spec\":{\"clusterIP\":\"\"}}",
        "{\"metadata\":{\"name\":\"s\"},\"spec\":{\"clusterIP\":\"None\"}}",
        "{\"spec\":{\"clusterIP\":\"10.96.0.9\"}}",
        ("{\"metadata\":{\"name\":\"s\"},\"spec\":{\"clusterIP\":\"10.96.0.9\","
         "\"ports\":[{\"nodePort\":65536}]}}"),
        ("{\"metadata\":{\"name\":\"s\"},\"spec\":{\"clusterIP\":\"10.96.0.9\","
         "\"ports\":[{\"nodePort\":-1}]}}"),
    };
    for (size_t i = 0; i < sizeof wrong / sizeof wrong[0]; i++) {
        ck_assert_msg(read_service(wrong[i], &service) == MUSTER_EREPLY, "taken: %s", wrong[i]);
    }
}
END_TEST

START_TEST(objects_that_follow_each_other)
{
    const char *text = "{\"a\":1}\n{\"b\":2}\n";
    json_t *first = k8s__next_object(&text);
    json_t *second = k8s__next_object(&text);
    ck_assert_int_eq(json_integer_value(json_object_get(first, "a")), 1);
    ck_assert_int_eq(json_integer_value(json_object_get(second, "b")), 2);
    ck_assert_ptr_null(k8s__next_object(&text));
    json_decref(first);
    json_decref(second);
    text = "no JSON";
    ck_assert_ptr_null(k8s__next_object(&text));
}
END_TEST

START_TEST(what_the_keeper_answers)
{
    struct k8s_ended ended;
    ck_assert_int_eq(k8s__read_ended("ended 3 0 0 0", &ended, NULL), MUSTER_OK);
    ck_assert_int_eq(ended.exit.code, 3);
    ck_assert(!ended.forced);
    ck_assert_int_eq(k8s__read_ended("ended -1 9 0 1", &ended, NULL), MUSTER_OK);
    ck_assert_int_eq(ended.exit.code, -1);
    ck_assert_int_eq(ended.exit.signal, SIGKILL);
    ck_assert(ended.forced);
    ck_assert_int_eq(k8s__read_ended("ended -1 11 1 0", &ended, NULL), MUSTER_OK);
    ck_assert(ended.exit.core_dumped);
    static const char *const wrong[] = { "",
                                         "ok",
                                         "ended",
                                         "ended 1 2 3",
                                         "ended x",
                                         "ended 256 0 0 0",
                                         "ended 0 65 0 0",
                                         "ended -2 0 0 0",
                                         "no: reason" };
    for (size_t i = 0; i < sizeof wrong / sizeof wrong[0]; i++) {
        ck_assert_msg(k8s__read_ended(wrong[i], &ended, NULL) == MUSTER_EREPLY, "taken: %s", wrong[i]);
    }
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("answers");
    TCase *tests = tcase_create("answers");
    tcase_add_test(tests, stages_of_a_pod);
    tcase_add_test(tests, what_keeps_a_container_from_starting);
    tcase_add_test(tests, how_a_container_ended);
    tcase_add_test(tests, what_was_created);
    tcase_add_test(tests, events_of_a_watch);
    tcase_add_test(tests, lines_that_make_no_sense_are_refused);
    tcase_add_test(tests, services_have_addresses);
    tcase_add_test(tests, objects_that_follow_each_other);
    tcase_add_test(tests, what_the_keeper_answers);
    suite_add_tcase(suite, tests);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_NORMAL);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
