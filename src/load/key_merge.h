#pragma once
/* Loads that look at the rows that are there: partial updates keep the columns that are not given, conditional
 * ones (merge_condition) take a row only when its value is at least the stored one.
 *
 * Works on the buffered rows of one tablet, with the table's lock held, against a snapshot made under it: no
 * other load can come between the look and the commit, and compaction moves rows without changing them. */

#include "load/auto_increment.h"
#include "load/column_update.h"
#include "load/generated_columns.h"
#include "meta/store.h"
#include "storage/primary_index.h"

typedef struct KeyMergeRules {
    const uint8_t *given; /* by table column; NULL: all */
    int condition_column; /* -1: none */
    const GeneratedColumns *generated; /* computed anew where columns were not given; NULL: none */
    AutoIncrement *increments; /* rows of new keys get values in AUTO_INCREMENT columns that were not given; NULL: none do */
    uint64_t table_id;
    UpdateMode mode; /* of partial updates */
} KeyMergeRules;

typedef struct KeyMergeInput {
    const KeyMergeRules *rules;
    Volume *volume;
    PrimaryIndexes *indexes;
    const TableSchema *schema;
    const TabletVersion *tablet;
    Vector *columns; /* of the table; values that are not given are filled in */
    uint32_t rows;
    Arena *arena; /* of the columns */
    const ColumnUpdater *updater; /* NULL: rows are written whole */
} KeyMergeInput;

/* out_skipped[row]: the row loses, against another of its key or against the stored one; or its columns were written already. */
Status key_merge(const KeyMergeInput *input, Diag *diag, uint8_t *out_skipped);
/* The column of merge_condition. given: as in the rules. */
Status key_merge_condition(const CatalogTable *table, StrView name, const uint8_t *given, Diag *diag, int *out_column);
