#pragma once
/* Arrays, maps and structs from the levels of their leaves. Of the folder. */

#include "format/parquet/parquet_leaf.h"

typedef struct NestedRead {
    const LeafReader *leaves;   /* of the column, in order */
    const LeafBatch *batches;   /* the same */
    uint32_t first_leaf;        /* number of the first in the file */
    Arena *arena;
    Diag *diag;
} NestedRead;

/* rows values of the top-level node into out. */
Status parquet_assemble(const NestedRead *read, const ParquetNode *node, uint32_t rows, Vector *out);
