#include "meta/labels.h"

#include <stdlib.h>

#include "base/hash.h"
#include "base/memory.h"
#include "base/thread.h"

enum { SLOTS = 1 << 14 };

typedef struct LabelNode {
    struct LabelNode *next;
    struct LabelNode *older; /* of those that may still be dropped */
    uint64_t entry_id;       /* of its commit */
    uint64_t removed_by;     /* entry that is not settled yet; 0: none */
    LabelEntry entry;        /* texts follow the node */
} LabelNode;

/* Of an entry that is not settled yet. */
typedef struct Forgetting {
    uint64_t entry_id; /* 0: none */
    int64_t before_us;
} Forgetting;

struct LabelSet {
    Mutex lock;
    uint64_t settled_entry_id;
    LabelNode *newest; /* not settled ones */
    Forgetting forgetting;
    uint64_t first_removal; /* the least removed_by; 0: there is none */
    LabelNode *slots[SLOTS];
};

LabelSet *label_set_open(void)
{
    LabelSet *set = mem_alloc_zero(sizeof(*set));
    mutex_init(&set->lock);
    return set;
}

void label_set_close(LabelSet *set)
{
    if (set == NULL)
        return;
    for (uint32_t slot = 0; slot < SLOTS; slot++) {
        for (LabelNode *node = set->slots[slot], *next; node != NULL; node = next) {
            next = node->next;
            mem_free(node);
        }
    }
    mutex_deinit(&set->lock);
    mem_free(set);
}

static LabelNode **slot_of(LabelSet *set, uint64_t database_id, StrView label)
{
    return &set->slots[hash_combine(database_id, hash_bytes(label.data, label.length)) % SLOTS];
}

static StrView put_text(char *to, StrView text)
{
    if (text.length > 0)
        memcpy(to, text.data, text.length);
    return strview_n(to, text.length);
}

void label_set_add(LabelSet *set, const LabelEntry *label, uint64_t entry_id)
{
    LabelNode *node = mem_alloc_zero(sizeof(*node) + label->label.length + label->answer.length);
    char *texts = (char *)(node + 1);
    node->entry_id = entry_id;
    node->entry = *label;
    node->entry.label = put_text(texts, label->label);
    node->entry.answer = put_text(texts + label->label.length, label->answer);
    LOCK_GUARD(&set->lock);
    LabelNode **slot = slot_of(set, label->database_id, label->label);
    node->next = *slot;
    node->older = set->newest;
    *slot = node;
    set->newest = node;
}

void label_set_forget(LabelSet *set, int64_t before_us, uint64_t entry_id)
{
    LOCK_GUARD(&set->lock);
    set->forgetting.entry_id = entry_id;
    set->forgetting.before_us = MAX(set->forgetting.before_us, before_us);
}

void label_set_remove(LabelSet *set, uint64_t database_id, StrView label, uint64_t entry_id)
{
    LOCK_GUARD(&set->lock);
    for (LabelNode *node = *slot_of(set, database_id, label); node != NULL; node = node->next) {
        if (node->entry.database_id != database_id || node->entry_id >= entry_id || !strview_equal(node->entry.label, label))
            continue;
        node->removed_by = entry_id;
        if (set->first_removal == 0)
            set->first_removal = entry_id;
    }
}

/* Lock held; removals by entries up to settled are done, those by entries behind last never were. */
static void end_removals(LabelSet *set, uint64_t settled, uint64_t last)
{
    uint64_t first = 0;
    for (uint32_t slot = 0; slot < SLOTS; slot++) {
        for (LabelNode **at = &set->slots[slot]; *at != NULL;) {
            LabelNode *node = *at;
            if (node->removed_by != 0 && node->removed_by <= settled) {
                *at = node->next;
                mem_free(node);
                continue;
            }
            if (node->removed_by > last)
                node->removed_by = 0;
            if (node->removed_by != 0 && (first == 0 || node->removed_by < first))
                first = node->removed_by;
            at = &node->next;
        }
    }
    set->first_removal = first;
}

