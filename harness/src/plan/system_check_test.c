#include "plan/system_check.h"

#include "muster/chain.h"

#include <string.h>

#include "testing/bare_system.h"
#include "testing/unit_test.h"

static struct muster_system table;

static void make_whole(void)
{
    table = (struct muster_system){ .name = "redis", BARE_SYSTEM_SLOTS };
}

static void refuse(const char *sentence)
{
    struct muster_error err = { 0 };
    ck_assert_int_eq(muster__system_check(&table, &err), MUSTER_EINVAL);
    ck_assert_str_eq(err.text, sentence);
    make_whole();
}

START_TEST(a_whole_table_is_taken)
{
    struct muster_error err = { 0 };
    table.program_variable = "REDIS_SERVER_BIN";
    table.image_variable = "REDIS_7_IMAGE";
    ck_assert_msg(muster__system_check(&table, &err) == MUSTER_OK, "%s", err.text);
}
END_TEST

START_TEST(a_name_is_needed)
{
    table.name = NULL;
    refuse("the system has no name; give it one");
    table.name = "";
    refuse("a system's name is ''; use 1 to 63 of a to z, 0 to 9, '_' and '-'");
    table.name = "Redis 7";
    refuse("a system's name is 'Redis 7'; use 1 to 63 of a to z, 0 to 9, '_' and '-'");
}
END_TEST

START_TEST(variables_have_names_that_a_shell_takes)
{
    table.program_variable = "redis-bin";
    refuse("the system 'redis' has the program_variable 'redis-bin'; use capital letters, digits and '_'");
    table.image_variable = "7_IMAGE";
    refuse("the system 'redis' has the image_variable '7_IMAGE'; use capital letters, digits and '_'");
    table.image_variable = "";
    refuse("the system 'redis' has the image_variable ''; use capital letters, digits and '_'");
}
END_TEST

START_TEST(ports_are_needed)
{
    table.ports = NULL;
    refuse("the system 'redis' has no ports; give at least its API's");
    table.port_count = 0;
    refuse("the system 'redis' has no ports; give at least its API's");
}
END_TEST

START_TEST(ports_have_names_and_numbers_of_their_own)
{
    struct muster_port ports[2] = { { .name = "api", .number = 1 } };
    table.ports = ports;
    table.port_count = 2;
    refuse("ports[1] of the system 'redis' has no name of a to z, 0 to 9, '_' and '-'");
    ports[1] = (struct muster_port){ .name = "peer" };
    table.ports = ports;
    table.port_count = 2;
    refuse("ports[1] 'peer' of the system 'redis' has the number 0");
    ports[1] = (struct muster_port){ .name = "api", .number = 2 };
    table.ports = ports;
    table.port_count = 2;
    refuse("ports[0] and ports[1] of the system 'redis' have one name");
    ports[1] = (struct muster_port){ .name = "peer", .number = 1 };
    table.ports = ports;
    table.port_count = 2;
    refuse("ports[0] and ports[1] of the system 'redis' have one number");
}
END_TEST

START_TEST(what_every_system_needs)
{
    table.render = NULL;
    refuse("the system 'redis' has no render, which every system needs");
    table.request_ready = NULL;
    refuse("the system 'redis' has no request_ready, which every system needs");
    table.parse_ready = NULL;
    refuse("the system 'redis' has no parse_ready, which every system needs");
    table.request_progress = NULL;
    refuse("the system 'redis' has no request_progress, which every system needs");
    table.parse_progress = NULL;
    refuse("the system 'redis' has no parse_progress, which every system needs");
}
END_TEST

START_TEST(half_a_pair_is_refused)
{
    table.request_peers = bare_request;
    refuse("the system 'redis' has request_peers without parse_peers; give both or neither");
}
END_TEST

START_TEST(a_chain_without_an_observer_is_refused)
{
    static const struct muster_chain chain = { .request_block = NULL };
    table.chain = &chain;
    refuse("the system 'redis' has a chain, but no observer that follows it; set its observer to "
           "&muster_chain_observer");
}
END_TEST

static Suite *system_check_suite(void)
{
    Suite *suite = suite_create("system_check");
    TCase *tcase = tcase_create("system_check");
    tcase_add_checked_fixture(tcase, make_whole, NULL);
    tcase_add_test(tcase, a_whole_table_is_taken);
    tcase_add_test(tcase, a_name_is_needed);
    tcase_add_test(tcase, variables_have_names_that_a_shell_takes);
    tcase_add_test(tcase, ports_are_needed);
    tcase_add_test(tcase, ports_have_names_and_numbers_of_their_own);
    tcase_add_test(tcase, what_every_system_needs);
    tcase_add_test(tcase, half_a_pair_is_refused);
    tcase_add_test(tcase, a_chain_without_an_observer_is_refused);
    suite_add_tcase(suite, tcase);
    return suite;
}

UNIT_TEST_MAIN(system_check_suite);
