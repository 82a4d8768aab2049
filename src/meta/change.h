#pragma once
/* Changes of the catalog: the payload of journal entries. Applying one to a snapshot yields the next
 * snapshot, deterministically; the same code serves the leader and replay.
 *
 * A change is built with the change_x() functions into a byte buffer, in the order in which its
 * operations take effect. Operations carry results (ids, names, segments), never intentions. */

#include "meta/catalog.h"

typedef struct Change {
    ByteBuf bytes;
    bool is_whole_state; /* with all that follows from it: nobody adds to it */
} Change;

void change_deinit(Change *change);
#define AUTO_CHANGE CLEANUP(change_deinit) Change

typedef struct NewSegments {
    uint64_t partition_id;
    uint64_t tablet_id;
    const SegmentRef *segments;
    uint32_t count;
} NewSegments;

void change_put_database(Change *change, uint64_t id, StrView name, StrView comment);
void change_drop_database(Change *change, uint64_t id);
/* The whole table without its partitions; replaces one with the same id. */
void change_put_table(Change *change, uint64_t id, uint64_t database_id, StrView name, const TableSchema *schema);
void change_drop_table(Change *change, uint64_t id);
/* schema gives the types of the bounds. */
void change_put_partition(Change *change, uint64_t table_id, const TableSchema *schema,
                          const CatalogPartition *partition);
void change_drop_partition(Change *change, uint64_t table_id, uint64_t partition_id);
/* Adds segments; has_rows: the data version moves as well. */
void change_publish(Change *change, uint64_t table_id, const NewSegments *segments, uint32_t count);
/* Replaces segments (by id) of one tablet by others, at the place of the first of them: rows change, and so
 * does the data version. */
void change_replace_segments(Change *change, uint64_t table_id, const NewSegments *fresh,
                             const uint64_t *old_ids, uint32_t old_count);
/* Compaction: the same with the same rows in other segments; the data version stays. */
void change_compact_segments(Change *change, uint64_t table_id, const NewSegments *fresh,
                             const uint64_t *old_ids, uint32_t old_count);
/* New delete vectors of segments of one tablet, which take the place of older ones: rows change. */
typedef struct NewDeletes {
    uint64_t segment_id;
    DeleteVectorRef deletes;
} NewDeletes;
void change_put_deletes(Change *change, uint64_t table_id, uint64_t partition_id, uint64_t tablet_id, const NewDeletes *deletes,
                        uint32_t count);
/* After what compaction did to the partition: its rows are those of that data version, whatever was said before. */
void change_keep_data_version(Change *change, uint64_t table_id, uint64_t partition_id, uint64_t data_version);
void change_put_setting(Change *change, StrView key, StrView value);
void change_put_label(Change *change, uint64_t database_id, StrView label, uint64_t txn_id, StrView answer,
                      int64_t time_us);
/* Labels of before that time may be used again. */
void change_forget_labels(Change *change, int64_t before_us);
/* The label may be used again, whenever it was used before. */
void change_drop_label(Change *change, uint64_t database_id, StrView label);
/* A transaction of that database and label is prepared; is prepared no longer (nothing when it was not). */
void change_put_prepared(Change *change, const PreparedTransaction *prepared);
void change_drop_prepared(Change *change, uint64_t database_id, StrView label);
void change_reserve_ids(Change *change, uint64_t next_id);

/* Objects that are about to be deleted: no later state names them. Applying it does nothing; that it could be
 * journaled proves that whoever deletes still leads. */
void change_note_deletions(Change *change, const StrView *paths, uint32_t count);
/* Does it make, alter or drop databases or tables? */
bool change_has_definitions(const Change *change);
/* Appends the operations of a change that this version does not know and can't do without, as text. */
void change_list_unknown(StrView bytes, ByteBuf *out_names);

/* Does the change only what a cluster that is read only still does: its own upkeep, and ends of what runs? */
bool change_is_upkeep(StrView bytes);

/* Tells labels and other side state to their keeper while a change is applied. */
typedef struct ChangeListener {
    void *context;
    void (*label)(void *context, uint64_t database_id, StrView label, uint64_t txn_id, StrView answer, int64_t time_us);
    void (*forget_labels)(void *context, int64_t before_us);
    void (*drop_label)(void *context, uint64_t database_id, StrView label);
} ChangeListener;

/* base keeps its reference. CORRUPT when the bytes are damaged, NO_SUCH_TABLE and the like when an
 * operation names something that base does not hold. */
Status change_apply(CatalogSnapshot *base, StrView bytes, uint64_t entry_id, int64_t time_us,
                    const ChangeListener *listener, Diag *diag, CatalogSnapshot **out_next);
/* The same onto the catalog itself, to which nobody else may hold or get a reference: replay, where a copy an
 * entry would cost the square of what is there. After an error the catalog is of no use. */
Status change_apply_in_place(CatalogSnapshot *catalog, StrView bytes, uint64_t entry_id, int64_t time_us,
                             const ChangeListener *listener, Diag *diag);
