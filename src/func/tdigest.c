#include "func/tdigest.h"

#include <math.h>

#include "base/radix_sort.h"

void tdigest_begin(TDigest *digest, double compression)
{
    bool is_usable = compression >= 2048 && compression <= TDIGEST_COMPRESSION;
    *digest = (TDigest){.compression = is_usable ? (float)compression : TDIGEST_COMPRESSION, .low = INFINITY, .high = -INFINITY};
}

/* By the mean; those with equal means keep their order. */
static void sort_fresh(TDigest *digest, Centroid *scratch)
{
    uint32_t count = digest->fresh_count;
    RadixItem *items = mem_alloc(sizeof(*items) * count * 2);
    for (uint32_t i = 0; i < count; i++) {
        uint32_t bits;
        memcpy(&bits, &digest->fresh[i].mean, sizeof(bits));
        bits ^= bits >> 31 != 0 ? UINT32_MAX : UINT32_C(1) << 31; /* in the order of numbers */
        items[i] = (RadixItem){bits, i};
    }
    const RadixItem *sorted = radix_sort(items, items + count, count);
    memcpy(scratch, digest->fresh, sizeof(*scratch) * count);
    for (uint32_t i = 0; i < count; i++)
        digest->fresh[i] = scratch[sorted[i].row];
    mem_free(items);
}

/* The scale: location of a quantile, and the quantile at a location. */
static float location_of(const TDigest *digest, float quantile)
{
    return (float)((double)digest->compression * (asin(2.0 * (double)quantile - 1.0) + M_PI / 2) / M_PI);
}
static float quantile_at(const TDigest *digest, float location)
{
    double capped = (double)MIN(location, digest->compression);
    return (float)((sin(capped * M_PI / (double)digest->compression - M_PI / 2) + 1) / 2);
}

static void absorb(Centroid *to, const Centroid *from)
{
    to->weight += from->weight;
    to->mean += from->weight * (from->mean - to->mean) / to->weight;
}

/* Both lists in order of the mean, those of fresh first among equals. */
static Centroid *join_sorted(const TDigest *digest, Centroid *out)
{
    uint32_t f = 0;
    uint32_t m = 0;
    for (uint32_t i = 0; i < digest->fresh_count + digest->merged_count; i++) {
        bool takes_fresh = m == digest->merged_count ||
                           (f < digest->fresh_count && digest->fresh[f].mean <= digest->merged[m].mean);
        out[i] = takes_fresh ? digest->fresh[f++] : digest->merged[m++];
    }
    return out;
}

static void merge_fresh(TDigest *digest, Arena *arena)
{
    uint32_t count = digest->fresh_count + digest->merged_count;
    if (digest->fresh_count == 0)
        return;
    Centroid *all = mem_alloc(sizeof(Centroid) * count);
    sort_fresh(digest, all);
    join_sorted(digest, all);
    for (uint32_t i = 0; i < digest->fresh_count; i++)
        digest->weight += digest->fresh[i].weight;
    if (digest->merged_capacity < count) {
        digest->merged = ARENA_NEW_ARRAY(arena, Centroid, count);
        digest->merged_capacity = count;
    }
    float so_far = all[0].weight;
    float limit = digest->weight * quantile_at(digest, 1);
    uint32_t kept = 0;
    digest->merged[0] = all[0];
    for (uint32_t i = 1; i < count; i++) {
        float projected = so_far + all[i].weight;
        if (projected <= limit) {
            absorb(&digest->merged[kept], &all[i]);
        } else {
            limit = digest->weight * quantile_at(digest, location_of(digest, so_far / digest->weight) + 1);
            digest->merged[++kept] = all[i];
        }
        so_far = projected;
    }
    digest->merged_count = kept + 1;
    digest->fresh_count = 0;
    digest->low = MIN(digest->low, digest->merged[0].mean);
    digest->high = MAX(digest->high, digest->merged[kept].mean);
    mem_free(all);
}

