#pragma once
/* Status codes and diagnostics.
 *
 * Every fallible function returns Status; OK is 0 and the compiler rejects a dropped one. The
 * sentence for the user goes to a Diag that the caller owns (one a statement, load or start-up
 * step). The first error wins, also across threads: diag_raise() is thread-safe, reading the text
 * is allowed once the work that may raise has ended. */

#include <stdatomic.h>
#include <stdbool.h>

#include "base/compiler.h"

enum MUST_CHECK_TYPE StatusCode {
    OK = 0,
#define ERR(name, number, sqlstate, class) ERR_##name,
#include "base/errors.def"
#undef ERR
    ERR_COUNT_
};
typedef enum StatusCode Status;

typedef enum ErrorClass {
    ERROR_CLASS_NONE,
    ERROR_CLASS_USER,
    ERROR_CLASS_RESOURCE,
    ERROR_CLASS_ENVIRONMENT,
    ERROR_CLASS_CORRUPT,
    ERROR_CLASS_BUG,
} ErrorClass;

typedef struct ErrorInfo {
    const char *name;     /* "NO_SUCH_TABLE" */
    int mysql_number;     /* what clients compare */
    const char *sqlstate; /* five characters */
    ErrorClass error_class;
} ErrorInfo;

const ErrorInfo *error_info(Status code);

enum { DIAG_MESSAGE_BYTES = 1024 };

/* Zero-initialised is valid and empty. */
typedef struct Diag {
    _Atomic int claimed;              /* 0 free, 1 being written, 2 complete */
    Status code;                      /* valid when claimed == 2 */
    int line;                         /* of the statement, 1-based; 0 unknown */
    int column;                       /* 1-based; 0 unknown */
    char message[DIAG_MESSAGE_BYTES]; /* NUL-terminated, cut at a UTF-8 boundary */
} Diag;

/* Records code and text unless an error is there already; returns code, so that
 * `return RAISE(diag, NO_SUCH_TABLE, "...")` forwards it. diag may be NULL (text is dropped). */
Status diag_raise(Diag *diag, Status code, const char *format, ...) PRINTF_LIKE(3, 4);

/* Puts "context: " before the text that is there. Only while no other thread may raise. */
void diag_add_context(Diag *diag, const char *format, ...) PRINTF_LIKE(2, 3);

void diag_reset(Diag *diag);

static inline bool diag_has_error(const Diag *diag)
{
    return atomic_load_explicit(&diag->claimed, memory_order_acquire) != 0;
}

#define RAISE(diag, name, ...) diag_raise((diag), ERR_##name, __VA_ARGS__)

#define TRY(expression)                  \
    do {                                 \
        Status try_status_ = (expression); \
        if (UNLIKELY(try_status_ != OK)) \
            return try_status_;          \
    } while (0)

/* For the few places where a failure changes nothing; say why beside it. */
static inline void status_ignore(Status status)
{
    (void)status;
}

/* ASSERT: debug only, for bugs that can't be recovered from. CHECK: always on, around writes to
 * shared storage. UNREACHABLE: instead of an empty default. User input never reaches any. */
_Noreturn void check_failed(const char *file, int line, const char *condition);
#define CHECK(condition) \
    (LIKELY(condition) ? (void)0 : check_failed(__FILE__, __LINE__, #condition))
#ifdef MERAK_DEBUG
#define ASSERT(condition) CHECK(condition)
#else
#define ASSERT(condition) ((void)sizeof(condition))
#endif
#define UNREACHABLE() check_failed(__FILE__, __LINE__, "unreachable")

/* ENSURE: an invariant whose failure may cost the query but not the process. */
#define ENSURE(condition, diag)                                                              \
    do {                                                                                     \
        if (UNLIKELY(!(condition)))                                                          \
            return RAISE((diag), INTERNAL, "internal check failed: %s (%s:%d)", #condition, \
                         __FILE__, __LINE__);                                                \
    } while (0)
