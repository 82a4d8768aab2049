#include "base/mapping.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

/* Space is taken now: a full disk must be an error here and not a signal at the first write. */
static Status open_file(const char *folder, size_t bytes, Diag *diag, int *out_file)
{
    int file = open(folder, O_TMPFILE | O_RDWR | O_CLOEXEC, 0600);
    if (file < 0)
        return RAISE(diag, MEMORY_LIMIT, "no temporary file could be made in \"%s\": %s", folder, strerror(errno));
    int error = posix_fallocate(file, 0, (off_t)bytes);
    if (error != 0) {
        close(file);
        return RAISE(diag, MEMORY_LIMIT, "%zu bytes could not be had in \"%s\": %s", bytes, folder, strerror(error));
    }
    *out_file = file;
    return OK;
}

Status mapping_open(Mapping *mapping, size_t bytes, const char *folder, Diag *diag)
{
    int file = -1;
    if (folder != NULL)
        TRY(open_file(folder, bytes, diag, &file));
    int flags = folder != NULL ? MAP_SHARED : MAP_PRIVATE | MAP_ANONYMOUS;
    void *data = mmap(NULL, bytes, PROT_READ | PROT_WRITE, flags, file, 0);
    if (file >= 0)
        close(file);
    if (data == MAP_FAILED)
        return RAISE(diag, MEMORY_LIMIT, "%zu bytes could not be mapped: %s", bytes, strerror(errno));
    if (folder == NULL)
        (void)madvise(data, bytes, MADV_HUGEPAGE);
    *mapping = (Mapping){data, bytes};
    return OK;
}

void mapping_close(Mapping *mapping)
{
    if (mapping->data != NULL)
        munmap(mapping->data, mapping->bytes);
    *mapping = (Mapping){NULL, 0};
}
