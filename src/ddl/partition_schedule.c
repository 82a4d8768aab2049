#include "ddl/partition_schedule.h"

/* What is made and dropped is worked out over a snapshot; the commit leaves out what no longer fits the newest catalog. Times are
 * local ones of dynamic_partition.time_zone. A partition is too old when its end is not behind the border. */

#include <stdlib.h>

#include "analyze/analyze.h"
#include "base/log.h"
#include "expr/eval.h"
#include "load/partition_router.h"
#include "sql/parser.h"
#include "types/datetime.h"
#include "types/number_text.h"
#include "types/time_zone.h"

enum { MOST_AHEAD = 1000, DEFAULT_PAUSE_SECONDS = 600 };

typedef struct Rules {
    bool is_dynamic;
    PartitionStep step; /* of one unit */
    int64_t start, end, history;
    bool has_start;
    int64_t shift_us; /* of weeks and months that begin later */
    StrView prefix;
    int64_t live_number; /* 0: all */
    PartitionStep ttl;   /* STEP_NONE: none */
    StrView condition;
    const TimeZone *zone;
} Rules;

typedef struct Schedule {
    MetaStore *store;
    const CatalogTable *table;
    Rules rules;
    Type type; /* of the partition column */
    int64_t now_us; /* local */
    PartitionList fresh;
    ARRAY_OF(uint64_t) dropped;
    Arena arena;
    Diag *diag;
} Schedule;

/* ---- properties ---- */

static StrView property(const TableSchema *schema, const char *key)
{
    const char *value = table_property(schema, key);
    return value == NULL ? (StrView){NULL, 0} : strview(value);
}

bool partition_schedule_wants(const TableSchema *schema)
{
    static const char *const keys[] = {"dynamic_partition.time_unit", "partition_live_number", "partition_ttl_number", "partition_ttl",
                                       "partition_retention_condition"};
    for (size_t i = 0; i < COUNT_OF(keys) && schema->kind == TABLE_BASE; i++) {
        if (property(schema, keys[i]).length > 0)
            return true;
    }
    return false;
}

static Status read_number(const TableSchema *schema, const char *key, int64_t least, int64_t most, Diag *diag, int64_t *in_out)
{
    StrView text = property(schema, key);
    if (text.data == NULL)
        return OK;
    if (!int64_parse(text, in_out) || *in_out < least || *in_out > most)
        return RAISE(diag, ANALYSIS, "Getting analyzing error. Detail message: Invalid value '%.*s' of %s.", SV_ARGS(text), key);
    return OK;
}

/* "3 MONTH", "12 HOURS" */
static Status read_ttl(StrView text, Diag *diag, PartitionStep *out)
{
    size_t digits = 0;
    text = strview_trim(text);
    while (digits < text.length && text.data[digits] >= '0' && text.data[digits] <= '9')
        digits++;
    StrView unit = strview_trim(strview_n(text.data + digits, text.length - digits));
    if (unit.length > 1 && (unit.data[unit.length - 1] == 's' || unit.data[unit.length - 1] == 'S'))
        unit.length--;
    *out = (PartitionStep){.unit = STEP_NONE};
    if (!int64_parse(strview_n(text.data, digits), &out->count) || out->count <= 0 || !step_unit_parse(unit, &out->unit))
        return RAISE(diag, ANALYSIS, "Getting analyzing error. Detail message: Invalid value '%.*s' of partition_ttl: a number and a unit, as in '3 MONTH'.",
                     SV_ARGS(text));
    return OK;
}

