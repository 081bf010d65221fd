#include "ledger/strays.h"

#include <signal.h>

#include "host/process.h"

static void kill_stray(void *context, pid_t pid, uint64_t start)
{
    (void)context;
    muster__process_signal(pid, start, SIGKILL);
}

void muster__kill_strays(const char *run_id)
{
    muster__process_each_of_run(run_id, kill_stray, NULL);
}
