#include "main/config.h"

/* The table of keys and the readers of the three sources. A key that is not in the table is an error
 * that names the nearest one: a misspelt setting must not be silent. */

#include <ctype.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/memory.h"

/* Values of KEY_SECRET are never shown. */
typedef enum KeyKind { KEY_TEXT, KEY_SECRET, KEY_INT, KEY_PORT } KeyKind;

typedef struct KeyInfo {
    const char *name;
    KeyKind kind;
    const char *initial;
} KeyInfo;

static const KeyInfo KEYS[] = {
    {"query_port", KEY_PORT, "9030"},
    {"http_port", KEY_PORT, "8030"},
    {"edit_log_port", KEY_PORT, "9010"}, /* between front ends; a single node does not open it */
    {"rpc_port", KEY_PORT, "9060"},      /* between nodes; reserved: a single node does not open it */
    {"enable_audit_log", KEY_TEXT, "true"},
    {"audit_log_roll_size_mb", KEY_INT, "1024"},
    {"bind_address", KEY_TEXT, "127.0.0.1"},
    {"data_dir", KEY_TEXT, "./merak-data"},
    {"home_volume", KEY_TEXT, ""},       /* file:///directory; empty: data_dir/volume */
    {"advertise_address", KEY_TEXT, ""}, /* under which other nodes reach this one; empty: bind_address */
    {"files_local_directory", KEY_TEXT, ""}, /* FILES() finds local files below it; empty: none */
    {"frontend_role", KEY_TEXT, "FOLLOWER"},
    {"qe_max_connection", KEY_INT, "4096"},
    {"sys_log_level", KEY_TEXT, "INFO"},
    {"mem_limit", KEY_TEXT, "90%"},
    {"worker_threads", KEY_INT, "0"},
    {"spill_max_bytes", KEY_INT, "0"},
    {"lake_autovacuum_grace_period_minutes", KEY_INT, "30"},
    {"enable_compaction", KEY_TEXT, "true"},
    {"meta_dir", KEY_TEXT, ""},
    {"meta_dir_ahead", KEY_TEXT, "refuse"},
    {"restore_meta_dir", KEY_TEXT, ""},
    {"restore_cluster_snapshot", KEY_TEXT, ""},
    {"checkpoint_journal_objects", KEY_INT, "1000"},
    {"checkpoint_journal_mb", KEY_INT, "64"},
    {"checkpoint_interval_seconds", KEY_INT, "600"},
    {"metadata_retention_hours", KEY_INT, "72"},
    {"run_mode", KEY_TEXT, "shared_data"},
    {"allow_remote_without_password", KEY_TEXT, "false"},
    {"cloud_native_storage_type", KEY_TEXT, "LOCAL"},
    {"aws_s3_path", KEY_TEXT, ""},
    {"aws_s3_endpoint", KEY_TEXT, ""},
    {"aws_s3_region", KEY_TEXT, ""},
    {"aws_s3_access_key", KEY_SECRET, ""},
    {"aws_s3_secret_key", KEY_SECRET, ""},
    {"aws_s3_session_token", KEY_SECRET, ""},
    {"aws_s3_use_aws_sdk_default_behavior", KEY_TEXT, "false"},
    {"aws_s3_enable_path_style_access", KEY_TEXT, "auto"},
    {"aws_s3_ca_file", KEY_TEXT, ""},
    {"datacache_enable", KEY_TEXT, "true"},
    {"datacache_disk_size", KEY_TEXT, "80%"}, /* of the room on the disk of data_dir */
    {"datacache_mem_size", KEY_TEXT, "10%"},  /* of mem_limit; without a disk */
    {"object_storage_connect_timeout_ms", KEY_INT, "3000"},
    {"object_storage_request_timeout_ms", KEY_INT, "15000"},
    {"object_storage_retry_timeout_ms", KEY_INT, "30000"},
};
enum { KEY_COUNT = sizeof(KEYS) / sizeof(KEYS[0]), NAME_MAX_BYTES = 64, LINE_MAX_BYTES = 4096 };

struct Config {
    char *values[KEY_COUNT];
};

Status config_open(Diag *diag, Config **out_config)
{
    (void)diag;
    Config *config = mem_alloc_zero(sizeof(*config));
    for (size_t i = 0; i < KEY_COUNT; i++)
        config->values[i] = mem_strdup(KEYS[i].initial);
    *out_config = config;
    return OK;
}

void config_close(Config *config)
{
    if (config == NULL)
        return;
    for (size_t i = 0; i < KEY_COUNT; i++)
        mem_free(config->values[i]);
    mem_free(config);
}

/* Levenshtein distance, one row at a time. */
static size_t edit_distance(const char *a, size_t a_length, const char *b)
{
    size_t row[NAME_MAX_BYTES + 1];
    size_t b_length = strlen(b);
    for (size_t j = 0; j <= b_length; j++)
        row[j] = j;
    for (size_t i = 1; i <= a_length; i++) {
        size_t diagonal = row[0];
        row[0] = i;
        for (size_t j = 1; j <= b_length; j++) {
            size_t replaced = diagonal + (a[i - 1] != b[j - 1]);
            size_t shorter = row[j] < row[j - 1] ? row[j] : row[j - 1];
            diagonal = row[j];
            row[j] = replaced < shorter + 1 ? replaced : shorter + 1;
        }
    }
    return row[b_length];
}

