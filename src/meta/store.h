#pragma once
/* The metadata store: journal, published catalog, commits.
 *
 * meta_commit() validates under the commit lock, appends one entry to the open batch and returns
 * when the batch is durable and the new catalog is published. Many commits share a put (group
 * commit). Thread-safe. */

#include "meta/change.h"
#include "meta/table_gate.h"
#include "meta/labels.h"
#include "volume/volume.h"

typedef struct MetaStore MetaStore;
struct Incarnation; /* incarnation.h */

typedef struct LabelRecord {
    uint64_t txn_id;
    int64_t time_us;
    StrView answer; /* copy in the caller's arena */
    bool is_durable; /* false: its commit is under way, or its outcome is not known yet */
} LabelRecord;

/* Creates incarnation 1 on an empty volume, else replays the journal, and takes the lead. Damage stops it with
 * the object's name. Where the lead can't be taken because the volume refuses writes, the first commit tries
 * again. */
Status meta_store_open(Volume *volume, Diag *diag, MetaStore **out_store);
/* The same without taking the lead: commits are refused with RETRY until meta_take_lead(). */
Status meta_store_open_follower(Volume *volume, Diag *diag, MetaStore **out_store);
typedef struct MetaOpen {
    bool follows;          /* does not take the lead */
    bool is_read_only;     /* writes nothing at all; implies follows */
    uint64_t incarnation;  /* 0: the newest */
    uint64_t until_entry;  /* the state behind that entry; 0: the newest */
    int64_t until_time_us; /* the state at that time; 0: the newest */
    bool from_oldest_image; /* by the journal alone, from the incarnation's beginning */
} MetaOpen;
Status meta_store_open_as(Volume *volume, const MetaOpen *options, Diag *diag, MetaStore **out_store);
void meta_store_close(MetaStore *store);

/* ---- several nodes on one volume (follow.c) ---- */

bool meta_is_leading(MetaStore *store);
uint64_t meta_epoch(MetaStore *store); /* grows with every change of the lead that was read or made */
/* Reads and publishes what others appended since; asks for the next object by name only. A leader that finds
 * another's batch is deposed, and follows from then on. */
Status meta_follow(MetaStore *store, Diag *diag);
/* What was acknowledged by anybody before the call is published here when it returns OK, whoever leads: an append of this node's
 * own whose outcome is open is settled first. */
Status meta_sync(MetaStore *store, Diag *diag);
/* Fails once the store knows that its incarnation has ended: neither reads nor writes mean anything any more. */
Status meta_check_current(MetaStore *store, Diag *diag);
/* One claim of the lead. RETRY: somebody else was faster; the store follows it. */
Status meta_take_lead(MetaStore *store, Diag *diag);
/* Gives the lead up: nothing more is committed. */
void meta_step_down(MetaStore *store);

CatalogSnapshot *meta_snapshot(MetaStore *store); /* a reference: catalog_unref() it */
/* published() is called after every publish, with the store's lock held: it does no more than wake somebody up. NULL ends
 * that, and no call is under way any more. */
void meta_set_publish_listener(MetaStore *store, void (*published)(void *context), void *context);
/* Who commits finds out how an append ended whose outcome was unknown; so does this. OK: nothing is open. */
Status meta_settle(MetaStore *store, Diag *diag);
/* The scheduler's job of every node: looks once an hour whether the volume still refuses to create what exists. While it
 * does not, all commits are refused with VOLUME_UNSAFE. */
int64_t meta_probe_job(void *store, const _Atomic bool *stopping);
/* The scheduler's job that does so. */
int64_t meta_settle_job(void *store, const _Atomic bool *stopping);
/* build() is called under the commit lock with the newest tentative catalog; it checks and fills the
 * change. Raising there commits nothing. On OK everything is durable and visible. RETRY: another node leads now,
 * or build() said so. OUTCOME_UNKNOWN: it may yet become visible. After any other error nothing has changed. */
typedef Status (*MetaBuild)(void *context, const CatalogSnapshot *catalog, Change *change, Diag *diag);
Status meta_commit(MetaStore *store, MetaBuild build, void *context, Diag *diag);
/* Called under the commit lock for a change that touches definitions: after is what it would make of before. The
 * observer may add what follows from that to the same entry. Set before the first commit of a session. */
