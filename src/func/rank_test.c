#include "func/rank_test.h"

/* mann_whitney_u_test: values of both samples are ranked together, equal ones share the mean of their ranks; the sum of ranks
 * of a sample is near normal, with a variance that ties make smaller. */

#include <math.h>
#include <stdlib.h>

#include "types/number_text.h"

bool rank_alternative_of(StrView name, RankAlternative *out)
{
    static const char *const names[] = {[RANK_TWO_SIDED] = "two-sided", [RANK_LESS] = "less", [RANK_GREATER] = "greater"};
    for (size_t i = 0; i < COUNT_OF(names); i++) {
        if (strview_equal_ci(name, strview(names[i]))) {
            *out = (RankAlternative)i;
            return true;
        }
    }
    return false;
}

static int compare_samples(const void *a, const void *b)
{
    double x = ((const RankSample *)a)->value;
    double y = ((const RankSample *)b)->value;
    return (x > y) - (x < y);
}

/* The sum of the first sample's ranks, and the sum of t^3 - t over groups of t equal values. */
static double first_ranks(const RankSample *samples, uint32_t count, double *out_ties)
{
    double sum = 0;
    *out_ties = 0;
    for (uint32_t i = 0; i < count;) {
        uint32_t end = i;
        while (end < count && samples[end].value == samples[i].value)
            end++;
        double equal = (double)(end - i);
        double rank = ((double)i + 1 + (double)end) / 2;
        for (uint32_t r = i; r < end; r++)
            sum += samples[r].is_second ? 0 : rank;
        *out_ties += equal * equal * equal - equal;
        i = end;
    }
    return sum;
}

void rank_test_print(RankSample *samples, uint32_t count, RankAlternative alternative, double continuity, ByteBuf *out)
{
    double n = (double)count;
    double second = 0;
    double ties;
    qsort(samples, count, sizeof(*samples), compare_samples);
    for (uint32_t i = 0; i < count; i++)
        second += samples[i].is_second;
    double first = n - second;
    double ranks = first_ranks(samples, count, &ties);
    double u1 = first * second + first * (first + 1) / 2 - ranks;
    double u2 = first * second - u1;
    double variance = first * second * (n + 1) / 12 * (1 - ties / (n * n * n - n));
    if (!(variance > 0)) {
        bytebuf_append_text(out, "{\"Error\": \"All numbers in both samples are identical.\"}");
        return;
    }
    double u = alternative == RANK_TWO_SIDED ? MAX(u1, u2) : alternative == RANK_LESS ? u1 : u2;
    double z = (u - first * second / 2 - 0.5 * continuity) / sqrt(variance);
    double beyond = 0.5 * erfc((alternative == RANK_TWO_SIDED ? fabs(z) : z) / sqrt(2));
    bytebuf_append_char(out, '[');
    double_print(u2, out);
    bytebuf_append_text(out, ", ");
    double_print(alternative == RANK_TWO_SIDED ? 2 * beyond : beyond, out);
    bytebuf_append_char(out, ']');
}
