#pragma once
/* The table sys.storage_holds. */

#include "connector/system_table.h"

enum { SYSTEM_HOLDS_COLUMNS = 6 };
extern const SystemColumn system_holds_columns[SYSTEM_HOLDS_COLUMNS];
Status system_produce_holds(const SystemSource *source, SystemRows *rows);
