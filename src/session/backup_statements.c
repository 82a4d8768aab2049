#include "session/show_int.h"

/* BACKUP {CLUSTER | DATABASE d | TABLE t | SNAPSHOT s} [AS name] TO volume; SHOW BACKUP. */

#include "job/backup.h"

static Status take_object(StatementContext *context, const AstCommand *command, SnapshotInfo *out)
{
    const AstName *name = &command->name;
    if (strview_is(command->what, "BACKUP CLUSTER")) {
        out->scope = SNAPSHOT_CLUSTER;
        return OK;
    }
    if (strview_is(command->what, "BACKUP DATABASE")) {
        out->scope = SNAPSHOT_DATABASE;
        out->database = name->parts[name->count - 1];
        return OK;
    }
    out->scope = SNAPSHOT_TABLE;
    out->table = name->parts[name->count - 1];
    out->database = name->count >= 2 ? name->parts[name->count - 2] : context->analyze.database;
    return out->database.length > 0 ? OK : RAISE(context->diag, NO_DATABASE_SELECTED, "No database selected");
}

static Status send_job(StatementContext *context, const BackupJob *job)
{
    static const char *const names[] = {"Name", "Location", "JournalId", "Objects", "Copied", "Bytes"};
    const TransferReport *report = &job->report;
    const StrView values[] = {
        strview(arena_strdup(&context->arena, job->name)),
        strview(arena_strdup(&context->arena, job->url)),
        strview(arena_printf(&context->arena, "%llu", (unsigned long long)report->restored.from_entry)),
        strview(arena_printf(&context->arena, "%llu", (unsigned long long)report->copied.objects)),
        strview(arena_printf(&context->arena, "%llu", (unsigned long long)report->copied.copied)),
        strview(arena_printf(&context->arena, "%llu", (unsigned long long)report->copied.bytes)),
    };
    return send_texts(context, names, COUNT_OF(values), values, 1);
}

Status run_backup(StatementContext *context, const AstCommand *command)
{
    BackupRequest request = {.volume = command->text,
                             .cancelled = &context->session->cancelled,
                             .name = command->name2.count > 0 ? command->name2.parts[command->name2.count - 1] : STR_VIEW("")};
    BackupJob job;
    if (strview_is(command->what, "BACKUP SNAPSHOT")) {
        request.is_snapshot = true;
        request.what.name = command->name.parts[command->name.count - 1];
    } else {
        TRY(take_object(context, command, &request.what));
    }
    TRY(backup_run(context->session->instance->backups, &request, context->diag, &job));
    return send_job(context, &job);
}

/* ---- SHOW BACKUP ---- */

static const SystemColumn backup_columns[] = {NUMBER("JobId"),
                                              TEXT("SnapshotName"),
                                              TEXT("DbName"),
                                              TEXT("State"),
                                              TEXT("BackupObjs"),
                                              TIME("CreateTime"),
                                              TIME("SnapshotFinishedTime"),
                                              TIME("UploadFinishedTime"),
                                              TIME("FinishedTime"),
                                              TEXT("UnfinishedTasks"),
                                              TEXT("Progress"),
                                              TEXT("TaskErrMsg"),
                                              TEXT("Status"),
                                              NUMBER("Timeout")};

static Status put_job(const SystemSource *source, SystemRows *rows, const BackupJob *job)
{
    system_put_number(rows, (int64_t)job->number);
    system_put_word(rows, job->name);
    system_put_word(rows, "");
    system_put_word(rows, job->state);
    system_put_word(rows, job->what);
    system_put_time(rows, job->began_us);
    system_put_time(rows, job->began_us);
    system_put_time(rows, job->ended_us);
    system_put_time(rows, job->ended_us);
    system_put_text(rows, show_text(show_context(source), "%llu", (unsigned long long)(job->total - job->done)));
    system_put_text(rows,
                    show_text(show_context(source), "%llu of %llu objects", (unsigned long long)job->done, (unsigned long long)job->total));
    system_put_word(rows, job->error);
    system_put_word(rows, job->url);
    system_put_number(rows, 0);
    return system_end_row(rows);
}

static Status produce_backups(const SystemSource *source, SystemRows *rows)
{
    Backups *backups = show_context(source)->session->instance->backups;
    BackupJob *jobs;
    uint32_t count = backups == NULL ? 0 : backups_list(backups, source->arena, &jobs);
    for (uint32_t i = 0; i < count; i++)
        TRY(put_job(source, rows, &jobs[i]));
    return OK;
}

static const ShowForm forms[] = {{"BACKUP", {"", SYSTEM_COLUMNS(backup_columns), produce_backups}, SHOW_NO_PATTERN, NULL}};
const ShowForms show_backup_forms = {forms, COUNT_OF(forms)};
