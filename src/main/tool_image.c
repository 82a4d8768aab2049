#include "main/tools.h"

/* merak image list | inspect | verify | dump: images of the newest incarnation, read as a start would. */

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/log.h"
#include "codec/json_text.h"
#include "meta/catalog_text.h"
#include "meta/checkpoint.h"
#include "meta/image.h"
#include "meta/image_place.h"
#include "meta/incarnation.h"

typedef struct ImageTool {
    const ToolArguments *arguments;
    Volume *volume;
    Diag *diag;
    uint64_t incarnation;
    int (*visit)(struct ImageTool *tool, uint64_t entry_id, const char *path, StrView bytes);
} ImageTool;

static void print_time(int64_t time_us)
{
    char text[32];
    time_t seconds = (time_t)(time_us / 1000000);
    struct tm parts;
    gmtime_r(&seconds, &parts);
    strftime(text, sizeof(text), "%Y-%m-%d %H:%M:%S", &parts);
    printf("%s", text);
}

static int list_one(ImageTool *tool, uint64_t entry_id, const char *path, StrView bytes)
{
    ImageHead head;
    Diag trouble = {0};
    bool is_good = image_read_head(bytes, path, &trouble, &head) == OK;
    (void)tool;
    printf("%" PRIu64 "\t", entry_id);
    if (is_good)
        print_time(head.time_us);
    else
        printf("damaged");
    printf("\t%zu\t%s\n", bytes.length, path);
    return EXIT_SUCCESS;
}

static int inspect_one(ImageTool *tool, uint64_t entry_id, const char *path, StrView bytes)
{
    ImageHead head;
    (void)entry_id;
    if (image_read_head(bytes, path, tool->diag, &head) != OK)
        return EXIT_FAILURE;
    printf("object       %s\nentry        %" PRIu64 "\nincarnation  %" PRIu64 "\nmade         ", path, head.entry_id, head.incarnation);
    print_time(head.time_us);
    printf(" UTC\njournal      goes on at sequence %" PRIu64 "\nbytes        %zu\nchecksum     %u\n", head.next_sequence, bytes.length,
           image_checksum(bytes));
    /* the footer is the line before the last one */
    size_t end = bytes.length - 1;
    for (int lines = 0; end > 0 && lines < 2; end--)
        lines += bytes.data[end - 1] == '\n';
    StrView footer = strview_n(bytes.data + end + 1, bytes.length - end - 1), blocks = {0}, key, block;
    size_t at = 0, position = 0;
    while (json_next_member(footer, &at, &key, &block)) {
        if (strview_is(key, "blocks"))
            blocks = block;
    }
    printf("blocks\n");
    while (json_next_element(blocks, &position, &block))
        printf("  %.*s\n", SV_ARGS(block));
    return EXIT_SUCCESS;
}

static bool has_right_place(const ImageTool *tool, const ImageHead *head, StrView bytes)
{
    char path[IMAGE_PATH_BYTES];
    AUTO_BYTEBUF text = {0};
    Diag unused = {0};
    image_path(path, tool->incarnation, "checksum", head->entry_id);
    if (volume_get(tool->volume, path, &text, &unused) != OK)
        return true; /* the image has checksums of its own */
    if (image_place_matches(bytebuf_view(&text), &(ImagePlace){image_checksum(bytes), head->next_sequence, head->time_us}))
        return true;
    printf("DAMAGED  \"%s\" does not say what the image does\n", path);
    return false;
}

static int verify_one(ImageTool *tool, uint64_t entry_id, const char *path, StrView bytes)
{
    ImageContent content CLEANUP(image_content_deinit);
    Diag trouble = {0};
    image_content_init(&content);
    if (image_read(bytes, path, &trouble, &content) != OK) {
        printf("DAMAGED  %s\n", trouble.message);
        return EXIT_FAILURE;
    }
    if (content.head.entry_id != entry_id || content.head.incarnation != tool->incarnation) {
        printf("DAMAGED  %s: it is of incarnation %" PRIu64 ", entry %" PRIu64 "\n", path, content.head.incarnation, content.head.entry_id);
        return EXIT_FAILURE;
    }
    if (!has_right_place(tool, &content.head, bytes))
        return EXIT_FAILURE;
    printf("good     %s\n", path);
    return EXIT_SUCCESS;
}

static void print_quoted(const char *key, StrView text)
{
    AUTO_BYTEBUF quoted = {0};
    json_quote(text, &quoted);
    printf("\"%s\":%s", key, quoted.data);
}

