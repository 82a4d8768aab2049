#include "meta/partition_order.h"
#include "plan/plan_int.h"

/* Logical to physical: slots, build sides, runtime filters, pruned scans. */

#include "connector/connector.h"

typedef struct SlotMap {
    const LogicalColumn *left;
    uint32_t left_count;
    const LogicalColumn *right;
    uint32_t right_count;
    Status status;
    PlanContext *context;
} SlotMap;

static Expr *set_slot(void *opaque, Expr *expr)
{
    SlotMap *map = opaque;
    if (expr->kind != EXPR_COLUMN)
        return expr;
    for (uint32_t i = 0; i < map->left_count; i++) {
        if (map->left[i].id == expr->column.id) {
            expr->column.slot = i;
            return expr;
        }
    }
    for (uint32_t i = 0; i < map->right_count; i++) {
        if (map->right[i].id == expr->column.id) {
            expr->column.slot = map->left_count + i;
            return expr;
        }
    }
    map->status = RAISE(map->context->diag, INTERNAL, "column %u (%.*s) is not available where the plan needs it",
                        expr->column.id, SV_ARGS(expr->column.name));
    return expr;
}

static Status slots(PlanContext *context, const LogicalNode *left, const LogicalNode *right, const Expr *expr, Expr **out)
{
    SlotMap map = {.context = context, .status = OK};
    if (left != NULL) {
        map.left = left->columns;
        map.left_count = left->column_count;
    }
    if (right != NULL) {
        map.right = right->columns;
        map.right_count = right->column_count;
    }
    *out = expr_rewrite(expr_clone(context->arena, expr), set_slot, &map);
    return map.status;
}

static Status slot_list(PlanContext *context, const LogicalNode *left, const LogicalNode *right, Expr *const *exprs, uint32_t count,
                        Expr ***out)
{
    *out = ARENA_NEW_ARRAY(context->arena, Expr *, MAX(count, 1u));
    for (uint32_t i = 0; i < count; i++)
        TRY(slots(context, left, right, exprs[i], &(*out)[i]));
    return OK;
}

static PhysNode *new_phys(PlanContext *context, PhysKindOfNode kind, const LogicalNode *logical, PhysNode *child)
{
    PhysNode *node = ARENA_NEW(context->arena, PhysNode);
    node->kind = (uint8_t)kind;
    node->children = ARENA_NEW_ARRAY(context->arena, PhysNode *, 2);
    node->children[0] = child;
    node->child_count = child != NULL;
    node->column_count = logical->column_count;
    node->columns = ARENA_NEW_ARRAY(context->arena, PhysColumn, MAX(logical->column_count, 1u));
    for (uint32_t i = 0; i < logical->column_count; i++)
        node->columns[i] = (PhysColumn){logical->columns[i].type, logical->columns[i].is_nullable, logical->columns[i].name};
    node->estimated_rows = logical->estimated_rows;
    return node;
}

static Status slot_keys(PlanContext *context, const LogicalNode *child, const SortKey *keys, uint32_t count, PhysSortKey **out)
{
    *out = ARENA_NEW_ARRAY(context->arena, PhysSortKey, MAX(count, 1u));
    for (uint32_t i = 0; i < count; i++) {
        (*out)[i].is_descending = keys[i].is_descending;
        (*out)[i].nulls_first = keys[i].nulls_first;
        TRY(slots(context, child, NULL, keys[i].expr, &(*out)[i].expr));
    }
    return OK;
}

/* ---- scan ---- */

static bool values_may_match(const CatalogPartition *partition, const ColumnRange *range, uint32_t column, uint32_t columns)
{
    for (uint32_t v = 0; v < partition->value_rows; v++) {
        const Datum *value = &partition->values[v * columns + column];
        bool may = value->is_null ? !range->excludes_null : range_may_match(range, value, value, 0, 1);
        if (may)
            return true;
    }
    return partition->value_rows == 0;
}

/* Only the first column of a range of several says something alone. */
static bool bounds_may_match(const TableSchema *schema, const CatalogPartition *partition, const ColumnRange *range)
{
    Type type = schema->partition_types[0];
    if (partition->has_low && range->has_high) {
        int order = datum_compare(type, &range->high, &partition->low[0]);
        if (order < 0 || (order == 0 && !range->high_inclusive))
            return false;
    }
    if (partition->has_high && range->has_low) {
        int order = datum_compare(type, &range->low, &partition->high[0]);
        if (order > 0 || (order == 0 && schema->partition_column_count == 1))
            return false;
    }
    bool has_point = range->points == NULL;
    for (uint32_t i = 0; i < range->point_count && !has_point; i++)
        has_point = (!partition->has_low || datum_compare(type, &range->points[i], &partition->low[0]) >= 0) &&
                    (!partition->has_high || datum_compare(type, &range->points[i], &partition->high[0]) <= 0);
    return has_point;
}

