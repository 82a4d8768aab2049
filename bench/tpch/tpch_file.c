#include "tpch/tpch_output.h"

/* Writing a table to a file: plain sequential writes of whole chunks. */

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static Status raise_errno(Diag *diag, const char *action, const char *path)
{
    char text[128];
    return RAISE(diag, IO, "could not %s \"%s\": %s", action, path,
                 strerror_r(errno, text, sizeof(text)));
}

static Status write_all(int file, const char *path, StrView data, Diag *diag)
{
    while (data.length > 0) {
        ssize_t written = write(file, data.data, data.length);
        if (written < 0 && errno == EINTR)
            continue;
        if (written < 0)
            return raise_errno(diag, "write to", path);
        data = strview_n(data.data + written, data.length - (size_t)written);
    }
    return OK;
}

static Status write_chunks(int file, const char *path, TpchSource *source, uint64_t *out_bytes,
                           Diag *diag)
{
    StrView chunk;
    while ((chunk = tpch_source_next(source)).length > 0) {
        TRY(write_all(file, path, chunk, diag));
        *out_bytes += chunk.length;
    }
    return OK;
}

Status tpch_write_file(const TpchTable *table, TpchSource *source, const char *directory,
                       uint64_t *out_bytes, Diag *diag)
{
    *out_bytes = 0;
    if (mkdir(directory, 0777) != 0 && errno != EEXIST)
        return raise_errno(diag, "make the directory", directory);
    AUTO_BYTEBUF path = {0};
    bytebuf_printf(&path, "%s/%s.tbl", directory, table->name);
    int file = open(path.data, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0666);
    if (file < 0)
        return raise_errno(diag, "create", path.data);
    Status status = write_chunks(file, path.data, source, out_bytes, diag);
    if (close(file) != 0 && status == OK)
        status = raise_errno(diag, "write to", path.data);
    return status;
}
