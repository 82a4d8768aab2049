#pragma once
/* The objects of data that a state of the cluster names, over all its volumes: which are missing, and bringing those that another
 * place lacks there. Volumes are told apart by their ids; both sides are home volumes with sets of their own. */

#include "meta/change.h"
#include "volume/volume.h"

/* Calls visit for every object that the catalog names and its volume does not have. Volumes that the home volume knows nothing of
 * are left out. */
Status meta_find_missing(Volume *home, const CatalogSnapshot *catalog, void (*visit)(void *context, StrView path), void *context,
                         Diag *diag);

typedef struct StateCopy {
    Volume *from, *into;
    const _Atomic bool *cancelled; /* may be NULL */
    /* From any thread, often. May be NULL. */
    void (*progress)(void *context, uint64_t done, uint64_t total);
    void *context;
} StateCopy;

typedef struct StateCopyReport {
    uint64_t objects; /* that the state names */
    uint64_t copied, bytes;
} StateCopyReport;

/* Objects are copied as they are, and durable on return. */
Status meta_copy_objects(const StateCopy *copy, const CatalogSnapshot *catalog, Diag *diag, StateCopyReport *out_report);

/* The state after the change, in the place of the one before, of which nothing is changed. */
Status meta_change_state(CatalogSnapshot **in_out_catalog, const Change *change, Diag *diag);
/* The state without its nodes; without its snapshots, which stay where they are. */
Status meta_strip_nodes(CatalogSnapshot **in_out_catalog, Diag *diag);
Status meta_strip_snapshots(CatalogSnapshot **in_out_catalog, Diag *diag);
/* The storage volume lies there from now on. properties replace its own unless there are none. BAD_CONFIG: there is no such one. */
typedef struct VolumeMove {
    StrView name, type, location; /* type empty: by the location's scheme */
    StrView comment;              /* data NULL: stays */
    const Property *properties;
    uint32_t property_count;
} VolumeMove;
Status meta_move_volume(CatalogSnapshot **in_out_catalog, const VolumeMove *move, Diag *diag);
