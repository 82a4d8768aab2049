#pragma once
/* What is kept with a label about the load that used it: SHOW LOAD and information_schema.loads tell it. */

#include "base/bytes.h"

typedef struct LoadAnswer {
    StrView type;  /* INSERT, STREAM_LOAD, DELETE, UPDATE */
    StrView table; /* data NULL: several, or not known */
    StrView user;
    int64_t loaded_rows, filtered_rows;
} LoadAnswer;

void load_answer_print(const LoadAnswer *answer, ByteBuf *out);
/* Texts point into text. Answers of another form give what they say, or nothing. */
void load_answer_parse(StrView text, LoadAnswer *out_answer);
