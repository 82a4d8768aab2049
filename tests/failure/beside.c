/* The hook stands in the volume's table of operations: merges write their segment through it like everybody else. */

#include "failure/beside.h"

#include "volume/volume.h"

static Fixture *watched;
static VolumeOps hooked;
static Status (*commit_object)(VolumeWriter *writer, Diag *diag);
static const char *waiting;
static void (*done_hook)(void *context);
static void *done_context;
static Status last_status;
static Diag last_diag;

static Status run_waiting(const char *sql)
{
    Session *outer = watched->session;
    Instance *instance = &watched->instance;
    last_diag = (Diag){0};
    TRY(session_open(instance, STR_VIEW("root"), STR_VIEW("127.0.0.1"), 2, &last_diag, &watched->session));
    Status status = fixture_run(watched, "USE d", NULL, &last_diag);
    if (status == OK)
        status = fixture_run(watched, sql, NULL, &last_diag);
    session_close(watched->session);
    watched->session = outer;
    return status;
}

static Status commit_hook(VolumeWriter *writer, Diag *diag)
{
    const char *sql = waiting;
    waiting = NULL;
    if (sql != NULL) {
        last_status = run_waiting(sql);
        if (done_hook != NULL)
            done_hook(done_context);
    }
    return commit_object(writer, diag);
}

void beside_watch(Fixture *fixture)
{
    watched = fixture;
    waiting = NULL;
    if (fixture->volume->ops == &hooked)
        return;
    hooked = *fixture->volume->ops;
    commit_object = hooked.commit;
    hooked.commit = commit_hook;
    fixture->volume->ops = &hooked;
}

void beside_run(const char *sql, void (*done)(void *context), void *context)
{
    waiting = sql;
    done_hook = done;
    done_context = context;
    last_status = OK;
}

bool beside_is_waiting(void)
{
    return waiting != NULL;
}

Status beside_status(Diag *diag)
{
    *diag = last_diag;
    return last_status;
}
