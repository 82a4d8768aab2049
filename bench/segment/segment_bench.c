/* Sizes and decode rates of a volume's segments, column by column.
 *
 *   merak-segments DATA_DIR [TABLE ...]
 *
 * Reads the metadata of a data directory whose server is stopped, then decodes every page of every
 * column several times. A rate is plain bytes (values, or characters and string references) a second of
 * one thread. Nothing is written but the volume's start probe. */

#include <stdio.h>

#include "base/environment.h"
#include "format/segment.h"
#include "meta/store.h"

enum { ROUNDS = 3, PATH_BYTES = 1024 };

typedef struct ColumnTotals {
    uint64_t stored_bytes, plain_bytes, rows, pages;
    int64_t best_us;
    uint32_t encodings[SEGMENT_ENCODINGS];
} ColumnTotals;

static uint64_t plain_bytes_of(const Vector *vector, uint32_t rows)
{
    uint64_t bytes = (uint64_t)rows * phys_width(vector->type.phys);
    if (vector->type.phys != PHYS_STR || vector->form != VECTOR_FLAT)
        return bytes;
    for (uint32_t i = 0; i < rows; i++)
        bytes += ((const Str *)vector->data)[i].length;
    return bytes;
}

static Status measure_column(Segment *segment, const TableColumn *column, Arena *arena, Diag *diag, ColumnTotals *totals)
{
    int position = segment_find_column(segment, column->unique_id);
    int64_t best = INT64_MAX;
    if (position < 0)
        return OK;
    for (int round = 0; round < ROUNDS; round++) {
        int64_t start = env_monotonic_us(environment_real());
        for (uint32_t page = 0; page < segment_page_count(segment); page++) {
            Vector out;
            arena_reset(arena);
            TRY(segment_read(segment, page, position, column->type, arena, diag, &out));
        }
        int64_t end = env_monotonic_us(environment_real());
        best = MIN(best, end - start);
    }
    for (uint32_t page = 0; page < segment_page_count(segment); page++) {
        Vector out;
        arena_reset(arena);
        TRY(segment_read(segment, page, position, column->type, arena, diag, &out));
        totals->plain_bytes += plain_bytes_of(&out, segment_page_rows(segment, page));
        totals->stored_bytes += segment_page_bytes(segment, page, position);
        totals->rows += segment_page_rows(segment, page);
        totals->encodings[segment_page_encoding(segment, page, position)]++;
        totals->pages++;
    }
    totals->stored_bytes += segment_dictionary_bytes(segment, position);
    totals->best_us += best;
    return OK;
}

static Status measure_table(Volume *volume, const CatalogTable *table, Diag *diag, uint64_t *in_out_bytes)
{
    AUTO_ARENA arena;
    arena_init(&arena, NULL);
    ColumnTotals *totals = mem_alloc_zero(sizeof(ColumnTotals) * table->schema->column_count);
    Status status = OK;
    for (uint32_t p = 0; p < table->partition_count; p++) {
        for (uint32_t t = 0; t < table->partitions[p]->tablet_count; t++) {
            const TabletVersion *tablet = &table->partitions[p]->tablets[t];
            for (uint32_t s = 0; s < tablet->segment_count && status == OK; s++) {
                Segment *segment;
                status = segment_open(volume, &tablet->segments[s], diag, &segment);
                for (uint32_t c = 0; c < table->schema->column_count && status == OK; c++)
                    status = measure_column(segment, &table->schema->columns[c], &arena, diag, &totals[c]);
                if (status == OK)
                    segment_close(segment);
            }
        }
    }
    for (uint32_t c = 0; c < table->schema->column_count; c++) {
        const ColumnTotals *sum = &totals[c];
        *in_out_bytes += sum->stored_bytes;
        printf("%-10.*s %-16.*s %11llu bytes %6.2f bytes/row  x%-5.1f %6.2f GB/s %7.1f ms ", SV_ARGS(table->name),
               SV_ARGS(table->schema->columns[c].name), (unsigned long long)sum->stored_bytes,
               (double)sum->stored_bytes / (double)MAX(sum->rows, 1u),
               (double)sum->plain_bytes / (double)MAX(sum->stored_bytes, 1u),
               (double)sum->plain_bytes / 1e3 / (double)MAX(sum->best_us, 1), (double)sum->best_us / 1e3);
        for (uint32_t e = 0; e < SEGMENT_ENCODINGS; e++) {
            if (sum->encodings[e] > 0)
                printf(" %s:%u", segment_encoding_name(e), sum->encodings[e]);
        }
        printf("\n");
    }
    mem_free(totals);
    return status;
}

static bool is_wanted(const CatalogTable *table, int count, char **names)
{
    for (int i = 0; i < count; i++) {
        if (strview_is(table->name, names[i]))
            return true;
    }
    return count == 0;
}

static Status run(const char *directory, int count, char **names, Diag *diag)
{
    char path[PATH_BYTES];
    Volume *volume;
    MetaStore *store;
    uint64_t bytes = 0;
    snprintf(path, sizeof(path), "%s/volume", directory);
    TRY(volume_open_local(path, environment_real(), diag, &volume));
    TRY(meta_store_open(volume, diag, &store));
    CatalogSnapshot *catalog = meta_snapshot(store);
    Status status = OK;
    for (uint32_t d = 0; d < catalog->database_count; d++) {
        for (uint32_t t = 0; t < catalog_table_count(catalog->databases[d]) && status == OK; t++) {
            const CatalogTable *table = catalog_table_at(catalog->databases[d], t);
            if (is_wanted(table, count, names))
                status = measure_table(volume, table, diag, &bytes);
        }
    }
    printf("total %llu bytes\n", (unsigned long long)bytes);
    catalog_unref(catalog);
    meta_store_close(store);
    volume_close(volume);
    return status;
}

int main(int argc, char **argv)
{
    Diag diag = {0};
    if (argc < 2) {
        fprintf(stderr, "usage: merak-segments DATA_DIR [TABLE ...]\n");
        return 2;
    }
    if (run(argv[1], argc - 2, argv + 2, &diag) == OK)
        return 0;
    fprintf(stderr, "%s\n", diag.message);
    return 1;
}