/* Can rows of the partition satisfy the ranges of the partition columns? */
static bool partition_may_match(const CatalogTable *table, const CatalogPartition *partition, const ColumnRange *ranges,
                                uint32_t range_count, const PhysScanColumn *columns)
{
    const TableSchema *schema = table->schema;
    bool has_ranges = table_has_ranges(schema);
    for (uint32_t i = 0; i < schema->partition_column_count; i++) {
        bool is_plain;
        int column = table_partition_column(schema, i, &is_plain);
        for (uint32_t r = 0; r < range_count && column >= 0; r++) {
            const ColumnRange *range = &ranges[r];
            if (columns[range->slot].unique_id != schema->columns[column].unique_id || !type_equal(range->type, schema->partition_types[i]))
                continue;
            if (!is_plain && schema->scheme == PARTITION_RANGE)
                continue; /* of an expression: its bounds are not the column's */
            if (has_ranges ? i == 0 && !bounds_may_match(schema, partition, range)
                           : is_plain && !values_may_match(partition, range, i, schema->partition_column_count))
                return false;
        }
    }
    return true;
}

static bool partition_is_wanted(const LogicalNode *node, uint64_t id)
{
    if (node->scan.partition_ids == NULL)
        return true;
    for (uint32_t i = 0; i < node->scan.partition_id_count; i++) {
        if (node->scan.partition_ids[i] == id)
            return true;
    }
    return false;
}

/* Narrows the partitions to be looked at by what a range says about the first partition column. */
static void narrow_span(const CatalogTable *table, const PartitionOrder *order, const ColumnRange *range, const PhysScanColumn *columns,
                        uint32_t *in_out_first, uint32_t *in_out_end)
{
    const TableSchema *schema = table->schema;
    bool is_plain;
    int column = table_partition_column(schema, 0, &is_plain);
    if (column < 0 || columns[range->slot].unique_id != schema->columns[column].unique_id ||
        !type_equal(range->type, schema->partition_types[0]) || (!is_plain && schema->scheme == PARTITION_RANGE))
        return;
    uint32_t first, end;
    const Datum *low = range->has_low ? &range->low : NULL, *high = range->has_high ? &range->high : NULL;
    partition_order_span(order, table, range->point_count > 0 ? &range->points[0] : low,
                         range->point_count > 0 ? &range->points[range->point_count - 1] : high, &first, &end);
    *in_out_first = MAX(*in_out_first, first);
    *in_out_end = MIN(*in_out_end, end);
}

typedef struct SegmentList {
    const LogicalNode *node;
    PhysNode *phys;
    const ColumnRange *ranges;
    uint32_t range_count;
    ARRAY_OF(SegmentRef) found;
} SegmentList;

static void collect_partition(PlanContext *context, SegmentList *list, const CatalogPartition *partition)
{
    PhysNode *phys = list->phys;
    if (!partition_is_wanted(list->node, partition->id) ||
        !partition_may_match(list->node->scan.table, partition, list->ranges, list->range_count, phys->scan.scan_columns))
        return;
    phys->scan.partitions_selected++;
    phys->scan.tablets_selected += partition->tablet_count;
    for (uint32_t t = 0; t < partition->tablet_count; t++) {
        for (uint32_t s = 0; s < partition->tablets[t].segment_count && list->node->scan.segments == NULL; s++)
            ARRAY_PUSH(context->arena, &list->found, partition->tablets[t].segments[s]);
    }
}

/* The only partitions that can hold the values that a range lists, where lists of values of one column tell. */
static bool collect_points(PlanContext *context, SegmentList *list, const PartitionOrder *order)
{
    const CatalogTable *table = list->node->scan.table;
    const TableSchema *schema = table->schema;
    bool is_plain;
    int column = schema->partition_column_count == 1 ? table_partition_column(schema, 0, &is_plain) : -1;
    for (uint32_t r = 0; r < list->range_count && column >= 0 && is_plain; r++) {
        const ColumnRange *range = &list->ranges[r];
        if (range->points == NULL || list->phys->scan.scan_columns[range->slot].unique_id != schema->columns[column].unique_id ||
            !type_equal(range->type, schema->partition_types[0]))
            continue;
        uint32_t *places = ARENA_NEW_ARRAY(context->arena, uint32_t, range->point_count + 1);
        uint32_t count = 0;
        for (uint32_t i = 0; i < range->point_count; i++) {
            uint32_t place = partition_order_find(order, table, &range->points[i]);
            bool is_new = place != PARTITION_NOWHERE;
            for (uint32_t k = 0; k < count && is_new; k++)
                is_new = places[k] != place;
            if (is_new)
                places[count++] = place;
        }
        for (uint32_t k = 0; k < count; k++)
            collect_partition(context, list, table->partitions[places[k]]);
        return true;
    }
    return false;
}

static void collect_segments(PlanContext *context, const LogicalNode *node, PhysNode *phys)
{
    const CatalogTable *table = node->scan.table;
    ColumnRange ranges[32];
    uint32_t range_count = COUNT_OF(ranges);
    expr_ranges(context->arena, (const Expr *const *)phys->scan.conjuncts, phys->scan.conjunct_count, ranges, &range_count);
    SegmentList list = {node, phys, ranges, range_count, {0}};
    phys->scan.partitions_total = table->partition_count;
    phys->scan.tablets_total = (uint32_t)table_sums(table).tablets;
    const PartitionOrder *order = range_count == 0 ? NULL : partition_order_of(table);
    uint32_t first = 0, end = table->partition_count;
    bool has_ranges = table_has_ranges(table->schema);
    for (uint32_t r = 0; r < range_count && order != NULL && has_ranges; r++)
        narrow_span(table, order, &ranges[r], phys->scan.scan_columns, &first, &end);
    bool is_done = order != NULL && partition_order_lists_all(order) && collect_points(context, &list, order);
    for (uint32_t p = first; p < end && !is_done; p++)
        collect_partition(context, &list, table->partitions[order != NULL && has_ranges ? partition_order_place(order, p) : p]);
    for (uint32_t s = 0; s < node->scan.segment_count && node->scan.segments != NULL; s++)
        ARRAY_PUSH(context->arena, &list.found, node->scan.segments[s]);
    phys->scan.segments = list.found.items;
    phys->scan.segment_count = list.found.count;
}

