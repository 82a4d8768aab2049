#include "session/show_int.h"

/* CREATE | DROP | SHOW SNAPSHOT, RESTORE ... FROM SNAPSHOT | TO TIMESTAMP, CREATE ... CLONE, ADMIN TEST SNAPSHOT, and the
 * moments that FOR VERSION | TIMESTAMP AS OF names. */

#include "ddl/restore_objects.h"
#include "format/segment.h"
#include "job/cluster_snapshot.h"
#include "job/vacuum.h"
#include "meta/restore.h"
#include "meta/restore_live.h"
#include "meta/snapshots.h"
#include "meta/state_copy.h"
#include "meta/storage_volume.h"
#include "storage/delete_vector.h"
#include "types/datetime.h"
#include "types/number_text.h"
#include "types/time_zone.h"

static MetaStore *store_of(const StatementContext *context)
{
    return context->session->instance->store;
}

/* ---- moments ---- */

static Status find_snapshot(StatementContext *context, StrView name, SnapshotInfo *out)
{
    CatalogSnapshot *now = meta_snapshot(store_of(context));
    bool is_there = snapshot_find(now, name, &context->arena, out);
    catalog_unref(now);
    return is_there ? OK : RAISE(context->diag, NO_SUCH_SNAPSHOT, "Unknown snapshot '%.*s'", SV_ARGS(name));
}

static const CatalogSnapshot *hold(StatementContext *context, CatalogSnapshot *catalog)
{
    ARRAY_PUSH(&context->arena, &context->moments, catalog);
    return catalog;
}

static Status open_snapshot(StatementContext *context, StrView name, const CatalogSnapshot **out)
{
    SnapshotInfo info;
    CatalogSnapshot *catalog;
    TRY(find_snapshot(context, name, &info));
    TRY(meta_snapshot_open(store_of(context), &info, context->diag, &catalog));
    *out = hold(context, catalog);
    return OK;
}

/* A time in the session's zone as microseconds of UTC. */
/* Clocks of clients and nodes may differ a little. */
static const int64_t CLOCK_SLACK_US = INT64_C(60) * 1000000;

static Status time_of(StatementContext *context, Type type, const Datum *value, int64_t *out_us)
{
    int64_t local = value->i64;
    if (type.kind == TYPE_DATE)
        local = value->i64 * 86400 * 1000000;
    else if (type.kind != TYPE_DATETIME && (!type_is_string(type) || !datetime_parse_us(str_view(&value->str), &local)))
        return RAISE(context->diag, INVALID_ARGUMENT, "a time is needed, such as '2026-01-31 10:00:00'");
    *out_us = context->func.zone == NULL ? local - context->func.zone_offset_us : time_zone_to_utc(context->func.zone, local);
    if (*out_us > env_wall_us(meta_environment(store_of(context))) + CLOCK_SLACK_US)
        return RAISE(context->diag, BAD_VALUE, "the time is in the future");
    return OK;
}

/* VERSION: a snapshot's name, or the number of a journal entry. */
Status snapshot_moment(void *opaque, const AstExpr *value, bool is_version, StrView source, const CatalogSnapshot **out_catalog)
{
    StatementContext *context = opaque;
    CatalogSnapshot *catalog;
    Type type;
    Datum datum;
    int64_t time_us = 0;
    TRY(evaluate_value(context, value, source, &type, &datum));
    if (datum.is_null)
        return RAISE(context->diag, INVALID_ARGUMENT, "AS OF needs a value that is not NULL");
    if (is_version && type_is_string(type))
        return open_snapshot(context, str_view(&datum.str), out_catalog);
    if (is_version && (!type_is_integer(type) || datum.i64 <= 0))
        return RAISE(context->diag, INVALID_ARGUMENT, "VERSION AS OF needs the name of a snapshot or the number of a journal entry");
    if (!is_version)
        TRY(time_of(context, type, &datum, &time_us));
    TRY(meta_history(store_of(context), is_version ? (uint64_t)datum.i64 : 0, time_us, context->diag, &catalog));
    *out_catalog = hold(context, catalog);
    return OK;
}

/* ---- statements ---- */

static Status split(StatementContext *context, const AstName *name, StrView *out_database, StrView *out_object)
{
    *out_object = name->parts[name->count - 1];
    *out_database = name->count >= 2 ? name->parts[name->count - 2] : context->analyze.database;
    return out_database->length > 0 ? OK : RAISE(context->diag, NO_DATABASE_SELECTED, "No database selected");
}

