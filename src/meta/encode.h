#pragma once
/* Stored form of catalog parts; only for src/meta. Readers copy everything into the arena. */

#include "base/format_level.h"
#include "meta/change.h"

void encode_view(ByteBuf *out, StrView text);
StrView decode_view(ByteReader *reader, Arena *arena); /* NUL behind the bytes */
void encode_schema(ByteBuf *out, const TableSchema *schema);
Status decode_schema(ByteReader *reader, Diag *diag, TableSchema **out_schema);
void encode_partition(ByteBuf *out, const TableSchema *schema, const CatalogPartition *partition);
Status decode_partition(ByteReader *reader, const TableSchema *schema, Diag *diag, CatalogPartition **out_partition);
/* before: the one in front of it in the same list, whose object it may share; NULL: there is none. */
void encode_segment(ByteBuf *out, const SegmentRef *segment, const SegmentRef *before);
void decode_segment(ByteReader *reader, Arena *arena, const SegmentRef *before, SegmentRef *out_segment);
void encode_deletes(ByteBuf *out, const DeleteVectorRef *deletes);
const DeleteVectorRef *decode_deletes(ByteReader *reader, Arena *arena);
