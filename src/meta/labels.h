#pragma once
/* Labels of committed transactions, so that none is used twice: a hash table beside the catalog, told by the journal.
 *
 * What entries say counts at once for finding and from label_set_settle() on for good: labels of an entry that
 * failed are dropped, and what an entry forgets stays until it is settled. Thread-safe. */

#include "base/arena.h"
#include "base/bytes.h"

typedef struct LabelSet LabelSet;

typedef struct LabelEntry {
    uint64_t database_id;
    uint64_t txn_id;
    int64_t time_us;
    StrView label;
    StrView answer; /* load_answer.h */
} LabelEntry;

LabelSet *label_set_open(void);
void label_set_close(LabelSet *set);
/* Copies. */
void label_set_add(LabelSet *set, const LabelEntry *label, uint64_t entry_id);
/* The entry forgets the labels of before that time which the entries before it brought. */
void label_set_forget(LabelSet *set, int64_t before_us, uint64_t entry_id);
/* The entry forgets that label, if an entry before it brought it. */
void label_set_remove(LabelSet *set, uint64_t database_id, StrView label, uint64_t entry_id);
/* Entries up to this one are durable. */
void label_set_settle(LabelSet *set, uint64_t entry_id);
/* Later entries never were. */
void label_set_drop(LabelSet *set, uint64_t last_entry_id);
/* Texts are copies in arena. *out_is_settled: of a durable entry. */
bool label_set_find(LabelSet *set, uint64_t database_id, StrView label, Arena *arena, LabelEntry *out_label, bool *out_is_settled);
/* Labels of entries up to entry_id, UINT64_MAX: all that are settled; the oldest first. Texts are copies in arena. */
uint32_t label_set_list(LabelSet *set, uint64_t entry_id, Arena *arena, LabelEntry **out_labels);
bool label_set_has_before(LabelSet *set, int64_t time_us);