/* The only property is what COMMENT says, too. */
static Status take_properties(const AstCommand *command, SnapshotInfo *info, Diag *diag)
{
    for (uint32_t i = 0; i < command->properties.keys.count; i++) {
        StrView key = command->properties.keys.items[i];
        if (!strview_equal_ci(key, STR_VIEW("comment")))
            return RAISE(diag, INVALID_ARGUMENT, "Unknown property '%.*s' of a snapshot: there is 'comment'", SV_ARGS(key));
        info->comment = command->properties.values.items[i];
    }
    return OK;
}

static Status run_create(StatementContext *context, const AstCommand *command)
{
    SnapshotInfo info = {.name = command->name.parts[command->name.count - 1], .comment = command->text};
    SnapshotInfo there;
    TRY(take_properties(command, &info, context->diag));
    if (strview_is(command->text2, "DATABASE")) {
        info.scope = SNAPSHOT_DATABASE;
        info.database = command->name2.parts[command->name2.count - 1];
    } else if (strview_is(command->text2, "TABLE")) {
        info.scope = SNAPSHOT_TABLE;
        TRY(split(context, &command->name2, &info.database, &info.table));
    }
    CatalogSnapshot *now = meta_snapshot(store_of(context));
    bool exists = snapshot_find(now, info.name, &context->arena, &there);
    catalog_unref(now);
    if (!exists || !command->if_not_exists)
        TRY(meta_snapshot_create(store_of(context), &info, context->diag));
    return send_ok(context, 0, STR_VIEW(""));
}

static Status run_drop(StatementContext *context, const AstCommand *command)
{
    Status status = meta_snapshot_drop(store_of(context), command->name.parts[command->name.count - 1], context->diag);
    if (status == ERR_NO_SUCH_SNAPSHOT && command->if_exists)
        diag_reset(context->diag);
    else
        TRY(status);
    return send_ok(context, 0, STR_VIEW(""));
}

static Status source_of(StatementContext *context, const AstCommand *command, StrView source, const CatalogSnapshot **out)
{
    if (command->text.length > 0)
        return open_snapshot(context, command->text, out);
    if (command->values.count > 0)
        return snapshot_moment(context, command->values.items[0], command->flag, source, out);
    *out = hold(context, meta_snapshot(store_of(context)));
    return OK;
}

/* ---- RESTORE ---- */

typedef struct Search {
    Arena *arena;
    StrView first;
    uint64_t count;
} Search;

static void note_missing(void *context, StrView path)
{
    Search *search = context;
    if (search->count++ == 0)
        search->first = strview_n(arena_strndup(search->arena, path.data, path.length), path.length);
}

/* Of a moment that no snapshot keeps vacuum may have deleted objects. */
static Status check_there(StatementContext *context, const CatalogSnapshot *catalog)
{
    Search search = {.arena = &context->arena};
    TRY(meta_find_missing(context->session->instance->volume, catalog, note_missing, &search, context->diag));
    if (search.count > 0)
        return RAISE(context->diag, NO_SUCH_OBJECT,
                     "%llu objects of that time were deleted since, the first is \"%.*s\": snapshots keep what they name",
                     (unsigned long long)search.count, SV_ARGS(search.first));
    return OK;
}

static Status restore_past(StatementContext *context, const CatalogSnapshot *catalog, const RestoreTarget *target)
{
    Vacuum *vacuum = context->session->instance->vacuum;
    SnapshotInfo scope = {
        .scope = target->table.length > 0 ? SNAPSHOT_TABLE : SNAPSHOT_DATABASE, .database = target->database, .table = target->table};
    CatalogSnapshot *only;
    if (snapshot_reduce(catalog, &scope, context->diag, &only) != OK) {
        diag_add_context(context->diag, "the state of journal entry %llu", (unsigned long long)catalog->entry_id);
        return context->diag->code;
    }
    vacuum_hold(vacuum);
    Status status = check_there(context, only);
    catalog_unref(only);
    if (status == OK)
        status = ddl_restore_objects(store_of(context), catalog, target, context->diag);
    vacuum_release(vacuum);
    return status;
}

