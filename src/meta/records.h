#pragma once
/* Catalog records: small journaled objects that are not tables (users, roles, tasks, storage volumes, ...). A record
 * is bytes, by convention one JSON object as text, under a module and a key. Its meaning belongs to the layer that
 * writes it; the catalog keeps it in key order and carries it in every image.
 *
 * Snapshots share what did not change: a RecordSet, its modules and the records are counted nodes. A set is
 * changed in place only while it is private to the snapshot that is being made. Look-ups are safe from any thread. */

#include <stdatomic.h>

#include "base/bytes.h"
#include "base/status.h"

typedef struct CatalogSnapshot CatalogSnapshot;
typedef struct Change Change;
typedef struct RecordSet RecordSet; /* NULL: no records */

/* Of the snapshot: valid as long as the reference to it. data NULL: there is none. */
StrView catalog_record(const CatalogSnapshot *snapshot, const char *module, StrView key);
typedef void (*RecordVisit)(void *context, StrView key, StrView value);
void catalog_each_record(const CatalogSnapshot *snapshot, const char *module, RecordVisit visit, void *context); /* in key order */
uint32_t catalog_record_count(const CatalogSnapshot *snapshot, const char *module);
/* The names of the modules that have records, in order; number at: data NULL behind the last. */
StrView catalog_record_module(const CatalogSnapshot *snapshot, uint32_t at);
/* What stands for the present records of a module: the same pointer as long as none of them changed, while the reference
 * is held. NULL: there are none. */
const void *catalog_records_ref(const CatalogSnapshot *snapshot, const char *module);
bool catalog_records_are(const CatalogSnapshot *snapshot, const char *module, const void *records);
void catalog_records_unref(const void *records);

/* Both replace what is there; dropping what is not there does nothing. */
void change_put_record(Change *change, const char *module, StrView key, StrView value);
void change_drop_record(Change *change, const char *module, StrView key);

/* ---- for the catalog itself ---- */

RecordSet *record_set_ref(RecordSet *set);
void record_set_unref(RecordSet *set);
/* *in_out_set is replaced by a private copy when others hold it. */
void record_set_put(RecordSet **in_out_set, StrView module, StrView key, StrView value);
void record_set_drop(RecordSet **in_out_set, StrView module, StrView key);
