/* Stream Load against a table loader that keeps rows as text: counts, filtering, labels, blocks cut from
 * pieces of any size, error logs, aborts. The metadata store is a real one in a temporary directory. */

#include <ftw.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include <cmocka.h>

#include "load/stream_load.h"
#include "load/table_loader.h"

struct TableLoader {
    TableLoaderOptions options;
};
struct LoaderLane {
    TableLoader *loader;
    ByteBuf text;
};

static Mutex lock = MUTEX_INIT;
static ByteBuf loaded;       /* guarded by lock; what finished lanes wrote */
static _Atomic int open_lanes, open_loaders, commits;

Status table_loader_open(const TableLoaderOptions *options, Diag *diag, TableLoader **out_loader)
{
    (void)diag;
    *out_loader = mem_alloc_zero(sizeof(**out_loader));
    (*out_loader)->options = *options;
    open_loaders++;
    return OK;
}

Status table_loader_lane(TableLoader *loader, Diag *diag, LoaderLane **out_lane)
{
    (void)diag;
    *out_lane = mem_alloc_zero(sizeof(**out_lane));
    (*out_lane)->loader = loader;
    open_lanes++;
    return OK;
}

Status loader_lane_append(LoaderLane *lane, const Vector *const *columns, uint32_t row_count, Diag *diag)
{
    (void)diag;
    AUTO_ARENA arena;
    arena_init(&arena, NULL);
    for (uint32_t row = 0; row < row_count; row++) {
        for (uint32_t c = 0; c < lane->loader->options.table->schema->column_count; c++) {
            Datum value = vector_get(columns[c], row, &arena);
            bytebuf_append_text(&lane->text, c > 0 ? "|" : "");
            datum_print(columns[c]->type, &value, &lane->text);
        }
        bytebuf_append_char(&lane->text, ';');
    }
    return OK;
}

Status loader_lane_append_ops(LoaderLane *lane, const Vector *const *columns, const uint8_t *deletes, uint32_t row_count, Diag *diag)
{
    assert_null(deletes);
    return loader_lane_append(lane, columns, row_count, diag);
}

Status loader_lane_route(LoaderLane *lane, const Vector *const *columns, uint32_t row_count, Diag *diag, uint8_t *out_found)
{
    (void)lane, (void)columns, (void)diag;
    memset(out_found, 1, row_count);
    return OK;
}

void loader_lane_abort(LoaderLane *lane)
{
    bytebuf_deinit(&lane->text);
    mem_free(lane);
    open_lanes--;
}

Status loader_lane_finish(LoaderLane *lane, Diag *diag)
{
    (void)diag;
    mutex_lock(&lock);
    bytebuf_append_view(&loaded, bytebuf_view(&lane->text));
    mutex_unlock(&lock);
    loader_lane_abort(lane);
    return OK;
}

typedef struct LabelCommit {
    uint64_t database_id, txn_id;
    StrView label, answer;
} LabelCommit;

static Status build_label(void *context, const CatalogSnapshot *catalog, Change *change, Diag *diag)
{
    (void)catalog, (void)diag;
    const LabelCommit *commit = context;
    change_put_label(change, commit->database_id, commit->label, commit->txn_id, commit->answer, 1);
    return OK;
}

Status table_loader_commit(TableLoader *loader, StrView label, StrView answer, bool replace, Diag *diag,
                           uint64_t *out_txn_id)
{
    (void)replace;
    commits++;
    MetaStore *store = loader->options.store;
    LabelCommit commit = {loader->options.table->database_id, meta_new_id(store), label, answer};
    *out_txn_id = commit.txn_id;
    return meta_commit(store, build_label, &commit, diag);
}

Status table_loaders_commit(TableLoader *const *loaders, uint32_t count, StrView label, StrView answer, bool replace, uint64_t txn_id,
                            Diag *diag)
{
    (void)loaders, (void)count, (void)label, (void)answer, (void)replace, (void)txn_id;
    return RAISE(diag, INTERNAL, "not in this test");
}

Status table_loader_commit_labels(TableLoader *loader, const LoaderLabel *labels, uint32_t count, uint64_t txn_id, Diag *diag)
{
    (void)loader, (void)labels, (void)count, (void)txn_id;
    return RAISE(diag, INTERNAL, "not in this test");
}

