/* Materialized views whose definitions are damaged, see tests/views/README.md: they are quarantined, everything else serves, and they can be
 * made anew or dropped. Records are damaged at every place, and by what is well-formed and makes no sense. */

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "failure/fixture.h"
#include "mv/engine.h"
#include "mv/query_views.h"
#include "session/session.h"

static uint32_t passed, failed;

static void check(bool ok, const char *what, const char *got)
{
    passed += ok;
    failed += !ok;
    if (!ok)
        printf("quarantine: %s; got: %s\n", what, got == NULL ? "" : got);
}

static void open_views(Fixture *f)
{
    f->instance.forms = mv_forms_open();
    session_open_views(&f->instance);
}

static void close_views(Fixture *f)
{
    mv_engine_close(f->instance.views);
    mv_forms_close(f->instance.forms);
    f->instance.views = NULL;
    f->instance.forms = NULL;
}

static void must(Fixture *f, const char *sql)
{
    AUTO_BYTEBUF out = {0};
    Diag diag = {0};
    check(fixture_run(f, sql, &out, &diag) == OK, sql, diag.message);
}

static void must_yield(Fixture *f, const char *sql, const char *expected)
{
    AUTO_BYTEBUF out = {0};
    Diag diag = {0};
    bool ok = fixture_run(f, sql, &out, &diag) == OK && out.data != NULL && strstr(out.data, expected) != NULL;
    check(ok, sql, diag.message[0] != '\0' ? diag.message : out.data);
}

static void must_fail(Fixture *f, const char *sql, const char *expected)
{
    AUTO_BYTEBUF out = {0};
    Diag diag = {0};
    bool ok = fixture_run(f, sql, &out, &diag) != OK && strstr(diag.message, expected) != NULL;
    check(ok, sql, diag.message);
}

static uint64_t view_id(Fixture *f, const char *name)
{
    CatalogSnapshot *catalog = meta_snapshot(f->instance.store);
    const CatalogDatabase *database = catalog_database(catalog, STR_VIEW("q"));
    const CatalogTable *table = database == NULL ? NULL : catalog_table(database, strview(name));
    uint64_t id = table == NULL ? 0 : table->id;
    catalog_unref(catalog);
    return id;
}

static void refresh(Fixture *f, const char *name)
{
    AUTO_ARENA arena;
    Diag diag = {0};
    MvRefreshed done;
    arena_init(&arena, NULL);
    CatalogSnapshot *catalog = meta_snapshot(f->instance.store);
    MvRefresh ask = {.view_id = view_id(f, name), .most_partitions = -1};
    check(mv_refresh(f->instance.views, &ask, catalog, &arena, &diag, &done) == OK, name, diag.message);
    catalog_unref(catalog);
}

typedef struct Damage {
    char key[24];
    StrView text;
} Damage;

static Status build_damage(void *context, const CatalogSnapshot *catalog, Change *change, Diag *diag)
{
    const Damage *damage = context;
    (void)catalog;
    (void)diag;
    change_put_record(change, "mv", strview(damage->key), damage->text);
    return OK;
}

static void put_record(Fixture *f, uint64_t id, StrView text)
{
    Diag diag = {0};
    Damage damage = {.text = text};
    snprintf(damage.key, sizeof(damage.key), "%020llu", (unsigned long long)id);
    check(meta_commit(f->instance.store, build_damage, &damage, &diag) == OK, "the record is put", diag.message);
}

static void read_record(Fixture *f, uint64_t id, ByteBuf *out)
{
    char key[24];
    snprintf(key, sizeof(key), "%020llu", (unsigned long long)id);
    CatalogSnapshot *catalog = meta_snapshot(f->instance.store);
    bytebuf_clear(out);
    bytebuf_append_view(out, catalog_record(catalog, "mv", strview(key)));
    catalog_unref(catalog);
}

