#pragma once
/* Which partitions a view should have, and which base partitions feed each: cells.
 *
 * Every partition of a main scan has an image among the values of the view's partition columns: a range, or value rows. Cells
 * are the disjoint parts that the images make: equal images are one cell, ranges that overlap are cut where one of them
 * begins or ends, lists that overlap are taken apart into single values. A base partition feeds every cell that its image
 * meets, n:m. Since the version map keeps what each partition of the view was computed from, one of two
 * that share a base partition can be refreshed without the other. */

#include "mv/lineage.h"

typedef struct MvInput {
    uint32_t table; /* in MvCells.tables */
    const CatalogPartition *partition;
} MvInput;

typedef struct MvCell {
    StrView name;
    bool has_low, has_high;
    Datum low, high;
    Datum *values;
    uint32_t value_rows;
    const CatalogPartition *existing; /* the view's; NULL: none yet */
    bool has_rows; /* a base partition that it comes from has some */
    ARRAY_OF(MvInput) inputs; /* of tables whose every scan is a reference scan; by table, then id */
} MvCell;

typedef struct MvTable {
    const CatalogDatabase *database;
    const CatalogTable *table;
    bool is_ref; /* all of its scans are: else every cell depends on all partitions */
} MvTable;

typedef struct MvCells {
    MvTable *tables; /* what the query reads */
    uint32_t table_count;
    MvCell *items; /* ranges in their order */
    uint32_t count;
    const CatalogPartition **vanished; /* partitions of the view that no cell is */
    uint32_t vanished_count;
} MvCells;

/* view_table: with the schema and the partitions of the view. */
uint64_t mv_live_rows(const CatalogPartition *partition);
Status mv_make_cells(const MvBoundView *view, const CatalogTable *view_table, MvCells *out);
/* The base partitions that the scan reads for the chosen cells. out_all_inside: none of them feeds another cell. */
Status mv_select_partitions(const MvBoundView *view, const MvScan *scan, const MvCells *cells, const uint8_t *chosen, const TableSchema *schema,
                            uint64_t **out_ids, uint32_t *out_count, bool *out_all_inside);
