#pragma once
/* Numbers of the storage layer for /metrics. */

#include "session/instance.h"

/* instance: an Instance. */
void storage_metrics_write(void *instance, ByteBuf *out);
