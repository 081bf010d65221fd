/* An engine whose disk is full: one of the test's own, on a small file system, in a network and mounts of its
 * own, so that nothing of it is anybody else's. Only root can have that, and only where the engine's program
 * is. */
#include <check.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "muster/clock.h"
#include "muster/tool.h"
#include "support/engine.h"
#include "support/program.h"

#define DISK "size=160m,mode=700"
#define LEFT_BYTES 65536
#define READY_MS 60000u
#define END_MS 30000u

static struct program_result result;
static char dockerd[4096];
static char image_path[] = "/tmp/muster-test-image-XXXXXX";
static char directory[] = "/tmp/muster-test-engine-XXXXXX";
static char host[96];
static pid_t engine;

static const char *below(const char *name)
{
    static char paths[4][128];
    static unsigned next;
    char *path = paths[next++ % 4];
    snprintf(path, sizeof paths[0], "%s/%s", directory, name);
    return path;
}

static void make_disk(void)
{
    ck_assert_msg(unshare(CLONE_NEWNS | CLONE_NEWNET) == 0, "unshare: %s", strerror(errno));
    ck_assert_int_eq(mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL), 0);
    ck_assert_ptr_nonnull(mkdtemp(directory));
    ck_assert_msg(mount("tmpfs", directory, "tmpfs", 0, DISK) == 0, "mount: %s", strerror(errno));
}

/* Every driver that the machine's own engine might choose shares its disk in another way; this one needs
 * nothing. */
static void become_engine(void)
{
    char socket[128];
    snprintf(socket, sizeof socket, "unix://%s", below("engine.sock"));
    int log_fd = open(below("engine.log"), O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
    dup2(log_fd, STDOUT_FILENO);
    dup2(log_fd, STDERR_FILENO);
    prctl(PR_SET_PDEATHSIG, SIGTERM);
    execl(dockerd, dockerd, "--host", socket, "--data-root", below("data"), "--exec-root", below("exec"),
          "--pidfile", below("pid"), "--storage-driver", "vfs", "--bridge", "none", "--iptables=false",
          (char *)NULL);
    _exit(126);
}

static void start_engine(void)
{
    uint64_t deadline_ms = muster_clock_ms() + READY_MS;
    snprintf(host, sizeof host, "unix://%s", below("engine.sock"));
    engine = fork();
    if (engine == 0) {
        become_engine();
    }
    setenv("DOCKER_HOST", host, 1);
    while (engine_ask(NULL, "version", NULL) == NULL) {
        ck_assert_msg(muster_clock_left_ms(deadline_ms) > 0, "the engine never answered");
        ck_assert_msg(waitpid(engine, NULL, WNOHANG) == 0, "the engine ended");
        poll(NULL, 0, 50);
    }
}

static void stop_engine(void)
{
    uint64_t deadline_ms = muster_clock_ms() + END_MS;
    kill(engine, SIGTERM);
    while (waitpid(engine, NULL, WNOHANG) == 0) {
        ck_assert_msg(muster_clock_left_ms(deadline_ms) > 0, "the engine did not end");
        poll(NULL, 0, 50);
    }
    ck_assert_int_eq(umount2(directory, MNT_DETACH), 0);
    ck_assert_int_eq(rmdir(directory), 0);
}

static void fill_disk(void)
{
    static char block[LEFT_BYTES];
    int fd = open(below("data/fill"), O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
    off_t bytes = 0;
    ssize_t put;
    ck_assert_int_ge(fd, 0);
    while ((put = write(fd, block, sizeof block)) > 0) {
        bytes += put;
    }
    ck_assert_int_eq(errno, ENOSPC);
    ck_assert_int_eq(ftruncate(fd, bytes - LEFT_BYTES), 0);
    close(fd);
}

static void run(const char *root)
{
    char run_root[128];
    snprintf(run_root, sizeof run_root, "MUSTER_RUN_ROOT=%s", root);
    const char *environment[] = { run_root, "MUSTER_RUNNER=compose", "CK_RUN_CASE=three_nodes", NULL };
    program_run(MUSTER_TEST_BIN_DIR, "container_program", NULL, environment, &result);
}

START_TEST(a_full_disk_of_the_engine_is_told)
{
    char run_id[64];
    const char *complaint = NULL;
    make_disk();
    start_engine();
    ck_assert_msg(engine_ask(&complaint, "load", "--input", image_path, NULL) != NULL, "%s", complaint);
    fill_disk();
    const char *root = program_run_root();
    run(root);
    ck_assert_msg(result.code == 99, "exit code %d:\n%s", result.code, result.output);
    ck_assert_msg(program_says(&result, "cause: .*[Nn]o space left on device"), "%s", result.output);
    ck_assert(program_run_id(root, run_id));
    ck_assert_int_eq(engine_has_of_run(run_id), 0);
    program_discard();
    stop_engine();
}
END_TEST

/* By the engine that has it. */
static void save_image(void)
{
    const char *complaint = NULL;
    int fd = mkostemp(image_path, O_CLOEXEC);
    ck_assert_int_ge(fd, 0);
    close(fd);
    ck_assert_msg(engine_ask(&complaint, "save", "--output", image_path, ENGINE_NODE_IMAGE, NULL) != NULL,
                  "%s", complaint);
}

static void remove_image(void)
{
    unlink(image_path);
}

/* Why no machine like this can try it; NULL: it can. */
static const char *cannot_run(void)
{
    if (geteuid() != 0) {
        return "only root can start an engine";
    }
    return muster_tool_find("dockerd", dockerd) ? NULL : "there is no program 'dockerd'";
}

int main(void)
{
    int missing = engine_missing();
    const char *reason = missing != 0 ? NULL : cannot_run();
    if (missing != 0 || reason != NULL) {
        fprintf(stderr, "skip: %s\n", reason == NULL ? "there is no engine" : reason);
        return missing != 0 ? missing : 77;
    }
    Suite *suite = suite_create("compose_full");
    TCase *tcase = tcase_create("compose_full");
    tcase_set_timeout(tcase, 250);
    tcase_add_unchecked_fixture(tcase, save_image, remove_image);
    tcase_add_test(tcase, a_full_disk_of_the_engine_is_told);
    suite_add_tcase(suite, tcase);
    SRunner *srunner = srunner_create(suite);
    srunner_run_all(srunner, CK_NORMAL);
    int failed = srunner_ntests_failed(srunner);
    srunner_free(srunner);
    return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