static Status read_cluster(StatementContext *context, const AstCommand *command, StrView source, ImageContent *content)
{
    SnapshotInfo info;
    Type type;
    Datum datum;
    int64_t time_us;
    if (command->text.length > 0) {
        TRY(find_snapshot(context, command->text, &info));
        if (info.scope != SNAPSHOT_CLUSTER)
            return RAISE(context->diag, BAD_VALUE, "snapshot '%.*s' is not of the whole cluster: use RESTORE %s", SV_ARGS(info.name),
                         snapshot_scope_name(info.scope));
        return meta_snapshot_content(store_of(context), &info, context->diag, content);
    }
    TRY(evaluate_value(context, command->values.items[0], source, &type, &datum));
    if (datum.is_null)
        return RAISE(context->diag, INVALID_ARGUMENT, "TO TIMESTAMP needs a value that is not NULL");
    TRY(time_of(context, type, &datum, &time_us));
    TRY(meta_history_content(store_of(context), time_us, context->diag, content));
    return check_there(context, content->catalog);
}

static Status restore_cluster(StatementContext *context, const AstCommand *command, StrView source, LiveRestoreReport *out)
{
    ImageContent content CLEANUP(image_content_deinit);
    image_content_init(&content);
    TRY(read_cluster(context, command, source, &content));
    return meta_restore_live(store_of(context), &content, context->diag, out);
}

static Status run_restore_cluster(StatementContext *context, const AstCommand *command, StrView source)
{
    LiveRestoreReport report;
    if (command->name2.count > 0)
        return RAISE(context->diag, NOT_SUPPORTED, "RESTORE CLUSTER takes no AS: the whole cluster becomes what it was");
    vacuum_hold(context->session->instance->vacuum);
    Status status = restore_cluster(context, command, source, &report);
    vacuum_release(context->session->instance->vacuum);
    TRY(status);
    return send_ok(context, 0,
                   strview(arena_printf(&context->arena,
                                        "{'entry':'%llu', 'tables_restored':'%u', 'tables_dropped':'%u', 'partitions_restored':'%u', "
                                        "'labels_forgotten':'%u'}",
                                        (unsigned long long)report.from_entry, report.tables_put, report.tables_dropped,
                                        report.partitions_put, report.labels_forgotten)));
}

static Status run_restore(StatementContext *context, const AstCommand *command, StrView source, bool is_table)
{
    const CatalogSnapshot *catalog;
    RestoreTarget target = {.partitions = command->partitions.items, .partition_count = command->partitions.count};
    TRY(source_of(context, command, source, &catalog));
    if (is_table)
        TRY(split(context, &command->name, &target.database, &target.table));
    else
        target.database = command->name.parts[command->name.count - 1];
    if (command->name2.count > 0 && is_table) {
        target.new_table = command->name2.parts[command->name2.count - 1];
        target.new_database = command->name2.count >= 2 ? command->name2.parts[command->name2.count - 2] : context->analyze.database;
    } else if (command->name2.count > 0) {
        target.new_database = command->name2.parts[command->name2.count - 1];
    }
    bool is_past = command->values.count > 0;
    Status status =
        is_past ? restore_past(context, catalog, &target) : ddl_restore_objects(store_of(context), catalog, &target, context->diag);
    if ((status == ERR_TABLE_EXISTS || status == ERR_DATABASE_EXISTS) && command->if_not_exists)
        diag_reset(context->diag);
    else
        TRY(status);
    return send_ok(context, 0, STR_VIEW(""));
}

/* ---- ADMIN TEST SNAPSHOT ---- */

typedef struct Test {
    StatementContext *context;
    uint64_t segments, rows, problems;
    Diag first;
} Test;

static void note_problem(Test *test, const Diag *trouble)
{
    if (test->problems++ == 0)
        status_ignore(diag_raise(&test->first, trouble->code, "%s", trouble->message));
}

static void test_segment(void *opaque, const SegmentRef *ref)
{
    Test *test = opaque;
    AUTO_ARENA arena;
    Segment *segment;
    DeleteVector deletes;
    Diag trouble = {0};
    Volume *volume = test->context->session->instance->volume;
    if (segment_is_deletes(ref)) /* is loaded with its segment */
        return;
    test->segments++;
    test->rows += segment_live_rows(ref);
    if (atomic_load(&test->context->session->cancelled))
        return;
    arena_init(&arena, NULL);
    if (segment_open(volume, ref, &trouble, &segment) != OK) {
        note_problem(test, &trouble);
        return;
    }
    if (segment_verify(segment, &trouble) != OK || (ref->deletes != NULL && delete_vector_load(volume, ref, &arena, &trouble, &deletes) != OK))
        note_problem(test, &trouble);
    segment_close(segment);
}

