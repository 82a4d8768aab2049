#pragma once
/* Values of AUTO_INCREMENT columns: unique within a table, rising, with gaps.
 *
 * Values are reserved in the journal in blocks before the first of them is used; what is left of a block when
 * the process ends is lost. Thread-safe. */

#include "meta/store.h"
#include "vector/vector.h"

typedef struct AutoIncrement AutoIncrement;

AutoIncrement *auto_increment_open(MetaStore *store);
void auto_increment_close(AutoIncrement *increment);
/* The NULLs of a flat BIGINT column get values. */
Status auto_increment_fill(AutoIncrement *increment, uint64_t table_id, Vector *column, uint32_t rows, Diag *diag);
/* The next value is at least this. */
Status auto_increment_set(AutoIncrement *increment, uint64_t table_id, int64_t next, Diag *diag);