static void dump_table(const CatalogDatabase *database, const CatalogTable *table, bool is_ddl)
{
    AUTO_BYTEBUF text = {0};
    catalog_print_create(table, &text);
    if (is_ddl) {
        printf("USE `%.*s`;\n%s\n\n", SV_ARGS(database->name), text.data);
        return;
    }
    printf("{");
    print_quoted("database", database->name);
    printf(",");
    print_quoted("table", table->name);
    printf(",\"id\":%" PRIu64 ",\"rows\":%" PRIu64 ",\"bytes\":%" PRIu64 ",", table->id, table_row_count(table), table_byte_count(table));
    print_quoted("ddl", bytebuf_view(&text));
    printf(",\"partitions\":[");
    for (uint32_t p = 0; p < table->partition_count; p++) {
        const CatalogPartition *partition = table->partitions[p];
        printf(p == 0 ? "{" : ",{");
        print_quoted("name", partition->name);
        printf(",\"id\":%" PRIu64 ",\"visible_version\":%" PRIu64 ",\"data_version\":%" PRIu64 ",\"tablets\":%u,\"rows\":%" PRIu64 "}", partition->id,
               partition->visible_version, partition->data_version, partition->tablet_count, partition_row_count(partition));
    }
    printf("]}\n");
}

static void dump_record(void *context, StrView key, StrView value)
{
    printf("{");
    print_quoted("module", strview(context));
    printf(",");
    print_quoted("key", key);
    printf(",");
    print_quoted("value", value);
    printf("}\n");
}

static int dump_one(ImageTool *tool, uint64_t entry_id, const char *path, StrView bytes)
{
    ImageContent content CLEANUP(image_content_deinit);
    bool is_ddl = tool->arguments->format != NULL && strcmp(tool->arguments->format, "ddl") == 0;
    (void)entry_id;
    image_content_init(&content);
    if (image_read(bytes, path, tool->diag, &content) != OK)
        return EXIT_FAILURE;
    for (uint32_t d = 0; d < content.catalog->database_count; d++) {
        const CatalogDatabase *database = content.catalog->databases[d];
        if (is_ddl)
            printf("CREATE DATABASE `%.*s`;\n\n", SV_ARGS(database->name));
        for (uint32_t t = 0; t < catalog_table_count(database); t++)
            dump_table(database, catalog_table_at(database, t), is_ddl);
    }
    for (uint32_t i = 0; !is_ddl && catalog_record_module(content.catalog, i).data != NULL; i++) {
        StrView module = catalog_record_module(content.catalog, i);
        char *name = arena_strndup(&content.arena, module.data, module.length);
        catalog_each_record(content.catalog, name, dump_record, name);
    }
    return EXIT_SUCCESS;
}

/* One image, or all of them; "image.N", N and the object's path name one. */
static int run(ImageTool *tool, bool takes_all)
{
    AUTO_ARENA arena;
    arena_init(&arena, NULL);
    uint64_t *entries = NULL;
    uint32_t count = 0;
    int code = EXIT_SUCCESS;
    if (image_list(tool->volume, tool->incarnation, &arena, tool->diag, &entries, &count) != OK)
        return EXIT_FAILURE;
    const char *wanted = tool->arguments->positional;
    const char *dot = wanted == NULL ? NULL : strrchr(wanted, '.');
    uint64_t number = wanted == NULL ? 0 : strtoull(dot == NULL ? wanted : dot + 1, NULL, 10);
    uint32_t visited = 0;
    for (uint32_t i = 0; i < count; i++) {
        char path[IMAGE_PATH_BYTES];
        AUTO_BYTEBUF bytes = {0};
        if ((wanted != NULL && entries[i] != number) || (wanted == NULL && !takes_all && i > 0))
            continue;
        image_path(path, tool->incarnation, "image", entries[i]);
        if (volume_get(tool->volume, path, &bytes, tool->diag) != OK)
            return EXIT_FAILURE;
        visited++;
        if (tool->visit(tool, entries[i], path, bytebuf_view(&bytes)) != EXIT_SUCCESS)
            code = EXIT_FAILURE;
    }
    if (visited == 0 && (wanted != NULL || !takes_all))
        status_ignore(RAISE(tool->diag, NO_SUCH_OBJECT, "there is no image%s%s in volume '%s'", wanted == NULL ? "" : " ",
                            wanted == NULL ? "" : wanted, tool->arguments->volume_url));
    return code;
}

int tool_image(const char *verb, const ToolArguments *arguments, Diag *diag)
{
    static const struct {
        const char *verb;
        bool takes_all;
        int (*visit)(ImageTool *tool, uint64_t entry_id, const char *path, StrView bytes);
    } VERBS[] = {{"list", true, list_one}, {"inspect", false, inspect_one}, {"verify", true, verify_one}, {"dump", false, dump_one}};
    Incarnation newest;
    for (size_t i = 0; i < sizeof(VERBS) / sizeof(VERBS[0]); i++) {
        if (strcmp(VERBS[i].verb, verb) != 0)
            continue;
        ImageTool tool = {.arguments = arguments, .diag = diag, .visit = VERBS[i].visit};
        if (tool_open_volume(arguments, arguments->volume_url, false, diag, &tool.volume) != OK)
            return EXIT_FAILURE;
        int code = EXIT_FAILURE;
        if (incarnation_newest(tool.volume, diag, &newest) == OK) {
            tool.incarnation = newest.number;
            code = run(&tool, VERBS[i].takes_all);
        }
        volume_close(tool.volume);
        return code;
    }
    status_ignore(RAISE(diag, BAD_VALUE, "merak image has no '%s': list, inspect, verify, dump", verb));
    return EXIT_FAILURE;
}
