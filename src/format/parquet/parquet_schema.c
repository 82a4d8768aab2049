#include "format/parquet/parquet_int.h"

/* The schema tree from the footer's list (each element followed by its children), and the types of ours.
 *
 * A list is a group of one repeated child; what is repeated is the element itself, or a group around it (three levels). A map is a
 * group of one repeated group of key and value. A repeated field outside of both is a list of its own. After this every node that
 * is ARRAY or MAP has its repeated node as its only child, and every STRUCT its fields. */

typedef struct SchemaBuild {
    ParquetFile *file;
    const SchemaElement *elements;
    uint32_t count, next;
    Diag *diag;
} SchemaBuild;

static Status damaged(const SchemaBuild *build, const char *what)
{
    return RAISE(build->diag, CORRUPT, "%s is not a Parquet file that can be read: %s", build->file->source.name, what);
}

static Status check_element(const SchemaBuild *build, const SchemaElement *e, uint32_t depth)
{
    if (depth > PARQUET_MOST_DEPTH)
        return RAISE(build->diag, LIMIT_EXCEEDED, "%s: the schema is nested more than %d levels deep", build->file->source.name, PARQUET_MOST_DEPTH);
    bool is_group = e->child_count > 0;
    if (e->child_count < 0 || (uint32_t)e->child_count > build->count - build->next)
        return damaged(build, "a group of the schema has more fields than there are");
    if (e->repetition < PARQUET_REQUIRED || e->repetition > PARQUET_REPEATED)
        return damaged(build, "a field of the schema has no known repetition");
    if (!is_group && depth > 0 && (e->physical < PARQUET_BOOLEAN || e->physical > PARQUET_FIXED))
        return damaged(build, "a field of the schema has no known type");
    if (!is_group && e->physical == PARQUET_FIXED && (e->fixed_length <= 0 || e->fixed_length > VARCHAR_MAX_BYTES))
        return damaged(build, "a field of fixed length has no length, or too great a one");
    return OK;
}

static void add_leaf(SchemaBuild *build, ParquetNode *node)
{
    ParquetFile *file = build->file;
    file->leaves[file->leaf_count++] = node;
    parquet_leaf_type(node);
}

static Status build_node(SchemaBuild *build, const ParquetNode *parent, ParquetNode *node, uint32_t depth)
{
    if (build->next >= build->count)
        return damaged(build, "the schema is cut short");
    const SchemaElement *e = &build->elements[build->next++];
    TRY(check_element(build, e, depth));
    *node = (ParquetNode){.name = e->name,
                          .child_count = (uint32_t)e->child_count,
                          .first_leaf = build->file->leaf_count,
                          .physical = (uint8_t)e->physical,
                          .repetition = (uint8_t)e->repetition,
                          .meaning = e->meaning,
                          .unit = e->unit,
                          .is_signed = e->meaning != MEANS_UNSIGNED,
                          .is_instant = e->is_instant,
                          .fixed_length = e->fixed_length,
                          .precision = e->precision,
                          .scale = e->scale,
                          .bit_width = e->bit_width};
    if (parent != NULL) {
        node->max_def = (uint8_t)(parent->max_def + (node->repetition != PARQUET_REQUIRED));
        node->max_rep = (uint8_t)(parent->max_rep + (node->repetition == PARQUET_REPEATED));
    }
    if (node->child_count == 0 && depth > 0)
        add_leaf(build, node);
    node->children = ARENA_NEW_ARRAY(&build->file->arena, ParquetNode, node->child_count);
    for (uint32_t i = 0; i < node->child_count; i++)
        TRY(build_node(build, node, &node->children[i], depth + 1));
    node->leaf_count = build->file->leaf_count - node->first_leaf;
    return OK;
}

/* ---- types ---- */

static void type_node(ParquetFile *file, ParquetNode *node);

