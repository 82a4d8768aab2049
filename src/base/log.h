#pragma once
/* The server's log: one line an event, `time level component message key=value ...`. Thread-safe.
 * The hot path of a query does not log. */

#include "base/compiler.h"
#include "base/status.h"

typedef enum LogLevel { LOG_LEVEL_DEBUG, LOG_LEVEL_INFO, LOG_LEVEL_WARN, LOG_LEVEL_ERROR } LogLevel;

/* path NULL: standard error. Rotation is left to the system's logrotate with log_reopen(). */
Status log_open(const char *path, LogLevel minimum, Diag *diag);
void log_reopen(void);
void log_set_level(LogLevel minimum);
void log_write(LogLevel level, const char *component, const char *format, ...) PRINTF_LIKE(3, 4);

#define LOG_DEBUG(component, ...) log_write(LOG_LEVEL_DEBUG, component, __VA_ARGS__)
#define LOG_INFO(component, ...) log_write(LOG_LEVEL_INFO, component, __VA_ARGS__)
#define LOG_WARN(component, ...) log_write(LOG_LEVEL_WARN, component, __VA_ARGS__)
#define LOG_ERROR(component, ...) log_write(LOG_LEVEL_ERROR, component, __VA_ARGS__)
