#include "session/session_int.h"

/* What outlives sessions and restarts: journaled settings "variable.NAME" (SET GLOBAL), "config.NAME" (frontend_config.c)
 * and "password.NAME" (password.c). A session takes the global variables over when it opens. */

typedef struct NewSettings {
    const char *const *keys;
    const StrView *values;
    uint32_t count;
} NewSettings;

static Status build_settings(void *opaque, const CatalogSnapshot *catalog, Change *change, Diag *diag)
{
    const NewSettings *settings = opaque;
    (void)catalog;
    (void)diag;
    for (uint32_t i = 0; i < settings->count; i++)
        change_put_setting(change, strview(settings->keys[i]), settings->values[i]);
    return OK;
}

const char *setting_key(Arena *arena, const char *kind, StrView name)
{
    char *key = arena_printf(arena, "%s.%.*s", kind, SV_ARGS(name));
    for (char *c = key; *c != '\0'; c++)
        *c = *c >= 'A' && *c <= 'Z' ? (char)(*c - 'A' + 'a') : *c;
    return key;
}

Status global_settings_set(StatementContext *context, const char *const *keys, const StrView *values, uint32_t count)
{
    NewSettings settings = {keys, values, count};
    return meta_commit(context->session->instance->store, build_settings, &settings, context->diag);
}

Status global_setting_set(StatementContext *context, const char *key, StrView value)
{
    return global_settings_set(context, &key, &value, 1);
}

Status global_variable_set(StatementContext *context, StrView name, StrView value)
{
    return global_setting_set(context, setting_key(&context->arena, "variable", name), value);
}

StrView global_variable(const CatalogSnapshot *catalog, StrView name)
{
    AUTO_ARENA arena;
    arena_init(&arena, NULL);
    return catalog_setting(catalog, setting_key(&arena, "variable", name));
}

StrView global_variable_or(const CatalogSnapshot *catalog, const char *name, const char *missing)
{
    StrView value = global_variable(catalog, strview(name));
    return value.data == NULL ? strview(missing) : value;
}

void session_take_globals(Session *session, const CatalogSnapshot *catalog)
{
    static const char prefix[] = "variable.";
    for (uint32_t i = 0; i < catalog->setting_count; i++) {
        const Property *setting = &catalog->settings[i];
        if (!strview_starts_with_ci(setting->key, strview(prefix)))
            continue;
        StrView name = strview_n(setting->key.data + sizeof(prefix) - 1, setting->key.length - sizeof(prefix) + 1);
        AUTO_ARENA arena;
        arena_init(&arena, NULL);
        variable_set(session, name, false, arena_strndup(&arena, setting->value.data, setting->value.length));
    }
}
