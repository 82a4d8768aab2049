#include "session/session_int.h"

/* CREATE, ALTER, DROP, DESC and SHOW STORAGE VOLUME(S), SET ... AS DEFAULT STORAGE VOLUME. Whether a volume may be
 * changed or dropped is decided inside of the commit, against the newest catalog. Before it the place is tried, so that what can't
 * work is refused at once. */

#include <jansson.h>

#include "base/log.h"
#include "meta/other_volume.h"
#include "meta/record_json.h"
#include "session/show_int.h"

typedef struct VolumeChange {
    const AstCommand *command;
    StrView name;
    StorageVolume volume;
    Arena *arena;
} VolumeChange;

static const char *const KNOWN[] = {
    "aws.s3.region", "aws.s3.use_aws_sdk_default_behavior", "aws.s3.access_key", "aws.s3.secret_key", "aws.s3.session_token",
    "aws.s3.use_instance_profile", "aws.s3.iam_role_arn", "aws.s3.external_id", "aws.s3.endpoint", "aws.s3.enable_path_style_access",
    "aws.s3.enable_partitioned_prefix", "aws.s3.num_partitioned_prefix",
};
static const char *const IMMUTABLE[] = {"aws.s3.enable_partitioned_prefix", "aws.s3.num_partitioned_prefix"};
static const char *const UNSUPPORTED[] = {"aws.s3.use_instance_profile", "aws.s3.iam_role_arn", "aws.s3.enable_partitioned_prefix"};

static bool is_one_of(StrView key, const char *const *names, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        if (strview_is(key, names[i]))
            return true;
    }
    return false;
}

static Status read_flag(StrView value, const char *key, Diag *diag, bool *out)
{
    *out = strview_equal_ci(value, STR_VIEW("true"));
    if (*out || strview_equal_ci(value, STR_VIEW("false")))
        return OK;
    return RAISE(diag, ANALYSIS, "Getting analyzing error. Detail message: Invalid property \"%s\": '%.*s'.", key, SV_ARGS(value));
}

static void put_property(VolumeChange *state, StrView key, StrView value)
{
    StorageVolume *volume = &state->volume;
    Property *grown = ARENA_NEW_ARRAY(state->arena, Property, volume->property_count + 1);
    uint32_t at = 0;
    while (at < volume->property_count && !strview_equal(volume->properties[at].key, key))
        at++;
    if (volume->property_count > 0)
        memcpy(grown, volume->properties, volume->property_count * sizeof(*grown));
    grown[at] = (Property){key, value};
    volume->property_count += at == volume->property_count;
    volume->properties = grown;
}

static Status take_properties(VolumeChange *state, bool is_new, Diag *diag)
{
    const AstProperties *properties = &state->command->properties;
    for (uint32_t i = 0; i < properties->keys.count; i++) {
        StrView key = properties->keys.items[i], value = properties->values.items[i];
        if (strview_is(key, "enabled")) {
            TRY(read_flag(value, "enabled", diag, &state->volume.is_enabled));
            continue;
        }
        if (!is_one_of(key, KNOWN, COUNT_OF(KNOWN)))
            return RAISE(diag, ANALYSIS, "Getting analyzing error. Detail message: Unknown property of a storage volume: '%.*s'.", SV_ARGS(key));
        if (!is_new && is_one_of(key, IMMUTABLE, COUNT_OF(IMMUTABLE)))
            return RAISE(diag, ANALYSIS, "Storage volume property '%.*s' is immutable!", SV_ARGS(key));
        bool is_set = !strview_equal_ci(value, STR_VIEW("false")) && value.length > 0;
        if (is_set && is_one_of(key, UNSUPPORTED, COUNT_OF(UNSUPPORTED)))
            return RAISE(diag, NOT_SUPPORTED, "storage volume property '%.*s' is not supported", SV_ARGS(key));
        put_property(state, key, value);
    }
    return OK;
}

/* ---- what a volume needs, and whether it answers ---- */

static Status missing(const StorageVolume *volume, const char *what, Diag *diag)
{
    return RAISE(diag, ANALYSIS, "Getting analyzing error. Detail message: Storage volume '%.*s' has no %s.", SV_ARGS(volume->name), what);
}

static bool has(const StorageVolume *volume, const char *key)
{
    return storage_volume_property(volume, key).length > 0;
}

