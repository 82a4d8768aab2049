#include "connector/system_table.h"

/* Rows go into one chunk, which is handed on whenever it is full. */

#include <stdarg.h>

struct SystemRows {
    const SystemSource *source;
    const SystemTable *table;
    SystemLike like;
    Chunk chunk;
    uint32_t column; /* next to be put */
    Status (*emit)(void *sink, const Chunk *chunk);
    void *sink;
};

Type system_column_type(const SystemColumn *column)
{
    switch ((SystemType)column->type) {
    case SYSTEM_NUMBER:
        return type_of(TYPE_BIGINT);
    case SYSTEM_DOUBLE:
        return type_of(TYPE_DOUBLE);
    case SYSTEM_TIME:
        return type_of(TYPE_DATETIME);
    case SYSTEM_BOOLEAN:
        return type_of(TYPE_BOOLEAN);
    case SYSTEM_TEXT:
        break;
    }
    return type_varchar(2048);
}

static void put(SystemRows *rows, Datum value)
{
    if (rows->column < rows->chunk.column_count)
        vector_put(&rows->chunk.columns[rows->column], rows->source->arena, rows->chunk.row_count, &value);
    rows->column++;
}

static SystemType next_type(const SystemRows *rows)
{
    return rows->column < rows->table->column_count ? (SystemType)rows->table->columns[rows->column].type : SYSTEM_TEXT;
}

void system_put_null(SystemRows *rows)
{
    put(rows, datum_null());
}

void system_put_nulls(SystemRows *rows, uint32_t count)
{
    while (count-- > 0)
        put(rows, datum_null());
}

void system_put_text(SystemRows *rows, StrView text)
{
    put(rows, text.data == NULL || next_type(rows) != SYSTEM_TEXT ? datum_null() : datum_str(text));
}

void system_put_word(SystemRows *rows, const char *text)
{
    system_put_text(rows, strview(text));
}

/* A value in the form of its column: columns of SHOW are texts. */
static void put_typed(SystemRows *rows, SystemType type, Type own, Datum value)
{
    if (next_type(rows) == type) {
        put(rows, value);
        return;
    }
    AUTO_BYTEBUF text = {0};
    datum_print(own, &value, &text);
    system_put_text(rows, system_keep(rows, &text));
}

void system_put_number(SystemRows *rows, int64_t value)
{
    put_typed(rows, SYSTEM_NUMBER, type_of(TYPE_BIGINT), datum_i64(value));
}

void system_put_double(SystemRows *rows, double value)
{
    put_typed(rows, SYSTEM_DOUBLE, type_of(TYPE_DOUBLE), datum_f64(value));
}

void system_put_boolean(SystemRows *rows, bool value)
{
    if (next_type(rows) == SYSTEM_BOOLEAN)
        put(rows, datum_i64(value));
    else
        system_put_word(rows, value ? "true" : "false");
}

void system_put_time(SystemRows *rows, int64_t wall_us)
{
    if (wall_us == 0)
        system_put_null(rows);
    else
        put_typed(rows, SYSTEM_TIME, type_of(TYPE_DATETIME), datum_i64((wall_us + rows->source->zone_offset_us) / 1000000 * 1000000));
}

StrView system_keep(const SystemRows *rows, const ByteBuf *text)
{
    return strview_n(arena_strndup(rows->source->arena, text->data == NULL ? "" : text->data, text->length), text->length);
}

StrView system_type_text(Arena *arena, Type type)
{
    AUTO_BYTEBUF text = {0};
    type_print(type, &text);
    return strview_n(arena_strndup(arena, text.data == NULL ? "" : text.data, text.length), text.length);
}

static bool is_wanted(const SystemRows *rows)
{
    if (!rows->like.is_set)
        return true;
    Datum value = vector_get(&rows->chunk.columns[rows->like.column], rows->chunk.row_count, rows->source->arena);
    return !value.is_null && system_matches(strview_n(str_data(&value.str), value.str.length), rows->like.pattern);
}

