#pragma once
/* The word lists of TPC-H, as constant data: lists that rows pick from evenly, and the weighted
 * lists and sentence forms of the comment grammar. */

#include <stdint.h>

/* Lists drawn from evenly. */
enum {
    NUM_REGIONS = 5,
    NUM_NATIONS = 25,
    NUM_COLORS = 92,
    NUM_SEGMENTS = 5,
    NUM_PRIORITIES = 5,
    NUM_INSTRUCTIONS = 4,
    NUM_MODES = 7,
    NUM_CONTAINER_SIZES = 5,
    NUM_CONTAINER_KINDS = 8,
    NUM_TYPE_CLASSES = 6,
    NUM_TYPE_FINISHES = 5,
    NUM_TYPE_METALS = 5,
};

typedef struct Nation {
    const char *name;
    int region;
} Nation;

extern const char *const region_names[NUM_REGIONS];
extern const Nation nations[NUM_NATIONS];
extern const char *const part_colors[NUM_COLORS];
extern const char *const market_segments[NUM_SEGMENTS];
extern const char *const order_priorities[NUM_PRIORITIES];
extern const char *const ship_instructions[NUM_INSTRUCTIONS];
extern const char *const ship_modes[NUM_MODES];
extern const char *const container_sizes[NUM_CONTAINER_SIZES];
extern const char *const container_kinds[NUM_CONTAINER_KINDS];
extern const char *const type_classes[NUM_TYPE_CLASSES];
extern const char *const type_finishes[NUM_TYPE_FINISHES];
extern const char *const type_metals[NUM_TYPE_METALS];

/* A weighted list: an entry is picked `weight` times in the sum of all weights. */
typedef struct WeightedWord {
    const char *text; /* NULL ends a list */
    uint32_t weight;
} WeightedWord;

/* Sentences: N noun phrase, V verb phrase, P preposition and noun phrase, T end of sentence.
 * Phrases: N noun, J adjective, D adverb, V verb, X auxiliary; a comma follows the word before. */
extern const WeightedWord sentence_forms[];
extern const WeightedWord noun_phrase_forms[];
extern const WeightedWord verb_phrase_forms[];
extern const WeightedWord text_nouns[];
extern const WeightedWord text_verbs[];
extern const WeightedWord text_adjectives[];
extern const WeightedWord text_adverbs[];
extern const WeightedWord text_auxiliaries[];
extern const WeightedWord text_prepositions[];
extern const WeightedWord text_terminators[];
