/* Any bytes as cluster_snapshot.yaml. */

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "main/cluster_yaml.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    AUTO_ARENA arena;
    Diag diag = {0};
    ClusterYaml yaml;
    arena_init(&arena, NULL);
    Status status = cluster_yaml_read(strview_n((const char *)data, size), "cluster_snapshot.yaml", &arena, &diag, &yaml);
    if (status != OK && diag.message[0] == '\0')
        abort();
    for (uint32_t i = 0; status == OK && i < yaml.frontends.count; i++) {
        if (yaml.frontends.items[i].edit_log_port == 0 || yaml.frontends.items[i].edit_log_port > UINT16_MAX)
            abort();
    }
    if (status == OK && (strlen(yaml.home) > size || strlen(yaml.snapshot) > size))
        abort();
    return 0;
}