static Status read_dynamic(const TableSchema *schema, Diag *diag, Rules *rules)
{
    StrView unit = property(schema, "dynamic_partition.time_unit");
    StrView enable = property(schema, "dynamic_partition.enable");
    int64_t first_day = 1;
    rules->is_dynamic = unit.length > 0 && !strview_equal_ci(enable, STR_VIEW("false"));
    if (unit.length == 0)
        return OK;
    rules->step = (PartitionStep){.count = 1};
    if (!step_unit_parse(unit, &rules->step.unit) || rules->step.unit == STEP_SECOND || rules->step.unit == STEP_MINUTE || rules->step.unit == STEP_QUARTER)
        return RAISE(diag, ANALYSIS, "Getting analyzing error. Detail message: Unsupported time unit %.*s. Expect HOUR/DAY/WEEK/MONTH/YEAR.",
                     SV_ARGS(unit));
    if (property(schema, "dynamic_partition.end").data == NULL)
        return RAISE(diag, ANALYSIS, "Getting analyzing error. Detail message: Must assign dynamic_partition.end properties");
    rules->prefix = property(schema, "dynamic_partition.prefix");
    if (rules->prefix.length == 0)
        return RAISE(diag, ANALYSIS, "Getting analyzing error. Detail message: Must assign dynamic_partition.prefix properties");
    rules->start = INT32_MIN;
    TRY(read_number(schema, "dynamic_partition.start", INT32_MIN, -1, diag, &rules->start));
    rules->has_start = rules->start > INT32_MIN;
    TRY(read_number(schema, "dynamic_partition.end", 1, MOST_AHEAD, diag, &rules->end));
    TRY(read_number(schema, "dynamic_partition.history_partition_num", 0, MOST_AHEAD, diag, &rules->history));
    if (rules->step.unit == STEP_WEEK)
        TRY(read_number(schema, "dynamic_partition.start_day_of_week", 1, 7, diag, &first_day));
    if (rules->step.unit == STEP_MONTH)
        TRY(read_number(schema, "dynamic_partition.start_day_of_month", 1, 28, diag, &first_day));
    rules->shift_us = (first_day - 1) * 86400 * 1000000;
    return OK;
}

static Status read_rules(const TableSchema *schema, Diag *diag, Rules *rules)
{
    StrView ttl = property(schema, "partition_ttl");
    StrView zone = property(schema, "dynamic_partition.time_zone");
    *rules = (Rules){0};
    TRY(read_dynamic(schema, diag, rules));
    TRY(read_number(schema, "partition_ttl_number", -1, INT32_MAX, diag, &rules->live_number));
    TRY(read_number(schema, "partition_live_number", -1, INT32_MAX, diag, &rules->live_number));
    rules->live_number = MAX(rules->live_number, (int64_t)0);
    if (ttl.length > 0)
        TRY(read_ttl(ttl, diag, &rules->ttl));
    rules->condition = property(schema, "partition_retention_condition");
    rules->zone = zone.length == 0 ? NULL : time_zone_find(zone);
    if (zone.length > 0 && rules->zone == NULL)
        return RAISE(diag, ANALYSIS, "Getting analyzing error. Detail message: Unknown or incorrect time zone: '%.*s'", SV_ARGS(zone));
    return OK;
}

/* ---- the retention condition ---- */

/* It sees the partition columns alone, by their numbers from 1. */
static Status bind_condition(const TableSchema *schema, StrView text, AnalyzeContext *context, Expr **out)
{
    uint32_t count = schema->partition_column_count;
    LogicalColumn *columns = ARENA_NEW_ARRAY(context->arena, LogicalColumn, MAX(count, 1u));
    AstExpr *ast;
    for (uint32_t i = 0; i < count; i++) {
        bool is_plain;
        int column = table_partition_column(schema, i, &is_plain);
        StrView name = column < 0 ? schema->partition_exprs[i] : schema->columns[column].name;
        columns[i] = (LogicalColumn){.id = i + 1, .name = name, .type = schema->partition_types[i], .is_nullable = true};
    }
    TRY(sql_parse_expression(text, context->arena, context->diag, &ast));
    TRY(analyze_scalar(context, ast, text, columns, count, out));
    return expr_cast(context->arena, *out, type_of(TYPE_BOOLEAN), true, context->diag, out);
}

static Status check_condition_text(DdlContext *context, const TableSchema *schema, StrView text)
{
    Diag diag = {0};
    Expr *expr;
    FuncSession session = {.now_us = context->now_us, .zone_offset_us = context->zone_offset_us};
    AnalyzeContext analyze = {.arena = context->arena, .diag = &diag, .session = &session};
    if (text.length == 0 || bind_condition(schema, text, &analyze, &expr) == OK)
        return OK;
    return DDL_ERROR(context, "partition_retention_condition '%.*s' is no condition on the partition columns: %s", SV_ARGS(text), diag.message);
}

Status partition_schedule_check(DdlContext *context, const TableSchema *schema)
{
    Rules rules;
    if (!partition_schedule_wants(schema))
        return OK;
    TRY(read_rules(schema, context->diag, &rules));
    bool has_dates = schema->partition_column_count == 1 && table_has_ranges(schema) && type_is_date(schema->partition_types[0]);
    if (property(schema, "dynamic_partition.time_unit").length > 0 && !has_dates)
        return DDL_ERROR(context, "Dynamic partition only support single-column range partition of a date type.");
    if (schema->scheme == PARTITION_NONE)
        return DDL_ERROR(context, "Partitions of a table without partitions can't expire.");
    if (rules.ttl.unit != STEP_NONE && !has_dates)
        return DDL_ERROR(context, "partition_ttl needs range partitions of a date type.");
    return check_condition_text(context, schema, rules.condition);
}

