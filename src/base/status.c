#include "base/status.h"

/* Error table look-up and the first-error-wins diagnostic. A Diag moves 0 -> 1 -> 2; only the
 * thread that won the step to 1 writes the text. */

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const ErrorInfo error_table[ERR_COUNT_] = {
    [OK] = {"OK", 0, "00000", ERROR_CLASS_NONE},
#define ERR(name, number, sqlstate, class) \
    [ERR_##name] = {#name, number, sqlstate, ERROR_CLASS_##class},
#include "base/errors.def"
#undef ERR
};

const ErrorInfo *error_info(Status code)
{
    unsigned index = (unsigned)code;
    return &error_table[index < ERR_COUNT_ ? index : ERR_INTERNAL];
}

/* Cuts a message that vsnprintf truncated back to a whole UTF-8 character. */
static void trim_partial_character(char *text, size_t capacity)
{
    size_t length = strlen(text);
    if (length + 1 < capacity)
        return;
    size_t end = length;
    while (end > 0 && ((unsigned char)text[end - 1] & 0xC0) == 0x80)
        end--;
    if (end > 0 && ((unsigned char)text[end - 1] & 0x80) != 0)
        text[end - 1] = '\0';
}

Status diag_raise(Diag *diag, Status code, const char *format, ...)
{
    if (diag == NULL)
        return code;
    int expected = 0;
    if (!atomic_compare_exchange_strong(&diag->claimed, &expected, 1))
        return code;
    va_list args;
    va_start(args, format);
    vsnprintf(diag->message, sizeof(diag->message), format, args);
    va_end(args);
    trim_partial_character(diag->message, sizeof(diag->message));
    diag->code = code;
    atomic_store_explicit(&diag->claimed, 2, memory_order_release);
    return code;
}

void diag_add_context(Diag *diag, const char *format, ...)
{
    if (diag == NULL || !diag_has_error(diag))
        return;
    char text[DIAG_MESSAGE_BYTES];
    va_list args;
    va_start(args, format);
    int written = vsnprintf(text, sizeof(text), format, args);
    va_end(args);
    size_t length = written < 0 ? 0 : MIN((size_t)written, sizeof(text) - 1);
    size_t left = sizeof(text) - length - 1;
    size_t old = strnlen(diag->message, sizeof(diag->message));
    if (left > 2) {
        memcpy(text + length, ": ", 2);
        memcpy(text + length + 2, diag->message, MIN(old, left - 2));
        length += 2 + MIN(old, left - 2);
    }
    text[length] = '\0';
    memcpy(diag->message, text, sizeof(text));
    trim_partial_character(diag->message, sizeof(diag->message));
}

void diag_reset(Diag *diag)
{
    diag->code = OK;
    diag->line = 0;
    diag->column = 0;
    diag->message[0] = '\0';
    atomic_store_explicit(&diag->claimed, 0, memory_order_release);
}

_Noreturn void check_failed(const char *file, int line, const char *condition)
{
    fprintf(stderr, "merak: check failed: %s (%s:%d)\n", condition, file, line);
    fflush(stderr);
    abort();
}
