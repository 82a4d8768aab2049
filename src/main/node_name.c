#include "main/node_name.h"

/* A name is <host>_<edit_log_port>_<milliseconds of its first start>, as StarRocks makes them. */

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

enum { PATH_BYTES = 1024 };

Status node_address(const char *advertised, const char *bound, char out_host[FRONTEND_TEXT_BYTES], Diag *diag)
{
    bool is_any = strcmp(bound, "0.0.0.0") == 0 || strcmp(bound, "::") == 0;
    const char *address = *advertised != '\0' ? advertised : bound;
    if (*advertised == '\0' && is_any) {
        if (gethostname(out_host, FRONTEND_TEXT_BYTES) != 0)
            return RAISE(diag, BAD_CONFIG, "this machine's name can't be read (%s): set advertise_address", strerror(errno));
        out_host[FRONTEND_TEXT_BYTES - 1] = '\0';
        return OK;
    }
    if (strlen(address) >= FRONTEND_TEXT_BYTES)
        return RAISE(diag, BAD_CONFIG, "configuration: advertise_address is too long");
    memcpy(out_host, address, strlen(address) + 1);
    return OK;
}

static bool read_name(const char *path, char out_name[FRONTEND_TEXT_BYTES])
{
    FILE *file = fopen(path, "re");
    if (file == NULL)
        return false;
    bool is_there = fgets(out_name, FRONTEND_TEXT_BYTES, file) != NULL;
    fclose(file);
    if (is_there)
        out_name[strcspn(out_name, "\r\n")] = '\0';
    return is_there && out_name[0] != '\0';
}

Status node_name(const char *directory, FrontendInfo *self, Diag *diag)
{
    char path[PATH_BYTES];
    snprintf(path, sizeof(path), "%s/node_name", directory);
    if (read_name(path, self->name))
        return OK;
    snprintf(self->name, sizeof(self->name), "%.200s_%u_%lld", self->host, self->edit_log_port, (long long)(self->started_us / 1000));
    FILE *file = fopen(path, "we");
    bool is_written = file != NULL && fprintf(file, "%s\n", self->name) > 0;
    if (file != NULL)
        is_written &= fclose(file) == 0;
    return is_written ? OK : RAISE(diag, IO, "cannot write %s: %s", path, strerror(errno));
}
