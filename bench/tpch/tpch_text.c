#include "tpch/tpch_text.h"

#include <string.h>

#include "base/thread.h"
#include "tpch/tpch_random.h"
#include "tpch/tpch_words.h"

/* Making the text pool.
 *
 * A sentence takes a varying number of draws from one stream, so no thread can know where in the
 * stream "its" sentence starts. Each thread therefore starts at a guessed draw as though a sentence
 * began there. Such a parse falls into step with the true one as soon as both start a sentence at
 * the same draw, which takes a few sentences. A thread notes where its first sentences start; when
 * all are done, its predecessor's text is continued until it meets one of these starts, and the text
 * behind that start is moved up to close the gap. The result does not depend on the guesses: where
 * no start is met, the predecessor's text is simply continued over the rest.
 *
 * Weighted picks are one look-up: a list holds every word as often as its weight says. */

enum {
    WORD_BYTES = 15,                /* "should have to " is the longest */
    SENTENCE_MAX_BYTES = 512,       /* the longest form takes about 250 */
    SEGMENT_NOTED_STARTS = 64,      /* parses meet within about ten sentences */
    SEGMENT_MARGIN_BYTES = 1 << 20, /* room for a segment to be longer than the average */
    TEXT_MAX_THREADS = 8,
    WORD_LIST_CAPACITY = 2560, /* sum of all weights */
};

/* Draws the whole pool takes; a guess for cutting it into segments of like size. */
static const uint64_t TEXT_POOL_DRAWS = 52000000;

/* A word with the blank behind it, in one 16-byte move. */
typedef struct PaddedWord {
    char text[WORD_BYTES];
    uint8_t length;
} PaddedWord;

typedef struct WordList {
    const PaddedWord *words;
    double total_weight;
} WordList;

typedef struct Grammar {
    WordList sentences;
    WordList noun_phrases;
    WordList verb_phrases;
    WordList nouns;
    WordList verbs;
    WordList adjectives;
    WordList adverbs;
    WordList auxiliaries;
    WordList prepositions;
    WordList terminators;
    PaddedWord words[WORD_LIST_CAPACITY];
    uint32_t num_words;
} Grammar;

typedef struct SentenceStart {
    uint64_t draw;
    size_t offset; /* in the pool */
} SentenceStart;

/* Where a parse is: one per thread. */
typedef struct TextCursor {
    char *at;
    uint32_t value;
    uint64_t draw; /* number of draws taken from the stream so far */
} TextCursor;

typedef struct TextSegment {
    const Grammar *grammar;
    char *pool;
    TextCursor cursor;
    size_t start; /* offset in the pool */
    size_t limit; /* generates up to here at most, give or take a sentence */
    uint64_t end_draw;
    SentenceStart starts[SEGMENT_NOTED_STARTS];
    uint32_t num_starts;
    Thread thread;
} TextSegment;

static WordList grammar_add_list(Grammar *grammar, const WeightedWord *words, const char *suffix)
{
    uint32_t first = grammar->num_words;
    for (; words->text != NULL; words++) {
        PaddedWord word = {0};
        size_t length = strlen(words->text);
        size_t suffix_length = strlen(suffix);
        CHECK(length + suffix_length <= WORD_BYTES);
        CHECK(grammar->num_words + words->weight <= WORD_LIST_CAPACITY);
        memcpy(word.text, words->text, length);
        memcpy(word.text + length, suffix, suffix_length);
        word.length = (uint8_t)(length + suffix_length);
        for (uint32_t i = 0; i < words->weight; i++)
            grammar->words[grammar->num_words++] = word;
    }
    return (WordList){&grammar->words[first], (double)(grammar->num_words - first)};
}