Status system_end_row(SystemRows *rows)
{
    while (rows->column < rows->chunk.column_count)
        put(rows, datum_null());
    rows->column = 0;
    if (!is_wanted(rows) || ++rows->chunk.row_count < CHUNK_ROWS)
        return OK;
    TRY(rows->emit(rows->sink, &rows->chunk));
    chunk_reset(&rows->chunk);
    return OK;
}

static bool same_letter(char a, char b)
{
    a = (char)(a >= 'A' && a <= 'Z' ? a + 32 : a);
    b = (char)(b >= 'A' && b <= 'Z' ? b + 32 : b);
    return a == b;
}

/* Greedy, with one way back: to the last %. */
bool system_matches(StrView text, StrView pattern)
{
    size_t t = 0, p = 0, back_t = 0, back_p = SIZE_MAX;
    while (t < text.length) {
        bool is_escaped = p + 1 < pattern.length && pattern.data[p] == '\\';
        if (p < pattern.length && !is_escaped && pattern.data[p] == '%') {
            back_p = ++p;
            back_t = t;
        } else if (p < pattern.length && ((!is_escaped && pattern.data[p] == '_') || same_letter(text.data[t], pattern.data[p + is_escaped]))) {
            t++;
            p += 1 + (size_t)is_escaped;
        } else if (back_p != SIZE_MAX) {
            p = back_p;
            t = ++back_t;
        } else {
            return false;
        }
    }
    while (p < pattern.length && pattern.data[p] == '%')
        p++;
    return p == pattern.length;
}

/* ---- as connector tables ---- */

typedef struct SystemScan {
    const SystemSource *source;
    const SystemTable *table;
    SystemLike like;
} SystemScan;

static Status scan(const ConnectorTable *table, Arena *arena, Diag *diag, Status (*emit)(void *sink, const Chunk *chunk), void *sink)
{
    const SystemScan *what = table->context;
    SystemRows rows = {.source = what->source, .table = what->table, .like = what->like, .emit = emit, .sink = sink};
    Type *types = ARENA_NEW_ARRAY(arena, Type, MAX(table->column_count, 1u));
    (void)diag; /* producers have the statement's */
    if (what->table->produce == NULL)
        return OK;
    for (uint32_t i = 0; i < table->column_count; i++)
        types[i] = table->columns[i].type;
    chunk_init(&rows.chunk, what->source->arena, types, table->column_count);
    TRY(what->table->produce(what->source, &rows));
    return rows.chunk.row_count > 0 ? emit(sink, &rows.chunk) : OK;
}

const ConnectorTable *system_connector_table(const SystemSource *source, const char *database, const SystemTable *table, SystemLike like)
{
    SystemScan *what = ARENA_NEW(source->arena, SystemScan);
    ConnectorTable *made = ARENA_NEW(source->arena, ConnectorTable);
    ConnectorColumn *columns = ARENA_NEW_ARRAY(source->arena, ConnectorColumn, MAX(table->column_count, 1u));
    for (uint32_t i = 0; i < table->column_count; i++)
        columns[i] = (ConnectorColumn){strview(table->columns[i].name), system_column_type(&table->columns[i])};
    *what = (SystemScan){source, table, like};
    *made = (ConnectorTable){.database = strview(database), .name = strview(table->name), .columns = columns,
                             .column_count = table->column_count, .context = what, .scan = scan};
    return made;
}

const SystemTable *system_find(const SystemFamily *families, StrView database, StrView name)
{
    for (const SystemFamily *family = families; family->tables != NULL; family++) {
        if (!strview_equal_ci(database, strview(family->database)))
            continue;
        for (uint32_t i = 0; i < family->count; i++) {
            if (strview_equal_ci(name, strview(family->tables[i].name)))
                return &family->tables[i];
        }
    }
    return NULL;
}

bool system_is_database(StrView name)
{
    return strview_equal_ci(name, STR_VIEW("information_schema")) || strview_is(name, "sys") || strview_is(name, "_statistics_");
}

bool system_sees_table(const SystemSource *source, StrView database_name, StrView table)
{
    if (source->rights == NULL || access_is_root(source->rights))
        return true;
    const CatalogDatabase *database = catalog_database(source->catalog, database_name);
    return database != NULL && catalog_table(database, table) != NULL;
}