static const char *nearest_key(const char *key, size_t length)
{
    size_t best = 0, best_distance = SIZE_MAX;
    for (size_t i = 0; i < KEY_COUNT; i++) {
        size_t distance = edit_distance(key, length, KEYS[i].name);
        if (distance < best_distance) {
            best = i;
            best_distance = distance;
        }
    }
    return KEYS[best].name;
}

static size_t find_key(const char *key, size_t length)
{
    for (size_t i = 0; i < KEY_COUNT; i++)
        if (strlen(KEYS[i].name) == length && strncmp(KEYS[i].name, key, length) == 0)
            return i;
    return KEY_COUNT;
}

static Status check_number(const KeyInfo *key, const char *value, Diag *diag)
{
    char *end;
    errno = 0;
    long long number = strtoll(value, &end, 10);
    long long highest = key->kind == KEY_PORT ? 65535 : INT32_MAX;
    if (*value == '\0' || *end != '\0' || errno != 0 || number < 0 || number > highest)
        return RAISE(diag, BAD_VALUE, "configuration: %s must be a number from 0 to %lld, not '%s'",
                     key->name, highest, value);
    return OK;
}

Status config_set(Config *config, const char *key, size_t key_length, const char *value, Diag *diag)
{
    if (key_length > NAME_MAX_BYTES)
        return RAISE(diag, BAD_VALUE, "configuration: unknown key '%.64s...'", key);
    size_t at = find_key(key, key_length);
    if (at == KEY_COUNT)
        return RAISE(diag, BAD_VALUE, "configuration: unknown key '%.*s'; did you mean '%s'?", (int)key_length,
                     key, nearest_key(key, key_length));
    if (KEYS[at].kind == KEY_INT || KEYS[at].kind == KEY_PORT)
        TRY(check_number(&KEYS[at], value, diag));
    mem_free(config->values[at]);
    config->values[at] = mem_strdup(value);
    return OK;
}

Status config_set_pair(Config *config, const char *pair, Diag *diag)
{
    const char *equals = strchr(pair, '=');
    if (equals == NULL)
        return RAISE(diag, BAD_VALUE, "--set needs key=value, not '%s'", pair);
    return config_set(config, pair, (size_t)(equals - pair), equals + 1, diag);
}

static char *trimmed(char *text)
{
    while (isspace((unsigned char)*text))
        text++;
    size_t length = strlen(text);
    while (length > 0 && isspace((unsigned char)text[length - 1]))
        text[--length] = '\0';
    return text;
}

static Status load_line(Config *config, const char *path, int number, char *line, Diag *diag)
{
    char *text = trimmed(line);
    if (*text == '\0' || *text == '#')
        return OK;
    char *equals = strchr(text, '=');
    if (equals == NULL)
        return RAISE(diag, BAD_VALUE, "%s:%d: expected key = value, found '%s'", path, number, text);
    *equals = '\0';
    const char *key = trimmed(text);
    Status status = config_set(config, key, strlen(key), trimmed(equals + 1), diag);
    if (status != OK)
        diag_add_context(diag, "%s:%d", path, number);
    return status;
}

Status config_load_file(Config *config, const char *path, Diag *diag)
{
    FILE *file = fopen(path, "re");
    if (file == NULL)
        return RAISE(diag, IO, "cannot open the configuration file %s: %s", path, strerror(errno));
    char line[LINE_MAX_BYTES];
    Status status = OK;
    for (int number = 1; status == OK && fgets(line, sizeof(line), file) != NULL; number++)
        status = load_line(config, path, number, line, diag);
    fclose(file);
    return status;
}

Status config_load_environment(Config *config, char **environment, Diag *diag)
{
    static const char PREFIX[] = "MERAK_";
    for (; *environment != NULL; environment++) {
        const char *entry = *environment;
        const char *equals = strchr(entry, '=');
        if (strncmp(entry, PREFIX, sizeof(PREFIX) - 1) != 0 || equals == NULL)
            continue;
        char key[NAME_MAX_BYTES + 1];
        size_t length = 0;
        for (const char *c = entry + sizeof(PREFIX) - 1; c < equals && length < NAME_MAX_BYTES; c++)
            key[length++] = (char)tolower((unsigned char)*c);
        Status status = config_set(config, key, length, equals + 1, diag);
        if (status != OK) {
            diag_add_context(diag, "environment variable %.*s", (int)(equals - entry), entry);
            return status;
        }
    }
    return OK;
}

const char *config_text(const Config *config, const char *key)
{
    size_t at = find_key(key, strlen(key));
    CHECK(at < KEY_COUNT);
    return config->values[at];
}

int64_t config_int(const Config *config, const char *key)
{
    return strtoll(config_text(config, key), NULL, 10);
}

bool config_nth(const Config *config, uint32_t position, const char **out_key, const char **out_value, const char **out_default)
{
    if (position >= KEY_COUNT)
        return false;
    *out_key = KEYS[position].name;
    bool is_hidden = KEYS[position].kind == KEY_SECRET && config->values[position][0] != '\0';
    *out_value = is_hidden ? "******" : config->values[position];
    *out_default = KEYS[position].initial;
    return true;
}