Status table_loaders_commit_prepared(TableLoader *const *loaders, uint32_t count, StrView label, StrView answer, uint64_t txn_id, Diag *diag)
{
    return table_loaders_commit(loaders, count, label, answer, false, txn_id, diag);
}

Status table_loader_prepare(const TableLoader *loader, Arena *arena, Diag *diag, PreparedTable *out)
{
    (void)loader, (void)arena, (void)out;
    return RAISE(diag, INTERNAL, "not in this test");
}

Status table_loader_adopt(TableLoader *loader, const PreparedTable *prepared, Diag *diag)
{
    (void)loader, (void)prepared;
    return RAISE(diag, INTERNAL, "not in this test");
}

const TableLoaderOptions *table_loader_options(const TableLoader *loader)
{
    return &loader->options;
}

void table_loader_close(TableLoader *loader)
{
    open_loaders--;
    mem_free(loader);
}

typedef struct Fixture {
    char directory[64];
    Volume *volume;
    MetaStore *store;
    LoadHub *hub;
} Fixture;

static Status build_table(void *context, const CatalogSnapshot *catalog, Change *change, Diag *diag)
{
    (void)context, (void)catalog, (void)diag;
    TableColumn columns[] = {
        {.unique_id = 1, .name = STR_VIEW("id"), .type = type_of(TYPE_INT)},
        {.unique_id = 2, .name = STR_VIEW("name"), .type = type_varchar(5), .is_nullable = true},
        {.unique_id = 3, .name = STR_VIEW("price"), .type = type_decimal(10, 2), .is_nullable = true},
        {.unique_id = 4, .name = STR_VIEW("kind"), .type = type_of(TYPE_INT), .default_kind = DEFAULT_LITERAL,
         .default_text = STR_VIEW("7")},
    };
    TableSchema schema = {.columns = columns, .column_count = 4, .next_unique_id = 5, .key_count = 1, .buckets = 1,
                          .is_random = true};
    change_put_database(change, 10, STR_VIEW("db"), STR_VIEW(""));
    change_put_table(change, 11, 10, STR_VIEW("t"), &schema);
    change_reserve_ids(change, 100);
    return OK;
}

static int set_up(void **state)
{
    static Fixture fixture;
    Diag diag = {0};
    snprintf(fixture.directory, sizeof(fixture.directory), "/tmp/stream_load_test.XXXXXX");
    assert_non_null(mkdtemp(fixture.directory));
    assert_int_equal(volume_open_local(fixture.directory, environment_real(), &diag, &fixture.volume), OK);
    assert_int_equal(meta_store_open(fixture.volume, &diag, &fixture.store), OK);
    assert_int_equal(meta_commit(fixture.store, build_table, NULL, &diag), OK);
    fixture.hub = load_hub_open();
    *state = &fixture;
    return 0;
}

static int remove_entry(const char *path, const struct stat *info, int kind, struct FTW *position)
{
    (void)info, (void)kind, (void)position;
    return remove(path);
}

static int tear_down(void **state)
{
    Fixture *fixture = *state;
    load_hub_close(fixture->hub);
    meta_store_close(fixture->store);
    fixture->volume->ops->close(fixture->volume);
    bytebuf_deinit(&loaded);
    return nftw(fixture->directory, remove_entry, 16, FTW_DEPTH | FTW_PHYS);
}

/* properties: "name=value" ..., NULL. */
static StrView find_property(void *context, const char *name)
{
    size_t length = strlen(name);
    for (const char *const *each = context; *each != NULL; each++) {
        if (strncmp(*each, name, length) == 0 && (*each)[length] == '=')
            return strview(*each + length + 1);
    }
    return (StrView){NULL, 0};
}

static StreamLoad *begin(Fixture *fixture, const char *const *properties)
{
    StreamLoadOptions options = {.store = fixture->store,
                                 .volume = fixture->volume,
                                 .hub = fixture->hub,
                                 .database = STR_VIEW("db"),
                                 .table = STR_VIEW("t"),
                                 .user = STR_VIEW("root"),
                                 .error_url = STR_VIEW("url:"),
                                 .property = find_property,
                                 .property_context = (void *)(uintptr_t)properties};
    return stream_load_begin(&options);
}

