#pragma once
/* The JSON answer to a load over HTTP.
 *
 * What a label keeps of its load is enough to make the answer again, byte for byte: the first answer is made from it
 * too. It goes to whoever repeats the request, with the same properties and body; another request with that label
 * hears that the label is in use. */

#include "meta/load_answer.h"
#include "meta/store.h"

typedef struct LoadReply {
    StrView label, status, message, error_url; /* error_url empty: none */
    StrView existing_status;                   /* empty: none */
    int64_t txn_id;
    bool is_part; /* of a transaction */
    int64_t total_rows, loaded_rows, filtered_rows, unselected_rows, bytes;
    int64_t load_us, plan_us, read_us, write_us, commit_us;
} LoadReply;

void load_reply_print(const LoadReply *reply, ByteBuf *out);
/* The reply to a load that used the label. Texts point into label and record. False: it was not one by Stream Load. */
bool load_reply_of(StrView label, const LabelRecord *record, LoadReply *out_reply, uint64_t *out_request);
