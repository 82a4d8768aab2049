#include "meta/access.h"

/* The grants of a session merged into one array, sorted by kind and object: a decision is up to three binary
 * searches. A grant on the object, on all of its database and on all databases add up. */

#include <stdlib.h>

struct AccessRights {
    _Atomic uint32_t references;
    AccessModel *model;
    Arena arena;
    GrantList grants;
    NameList active, inactive; /* roles of the user */
    NameList roles;            /* active, with what they were granted */
    bool is_root;
};

/* ---- lists of grants ---- */

static int compare_objects(const Grant *a, const Grant *b)
{
    if (a->kind != b->kind)
        return a->kind < b->kind ? -1 : 1;
    if (a->database_id != b->database_id)
        return a->database_id < b->database_id ? -1 : 1;
    if (a->object_id != b->object_id)
        return a->object_id < b->object_id ? -1 : 1;
    return strview_compare(a->name, b->name);
}

static Grant *find_object(const GrantList *grants, const Grant *grant)
{
    for (uint32_t i = 0; i < grants->count; i++) {
        if (compare_objects(&grants->items[i], grant) == 0)
            return &grants->items[i];
    }
    return NULL;
}

void grant_list_add(GrantList *grants, Arena *arena, const Grant *grant)
{
    Grant *same = find_object(grants, grant);
    if (same == NULL) {
        ARRAY_PUSH(arena, grants, *grant);
        return;
    }
    same->privileges |= grant->privileges;
    same->grantable |= grant->grantable;
}

bool grant_list_remove(GrantList *grants, const Grant *grant)
{
    Grant *same = find_object(grants, grant);
    if (same == NULL || (same->privileges & grant->privileges) == 0)
        return false;
    same->privileges &= ~grant->privileges;
    same->grantable &= ~grant->privileges;
    if (same->privileges == 0) {
        uint32_t at = (uint32_t)(same - grants->items);
        grants->count--;
        memmove(same, same + 1, (grants->count - at) * sizeof(Grant));
    }
    return true;
}

/* ---- rights ---- */

void access_collect_roles(const AccessModel *model, StrView role, Arena *arena, NameList *in_out_roles)
{
    const AccessRole *found = access_role(model, role);
    if (found == NULL || name_list_has(in_out_roles, role))
        return;
    ARRAY_PUSH(arena, in_out_roles, found->name);
    for (uint32_t i = 0; i < found->roles.count; i++)
        access_collect_roles(model, found->roles.items[i], arena, in_out_roles);
}

static int by_object(const void *a, const void *b)
{
    return compare_objects(a, b);
}

static void take_grants(AccessRights *rights, const GrantList *grants)
{
    for (uint32_t i = 0; i < grants->count; i++)
        ARRAY_PUSH(&rights->arena, &rights->grants, grants->items[i]);
}

/* Sorts, and makes one of those of the same object. */
static void merge_grants(GrantList *grants)
{
    uint32_t kept = 0;
    if (grants->count > 1)
        qsort(grants->items, grants->count, sizeof(*grants->items), by_object);
    for (uint32_t i = 0; i < grants->count; i++) {
        if (kept > 0 && compare_objects(&grants->items[kept - 1], &grants->items[i]) == 0) {
            grants->items[kept - 1].privileges |= grants->items[i].privileges;
            grants->items[kept - 1].grantable |= grants->items[i].grantable;
        } else {
            grants->items[kept++] = grants->items[i];
        }
    }
    grants->count = kept;
}

AccessRights *access_rights_new(AccessModel *model, const AccessUser *user, const NameList *roles)
{
    AccessRights *rights = mem_alloc_zero(sizeof(*rights));
    atomic_init(&rights->references, 1);
    rights->model = access_model_ref(model);
    arena_init(&rights->arena, NULL);
    if (user != NULL)
        take_grants(rights, &user->grants);
    for (uint32_t i = 0; user != NULL && i < user->roles.count; i++) { /* an active role may have been revoked meanwhile */
        StrView role = user->roles.items[i];
        bool is_active = name_list_has(roles, role);
        ARRAY_PUSH(&rights->arena, is_active ? &rights->active : &rights->inactive, role);
        if (is_active)
            access_collect_roles(model, role, &rights->arena, &rights->roles);
    }
    access_collect_roles(model, STR_VIEW("public"), &rights->arena, &rights->roles);
    for (uint32_t i = 0; i < rights->roles.count; i++)
        take_grants(rights, &access_role(model, rights->roles.items[i])->grants);
    merge_grants(&rights->grants);
    rights->is_root = name_list_has(&rights->roles, STR_VIEW("root"));
    return rights;
}

AccessRights *access_rights_ref(AccessRights *rights)
{
    atomic_fetch_add_explicit(&rights->references, 1, memory_order_relaxed);
    return rights;
}