static const Datum *missing_value(PlanContext *context, const TableColumn *column)
{
    Datum *value = ARENA_NEW(context->arena, Datum);
    *value = table_column_missing(column, context->arena);
    return value;
}

static Status build_scan(PlanContext *context, LogicalNode *node, PhysNode **out)
{
    const TableSchema *schema = node->scan.table->schema;
    PhysNode *phys = new_phys(context, PHYS_NODE_SCAN, node, NULL);
    IdSet wanted = idset_new(context);
    /* Columns that only predicates use come behind the output. */
    LogicalNode read = *node;
    read.columns = ARENA_NEW_ARRAY(context->arena, LogicalColumn, schema->column_count + node->column_count);
    memcpy(read.columns, node->columns, node->column_count * sizeof(LogicalColumn));
    uint32_t *ordinals = ARENA_NEW_ARRAY(context->arena, uint32_t, schema->column_count + node->column_count);
    memcpy(ordinals, node->scan.ordinals, node->column_count * sizeof(uint32_t));
    for (uint32_t i = 0; i < node->scan.conjunct_count; i++)
        idset_add_expr(context, &wanted, node->scan.conjuncts[i]);
    /* All ids of a scan are consecutive: the id tells the ordinal. */
    for (uint32_t o = 0; o < schema->column_count; o++) {
        ColumnId id = node->scan.first_id + o;
        if (!idset_has(&wanted, id) || produces(&read, id))
            continue;
        ordinals[read.column_count] = o;
        read.columns[read.column_count++] = (LogicalColumn){.id = id, .type = schema->columns[o].type,
                                                            .is_nullable = schema->columns[o].is_nullable,
                                                            .name = schema->columns[o].name};
    }
    phys->scan.database = node->scan.database->name;
    phys->scan.table = node->scan.table->name;
    phys->scan.alias = node->scan.alias;
    phys->scan.table_id = node->scan.table->id;
    phys->scan.is_view = node->scan.table->schema->kind == TABLE_MATERIALIZED_VIEW;
    phys->scan.limit = -1;
    phys->scan.total_rows = table_row_count(node->scan.table);
    phys->scan.scan_column_count = read.column_count;
    phys->scan.scan_columns = ARENA_NEW_ARRAY(context->arena, PhysScanColumn, MAX(read.column_count, 1u));
    for (uint32_t i = 0; i < read.column_count; i++) {
        if (ordinals[i] == schema->column_count) {
            phys->scan.scan_columns[i] = (PhysScanColumn){PHYS_ROW_LOCATION, type_of(TYPE_BIGINT), NULL, read.columns[i].name};
            continue;
        }
        const TableColumn *column = &schema->columns[ordinals[i]];
        phys->scan.scan_columns[i] =
            (PhysScanColumn){column->unique_id, column->type, missing_value(context, column), column->name};
    }
    TRY(slot_list(context, &read, NULL, node->scan.conjuncts, node->scan.conjunct_count, &phys->scan.conjuncts));
    phys->scan.conjunct_count = node->scan.conjunct_count;
    collect_segments(context, node, phys);
    node->phys = phys;
    *out = phys;
    return OK;
}

Status scan_selects_any(PlanContext *context, const LogicalNode *scan, const ConjunctList *conjuncts, bool *out)
{
    LogicalNode tried = *scan;
    PhysNode *phys;
    IdSet own = idset_new(context);
    idset_add_columns(context, &own, scan);
    tried.scan.conjuncts = ARENA_NEW_ARRAY(context->arena, Expr *, conjuncts->count + 1);
    tried.scan.conjunct_count = 0;
    for (uint32_t i = 0; i < conjuncts->count; i++) {
        if (idset_covers(&own, conjuncts->items[i]))
            tried.scan.conjuncts[tried.scan.conjunct_count++] = expr_clone(context->arena, conjuncts->items[i]);
    }
    TRY(build_scan(context, &tried, &phys));
    *out = phys->scan.partitions_selected > 0;
    return OK;
}

/* ---- joins ---- */

