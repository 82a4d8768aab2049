#pragma once
/* How much a database may hold: records of the module "quota". Thread-safe. */

#include "meta/change.h"

typedef struct Quota {
    uint64_t data_bytes; /* UINT64_MAX: any */
    uint64_t replicas;   /* tablets */
} Quota;

Quota quota_of(const CatalogSnapshot *catalog, uint64_t database_id);
void quota_put(Change *change, uint64_t database_id, const Quota *quota);
/* LIMIT_EXCEEDED: it holds more bytes than it may, or would hold more tablets. */
Status quota_check_data(const CatalogSnapshot *catalog, uint64_t database_id, Diag *diag);
Status quota_check_replicas(const CatalogSnapshot *catalog, uint64_t database_id, uint64_t more, Diag *diag);