/* Lock held; all nodes up to its entry are settled. */
static void forget(LabelSet *set)
{
    Forgetting what = set->forgetting;
    set->forgetting = (Forgetting){0};
    for (uint32_t slot = 0; slot < SLOTS; slot++) {
        for (LabelNode **at = &set->slots[slot]; *at != NULL;) {
            LabelNode *node = *at;
            if (node->entry_id >= what.entry_id || node->entry.time_us >= what.before_us) {
                at = &node->next;
                continue;
            }
            *at = node->next;
            mem_free(node);
        }
    }
}

void label_set_settle(LabelSet *set, uint64_t entry_id)
{
    LOCK_GUARD(&set->lock);
    LabelNode **at = &set->newest;
    while (*at != NULL && (*at)->entry_id > entry_id)
        at = &(*at)->older;
    *at = NULL;
    set->settled_entry_id = entry_id;
    if (set->forgetting.entry_id != 0 && set->forgetting.entry_id <= entry_id)
        forget(set);
    if (set->first_removal != 0 && set->first_removal <= entry_id)
        end_removals(set, entry_id, UINT64_MAX);
}

void label_set_drop(LabelSet *set, uint64_t last_entry_id)
{
    LOCK_GUARD(&set->lock);
    while (set->newest != NULL && set->newest->entry_id > last_entry_id) {
        LabelNode *node = set->newest;
        LabelNode **at = slot_of(set, node->entry.database_id, node->entry.label);
        while (*at != node)
            at = &(*at)->next;
        *at = node->next;
        set->newest = node->older;
        mem_free(node);
    }
    if (set->forgetting.entry_id > last_entry_id)
        set->forgetting = (Forgetting){0};
    if (set->first_removal != 0)
        end_removals(set, MIN(set->settled_entry_id, last_entry_id), last_entry_id);
}

static LabelEntry copy_of(const LabelNode *node, Arena *arena)
{
    LabelEntry copy = node->entry;
    copy.label = strview_n(arena_strndup(arena, copy.label.data, copy.label.length), copy.label.length);
    copy.answer = strview_n(arena_strndup(arena, copy.answer.data, copy.answer.length), copy.answer.length);
    return copy;
}

bool label_set_find(LabelSet *set, uint64_t database_id, StrView label, Arena *arena, LabelEntry *out_label, bool *out_is_settled)
{
    LOCK_GUARD(&set->lock);
    for (const LabelNode *node = *slot_of(set, database_id, label); node != NULL; node = node->next) {
        if (node->entry.database_id != database_id || !strview_equal(node->entry.label, label))
            continue;
        *out_label = copy_of(node, arena);
        *out_is_settled = node->entry_id <= set->settled_entry_id;
        return true;
    }
    return false;
}

typedef struct DatedLabel {
    LabelEntry label;
    uint64_t entry_id;
} DatedLabel;

static int by_age(const void *a, const void *b)
{
    const DatedLabel *left = a, *right = b;
    if (left->entry_id != right->entry_id)
        return left->entry_id < right->entry_id ? -1 : 1;
    return (left->label.txn_id > right->label.txn_id) - (left->label.txn_id < right->label.txn_id);
}

uint32_t label_set_list(LabelSet *set, uint64_t entry_id, Arena *arena, LabelEntry **out_labels)
{
    ARRAY_OF(DatedLabel) all = {0};
    mutex_lock(&set->lock);
    uint64_t last = MIN(entry_id, set->settled_entry_id);
    for (uint32_t slot = 0; slot < SLOTS; slot++) {
        for (const LabelNode *node = set->slots[slot]; node != NULL; node = node->next) {
            if (node->entry_id > last)
                continue;
            DatedLabel dated = {copy_of(node, arena), node->entry_id};
            ARRAY_PUSH(arena, &all, dated);
        }
    }
    mutex_unlock(&set->lock);
    if (all.count > 1)
        qsort(all.items, all.count, sizeof(*all.items), by_age);
    *out_labels = ARENA_NEW_ARRAY(arena, LabelEntry, MAX(all.count, 1u));
    for (uint32_t i = 0; i < all.count; i++)
        (*out_labels)[i] = all.items[i].label;
    return all.count;
}

bool label_set_has_before(LabelSet *set, int64_t time_us)
{
    LOCK_GUARD(&set->lock);
    for (uint32_t slot = 0; slot < SLOTS; slot++) {
        for (const LabelNode *node = set->slots[slot]; node != NULL; node = node->next) {
            if (node->entry.time_us < time_us)
                return true;
        }
    }
    return false;
}