static void make(Fixture *f)
{
    must(f, "CREATE DATABASE q");
    must(f, "CREATE TABLE q.t (dt DATE, k INT, v INT) DUPLICATE KEY(dt) PARTITION BY date_trunc('day', dt)");
    must(f, "INSERT INTO q.t VALUES ('2025-01-01', 1, 10), ('2025-01-02', 2, 20)");
    must(f, "CREATE MATERIALIZED VIEW q.a PARTITION BY dt REFRESH DEFERRED MANUAL AS SELECT dt, sum(v) AS s FROM q.t GROUP BY dt");
    must(f, "CREATE MATERIALIZED VIEW q.over_a REFRESH DEFERRED MANUAL AS SELECT sum(s) AS s FROM q.a");
    must(f, "CREATE MATERIALIZED VIEW q.other REFRESH DEFERRED MANUAL AS SELECT count(*) AS c FROM q.t");
    refresh(f, "a");
    refresh(f, "over_a");
    refresh(f, "other");
}

static void check_quarantined(Fixture *f)
{
    must_yield(f, "SELECT sum(s) FROM q.a", "30");
    must_yield(f, "SHOW MATERIALIZED VIEWS FROM q LIKE 'a'", "quarantined: its definition is damaged");
    must_yield(f, "SELECT is_active, query_rewrite_status FROM information_schema.materialized_views WHERE table_name = 'a'", "false");
    must_fail(f, "REFRESH MATERIALIZED VIEW q.a", "'a' is quarantined");
    must_fail(f, "ALTER MATERIALIZED VIEW q.a ACTIVE", "'a' is quarantined");
    must_fail(f, "SHOW CREATE MATERIALIZED VIEW q.a", "its query was: SELECT dt, sum(v) AS s");
    must_fail(f, "VERIFY MATERIALIZED VIEW q.a", "'a' is quarantined");
    must_fail(f, "CREATE MATERIALIZED VIEW q.late REFRESH DEFERRED MANUAL AS SELECT s FROM q.a", "inactive materialized view");
}

static void check_others(Fixture *f)
{
    must(f, "INSERT INTO q.t VALUES ('2025-01-02', 3, 30)");
    refresh(f, "other");
    must_yield(f, "SELECT c FROM q.other", "3");
    must_yield(f, "SELECT s FROM q.over_a", "30");
    must(f, "ALTER TABLE q.t ADD COLUMN w INT");
    must(f, "ALTER TABLE q.t DROP COLUMN w");
    must(f, "DELETE FROM q.t WHERE k = 3");
}

/* ---- rows that are not those of the query ---- */

typedef struct WrongRows {
    uint64_t view_id;
    uint64_t segment_id; /* a new one */
} WrongRows;

/* Gives the first partition of the view the rows of the second one. */
static Status build_wrong_rows(void *context, const CatalogSnapshot *catalog, Change *change, Diag *diag)
{
    const WrongRows *wrong = context;
    const CatalogTable *table = catalog_table_by_id(catalog, wrong->view_id);
    const CatalogPartition *to = table->partitions[0];
    const TabletVersion *old = &to->tablets[0];
    uint64_t gone = old->segments[0].id;
    SegmentRef segment = table->partitions[1]->tablets[0].segments[0];
    NewSegments fresh = {to->id, old->id, &segment, 1};
    (void)diag;
    segment.id = wrong->segment_id;
    change_replace_segments(change, table->id, &fresh, &gone, 1);
    return OK;
}

