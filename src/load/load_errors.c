#include "load/load_errors.h"

/* Texts of all rejects lie in one buffer, reason before row. */

#include <stdlib.h>

enum { ROW_SHOWN_BYTES = 4096 };

struct LoadReject {
    uint64_t block;
    uint32_t row;
    size_t at; /* in text */
    size_t reason_length, row_length;
};

void load_errors_init(LoadErrors *errors, uint32_t limit)
{
    *errors = (LoadErrors){.limit = limit};
    mutex_init(&errors->lock);
}

void load_errors_deinit(LoadErrors *errors)
{
    mem_free(errors->rejects);
    mem_free(errors->block_rows);
    bytebuf_deinit(&errors->text);
    mutex_deinit(&errors->lock);
}

bool load_errors_take(LoadErrors *errors)
{
    return atomic_load(&errors->noted) < errors->limit && atomic_fetch_add(&errors->noted, 1) < errors->limit;
}

void load_errors_add(LoadErrors *errors, uint64_t block, uint32_t row, StrView reason, StrView text)
{
    LOCK_GUARD(&errors->lock);
    if (errors->text.length > LOAD_ERROR_LOG_BYTES)
        return;
    if (errors->count == errors->room) {
        errors->room = MAX(errors->room * 2, 16u);
        errors->rejects = mem_realloc(errors->rejects, errors->room * sizeof(LoadReject));
    }
    while (text.length > 0 && (text.data[text.length - 1] == '\n' || text.data[text.length - 1] == '\r'))
        text.length--;
    text.length = MIN(text.length, (size_t)ROW_SHOWN_BYTES);
    errors->rejects[errors->count++] = (LoadReject){block, row, errors->text.length, reason.length, text.length};
    bytebuf_append_view(&errors->text, reason);
    bytebuf_append_view(&errors->text, text);
}

void load_errors_block(LoadErrors *errors, uint64_t block, uint64_t rows)
{
    LOCK_GUARD(&errors->lock);
    if (block >= errors->blocks) {
        uint64_t blocks = (block + 1) * 2;
        errors->block_rows = mem_realloc(errors->block_rows, blocks * sizeof(uint64_t));
        memset(errors->block_rows + errors->blocks, 0, (blocks - errors->blocks) * sizeof(uint64_t));
        errors->blocks = blocks;
    }
    errors->block_rows[block] = rows;
}

static int compare_rejects(const void *a, const void *b)
{
    const LoadReject *x = a;
    const LoadReject *y = b;
    if (x->block != y->block)
        return x->block < y->block ? -1 : 1;
    return (x->row > y->row) - (x->row < y->row);
}

void load_errors_print(LoadErrors *errors, uint64_t header_rows, ByteBuf *out)
{
    uint64_t before = header_rows, block = 0;
    if (errors->count > 1)
        qsort(errors->rejects, errors->count, sizeof(LoadReject), compare_rejects);
    for (uint32_t i = 0; i < errors->count; i++) {
        const LoadReject *reject = &errors->rejects[i];
        for (; block < reject->block && block < errors->blocks; block++)
            before += errors->block_rows[block];
        StrView reason = {errors->text.data + reject->at, reject->reason_length};
        StrView row = {reason.data + reason.length, reject->row_length};
        bytebuf_printf(out, "Error: %.*s. Line: %llu. Row: ", SV_ARGS(reason), (unsigned long long)(before + reject->row + 1));
        bytebuf_append_view(out, row);
        bytebuf_append_char(out, '\n');
    }
}
