#pragma once
/* Rows as CSV text: NULL is \N, true and false are words; with an enclosing character all other values are enclosed, and it and the
 * escape character are escaped (without one the enclosing character is doubled). */

#include "format/csv.h"
#include "vector/vector.h"

void csv_write_header(const CsvOptions *options, const StrView *names, uint32_t count, ByteBuf *out);
void csv_write_rows(const CsvOptions *options, const Vector *const *columns, uint32_t count, Rows rows, Arena *scratch, ByteBuf *out);
