#pragma once
/* Configuration of a node: defaults, then the file of `key = value` lines, then MERAK_<KEY> variables of
 * the environment, then --set. Keys have StarRocks' names where the same thing exists. */

#include "base/status.h"

typedef struct Config Config;

Status config_open(Diag *diag, Config **out_config);
void config_close(Config *config);
Status config_load_file(Config *config, const char *path, Diag *diag);
Status config_load_environment(Config *config, char **environment, Diag *diag);
/* "key=value" of a command line. */
Status config_set_pair(Config *config, const char *pair, Diag *diag);
Status config_set(Config *config, const char *key, size_t key_length, const char *value, Diag *diag);
/* The key must be one of the table in config.c. Borrowed until the next config_set(). */
const char *config_text(const Config *config, const char *key);
/* All keys in the table's order, secrets as asterisks; false: there is no such position. */
bool config_nth(const Config *config, uint32_t position, const char **out_key, const char **out_value, const char **out_default);
int64_t config_int(const Config *config, const char *key);
