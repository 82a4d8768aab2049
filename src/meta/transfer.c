#include "meta/transfer.h"

#include "base/fault.h"
#include "meta/incarnation.h"

/* ---- storage volumes ---- */

typedef struct MoveCheck {
    const Transfer *transfer;
    const CatalogSnapshot *catalog;
    Diag *diag;
} MoveCheck;

static void check_moved(void *context, uint32_t id)
{
    const MoveCheck *check = context;
    AUTO_ARENA arena;
    StorageVolume volume;
    arena_init(&arena, NULL);
    if (diag_has_error(check->diag) || !storage_volume_by_id(check->catalog, id, &arena, &volume))
        return;
    for (uint32_t i = 0; i < check->transfer->move_count; i++) {
        if (strview_equal(check->transfer->moves[i].name, volume.name))
            return;
    }
    status_ignore(RAISE(check->diag, BAD_CONFIG,
                        "where shall storage volume '%.*s' of the copy lie? Two clusters can't share it: --map-volume %.*s=URL",
                        SV_ARGS(volume.name), SV_ARGS(volume.name)));
}

static void keep_record(void *context, StrView key, StrView value)
{
    change_put_record(context, "snapshot", key, value);
}

/* Snapshots lie in the volume and can be gone back to again, though the state knows nothing of them yet. */
static Status keep_snapshots(const Transfer *transfer, ImageContent *state, Diag *diag)
{
    AUTO_CHANGE change = {0};
    CatalogSnapshot *now = meta_snapshot(transfer->store);
    catalog_each_record(now, "snapshot", keep_record, &change);
    Status status = meta_change_state(&state->catalog, &change, diag);
    catalog_unref(now);
    return status;
}

static Status move_volumes(const Transfer *transfer, ImageContent *state, Diag *diag)
{
    MoveCheck check = {transfer, state->catalog, diag};
    if (transfer->from != transfer->into) {
        storage_volume_each(state->catalog, check_moved, &check);
        if (diag_has_error(diag))
            return diag->code;
        TRY(meta_strip_nodes(&state->catalog, diag));
        TRY(meta_strip_snapshots(&state->catalog, diag));
    } else {
        TRY(keep_snapshots(transfer, state, diag));
    }
    for (uint32_t i = 0; i < transfer->move_count; i++)
        TRY(meta_move_volume(&state->catalog, &transfer->moves[i], diag));
    return OK;
}

static OtherVolumes *open_volumes(const Transfer *transfer, Volume *home, const CatalogSnapshot *catalog)
{
    OtherVolumesOptions options = transfer->volumes;
    options.makes_nothing = transfer->from != transfer->into && home == transfer->from;
    options.store = transfer->store;
    options.home = home;
    options.catalog = catalog;
    return other_volumes_open(&options);
}

/* ---- objects ---- */

static Status copy_objects(const Transfer *transfer, const ImageContent *state, const CatalogSnapshot *original, Diag *diag,
                           StateCopyReport *out)
{
    StateCopy copy = {transfer->from, transfer->into, transfer->cancelled, transfer->progress, transfer->context};
    if (transfer->from == transfer->into)
        return OK;
    bool has_set = transfer->from->set != NULL; /* a running server's */
    OtherVolumes *others = has_set ? NULL : open_volumes(transfer, transfer->from, original);
    Status status = meta_copy_objects(&copy, state->catalog, diag, out);
    other_volumes_close(others);
    return status;
}

typedef struct Absence {
    const Transfer *transfer;
    uint64_t count;
    Arena arena;
    const char *first;
} Absence;

static void note_absence(void *context, StrView path)
{
    Absence *absence = context;
    if (absence->count++ == 0)
        absence->first = arena_strndup(&absence->arena, path.data, path.length);
    if (absence->transfer->missing != NULL)
        absence->transfer->missing(absence->transfer->context, path);
}

static Status look_for_missing(const Transfer *transfer, const ImageContent *state, Diag *diag)
{
    Absence absence = {.transfer = transfer};
    arena_init(&absence.arena, NULL);
    Status status = meta_find_missing(transfer->into, state->catalog, note_absence, &absence, diag);
    if (status == OK && absence.count > 0 && transfer->missing == NULL)
        status =
            RAISE(diag, NO_SUCH_OBJECT, "%llu objects are missing, the first is \"%s\"", (unsigned long long)absence.count, absence.first);
    arena_deinit(&absence.arena);
    return status;
}

/* Opened with volumes of into. */
static Status begin(const Transfer *transfer, ImageContent *state, const CatalogSnapshot *original, Diag *diag, TransferReport *out_report)
{
    Incarnation newest;
    TRY(copy_objects(transfer, state, original, diag, &out_report->copied));
    TRY(look_for_missing(transfer, state, diag));
    FAULT("transfer.before_begin", diag);
    TRY(incarnation_newest(transfer->into, diag, &newest));
    if (newest.number == 0)
        TRY(meta_seed(transfer->into, transfer->from, state, diag));
    return meta_open_next(transfer->into, state, transfer->generation, diag, &out_report->restored);
}

Status meta_transfer(const Transfer *transfer, ImageContent *state, Diag *diag, TransferReport *out_report)
{
    CatalogSnapshot *original = catalog_ref(state->catalog);
    *out_report = (TransferReport){0};
    Status status = move_volumes(transfer, state, diag);
    if (status == OK) {
        CatalogSnapshot *moved = catalog_ref(state->catalog); /* opening the incarnation changes numbers in it */
        OtherVolumes *others = open_volumes(transfer, transfer->into, moved);
        status = begin(transfer, state, original, diag, out_report);
        other_volumes_close(others);
        catalog_unref(moved);
    }
    catalog_unref(original);
    return status;
}
