#pragma once
/* Batches of rows as bytes, for memory that goes to disk and comes back in the same process.
 *
 * A batch is self-contained: row count, then each column with its nulls and values. Types are not in
 * it, the reader knows them. Batches follow each other in a buffer; the reader may append several to
 * one chunk. Reading checks every length, so that damaged bytes give CORRUPT. Not a stored format:
 * integers are in the byte order of the machine. */

#include "vector/vector.h"

/* Appends the selected rows. */
void wire_write(const Vector *const *columns, uint32_t count, Rows rows, ByteBuf *out);
/* Rows of the batch at the reader's position, 0 at the end. */
uint32_t wire_peek_rows(const ByteReader *reader);
/* Appends the batch's rows to out, whose vectors have own buffers with room for them. Long strings
 * point into the reader's bytes; nested values are made in heap. */
Status wire_read(ByteReader *reader, Chunk *out, Arena *heap, Diag *diag);
