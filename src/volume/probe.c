#include "volume/probe.h"

#include <stdio.h>

#include "base/log.h"

Status volume_probe(Volume *volume, Diag *diag)
{
    char path[64];
    Diag expected = {0}, trouble = {0};
    snprintf(path, sizeof(path), "probe.%016llx", (unsigned long long)env_random(volume->environment));
    TRY(volume_put_if_absent(volume, path, STR_VIEW("first"), diag));
    Status second = volume_put_if_absent(volume, path, STR_VIEW("second"), &expected);
    if (volume_remove(volume, path, &trouble) != OK)
        LOG_WARN("volume", "the probe was not removed: %s", trouble.message);
    if (second == ERR_OBJECT_EXISTS)
        return OK;
    if (second != OK)
        return diag_raise(diag, second, "%s", expected.message);
    return RAISE(
        diag, VOLUME_UNSAFE,
        "volume \"%s\" does not refuse to create an object that exists: it can't hold a journal. A service ignores If-None-Match, or "
        "versioning is enabled on the bucket: suspend it",
        volume->url);
}
