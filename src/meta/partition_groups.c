#include "meta/partition_groups.h"

#include "base/hash.h"
#include "base/memory.h"
#include "meta/catalog.h"

enum { GROUP_PARTITIONS = 256 };

struct PartitionGroup {
    _Atomic uint32_t references;
    uint32_t count;
    _Atomic(PartitionSums *) sums; /* NULL: not taken since the last change */
    CatalogPartition *partitions[GROUP_PARTITIONS];
};

static void group_unref(PartitionGroup *group)
{
    if (atomic_fetch_sub_explicit(&group->references, 1, memory_order_acq_rel) != 1)
        return;
    for (uint32_t i = 0; i < group->count; i++)
        catalog_partition_unref(group->partitions[i]);
    mem_free(group->sums);
    mem_free(group);
}

/* Most tables have one partition: the first group is as small as it can be. */
static PartitionGroup *new_group(uint32_t room)
{
    PartitionGroup *group = mem_alloc_zero(offsetof(PartitionGroup, partitions) + room * sizeof(CatalogPartition *));
    atomic_init(&group->references, 1);
    return group;
}

/* Of a group that nobody else sees. */
static void forget_sums(PartitionGroup *group)
{
    mem_free(atomic_load(&group->sums));
    atomic_store(&group->sums, NULL);
}

static void make_room(PartitionGroups *groups)
{
    if (groups->count < groups->room)
        return;
    groups->room = groups->room * 2 + 1;
    groups->groups = mem_realloc(groups->groups, groups->room * sizeof(*groups->groups));
    groups->firsts = mem_realloc(groups->firsts, groups->room * sizeof(*groups->firsts));
}

void partition_groups_share(const PartitionGroups *from, PartitionGroups *out)
{
    *out = (PartitionGroups){.count = from->count, .room = from->count};
    if (from->count == 0)
        return;
    out->groups = mem_alloc(out->room * sizeof(*out->groups));
    out->firsts = mem_alloc(out->room * sizeof(*out->firsts));
    memcpy(out->firsts, from->firsts, out->count * sizeof(*out->firsts));
    for (uint32_t g = 0; g < from->count; g++) {
        out->groups[g] = from->groups[g];
        atomic_fetch_add_explicit(&out->groups[g]->references, 1, memory_order_relaxed);
    }
}

void partition_groups_deinit(PartitionGroups *groups)
{
    for (uint32_t g = 0; g < groups->count; g++)
        group_unref(groups->groups[g]);
    mem_free(groups->groups);
    mem_free(groups->firsts);
    *groups = (PartitionGroups){0};
}

/* The group that holds a place; the last one for the end. */
static uint32_t group_of(const PartitionGroups *groups, uint32_t at)
{
    uint32_t low = 0, high = groups->count;
    while (high - low > 1) {
        uint32_t middle = low + (high - low) / 2;
        if (groups->firsts[middle] <= at)
            low = middle;
        else
            high = middle;
    }
    return low;
}

/* The least that a group of that count has room for. */
static uint32_t room_for(uint32_t count)
{
    uint32_t room = 1;
    while (room < count)
        room *= 2;
    return room;
}

/* A group that only these refer to, with room for extra more. */
static PartitionGroup *own_group(PartitionGroups *groups, uint32_t g, uint32_t extra)
{
    PartitionGroup *old = groups->groups[g];
    bool is_private = atomic_load(&old->references) == 1;
    uint32_t room = room_for(old->count + extra);
    if (is_private)
        forget_sums(old);
    if (is_private && room == room_for(old->count))
        return old;
    PartitionGroup *copy = new_group(room);
    copy->count = old->count;
    memcpy(copy->partitions, old->partitions, old->count * sizeof(*copy->partitions));
    groups->groups[g] = copy;
    if (is_private) { /* the references go over with the pointers */
        mem_free(old->sums);
        mem_free(old);
        return copy;
    }
    for (uint32_t i = 0; i < copy->count; i++)
        atomic_fetch_add_explicit(&copy->partitions[i]->references, 1, memory_order_relaxed);
    group_unref(old);
    return copy;
}

static void count_from(PartitionGroups *groups, uint32_t g)
{
    for (; g < groups->count; g++)
        groups->firsts[g] = g == 0 ? 0 : groups->firsts[g - 1] + groups->groups[g - 1]->count;
}