/* The type of what is repeated, without the repetition. */
static void type_struct_node(ParquetFile *file, ParquetNode *node)
{
    Type *types = ARENA_NEW_ARRAY(&file->arena, Type, node->child_count);
    StrView *names = ARENA_NEW_ARRAY(&file->arena, StrView, node->child_count);
    for (uint32_t i = 0; i < node->child_count; i++) {
        types[i] = node->children[i].type;
        names[i] = node->children[i].name;
        if (types[i].kind == TYPE_NULL)
            node->problem = node->children[i].problem;
    }
    if (node->problem == NULL)
        node->type = type_struct(&file->arena, types, names, node->child_count);
}

/* Is the repeated group the element itself, or only something around it? By what writers have done. */
static bool is_element(const ParquetNode *list, const ParquetNode *repeated)
{
    if (repeated->child_count != 1 || repeated->children[0].repetition == PARQUET_REPEATED)
        return true;
    if (strview_is(repeated->name, "array"))
        return true;
    return repeated->name.length == list->name.length + 6 && strview_starts_with(repeated->name, list->name) &&
           strview_ends_with(repeated->name, STR_VIEW("_tuple"));
}

static void type_list_node(ParquetFile *file, ParquetNode *node)
{
    ParquetNode *repeated = &node->children[0];
    if (node->child_count != 1 || repeated->repetition != PARQUET_REPEATED) {
        node->problem = "it is marked as a list, and is not one";
        return;
    }
    bool is_leaf = repeated->child_count == 0;
    if (!is_leaf && is_element(node, repeated)) {
        /* The element may be a list or map itself, in two levels. */
        repeated->repetition = PARQUET_REQUIRED;
        type_node(file, repeated);
        repeated->repetition = PARQUET_REPEATED;
    } else if (!is_leaf) {
        type_node(file, &repeated->children[0]);
        repeated->type = repeated->children[0].type;
        repeated->problem = repeated->children[0].problem;
        repeated->is_wrapper = true;
    }
    node->problem = repeated->problem;
    if (node->problem == NULL)
        node->type = type_array(&file->arena, repeated->type);
}

static void type_map_node(ParquetFile *file, ParquetNode *node)
{
    ParquetNode *entry = &node->children[0];
    if (node->child_count != 1 || entry->repetition != PARQUET_REPEATED || entry->child_count != 2) {
        node->problem = "it is marked as a map, and is not one";
        return;
    }
    for (uint32_t i = 0; i < 2; i++) {
        type_node(file, &entry->children[i]);
        if (entry->children[i].problem != NULL)
            node->problem = entry->children[i].problem;
    }
    if (node->problem == NULL && type_is_nested(entry->children[0].type))
        node->problem = "the keys of the map are nested";
    if (node->problem == NULL)
        node->type = type_map(&file->arena, entry->children[0].type, entry->children[1].type);
}

/* A repeated field by itself: an array whose elements are the field. Only where a list or map does not give it its sense. */
static void type_bare_repetition(ParquetFile *file, ParquetNode *node)
{
    node->is_bare = true;
    if (node->problem == NULL)
        node->type = type_array(&file->arena, node->type);
}

static void type_node(ParquetFile *file, ParquetNode *node)
{
    if (node->child_count > 0 && node->meaning == MEANS_LIST) {
        type_list_node(file, node);
    } else if (node->child_count > 0 && node->meaning == MEANS_MAP) {
        type_map_node(file, node);
    } else if (node->child_count > 0) {
        for (uint32_t i = 0; i < node->child_count; i++)
            type_node(file, &node->children[i]);
        type_struct_node(file, node);
    }
    if (node->repetition == PARQUET_REPEATED)
        type_bare_repetition(file, node);
}

Status parquet_build_schema(ParquetFile *file, const SchemaElement *elements, uint32_t count, Diag *diag)
{
    SchemaBuild build = {file, elements, count, 0, diag};
    file->leaves = ARENA_NEW_ARRAY(&file->arena, const ParquetNode *, count);
    TRY(build_node(&build, NULL, &file->root, 0));
    if (build.next != count)
        return damaged(&build, "the schema has more fields than its groups");
    for (uint32_t i = 0; i < file->root.child_count; i++)
        type_node(file, &file->root.children[i]);
    return OK;
}
