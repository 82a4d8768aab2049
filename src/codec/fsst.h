#pragma once
/* Static symbol tables for short strings, after FSST: a string becomes a run of fixed-width codes, each
 * standing for a symbol of 1 to 16 bytes. Every string decodes alone. A table has up to 4,096 symbols,
 * the 256 single bytes among them, so that there is no escape and codes take 8 to 12 bits.
 *
 * Symbols are kept in byte order, and a code is a symbol's rank. Stored form of a table: u16 count, the
 * lengths (u8 each), the bytes. */

#include "base/bytes.h"
#include "base/status.h"

enum { FSST_SYMBOL_BYTES = 16, FSST_MAX_SYMBOLS = 4096 };

typedef struct FsstEncoder FsstEncoder;
/* Learns from the sample's strings; about 100 KiB of them are enough. */
FsstEncoder *fsst_train(const StrView *sample, uint32_t count);
void fsst_encoder_free(FsstEncoder *encoder);
void fsst_store_table(const FsstEncoder *encoder, ByteBuf *out);
uint32_t fsst_code_bits(const FsstEncoder *encoder);
/* Writes at most text.length codes to out; returns how many. */
uint32_t fsst_encode(const FsstEncoder *encoder, StrView text, uint16_t *out);

typedef struct FsstTable {
    uint8_t symbols[FSST_MAX_SYMBOLS][FSST_SYMBOL_BYTES]; /* zero-padded */
    uint8_t lengths[FSST_MAX_SYMBOLS];                    /* 0 for codes that mean nothing */
    uint32_t count;
    uint32_t code_bits;
} FsstTable;
/* CORRUPT when the stored form is not one. */
Status fsst_load_table(StrView stored, FsstTable *out_table, Diag *diag);
/* Decodes codes into out, which has room for capacity bytes and FSST_SYMBOL_BYTES more. starts[i] is where
 * code i begins, starts[count] the end. Codes are below FSST_MAX_SYMBOLS. False: they take more room. */
bool fsst_decode(const FsstTable *table, const uint16_t *codes, uint32_t count, uint8_t *restrict out, size_t capacity,
                 uint32_t *restrict starts);
/* One string: its length, or UINT32_MAX when it takes more than capacity bytes. out has FSST_SYMBOL_BYTES more. */
uint32_t fsst_decode_one(const FsstTable *table, const uint16_t *codes, uint32_t count, uint8_t *restrict out, size_t capacity);