/* The upper half of a full group becomes the next one; behind the last, nothing moves: ids ascend. */
static void split_group(PartitionGroups *groups, uint32_t g, bool is_at_end)
{
    make_room(groups);
    PartitionGroup *full = own_group(groups, g, 0), *next = new_group(GROUP_PARTITIONS);
    uint32_t kept = is_at_end ? GROUP_PARTITIONS : GROUP_PARTITIONS / 2;
    next->count = GROUP_PARTITIONS - kept;
    memcpy(next->partitions, full->partitions + kept, next->count * sizeof(*next->partitions));
    PartitionGroup *first = new_group(GROUP_PARTITIONS);
    first->count = kept;
    memcpy(first->partitions, full->partitions, kept * sizeof(*first->partitions));
    mem_free(full->sums);
    mem_free(full);
    groups->groups[g] = first;
    memmove(groups->groups + g + 2, groups->groups + g + 1, (groups->count - g - 1) * sizeof(*groups->groups));
    groups->groups[g + 1] = next;
    groups->count++;
    count_from(groups, g);
}

void partition_groups_insert(PartitionGroups *groups, uint32_t at, CatalogPartition *partition)
{
    if (groups->count == 0) {
        make_room(groups);
        groups->groups[groups->count++] = new_group(1);
        groups->firsts[0] = 0;
    }
    uint32_t g = group_of(groups, at);
    if (groups->groups[g]->count == GROUP_PARTITIONS) {
        bool is_at_end = g + 1 == groups->count && at == groups->firsts[g] + GROUP_PARTITIONS;
        split_group(groups, g, is_at_end);
        g += is_at_end || at > groups->firsts[g + 1];
    }
    PartitionGroup *group = own_group(groups, g, 1);
    uint32_t place = at - groups->firsts[g];
    memmove(group->partitions + place + 1, group->partitions + place, (group->count - place) * sizeof(*group->partitions));
    group->partitions[place] = partition;
    group->count++;
    count_from(groups, g + 1);
}

void partition_groups_remove(PartitionGroups *groups, uint32_t at)
{
    uint32_t g = group_of(groups, at);
    PartitionGroup *group = own_group(groups, g, 0);
    uint32_t place = at - groups->firsts[g];
    catalog_partition_unref(group->partitions[place]);
    group->count--;
    memmove(group->partitions + place, group->partitions + place + 1, (group->count - place) * sizeof(*group->partitions));
    if (group->count == 0) {
        group_unref(group);
        groups->count--;
        memmove(groups->groups + g, groups->groups + g + 1, (groups->count - g) * sizeof(*groups->groups));
    }
    count_from(groups, g);
}

void partition_groups_replace(PartitionGroups *groups, uint32_t at, CatalogPartition *partition)
{
    uint32_t g = group_of(groups, at);
    CatalogPartition **place = &own_group(groups, g, 0)->partitions[at - groups->firsts[g]];
    catalog_partition_unref(*place);
    *place = partition;
}

bool partition_groups_own(PartitionGroups *groups, uint32_t at)
{
    uint32_t g = group_of(groups, at);
    PartitionGroup *group = groups->groups[g];
    if (atomic_load(&group->references) != 1)
        return false;
    forget_sums(group);
    return atomic_load(&group->partitions[at - groups->firsts[g]]->references) == 1;
}

void partition_add_sums(const CatalogPartition *partition, PartitionSums *sums)
{
    sums->rows += partition_row_count(partition);
    sums->bytes += partition_byte_count(partition);
    sums->tablets += partition->tablet_count;
    for (uint32_t t = 0; t < partition->tablet_count; t++)
        sums->segments += partition->tablets[t].segment_count;
    sums->versions = hash_combine(hash_combine(sums->versions, partition->id), partition->data_version);
    sums->versions = hash_combine(sums->versions, partition->visible_version);
}

static const PartitionSums *sums_of(PartitionGroup *group)
{
    PartitionSums *sums = atomic_load_explicit(&group->sums, memory_order_acquire);
    if (sums != NULL)
        return sums;
    PartitionSums *fresh = mem_alloc_zero(sizeof(*fresh));
    for (uint32_t i = 0; i < group->count; i++)
        partition_add_sums(group->partitions[i], fresh);
    if (atomic_compare_exchange_strong(&group->sums, &sums, fresh))
        return fresh;
    mem_free(fresh); /* another was first */
    return sums;
}

PartitionSums partition_groups_sums(const PartitionGroups *groups)
{
    PartitionSums sums = {0};
    for (uint32_t g = 0; g < groups->count; g++) {
        const PartitionSums *own = sums_of(groups->groups[g]);
        sums.rows += own->rows;
        sums.bytes += own->bytes;
        sums.tablets += own->tablets;
        sums.segments += own->segments;
        sums.versions = hash_combine(sums.versions, own->versions);
    }
    return sums;
}