/* The scan below that yields a column unchanged, through filters, projections and probe sides. */
static LogicalNode *find_scan(LogicalNode *node, ColumnId id, ColumnId *out_id)
{
    *out_id = id;
    switch ((LogicalKind)node->kind) {
    case LOGICAL_SCAN:
        return produces(node, id) ? node : NULL;
    case LOGICAL_FILTER:
        return find_scan(node->children[0], id, out_id);
    case LOGICAL_PROJECT:
        for (uint32_t i = 0; i < node->column_count; i++) {
            if (node->columns[i].id == id)
                return node->project.exprs[i]->kind == EXPR_COLUMN
                           ? find_scan(node->children[0], node->project.exprs[i]->column.id, out_id)
                           : NULL;
        }
        return NULL;
    case LOGICAL_JOIN: {
        JoinKind kind = (JoinKind)node->join.kind;
        bool left = kind == JOIN_INNER || kind == JOIN_CROSS || kind == JOIN_LEFT || kind == JOIN_LEFT_SEMI ||
                    kind == JOIN_LEFT_ANTI || kind == JOIN_NULL_AWARE_LEFT_ANTI || kind == JOIN_LEFT_MARK || kind == JOIN_LEFT_SINGLE ||
                    kind == JOIN_ASOF_INNER || kind == JOIN_ASOF_LEFT;
        bool right = kind == JOIN_INNER || kind == JOIN_CROSS || kind == JOIN_RIGHT || kind == JOIN_RIGHT_SEMI || kind == JOIN_RIGHT_ANTI;
        LogicalNode *found = left ? find_scan(node->children[0], id, out_id) : NULL;
        return found == NULL && right ? find_scan(node->children[1], id, out_id) : found;
    }
    case LOGICAL_AGGREGATE:
        for (uint32_t g = 0; g < node->aggregate.group_count && node->aggregate.sets == NULL; g++) {
            if (node->aggregate.group_ids[g] == id && node->aggregate.groups[g]->kind == EXPR_COLUMN)
                return find_scan(node->children[0], node->aggregate.groups[g]->column.id, out_id);
        }
        return NULL;
    default:
        return NULL;
    }
}

static void add_runtime_filter(PlanContext *context, PhysNode *join, LogicalNode *probe, uint32_t key, const Expr *probe_key)
{
    ColumnId id;
    if (probe_key->kind != EXPR_COLUMN)
        return;
    LogicalNode *scan = find_scan(probe, probe_key->column.id, &id);
    if (scan == NULL || scan->phys == NULL)
        return;
    PhysNode *target = scan->phys;
    uint32_t slot = UINT32_MAX;
    for (uint32_t i = 0; i < scan->column_count; i++) {
        if (scan->columns[i].id == id)
            slot = i;
    }
    if (slot == UINT32_MAX)
        return;
    PhysRuntimeFilter *filters = ARENA_NEW_ARRAY(context->arena, PhysRuntimeFilter, join->join.filter_count + 1);
    memcpy(filters, join->join.filters, join->join.filter_count * sizeof(*filters));
    filters[join->join.filter_count++] = (PhysRuntimeFilter){++context->next_filter_id, key, join->join.null_safe[key]};
    join->join.filters = filters;
    PhysFilterTarget *targets = ARENA_NEW_ARRAY(context->arena, PhysFilterTarget, target->scan.filter_count + 1);
    memcpy(targets, target->scan.filters, target->scan.filter_count * sizeof(*targets));
    targets[target->scan.filter_count++] = (PhysFilterTarget){context->next_filter_id, slot};
    target->scan.filters = targets;
}

static PhysJoinKind phys_join_kind(JoinKind kind)
{
    switch (kind) {
    case JOIN_INNER:
    case JOIN_CROSS:
        return PHYS_JOIN_INNER;
    case JOIN_LEFT:
        return PHYS_JOIN_LEFT;
    case JOIN_RIGHT:
        return PHYS_JOIN_RIGHT;
    case JOIN_FULL:
        return PHYS_JOIN_FULL;
    case JOIN_LEFT_SEMI:
        return PHYS_JOIN_LEFT_SEMI;
    case JOIN_LEFT_ANTI:
        return PHYS_JOIN_LEFT_ANTI;
    case JOIN_RIGHT_SEMI:
        return PHYS_JOIN_RIGHT_SEMI;
    case JOIN_RIGHT_ANTI:
        return PHYS_JOIN_RIGHT_ANTI;
    case JOIN_NULL_AWARE_LEFT_ANTI:
        return PHYS_JOIN_NULL_AWARE_ANTI;
    case JOIN_LEFT_MARK:
        return PHYS_JOIN_LEFT_MARK;
    case JOIN_LEFT_SINGLE:
        return PHYS_JOIN_LEFT_SINGLE;
    case JOIN_ASOF_INNER:
        return PHYS_JOIN_ASOF_INNER;
    case JOIN_ASOF_LEFT:
        return PHYS_JOIN_ASOF_LEFT;
    }
    UNREACHABLE();
}

/* The smaller input becomes the build (right) side where the kind has a mirror image. */
static void choose_build_side(LogicalNode *node)
{
    static const struct {
        JoinKind from, to;
    } mirrors[] = {{JOIN_INNER, JOIN_INNER},           {JOIN_CROSS, JOIN_CROSS},         {JOIN_LEFT, JOIN_RIGHT},
                   {JOIN_RIGHT, JOIN_LEFT},            {JOIN_FULL, JOIN_FULL},           {JOIN_LEFT_SEMI, JOIN_RIGHT_SEMI},
                   {JOIN_LEFT_ANTI, JOIN_RIGHT_ANTI}, {JOIN_RIGHT_SEMI, JOIN_LEFT_SEMI}, {JOIN_RIGHT_ANTI, JOIN_LEFT_ANTI}};
    double left = node->children[0]->estimated_rows;
    double right = node->children[1]->estimated_rows;
    if (left >= right)
        return;
    for (size_t i = 0; i < COUNT_OF(mirrors); i++) {
        bool small_gain = mirrors[i].from != JOIN_INNER && mirrors[i].from != JOIN_CROSS && left * 1.5 > right;
        if (node->join.kind != mirrors[i].from || small_gain)
            continue;
        node->join.kind = (uint8_t)mirrors[i].to;
        LogicalNode *swap = node->children[0];
        node->children[0] = node->children[1];
        node->children[1] = swap;
        return;
    }
}