static Status check_complete(const StorageVolume *volume, Diag *diag)
{
    if (!strview_is(volume->type, "S3") || other_volume_has_keys_of_environment(volume))
        return OK;
    if (!has(volume, "aws.s3.endpoint") && !has(volume, "aws.s3.region"))
        return missing(volume, "address: \"aws.s3.endpoint\" or, for AWS, \"aws.s3.region\" is needed", diag);
    if (!has(volume, "aws.s3.access_key") && !has(volume, "aws.s3.secret_key"))
        return missing(volume,
                       "keys: \"aws.s3.access_key\" and \"aws.s3.secret_key\" are needed, or "
                       "\"aws.s3.use_aws_sdk_default_behavior\" = \"true\" for those of the environment",
                       diag);
    if (!has(volume, "aws.s3.access_key"))
        return missing(volume, "\"aws.s3.access_key\"", diag);
    return has(volume, "aws.s3.secret_key") ? OK : missing(volume, "\"aws.s3.secret_key\"", diag);
}

static const char *ca_file_of(const StatementContext *context)
{
    const Backups *backups = context->session->instance->backups;
    return backups == NULL ? NULL : backups_ca_file(backups);
}

/* Keys of the environment may be right on other nodes: with them a place that does not answer is a warning, and none at all while
 * nobody can use it. */
static Status try_volume(StatementContext *context, const StorageVolume *volume, StrView *out_warning)
{
    *out_warning = STR_VIEW("");
    if (!other_volume_has_keys_of_environment(volume))
        return other_volume_try(volume, ca_file_of(context), context->diag);
    Diag trouble = {0};
    if (volume->is_enabled && other_volume_try(volume, ca_file_of(context), &trouble) != OK) {
        *out_warning = strview(arena_printf(&context->arena, "warning: the storage volume can't be used from here: %s", trouble.message));
        LOG_WARN("volume", "storage volume %.*s can't be used from here: %s", SV_ARGS(volume->name), trouble.message);
    }
    return OK;
}

/* ---- CREATE ---- */

static Status check_location(VolumeChange *state, Diag *diag)
{
    StorageVolume *volume = &state->volume;
    bool is_s3 = strview_equal_ci(volume->type, STR_VIEW("S3")), is_local = strview_equal_ci(volume->type, STR_VIEW("LOCAL"));
    if (!is_s3 && !is_local)
        return RAISE(diag, ANALYSIS, "Getting analyzing error. Detail message: Storage volumes of type %.*s are not supported: S3 and LOCAL are.",
                     SV_ARGS(volume->type));
    volume->type = is_s3 ? STR_VIEW("S3") : STR_VIEW("LOCAL");
    if (state->command->names.count != 1)
        return RAISE(diag, ANALYSIS, "Getting analyzing error. Detail message: A storage volume has one location.");
    volume->location = state->command->names.items[0];
    StrView scheme = is_s3 ? STR_VIEW("s3://") : STR_VIEW("file:///");
    if (!strview_starts_with_ci(volume->location, scheme) || volume->location.length == scheme.length)
        return RAISE(diag, ANALYSIS, "Getting analyzing error. Detail message: Invalid location %.*s: it must begin with %.*s.",
                     SV_ARGS(volume->location), SV_ARGS(scheme));
    return OK;
}

static bool is_there(const CatalogSnapshot *catalog, const VolumeChange *state)
{
    StorageVolume other;
    AUTO_ARENA arena;
    arena_init(&arena, NULL);
    return strview_is(state->name, BUILTIN_STORAGE_VOLUME) || storage_volume_find(catalog, state->name, &arena, &other);
}

static Status raise_exists(const VolumeChange *state, Diag *diag)
{
    return RAISE(diag, ANALYSIS, "Storage volume '%.*s' already exists", SV_ARGS(state->name));
}

static Status build_create(void *context, const CatalogSnapshot *catalog, Change *change, Diag *diag)
{
    VolumeChange *state = context;
    if (is_there(catalog, state))
        return state->command->if_not_exists ? OK : raise_exists(state, diag);
    change_put_storage_volume(change, &state->volume);
    return OK;
}

