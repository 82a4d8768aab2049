#include "codec/fsst.h"

/* Training follows FSST: some generations, each of which encodes the sample with the table so far, counts
 * symbols and pairs of neighbours, and keeps what covers most bytes. Lookup of the longest symbol at a
 * place: the greatest symbol not above the text in byte order is found by bisection among those with the
 * same two first bytes; every symbol that begins the text begins that one too, so that its chain of
 * prefixes holds the answer. */

#include <stdlib.h>

#include "base/hash.h"
#include "base/memory.h"
#include "codec/bitpack.h"

enum {
    GENERATIONS = 6,
    CANDIDATE_SLOTS = 1 << 16,
    MAX_CANDIDATES = CANDIDATE_SLOTS / 2,
    LEARNED = FSST_MAX_SYMBOLS - 256,
    NO_PARENT = UINT16_MAX,
};

typedef unsigned __int128 Key; /* the bytes, most significant first, zeros behind */

typedef struct Halves {
    uint64_t high, low;
} Halves;

struct FsstEncoder {
    Key keys[FSST_MAX_SYMBOLS];
    uint64_t heads[FSST_MAX_SYMBOLS]; /* upper halves of the keys, for the bisection */
    uint8_t lengths[FSST_MAX_SYMBOLS];
    uint16_t parents[FSST_MAX_SYMBOLS]; /* longest other symbol that this one begins with */
    uint32_t count;
    uint16_t ends[65536]; /* symbols whose two first bytes are not above the index */
};

/* Bits of a symbol's bytes, by length. */
#define ONES(bytes) ((bytes) >= 8 ? UINT64_MAX : ~(UINT64_MAX >> (bytes) % 8 * 8))
#define MASK(length) {ONES(length), (length) > 8 ? ONES((length) > 8 ? (length) - 8 : 0) : 0}
static const Halves masks[FSST_SYMBOL_BYTES + 1] = {
    MASK(0), MASK(1), MASK(2),  MASK(3),  MASK(4),  MASK(5),  MASK(6),  MASK(7),  MASK(8),
    MASK(9), MASK(10), MASK(11), MASK(12), MASK(13), MASK(14), MASK(15), MASK(16),
};

static Halves load_text(const uint8_t *bytes)
{
    return (Halves){__builtin_bswap64(load_u64(bytes)), __builtin_bswap64(load_u64(bytes + 8))};
}

static inline bool begins(Halves text, size_t left, Key symbol, uint32_t length)
{
    const Halves *mask = &masks[length];
    uint64_t high = (text.high ^ (uint64_t)(symbol >> 64)) & mask->high;
    return length <= left && (high | ((text.low ^ (uint64_t)symbol) & mask->low)) == 0;
}

static inline uint32_t longest_symbol(const FsstEncoder *e, Halves text, size_t left)
{
    uint32_t head = (uint32_t)(text.high >> 48);
    uint32_t low = head == 0 ? 0 : e->ends[head - 1];
    uint32_t size = e->ends[head] - low;
    const uint64_t *base = e->heads + low;
    while (size > 0) { /* masks, since a branch would be guessed wrong every other time */
        uint32_t half = (size + 1) / 2;
        base += half & -(uint32_t)(base[half - 1] <= text.high);
        size -= half;
    }
    uint32_t at = (uint32_t)(base - e->heads) - 1;
    while (e->heads[at] == text.high && (uint64_t)e->keys[at] > text.low)
        at--;
    while (!begins(text, left, e->keys[at], e->lengths[at]))
        at = e->parents[at];
    return at;
}

/* Encodes from text on while at least least bytes are left; FSST_SYMBOL_BYTES bytes behind text are readable then. */
static uint32_t encode_while(const FsstEncoder *e, const uint8_t **in_out_at, size_t *in_out_left, size_t least, uint16_t *out)
{
    const uint8_t *at = *in_out_at;
    size_t left = *in_out_left;
    uint32_t count = 0;
    while (left >= least) {
        uint32_t code = longest_symbol(e, load_text(at), left);
        out[count++] = (uint16_t)code;
        at += e->lengths[code];
        left -= e->lengths[code];
    }
    *in_out_at = at;
    *in_out_left = left;
    return count;
}

