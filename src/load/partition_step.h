#pragma once
/* Partitions that follow a rule: date_trunc('day', dt), time_slice(dt, INTERVAL 7 DAY), EVERY (INTERVAL ..),
 * and the names that partitions get from their values. */

#include "meta/catalog.h"
#include "sql/ast.h"

typedef enum StepUnit { STEP_NONE, STEP_NUMBER, STEP_SECOND, STEP_MINUTE, STEP_HOUR, STEP_DAY, STEP_WEEK, STEP_MONTH, STEP_QUARTER, STEP_YEAR } StepUnit;

typedef struct PartitionStep {
    StepUnit unit;
    int64_t count;
    bool is_slice; /* counted from 0001-01-01, not the calendar's start of the unit */
} PartitionStep;

/* False: the word is no unit of partitions. */
bool step_unit_parse(StrView word, StepUnit *out);
/* The expression of a partition column: STEP_NONE for a plain column, and for any other expression, for which
 * *out_column is empty. Else out_column is the name of its column. */
Status partition_expr_parse(const AstExpr *expr, Diag *diag, PartitionStep *out_step, StrView *out_column);
/* Start of the partition that value (not NULL) lies in, and start of the one behind it. */
Datum step_floor(const PartitionStep *step, Type type, Datum value);
Datum step_next(const PartitionStep *step, Type type, Datum start);
/* p20240131, p202401, ... for the partition that begins at start. */
void step_name(const PartitionStep *step, Type type, Datum start, ByteBuf *out);
/* p<value>_<value>: values of a LIST partition that is made for a row. */
void list_partition_name(const TableSchema *schema, const Datum *values, ByteBuf *out);