static Status run_create(StatementContext *context, VolumeChange *state)
{
    MetaStore *store = context->session->instance->store;
    StrView warning;
    state->volume = (StorageVolume){.name = state->name, .type = state->command->text, .comment = state->command->text2};
    TRY(check_location(state, context->diag));
    TRY(take_properties(state, true, context->diag));
    if (is_there(context->catalog, state)) /* the place does not matter then */
        return state->command->if_not_exists ? send_ok(context, 0, STR_VIEW("")) : raise_exists(state, context->diag);
    TRY(check_complete(&state->volume, context->diag));
    TRY(try_volume(context, &state->volume, &warning));
    state->volume.id = (uint32_t)meta_new_id(store);
    if (state->volume.id == 0)
        return RAISE(context->diag, IO, "no id can be had for the storage volume: the metadata journal can't be written");
    TRY(meta_commit(store, build_create, state, context->diag));
    return send_ok(context, 0, warning);
}

/* ---- ALTER ---- */

static Status unknown_volume(StrView name, Diag *diag)
{
    return RAISE(diag, ANALYSIS, "Storage volume '%.*s' does not exist", SV_ARGS(name));
}

static Status build_alter(void *context, const CatalogSnapshot *catalog, Change *change, Diag *diag)
{
    VolumeChange *state = context;
    if (strview_is(state->name, BUILTIN_STORAGE_VOLUME))
        return RAISE(diag, ANALYSIS, "Storage volume '" BUILTIN_STORAGE_VOLUME "' is altered in the configuration of the servers");
    if (!storage_volume_find(catalog, state->name, state->arena, &state->volume))
        return state->command->if_exists ? OK : unknown_volume(state->name, diag);
    TRY(take_properties(state, false, diag));
    if (state->command->properties.keys.count > 0)
        TRY(check_complete(&state->volume, diag));
    if (state->command->text2.data != NULL)
        state->volume.comment = state->command->text2;
    if (!state->volume.is_enabled && strview_equal(storage_volume_default(catalog), state->name))
        return RAISE(diag, ANALYSIS, "Default volume can not be disabled");
    change_put_storage_volume(change, &state->volume);
    return OK;
}

/* A volume that stays disabled is not tried: keys can be put right by and by. */
static Status run_alter(StatementContext *context, VolumeChange *state)
{
    StrView warning = STR_VIEW("");
    VolumeChange trial = *state;
    if (state->command->properties.keys.count > 0 && storage_volume_find(context->catalog, state->name, state->arena, &trial.volume)) {
        TRY(take_properties(&trial, false, context->diag));
        TRY(check_complete(&trial.volume, context->diag));
        if (trial.volume.is_enabled)
            TRY(try_volume(context, &trial.volume, &warning));
    }
    TRY(meta_commit(context->session->instance->store, build_alter, state, context->diag));
    return send_ok(context, 0, warning);
}

/* ---- DROP, default ---- */

static Status build_drop(void *context, const CatalogSnapshot *catalog, Change *change, Diag *diag)
{
    VolumeChange *state = context;
    if (strview_equal(storage_volume_default(catalog), state->name))
        return RAISE(diag, ANALYSIS, "default storage volume can not be removed");
    if (strview_is(state->name, BUILTIN_STORAGE_VOLUME))
        return RAISE(diag, ANALYSIS, "builtin storage volume can not be removed");
    if (!storage_volume_find(catalog, state->name, state->arena, &state->volume))
        return state->command->if_exists ? OK : unknown_volume(state->name, diag);
    const char *user = storage_volume_user(catalog, state->name, state->arena);
    if (user != NULL)
        return RAISE(diag, ANALYSIS, "Storage volume '%.*s' is referenced by dbs or tables, %s", SV_ARGS(state->name), user);
    change_drop_storage_volume(change, state->name);
    change_forget_grants(change, catalog, OBJECT_STORAGE_VOLUME, state->name);
    return OK;
}

static Status build_default(void *context, const CatalogSnapshot *catalog, Change *change, Diag *diag)
{
    VolumeChange *state = context;
    bool is_builtin = strview_is(state->name, BUILTIN_STORAGE_VOLUME);
    if (!is_builtin && !storage_volume_find(catalog, state->name, state->arena, &state->volume))
        return unknown_volume(state->name, diag);
    if (!is_builtin && !state->volume.is_enabled)
        return RAISE(diag, ANALYSIS, "Storage volume '%.*s' is disabled", SV_ARGS(state->name));
    change_set_default_storage_volume(change, state->name);
    return OK;
}

