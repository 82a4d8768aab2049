#include "session/audit.h"

/* What is not known is -1. */

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "base/environment.h"
#include "base/log.h"
#include "base/memory.h"
#include "base/thread.h"

enum { PATH_BYTES = 1200, STATEMENT_BYTES = 8192 };

struct AuditLog {
    Mutex lock; /* guards the rest */
    char path[PATH_BYTES];
    int fd;
    uint64_t bytes, limit_bytes;
};

static Status open_file(AuditLog *log, Diag *diag)
{
    struct stat info;
    log->fd = open(log->path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0640);
    if (log->fd < 0)
        return RAISE(diag, IO, "could not open audit log \"%s\": %s", log->path, strerror(errno));
    log->bytes = fstat(log->fd, &info) == 0 ? (uint64_t)info.st_size : 0;
    return OK;
}

Status audit_open(const char *directory, uint64_t limit_bytes, Diag *diag, AuditLog **out_log)
{
    AuditLog *log = mem_alloc_zero(sizeof(*log));
    mutex_init(&log->lock);
    log->limit_bytes = limit_bytes;
    int length = snprintf(log->path, sizeof(log->path), "%s/fe.audit.log", directory);
    Status status = length < (int)sizeof(log->path) ? open_file(log, diag) : RAISE(diag, BAD_CONFIG, "log path is too long: %s", directory);
    if (status != OK) {
        mem_free(log);
        return status;
    }
    *out_log = log;
    return OK;
}

void audit_close(AuditLog *log)
{
    if (log == NULL)
        return;
    close(log->fd);
    mutex_deinit(&log->lock);
    mem_free(log);
}

/* Lock held. A rotation that fails goes on with the file that is there. */
static void rotate(AuditLog *log)
{
    char old[PATH_BYTES + 8];
    Diag diag = {0};
    int fd = log->fd;
    snprintf(old, sizeof(old), "%s.1", log->path);
    if (rename(log->path, old) != 0 || open_file(log, &diag) != OK) {
        LOG_WARN("audit", "could not rotate %s: %s", log->path, diag.message[0] != '\0' ? diag.message : strerror(errno));
        log->fd = fd;
        log->bytes = 0;
        return;
    }
    close(fd);
}

/* One line: what would end it or a field becomes a blank. */
static void put_text(ByteBuf *line, StrView text)
{
    for (size_t i = 0; i < text.length && i < STATEMENT_BYTES; i++)
        bytebuf_append_char(line, text.data[i] == '\n' || text.data[i] == '\r' || text.data[i] == '|' ? ' ' : text.data[i]);
    if (text.length > STATEMENT_BYTES)
        bytebuf_append_text(line, " ...");
}

static void put_head(ByteBuf *line, int64_t now_us)
{
    char stamp[32];
    struct tm local;
    time_t seconds = (time_t)(now_us / 1000000);
    localtime_r(&seconds, &local);
    strftime(stamp, sizeof(stamp), "%Y-%m-%d %H:%M:%S", &local);
    bytebuf_printf(line, "%s.%03d [query] |Timestamp=%s.%03d", stamp, (int)(now_us / 1000 % 1000), stamp, (int)(now_us / 1000 % 1000));
}

static void put_record(ByteBuf *line, const AuditRecord *r)
{
    bytebuf_append_text(line, "|Client=");
    put_text(line, r->client);
    bytebuf_printf(line, "|User=%.*s|AuthorizedUser='%.*s'@'%%'|ResourceGroup=%.*s|Catalog=default_catalog|Db=", SV_ARGS(r->user), SV_ARGS(r->user),
                   SV_ARGS(r->resource_group));
    put_text(line, r->database);
    const char *state = r->has_failed ? "ERR" : r->is_query ? "EOF" : "OK";
    bytebuf_printf(line, "|State=%s|ErrorCode=%s|Time=%lld|ScanBytes=%llu|ScanRows=%llu|ReturnRows=%llu|CpuCostNs=-1|MemCostBytes=%lld", state,
                   r->error_name, (long long)r->time_ms, (unsigned long long)r->scanned_bytes, (unsigned long long)r->scanned_rows,
                   (unsigned long long)r->returned_rows, (long long)r->peak_bytes);
    bytebuf_printf(line, "|StmtId=%llu|QueryId=%.*s|IsQuery=%s|feIp=127.0.0.1|Stmt=", (unsigned long long)r->statement_id, SV_ARGS(r->query_id),
                   r->is_query ? "true" : "false");
    put_text(line, r->statement);
    bytebuf_append_text(line, "|Digest=|PlanCpuCost=-1|PlanMemCost=-1|Warehouse=default_warehouse\n");
}

void audit_write(AuditLog *log, const AuditRecord *record)
{
    AUTO_BYTEBUF line = {0};
    if (log == NULL)
        return;
    put_head(&line, env_wall_us(environment_real()));
    put_record(&line, record);
    LOCK_GUARD(&log->lock);
    if (log->bytes > log->limit_bytes)
        rotate(log);
    ssize_t written = write(log->fd, line.data, line.length);
    if (written > 0)
        log->bytes += (uint64_t)written;
}