static Status join_outputs(PlanContext *context, const LogicalNode *node, PhysNode *phys)
{
    const LogicalNode *left = node->children[0];
    const LogicalNode *right = node->children[1];
    phys->join.outputs = ARENA_NEW_ARRAY(context->arena, uint32_t, MAX(node->column_count, 1u));
    for (uint32_t i = 0; i < node->column_count; i++) {
        uint32_t slot = UINT32_MAX;
        for (uint32_t j = 0; j < left->column_count && slot == UINT32_MAX; j++)
            slot = left->columns[j].id == node->columns[i].id ? j : slot;
        for (uint32_t j = 0; j < right->column_count && slot == UINT32_MAX; j++)
            slot = right->columns[j].id == node->columns[i].id ? left->column_count + j : slot;
        if (slot == UINT32_MAX && node->join.kind == JOIN_LEFT_MARK && node->columns[i].id == node->join.mark)
            slot = left->column_count + right->column_count;
        if (slot == UINT32_MAX)
            return RAISE(context->diag, INTERNAL, "join output column %u is not available", node->columns[i].id);
        phys->join.outputs[i] = slot;
    }
    return OK;
}

static Status add_key(PlanContext *context, LogicalNode *node, PhysNode *phys, Expr *left, Expr *right, bool null_safe)
{
    uint32_t k = phys->join.key_count++;
    TRY(slots(context, node->children[0], NULL, left, &phys->join.left_keys[k]));
    TRY(slots(context, node->children[1], NULL, right, &phys->join.right_keys[k]));
    phys->join.null_safe[k] = null_safe;
    return OK;
}

/* The sides of the inequality stand behind the keys. Rewriting leaves both kinds of condition between the sides. */
static Status add_asof(PlanContext *context, LogicalNode *node, PhysNode *phys, Expr *const asof[2])
{
    if (asof[0] == NULL || phys->join.key_count == 0)
        return RAISE(context->diag, INTERNAL, "an ASOF JOIN has lost its conditions");
    TRY(slots(context, node->children[0], NULL, asof[0], &phys->join.left_keys[phys->join.key_count]));
    return slots(context, node->children[1], NULL, asof[1], &phys->join.right_keys[phys->join.key_count]);
}

static Status build_join(PlanContext *context, LogicalNode *node, PhysNode **out)
{
    choose_build_side(node);
    PhysNode *left;
    PhysNode *right;
    TRY(build_physical(context, node->children[0], &left));
    TRY(build_physical(context, node->children[1], &right));
    PhysNode *phys = new_phys(context, PHYS_NODE_HASH_JOIN, node, left);
    phys->children[1] = right;
    phys->child_count = 2;
    phys->join.kind = (uint8_t)phys_join_kind((JoinKind)node->join.kind);
    IdSet left_ids = idset_new(context);
    IdSet right_ids = idset_new(context);
    idset_add_columns(context, &left_ids, node->children[0]);
    idset_add_columns(context, &right_ids, node->children[1]);
    uint32_t room = node->join.count + 1;
    Expr *asof[2] = {NULL, NULL};
    bool is_asof = node->join.kind == JOIN_ASOF_INNER || node->join.kind == JOIN_ASOF_LEFT;
    phys->join.left_keys = ARENA_NEW_ARRAY(context->arena, Expr *, room);
    phys->join.right_keys = ARENA_NEW_ARRAY(context->arena, Expr *, room);
    phys->join.null_safe = ARENA_NEW_ARRAY(context->arena, bool, room);
    phys->join.residual = ARENA_NEW_ARRAY(context->arena, Expr *, room);
    const Expr **probe_keys = ARENA_NEW_ARRAY(context->arena, const Expr *, room);
    bool null_decides = node->join.in_count > 0 &&
                        (node->join.kind == JOIN_NULL_AWARE_LEFT_ANTI || node->join.kind == JOIN_LEFT_MARK);
    bool in_may_be_key = null_decides && node->join.in_count == 1 && node->join.count == 1;
    for (uint32_t i = 0; i < node->join.count; i++) {
        Expr *l;
        Expr *r;
        bool null_safe;
        /* NULLs of an IN comparison decide only as the one key; beside others it is a residual. */
        bool is_in = null_decides && i < node->join.in_count;
        bool may_be_key = !is_in || in_may_be_key;
        if (may_be_key && is_equi(node->join.conjuncts[i], &left_ids, &right_ids, &l, &r, &null_safe)) {
            probe_keys[phys->join.key_count] = l;
            TRY(add_key(context, node, phys, l, r, null_safe));
            phys->join.in_is_key |= is_in;
            continue;
        }
        PhysAsof inequality;
        if (is_asof && asof[0] == NULL && is_inequality(node->join.conjuncts[i], &left_ids, &right_ids, &l, &r, &inequality)) {
            phys->join.asof = (uint8_t)inequality;
            asof[0] = l;
            asof[1] = r;
            continue;
        }
        phys->join.in_residual_count += is_in;
        TRY(slots(context, node->children[0], node->children[1], node->join.conjuncts[i],
                  &phys->join.residual[phys->join.residual_count++]));
    }
    if (is_asof)
        TRY(add_asof(context, node, phys, asof));
    if (phys->join.key_count == 0)
        phys->kind = PHYS_NODE_NESTED_LOOP_JOIN;
    TRY(join_outputs(context, node, phys));
    bool filters = node->join.kind == JOIN_INNER || node->join.kind == JOIN_LEFT_SEMI || node->join.kind == JOIN_RIGHT ||
                   node->join.kind == JOIN_RIGHT_SEMI || node->join.kind == JOIN_RIGHT_ANTI || node->join.kind == JOIN_ASOF_INNER;
    for (uint32_t k = 0; filters && k < phys->join.key_count; k++)
        add_runtime_filter(context, phys, node->children[0], k, probe_keys[k]);
    *out = phys;
    return OK;
}

