#pragma once
/* What is kept with a label about the load that used it: SHOW LOAD and information_schema.loads tell it, and a request
 * over HTTP that is repeated gets the answer of the first. */

#include "base/bytes.h"

typedef enum LoadReplyKind { LOAD_REPLY_NONE, LOAD_REPLY_LOAD, LOAD_REPLY_COMMIT } LoadReplyKind;

/* Of the answer over HTTP, what the rest of the record does not say. Times are durations up to the commit. */
typedef struct LoadReplyFacts {
    LoadReplyKind kind;
    uint64_t request; /* sum of what was asked for: properties and body */
    int64_t total_rows, unselected_rows, bytes;
    int64_t load_us, plan_us, read_us, write_us;
    int64_t commit_began_us; /* wall clock, as the label's time, which is when it ended */
    StrView error_url;
} LoadReplyFacts;

typedef struct LoadAnswer {
    StrView type;  /* INSERT, STREAM_LOAD, MERGE_COMMIT, DELETE, UPDATE */
    StrView table; /* data NULL: several, or not known */
    StrView user;
    int64_t loaded_rows, filtered_rows;
    LoadReplyFacts reply;
} LoadAnswer;

void load_answer_print(const LoadAnswer *answer, ByteBuf *out);
/* Texts point into text. Answers of another form give what they say, or nothing. */
void load_answer_parse(StrView text, LoadAnswer *out_answer);