/* Feeds the body in pieces and returns the answer. */
static void run(Fixture *fixture, const char *const *properties, StrView body, size_t piece, ByteBuf *reply)
{
    bytebuf_clear(&loaded);
    bytebuf_append_text(&loaded, "");
    StreamLoad *load = begin(fixture, properties);
    for (size_t at = 0; at < body.length; at += piece)
        (void)stream_load_feed(load, body.data + at, MIN(piece, body.length - at));
    stream_load_finish(load, reply);
    assert_int_equal(open_lanes, 0);
    assert_int_equal(open_loaders, 0);
}

static void expect_in(const ByteBuf *reply, const char *part)
{
    if (strstr(reply->data, part) == NULL)
        fail_msg("no '%s' in %s", part, reply->data);
}

#define LOAD(fixture, body, reply, ...) \
    run((fixture), (const char *const[]){__VA_ARGS__, NULL}, strview(body), 3, (reply))

static void test_plain(void **state)
{
    AUTO_BYTEBUF reply = {0};
    LOAD(*state, "1,a,1.5\n2,\\N,x\n", &reply, "column_separator=,", "columns=id,name,price");
    expect_in(&reply, "\"Status\": \"Success\"");
    expect_in(&reply, "\"NumberLoadedRows\": 2");
    assert_string_equal(loaded.data, "1|a|1.50|7;2|NULL|NULL|7;");
}

static void test_filtered(void **state)
{
    Fixture *fixture = *state;
    AUTO_BYTEBUF reply = {0};
    const char *body = "1\ta\t1\t1\nx\ta\t1\t1\n2\ttoolong\t1\t1\n3\ta\n4\tb\tx\t1\n5\tc\t2\t3\n";
    int before = commits;
    LOAD(fixture, body, &reply, "strict_mode=true");
    expect_in(&reply, "\"Status\": \"Fail\"");
    expect_in(&reply, "too many filtered rows");
    expect_in(&reply, "\"NumberFilteredRows\": 4");
    assert_int_equal(commits, before);
    bytebuf_clear(&reply);
    LOAD(fixture, body, &reply, "strict_mode=true", "max_filter_ratio=0.7");
    expect_in(&reply, "\"NumberLoadedRows\": 2");
    assert_string_equal(loaded.data, "1|a|1.00|1;5|c|2.00|3;");
    const char *url = strstr(reply.data, "url:");
    assert_non_null(url);
    AUTO_BYTEBUF log = {0};
    StrView name = {url + 4, strcspn(url + 4, "\"")};
    assert_true(load_hub_error_log(fixture->hub, name, &log));
    expect_in(&log, "doesn't match source value column count: 2");
    expect_in(&log, "too long");
    assert_false(load_hub_error_log(fixture->hub, STR_VIEW("error_log_0"), &log));
}

static void test_label(void **state)
{
    Fixture *fixture = *state;
    AUTO_BYTEBUF reply = {0};
    LOAD(fixture, "1\n", &reply, "label=once", "columns=id");
    expect_in(&reply, "\"Label\": \"once\"");
    AUTO_BYTEBUF first = {0};
    bytebuf_append_view(&first, bytebuf_view(&reply));
    int before = commits;
    for (size_t piece = 1; piece < 4; piece++) { /* the same request hears the same, however it comes in */
        bytebuf_clear(&reply);
        run(fixture, (const char *const[]){"label=once", "columns=id", "timeout=9", NULL}, STR_VIEW("1\n"), piece, &reply);
        assert_string_equal(reply.data, first.data);
    }
    bytebuf_clear(&reply);
    LOAD(fixture, "1\n", &reply, "label=once", "columns=id,name");
    expect_in(&reply, "\"Status\": \"Label Already Exists\"");
    bytebuf_clear(&reply);
    LOAD(fixture, "2\n", &reply, "label=once", "columns=id");
    assert_int_equal(commits, before);
    expect_in(&reply, "\"Status\": \"Label Already Exists\"");
    expect_in(&reply, "\"ExistingJobStatus\": \"FINISHED\"");
    expect_in(&reply, "Label [once] has already been used.");
    StreamLoad *running = begin(fixture, (const char *const[]){"label=two", "columns=id", NULL});
    assert_true(load_hub_is_running(fixture->hub, 10, STR_VIEW("two")));
    bytebuf_clear(&reply);
    StreamLoad *second = begin(fixture, (const char *const[]){"label=two", "columns=id", NULL});
    stream_load_finish(second, &reply);
    expect_in(&reply, "\"ExistingJobStatus\": \"RUNNING\"");
    stream_load_abort(running);
    assert_false(load_hub_is_running(fixture->hub, 10, STR_VIEW("two")));
}

