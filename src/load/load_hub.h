#pragma once
/* Inside of the load hub: what running loads register. See stream_load.h. */

#include "load/stream_load.h"

enum { LOAD_ERROR_LOGS = 256, LOAD_LOG_NAME_BYTES = 56 };

/* What load_hub_cancel() does to a load, from another thread, until the load leaves. */
typedef struct LoadCancel {
    void (*cancel)(void *context);
    void *context;
    uint64_t table_id; /* that the load is for */
} LoadCancel;

/* False: a load with that label runs. Both are copied; cancel NULL: not to be cancelled here. */
bool load_hub_enter(LoadHub *hub, uint64_t database_id, StrView label, const LoadCancel *cancel);
/* It can't be cancelled from here on. */
void load_hub_bind(LoadHub *hub, uint64_t database_id, StrView label);
void load_hub_leave(LoadHub *hub, uint64_t database_id, StrView label);
void load_hub_count(LoadHub *hub, bool succeeded, uint64_t rows, uint64_t bytes);
/* Keeps a log under an unguessable name; the oldest one goes when there are LOAD_ERROR_LOGS. */
void load_hub_keep_log(LoadHub *hub, StrView text, char out_name[LOAD_LOG_NAME_BYTES]);
