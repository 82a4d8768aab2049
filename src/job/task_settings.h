#pragma once
/* The settings of tasks, ADMIN SET FRONTEND CONFIG: journaled as "config.NAME", in effect at once. */

#include "meta/catalog.h"

typedef struct TaskSettings {
    int64_t concurrency;  /* task_runs_concurrency; 0: nothing runs */
    int64_t queue_length; /* task_runs_queue_length */
    int64_t task_ttl_us, run_ttl_us;
    int64_t run_timeout_us; /* 0: none */
    int64_t max_history;
} TaskSettings;

TaskSettings task_settings_of(const CatalogSnapshot *catalog);
typedef struct TaskSettingInfo {
    const char *name;
    const char *initial;
    const char *comment;
} TaskSettingInfo;
/* By position; NULL: there is no more. */
const TaskSettingInfo *task_setting_at(uint32_t position);
