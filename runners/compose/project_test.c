#include "compose/project.h"

#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "compose/engine.h"
#include "shared/text.h"

static const struct compose_common common = {
    .run_id = "7c41f09a2b", .image = "img:$tag", .publish = "127.0.0.1::18080", .grace_ms = 1500
};

static void render(struct muster_rendering *rendering, const char *arg, const char *name, const char *value)
{
    memset(rendering, 0, sizeof *rendering);
    ck_assert_int_eq(muster_rendering_arg(rendering, arg, NULL), MUSTER_OK);
    ck_assert_int_eq(muster_rendering_env(rendering, name, value, NULL), MUSTER_OK);
}

static const char *text_at(const json_t *json, const char *name)
{
    const char *text = json_string_value(json_object_get(json, name));
    return text == NULL ? "(none)" : text;
}

START_TEST(a_service_has_all_that_it_takes)
{
    struct muster_rendering rendering;
    render(&rendering, "node.yaml", "LEVEL", "debug");
    json_t *project = compose__project_new(&common);
    ck_assert_int_eq(compose__project_add(project, &common, 12, &rendering, NULL), MUSTER_OK);
    const json_t *node = json_object_get(json_object_get(project, "services"), "node-12");
    ck_assert_str_eq(text_at(node, "container_name"), "muster-7c41f09a2b-node-12");
    ck_assert_str_eq(text_at(node, "user"), "0:0");
    ck_assert_str_eq(text_at(node, "working_dir"), "/nodes/node-12");
    ck_assert_str_eq(json_string_value(json_array_get(json_object_get(node, "volumes"), 0)), "nodes:/nodes");
    ck_assert_str_eq(text_at(node, "restart"), "no");
    ck_assert_str_eq(text_at(node, "stop_grace_period"), "2s");
    ck_assert(json_is_true(json_object_get(node, "init")));
    ck_assert_str_eq(text_at(json_object_get(node, "labels"), "muster.run"), "7c41f09a2b");
    ck_assert_str_eq(text_at(json_object_get(node, "environment"), "LEVEL"), "debug");
    ck_assert_str_eq(json_string_value(json_array_get(json_object_get(node, "command"), 0)), "node.yaml");
    ck_assert_str_eq(json_string_value(json_array_get(json_object_get(node, "ports"), 0)),
                     "127.0.0.1::18080");
    const json_t *network = json_object_get(json_object_get(project, "networks"), "default");
    ck_assert_str_eq(text_at(json_object_get(network, "labels"), "muster.run"), "7c41f09a2b");
    const json_t *volume = json_object_get(json_object_get(project, "volumes"), "nodes");
    ck_assert_str_eq(text_at(json_object_get(volume, "labels"), "muster.run"), "7c41f09a2b");
    json_decref(project);
    muster_rendering_fini(&rendering);
}
END_TEST

START_TEST(dollars_stay_dollars)
{
    struct muster_rendering rendering;
    render(&rendering, "$HOME/${X}", "A", "$$=\"a b\"\n${Y:-z}");
    json_t *project = compose__project_new(&common);
    ck_assert_int_eq(compose__project_add(project, &common, 0, &rendering, NULL), MUSTER_OK);
    const json_t *node = json_object_get(json_object_get(project, "services"), "node-0");
    ck_assert_str_eq(json_string_value(json_array_get(json_object_get(node, "command"), 0)), "$$HOME/$${X}");
    ck_assert_str_eq(text_at(json_object_get(node, "environment"), "A"), "$$$$=\"a b\"\n$${Y:-z}");
    ck_assert_str_eq(text_at(node, "image"), "img:$$tag");
    json_decref(project);
    muster_rendering_fini(&rendering);
}
END_TEST

START_TEST(what_is_no_text_is_refused)
{
    struct muster_rendering rendering;
    struct muster_error err = { 0 };
    render(&rendering, "\xff\xfe", "A", "b");
    json_t *project = compose__project_new(&common);
    ck_assert_int_eq(compose__project_add(project, &common, 3, &rendering, &err), MUSTER_EINVAL);
    ck_assert_ptr_nonnull(strstr(err.text, "node-3"));
    json_decref(project);
    muster_rendering_fini(&rendering);
}
END_TEST

START_TEST(a_loopback_host_is_bound_as_it_is)
{
    static const char *const cases[][3] = {
        { "127.0.0.1", "127.0.0.1::18080", "http://127.0.0.1:9" },
        { "127.3.2.1", "127.3.2.1::18080", "http://127.3.2.1:9" },
        { "localhost", "127.0.0.1::18080", "http://localhost:9" },
        { "::1", "[::1]::18080", "http://[::1]:9" },
        { "engine.example", "0.0.0.0::18080", "http://engine.example:9" },
        { "127.0.0.1.example", "0.0.0.0::18080", "http://127.0.0.1.example:9" },
        { "192.0.2.7", "0.0.0.0::18080", "http://192.0.2.7:9" },
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        char publish[64];
        char url[512];
        compose__publish(cases[i][0], 18080, publish);
        runner__url(cases[i][0], 9, url);
        ck_assert_str_eq(publish, cases[i][1]);
        ck_assert_str_eq(url, cases[i][2]);
    }
}
END_TEST

