#include "view_rewrite/test_views.h"

#include <stdio.h>
#include <stdlib.h>

#include "analyze/analyze.h"
#include "base/environment.h"
#include "sql/parser.h"

/* ---- planning ---- */

typedef struct Planner {
    TestViews *views;
    Arena *arena;
    CatalogSnapshot *catalog;
    FuncSession session;
    AnalyzeContext analyze;
    PlanContext plan;
    Diag *diag;
} Planner;

static void planner_open(Planner *p, TestViews *views, Arena *arena, CatalogSnapshot *catalog, Diag *diag)
{
    *p = (Planner){.views = views,
                   .arena = arena,
                   .catalog = catalog,
                   .diag = diag,
                   .session = {.database = STR_VIEW("d"), .group_concat_max_bytes = 1024}};
    p->analyze =
        (AnalyzeContext){.arena = arena, .diag = diag, .catalog = catalog, .session = &p->session, .database = STR_VIEW("d"), .ids = {1}};
    p->plan = (PlanContext){.arena = arena, .diag = diag, .session = &p->session, .ids = &p->analyze.ids};
}

static Status bind(Planner *p, const char *sql, BoundQuery **out)
{
    AstStatements statements = {0};
    TRY(sql_parse(strview(sql), NULL, p->arena, p->diag, &statements));
    Status status = analyze_query(&p->analyze, statements.items[0]->query, statements.items[0]->source, out);
    p->plan.next_cte_id = p->analyze.next_cte_id;
    return status;
}

static bool reads_only(const ViewForm *form, const uint64_t *tables, uint32_t count)
{
    uint32_t own, at = 0;
    const uint64_t *reads = view_form_tables(form, &own);
    for (uint32_t i = 0; i < own; i++) {
        while (at < count && tables[at] < reads[i])
            at++;
        if (at == count || tables[at] != reads[i])
            return false;
    }
    return true;
}

static Status candidates(void *context, const uint64_t *tables, uint32_t count, const PlanView **out_views, uint32_t *out_count)
{
    Planner *p = context;
    PlanView *fitting = ARENA_NEW_ARRAY(p->arena, PlanView, MAX_TEST_VIEWS);
    const CatalogDatabase *database = catalog_database(p->catalog, STR_VIEW("d"));
    *out_views = fitting;
    for (uint32_t i = 0; i < p->views->count; i++) {
        TestView *view = &p->views->items[i];
        if (view_form_unsupported(view->form) == NULL && reads_only(view->form, tables, count))
            fitting[(*out_count)++] = (PlanView){database, catalog_table(database, strview(view->table)), view->form, view->ordinals, view};
    }
    return OK;
}

static Status use_view(void *context, const PlanView *view, PlanViewUse *out)
{
    Planner *p = context;
    const TestView *test_view = view->handle;
    *out = (PlanViewUse){.is_usable = true, .is_partial = test_view->rest != NULL};
    if (!out->is_partial)
        return OK;
    const CatalogPartition *partition = catalog_partition(view->table, strview(test_view->partitions));
    uint64_t *ids = ARENA_NEW_ARRAY(p->arena, uint64_t, 1);
    if (partition == NULL)
        abort();
    ids[0] = partition->id;
    out->partition_ids = ids;
    out->partition_count = 1;
    PlanContext own = p->plan;
    BoundQuery *rest;
    TRY(bind(p, test_view->rest, &rest));
    return query_adopt(&p->plan, &own, rest, &out->rest);
}

/* ---- running ---- */

typedef struct Lines {
    char **items;
    uint32_t count;
} Lines;

static Status take_rows(void *context, const Chunk *chunk)
{
    Lines *lines = context;
    AUTO_ARENA arena;
    arena_init(&arena, NULL);
    for (uint32_t row = 0; row < chunk_alive(chunk); row++) {
        AUTO_BYTEBUF text = {0};
        for (uint32_t c = 0; c < chunk->column_count; c++) {
            Datum value = vector_get(&chunk->columns[c], chunk->sel == NULL ? row : chunk->sel[row], &arena);
            bytebuf_append_text(&text, c == 0 ? "" : "\t");
            if (value.is_null)
                bytebuf_append_text(&text, "NULL");
            else if (type_is_float(chunk->columns[c].type))
                bytebuf_printf(&text, "%.9g", value.f64);
            else
                datum_print(chunk->columns[c].type, &value, &text);
        }
        if (lines->count < MAX_TEST_ROWS)
            lines->items[lines->count++] = mem_strdup(text.data == NULL ? "" : text.data);
    }
    return OK;
}