/* ---- making ---- */

static Datum as_datum(Type type, int64_t us)
{
    return datum_i64(type.kind == TYPE_DATE ? datetime_date(us) : us);
}

static int64_t as_us(Type type, Datum value)
{
    return type.kind == TYPE_DATE ? value.i64 * 86400 * 1000000 : value.i64;
}

/* Where the unit begins that lies so many units from now. */
static Datum border(const Schedule *schedule, int64_t offset)
{
    const Rules *rules = &schedule->rules;
    PartitionStep step = rules->step;
    Datum floor = step_floor(&step, schedule->type, as_datum(schedule->type, schedule->now_us - rules->shift_us));
    step.count = offset;
    Datum start = step_next(&step, schedule->type, floor);
    return as_datum(schedule->type, as_us(schedule->type, start) + rules->shift_us);
}

static bool is_taken(const CatalogTable *table, const PartitionList *fresh, const CatalogPartition *partition)
{
    for (uint32_t p = 0; p < table->partition_count; p++) {
        if (partitions_overlap(table->schema, table->partitions[p], partition) || strview_equal_ci(table->partitions[p]->name, partition->name))
            return true;
    }
    for (uint32_t i = 0; fresh != NULL && i < fresh->count; i++) {
        if (strview_equal_ci(fresh->items[i]->name, partition->name))
            return true;
    }
    return false;
}

static void make_partitions(Schedule *schedule)
{
    const Rules *rules = &schedule->rules;
    for (int64_t i = -rules->history; i <= rules->end && rules->is_dynamic; i++) {
        AUTO_BYTEBUF plain = {0}, name = {0};
        Datum low = border(schedule, i);
        step_name(&rules->step, schedule->type, as_datum(schedule->type, as_us(schedule->type, low) - rules->shift_us), &plain);
        bytebuf_printf(&name, "%.*s%s", SV_ARGS(rules->prefix), plain.data + 1);
        CatalogPartition probe = {.name = bytebuf_view(&name), .has_low = true, .has_high = true};
        Datum high = border(schedule, i + 1);
        probe.low = &low;
        probe.high = &high;
        if (is_taken(schedule->table, &schedule->fresh, &probe))
            continue;
        CatalogPartition *made = partition_new(schedule->store, schedule->table->schema, bytebuf_view(&name),
                                               env_wall_us(meta_environment(schedule->store)), &schedule->arena);
        made->has_low = made->has_high = true;
        made->low[0] = low;
        made->high[0] = high;
        AST_PUSH(&schedule->arena, &schedule->fresh, made);
    }
}

/* ---- dropping ---- */

static void drop(Schedule *schedule, const CatalogPartition *partition)
{
    for (uint32_t i = 0; i < schedule->dropped.count; i++) {
        if (schedule->dropped.items[i] == partition->id)
            return;
    }
    ARRAY_PUSH(&schedule->arena, &schedule->dropped, partition->id);
}

static void drop_before(Schedule *schedule, Datum limit)
{
    for (uint32_t p = 0; p < schedule->table->partition_count; p++) {
        const CatalogPartition *partition = schedule->table->partitions[p];
        if (partition->has_high && datum_compare(schedule->type, &partition->high[0], &limit) <= 0)
            drop(schedule, partition);
    }
}

/* Newest first: by lower bound, or by the greatest of their values. */
typedef struct Aged {
    const CatalogPartition *partition;
    Type type;
    Datum value;
} Aged;

static int compare_aged(const void *a, const void *b)
{
    const Aged *x = a;
    const Aged *y = b;
    if (x->value.is_null || y->value.is_null)
        return (int)x->value.is_null - (int)y->value.is_null;
    return datum_compare(x->type, &y->value, &x->value);
}

static Datum age_of(const Schedule *schedule, const CatalogPartition *partition)
{
    const TableSchema *schema = schedule->table->schema;
    Datum greatest = datum_null();
    if (table_has_ranges(schema))
        return partition->has_low ? partition->low[0] : datum_null();
    for (uint32_t v = 0; v < partition->value_rows; v++) {
        const Datum *value = &partition->values[v * schema->partition_column_count];
        if (!value->is_null && (greatest.is_null || datum_compare(schedule->type, value, &greatest) > 0))
            greatest = *value;
    }
    return greatest;
}

