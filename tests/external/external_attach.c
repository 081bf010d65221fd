/* Attaching to nodes that run already: green on a good network, again and again; and one clear sentence for
 * each thing that can be wrong with the URLs. Nothing is created and nothing is removed, whatever happens.
 *
 * external_attach by_hand|compose */
#include <arpa/inet.h>
#include <check.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "standing.h"
#include "support/program.h"

#define SEED "4711"
#define OTHER_SEED "4712"

static struct standing network;
static struct standing other;
static struct program_result result;

/* Runs the scenario on three URLs, or on `list` as it is where b and c are NULL. */
static void attach(const char *scenario, const char *seed, const char *a, const char *b, const char *c)
{
    char root[128];
    char nodes[512];
    char run_case[64];
    char seed_text[64];
    snprintf(root, sizeof root, "MUSTER_RUN_ROOT=%s", program_run_root());
    snprintf(run_case, sizeof run_case, "CK_RUN_CASE=%s", scenario);
    snprintf(seed_text, sizeof seed_text, "MUSTER_SEED=%s", seed);
    snprintf(nodes, sizeof nodes, "MUSTER_EXTERNAL_NODES=%s%s%s%s%s", a, b == NULL ? "" : ",",
             b == NULL ? "" : b, c == NULL ? "" : ",", c == NULL ? "" : c);
    const char *environment[] = { root, run_case, seed_text, nodes, "MUSTER_RUNNER=external", NULL };
    program_run(MUSTER_TEST_BIN_DIR, "external_program", NULL, environment, &result);
}

static void assert_code(int code)
{
    ck_assert_msg(result.code == code, "exit code %d instead of %d:\n%s", result.code, code, result.output);
}

static void assert_says(const char *text)
{
    ck_assert_msg(strstr(result.output, text) != NULL, "no '%s' in:\n%s", text, result.output);
}

static void assert_network_stands(void)
{
    for (int i = 0; i < STANDING_NODES; i++) {
        ck_assert_msg(standing_answers(network.urls[i]), "node %d is gone", i);
    }
}

/* ---- Nodes that were started by hand ---- */

static void start_networks(void)
{
    ck_assert_msg(standing_start(&network, SEED), "the network did not come up");
    ck_assert_msg(standing_start(&other, OTHER_SEED), "the other network did not come up");
}

static void end_networks(void)
{
    bool sound = standing_end(&network);
    sound = standing_end(&other) && sound;
    if (!sound) {
        fprintf(stderr, "a network that was attached to did not end as it should\n");
        exit(EXIT_FAILURE); /* An unchecked teardown cannot fail otherwise. */
    }
}

START_TEST(a_good_network_is_green_again_and_again)
{
    for (int i = 0; i < 2; i++) { /* The second time all wallets have spent. */
        attach("three", SEED, network.urls[0], network.urls[1], network.urls[2]);
        assert_code(0);
        assert_says("inclusion: holds");
        ck_assert_msg(program_left_nothing(), "something was created:\n%s", result.output);
    }
    assert_network_stands();
}
END_TEST

START_TEST(wallets_of_another_seed_are_red_and_told_why)
{
    attach("three", OTHER_SEED, network.urls[0], network.urls[1], network.urls[2]);
    assert_code(1);
    assert_says("none at all were: a network that was made with another MUSTER_SEED, or for another "
                "scenario, has not "
                "the funds of these wallets");
    program_discard();
    assert_network_stands();
}
END_TEST

START_TEST(a_node_that_refuses_is_named)
{
    attach("three", SEED, network.urls[0], network.urls[1], "http://127.0.0.1:1/");
    assert_code(1);
    assert_says("2 of 3 nodes ready after ");
    assert_says("node-2 is not ready: GET http://127.0.0.1:1/cryptarchia/info: connection refused since ");
    program_discard();
}
END_TEST

START_TEST(a_host_that_is_unknown_is_named)
{
    attach("three", SEED, network.urls[0], "http://nowhere.invalid:8080", network.urls[2]);
    assert_code(1);
    assert_says("node-1 is not ready: ");
    assert_says("http://nowhere.invalid:8080/cryptarchia/info");
    program_discard();
}
END_TEST

