#include "ddl/ddl_int.h"

/* MODIFY COLUMN c ADD FIELD f TYPE | DROP FIELD f: the column's type with a field more or less, at the end of a path through
 * structs and, with [*], arrays. Rows are written again: new fields are NULL in those that are there. */

typedef struct FieldChange {
    DdlContext *context;
    const AstAlterAction *action;
    Arena *arena;
} FieldChange;

static int find_field(const TypeChildren *fields, StrView name)
{
    for (uint32_t i = 0; i < fields->count; i++) {
        if (strview_equal_ci(fields->names[i], name))
            return (int)i;
    }
    return -1;
}

static Status no_field(const FieldChange *change, StrView name)
{
    return RAISE(change->context->diag, ANALYSIS, "Getting analyzing error. Detail message: Field[%.*s] is not found in column %.*s.", SV_ARGS(name),
                 SV_ARGS(change->action->name));
}

static Status add_field(const FieldChange *change, StrView name, Type type, Type *in_out)
{
    const AstAlterAction *action = change->action;
    const TypeChildren *fields = in_out->nested;
    uint32_t at = action->is_first ? 0 : fields->count;
    if (find_field(fields, name) >= 0)
        return RAISE(change->context->diag, ANALYSIS, "Getting analyzing error. Detail message: Field %.*s is already exist.", SV_ARGS(name));
    if (action->after.length > 0) {
        int before = find_field(fields, action->after);
        if (before < 0)
            return no_field(change, action->after);
        at = (uint32_t)before + 1;
    }
    Type *types = ARENA_NEW_ARRAY(change->arena, Type, fields->count + 1);
    StrView *names = ARENA_NEW_ARRAY(change->arena, StrView, fields->count + 1);
    for (uint32_t i = 0; i <= fields->count; i++) {
        types[i] = i == at ? type : fields->types[i - (i > at)];
        names[i] = i == at ? name : fields->names[i - (i > at)];
    }
    *in_out = type_struct(change->arena, types, names, fields->count + 1);
    return OK;
}

static Status drop_field(const FieldChange *change, StrView name, Type *in_out)
{
    const TypeChildren *fields = in_out->nested;
    int at = find_field(fields, name);
    if (at < 0)
        return no_field(change, name);
    if (fields->count == 1)
        return RAISE(change->context->diag, ANALYSIS, "Getting analyzing error. Detail message: Field[%.*s] is the last field of column %.*s.",
                     SV_ARGS(name), SV_ARGS(change->action->name));
    Type *types = ARENA_NEW_ARRAY(change->arena, Type, fields->count);
    StrView *names = ARENA_NEW_ARRAY(change->arena, StrView, fields->count);
    for (uint32_t i = 0, to = 0; i < fields->count; i++) {
        if (i == (uint32_t)at)
            continue;
        types[to] = fields->types[i];
        names[to++] = fields->names[i];
    }
    *in_out = type_struct(change->arena, types, names, fields->count - 1);
    return OK;
}

/* The type at step number of the path. */
static Status change_type(const FieldChange *change, uint32_t step, Type *in_out)
{
    const AstStrList *path = &change->action->names;
    StrView name = path->items[step];
    if (strview_is(name, "[*]")) {
        if (in_out->kind != TYPE_ARRAY || step + 1 == path->count)
            return no_field(change, name);
        Type element = in_out->nested->types[0];
        TRY(change_type(change, step + 1, &element));
        *in_out = type_array(change->arena, element);
        return OK;
    }
    if (in_out->kind != TYPE_STRUCT)
        return no_field(change, name);
    if (step + 1 == path->count)
        return strview_is(change->action->kind, "ADD FIELD") ? add_field(change, name, change->action->columns.items[0].type, in_out)
                                                             : drop_field(change, name, in_out);
    int at = find_field(in_out->nested, name);
    if (at < 0)
        return no_field(change, name);
    const TypeChildren *fields = in_out->nested;
    Type *types = ARENA_NEW_ARRAY(change->arena, Type, fields->count);
    memcpy(types, fields->types, fields->count * sizeof(*types));
    TRY(change_type(change, step + 1, &types[at]));
    *in_out = type_struct(change->arena, types, fields->names, fields->count);
    return OK;
}

Status ddl_alter_fields(DdlContext *context, const AstAlterAction *action, TableSchema *schema)
{
    FieldChange change = {context, action, &schema->arena};
    int at = table_column_index(schema, action->name);
    if (at < 0)
        return DDL_ERROR(context, "Column[%.*s] does not exist.", SV_ARGS(action->name));
    TableColumn *column = &schema->columns[at];
    if (column->type.kind != TYPE_STRUCT && column->type.kind != TYPE_ARRAY)
        return DDL_ERROR(context, "column %.*s is no STRUCT.", SV_ARGS(column->name));
    Type type = column->type;
    TRY(change_type(&change, 0, &type));
    column->type = type_copy(&schema->arena, type);
    context->effect->rewrites = true;
    context->effect->changes_rows = true;
    return OK;
}
