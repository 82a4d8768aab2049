#pragma once
/* Partial updates in column mode: rows that are there get new values of few columns in an overlay of their segment, in place of
 * a new row each. The segment becomes another one, with another id, the same rows in the same places and the same keys.
 *
 * Works for the buffered rows of one tablet with the table's lock held, as key_merge() does, which calls it. */

#include "meta/store.h"
#include "vector/vector.h"

/* A row of a load whose key is there. */
typedef struct OldRow {
    uint32_t segment; /* of the tablet */
    uint32_t old_row;
    uint32_t row; /* of the load */
} OldRow;

/* A segment that takes the place of another. */
typedef struct ColumnUpdate {
    uint64_t partition_id, tablet_id, old_id;
    SegmentRef segment;
    bool has_new_deletes; /* the commit gives it a vector */
} ColumnUpdate;

typedef struct ColumnUpdates {
    ColumnUpdate *items;
    uint32_t count;
    uint32_t capacity;
} ColumnUpdates;

typedef enum UpdateMode { UPDATE_ROWS, UPDATE_COLUMNS, UPDATE_AUTO } UpdateMode;
/* row, column or auto. False: another word. */
bool update_mode_parse(StrView text, UpdateMode *out_mode);

typedef struct ColumnUpdater {
    MetaStore *store;
    Volume *volume; /* that overlays are written to */
    uint64_t partition_id;
    UpdateMode mode;
    Arena *arena; /* of updates */
    ColumnUpdates *updates;
} ColumnUpdater;

typedef struct ColumnUpdateRows {
    const TableSchema *schema;
    const uint8_t *given; /* by table column */
    const Vector *columns;
    const TabletVersion *tablet;
    OldRow *old; /* by segment and row; those that are taken are removed */
    uint32_t count;
    uint8_t *skipped; /* by row of the load: set for those that are taken */
} ColumnUpdateRows;

/* Are rows sorted by a column that is given? */
bool column_update_sorts(const TableSchema *schema, const uint8_t *given);
/* May rows of the table be updated so? Not where other columns follow from these, or where rows are sorted by them. */
bool column_update_is_possible(const TableSchema *schema, const uint8_t *given);
/* Of each segment, where that costs less or mode asks for it. */
Status column_update(const ColumnUpdater *updater, ColumnUpdateRows *rows, Diag *diag);

/* Puts the exchanges into the change. RETRY: a segment is no longer what it was. */
Status column_updates_put(const ColumnUpdates *updates, const CatalogTable *now, Change *change, Diag *diag);
