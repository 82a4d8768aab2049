#include "base/log.h"

/* A line is formatted on the stack and written with one write(2), so lines never interleave. */

#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

static _Atomic int log_fd = STDERR_FILENO;
static _Atomic int log_minimum = LOG_LEVEL_INFO;
static char log_path[4096];

static int open_append(const char *path)
{
    return open(path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0640);
}

Status log_open(const char *path, LogLevel minimum, Diag *diag)
{
    atomic_store(&log_minimum, (int)minimum);
    if (path == NULL)
        return OK;
    if (strlen(path) >= sizeof(log_path))
        return RAISE(diag, BAD_CONFIG, "log path is too long: %s", path);
    int fd = open_append(path);
    if (fd < 0)
        return RAISE(diag, IO, "could not open log file \"%s\": %m", path);
    memcpy(log_path, path, strlen(path) + 1);
    atomic_store(&log_fd, fd);
    return OK;
}

void log_reopen(void)
{
    if (log_path[0] == '\0')
        return;
    int fd = open_append(log_path);
    if (fd < 0)
        return;
    int old = atomic_exchange(&log_fd, fd);
    close(old);
}

void log_set_level(LogLevel minimum)
{
    atomic_store(&log_minimum, (int)minimum);
}

static size_t format_head(char *line, size_t capacity, LogLevel level, const char *component)
{
    static const char *const names[] = {"DEBUG", "INFO", "WARN", "ERROR"};
    struct timespec now;
    struct tm local;
    clock_gettime(CLOCK_REALTIME, &now);
    localtime_r(&now.tv_sec, &local);
    size_t length = strftime(line, capacity, "%Y-%m-%d %H:%M:%S", &local);
    int more = snprintf(line + length, capacity - length, ".%03ld %-5s [%s] ",
                        now.tv_nsec / 1000000, names[level], component);
    return length + (size_t)MAX(more, 0);
}

void log_write(LogLevel level, const char *component, const char *format, ...)
{
    if ((int)level < atomic_load_explicit(&log_minimum, memory_order_relaxed))
        return;
    char line[4096];
    size_t length = format_head(line, sizeof(line), level, component);
    va_list args;
    va_start(args, format);
    int more = vsnprintf(line + length, sizeof(line) - length - 1, format, args);
    va_end(args);
    length = MIN(length + (size_t)MAX(more, 0), sizeof(line) - 2);
    for (size_t i = 0; i < length; i++)
        line[i] = line[i] == '\n' ? ' ' : line[i];
    line[length++] = '\n';
    ssize_t ignored = write(atomic_load(&log_fd), line, length);
    (void)ignored;
}
