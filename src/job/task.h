#pragma once
/* Tasks and their runs as they are journaled: catalog records in the modules "task" (key: the name) and "task_run" (key:
 * the run's number, so that the oldest comes first). A task is made, altered and dropped in the change of whatever
 * it belongs to; the task manager follows the catalog. Texts that are read lie in the caller's arena. */

#include "meta/catalog.h"
#include "meta/change.h"
#include "meta/records.h"

typedef enum TaskType {
    TASK_MANUAL,          /* runs when it is submitted */
    TASK_PERIODICAL,      /* at start + k * period */
    TASK_EVENT_TRIGGERED, /* after commits; whoever owns the task decides which */
} TaskType;

typedef struct TaskDefinition {
    uint64_t id;
    StrView name;   /* one in the cluster */
    StrView source; /* whose runner executes it: "INSERT", "CTAS", "CACHE SELECT", "MV" */
    uint8_t type;   /* TaskType */
    bool is_paused; /* no automatic runs */
    int64_t created_us;
    int64_t expires_us; /* 0: never */
    int64_t start_us, period_us;
    StrView period_text; /* "10 MINUTES" */
    StrView catalog, database, definition, creator;
    uint64_t owner_id; /* object that the task belongs to; 0: a user's task */
    Property *properties;
    uint32_t property_count;
} TaskDefinition;

void change_put_task(Change *change, const TaskDefinition *task);
void change_drop_task(Change *change, StrView name);
bool task_find(const CatalogSnapshot *snapshot, StrView name, Arena *arena, TaskDefinition *out_task);
/* Of a record's value; false: damaged, which no statement of ours can write. */
bool task_parse(StrView text, Arena *arena, TaskDefinition *out_task);
uint32_t task_list(const CatalogSnapshot *snapshot, Arena *arena, TaskDefinition **out_tasks);
/* "MANUAL", "EVENT_TRIGGERED", "PERIODICAL START(..) EVERY(..)"; the offset is the session's zone. */
StrView task_schedule_text(const TaskDefinition *task, int64_t zone_offset_us, Arena *arena);
/* The first point of the grid start + k * period that is later than now. */
int64_t task_next_time(int64_t start_us, int64_t period_us, int64_t now_us);
/* Units of EVERY(INTERVAL n unit) and of intervals in properties; 0: not one of them. */
int64_t task_unit_us(StrView unit);

typedef enum TaskState {
    TASK_PENDING,
    TASK_RUNNING,
    TASK_SUCCESS,
    TASK_FAILED,
    TASK_SKIPPED, /* there was nothing to do */
    TASK_CANCELED,
} TaskState;
const char *task_state_name(TaskState state);

enum { TASK_RUN_ID_BYTES = 37 };

typedef struct TaskRunInfo {
    uint64_t number; /* of the record */
    StrView id, job_id;
    StrView task, source, catalog, database, definition, creator;
    uint8_t state; /* TaskState */
    bool is_automatic;
    int priority;
    uint32_t merged;                                         /* equal runs that this one stands for */
    int64_t created_us, started_us, finished_us, expires_us; /* 0: not yet, never */
    int32_t error_code;
    uint32_t progress;            /* percent */
    StrView error_message, extra; /* extra: a JSON object, or empty */
    const Property *properties;
    uint32_t property_count;
} TaskRunInfo;

void change_put_task_run(Change *change, const TaskRunInfo *run);
void change_drop_task_run(Change *change, uint64_t number);
bool task_run_parse(StrView text, Arena *arena, TaskRunInfo *out_run);
bool task_run_find(const CatalogSnapshot *snapshot, uint64_t number, Arena *arena, TaskRunInfo *out_run);
bool task_run_is_known(const CatalogSnapshot *snapshot, uint64_t number);
bool task_properties_equal(const Property *a, uint32_t a_count, const Property *b, uint32_t b_count);
Property *task_properties_copy(const Property *properties, uint32_t count, Arena *arena);
/* {"FORCE":"true", ..} */
StrView task_properties_json(const Property *properties, uint32_t count, Arena *arena);
StrView task_property(const Property *properties, uint32_t count, const char *key); /* data NULL: not there */