uint32_t fsst_encode(const FsstEncoder *e, StrView text, uint16_t *out)
{
    enum { COPIED = 128 };
    uint8_t padded[COPIED + FSST_SYMBOL_BYTES];
    const uint8_t *at = (const uint8_t *)text.data;
    size_t left = text.length;
    uint32_t count = 0;
    if (left > COPIED)
        count = encode_while(e, &at, &left, FSST_SYMBOL_BYTES, out);
    if (left > 0)
        memcpy(padded, at, left);
    memset(padded + left, 0, FSST_SYMBOL_BYTES);
    at = padded;
    return count + encode_while(e, &at, &left, 1, out + count);
}

/* ---- training ---- */

typedef struct Candidate {
    Key key;
    uint32_t length; /* 0: free */
    uint32_t uses;
} Candidate;

typedef struct Trainer {
    FsstEncoder *encoder;
    Candidate *slots;
    Candidate *chosen; /* MAX_CANDIDATES */
    uint32_t used;
} Trainer;

static void count_candidate(Trainer *t, Key key, uint32_t length)
{
    uint64_t hash = hash_combine((uint64_t)(key >> 64) + length, (uint64_t)key);
    uint32_t slot = (uint32_t)hash & (CANDIDATE_SLOTS - 1);
    while (t->slots[slot].length != 0 && (t->slots[slot].key != key || t->slots[slot].length != length))
        slot = (slot + 1) & (CANDIDATE_SLOTS - 1);
    if (t->slots[slot].length == 0) {
        if (t->used == MAX_CANDIDATES)
            return;
        t->used++;
        t->slots[slot] = (Candidate){key, length, 0};
    }
    t->slots[slot].uses++;
}

static uint64_t gain(const Candidate *c)
{
    return (uint64_t)c->uses * c->length;
}

static int compare_gains(const void *a, const void *b)
{
    uint64_t x = gain(a);
    uint64_t y = gain(b);
    return (x < y) - (x > y);
}

static int compare_symbols(const void *a, const void *b)
{
    const Candidate *x = a;
    const Candidate *y = b;
    if (x->key != y->key)
        return x->key < y->key ? -1 : 1;
    return (x->length > y->length) - (x->length < y->length);
}

static void index_symbols(FsstEncoder *e, Candidate *symbols, uint32_t count)
{
    uint16_t stack[FSST_SYMBOL_BYTES + 1];
    uint32_t depth = 0;
    uint32_t head = 0;
    qsort(symbols, count, sizeof(*symbols), compare_symbols);
    e->count = count;
    for (uint32_t i = 0; i < count; i++) {
        const Candidate *s = &symbols[i];
        e->keys[i] = s->key;
        e->heads[i] = (uint64_t)(s->key >> 64);
        e->lengths[i] = (uint8_t)s->length;
        Halves text = {(uint64_t)(s->key >> 64), (uint64_t)s->key};
        while (depth > 0 && !begins(text, s->length, e->keys[stack[depth - 1]], e->lengths[stack[depth - 1]]))
            depth--;
        e->parents[i] = depth > 0 ? stack[depth - 1] : NO_PARENT;
        stack[depth++] = (uint16_t)i;
        for (; head < (uint32_t)(s->key >> 112); head++)
            e->ends[head] = (uint16_t)i;
    }
    for (; head < 65536; head++)
        e->ends[head] = (uint16_t)count;
}

static uint32_t put_single_bytes(Candidate *out)
{
    for (uint32_t b = 0; b < 256; b++)
        out[b] = (Candidate){(Key)b << 120, 1, 0};
    return 256;
}

static void count_string(Trainer *t, StrView text, uint16_t *codes)
{
    const FsstEncoder *e = t->encoder;
    uint32_t count = fsst_encode(e, text, codes);
    for (uint32_t i = 0; i < count; i++) {
        uint32_t length = e->lengths[codes[i]];
        if (length > 1)
            count_candidate(t, e->keys[codes[i]], length);
        if (i + 1 == count || length + e->lengths[codes[i + 1]] > FSST_SYMBOL_BYTES)
            continue;
        count_candidate(t, e->keys[codes[i]] | e->keys[codes[i + 1]] >> (length * 8), length + e->lengths[codes[i + 1]]);
    }
}

/* Keeps the best candidates beside the single bytes. */
static void next_generation(Trainer *t)
{
    uint32_t count = 0;
    for (uint32_t s = 0; s < CANDIDATE_SLOTS; s++) {
        if (t->slots[s].length != 0 && t->slots[s].uses > 1)
            t->chosen[count++] = t->slots[s];
    }
    if (count > LEARNED) {
        qsort(t->chosen, count, sizeof(Candidate), compare_gains);
        count = LEARNED;
    }
    count += put_single_bytes(t->chosen + count);
    index_symbols(t->encoder, t->chosen, count);
    memset(t->slots, 0, sizeof(Candidate) * CANDIDATE_SLOTS);
    t->used = 0;
}

