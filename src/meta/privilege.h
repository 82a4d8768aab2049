#pragma once
/* The words of access control: kinds of objects, privileges, and which privileges each kind knows. Sets of
 * privileges are bit masks; records and messages have them by name. */

#include "base/bytes.h"

typedef enum ObjectKind {
    OBJECT_SYSTEM,
    OBJECT_CATALOG,
    OBJECT_DATABASE,
    OBJECT_TABLE,
    OBJECT_VIEW,
    OBJECT_MATERIALIZED_VIEW,
    OBJECT_FUNCTION,
    OBJECT_GLOBAL_FUNCTION,
    OBJECT_RESOURCE,
    OBJECT_RESOURCE_GROUP,
    OBJECT_STORAGE_VOLUME,
    OBJECT_WAREHOUSE,
    OBJECT_PIPE,
    OBJECT_USER,
    OBJECT_KINDS_,
} ObjectKind;

/* The order is the one in which SHOW GRANTS names them. */
typedef enum Privilege {
    PRIVILEGE_GRANT,
    PRIVILEGE_OPERATE,
    PRIVILEGE_NODE,
    PRIVILEGE_DELETE,
    PRIVILEGE_DROP,
    PRIVILEGE_INSERT,
    PRIVILEGE_SELECT,
    PRIVILEGE_ALTER,
    PRIVILEGE_EXPORT,
    PRIVILEGE_UPDATE,
    PRIVILEGE_USAGE,
    PRIVILEGE_PLUGIN,
    PRIVILEGE_FILE,
    PRIVILEGE_BLACKLIST,
    PRIVILEGE_REPOSITORY,
    PRIVILEGE_REFRESH,
    PRIVILEGE_IMPERSONATE,
    PRIVILEGE_CREATE_DATABASE,
    PRIVILEGE_CREATE_TABLE,
    PRIVILEGE_CREATE_VIEW,
    PRIVILEGE_CREATE_FUNCTION,
    PRIVILEGE_CREATE_GLOBAL_FUNCTION,
    PRIVILEGE_CREATE_MATERIALIZED_VIEW,
    PRIVILEGE_CREATE_RESOURCE,
    PRIVILEGE_CREATE_RESOURCE_GROUP,
    PRIVILEGE_CREATE_EXTERNAL_CATALOG,
    PRIVILEGE_CREATE_STORAGE_VOLUME,
    PRIVILEGE_CREATE_PIPE,
    PRIVILEGE_CREATE_WAREHOUSE,
    PRIVILEGE_SECURITY,
    PRIVILEGES_,
} Privilege;

typedef uint32_t PrivilegeSet;
#define PRIVILEGE_BIT(name) (UINT32_C(1) << PRIVILEGE_##name)
#define PRIVILEGE_ANY UINT32_MAX /* whichever there is */

const char *privilege_name(Privilege privilege);          /* "CREATE TABLE" */
bool privilege_parse(StrView name, Privilege *out);       /* any case, _ for blanks too */
const char *object_kind_name(ObjectKind kind);            /* "MATERIALIZED VIEW" */
const char *object_kind_plural(ObjectKind kind);          /* "MATERIALIZED VIEWS" */
bool object_kind_parse(StrView name, ObjectKind *out);
PrivilegeSet object_kind_privileges(ObjectKind kind);     /* that can be granted on it */
/* Is the object one of a database: TABLE, VIEW, MATERIALIZED VIEW, FUNCTION, PIPE? */
bool object_kind_in_database(ObjectKind kind);
/* "SELECT, INSERT": names with the separator between them. */
void privilege_set_print(PrivilegeSet set, const char *separator, ByteBuf *out);