START_TEST(a_server_of_another_kind_is_named)
{
    char path[128];
    snprintf(path, sizeof path, "%s/elsewhere", network.urls[1]);
    attach("three", SEED, network.urls[0], path, network.urls[2]);
    assert_code(1);
    assert_says("node-1 is not ready: ");
    assert_says("status 404");
    program_discard();
}
END_TEST

START_TEST(a_node_of_another_network_is_named)
{
    char says[512];
    attach("three", SEED, network.urls[0], network.urls[1], other.urls[2]);
    assert_code(1);
    snprintf(says, sizeof says, "node-2 at %s: not of one network with node-0 at %s: no block in common",
             other.urls[2], network.urls[0]);
    assert_says(says);
    program_discard();
    assert_network_stands();
}
END_TEST

/* It takes connections, as the kernel does for it, and never answers. */
START_TEST(a_node_that_hangs_is_named)
{
    struct sockaddr_in at = { .sin_family = AF_INET, .sin_addr = { htonl(INADDR_LOOPBACK) } };
    socklen_t bytes = sizeof at;
    char url[64];
    char says[256];
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    ck_assert(bind(fd, (const struct sockaddr *)&at, sizeof at) == 0 && listen(fd, 64) == 0);
    ck_assert_int_eq(getsockname(fd, (struct sockaddr *)&at, &bytes), 0);
    snprintf(url, sizeof url, "http://127.0.0.1:%u", ntohs(at.sin_port));
    attach("three", SEED, network.urls[0], url, network.urls[2]);
    close(fd);
    assert_code(1);
    snprintf(says, sizeof says, "node-1 is not ready: no answer to GET %s/cryptarchia/info since ", url);
    assert_says(says);
    double since_s = strtod(strstr(result.output, says) + strlen(says), NULL);
    ck_assert_msg(since_s >= 1.0, "only %.1f s, which is not since the first question:\n%s", since_s,
                  result.output);
    program_discard();
}
END_TEST

static void assert_refused(int code, const char *text)
{
    assert_code(code);
    assert_says(text);
    ck_assert_msg(program_left_nothing(), "something was created:\n%s", result.output);
}

START_TEST(what_cannot_be_attached_to_is_refused_before_anything_is_created)
{
    const char *const *urls = (const char *const[]){ network.urls[0], network.urls[1], network.urls[2] };
    attach("three", SEED, urls[0], urls[1], NULL);
    assert_refused(77, "external.three has 3 nodes and MUSTER_EXTERNAL_NODES names 2: name as many");
    attach("three", SEED, "", NULL, NULL);
    assert_refused(77, "the runner 'external' is given no nodes: set MUSTER_EXTERNAL_NODES to the URLs");
    attach("never_ready", SEED, urls[0], urls[1], urls[2]);
    assert_refused(77, "external.never_ready sets DEVNODE_MISBEHAVE for node-1 alone");
    attach("controlled", SEED, urls[0], urls[1], urls[2]);
    assert_refused(77,
                   "external.controlled needs node control, which the runner 'external' does not have here");
    attach("three", SEED, urls[0], urls[1], urls[1]);
    assert_refused(1, "is the same as entry 2; name each node once");
    attach("three", SEED, urls[0], "127.0.0.1:8080", urls[2]);
    assert_refused(
        1, "MUSTER_EXTERNAL_NODES: entry 2, '127.0.0.1:8080', is not a URL; write it as http://host:port");
}
END_TEST

static TCase *by_hand(void)
{
    TCase *tcase = tcase_create("by_hand");
    tcase_set_timeout(tcase, 150);
    tcase_add_unchecked_fixture(tcase, start_networks, end_networks);
    tcase_add_test(tcase, a_good_network_is_green_again_and_again);
    tcase_add_test(tcase, wallets_of_another_seed_are_red_and_told_why);
    tcase_add_test(tcase, a_node_that_refuses_is_named);
    tcase_add_test(tcase, a_host_that_is_unknown_is_named);
    tcase_add_test(tcase, a_server_of_another_kind_is_named);
    tcase_add_test(tcase, a_node_of_another_network_is_named);
    tcase_add_test(tcase, a_node_that_hangs_is_named);
    tcase_add_test(tcase, what_cannot_be_attached_to_is_refused_before_anything_is_created);
    return tcase;
}

