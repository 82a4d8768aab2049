#include "load/load_reply.h"

#include "codec/json_text.h"

static void put_number(ByteBuf *out, const char *name, int64_t value)
{
    bytebuf_printf(out, ",\n    \"%s\": %lld", name, (long long)value);
}

static void put_text(ByteBuf *out, const char *name, StrView value)
{
    bytebuf_printf(out, ",\n    \"%s\": ", name);
    json_quote(value, out);
}

static void put_time(ByteBuf *out, const char *name, int64_t us)
{
    put_number(out, name, us < 0 ? 0 : us / 1000);
}

void load_reply_print(const LoadReply *reply, ByteBuf *out)
{
    bytebuf_printf(out, "{\n    \"TxnId\": %lld", (long long)reply->txn_id);
    put_text(out, "Label", reply->label);
    if (reply->is_part)
        put_number(out, "Seq", 0);
    put_text(out, "Status", reply->status);
    if (reply->existing_status.length > 0)
        put_text(out, "ExistingJobStatus", reply->existing_status);
    put_text(out, "Message", reply->message);
    put_number(out, "NumberTotalRows", reply->total_rows);
    put_number(out, "NumberLoadedRows", reply->loaded_rows);
    put_number(out, "NumberFilteredRows", reply->filtered_rows);
    put_number(out, "NumberUnselectedRows", reply->unselected_rows);
    put_number(out, "LoadBytes", reply->bytes);
    put_time(out, "LoadTimeMs", reply->load_us);
    put_number(out, "BeginTxnTimeMs", 0);
    put_time(out, "StreamLoadPlanTimeMs", reply->plan_us);
    put_time(out, "ReadDataTimeMs", reply->read_us);
    put_time(out, "WriteDataTimeMs", reply->write_us);
    put_time(out, "CommitAndPublishTimeMs", reply->commit_us);
    if (reply->error_url.length > 0)
        put_text(out, "ErrorURL", reply->error_url);
    bytebuf_append_text(out, "\n}\n");
}

bool load_reply_of(StrView label, const LabelRecord *record, LoadReply *out_reply, uint64_t *out_request)
{
    LoadAnswer answer;
    load_answer_parse(record->answer, &answer);
    const LoadReplyFacts *facts = &answer.reply;
    int64_t commit_us = MAX(record->time_us - facts->commit_began_us, (int64_t)0);
    *out_request = facts->request;
    *out_reply = (LoadReply){.label = label,
                             .status = STR_VIEW("Success"),
                             .message = STR_VIEW("OK"),
                             .error_url = facts->error_url,
                             .txn_id = (int64_t)record->txn_id,
                             .total_rows = facts->total_rows,
                             .loaded_rows = answer.loaded_rows,
                             .filtered_rows = answer.filtered_rows,
                             .unselected_rows = facts->unselected_rows,
                             .bytes = facts->bytes,
                             .load_us = facts->load_us + commit_us,
                             .plan_us = facts->plan_us,
                             .read_us = facts->read_us,
                             .write_us = facts->write_us,
                             .commit_us = commit_us};
    return facts->kind == LOAD_REPLY_LOAD;
}