bool run_volume_command(StatementContext *context, const AstCommand *command, Status *out_status)
{
    static const struct {
        const char *what;
        MetaBuild build;
    } statements[] = {{"DROP STORAGE VOLUME", build_drop}, {"SET DEFAULT STORAGE VOLUME", build_default}};
    VolumeChange state = {.command = command, .name = command->name.parts[0], .arena = &context->arena};
    bool is_create = strview_is(command->what, "CREATE STORAGE VOLUME");
    if (is_create || strview_is(command->what, "ALTER STORAGE VOLUME")) {
        *out_status = is_create ? run_create(context, &state) : run_alter(context, &state);
        return true;
    }
    for (size_t i = 0; i < COUNT_OF(statements); i++) {
        if (!strview_is(command->what, statements[i].what))
            continue;
        *out_status = meta_commit(context->session->instance->store, statements[i].build, &state, context->diag);
        if (*out_status == OK)
            *out_status = send_ok(context, 0, STR_VIEW(""));
        return true;
    }
    return false;
}

/* ---- DESC and SHOW ---- */

static bool is_secret(const char *key)
{
    return strcmp(key, "aws.s3.access_key") == 0 || strcmp(key, "aws.s3.secret_key") == 0 || strcmp(key, "aws.s3.session_token") == 0;
}

/* In the order of KNOWN, which is the one that other clients have seen. */
static StrView print_params(const StorageVolume *volume, Arena *arena)
{
    AUTO_BYTEBUF text = {0};
    json_t *object = json_object();
    for (size_t i = 0; i < COUNT_OF(KNOWN); i++) {
        StrView value = storage_volume_property(volume, KNOWN[i]);
        if (value.length > 0)
            json_object_set_new(object, KNOWN[i], is_secret(KNOWN[i]) ? json_string("******") : json_stringn(value.data, value.length));
    }
    record_print(object, &text);
    return strview(arena_strndup(arena, text.data, text.length));
}

Status produce_volume(const SystemSource *source, SystemRows *rows)
{
    StatementContext *context = show_context(source);
    StrView name = context->show->name.parts[0];
    StorageVolume volume = {.name = STR_VIEW(BUILTIN_STORAGE_VOLUME), .is_enabled = true};
    if (strview_is(name, BUILTIN_STORAGE_VOLUME)) {
        volume.location = strview(context->session->instance->volume->url);
        volume.type = strview_starts_with(volume.location, STR_VIEW("s3:")) ? STR_VIEW("S3") : STR_VIEW("LOCAL");
    } else if (!storage_volume_find(context->catalog, name, &context->arena, &volume)) {
        return RAISE(context->diag, ANALYSIS, "Getting analyzing error. Detail message: Unknown storage volume: %.*s.", SV_ARGS(name));
    }
    system_put_text(rows, volume.name);
    system_put_text(rows, volume.type);
    system_put_word(rows, strview_equal(storage_volume_default(context->catalog), volume.name) ? "true" : "false");
    system_put_text(rows, volume.location);
    system_put_text(rows, print_params(&volume, &context->arena));
    system_put_word(rows, volume.is_enabled ? "true" : "false");
    system_put_text(rows, volume.comment);
    return system_end_row(rows);
}

typedef struct VolumeNames {
    SystemRows *rows;
    const AccessRights *rights;
    Status status;
} VolumeNames;

static void put_name(void *context, StrView key, StrView value)
{
    VolumeNames *names = context;
    (void)value;
    const AccessObject object = {.kind = OBJECT_STORAGE_VOLUME, .name = key};
    if (names->status != OK || !access_allows(names->rights, &object, PRIVILEGE_ANY))
        return;
    system_put_text(names->rows, key);
    names->status = system_end_row(names->rows);
}

Status produce_volumes(const SystemSource *source, SystemRows *rows)
{
    VolumeNames names = {rows, source->rights, OK};
    system_put_word(rows, BUILTIN_STORAGE_VOLUME);
    TRY(system_end_row(rows));
    catalog_each_record(show_context(source)->catalog, "storage_volume", put_name, &names);
    return names.status;
}