void access_rights_unref(AccessRights *rights)
{
    if (rights == NULL || atomic_fetch_sub_explicit(&rights->references, 1, memory_order_acq_rel) != 1)
        return;
    access_model_unref(rights->model);
    arena_deinit(&rights->arena);
    mem_free(rights);
}

AccessModel *access_rights_model(const AccessRights *rights)
{
    return rights->model;
}

const NameList *access_active_roles(const AccessRights *rights)
{
    return &rights->active;
}

const StrView *access_all_roles(const AccessRights *rights, uint32_t *out_count)
{
    *out_count = rights->roles.count;
    return rights->roles.items;
}

bool access_is_root(const AccessRights *rights)
{
    return rights->is_root;
}

bool access_has_role(const AccessRights *rights, StrView role)
{
    return name_list_has(&rights->roles, role);
}

static const Grant *lookup(const AccessRights *rights, uint8_t kind, uint64_t database_id, uint64_t object_id, StrView name)
{
    Grant wanted = {.kind = kind, .database_id = database_id, .object_id = object_id, .name = name};
    return rights->grants.count == 0
               ? NULL
               : bsearch(&wanted, rights->grants.items, rights->grants.count, sizeof(Grant), by_object);
}

/* All that is granted on the object, and how much of it may be passed on. */
static PrivilegeSet granted(const AccessRights *rights, const AccessObject *object, PrivilegeSet *out_grantable)
{
    const StrView none = {0};
    const Grant *found[3] = {lookup(rights, object->kind, 0, 0, none)};
    if (object->database_id != 0)
        found[1] = lookup(rights, object->kind, object->database_id, 0, none);
    if (object->object_id != 0 || object->name.length > 0)
        found[2] = lookup(rights, object->kind, object->database_id, object->object_id, object->object_id != 0 ? none : object->name);
    PrivilegeSet set = 0;
    *out_grantable = 0;
    for (size_t i = 0; i < COUNT_OF(found); i++) {
        set |= found[i] == NULL ? 0 : found[i]->privileges;
        *out_grantable |= found[i] == NULL ? 0 : found[i]->grantable;
    }
    return set;
}

bool access_allows(const AccessRights *rights, const AccessObject *object, PrivilegeSet any_of)
{
    PrivilegeSet grantable;
    return rights->is_root || (granted(rights, object, &grantable) & any_of) != 0;
}

bool access_may_grant(const AccessRights *rights, const AccessObject *object, PrivilegeSet all_of)
{
    PrivilegeSet grantable;
    (void)granted(rights, object, &grantable);
    return rights->is_root || (grantable & all_of) == all_of;
}

static bool is_in(const CatalogSnapshot *catalog, const Grant *grant)
{
    const CatalogDatabase *database = catalog_database_by_id(catalog, grant->database_id);
    for (uint32_t t = 0; database != NULL && t < catalog_table_count(database); t++) {
        if (catalog_table_at(database, t)->id == grant->object_id)
            return true;
    }
    return false;
}

bool access_sees_database(const AccessRights *rights, const CatalogSnapshot *catalog, uint64_t database_id)
{
    if (rights->is_root || database_id == ACCESS_ID_INFORMATION_SCHEMA)
        return true;
    for (uint32_t i = 0; i < rights->grants.count; i++) {
        const Grant *grant = &rights->grants.items[i];
        bool is_of_one = grant->kind == OBJECT_DATABASE || object_kind_in_database((ObjectKind)grant->kind);
        if (is_of_one && (grant->database_id == database_id || grant->database_id == 0) && (grant->object_id == 0 || is_in(catalog, grant)))
            return true;
    }
    return false;
}

static void print_roles(const NameList *roles, ByteBuf *out)
{
    if (roles->count == 0) {
        bytebuf_append_text(out, "NONE");
        return;
    }
    for (uint32_t i = 0; i < roles->count; i++)
        bytebuf_printf(out, "%s%.*s", i == 0 ? "[" : ", ", SV_ARGS(roles->items[i]));
    bytebuf_append_char(out, ']');
}

Status access_refuse(const AccessRights *rights, ObjectKind kind, PrivilegeSet any_of, StrView title, Diag *diag)
{
    AUTO_BYTEBUF wanted = {0};
    AUTO_BYTEBUF active = {0};
    AUTO_BYTEBUF inactive = {0};
    if (any_of == PRIVILEGE_ANY)
        bytebuf_append_text(&wanted, "ANY");
    else
        privilege_set_print(any_of, " OR ", &wanted);
    print_roles(&rights->active, &active);
    print_roles(&rights->inactive, &inactive);
    return RAISE(diag, PRIVILEGE_DENIED,
                 "Access denied; you need (at least one of) the %s privilege(s) on %s%s%.*s for this operation. Please ask the admin to "
                 "grant permission(s) or try activating existing roles using <set [default] role>. Current role(s): %s. Inactivated "
                 "role(s): %s.",
                 wanted.data, object_kind_name(kind), title.length > 0 ? " " : "", SV_ARGS(title), active.data, inactive.data);
}