static int compare_lines(const void *a, const void *b)
{
    return strcmp(*(char *const *)a, *(char *const *)b);
}

static Status plan(Planner *p, const char *sql, TestRun *run, PlanViews *views, PhysPlan **out_plan)
{
    BoundQuery *query;
    TRY(bind(p, sql, &query));
    int64_t started_us = env_monotonic_us(environment_real());
    p->plan.views = run->with_views ? views : NULL;
    Status status = plan_query(&p->plan, query, out_plan);
    run->planning_us = env_monotonic_us(environment_real()) - started_us;
    run->used = views->used_count;
    return status;
}

Status test_views_run(TestViews *views, const char *sql, TestRun *run, Diag *diag)
{
    AUTO_ARENA arena;
    Planner p;
    PhysPlan *physical;
    MemTracker memory;
    Lines lines = {run->lines, 0};
    const Instance *instance = &views->fixture.instance;
    arena_init(&arena, NULL);
    mem_tracker_init(&memory, NULL, "query", 0);
    CatalogSnapshot *catalog = meta_snapshot(instance->store);
    planner_open(&p, views, &arena, catalog, diag);
    PlanViews candidates_of = {.context = &p,
                               .candidates = candidates,
                               .use = use_view,
                               .allows_union = true,
                               .max_depth = 3,
                               .is_forced = true,
                               .trace = run->trace};
    Status status = plan(&p, sql, run, &candidates_of, &physical);
    ExecOptions options = {.pool = instance->pool, .segments = instance->segments, .memory = &memory, .spill = instance->spill, .spill_mode = SPILL_AUTO};
    ExecResult result = {.context = &lines, .rows = take_rows};
    if (status == OK && !run->only_plans)
        status = exec_run(physical, &options, &result, diag);
    catalog_unref(catalog);
    run->line_count = lines.count;
    if (lines.count > 1)
        qsort(lines.items, lines.count, sizeof(char *), compare_lines);
    return status;
}

/* ---- views ---- */

void test_views_must(TestViews *views, const char *sql)
{
    Diag diag = {0};
    if (fixture_run(&views->fixture, sql, NULL, &diag) == OK)
        return;
    fprintf(stderr, "set-up failed: %s: %s\n", sql, diag.message);
    exit(1);
}

void test_views_drop(TestViews *views)
{
    for (uint32_t i = 0; i < views->count; i++) {
        char sql[64];
        snprintf(sql, sizeof(sql), "DROP TABLE %s FORCE", views->items[i].table);
        test_views_must(views, sql);
        catalog_unref(views->items[i].catalog);
        arena_deinit(&views->items[i].arena);
    }
    views->count = 0;
}

bool test_views_make(TestViews *views, const char *definition, const char *properties, Diag *diag)
{
    TestView *view = &views->items[views->count];
    Planner p;
    BoundQuery *query;
    AUTO_BYTEBUF sql = {0};
    *view = (TestView){0};
    snprintf(view->table, sizeof(view->table), "mv%u", views->count);
    bytebuf_printf(&sql, "CREATE TABLE %s %s AS %s", view->table, properties, definition);
    if (fixture_run(&views->fixture, sql.data, NULL, diag) != OK)
        return false;
    arena_init(&view->arena, NULL);
    view->catalog = meta_snapshot(views->fixture.instance.store);
    planner_open(&p, views, &view->arena, view->catalog, diag);
    const CatalogTable *table = catalog_table(catalog_database(view->catalog, STR_VIEW("d")), strview(view->table));
    if (bind(&p, definition, &query) != OK || view_form_make(&p.plan, query, &view->form) != OK) {
        fprintf(stderr, "%s: %s\n", definition, diag->message);
        exit(1);
    }
    view->ordinals = ARENA_NEW_ARRAY(&view->arena, uint32_t, query->column_count + 1);
    for (uint32_t i = 0; i < query->column_count; i++) {
        int at = table_column_index(table->schema, query->columns[i].name);
        if (at < 0)
            exit(1);
        view->ordinals[i] = (uint32_t)at;
    }
    views->count++;
    return true;
}
