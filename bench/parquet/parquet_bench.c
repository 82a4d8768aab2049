/* Decodes columns of a Parquet file, and says how long it took.
 *
 *   merak-parquet [--print] FILE [COLUMN ...]
 *
 * No column: all. Row groups are spread over the processors, as a scan does it. Every value is looked at: strings by their length, numbers
 * and codes by being there. --print: the rows instead, tab-separated. bench/parquet/README.md compares. */

#include <fcntl.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/environment.h"
#include "base/parallel.h"
#include "format/parquet/parquet.h"

enum { ROUNDS = 5, MOST_COLUMNS = 64 };

typedef struct Bench {
    ParquetFile *file;
    uint32_t columns[MOST_COLUMNS];
    uint32_t column_count;
    _Atomic uint64_t rows, checksum;
} Bench;

static Status read_range(void *context, uint64_t offset, uint64_t length, void *out, Diag *diag)
{
    int fd = *(const int *)context;
    for (char *at = out; length > 0;) {
        ssize_t got = pread(fd, at, length, (off_t)offset);
        if (got <= 0)
            return RAISE(diag, IO, "cannot read the file");
        at += got;
        offset += (uint64_t)got;
        length -= (uint64_t)got;
    }
    return OK;
}

static uint64_t look_at(const Vector *vector, uint32_t rows)
{
    uint64_t sum = 0;
    if (vector->form == VECTOR_DICTIONARY)
        return vector->codes[rows - 1];
    if (vector->type.phys == PHYS_STR) {
        for (uint32_t i = 0; i < rows; i++)
            sum += ((const Str *)vector->data)[i].length;
    }
    return sum;
}

static Status decode_group(void *context, uint32_t group, Diag *diag)
{
    Bench *bench = context;
    Vector vectors[MOST_COLUMNS];
    ParquetReader *reader;
    uint32_t rows = 0;
    TRY(parquet_reader_open(bench->file, group, bench->columns, bench->column_count, NULL, diag, &reader));
    Status status;
    while ((status = parquet_reader_next(reader, vectors, &rows, diag)) == OK && rows > 0) {
        bench->rows += rows;
        for (uint32_t c = 0; c < bench->column_count; c++)
            bench->checksum += look_at(&vectors[c], rows);
    }
    parquet_reader_close(reader);
    return status;
}

static Status print_rows(const Bench *bench, uint32_t group, Diag *diag)
{
    Vector vectors[MOST_COLUMNS];
    ParquetReader *reader;
    uint32_t rows = 0;
    AUTO_BYTEBUF line = {0};
    AUTO_ARENA arena;
    arena_init(&arena, NULL);
    TRY(parquet_reader_open(bench->file, group, bench->columns, bench->column_count, NULL, diag, &reader));
    Status status;
    while ((status = parquet_reader_next(reader, vectors, &rows, diag)) == OK && rows > 0) {
        for (uint32_t r = 0; r < rows; r++) {
            bytebuf_clear(&line);
            for (uint32_t c = 0; c < bench->column_count; c++) {
                Datum datum = vector_get(&vectors[c], r, &arena);
                bytebuf_append_text(&line, c == 0 ? "" : "\t");
                datum_print(vectors[c].type, &datum, &line);
            }
            puts(line.data == NULL ? "" : line.data);
        }
    }
    parquet_reader_close(reader);
    return status;
}

static void print_schema(const Bench *bench)
{
    AUTO_BYTEBUF text = {0};
    for (uint32_t c = 0; c < bench->column_count; c++) {
        StrView name = parquet_column_name(bench->file, bench->columns[c]);
        bytebuf_printf(&text, "%s%.*s ", c == 0 ? "" : "\t", SV_ARGS(name));
        type_print(parquet_column_type(bench->file, bench->columns[c]), &text);
    }
    puts(text.data);
}

static Status run_all(Bench *bench, bool is_print, Diag *diag)
{
    uint32_t groups = parquet_row_group_count(bench->file);
    if (is_print) {
        print_schema(bench);
        for (uint32_t g = 0; g < groups; g++)
            TRY(print_rows(bench, g, diag));
        return OK;
    }
    int64_t best = INT64_MAX;
    for (int round = 0; round < ROUNDS; round++) {
        int64_t start = env_monotonic_us(environment_real());
        bench->rows = 0;
        TRY(parallel_for(groups, decode_group, bench, diag));
        int64_t taken = env_monotonic_us(environment_real()) - start;
        best = MIN(best, taken);
    }
    printf("%llu rows, %u columns: %.1f ms\n", (unsigned long long)bench->rows, bench->column_count, (double)best / 1000);
    return OK;
}

static void choose_columns(Bench *bench, int count, char **names)
{
    for (uint32_t c = 0; c < parquet_column_count(bench->file) && bench->column_count < MOST_COLUMNS; c++) {
        bool is_wanted = count == 0;
        for (int i = 0; i < count; i++)
            is_wanted |= strview_is(parquet_column_name(bench->file, c), names[i]);
        if (is_wanted)
            bench->columns[bench->column_count++] = c;
    }
}

int main(int argc, char **argv)
{
    static Bench bench;
    Diag diag = {0};
    bool is_print = argc > 1 && strcmp(argv[1], "--print") == 0;
    if (argc < 2 + is_print) {
        fputs("usage: merak-parquet [--print] FILE [COLUMN ...]\n", stderr);
        return 2;
    }
    const char *path = argv[1 + is_print];
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    struct stat info = {0};
    if (fd < 0 || fstat(fd, &info) != 0) {
        perror(path);
        return 1;
    }
    mem_keep_freed();
    ParquetSource source = {path, (uint64_t)info.st_size, &fd, read_range};
    Status status = parquet_open(&source, NULL, NULL, &diag, &bench.file);
    if (status == OK) {
        choose_columns(&bench, argc - 2 - is_print, argv + 2 + is_print);
        status = run_all(&bench, is_print, &diag);
        parquet_close(bench.file);
    }
    close(fd);
    if (status != OK)
        fprintf(stderr, "%s\n", diag.message);
    return status == OK ? 0 : 1;
}
