#include "main/tools.h"

/* merak upgrade-check: can this binary run that cluster? Image and journal are read as a start would, without writing,
 * and every view is bound. */

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "analyze/analyze.h"
#include "main/version.h"
#include "meta/store.h"
#include "sql/parser.h"

static bool is_system(const CatalogSnapshot *catalog, const Diag *diag)
{
    (void)catalog;
    return strstr(diag->message, "information_schema") != NULL || strstr(diag->message, "'sys'") != NULL;
}

/* True: it binds. */
static bool check_view(const CatalogSnapshot *catalog, const CatalogDatabase *database, const CatalogTable *view)
{
    AUTO_ARENA arena;
    Diag trouble = {0};
    BoundQuery *bound;
    AstStatements statements = {0};
    arena_init(&arena, NULL);
    FuncSession session = {.zone_offset_us = 0};
    AnalyzeContext context = {.arena = &arena, .diag = &trouble, .catalog = catalog, .session = &session,
                              .database = view->schema->view_database};
    Status status = sql_parse(view->schema->view_sql, NULL, &arena, &trouble, &statements);
    if (status == OK && statements.count == 1 && statements.items[0]->kind == AST_STATEMENT_QUERY)
        status = analyze_query(&context, statements.items[0]->query, view->schema->view_sql, &bound);
    if (status == OK || is_system(catalog, &trouble)) /* those are the server's own */
        return true;
    printf("view `%.*s`.`%.*s`: %s\n", SV_ARGS(database->name), SV_ARGS(view->name), trouble.message);
    return false;
}

static uint32_t check_views(const CatalogSnapshot *catalog, uint32_t *out_views, uint32_t *out_tables)
{
    uint32_t broken = 0;
    *out_views = *out_tables = 0;
    for (uint32_t d = 0; d < catalog->database_count; d++) {
        const CatalogDatabase *database = catalog->databases[d];
        for (uint32_t t = 0; t < catalog_table_count(database); t++) {
            const CatalogTable *table = catalog_table_at(database, t);
            if (table->schema->view_sql.length == 0) {
                ++*out_tables;
                continue;
            }
            ++*out_views;
            broken += !check_view(catalog, database, table);
        }
    }
    return broken;
}

int tool_upgrade_check(const ToolArguments *arguments, Diag *diag)
{
    Volume *volume;
    MetaStore *store;
    uint32_t views, tables;
    if (tool_open_volume(arguments, arguments->volume_url, false, diag, &volume) != OK)
        return EXIT_FAILURE;
    if (meta_store_open_as(volume, &(MetaOpen){.is_read_only = true}, diag, &store) != OK) {
        diag_add_context(diag, "merak %s can't run this cluster", MERAK_VERSION);
        volume_close(volume);
        return EXIT_FAILURE;
    }
    CatalogSnapshot *catalog = meta_snapshot(store);
    uint32_t broken = check_views(catalog, &views, &tables);
    printf("merak %s reads this cluster: incarnation %" PRIu64 ", entry %" PRIu64 ", %u databases, %u tables, %u views", MERAK_VERSION,
           meta_incarnation(store), meta_journal_entries(store), catalog->database_count, tables, views);
    printf(broken == 0 ? "; all of them bind\n" : "; %u of them do not bind\n", broken);
    catalog_unref(catalog);
    meta_store_close(store);
    volume_close(volume);
    return broken == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
