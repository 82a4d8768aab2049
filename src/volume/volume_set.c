#include "volume/volume_set.h"

/* A list: there are few. */

#include "base/thread.h"

enum { RENEW_US = 1000000 };

typedef struct Member {
    struct Member *next;
    Volume *volume;
    int64_t renewed_us;
} Member;

struct VolumeSet {
    Volume *home;
    VolumeOpener opener;
    Mutex lock; /* guards members; held while one is opened */
    Member *members;
};

VolumeSet *volume_set_open(Volume *home, const VolumeOpener *opener)
{
    VolumeSet *set = mem_alloc_zero(sizeof(*set));
    set->home = home;
    set->opener = *opener;
    mutex_init(&set->lock);
    home->set = set;
    return set;
}

void volume_set_close(VolumeSet *set)
{
    if (set == NULL)
        return;
    while (set->members != NULL) {
        Member *member = set->members;
        set->members = member->next;
        volume_close(member->volume);
        mem_free(member);
    }
    set->home->set = NULL;
    mutex_deinit(&set->lock);
    mem_free(set);
}

static Member *find(VolumeSet *set, uint32_t id)
{
    Member *member = set->members;
    while (member != NULL && member->volume->id != id)
        member = member->next;
    return member;
}

static Status open_member(VolumeSet *set, uint32_t id, Diag *diag, Member **out_member)
{
    Volume *volume;
    TRY(set->opener.open(set->opener.context, id, diag, &volume));
    volume->id = id;
    volume->set = set;
    volume->quarantine = set->home->quarantine;
    Member *member = mem_alloc_zero(sizeof(*member));
    *member = (Member){set->members, volume, env_monotonic_us(volume->environment)};
    set->members = member;
    *out_member = member;
    return OK;
}

Status volume_set_get(VolumeSet *set, uint32_t id, Diag *diag, Volume **out_volume)
{
    *out_volume = set->home;
    if (id == 0)
        return OK;
    LOCK_GUARD(&set->lock);
    Member *member = find(set, id);
    int64_t now_us = env_monotonic_us(set->home->environment);
    if (member == NULL) {
        TRY(open_member(set, id, diag, &member));
    } else if (now_us - member->renewed_us > RENEW_US) {
        member->renewed_us = now_us;
        set->opener.renew(set->opener.context, member->volume);
    }
    *out_volume = member->volume;
    return OK;
}

Status volume_set_flush(VolumeSet *set, Diag *diag)
{
    TRY(set->home->ops->flush(set->home, diag));
    LOCK_GUARD(&set->lock);
    for (Member *member = set->members; member != NULL; member = member->next)
        TRY(member->volume->ops->flush(member->volume, diag));
    return OK;
}

Status volume_by_id(Volume *volume, uint32_t id, Diag *diag, Volume **out_volume)
{
    *out_volume = volume;
    if (volume->id == id)
        return OK;
    if (volume->set != NULL)
        return volume_set_get(volume->set, id, diag, out_volume);
    return RAISE(diag, BAD_CONFIG, "storage volume %u is not known here", id);
}

Status volume_flush(Volume *volume, Diag *diag)
{
    return volume->set == NULL ? volume->ops->flush(volume, diag) : volume_set_flush(volume->set, diag);
}