/* ---- aggregate, window, sets ---- */

static Status build_aggregate(PlanContext *context, LogicalNode *node, PhysNode **out)
{
    PhysNode *child;
    LogicalNode *input = node->children[0];
    TRY(build_physical(context, input, &child));
    PhysNode *phys = new_phys(context, PHYS_NODE_AGGREGATE, node, child);
    TRY(slot_list(context, input, NULL, node->aggregate.groups, node->aggregate.group_count, &phys->aggregate.groups));
    phys->aggregate.group_count = node->aggregate.group_count;
    phys->aggregate.call_count = node->aggregate.call_count;
    phys->aggregate.calls = ARENA_NEW_ARRAY(context->arena, PhysAggCall, MAX(node->aggregate.call_count, 1u));
    for (uint32_t i = 0; i < node->aggregate.call_count; i++) {
        const AggCall *call = &node->aggregate.calls[i];
        PhysAggCall *target = &phys->aggregate.calls[i];
        target->binding = call->binding;
        target->argument_count = call->argument_count;
        target->is_distinct = call->is_distinct;
        TRY(slot_list(context, input, NULL, call->arguments, call->argument_count, &target->arguments));
        TRY(narrow_aggregate(context, target));
        if (call->filter != NULL)
            TRY(slots(context, input, NULL, call->filter, &target->filter));
        TRY(slot_keys(context, input, call->order, call->order_count, &target->order));
        target->order_count = call->order_count;
    }
    phys->aggregate.sets = node->aggregate.sets;
    phys->aggregate.set_count = node->aggregate.set_count;
    phys->aggregate.grouping_masks = node->aggregate.grouping_masks;
    phys->aggregate.grouping_count = node->aggregate.grouping_count;
    phys->aggregate.estimated_groups = node->estimated_rows;
    *out = phys;
    return OK;
}

static Status build_window(PlanContext *context, LogicalNode *node, PhysNode **out)
{
    PhysNode *child;
    LogicalNode *input = node->children[0];
    TRY(build_physical(context, input, &child));
    PhysNode *phys = new_phys(context, PHYS_NODE_WINDOW, node, child);
    TRY(slot_list(context, input, NULL, node->window.partition, node->window.partition_count, &phys->window.partition));
    phys->window.partition_count = node->window.partition_count;
    TRY(slot_keys(context, input, node->window.order, node->window.order_count, &phys->window.order));
    phys->window.order_count = node->window.order_count;
    phys->window.call_count = node->window.call_count;
    phys->window.calls = ARENA_NEW_ARRAY(context->arena, PhysWindowCall, MAX(node->window.call_count, 1u));
    for (uint32_t i = 0; i < node->window.call_count; i++) {
        const WindowCall *call = &node->window.calls[i];
        PhysWindowCall *target = &phys->window.calls[i];
        *target = (PhysWindowCall){.binding = call->binding, .argument_count = call->argument_count,
                                   .is_distinct = call->is_distinct, .ignore_nulls = call->ignore_nulls,
                                   .frame_is_rows = call->frame.is_rows, .frame_start = call->frame.start,
                                   .frame_end = call->frame.end, .start_offset = call->frame.start_offset,
                                   .end_offset = call->frame.end_offset};
        TRY(slot_list(context, input, NULL, call->arguments, call->argument_count, &target->arguments));
    }
    *out = phys;
    return OK;
}

/* Child c with the columns of the set operation. */
static Status project_inputs(PlanContext *context, const LogicalNode *set, const ColumnId *inputs, uint32_t c, PhysNode *child,
                             PhysNode **out)
{
    const LogicalNode *input = set->children[c];
    PhysNode *phys = new_phys(context, PHYS_NODE_PROJECT, set, child);
    phys->project.exprs = ARENA_NEW_ARRAY(context->arena, Expr *, MAX(set->column_count, 1u));
    for (uint32_t i = 0; i < set->column_count; i++) {
        Expr *column = expr_column(context->arena, inputs[i], set->columns[i].type, set->columns[i].is_nullable,
                                   set->columns[i].name);
        TRY(slots(context, input, NULL, column, &phys->project.exprs[i]));
    }
    phys->estimated_rows = input->estimated_rows;
    *out = phys;
    return OK;
}

