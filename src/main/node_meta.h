#pragma once
/* The metadata of a node: the store, and the meta directory beside it. */

#include "job/scheduler.h"
#include "main/config.h"
#include "meta/meta_dir.h"

typedef struct NodeMeta {
    Volume *directory;
    MetaDir *mirror;
    ByteBuf note; /* what the start found that the operator should know; SHOW FRONTENDS says it */
} NodeMeta;

/* Looks at the meta directory, opens the store, and begins to keep the directory. */
Status node_meta_open(NodeMeta *meta, const Config *config, const char *data_directory, Volume *volume, Diag *diag, MetaStore **out_store);
void node_meta_start_jobs(NodeMeta *meta, const Config *config, MetaStore *store, Scheduler *scheduler);
/* Before the store is closed. */
void node_meta_close(NodeMeta *meta);