typedef void (*MetaObserve)(void *context, const CatalogSnapshot *before, const CatalogSnapshot *after, Change *change);
void meta_set_commit_observer(MetaStore *store, MetaObserve observe, void *context);
/* Ids for objects made before they are committed: never given out twice, also across crashes. 0: none could be
 * had, because the journal can't be written; no change can name it. */
uint64_t meta_new_id(MetaStore *store);
/* The format level that ADMIN FINALIZE UPGRADE has raised the cluster to (base/format_level.h). */
uint32_t meta_format_level(const CatalogSnapshot *catalog);
void change_put_format_level(Change *change, uint32_t level);
/* Clock and randomness of the volume that the store lies on. */
const Environment *meta_environment(const MetaStore *store);
TableGates *meta_gates(const MetaStore *store);
uint64_t meta_incarnation(const MetaStore *store);
/* Path of a data object of that id; ids that were given out one after the other share a directory, which is then synced once
 * for many small loads. suffix: "seg" or "del". */
enum { META_OBJECT_PATH_BYTES = 96 };
void meta_object_path(const MetaStore *store, uint64_t id, const char *suffix, char out_path[META_OBJECT_PATH_BYTES]);
/* Known to whoever can read the volume, and to nobody else: with it nodes prove that they belong to the cluster. */
void meta_identity(const MetaStore *store, struct Incarnation *out);
StrView meta_cluster_secret(const MetaStore *store);
/* All durable labels, the newest first; texts are in arena. */
uint32_t meta_label_list(MetaStore *store, Arena *arena, LabelEntry **out_labels);
bool meta_label_find(MetaStore *store, uint64_t database_id, StrView label, Arena *arena, LabelRecord *out_record);
/* Journals that the labels of before that time are forgotten, when there are any. */
Status meta_forget_labels(MetaStore *store, int64_t before_us, Diag *diag);
/* The scheduler's job that does so when label_keep_max_second is over. */
int64_t meta_labels_job(void *store, const _Atomic bool *stopping);
uint64_t meta_journal_entries(MetaStore *store);
/* Of this process: batches that were appended, the entries in them, and how many batches had as many as each size or less, but
 * more than the size before it. */
enum { META_BATCH_SIZES = 8 };
static const uint32_t meta_batch_sizes[META_BATCH_SIZES] = {1, 2, 5, 10, 20, 50, 100, UINT32_MAX};
typedef struct MetaCounts {
    uint64_t batches, entries, by_size[META_BATCH_SIZES];
} MetaCounts;
MetaCounts meta_counts(MetaStore *store);

/* ---- a cluster that is read only (read_only.c) ---- */

/* OK, or READ_ONLY: nothing may begin that would write. Commits are refused by themselves once it has come to that. */
Status meta_check_writable(MetaStore *store, Diag *diag);
bool meta_is_read_only(MetaStore *store);
/* Refuses what begins, waits until nothing that writes runs, for timeout_us at most, then refuses all commits but those of
 * the cluster's own upkeep. out_left: what still ran; its commits are refused. */
Status meta_set_read_only(MetaStore *store, int64_t timeout_us, const _Atomic bool *cancelled, Diag *diag, uint32_t *out_left);
Status meta_set_read_write(MetaStore *store, Diag *diag);

/* ---- what must not be deleted ---- */

/* From here on, objects named with new ids are in use until the lease is closed. Take it before the first
 * id; close it after the commit, or when the objects are given up. */
uint64_t meta_lease_open(MetaStore *store);
void meta_lease_close(MetaStore *store, uint64_t lease);
/* Objects with ids from *out_horizon on belong to open leases or to later ones. Read it before the
 * snapshots: what was committed before is in them. 0 while the fate of an append is unknown, and when this
 * node does not lead. */
void meta_lease_horizon(MetaStore *store, uint64_t *out_horizon);
/* The published snapshot and all earlier ones that someone still holds; catalog_unref() each, mem_free()
 * the array. */
/* The oldest entry whose state someone in this process holds. */
uint64_t meta_oldest_held(MetaStore *store);
uint32_t meta_live_snapshots(MetaStore *store, CatalogSnapshot ***out_snapshots);
