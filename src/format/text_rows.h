#pragma once
/* Rows of text fields, as the CSV and JSON readers make them, and their way into typed vectors.
 *
 * Fields lie column by column, so that conversion runs over one type at a time. Offsets are relative
 * to base, which belongs to the reader or to its block and outlives the vectors made from it. */

#include "vector/vector.h"

enum { TEXT_NULL = UINT32_MAX }; /* as the length of a field: NULL */

typedef struct TextField {
    uint32_t offset;
    uint32_t length;
} TextField;

typedef struct TextRows {
    const char *base;
    uint32_t column_count;
    uint32_t row_count;
    bool takes_fractions; /* as JSON numbers do, 1.5 and 1e3 become integers: 1 and 1000 */
    TextField *fields; /* [column * CHUNK_ROWS + row]; TEXT_NULL where the row had too few */
    TextField *rows;   /* the text of the whole row */
    uint32_t *lines;   /* which row of the block it is, counted with the blank ones that are passed over */
    uint32_t *found;   /* fields that the row had; the caller rejects those that differ from its count */
} TextRows;

void text_rows_init(TextRows *rows, Arena *arena, uint32_t column_count);

enum { TEXT_BAD_VALUE = 1, TEXT_TOO_LONG = 2 };

/* Converts row_count fields of one column into out (reset; of the wanted type). Rows that hold no value
 * of the type become NULL and get a TEXT_* code in failed. Strings refer to base; what must be built
 * goes to arena. */
void text_column_parse(const TextRows *rows, uint32_t column, Arena *arena, Vector *out, uint8_t *failed);
