#pragma once
/* Decoded delete vectors by id, shared by all queries: reading one again for each query would cost as much as a scan. They
 * never change. Thread-safe. */

#include "base/thread.h"
#include "storage/delete_vector.h"

typedef struct DeleteCache DeleteCache;
typedef struct DeleteEntry DeleteEntry;

DeleteCache *delete_cache_open(MemTracker *parent, int64_t limit_bytes);
void delete_cache_close(DeleteCache *cache);
/* The segment has one. It stays until the entry is released. */
Status delete_cache_get(DeleteCache *cache, Volume *volume, const SegmentRef *segment, Diag *diag, DeleteEntry **out_entry);
const DeleteVector *delete_entry_vector(const DeleteEntry *entry);
const DeleteList *delete_entry_list(const DeleteEntry *entry);
void delete_cache_release(DeleteCache *cache, DeleteEntry *entry);
