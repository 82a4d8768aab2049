#include "job/task_settings.h"

#include <stdio.h>

#include "types/number_text.h"

static const TaskSettingInfo settings[] = {
    {"task_runs_concurrency", "4", "runs of tasks that are executed at the same time; 0: all wait"},
    {"task_runs_queue_length", "500", "runs of tasks that may wait"},
    {"task_runs_timeout_second", "14400", "a run that takes longer is cancelled; 0: none is"},
    {"task_runs_ttl_second", "604800", "how long ended runs are remembered"},
    {"task_runs_max_history_number", "10000", "how many ended runs are remembered"},
    {"task_ttl_second", "86400", "how long a task without a schedule is kept after it was submitted"},
};

const TaskSettingInfo *task_setting_at(uint32_t position)
{
    return position < COUNT_OF(settings) ? &settings[position] : NULL;
}

static bool parse(StrView text, int64_t *out_value)
{
    return text.data != NULL && int64_parse(text, out_value) && *out_value >= 0;
}

/* What is set, unless that is no number. */
static int64_t number_of(const CatalogSnapshot *catalog, const char *name)
{
    char key[64];
    int64_t value = 0;
    snprintf(key, sizeof(key), "config.%s", name);
    StrView set = catalog_setting(catalog, key);
    for (size_t i = 0; i < COUNT_OF(settings); i++) {
        if (strcmp(settings[i].name, name) == 0 && !parse(set, &value))
            CHECK(parse(strview(settings[i].initial), &value));
    }
    return MIN(value, (int64_t)INT32_MAX);
}

TaskSettings task_settings_of(const CatalogSnapshot *catalog)
{
    return (TaskSettings){.concurrency = number_of(catalog, "task_runs_concurrency"),
                          .queue_length = number_of(catalog, "task_runs_queue_length"),
                          .task_ttl_us = number_of(catalog, "task_ttl_second") * 1000000,
                          .run_ttl_us = number_of(catalog, "task_runs_ttl_second") * 1000000,
                          .run_timeout_us = number_of(catalog, "task_runs_timeout_second") * 1000000,
                          .max_history = number_of(catalog, "task_runs_max_history_number")};
}
