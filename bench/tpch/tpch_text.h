#pragma once
/* The text pool: 300 MiB of pseudo-English that every comment of TPC-H is a piece of.
 *
 * Which piece is drawn evenly from the whole pool, so even the smallest scale needs all of it. It is
 * made once, by several threads, and only read afterwards. The owner frees it. */

#include "base/memory.h"

enum { TEXT_POOL_BYTES = 300 * 1024 * 1024 };

typedef struct TextPool {
    Buffer buffer; /* TEXT_POOL_BYTES of text and some slack */
} TextPool;

Status text_pool_init(TextPool *pool, uint32_t num_threads, Diag *diag);
void text_pool_deinit(TextPool *pool);

static inline const char *text_pool_data(const TextPool *pool)
{
    return (const char *)pool->buffer.data;
}
