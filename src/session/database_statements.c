#include "session/session_int.h"

/* ALTER DATABASE RENAME; ALTER DATABASE SET DATA QUOTA | REPLICA QUOTA. */

#include "base/fault.h"
#include "meta/quota.h"
#include "types/number_text.h"

typedef struct DatabaseChange {
    StrView name, new_name;
    bool is_data;
    uint64_t amount;
} DatabaseChange;

static Status need_database(const CatalogSnapshot *catalog, StrView name, Diag *diag, const CatalogDatabase **out)
{
    *out = catalog_database(catalog, name);
    return *out != NULL ? OK : RAISE(diag, NO_SUCH_DATABASE, "Unknown database '%.*s'", SV_ARGS(name));
}

static Status build_rename(void *opaque, const CatalogSnapshot *catalog, Change *change, Diag *diag)
{
    const DatabaseChange *wanted = opaque;
    const CatalogDatabase *database;
    TRY(need_database(catalog, wanted->name, diag, &database));
    if (catalog_database(catalog, wanted->new_name) != NULL)
        return RAISE(diag, DATABASE_EXISTS, "Database name[%.*s] is already used", SV_ARGS(wanted->new_name));
    change_put_database(change, database->id, wanted->new_name, database->comment);
    return OK;
}

Status run_rename_database(StatementContext *context, const AstStatement *statement)
{
    DatabaseChange wanted = {.name = statement->name.parts[statement->name.count - 1], .new_name = statement->text};
    TRY(ddl_check_name(wanted.new_name, context->diag));
    FAULT("ddl.before_commit", context->diag);
    TRY(meta_commit(context->session->instance->store, build_rename, &wanted, context->diag));
    return send_ok(context, 0, STR_VIEW(""));
}

/* 10, 10K, 10MB, 1.5 has no meaning; units of 1,024. */
static Status read_amount(StatementContext *context, StrView text, bool has_unit, uint64_t *out)
{
    static const char units[] = "KMGTP";
    StrView digits = text;
    int64_t number;
    uint32_t shift = 0;
    if (has_unit && digits.length > 1 && (digits.data[digits.length - 1] | 0x20) == 'b')
        digits.length--;
    for (uint32_t u = 0; has_unit && digits.length > 1 && u + 1 < sizeof(units); u++) {
        if ((digits.data[digits.length - 1] & ~0x20) == units[u])
            shift = (u + 1) * 10;
    }
    digits.length -= shift > 0;
    if (!int64_parse(digits, &number) || number < 0 || number > INT64_MAX >> shift)
        return RAISE(context->diag, ANALYSIS, "Getting analyzing error. Detail message: Invalid quota: %.*s.", SV_ARGS(text));
    *out = (uint64_t)number << shift;
    return OK;
}

static Status build_quota(void *opaque, const CatalogSnapshot *catalog, Change *change, Diag *diag)
{
    const DatabaseChange *wanted = opaque;
    const CatalogDatabase *database;
    TRY(need_database(catalog, wanted->name, diag, &database));
    Quota quota = quota_of(catalog, database->id);
    if (wanted->is_data)
        quota.data_bytes = wanted->amount;
    else
        quota.replicas = wanted->amount;
    quota_put(change, database->id, &quota);
    return OK;
}

Status run_quota(StatementContext *context, const AstCommand *command)
{
    DatabaseChange wanted = {.name = command->name.parts[command->name.count - 1], .is_data = strview_equal_ci(command->text, STR_VIEW("DATA"))};
    TRY(read_amount(context, command->text2, wanted.is_data, &wanted.amount));
    FAULT("ddl.before_commit", context->diag);
    TRY(meta_commit(context->session->instance->store, build_quota, &wanted, context->diag));
    return send_ok(context, 0, STR_VIEW(""));
}
