#include "main/tools.h"

/* merak upgrade-check: can this binary run that cluster? Image and journal, of a volume or of a meta directory that was carried
 * away, are read as a start would, without writing; every view is bound, and every storage volume that holds something is opened. */

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "analyze/analyze.h"
#include "base/environment.h"
#include "main/cluster_restore.h"
#include "main/version.h"
#include "meta/meta_dir.h"
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

/* ---- storage volumes ---- */

typedef struct VolumeCheck {
    Volume *home;
    Arena arena;
    ARRAY_OF(uint32_t) seen;
    uint32_t lost;
} VolumeCheck;

static void check_volume(void *context, const SegmentRef *segment)
{
    VolumeCheck *check = context;
    Volume *volume;
    Diag trouble = {0};
    for (uint32_t i = 0; i < check->seen.count; i++) {
        if (check->seen.items[i] == segment->volume_id)
            return;
    }
    ARRAY_PUSH(&check->arena, &check->seen, segment->volume_id);
    if (volume_by_id(check->home, segment->volume_id, &trouble, &volume) == OK)
        return;
    check->lost++;
    printf("%s\n", trouble.message);
}

/* Storage volumes that hold something and can't be reached from here. */
static uint32_t check_volumes(const ToolArguments *arguments, Volume *home, MetaStore *store, const CatalogSnapshot *catalog)
{
    VolumeCheck check = {.home = home};
    OtherVolumesOptions options = config_volumes(arguments->config);
    options.store = store;
    options.home = home;
    options.catalog = catalog;
    options.makes_nothing = true;
    arena_init(&check.arena, NULL);
    OtherVolumes *others = other_volumes_open(&options);
    catalog_each_segment(catalog, check_volume, &check);
    other_volumes_close(others);
    arena_deinit(&check.arena);
    return check.lost;
}

/* ---- the command ---- */

static Status open_state(const ToolArguments *arguments, Diag *diag, Volume **out_volume)
{
    Volume *directory;
    MetaDirState found;
    if (arguments->meta_dir == NULL)
        return tool_open_volume(arguments, arguments->volume_url, false, diag, out_volume);
    TRY(tool_open_directory(arguments->meta_dir, diag, &directory));
    *out_volume = volume_open_memory(environment_real());
    Status status = meta_dir_look(directory, diag, &found);
    if (status == OK && found.incarnation.number == 0)
        status = RAISE(diag, NO_SUCH_OBJECT, "there is no metadata in meta directory '%s'", arguments->meta_dir);
    if (status == OK)
        status = meta_dir_copy(directory, *out_volume, diag);
    volume_close(directory);
    if (status != OK)
        volume_close(*out_volume);
    return status;
}

static Status check_store(const ToolArguments *arguments, Volume *volume, MetaStore *store, CatalogSnapshot **in_out_catalog,
                          bool *out_is_good, Diag *diag)
{
    uint32_t views, tables;
    TRY(tool_move_volumes(arguments, in_out_catalog, diag));
    const CatalogSnapshot *catalog = *in_out_catalog;
    uint32_t broken = check_views(catalog, &views, &tables), lost = check_volumes(arguments, volume, store, catalog);
    printf("merak %s reads this cluster: incarnation %" PRIu64 ", entry %" PRIu64 ", %u databases, %u tables, %u views", MERAK_VERSION,
           meta_incarnation(store), meta_journal_entries(store), catalog->database_count, tables, views);
    printf(broken == 0 ? "; all of them bind\n" : "; %u of them do not bind\n", broken);
    if (lost > 0)
        printf("%u storage volumes can't be opened\n", lost);
    *out_is_good = broken == 0 && lost == 0;
    return OK;
}

static Status check_all(const ToolArguments *arguments, Volume *volume, bool *out_is_good, Diag *diag)
{
    MetaStore *store;
    if (meta_store_open_as(volume, &(MetaOpen){.is_read_only = true}, diag, &store) != OK) {
        diag_add_context(diag, "merak %s can't run this cluster", MERAK_VERSION);
        return diag->code;
    }
    CatalogSnapshot *catalog = meta_snapshot(store);
    Status status = check_store(arguments, volume, store, &catalog, out_is_good, diag);
    catalog_unref(catalog);
    meta_store_close(store);
    return status;
}

int tool_upgrade_check(const ToolArguments *arguments, Diag *diag)
{
    Volume *volume;
    bool is_good = false;
    if (arguments->meta_dir != NULL && arguments->volume_url != NULL) {
        status_ignore(RAISE(diag, BAD_VALUE, "only one of --volume and --meta-dir can be given"));
        return EXIT_FAILURE;
    }
    if (open_state(arguments, diag, &volume) != OK)
        return EXIT_FAILURE;
    Status status = check_all(arguments, volume, &is_good, diag);
    volume_close(volume);
    return status == OK && is_good ? EXIT_SUCCESS : EXIT_FAILURE;
}
