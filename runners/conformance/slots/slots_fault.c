#include "slots/slots_fault.h"

#include <errno.h>
#include <stdatomic.h>
#include <string.h>
#include <sys/mman.h>

/* In shared memory, as the guardian calls some of the slots. */
struct shared {
    struct slots_fault fault;
    atomic_uint calls[SLOTS_COUNT];
};

static struct shared *shared;
static const struct muster_runner *real_runner;
static const struct muster_system *real_system;
static struct muster_runner runner;
static struct muster_system fault_system;

enum muster_rc slots_set_fault(const struct slots_fault *fault, struct muster_error *err)
{
    if (shared == NULL) {
        void *page = mmap(NULL, sizeof *shared, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
        if (page == MAP_FAILED) {
            return muster_error_errno(err, MUSTER_ENOMEM, errno, "no memory to share");
        }
        shared = page;
    }
    shared->fault = *fault;
    for (size_t i = 0; i < SLOTS_COUNT; i++) {
        atomic_store(&shared->calls[i], 0);
    }
    return MUSTER_OK;
}

void slots_rearm(const struct slots_fault *fault)
{
    shared->fault = *fault;
    shared->fault.call += slots_calls(fault->slot);
}

unsigned slots_calls(enum slots_slot slot)
{
    return atomic_load(&shared->calls[slot]);
}

/* Counts a call. True: this one must fail. */
static bool is_hit(enum slots_slot slot)
{
    unsigned call = atomic_fetch_add(&shared->calls[slot], 1) + 1;
    return shared->fault.slot == slot && shared->fault.call == call;
}

static enum muster_rc fail(struct muster_error *err)
{
    return muster_error_set(err, shared->fault.rc, "made to fail");
}

/* Calls the real slot, unless this call is to fail without having done anything. */
#define CALL(slot, err, real)                                                                                \
    do {                                                                                                     \
        bool hit = is_hit(slot);                                                                             \
        enum muster_rc rc = hit && !shared->fault.done ? MUSTER_OK : (real);                                 \
        return hit && rc == MUSTER_OK ? fail(err) : rc;                                                      \
    } while (0)

static enum muster_rc probe(const struct muster_plan *plan, const struct muster_variables *variables,
                            struct muster_error *err)
{
    CALL(SLOTS_PROBE, err, real_runner->probe == NULL ? MUSTER_OK : real_runner->probe(plan, variables, err));
}

static enum muster_rc up(struct muster_deployment *deployment, void **state, struct muster_error *err)
{
    CALL(SLOTS_UP, err, real_runner->up(deployment, state, err));
}

static enum muster_rc endpoint(void *state, uint32_t node, struct muster_endpoint *ret,
                               struct muster_error *err)
{
    CALL(SLOTS_ENDPOINT, err, real_runner->endpoint(state, node, ret, err));
}

static enum muster_rc control(void *state, uint32_t node, enum muster_action action, struct muster_error *err)
{
    CALL(SLOTS_CONTROL, err, real_runner->control(state, node, action, err));
}

static void detach(void *state)
{
    (void)is_hit(SLOTS_DETACH);
    real_runner->detach(state);
}

static enum muster_rc collect(const struct muster_ledger_view *view, struct muster_error *err)
{
    CALL(SLOTS_COLLECT, err, real_runner->collect == NULL ? MUSTER_OK : real_runner->collect(view, err));
}

static enum muster_rc down(const struct muster_ledger_view *view, uint32_t grace_ms, struct muster_error *err)
{
    CALL(SLOTS_DOWN, err, real_runner->down == NULL ? MUSTER_OK : real_runner->down(view, grace_ms, err));
}

static enum muster_rc audit(const struct muster_ledger_view *view, struct muster_audit *found,
                            struct muster_error *err)
{
    CALL(SLOTS_AUDIT, err, real_runner->audit == NULL ? MUSTER_OK : real_runner->audit(view, found, err));
}

static enum muster_rc render(const struct muster_plan *plan, uint32_t node,
                             const struct muster_addresses *addresses, struct muster_rendering *out,
                             struct muster_error *err)
{
    CALL(SLOTS_RENDER, err, real_system->render(plan, node, addresses, out, err));
}

const struct muster_runner *slots_wrap_runner(const struct muster_runner *real)
{
    real_runner = real;
    runner = *real;
    runner.probe = probe;
    runner.up = up;
    runner.endpoint = endpoint;
    runner.control = real->control == NULL ? NULL : control;
    runner.detach = detach;
    runner.collect = collect;
    runner.down = down;
    runner.audit = audit;
    return &runner;
}

const struct muster_system *slots_wrap_system(const struct muster_system *real)
{
    real_system = real;
    fault_system = *real;
    fault_system.render = render;
    return &fault_system;
}
