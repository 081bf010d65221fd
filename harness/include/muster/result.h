/* Results: a code to branch on, a first cause to read. */
#ifndef MUSTER_RESULT_H
#define MUSTER_RESULT_H

#include <stdarg.h>
#include <stddef.h>

#ifdef __cplusplus
extern "C" {
#endif

#define MUSTER_MUST_USE __attribute__((warn_unused_result))
#define MUSTER_PRINTF(format_index, first_index) __attribute__((format(printf, format_index, first_index)))

/* Every code with its plain text. */
#define MUSTER_RC_MAP(X)                                                                                     \
    X(EINVAL, "invalid argument")                                                                            \
    X(ENODE, "a node exited or was never ready")                                                             \
    X(ENOMEM, "out of memory")                                                                               \
    X(ESKIP, "cannot run here")                                                                              \
    X(ETIMEDOUT, "deadline passed")                                                                          \
    X(EIO, "the operating system refused")                                                                   \
    X(EHTTP, "no usable answer from a node")                                                                 \
    X(EREPLY, "a node's reply was not understood")                                                           \
    X(ENOTFOUND, "not known to the node")                                                                    \
    X(EEXPECT, "an expectation does not hold")                                                               \
    X(EWORKLOAD, "a workload failed")                                                                        \
    X(EINFRA, "the environment failed")                                                                      \
    X(ELEAK, "something was left behind")                                                                    \
    X(ESTOPPED, "the run is over")                                                                           \
    X(ESTATE, "called in the wrong phase")

enum muster_rc {
    MUSTER_OK = 0,
#define MUSTER_RC_ENUM(name, text) MUSTER_##name,
    MUSTER_RC_MAP(MUSTER_RC_ENUM)
#undef MUSTER_RC_ENUM
};

#define MUSTER_ERROR_TEXT_BYTES 4096

/* The first cause, with what each level added in front of it. Starts zeroed; the caller owns it. */
struct muster_error {
    enum muster_rc rc;
    char text[MUSTER_ERROR_TEXT_BYTES];
};

/** The plain text of a code, such as "deadline passed"; never NULL, static storage. */
const char *muster_rc_text(enum muster_rc rc);

/** The code's name, such as "MUSTER_ETIMEDOUT"; never NULL, static storage. */
const char *muster_rc_name(enum muster_rc rc);

/**
 * Records the first cause of a failure. A cause that err holds already is kept: the first one wins.
 *
 * @param err  May be NULL.
 * @param rc   Not MUSTER_OK.
 * @return rc, so that a caller can return the call itself.
 */
enum muster_rc muster_error_set(struct muster_error *err, enum muster_rc rc, const char *format, ...)
    MUSTER_PRINTF(3, 4);

/** As muster_error_set(), with ": " and the text of the errno value `error_number` at the end. */
enum muster_rc muster_error_errno(struct muster_error *err, enum muster_rc rc, int error_number,
                                  const char *format, ...) MUSTER_PRINTF(4, 5);

/** Puts where it happened, and ": ", before the cause that err holds. Returns rc. err may be NULL. */
enum muster_rc muster_error_context(struct muster_error *err, enum muster_rc rc, const char *format, ...)
    MUSTER_PRINTF(3, 4);

#ifdef __clang_analyzer__
/* The analyzer does not see that these return what they are given. */
#define muster_error_set(err, rc, ...) ((void)muster_error_set((err), (rc), __VA_ARGS__), (rc))
#define muster_error_errno(err, rc, number, ...)                                                             \
    ((void)muster_error_errno((err), (rc), (number), __VA_ARGS__), (rc))
#define muster_error_context(err, rc, ...) ((void)muster_error_context((err), (rc), __VA_ARGS__), (rc))
#endif

/** Forgets the cause, so that err can be used again. NULL is fine. */
void muster_error_clear(struct muster_error *err);

/* Scope cleanup: MUSTER_CLEANUP(muster_x_destroy) struct muster_x *x = NULL; */
#define MUSTER_DEFINE_CLEANUP(function, type)                                                                \
    static inline void function##_cleanup_(type *variable)                                                   \
    {                                                                                                        \
        function(*variable);                                                                                 \
    }                                                                                                        \
    struct muster_cleanup_needs_a_semicolon_
#define MUSTER_CLEANUP(function) __attribute__((cleanup(function##_cleanup_)))

#ifdef __cplusplus
}
#endif
#endif