static PhysNode *distinct_phys(PlanContext *context, const LogicalNode *logical, PhysNode *child)
{
    PhysNode *phys = new_phys(context, PHYS_NODE_AGGREGATE, logical, child);
    phys->aggregate.group_count = logical->column_count;
    phys->aggregate.groups = ARENA_NEW_ARRAY(context->arena, Expr *, MAX(logical->column_count, 1u));
    for (uint32_t i = 0; i < logical->column_count; i++) {
        phys->aggregate.groups[i] = column_expr(context, &logical->columns[i]);
        phys->aggregate.groups[i]->column.slot = i;
    }
    phys->aggregate.estimated_groups = logical->estimated_rows;
    return phys;
}

/* INTERSECT and EXCEPT: distinct left rows that have, or have not, an equal row on the right. */
static Status build_set(PlanContext *context, LogicalNode *node, PhysNode **out)
{
    PhysNode *sides[2];
    for (uint32_t c = 0; c < 2; c++) {
        PhysNode *child;
        TRY(build_physical(context, node->children[c], &child));
        TRY(project_inputs(context, node, node->set.inputs[c], c, child, &sides[c]));
    }
    if (node->set.kind == SET_UNION_ALL) {
        PhysNode *phys = new_phys(context, PHYS_NODE_UNION_ALL, node, sides[0]);
        phys->children[1] = sides[1];
        phys->child_count = 2;
        *out = phys;
        return OK;
    }
    PhysNode *join = new_phys(context, PHYS_NODE_HASH_JOIN, node, distinct_phys(context, node, sides[0]));
    join->children[1] = sides[1];
    join->child_count = 2;
    join->join.kind = node->set.kind == SET_INTERSECT ? PHYS_JOIN_LEFT_SEMI : PHYS_JOIN_LEFT_ANTI;
    join->join.key_count = node->column_count;
    join->join.left_keys = ARENA_NEW_ARRAY(context->arena, Expr *, MAX(node->column_count, 1u));
    join->join.right_keys = ARENA_NEW_ARRAY(context->arena, Expr *, MAX(node->column_count, 1u));
    join->join.null_safe = ARENA_NEW_ARRAY(context->arena, bool, MAX(node->column_count, 1u));
    join->join.outputs = ARENA_NEW_ARRAY(context->arena, uint32_t, MAX(node->column_count, 1u));
    for (uint32_t i = 0; i < node->column_count; i++) {
        join->join.left_keys[i] = column_expr(context, &node->columns[i]);
        join->join.left_keys[i]->column.slot = i;
        join->join.right_keys[i] = expr_clone(context->arena, join->join.left_keys[i]);
        join->join.null_safe[i] = true;
        join->join.outputs[i] = i;
    }
    *out = join;
    return OK;
}

static Status build_recursive(PlanContext *context, LogicalNode *node, PhysNode **out)
{
    const Recursion *recursion = node->recursive.recursion;
    PhysNode *phys = new_phys(context, PHYS_NODE_RECURSIVE, node, NULL);
    phys->child_count = 2;
    for (uint32_t c = 0; c < 2; c++) {
        PhysNode *child;
        TRY(build_physical(context, node->children[c], &child));
        TRY(project_inputs(context, node, node->recursive.inputs[c], c, child, &phys->children[c]));
    }
    phys->recursive.cte_id = recursion->id;
    phys->recursive.name = recursion->name;
    phys->recursive.is_distinct = node->recursive.is_distinct;
    phys->recursive.max_levels = recursion->max_levels;
    phys->recursive.raises = recursion->raises;
    context->max_recursion_id = MAX(context->max_recursion_id, recursion->id);
    *out = phys;
    return OK;
}

static PhysNode *build_working_table(PlanContext *context, const LogicalNode *node)
{
    PhysNode *phys = new_phys(context, PHYS_NODE_CTE_SCAN, node, NULL);
    phys->cte_scan.cte_id = node->working_table.recursion->id;
    phys->cte_scan.outputs = node->working_table.ordinals;
    return phys;
}

static Status build_table_function(PlanContext *context, LogicalNode *node, PhysNode **out)
{
    PhysNode *child;
    LogicalNode *input = node->children[0];
    TRY(build_physical(context, input, &child));
    PhysNode *phys = new_phys(context, PHYS_NODE_TABLE_FUNCTION, node, child);
    phys->table_function.binding = node->table_function.binding;
    phys->table_function.is_outer = node->table_function.is_outer;
    phys->table_function.argument_count = node->table_function.argument_count;
    TRY(slot_list(context, input, NULL, node->table_function.arguments, node->table_function.argument_count,
                  &phys->table_function.arguments));
    phys->table_function.passed_count = node->table_function.first_output;
    phys->table_function.outputs = ARENA_NEW_ARRAY(context->arena, uint32_t, MAX(node->table_function.first_output, 1u));
    for (uint32_t i = 0; i < node->table_function.first_output; i++) {
        for (uint32_t j = 0; j < input->column_count; j++) {
            if (input->columns[j].id == node->columns[i].id)
                phys->table_function.outputs[i] = j;
        }
    }
    *out = phys;
    return OK;
}