static void test_refused(void **state)
{
    static const struct {
        const char *property, *message;
    } cases[] = {
        {"columns=name", "Column has no default value, column=id"}, {"format=xml", "unknown data format: xml"},
        {"max_filter_ratio=2", "Invalid max_filter_ratio"},         {"label=a b", "Label format error"},
        {"columns=id,ID", "Duplicate column"},                      {"compression=rar", "unsupported compression"},
        {"partitions=p1", "Unknown partition"},                         {"strict_mode=maybe", "Invalid strict_mode"},
    };
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        AUTO_BYTEBUF reply = {0};
        LOAD(*state, "1\n", &reply, cases[i].property);
        expect_in(&reply, "\"Status\": \"Fail\"");
        expect_in(&reply, cases[i].message);
    }
    AUTO_BYTEBUF reply = {0};
    LOAD(*state, "", &reply, "columns=id");
    expect_in(&reply, "No rows were imported from upstream");
}

static void test_json(void **state)
{
    AUTO_BYTEBUF reply = {0};
    LOAD(*state, "[{\"id\":1,\"name\":\"\\u00e4\",\"price\":0.125}, {\"id\":2}]", &reply, "format=json",
         "strip_outer_array=true", "columns=id,name,price");
    expect_in(&reply, "\"NumberLoadedRows\": 2");
    assert_string_equal(loaded.data, "1|\xc3\xa4|0.13|7;2|NULL|NULL|7;");
}

static void test_mapping(void **state)
{
    AUTO_BYTEBUF reply = {0};
    LOAD(*state, "1\t2\n2\t3\n3\t4\n", &reply, "columns=k, b, id = k + b, name = concat('n', b)", "where=id > 3",
         "max_filter_ratio=0");
    expect_in(&reply, "\"NumberLoadedRows\": 2");
    expect_in(&reply, "\"NumberUnselectedRows\": 1");
    assert_string_equal(loaded.data, "5|n3|NULL|7;7|n4|NULL|7;");
    bytebuf_clear(&reply);
    LOAD(*state, "1\n", &reply, "columns=id", "where=nothing = 1");
    expect_in(&reply, "'nothing' cannot be resolved");
    bytebuf_clear(&reply);
    LOAD(*state, "x\n1\n", &reply, "columns=k, id = k + 1", "max_filter_ratio=0.5");
    expect_in(&reply, "\"NumberFilteredRows\": 1");
    assert_string_equal(loaded.data, "2|NULL|NULL|7;");
}

/* Many blocks on several threads: every row arrives once, whatever the pieces. */
static void test_blocks(void **state)
{
    AUTO_BYTEBUF body = {0};
    AUTO_BYTEBUF reply = {0};
    enum { ROWS = 900000 };
    bytebuf_append_text(&body, "header\n");
    for (int i = 0; i < ROWS; i++)
        bytebuf_printf(&body, "%d\tn%d\n", i, i % 1000);
    run(*state, (const char *const[]){"columns=id,name", "skip_header=1", NULL}, bytebuf_view(&body), 65521, &reply);
    expect_in(&reply, "\"NumberLoadedRows\": 900000");
    int64_t sum = 0, count = 0;
    for (const char *at = loaded.data; *at != '\0'; at = strchr(at, ';') + 1, count++)
        sum += strtol(at, NULL, 10);
    assert_int_equal(count, ROWS);
    assert_int_equal(sum, (int64_t)ROWS * (ROWS - 1) / 2);
}

static void test_abort(void **state)
{
    Fixture *fixture = *state;
    AUTO_BYTEBUF body = {0};
    for (int i = 0; i < 400000; i++)
        bytebuf_printf(&body, "%d\n", i);
    int before = commits;
    StreamLoad *load = begin(fixture, (const char *const[]){"columns=id", NULL});
    assert_true(stream_load_feed(load, body.data, body.length));
    stream_load_abort(load);
    assert_int_equal(open_lanes, 0);
    assert_int_equal(open_loaders, 0);
    assert_int_equal(commits, before);
    assert_int_equal(load_hub_counters(fixture->hub).running, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_plain), cmocka_unit_test(test_filtered), cmocka_unit_test(test_label),
        cmocka_unit_test(test_refused), cmocka_unit_test(test_json), cmocka_unit_test(test_mapping),
        cmocka_unit_test(test_blocks), cmocka_unit_test(test_abort),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
