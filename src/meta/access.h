#pragma once
/* Users, roles and what they may: the catalog records of the modules "user" (key 'name'@'host') and "role" (key: the
 * name), decoded.
 *
 * An AccessModel is one decoded state, counted and never changed; the cache keeps the one of the newest records, so
 * that a statement costs two look-ups of pointers. The built-in roles and user root are in every model; what is
 * recorded about root is added to them. Any thread.
 *
 * AccessRights are what one session may: the privileges of its user, its active roles, the roles that these were
 * granted, and public. */

#include "base/status.h"
#include "meta/catalog.h"
#include "meta/privilege.h"

/* Ids of the databases that are not in the catalog. */
enum { ACCESS_ID_INFORMATION_SCHEMA = 1, ACCESS_ID_SYS = 2, ACCESS_ID_STATISTICS = 3 };

typedef struct Grant {
    uint8_t kind;          /* ObjectKind */
    PrivilegeSet privileges, grantable; /* grantable: WITH GRANT OPTION, part of privileges */
    uint64_t database_id;  /* of DATABASE and objects in one; 0: all */
    uint64_t object_id;    /* of tables and views; 0: all, or named */
    StrView name;          /* of other objects; empty: all */
} Grant;

typedef struct GrantList {
    Grant *items;
    uint32_t count, capacity;
} GrantList;

typedef struct NameList {
    StrView *items;
    uint32_t count, capacity;
} NameList;

typedef struct PropertyList {
    Property *items;
    uint32_t count, capacity;
} PropertyList;

typedef enum AuthPlugin { AUTH_NATIVE, AUTH_CACHING_SHA2 } AuthPlugin;
const char *auth_plugin_name(AuthPlugin plugin); /* MYSQL_NATIVE_PASSWORD */
typedef enum DefaultRoles { DEFAULT_ROLES_LIST, DEFAULT_ROLES_ALL } DefaultRoles;

typedef struct AccessUser {
    StrView identity;   /* 'name'@'host' */
    StrView name, host; /* host: a pattern of LIKE */
    uint8_t plugin;     /* AuthPlugin */
    StrView password;   /* as its plugin stores it; empty: none */
    NameList roles, default_roles;
    uint8_t default_mode; /* DefaultRoles */
    GrantList grants;
    PropertyList properties;
    StrView comment;
} AccessUser;

typedef struct AccessRole {
    StrView name;
    StrView comment;
    bool is_builtin;
    NameList roles; /* granted to it */
    GrantList grants;
} AccessRole;

typedef struct AccessModel {
    _Atomic uint32_t references;
    Arena arena;
    AccessUser *users; /* sorted by identity */
    uint32_t user_count;
    AccessRole *roles; /* the built-in ones, then sorted by name */
    uint32_t role_count;
    const void *user_node, *role_node; /* counted; which records it was read from */
} AccessModel;

/* Decodes the snapshot's records. The caller unrefs it. */
AccessModel *access_model_read(const CatalogSnapshot *snapshot);
AccessModel *access_model_ref(AccessModel *model);
void access_model_unref(AccessModel *model);
const AccessUser *access_user(const AccessModel *model, StrView name, StrView host); /* exactly that identity; NULL: none */
/* Who logs in with the name from the host: the most specific pattern. */
const AccessUser *access_user_at(const AccessModel *model, StrView name, StrView host);
const AccessRole *access_role(const AccessModel *model, StrView name);
StrView access_property(const AccessUser *user, const char *key); /* data NULL: not set */
/* 'name'@'host', quotes doubled. */
StrView access_identity(Arena *arena, StrView name, StrView host);
/* The reserved id of a system database, or 0. */
uint64_t access_system_database(StrView name);
const char *access_system_database_name(uint64_t id);

typedef struct AccessCache {
    Mutex lock;
    AccessModel *model;
} AccessCache;
void access_cache_init(AccessCache *cache);
void access_cache_deinit(AccessCache *cache);
AccessModel *access_cache_get(AccessCache *cache, const CatalogSnapshot *snapshot); /* counted */

/* ---- changing ---- */

void change_put_user(Change *change, const AccessUser *user);
void change_put_role(Change *change, const AccessRole *role);
/* Takes away what users and roles hold on an object with a name, which is dropped. */
void change_forget_grants(Change *change, const CatalogSnapshot *catalog, ObjectKind kind, StrView name);
/* Adds to the grant of the same object, or makes one. */
void grant_list_add(GrantList *grants, Arena *arena, const Grant *grant);
/* Takes away; false: nothing of it was there. */
bool grant_list_remove(GrantList *grants, const Grant *grant);
bool name_list_has(const NameList *names, StrView name);
void name_list_add(NameList *names, Arena *arena, StrView name); /* unless it is there */
bool name_list_remove(NameList *names, StrView name);

/* ---- deciding ---- */

/* One object, as a statement names it. */
typedef struct AccessObject {
    uint8_t kind; /* ObjectKind */
    uint64_t database_id, object_id;
    StrView name;
} AccessObject;

typedef struct AccessRights AccessRights;
/* Counted. roles: the active ones. user NULL: one that was dropped, who may what public may. References the model. */
AccessRights *access_rights_new(AccessModel *model, const AccessUser *user, const NameList *roles);
AccessRights *access_rights_ref(AccessRights *rights);
void access_rights_unref(AccessRights *rights);
AccessModel *access_rights_model(const AccessRights *rights); /* not counted */
const NameList *access_active_roles(const AccessRights *rights);
/* Those, what they were granted, and public. */
const StrView *access_all_roles(const AccessRights *rights, uint32_t *out_count);
bool access_is_root(const AccessRights *rights); /* may everything */
/* At least one of the privileges on the object. */
bool access_allows(const AccessRights *rights, const AccessObject *object, PrivilegeSet any_of);
bool access_may_grant(const AccessRights *rights, const AccessObject *object, PrivilegeSet all_of);
/* Anything on the database or on something in it; grants on tables that are gone do not count. */
bool access_sees_database(const AccessRights *rights, const CatalogSnapshot *catalog, uint64_t database_id);
/* PRIVILEGE_DENIED, in StarRocks' words. title: the object's name; empty: the kind says it all. */
Status access_refuse(const AccessRights *rights, ObjectKind kind, PrivilegeSet any_of, StrView title, Diag *diag);
/* Is the role active, by itself or through another? */
bool access_has_role(const AccessRights *rights, StrView role);
/* The role and all that it was granted, directly or through others. */
void access_collect_roles(const AccessModel *model, StrView role, Arena *arena, NameList *in_out_roles);