void tdigest_add(TDigest *digest, Arena *arena, double value, double weight)
{
    if (isnan(value) || !(weight > 0))
        return;
    if (digest->fresh_count == digest->fresh_capacity)
        digest->fresh = arena_grow(arena, digest->fresh, sizeof(Centroid), digest->fresh_count, &digest->fresh_capacity);
    digest->fresh[digest->fresh_count++] = (Centroid){(float)value, (float)weight};
    if ((float)digest->fresh_count > 8 * digest->compression)
        merge_fresh(digest, arena);
}

void tdigest_unite(TDigest *target, Arena *arena, const TDigest *other)
{
    if (other->compression == 0)
        return;
    if (target->compression == 0)
        tdigest_begin(target, (double)other->compression);
    for (uint32_t i = 0; i < other->merged_count; i++)
        tdigest_add(target, arena, (double)other->merged[i].mean, (double)other->merged[i].weight);
    for (uint32_t i = 0; i < other->fresh_count; i++)
        tdigest_add(target, arena, (double)other->fresh[i].mean, (double)other->fresh[i].weight);
    target->low = MIN(target->low, other->low);
    target->high = MAX(target->high, other->high);
}

static float between(float a, float a_weight, float b, float b_weight)
{
    float x = (a * a_weight + b * b_weight) / (a_weight + b_weight);
    float low = MIN(a, b);
    float high = MAX(a, b);
    return MAX(low, MIN(x, high));
}

double tdigest_quantile(TDigest *digest, Arena *arena, double rate)
{
    merge_fresh(digest, arena);
    uint32_t count = digest->merged_count;
    if (count == 0 || !(rate >= 0 && rate <= 1))
        return (double)NAN;
    const Centroid *c = digest->merged;
    if (count == 1)
        return (double)c[0].mean;
    float index = (float)(rate * (double)digest->weight);
    if (index <= c[0].weight / 2)
        return (double)(digest->low + 2 * index / c[0].weight * (c[0].mean - digest->low));
    float before = c[0].weight / 2; /* of what lies before the middle of centroid i */
    float sum = c[0].weight;
    for (uint32_t i = 1; i < count; i++) {
        float middle = sum + c[i].weight / 2;
        if (middle >= index)
            return (double)between(c[i - 1].mean, middle - index, c[i].mean, index - before);
        before = middle;
        sum += c[i].weight;
    }
    const Centroid *last = &c[count - 1];
    float over = index - (digest->weight - last->weight / 2);
    return (double)between(last->mean, last->weight / 2 - over, digest->high, over);
}

static void put_float(ByteBuf *out, float value)
{
    uint32_t bits;
    memcpy(&bits, &value, sizeof(bits));
    bytebuf_put_u32(out, bits);
}
static float take_float(ByteReader *reader)
{
    uint32_t bits = byte_reader_u32(reader);
    float value;
    memcpy(&value, &bits, sizeof(value));
    return value;
}

/* compression, low, high, number of centroids, those */
void tdigest_encode(const TDigest *digest, ByteBuf *out)
{
    put_float(out, digest->compression);
    put_float(out, digest->low);
    put_float(out, digest->high);
    bytebuf_put_varint(out, digest->merged_count + digest->fresh_count);
    for (uint32_t i = 0; i < digest->merged_count + digest->fresh_count; i++) {
        const Centroid *c = i < digest->merged_count ? &digest->merged[i] : &digest->fresh[i - digest->merged_count];
        put_float(out, c->mean);
        put_float(out, c->weight);
    }
}

bool tdigest_decode(ByteReader *reader, Arena *arena, TDigest *out)
{
    float compression = take_float(reader);
    float low = take_float(reader);
    float high = take_float(reader);
    uint64_t count = byte_reader_varint(reader);
    if (reader->failed || !(compression == 0 || (compression >= 2048 && compression <= TDIGEST_COMPRESSION)) ||
        count > byte_reader_left(reader) / sizeof(Centroid))
        return false;
    *out = (TDigest){0};
    if (compression > 0)
        tdigest_begin(out, (double)compression);
    for (uint64_t i = 0; i < count && compression > 0; i++) {
        float mean = take_float(reader);
        float weight = take_float(reader);
        if (isfinite(weight))
            tdigest_add(out, arena, (double)mean, (double)weight);
    }
    out->low = MIN(out->low, low);
    out->high = MAX(out->high, high);
    return !reader->failed;
}