static Status run_test(StatementContext *context, const AstCommand *command)
{
    static const char *const names[] = {"Snapshot", "Entry", "Segments", "Rows", "Problems", "FirstProblem"};
    const CatalogSnapshot *catalog;
    Test test = {.context = context};
    TRY(open_snapshot(context, command->text, &catalog));
    catalog_each_segment(catalog, test_segment, &test);
    if (atomic_load(&context->session->cancelled))
        return RAISE(context->diag, CANCELLED, "Query execution was interrupted");
    const StrView values[] = {
        command->text,
        strview(arena_printf(&context->arena, "%llu", (unsigned long long)catalog->entry_id)),
        strview(arena_printf(&context->arena, "%llu", (unsigned long long)test.segments)),
        strview(arena_printf(&context->arena, "%llu", (unsigned long long)test.rows)),
        strview(arena_printf(&context->arena, "%llu", (unsigned long long)test.problems)),
        strview(arena_strdup(&context->arena, test.first.message)),
    };
    return send_texts(context, names, COUNT_OF(values), values, 1);
}

static Status run_automated(StatementContext *context, const AstCommand *command, bool is_on)
{
    StrView volume = command->text.length > 0 ? command->text : STR_VIEW("builtin_storage_volume");
    StorageVolume there;
    CatalogSnapshot *now = meta_snapshot(store_of(context));
    bool is_known = !is_on || strview_is(volume, "builtin_storage_volume") || storage_volume_find(now, volume, &context->arena, &there);
    catalog_unref(now);
    if (!is_known)
        return RAISE(context->diag, ANALYSIS, "Getting analyzing error. Detail message: Unknown storage volume: %.*s.", SV_ARGS(volume));
    TRY(cluster_snapshot_set(store_of(context), is_on ? volume : (StrView){0}, context->diag));
    return send_ok(context, 0, STR_VIEW(""));
}

bool run_snapshot_command(StatementContext *context, const AstCommand *command, StrView source, Status *out_status)
{
    StrView what = command->what;
    if (strview_is(what, "CREATE SNAPSHOT"))
        *out_status = run_create(context, command);
    else if (strview_is(what, "DROP SNAPSHOT"))
        *out_status = run_drop(context, command);
    else if (strview_is(what, "RESTORE TABLE") || strview_is(what, "CLONE TABLE"))
        *out_status = run_restore(context, command, source, true);
    else if (strview_is(what, "RESTORE DATABASE") || strview_is(what, "CLONE DATABASE"))
        *out_status = run_restore(context, command, source, false);
    else if (strview_is(what, "RESTORE CLUSTER"))
        *out_status = run_restore_cluster(context, command, source);
    else if (strview_is(what, "ADMIN TEST SNAPSHOT"))
        *out_status = run_test(context, command);
    else if (strview_is(what, "ADMIN SET AUTOMATED CLUSTER SNAPSHOT ON"))
        *out_status = run_automated(context, command, true);
    else if (strview_is(what, "ADMIN SET AUTOMATED CLUSTER SNAPSHOT OFF"))
        *out_status = run_automated(context, command, false);
    else
        return false;
    return true;
}

/* ---- SHOW SNAPSHOTS ---- */

static const SystemColumn snapshot_columns[] = {TEXT("Name"), TEXT("Scope"), TEXT("Database"), TEXT("Table"), TIME("CreatedTime"),
                                                NUMBER("JournalId"), TEXT("Automated"), TEXT("Object"), TEXT("Comment")};

static Status produce_snapshots(const SystemSource *source, SystemRows *rows)
{
    SnapshotInfo *all;
    uint32_t count = snapshot_list(source->catalog, source->arena, &all);
    for (uint32_t i = 0; i < count; i++) {
        system_put_text(rows, all[i].name);
        system_put_word(rows, snapshot_scope_name(all[i].scope));
        system_put_text(rows, all[i].database);
        system_put_text(rows, all[i].table);
        system_put_time(rows, all[i].time_us);
        system_put_number(rows, (int64_t)all[i].entry_id);
        system_put_word(rows, all[i].is_automated ? "true" : "false");
        system_put_text(rows, all[i].object);
        system_put_text(rows, all[i].comment);
        TRY(system_end_row(rows));
    }
    return OK;
}

static const ShowForm forms[] = {{"SNAPSHOTS", {"", SYSTEM_COLUMNS(snapshot_columns), produce_snapshots}, 0, NULL}};
const ShowForms show_snapshot_forms = {forms, COUNT_OF(forms)};
