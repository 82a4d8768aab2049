#pragma once
/* The rank test of Mann, Whitney and Wilcoxon. Only for src/func. */

#include "func/function.h"

typedef struct RankSample {
    double value;
    bool is_second; /* of the two samples */
} RankSample;

typedef enum RankAlternative { RANK_TWO_SIDED, RANK_LESS, RANK_GREATER } RankAlternative;

bool rank_alternative_of(StrView name, RankAlternative *out);
/* JSON text: the statistic of the first sample and the probability of at least as much by chance; sorts the samples. */
void rank_test_print(RankSample *samples, uint32_t count, RankAlternative alternative, double continuity, ByteBuf *out);