FsstEncoder *fsst_train(const StrView *sample, uint32_t count)
{
    size_t longest = 0;
    for (uint32_t i = 0; i < count; i++)
        longest = MAX(longest, sample[i].length);
    Trainer t = {.encoder = mem_alloc_zero(sizeof(FsstEncoder))};
    t.slots = mem_alloc_zero(sizeof(Candidate) * CANDIDATE_SLOTS);
    t.chosen = mem_alloc(sizeof(Candidate) * (MAX_CANDIDATES + 256));
    uint16_t *codes = mem_alloc((longest + 1) * sizeof(uint16_t));
    index_symbols(t.encoder, t.chosen, put_single_bytes(t.chosen));
    for (uint32_t g = 0; g < GENERATIONS; g++) {
        for (uint32_t i = 0; i < count; i++)
            count_string(&t, sample[i], codes);
        next_generation(&t);
    }
    mem_free(codes);
    mem_free(t.chosen);
    mem_free(t.slots);
    return t.encoder;
}

void fsst_encoder_free(FsstEncoder *encoder)
{
    mem_free(encoder);
}

uint32_t fsst_code_bits(const FsstEncoder *e)
{
    return bits_needed(e->count - 1);
}

void fsst_store_table(const FsstEncoder *e, ByteBuf *out)
{
    bytebuf_put_u16(out, (uint16_t)e->count);
    bytebuf_append(out, e->lengths, e->count);
    for (uint32_t i = 0; i < e->count; i++) {
        for (uint32_t b = 0; b < e->lengths[i]; b++)
            bytebuf_put_u8(out, (uint8_t)(e->keys[i] >> (120 - b * 8)));
    }
}

/* ---- decoding ---- */

Status fsst_load_table(StrView stored, FsstTable *table, Diag *diag)
{
    ByteReader reader = byte_reader(stored.data, stored.length);
    uint32_t count = byte_reader_u16(&reader);
    StrView lengths = byte_reader_bytes(&reader, count);
    if (reader.failed || count < 256 || count > FSST_MAX_SYMBOLS)
        return RAISE(diag, CORRUPT, "symbol table is cut short");
    memset(table, 0, sizeof(*table));
    table->count = count;
    table->code_bits = bits_needed(count - 1);
    for (uint32_t i = 0; i < count; i++) {
        uint8_t length = (uint8_t)lengths.data[i];
        StrView bytes = byte_reader_bytes(&reader, length);
        if (reader.failed || length == 0 || length > FSST_SYMBOL_BYTES)
            return RAISE(diag, CORRUPT, "symbol table is damaged");
        table->lengths[i] = length;
        memcpy(table->symbols[i], bytes.data, length);
    }
    return byte_reader_left(&reader) == 0 ? OK : RAISE(diag, CORRUPT, "symbol table has bytes behind its end");
}

bool fsst_decode(const FsstTable *table, const uint16_t *codes, uint32_t count, uint8_t *restrict out, size_t capacity,
                 uint32_t *restrict starts)
{
    enum { STEP = 8 };
    uint8_t *at = out;
    uint32_t i = 0;
    for (; i + STEP <= count && (size_t)(at - out) + STEP * FSST_SYMBOL_BYTES <= capacity; i += STEP) {
        for (uint32_t s = 0; s < STEP; s++) {
            memcpy(at, table->symbols[codes[i + s]], FSST_SYMBOL_BYTES);
            starts[i + s] = (uint32_t)(at - out);
            at += table->lengths[codes[i + s]];
        }
    }
    for (; i < count; i++) {
        if ((size_t)(at - out) + table->lengths[codes[i]] > capacity)
            return false;
        memcpy(at, table->symbols[codes[i]], FSST_SYMBOL_BYTES);
        starts[i] = (uint32_t)(at - out);
        at += table->lengths[codes[i]];
    }
    starts[count] = (uint32_t)(at - out);
    return true;
}

uint32_t fsst_decode_one(const FsstTable *table, const uint16_t *codes, uint32_t count, uint8_t *restrict out, size_t capacity)
{
    size_t at = 0;
    for (uint32_t i = 0; i < count; i++) {
        if (at + table->lengths[codes[i]] > capacity)
            return UINT32_MAX;
        memcpy(out + at, table->symbols[codes[i]], FSST_SYMBOL_BYTES);
        at += table->lengths[codes[i]];
    }
    return (uint32_t)at;
}
