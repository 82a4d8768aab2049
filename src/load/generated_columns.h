#pragma once
/* The generated columns of rows that are loaded: computed from the others. */

#include "expr/expr.h"
#include "meta/catalog.h"

typedef struct GeneratedColumns {
    Expr **exprs;      /* slot = column of the table */
    uint32_t *columns; /* which each is */
    uint32_t count;
    const FuncSession *session;
} GeneratedColumns;

/* Computes them for rows whose other columns have become known. columns: all of the table, flat, with their bytes in arena. */
Status generated_columns_fill(const GeneratedColumns *generated, const TableSchema *schema, Vector *columns, uint32_t row_count, Arena *arena,
                              Diag *diag);