/* VERIFY tells it of that partition, whether it is up to date or stale, and of no other one. */
static void check_wrong_rows(Fixture *f)
{
    Diag diag = {0};
    must(f, "CREATE MATERIALIZED VIEW q.w PARTITION BY dt REFRESH DEFERRED MANUAL AS SELECT dt, sum(v) AS s FROM q.t GROUP BY dt");
    refresh(f, "w");
    WrongRows wrong = {view_id(f, "w"), meta_new_id(f->instance.store)};
    must_yield(f, "VERIFY MATERIALIZED VIEW q.w", "p20250101\tOK\t1\t1\tup to date\tq.t as it is");
    check(meta_commit(f->instance.store, build_wrong_rows, &wrong, &diag) == OK, "wrong rows", diag.message);
    must_yield(f, "VERIFY MATERIALIZED VIEW q.w", "p20250101\tDIFFERENT\t1\t1\tup to date\tq.t as it is");
    must_yield(f, "VERIFY MATERIALIZED VIEW q.w", "p20250102\tOK\t1\t1\tup to date\tq.t as it is");
    must(f, "INSERT INTO q.t VALUES ('2025-01-01', 3, 30), ('2025-01-02', 3, 30)");
    must_yield(f, "VERIFY MATERIALIZED VIEW q.w", "p20250101\tDIFFERENT\t1\t1\tbase partition changed\tq.t as of version");
    must_yield(f, "VERIFY MATERIALIZED VIEW q.w", "p20250102\tOK\t1\t1\tbase partition changed\tq.t as of version");
    must(f, "DELETE FROM q.t WHERE k = 3");
    must(f, "DROP MATERIALIZED VIEW q.w");
}

int main(void)
{
    static const char *const senseless[] = {
        "{}", "[]", "7", "", "{\"scheme\": 77}", "{\"scheme\": 0, \"bases\": 5, \"outputs\": {}}",
        "{\"scheme\":0,\"bases\":[7],\"outputs\":[\"dt\",\"s\"],\"partition_texts\":[\"dt\"],\"partition_columns\":[4000000000]}"};
    Fixture f;
    AUTO_BYTEBUF record = {0}, after = {0};
    Diag diag = {0};
    fixture_open(&f, false);
    open_views(&f);
    make(&f);
    check_wrong_rows(&f);
    uint64_t id = view_id(&f, "a");
    read_record(&f, id, &record);
    for (size_t length = 0; length < record.length; length += 1 + length % 7) {
        put_record(&f, id, strview_n(record.data, length));
        must_yield(&f, "SHOW MATERIALIZED VIEWS FROM q LIKE 'a'", "quarantined: its definition is damaged");
    }
    for (size_t i = 0; i < sizeof(senseless) / sizeof(senseless[0]); i++) {
        put_record(&f, id, strview(senseless[i]));
        check_quarantined(&f);
        check_others(&f);
    }
    close_views(&f);
    check(fixture_reopen(&f, &diag) == OK, "it starts", diag.message);
    open_views(&f);
    check_quarantined(&f);
    check_others(&f);
    read_record(&f, id, &after);
    check(strview_equal(bytebuf_view(&after), strview(senseless[6])), "what is damaged is left as it is", after.data);
    must(&f, "CREATE OR REPLACE MATERIALIZED VIEW q.a PARTITION BY dt REFRESH DEFERRED MANUAL AS SELECT dt, sum(v) AS s FROM q.t GROUP BY dt");
    refresh(&f, "a");
    must_yield(&f, "VERIFY MATERIALIZED VIEW q.a", "OK");
    must_yield(&f, "SELECT is_active, inactive_reason FROM information_schema.materialized_views WHERE table_name = 'over_a'", "base-table dropped: a");
    must(&f, "ALTER MATERIALIZED VIEW q.over_a ACTIVE");
    refresh(&f, "over_a");
    must_yield(&f, "VERIFY MATERIALIZED VIEW q.over_a", "OK");
    put_record(&f, view_id(&f, "a"), STR_VIEW("{"));
    must(&f, "DROP MATERIALIZED VIEW q.a");
    must_fail(&f, "SELECT * FROM q.a", "");
    read_record(&f, id, &after);
    check(after.length == 0, "the record goes with the view", after.data);
    must(&f, "DROP DATABASE q FORCE");
    close_views(&f);
    fixture_close(&f);
    printf("%u passed, %u failed\n", passed, failed);
    return failed > 0;
}