static void grammar_init(Grammar *grammar)
{
    grammar->num_words = 0;
    grammar->sentences = grammar_add_list(grammar, sentence_forms, "");
    grammar->noun_phrases = grammar_add_list(grammar, noun_phrase_forms, "");
    grammar->verb_phrases = grammar_add_list(grammar, verb_phrase_forms, "");
    grammar->nouns = grammar_add_list(grammar, text_nouns, " ");
    grammar->verbs = grammar_add_list(grammar, text_verbs, " ");
    grammar->adjectives = grammar_add_list(grammar, text_adjectives, " ");
    grammar->adverbs = grammar_add_list(grammar, text_adverbs, " ");
    grammar->auxiliaries = grammar_add_list(grammar, text_auxiliaries, " ");
    grammar->prepositions = grammar_add_list(grammar, text_prepositions, " ");
    grammar->terminators = grammar_add_list(grammar, text_terminators, " ");
}

static inline const PaddedWord *cursor_pick(TextCursor *cursor, const WordList *list)
{
    cursor->value = random_multiply(cursor->value, RANDOM_MULTIPLIER);
    cursor->draw++;
    return &list->words[random_scale(cursor->value, list->total_weight)];
}

/* Writes sixteen bytes, of which the word's length counts. */
static inline void cursor_put_word(TextCursor *cursor, const WordList *list)
{
    const PaddedWord *word = cursor_pick(cursor, list);
    memcpy(cursor->at, word, sizeof(*word));
    cursor->at += word->length;
}

static inline void put_noun_phrase(TextCursor *cursor, const Grammar *grammar)
{
    const PaddedWord *form = cursor_pick(cursor, &grammar->noun_phrases);
    for (uint32_t i = 0; i < form->length; i++) {
        switch (form->text[i]) {
        case 'J':
            cursor_put_word(cursor, &grammar->adjectives);
            break;
        case 'D':
            cursor_put_word(cursor, &grammar->adverbs);
            break;
        case ',':
            memcpy(cursor->at - 1, ", ", 2);
            cursor->at++;
            break;
        default:
            cursor_put_word(cursor, &grammar->nouns);
        }
    }
}

static inline void put_verb_phrase(TextCursor *cursor, const Grammar *grammar)
{
    const PaddedWord *form = cursor_pick(cursor, &grammar->verb_phrases);
    for (uint32_t i = 0; i < form->length; i++) {
        switch (form->text[i]) {
        case 'X':
            cursor_put_word(cursor, &grammar->auxiliaries);
            break;
        case 'D':
            cursor_put_word(cursor, &grammar->adverbs);
            break;
        default:
            cursor_put_word(cursor, &grammar->verbs);
        }
    }
}

static void put_sentence(TextCursor *cursor, const Grammar *grammar)
{
    const PaddedWord *form = cursor_pick(cursor, &grammar->sentences);
    for (uint32_t i = 0; i < form->length; i++) {
        switch (form->text[i]) {
        case 'N':
            put_noun_phrase(cursor, grammar);
            break;
        case 'V':
            put_verb_phrase(cursor, grammar);
            break;
        case 'P':
            cursor_put_word(cursor, &grammar->prepositions);
            memcpy(cursor->at, "the ", 4);
            cursor->at += 4;
            put_noun_phrase(cursor, grammar);
            break;
        default:
            cursor->at--; /* the end of a sentence abuts its last word */
            cursor_put_word(cursor, &grammar->terminators);
        }
    }
}

static void segment_run(void *argument)
{
    TextSegment *segment = argument;
    TextCursor cursor = segment->cursor;
    const char *limit = segment->pool + segment->limit;
    while (cursor.at < limit && cursor.draw < segment->end_draw) {
        if (segment->num_starts < SEGMENT_NOTED_STARTS)
            segment->starts[segment->num_starts++] =
                (SentenceStart){cursor.draw, (size_t)(cursor.at - segment->pool)};
        put_sentence(&cursor, segment->grammar);
    }
    segment->cursor = cursor;
}