START_TEST(only_our_containers_are_nodes)
{
    static const struct {
        const char *name;
        uint32_t node;
    } cases[] = {
        { "muster-7c41f09a2b-node-0", 0 },
        { "muster-7c41f09a2b-node-9", 9 },
        { "muster-7c41f09a2b-node-10", MUSTER_NO_NODE },
        { "muster-7c41f09a2b-node-01", MUSTER_NO_NODE },
        { "muster-7c41f09a2b-node-+1", MUSTER_NO_NODE },
        { "muster-7c41f09a2b-node- 1", MUSTER_NO_NODE },
        { "muster-7c41f09a2b-node--1", MUSTER_NO_NODE },
        { "muster-7c41f09a2b-node-", MUSTER_NO_NODE },
        { "muster-7c41f09a2b-node-1x", MUSTER_NO_NODE },
        { "muster-7c41f09a2b-node-4294967296", MUSTER_NO_NODE },
        { "muster-7c41f09a2b-node-99999999999999999999999", MUSTER_NO_NODE },
        { "muster-0000000000-node-1", MUSTER_NO_NODE },
        { "", MUSTER_NO_NODE },
        { "-", MUSTER_NO_NODE },
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        ck_assert_uint_eq(compose__container_node("7c41f09a2b", cases[i].name, 10), cases[i].node);
    }
}
END_TEST

START_TEST(an_engine_survives_the_ledger)
{
    struct compose_engine engine = { .docker = "/usr/bin/docker", .standalone = "/bin/dc", .context = "far" };
    struct compose_engine back;
    setenv("DOCKER_HOST", "tcp://engine.example:2376", 1);
    unsetenv("DOCKER_CONFIG");
    ck_assert_int_eq(compose__engine_keep_env(&engine, NULL), MUSTER_OK);
    json_t *json = compose__engine_to_json(&engine);
    ck_assert_int_eq(compose__engine_from_json(json, &back, NULL), MUSTER_OK);
    ck_assert_str_eq(back.docker, "/usr/bin/docker");
    ck_assert_str_eq(back.standalone, "/bin/dc");
    ck_assert_str_eq(back.env.items[0], "DOCKER_HOST=tcp://engine.example:2376");
    ck_assert_str_eq(back.env.items[1], "DOCKER_CONFIG");
    struct runner_argv argv = compose__docker(&back, "ps", "-a", NULL);
    ck_assert_uint_eq(argv.count, 5);
    ck_assert_str_eq(argv.args[1], "--context");
    ck_assert_str_eq(argv.args[2], "far");
    ck_assert_str_eq(argv.args[4], "-a");
    ck_assert_ptr_null(argv.args[5]);
    argv = compose__compose(&back, "up", NULL);
    ck_assert_str_eq(argv.args[0], "/bin/dc");
    json_decref(json);
    compose__engine_fini(&engine);
    compose__engine_fini(&back);
}
END_TEST

START_TEST(a_ledger_that_makes_no_sense_is_refused)
{
    static const char *const texts[] = {
        "null",
        "{}",
        "[]",
        "{\"docker\":1,\"standalone\":\"\",\"context\":\"\",\"env\":[]}",
        "{\"docker\":\"docker\",\"standalone\":\"\",\"context\":\"\",\"env\":[]}",
        "{\"docker\":\"/d\",\"standalone\":\"\",\"context\":\"\",\"env\":[1]}",
        ("{\"docker\":\"/d\",\"standalone\":\"\",\"context\":\"\",\"env\":"
         "[\"\",\"\",\"\",\"\",\"\",\"\",\"\",\"\",\"\",\"\",\"\",\"\",\"\",\"\",\"\",\"\",\"\"]}"),
    };
    for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++) {
        struct compose_engine engine;
        json_t *json = json_loads(texts[i], JSON_DECODE_ANY, NULL);
        ck_assert_ptr_nonnull(json);
        ck_assert_int_eq(compose__engine_from_json(json, &engine, NULL), MUSTER_EREPLY);
        json_decref(json);
    }
}
END_TEST

START_TEST(compose_is_the_plugin_where_it_answers)
{
    static const struct {
        const char *standalone;
        const char *version;
        enum muster_rc rc;
        bool plugin;
    } cases[] = {
        { "", "2.27.0\n", MUSTER_OK, true },
        { "/bin/dc", "v2.3.1", MUSTER_OK, true },
        { "/bin/dc", "", MUSTER_OK, false },
        { "/bin/dc", "Usage: docker [OPTIONS] COMMAND", MUSTER_OK, false },
        { "", "", MUSTER_ESKIP, false },
        { "", "very old", MUSTER_ESKIP, false },
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct compose_engine engine = { .docker = "/usr/bin/docker" };
        snprintf(engine.standalone, sizeof engine.standalone, "%s", cases[i].standalone);
        ck_assert_int_eq(compose__engine_choose(&engine, cases[i].version, NULL), cases[i].rc);
        ck_assert(cases[i].rc != MUSTER_OK || (engine.standalone[0] == '\0') == cases[i].plugin);
    }
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("project");
    TCase *tests = tcase_create("project");
    tcase_add_test(tests, a_service_has_all_that_it_takes);
    tcase_add_test(tests, dollars_stay_dollars);
    tcase_add_test(tests, what_is_no_text_is_refused);
    tcase_add_test(tests, a_loopback_host_is_bound_as_it_is);
    tcase_add_test(tests, only_our_containers_are_nodes);
    tcase_add_test(tests, an_engine_survives_the_ledger);
    tcase_add_test(tests, a_ledger_that_makes_no_sense_is_refused);
    tcase_add_test(tests, compose_is_the_plugin_where_it_answers);
    suite_add_tcase(suite, tests);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_NORMAL);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
