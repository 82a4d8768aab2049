#include "meta/privilege.h"

static const char *const names[] = {
    "GRANT", "OPERATE", "NODE", "DELETE", "DROP", "INSERT", "SELECT", "ALTER", "EXPORT", "UPDATE", "USAGE", "PLUGIN", "FILE",
    "BLACKLIST", "REPOSITORY", "REFRESH", "IMPERSONATE", "CREATE DATABASE", "CREATE TABLE", "CREATE VIEW", "CREATE FUNCTION",
    "CREATE GLOBAL FUNCTION", "CREATE MATERIALIZED VIEW", "CREATE RESOURCE", "CREATE RESOURCE GROUP", "CREATE EXTERNAL CATALOG",
    "CREATE STORAGE VOLUME", "CREATE PIPE", "CREATE WAREHOUSE", "SECURITY",
};
_Static_assert(COUNT_OF(names) == PRIVILEGES_, "a name a privilege");

typedef struct Kind {
    const char *name, *plural;
    PrivilegeSet privileges;
} Kind;

#define P(name) PRIVILEGE_BIT(name)
static const Kind kinds[] = {
    [OBJECT_SYSTEM] = {"SYSTEM", "SYSTEM",
                       P(GRANT) | P(NODE) | P(OPERATE) | P(PLUGIN) | P(FILE) | P(BLACKLIST) | P(REPOSITORY) | P(CREATE_RESOURCE) |
                           P(CREATE_RESOURCE_GROUP) | P(CREATE_EXTERNAL_CATALOG) | P(CREATE_GLOBAL_FUNCTION) |
                           P(CREATE_STORAGE_VOLUME) | P(CREATE_WAREHOUSE) | P(SECURITY)},
    [OBJECT_CATALOG] = {"CATALOG", "CATALOGS", P(USAGE) | P(CREATE_DATABASE) | P(DROP) | P(ALTER)},
    [OBJECT_DATABASE] = {"DATABASE", "DATABASES",
                         P(ALTER) | P(DROP) | P(CREATE_TABLE) | P(CREATE_VIEW) | P(CREATE_FUNCTION) | P(CREATE_MATERIALIZED_VIEW) |
                             P(CREATE_PIPE)},
    [OBJECT_TABLE] = {"TABLE", "TABLES", P(DELETE) | P(DROP) | P(INSERT) | P(SELECT) | P(ALTER) | P(EXPORT) | P(UPDATE) | P(REFRESH)},
    [OBJECT_VIEW] = {"VIEW", "VIEWS", P(SELECT) | P(ALTER) | P(DROP)},
    [OBJECT_MATERIALIZED_VIEW] = {"MATERIALIZED VIEW", "MATERIALIZED VIEWS", P(SELECT) | P(ALTER) | P(REFRESH) | P(DROP)},
    [OBJECT_FUNCTION] = {"FUNCTION", "FUNCTIONS", P(USAGE) | P(DROP)},
    [OBJECT_GLOBAL_FUNCTION] = {"GLOBAL FUNCTION", "GLOBAL FUNCTIONS", P(USAGE) | P(DROP)},
    [OBJECT_RESOURCE] = {"RESOURCE", "RESOURCES", P(USAGE) | P(ALTER) | P(DROP)},
    [OBJECT_RESOURCE_GROUP] = {"RESOURCE GROUP", "RESOURCE GROUPS", P(ALTER) | P(DROP)},
    [OBJECT_STORAGE_VOLUME] = {"STORAGE VOLUME", "STORAGE VOLUMES", P(USAGE) | P(ALTER) | P(DROP)},
    [OBJECT_WAREHOUSE] = {"WAREHOUSE", "WAREHOUSES", P(USAGE) | P(ALTER) | P(DROP)},
    [OBJECT_PIPE] = {"PIPE", "PIPES", P(USAGE) | P(ALTER) | P(DROP)},
    [OBJECT_USER] = {"USER", "USERS", P(IMPERSONATE)},
};
_Static_assert(COUNT_OF(kinds) == OBJECT_KINDS_, "a row a kind");

const char *privilege_name(Privilege privilege)
{
    return names[privilege];
}

/* Upper case and blanks for underscores; false: longer than any name. */
static bool normalize(StrView text, char out[64])
{
    if (text.length >= 64)
        return false;
    for (size_t i = 0; i < text.length; i++) {
        char c = text.data[i];
        out[i] = c == '_' ? ' ' : c >= 'a' && c <= 'z' ? (char)(c - 'a' + 'A') : c;
    }
    out[text.length] = '\0';
    return true;
}

bool privilege_parse(StrView name, Privilege *out)
{
    char text[64];
    for (uint32_t i = 0; normalize(name, text) && i < PRIVILEGES_; i++) {
        if (strcmp(text, names[i]) == 0) {
            *out = (Privilege)i;
            return true;
        }
    }
    return false;
}

const char *object_kind_name(ObjectKind kind)
{
    return kinds[kind].name;
}

const char *object_kind_plural(ObjectKind kind)
{
    return kinds[kind].plural;
}

bool object_kind_parse(StrView name, ObjectKind *out)
{
    char text[64];
    for (uint32_t i = 0; normalize(name, text) && i < OBJECT_KINDS_; i++) {
        if (strcmp(text, kinds[i].name) == 0) {
            *out = (ObjectKind)i;
            return true;
        }
    }
    return false;
}

PrivilegeSet object_kind_privileges(ObjectKind kind)
{
    return kinds[kind].privileges;
}

bool object_kind_in_database(ObjectKind kind)
{
    return kind == OBJECT_TABLE || kind == OBJECT_VIEW || kind == OBJECT_MATERIALIZED_VIEW || kind == OBJECT_FUNCTION || kind == OBJECT_PIPE;
}

void privilege_set_print(PrivilegeSet set, const char *separator, ByteBuf *out)
{
    bool is_first = true;
    for (uint32_t i = 0; i < PRIVILEGES_; i++) {
        if ((set & UINT32_C(1) << i) == 0)
            continue;
        if (!is_first)
            bytebuf_append_text(out, separator);
        bytebuf_append_text(out, names[i]);
        is_first = false;
    }
}