/* A CTE is planned in place at each use, over a fresh copy of nothing: its columns are renamed by a projection. */
static Status build_cte_ref(PlanContext *context, LogicalNode *node, PhysNode **out)
{
    PhysNode *phys = new_phys(context, PHYS_NODE_CTE_SCAN, node, NULL);
    const BoundQuery *query = node->cte_ref.cte->query;
    phys->cte_scan.cte_id = node->cte_ref.cte->id;
    phys->cte_scan.outputs = ARENA_NEW_ARRAY(context->arena, uint32_t, MAX(node->column_count, 1u));
    for (uint32_t i = 0; i < node->column_count; i++) {
        for (uint32_t j = 0; j < query->root->column_count; j++) {
            if (query->root->columns[j].id == node->cte_ref.inputs[i])
                phys->cte_scan.outputs[i] = j;
        }
    }
    *out = phys;
    return OK;
}

static Status build_values(PlanContext *context, LogicalNode *node, PhysNode **out)
{
    PhysNode *phys = new_phys(context, PHYS_NODE_VALUES, node, NULL);
    phys->values.rows = node->values.rows;
    phys->values.row_count = node->values.row_count;
    *out = phys;
    return OK;
}

static Status build_unary(PlanContext *context, LogicalNode *node, PhysNode **out)
{
    PhysNode *child;
    LogicalNode *input = node->children[0];
    /* LIMIT over SORT is a top-N. */
    if (node->kind == LOGICAL_LIMIT && input->kind == LOGICAL_SORT && input->sort.limit < 0 && node->limit.limit >= 0) {
        input->sort.limit = node->limit.limit;
        input->sort.offset = node->limit.offset;
        input->estimated_rows = node->estimated_rows;
        return build_physical(context, input, out);
    }
    TRY(build_physical(context, input, &child));
    PhysNode *phys;
    switch ((LogicalKind)node->kind) {
    case LOGICAL_FILTER:
        phys = new_phys(context, PHYS_NODE_FILTER, node, child);
        phys->filter.count = node->filter.count;
        TRY(slot_list(context, input, NULL, node->filter.conjuncts, node->filter.count, &phys->filter.conjuncts));
        break;
    case LOGICAL_PROJECT:
        phys = new_phys(context, PHYS_NODE_PROJECT, node, child);
        TRY(slot_list(context, input, NULL, node->project.exprs, node->column_count, &phys->project.exprs));
        for (uint32_t i = 0; i < node->column_count; i++)
            TRY(narrow_expr(context, &phys->project.exprs[i]));
        break;
    case LOGICAL_SORT:
        phys = new_phys(context, PHYS_NODE_SORT, node, child);
        phys->sort.count = node->sort.count;
        phys->sort.limit = node->sort.limit;
        phys->sort.offset = node->sort.offset;
        TRY(slot_keys(context, input, node->sort.keys, node->sort.count, &phys->sort.keys));
        break;
    case LOGICAL_LIMIT:
        phys = new_phys(context, PHYS_NODE_LIMIT, node, child);
        phys->limit.limit = node->limit.limit;
        phys->limit.offset = node->limit.offset;
        break;
    default:
        phys = new_phys(context, PHYS_NODE_ASSERT_ONE_ROW, node, child);
        break;
    }
    *out = phys;
    return OK;
}

static Status build_system_scan(PlanContext *context, LogicalNode *node, PhysNode **out)
{
    PhysNode *phys = new_phys(context, PHYS_NODE_SYSTEM_SCAN, node, NULL);
    phys->system_scan.table = node->system_scan.table;
    phys->system_scan.ordinals = node->system_scan.ordinals;
    *out = phys;
    if (node->system_scan.table->open_scan == NULL)
        return OK;
    phys->system_scan.conjunct_count = node->system_scan.conjunct_count;
    return slot_list(context, node, NULL, node->system_scan.conjuncts, node->system_scan.conjunct_count, &phys->system_scan.conjuncts);
}

Status build_physical(PlanContext *context, LogicalNode *node, PhysNode **out)
{
    switch ((LogicalKind)node->kind) {
    case LOGICAL_SCAN:
        return build_scan(context, node, out);
    case LOGICAL_SYSTEM_SCAN:
        return build_system_scan(context, node, out);
    case LOGICAL_VALUES:
        return build_values(context, node, out);
    case LOGICAL_JOIN:
        return build_join(context, node, out);
    case LOGICAL_AGGREGATE:
        return build_aggregate(context, node, out);
    case LOGICAL_WINDOW:
        return build_window(context, node, out);
    case LOGICAL_SET:
        return build_set(context, node, out);
    case LOGICAL_TABLE_FUNCTION:
        return build_table_function(context, node, out);
    case LOGICAL_CTE_REF:
        return build_cte_ref(context, node, out);
    case LOGICAL_RECURSIVE:
        return build_recursive(context, node, out);
    case LOGICAL_WORKING_TABLE:
        *out = build_working_table(context, node);
        return OK;
    case LOGICAL_EMPTY:
        *out = new_phys(context, PHYS_NODE_EMPTY, node, NULL);
        return OK;
    case LOGICAL_PROJECT:
    case LOGICAL_FILTER:
    case LOGICAL_SORT:
    case LOGICAL_LIMIT:
    case LOGICAL_ASSERT_ONE_ROW:
        return build_unary(context, node, out);
    }
    UNREACHABLE();
}
