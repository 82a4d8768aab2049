#pragma once
/* The bytes of a load: decompression and cutting into blocks of whole rows. One thread. */

#include "load/load_plan.h"

/* Takes over the block's bytes. */
typedef Status (*LoadBlockSink)(void *context, ByteBuf *block, Diag *diag);

typedef struct LoadInput {
    const LoadPlan *plan;
    LoadBlockSink sink;
    void *sink_context;
    ByteBuf carry;    /* what no block has taken yet; writable */
    size_t try_bytes; /* cut again when carry is that long */
    JsonCut json_cut;
    uint64_t rows_to_skip;
    StreamDecoder decoder;
} LoadInput;

Status load_input_open(LoadInput *input, const LoadPlan *plan, LoadBlockSink sink, void *sink_context, Diag *diag);
Status load_input_feed(LoadInput *input, const void *data, size_t length, Diag *diag);
/* Hands over the rest. */
Status load_input_finish(LoadInput *input, Diag *diag);
void load_input_close(LoadInput *input); /* safe on a zeroed one */
