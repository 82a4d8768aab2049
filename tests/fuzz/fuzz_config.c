/* Any bytes as a configuration file. */

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

#include "main/config.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    char path[64];
    Diag diag = {0};
    Config *config;
    int fd = memfd_create("config", MFD_CLOEXEC);
    if (fd < 0 || (size > 0 && write(fd, data, size) != (ssize_t)size))
        abort();
    snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
    if (config_open(&diag, &config) != OK)
        abort();
    Status status = config_load_file(config, path, &diag);
    if (status != OK && diag.message[0] == '\0')
        abort();
    if (status == OK && config_int(config, "query_port") > 65535)
        abort();
    config_close(config);
    close(fd);
    return 0;
}
