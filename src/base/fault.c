#include "base/fault.h"

/* The table of points grows as they are passed; arming is parsed once. Test builds only, so a lock
 * a pass is cheap enough. */

#ifdef MERAK_FAULTS

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/environment.h"
#include "base/memory.h"
#include "base/thread.h"

enum { MAX_POINTS = 512, MAX_ARMED = 16 };

typedef struct FaultPoint {
    const char *name;
    uint64_t passes;
} FaultPoint;

typedef struct ArmedFault {
    char name[64];
    char action[16];
    uint64_t on_pass;
} ArmedFault;

static Mutex fault_lock = MUTEX_INIT; /* guards the tables below */
static FaultPoint points[MAX_POINTS];
static size_t point_count;
static ArmedFault armed[MAX_ARMED];
static size_t armed_count;
static bool armed_from_environment;

static void parse_armed(const char *text)
{
    armed_count = 0;
    while (text != NULL && *text != '\0' && armed_count < MAX_ARMED) {
        ArmedFault *fault = &armed[armed_count];
        fault->on_pass = 1;
        unsigned long long on_pass = 1;
        if (sscanf(text, "%63[^:,]:%15[^@,]@%llu", fault->name, fault->action, &on_pass) >= 2) {
            fault->on_pass = on_pass;
            armed_count++;
        }
        text = strchr(text, ',');
        text = text == NULL ? NULL : text + 1;
    }
}

void fault_arm(const char *specification)
{
    LOCK_GUARD(&fault_lock);
    armed_from_environment = true;
    parse_armed(specification);
    for (size_t i = 0; i < point_count; i++)
        points[i].passes = 0;
}

static uint64_t count_pass(const char *name)
{
    for (size_t i = 0; i < point_count; i++) {
        if (strcmp(points[i].name, name) == 0)
            return ++points[i].passes;
    }
    CHECK(point_count < MAX_POINTS);
    points[point_count++] = (FaultPoint){name, 1};
    return 1;
}

static const char *due_action(const char *name)
{
    LOCK_GUARD(&fault_lock);
    if (!armed_from_environment) {
        armed_from_environment = true;
        parse_armed(getenv("MERAK_FAULT"));
    }
    uint64_t pass = count_pass(name);
    for (size_t i = 0; i < armed_count; i++) {
        if (strcmp(armed[i].name, name) == 0 && armed[i].on_pass == pass)
            return armed[i].action;
    }
    return NULL;
}

Status fault_point(const char *name, Diag *diag)
{
    const char *action = due_action(name);
    if (action == NULL)
        return OK;
    if (strcmp(action, "kill") == 0)
        raise(SIGKILL);
    if (strcmp(action, "fail") == 0)
        return RAISE(diag, IO, "injected failure at fault point \"%s\"", name);
    if (strcmp(action, "pause") == 0)
        env_sleep_us(environment_real(), 10 * 1000000);
    if (strcmp(action, "delay") == 0)
        env_sleep_us(environment_real(), 100 * 1000);
    return OK;
}

void fault_point_counts(void (*visit)(void *context, const char *name, uint64_t passes),
                        void *context)
{
    LOCK_GUARD(&fault_lock);
    for (size_t i = 0; i < point_count; i++)
        visit(context, points[i].name, points[i].passes);
}

#else
/* A translation unit may not be empty. */
extern int merak_faults_are_compiled_out;
#endif