/* Those that begin in the future don't count, and stay. */
static void drop_beyond_number(Schedule *schedule)
{
    const CatalogTable *table = schedule->table;
    Aged *aged = ARENA_NEW_ARRAY(&schedule->arena, Aged, table->partition_count + 1);
    uint32_t count = 0;
    for (uint32_t p = 0; p < table->partition_count; p++) {
        Datum value = age_of(schedule, table->partitions[p]);
        if (type_is_date(schedule->type) && !value.is_null && as_us(schedule->type, value) > schedule->now_us)
            continue;
        aged[count++] = (Aged){table->partitions[p], schedule->type, value};
    }
    qsort(aged, count, sizeof(*aged), compare_aged);
    for (uint32_t i = (uint32_t)MIN(schedule->rules.live_number, (int64_t)count); i < count; i++)
        drop(schedule, aged[i].partition);
}

/* ---- the retention condition, evaluated ---- */

static Expr *set_slot(void *context, Expr *node)
{
    (void)context;
    if (node->kind == EXPR_COLUMN)
        node->column.slot = node->column.id - 1;
    return node;
}

static Status open_condition(Schedule *schedule, const FuncSession *session, Evaluator **out)
{
    Expr *expr;
    AnalyzeContext context = {.arena = &schedule->arena, .diag = schedule->diag, .session = session};
    TRY(bind_condition(schedule->table->schema, schedule->rules.condition, &context, &expr));
    const Expr **exprs = ARENA_NEW_ARRAY(&schedule->arena, const Expr *, 1);
    exprs[0] = expr_rewrite(expr, set_slot, NULL);
    return evaluator_open(exprs, 1, session, NULL, schedule->diag, out);
}

/* Does one of the rows of values meet it? */
static Status meets_condition(Schedule *schedule, Evaluator *evaluator, const Datum *values, uint32_t rows, bool *out_meets)
{
    const TableSchema *schema = schedule->table->schema;
    uint32_t columns = schema->partition_column_count;
    uint16_t sel[CHUNK_ROWS];
    uint32_t selected = 0;
    *out_meets = false;
    for (uint32_t first = 0; first < rows && selected == 0; first += CHUNK_ROWS) {
        AUTO_ARENA arena;
        arena_init(&arena, NULL);
        uint32_t count = MIN(rows - first, (uint32_t)CHUNK_ROWS);
        Chunk chunk = {.columns = ARENA_NEW_ARRAY(&arena, Vector, columns), .column_count = columns, .row_count = count};
        for (uint32_t c = 0; c < columns; c++) {
            vector_init(&chunk.columns[c], &arena, schema->partition_types[c], count);
            for (uint32_t r = 0; r < count; r++)
                vector_put(&chunk.columns[c], &arena, r, &values[(first + r) * columns + c]);
        }
        TRY(evaluator_filter(evaluator, &chunk, sel, &selected));
    }
    *out_meets = selected > 0;
    return OK;
}

/* A range goes when neither its first nor its last value meets the condition; one without an end stays. */
static Status check_condition(Schedule *schedule, Evaluator *evaluator, const CatalogPartition *partition)
{
    bool meets = true;
    if (!table_has_ranges(schedule->table->schema)) {
        TRY(meets_condition(schedule, evaluator, partition->values, partition->value_rows, &meets));
    } else if (partition->has_high && schedule->table->schema->partition_column_count == 1 && !type_is_string(schedule->type)) {
        Datum ends[2] = {partition->has_low ? partition->low[0] : datum_i64(partition->high[0].i64 - 1), datum_i64(partition->high[0].i64 - 1)};
        TRY(meets_condition(schedule, evaluator, ends, 2, &meets));
    }
    if (!meets)
        drop(schedule, partition);
    return OK;
}

static Status drop_by_condition(Schedule *schedule)
{
    int64_t utc_us = env_wall_us(meta_environment(schedule->store));
    FuncSession session = {.now_us = utc_us, .zone_offset_us = schedule->now_us - utc_us, .zone = schedule->rules.zone};
    Evaluator *evaluator;
    TRY(open_condition(schedule, &session, &evaluator));
    Status status = OK;
    for (uint32_t p = 0; p < schedule->table->partition_count && status == OK; p++)
        status = check_condition(schedule, evaluator, schedule->table->partitions[p]);
    evaluator_close(evaluator);
    return status;
}

/* ---- a table ---- */