static void segment_place(TextSegment *segment, const Grammar *grammar, char *pool, uint32_t index,
                          uint32_t num_segments)
{
    uint64_t draw = TEXT_POOL_DRAWS * index / num_segments;
    bool last = index + 1 == num_segments;
    segment->grammar = grammar;
    segment->pool = pool;
    segment->num_starts = 0;
    /* A later segment lies a margin behind its guessed place and stops a sentence short of the next
     * one, so that neighbours never write over each other. */
    size_t share = TEXT_POOL_BYTES / num_segments;
    segment->start = share * index + (index > 0 ? SEGMENT_MARGIN_BYTES : 0);
    segment->limit = last ? TEXT_POOL_BYTES + SEGMENT_MARGIN_BYTES
                          : share * (index + 1) + SEGMENT_MARGIN_BYTES - SENTENCE_MAX_BYTES;
    segment->end_draw = last ? UINT64_MAX : TEXT_POOL_DRAWS * (index + 1) / num_segments;
    segment->cursor.at = pool + segment->start;
    segment->cursor.draw = draw;
    segment->cursor.value =
        random_multiply(random_seed(STREAM_TEXT_POOL), random_power(RANDOM_MULTIPLIER, draw));
}

/* The place in the segment where a sentence starts at this draw, or SIZE_MAX. */
static size_t segment_find_start(const TextSegment *segment, uint64_t draw)
{
    for (uint32_t i = 0; i < segment->num_starts; i++) {
        if (segment->starts[i].draw == draw)
            return segment->starts[i].offset;
    }
    return SIZE_MAX;
}

/* Continues `cursor` until it meets the segment, then appends the segment's text to it. */
static void segment_join(TextCursor *cursor, TextSegment *segment)
{
    uint64_t last_draw = segment->starts[segment->num_starts - 1].draw;
    char *pool = segment->pool;
    char *room = pool + segment->start - SENTENCE_MAX_BYTES;
    size_t offset = SIZE_MAX;
    while (cursor->draw <= last_draw && cursor->at < room) {
        offset = segment_find_start(segment, cursor->draw);
        if (offset != SIZE_MAX)
            break;
        put_sentence(cursor, segment->grammar);
    }
    if (offset == SIZE_MAX)
        return;
    size_t length = (size_t)(segment->cursor.at - pool) - offset;
    memmove(cursor->at, pool + offset, length);
    char *end = cursor->at + length;
    *cursor = segment->cursor;
    cursor->at = end;
}

static Status segments_run(TextSegment *segments, uint32_t num_segments, Diag *diag)
{
    uint32_t started = 1;
    Status status = OK;
    for (; started < num_segments && status == OK; started++) {
        TextSegment *segment = &segments[started];
        status = thread_start(&segment->thread, "tpch-text", segment_run, segment, diag);
        if (status != OK)
            break;
    }
    segment_run(&segments[0]);
    for (uint32_t i = 1; i < started; i++)
        thread_join(&segments[i].thread);
    return status;
}

static Status pool_fill(char *pool, const Grammar *grammar, uint32_t num_segments, Diag *diag)
{
    TextSegment segments[TEXT_MAX_THREADS];
    for (uint32_t i = 0; i < num_segments; i++)
        segment_place(&segments[i], grammar, pool, i, num_segments);
    TRY(segments_run(segments, num_segments, diag));
    TextCursor cursor = segments[0].cursor;
    for (uint32_t i = 1; i < num_segments; i++)
        segment_join(&cursor, &segments[i]);
    while (cursor.at < pool + TEXT_POOL_BYTES)
        put_sentence(&cursor, grammar);
    return OK;
}

Status text_pool_init(TextPool *pool, uint32_t num_threads, Diag *diag)
{
    size_t bytes = (size_t)TEXT_POOL_BYTES + 2 * SEGMENT_MARGIN_BYTES;
    TRY(buffer_alloc(&pool->buffer, NULL, bytes, diag));
    Grammar *grammar = mem_alloc_zero(sizeof(*grammar));
    grammar_init(grammar);
    uint32_t num_segments = num_threads < TEXT_MAX_THREADS ? num_threads : TEXT_MAX_THREADS;
    Status status = pool_fill((char *)pool->buffer.data, grammar, num_segments, diag);
    mem_free(grammar);
    if (status != OK)
        buffer_free(&pool->buffer);
    return status;
}

void text_pool_deinit(TextPool *pool)
{
    buffer_free(&pool->buffer);
}
