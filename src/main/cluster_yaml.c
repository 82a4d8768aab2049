#include "main/cluster_yaml.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <yaml.h>

enum { MOST_BYTES = 1 << 20, MOST_ITEMS = 1024 };

typedef struct Reader {
    yaml_document_t document;
    const char *name;
    Arena *arena;
    Diag *diag;
} Reader;

/* ---- the tree ---- */

static Status malformed(const Reader *reader, const yaml_node_t *node, const char *what)
{
    return RAISE(reader->diag, BAD_CONFIG, "%s, line %zu: %s", reader->name, node == NULL ? (size_t)1 : node->start_mark.line + 1, what);
}

static const char *text_of(const Reader *reader, const yaml_node_t *node)
{
    return arena_strndup(reader->arena, (const char *)node->data.scalar.value, node->data.scalar.length);
}

/* NULL: the mapping has no such key. */
static yaml_node_t *member(Reader *reader, const yaml_node_t *mapping, const char *key)
{
    for (const yaml_node_pair_t *pair = mapping->data.mapping.pairs.start; pair < mapping->data.mapping.pairs.top; pair++) {
        const yaml_node_t *name = yaml_document_get_node(&reader->document, pair->key);
        if (name != NULL && name->type == YAML_SCALAR_NODE && strcmp((const char *)name->data.scalar.value, key) == 0)
            return yaml_document_get_node(&reader->document, pair->value);
    }
    return NULL;
}

static Status need_text(Reader *reader, const yaml_node_t *mapping, const char *key, const char *missing, const char **out)
{
    const yaml_node_t *node = member(reader, mapping, key);
    *out = missing;
    if (node != NULL && node->type == YAML_SCALAR_NODE)
        *out = text_of(reader, node);
    else if (node != NULL || missing == NULL)
        return malformed(reader, mapping, arena_printf(reader->arena, "'%s' is needed, as a text", key));
    return OK;
}

static Status read_port(Reader *reader, const yaml_node_t *mapping, const char *key, uint32_t *out)
{
    const char *text;
    char *end;
    TRY(need_text(reader, mapping, key, NULL, &text));
    unsigned long value = strtoul(text, &end, 10);
    if (*text == '\0' || *end != '\0' || value == 0 || value > UINT16_MAX)
        return malformed(reader, mapping, arena_printf(reader->arena, "'%s' is not a port", key));
    *out = (uint32_t)value;
    return OK;
}

typedef Status (*ReadItem)(Reader *reader, const yaml_node_t *item, ClusterYaml *out);

/* A list of mappings, which may be absent or empty. */
static Status read_list(Reader *reader, const yaml_node_t *list, const char *what, ReadItem read, ClusterYaml *out)
{
    if (list == NULL || (list->type == YAML_SCALAR_NODE && list->data.scalar.length == 0))
        return OK;
    if (list->type != YAML_SEQUENCE_NODE || list->data.sequence.items.top - list->data.sequence.items.start > MOST_ITEMS)
        return malformed(reader, list, arena_printf(reader->arena, "'%s' is not a list", what));
    for (const yaml_node_item_t *at = list->data.sequence.items.start; at < list->data.sequence.items.top; at++) {
        const yaml_node_t *item = yaml_document_get_node(&reader->document, *at);
        if (item == NULL || item->type != YAML_MAPPING_NODE)
            return malformed(reader, item, arena_printf(reader->arena, "an item of '%s' is not a mapping", what));
        TRY(read(reader, item, out));
    }
    return OK;
}

/* ---- what is in it ---- */

static Status read_frontend(Reader *reader, const yaml_node_t *item, ClusterYaml *out)
{
    YamlFrontend frontend = {0};
    const char *type;
    TRY(need_text(reader, item, "host", NULL, &frontend.host));
    TRY(read_port(reader, item, "edit_log_port", &frontend.edit_log_port));
    TRY(need_text(reader, item, "type", "follower", &type));
    frontend.is_observer = strcasecmp(type, "observer") == 0;
    if (!frontend.is_observer && strcasecmp(type, "follower") != 0)
        return malformed(reader, item, "a frontend's 'type' is follower or observer");
    ARRAY_PUSH(reader->arena, &out->frontends, frontend);
    return OK;
}

static Status read_compute_node(Reader *reader, const yaml_node_t *item, ClusterYaml *out)
{
    const char *host;
    uint32_t port;
    (void)out;
    TRY(need_text(reader, item, "host", NULL, &host));
    return read_port(reader, item, "heartbeat_service_port", &port);
}

static Status read_property(Reader *reader, const yaml_node_t *item, ClusterYaml *out)
{
    const char *key, *value;
    VolumeMove *volume = &out->volumes.items[out->volumes.count - 1];
    TRY(need_text(reader, item, "key", NULL, &key));
    TRY(need_text(reader, item, "value", NULL, &value));
    Property *grown = ARENA_NEW_ARRAY(reader->arena, Property, volume->property_count + 1);
    if (volume->property_count > 0)
        memcpy(grown, volume->properties, volume->property_count * sizeof(*grown));
    grown[volume->property_count++] = (Property){strview(key), strview(value)};
    volume->properties = grown;
    return OK;
}