static Status plan(Schedule *schedule)
{
    const TableSchema *schema = schedule->table->schema;
    const Rules *rules = &schedule->rules;
    int64_t utc_us = env_wall_us(meta_environment(schedule->store));
    TRY(read_rules(schema, schedule->diag, &schedule->rules));
    schedule->type = schema->partition_types[0];
    schedule->now_us = rules->zone == NULL ? utc_us : time_zone_to_local(rules->zone, utc_us);
    bool has_dates = schema->partition_column_count == 1 && table_has_ranges(schema) && type_is_date(schedule->type);
    if (has_dates)
        make_partitions(schedule);
    if (has_dates && rules->is_dynamic && rules->has_start)
        drop_before(schedule, border(schedule, rules->start));
    if (has_dates && rules->ttl.unit != STEP_NONE) {
        PartitionStep back = rules->ttl;
        back.count = -back.count;
        drop_before(schedule, step_next(&back, schedule->type, as_datum(schedule->type, schedule->now_us)));
    }
    if (rules->live_number > 0)
        drop_beyond_number(schedule);
    return rules->condition.length > 0 ? drop_by_condition(schedule) : OK;
}

static Status build(void *context, const CatalogSnapshot *catalog, Change *change, Diag *diag)
{
    const Schedule *schedule = context;
    const CatalogTable *now = catalog_table_by_id(catalog, schedule->table->id);
    if (now == NULL || now->schema != schedule->table->schema)
        return RAISE(diag, RETRY, "table '%.*s' changed meanwhile", SV_ARGS(schedule->table->name));
    for (uint32_t i = 0; i < schedule->dropped.count; i++) {
        if (catalog_partition_by_id(now, schedule->dropped.items[i]) != NULL)
            change_drop_partition(change, now->id, schedule->dropped.items[i]);
    }
    for (uint32_t i = 0; i < schedule->fresh.count; i++) {
        if (!is_taken(now, NULL, schedule->fresh.items[i]))
            change_put_partition(change, now->id, now->schema, schedule->fresh.items[i]);
    }
    return OK;
}

static Status schedule_one(MetaStore *store, const CatalogTable *table, Diag *diag)
{
    Schedule schedule = {.store = store, .table = table, .diag = diag};
    arena_init(&schedule.arena, NULL);
    Status status = plan(&schedule);
    if (status == OK && schedule.fresh.count + schedule.dropped.count > 0) {
        status = meta_commit(store, build, &schedule, diag);
        if (status == OK)
            LOG_INFO("partitions", "table=%.*s made=%u dropped=%u", SV_ARGS(table->name), schedule.fresh.count, schedule.dropped.count);
    }
    arena_deinit(&schedule.arena);
    return status;
}

Status partition_schedule_table(MetaStore *store, uint64_t table_id, Diag *diag)
{
    CatalogSnapshot *catalog = meta_snapshot(store);
    const CatalogTable *table = catalog_table_by_id(catalog, table_id);
    Status status = OK;
    if (table != NULL && partition_schedule_wants(table->schema) && table->schema->partition_column_count > 0)
        status = schedule_one(store, table, diag);
    catalog_unref(catalog);
    return status;
}

static int64_t pause_us(const CatalogSnapshot *catalog)
{
    int64_t seconds = DEFAULT_PAUSE_SECONDS;
    StrView text = catalog_setting(catalog, "config.dynamic_partition_check_interval_seconds");
    if (text.data == NULL || !int64_parse(text, &seconds) || seconds < 1)
        seconds = DEFAULT_PAUSE_SECONDS;
    return seconds * 1000000;
}

int64_t partition_schedule_job(void *opaque, const _Atomic bool *stopping)
{
    MetaStore *store = opaque;
    CatalogSnapshot *catalog = meta_snapshot(store);
    int64_t again_us = pause_us(catalog);
    StrView enabled = catalog_setting(catalog, "config.dynamic_partition_enable");
    bool is_off = strview_equal_ci(enabled, STR_VIEW("false"));
    for (uint32_t d = catalog_visible_from(catalog); d < catalog->database_count && !is_off; d++) {
        const CatalogDatabase *database = catalog->databases[d];
        for (uint32_t t = 0; t < catalog_table_count(database) && !atomic_load(stopping); t++) {
            Diag diag = {0};
            if (partition_schedule_table(store, catalog_table_at(database, t)->id, &diag) != OK)
                LOG_WARN("partitions", "table=%.*s: %s", SV_ARGS(catalog_table_at(database, t)->name), diag.message);
        }
    }
    catalog_unref(catalog);
    return again_us;
}