/* ---- A Compose project that was left up ---- */

static char compose_root[64];
static char removal[4096]; /* As it was printed. */

/* Exit code of the run; what it printed is in `result`. */
static int leave_project_up(void)
{
    char root[128];
    snprintf(compose_root, sizeof compose_root, "%s", program_run_root());
    snprintf(root, sizeof root, "MUSTER_RUN_ROOT=%s", compose_root);
    const char *environment[] = { root,
                                  "CK_RUN_CASE=three",
                                  ("MUSTER_SEED=" SEED),
                                  "MUSTER_RUNNER=compose",
                                  "COMPOSE_RUNNER_PRESERVE=1",
                                  "TESTNET_PRINT_ENDPOINTS=1",
                                  NULL };
    program_run(MUSTER_TEST_BIN_DIR, "external_program", NULL, environment, &result);
    const char *line = strstr(result.output, "  remove: ");
    if (line == NULL || sscanf(line, "  remove: %4095[^\n]", removal) != 1) {
        removal[0] = '\0';
    }
    return result.code;
}

START_TEST(a_project_that_was_left_up_is_green)
{
    attach("three", SEED, network.urls[0], network.urls[1], network.urls[2]);
    assert_code(0);
    assert_says("inclusion: holds");
    ck_assert_msg(program_left_nothing(), "something was created:\n%s", result.output);
    assert_network_stands();
}
END_TEST

/* Whoever reads it gives it to a shell. */
static bool remove_as_printed(void)
{
    int status = -1;
    pid_t pid = removal[0] == '\0' ? -1 : fork();
    if (pid == 0) {
        execl("/bin/sh", "sh", "-c", removal, (char *)NULL);
        _exit(126);
    }
    return pid > 0 && waitpid(pid, &status, 0) == pid && WIFEXITED(status) && WEXITSTATUS(status) == 0;
}

static TCase *compose(void)
{
    TCase *tcase = tcase_create("compose");
    tcase_set_timeout(tcase, 150);
    tcase_add_test(tcase, a_project_that_was_left_up_is_green);
    return tcase;
}

/* ---- Main ---- */

static bool run(TCase *tcase)
{
    Suite *suite = suite_create("external");
    suite_add_tcase(suite, tcase);
    SRunner *srunner = srunner_create(suite);
    srunner_run_all(srunner, CK_NORMAL);
    bool passed = srunner_ntests_failed(srunner) == 0 && srunner_ntests_run(srunner) > 0;
    srunner_free(srunner);
    return passed;
}

static int run_compose(void)
{
    int code = leave_project_up();
    if (code == 77) {
        printf("%s", result.output);
        rmdir(compose_root);
        return 77;
    }
    bool passed = code == 0 && standing_read_urls(result.output, network.urls);
    if (!passed) {
        printf("no project was left up, exit code %d:\n%s", code, result.output);
    }
    passed = passed && run(compose());
    if (!remove_as_printed() || standing_answers(network.urls[0]) || rmdir(compose_root) != 0) {
        printf("the project was not removed by what was printed: %s\n", removal);
        passed = false;
    }
    return passed ? EXIT_SUCCESS : EXIT_FAILURE;
}

int main(int argc, char **argv)
{
    if (argc == 2 && strcmp(argv[1], "by_hand") == 0) {
        return run(by_hand()) ? EXIT_SUCCESS : EXIT_FAILURE;
    }
    if (argc == 2 && strcmp(argv[1], "compose") == 0) {
        return run_compose();
    }
    fprintf(stderr, "usage: external_attach by_hand|compose\n");
    return EXIT_FAILURE;
}
