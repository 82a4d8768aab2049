/* Decodes columns of a Parquet file, and says how long it took.
 *
 *   merak-parquet [--print | --copy NEW_FILE] FILE [COLUMN ...]
 *
 * No column: all. Row groups are spread over the processors, as a scan does it. Every value is looked at: strings by their length, numbers
 * and codes by being there. --print: the rows instead, tab-separated. --copy: writes them to another file, by SNAPPY. bench/parquet/README.md
 * compares. */

#include <fcntl.h>
#include <stdio.h>
#include <sys/stat.h>
#include <time.h>
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

static Status append_to_file(void *context, const void *data, size_t length, Diag *diag)
{
    return fwrite(data, 1, length, context) == length ? OK : RAISE(diag, IO, "cannot write the file");
}

static Status copy_group(const Bench *bench, uint32_t group, ParquetWriter *writer, Diag *diag)
{
    Vector vectors[MOST_COLUMNS];
    const Vector *pointers[MOST_COLUMNS];
    ParquetReader *reader;
    uint32_t rows = 0;
    TRY(parquet_reader_open(bench->file, group, bench->columns, bench->column_count, NULL, diag, &reader));
    Status status;
    for (uint32_t c = 0; c < bench->column_count; c++)
        pointers[c] = &vectors[c];
    while ((status = parquet_reader_next(reader, vectors, &rows, diag)) == OK && rows > 0 && status == OK)
        status = parquet_writer_append(writer, pointers, (Rows){NULL, rows}, diag);
    parquet_reader_close(reader);
    return status;
}

static Status copy_file(const Bench *bench, const char *path, Diag *diag)
{
    Type types[MOST_COLUMNS];
    StrView names[MOST_COLUMNS];
    ParquetWriterOptions options = {.compression = PARQUET_WRITE_SNAPPY};
    ParquetWriter *writer;
    uint64_t rows = 0;
    for (uint32_t c = 0; c < bench->column_count; c++) {
        types[c] = parquet_column_type(bench->file, bench->columns[c]);
        names[c] = parquet_column_name(bench->file, bench->columns[c]);
    }
    FILE *out = fopen(path, "wb");
    if (out == NULL)
        return RAISE(diag, IO, "cannot create %s", path);
    int64_t start = env_monotonic_us(environment_real());
    Status status = parquet_writer_open(types, names, bench->column_count, &options, append_to_file, out, NULL, diag, &writer);
    for (uint32_t g = 0; status == OK && g < parquet_row_group_count(bench->file); g++)
        status = copy_group(bench, g, writer, diag);
    if (status == OK)
        status = parquet_writer_finish(writer, &rows, diag);
    if (status == OK)
        printf("%llu rows copied: %.1f ms\n", (unsigned long long)rows, (double)(env_monotonic_us(environment_real()) - start) / 1000);
    parquet_writer_close(writer);
    return fclose(out) == 0 ? status : RAISE(diag, IO, "cannot write %s", path);
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

static int64_t cpu_us(void)
{
    struct timespec now;
    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &now);
    return (int64_t)now.tv_sec * 1000000 + now.tv_nsec / 1000;
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
    int64_t best = INT64_MAX, best_cpu = INT64_MAX;
    for (int round = 0; round < ROUNDS; round++) {
        int64_t start = env_monotonic_us(environment_real());
        int64_t start_cpu = cpu_us();
        bench->rows = 0;
        TRY(parallel_for(groups, decode_group, bench, diag));
        int64_t taken = env_monotonic_us(environment_real()) - start;
        int64_t taken_cpu = cpu_us() - start_cpu;
        best = MIN(best, taken);
        best_cpu = MIN(best_cpu, taken_cpu);
    }
    printf("%llu rows, %u columns: %.1f ms, %.1f ms of processors\n", (unsigned long long)bench->rows, bench->column_count, (double)best / 1000,
           (double)best_cpu / 1000);
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
    bool is_print = argc > 1 && strcmp(argv[1], "--print") == 0, is_copy = argc > 2 && strcmp(argv[1], "--copy") == 0;
    int first = is_copy ? 3 : is_print ? 2 : 1;
    if (argc <= first) {
        fputs("usage: merak-parquet [--print | --copy NEW_FILE] FILE [COLUMN ...]\n", stderr);
        return 2;
    }
    const char *path = argv[first];
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
        choose_columns(&bench, argc - first - 1, argv + first + 1);
        status = is_copy ? copy_file(&bench, argv[2], &diag) : run_all(&bench, is_print, &diag);
        parquet_close(bench.file);
    }
    close(fd);
    if (status != OK)
        fprintf(stderr, "%s\n", diag.message);
    return status == OK ? 0 : 1;
}