static Status read_volume(Reader *reader, const yaml_node_t *item, ClusterYaml *out)
{
    const char *name, *type, *location, *comment;
    TRY(need_text(reader, item, "name", NULL, &name));
    TRY(need_text(reader, item, "type", "", &type));
    TRY(need_text(reader, item, "location", NULL, &location));
    TRY(need_text(reader, item, "comment", "", &comment));
    StrView kind = strcasecmp(type, "S3") == 0 ? STR_VIEW("S3") : strcasecmp(type, "LOCAL") == 0 ? STR_VIEW("LOCAL") : STR_VIEW("");
    if (kind.length == 0 && *type != '\0')
        return malformed(reader, item, "a storage volume's 'type' is S3 or LOCAL");
    VolumeMove move = {.name = strview(name), .type = kind, .location = strview(location), .comment = strview(comment)};
    ARRAY_PUSH(reader->arena, &out->volumes, move);
    return read_list(reader, member(reader, item, "properties"), "properties", read_property, out);
}

/* "<home>/meta", "<home>/meta/image/<name>", "<home>/meta/<k>/snapshot/<id>.image" */
static void split_path(Reader *reader, const char *path, ClusterYaml *out)
{
    size_t length = strlen(path);
    const char *meta = NULL;
    while (length > 0 && path[length - 1] == '/')
        length--;
    for (const char *at = strstr(path, "/meta"); at != NULL; at = strstr(at + 1, "/meta"))
        meta = at[5] == '/' || at[5] == '\0' ? at : meta;
    out->snapshot = "";
    if (meta == NULL) {
        out->home = arena_strndup(reader->arena, path, length);
        return;
    }
    out->home = arena_strndup(reader->arena, path, (size_t)(meta - path));
    const char *end = path + length, *rest = meta + strlen("/meta");
    if (rest < end)
        out->snapshot = arena_strndup(reader->arena, rest + 1, (size_t)(end - rest - 1));
    if (strncmp(out->snapshot, "image/", strlen("image/")) == 0)
        out->snapshot += strlen("image/");
}

static Status read_document(Reader *reader, ClusterYaml *out)
{
    const yaml_node_t *root = yaml_document_get_root_node(&reader->document);
    const char *path;
    if (root == NULL || root->type != YAML_MAPPING_NODE)
        return malformed(reader, root, "the file is not a mapping");
    const yaml_node_t *snapshot = member(reader, root, "cluster_snapshot");
    if (snapshot == NULL || snapshot->type != YAML_MAPPING_NODE)
        return malformed(reader, root, "'cluster_snapshot' is needed, as a mapping");
    TRY(need_text(reader, snapshot, "cluster_snapshot_path", NULL, &path));
    TRY(need_text(reader, snapshot, "storage_volume_name", "", &out->volume_name));
    split_path(reader, path, out);
    TRY(read_list(reader, member(reader, root, "frontends"), "frontends", read_frontend, out));
    TRY(read_list(reader, member(reader, root, "compute_nodes"), "compute_nodes", read_compute_node, out));
    return read_list(reader, member(reader, root, "storage_volumes"), "storage_volumes", read_volume, out);
}

Status cluster_yaml_read(StrView text, const char *name, Arena *arena, Diag *diag, ClusterYaml *out)
{
    yaml_parser_t parser;
    Reader reader = {.name = name, .arena = arena, .diag = diag};
    *out = (ClusterYaml){0};
    if (text.length > MOST_BYTES)
        return RAISE(diag, BAD_CONFIG, "%s is longer than %d bytes", name, MOST_BYTES);
    if (text.length == 0) /* which the parser does not take */
        return RAISE(diag, BAD_CONFIG, "%s is empty", name);
    if (yaml_parser_initialize(&parser) == 0)
        return RAISE(diag, MEMORY_LIMIT, "there is no memory to read %s", name);
    yaml_parser_set_input_string(&parser, (const unsigned char *)text.data, text.length);
    Status status = OK;
    if (yaml_parser_load(&parser, &reader.document) == 0) {
        status = RAISE(diag, BAD_CONFIG, "%s, line %zu: %s", name, parser.problem_mark.line + 1,
                       parser.problem == NULL ? "malformed" : parser.problem);
    } else {
        status = read_document(&reader, out);
        yaml_document_delete(&reader.document);
    }
    yaml_parser_delete(&parser);
    return status;
}

static Status read_file(const char *path, Diag *diag, ByteBuf *out)
{
    char piece[4096];
    FILE *file = fopen(path, "re");
    if (file == NULL)
        return RAISE(diag, BAD_CONFIG, "cannot read %s: %m", path);
    for (size_t n; (n = fread(piece, 1, sizeof(piece), file)) > 0;)
        bytebuf_append(out, piece, n);
    fclose(file);
    return OK;
}

Status cluster_yaml_load(const char *path, Arena *arena, Diag *diag, ByteBuf *out_text, ClusterYaml *out)
{
    TRY(read_file(path, diag, out_text));
    return cluster_yaml_read(bytebuf_view(out_text), path, arena, diag, out);
}
