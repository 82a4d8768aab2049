#pragma once
/* Tokens of a statement text. */

#include "base/arena.h"
#include "base/bytes.h"

typedef enum TokenKind {
    TOKEN_END,
    TOKEN_WORD,        /* bare identifier or keyword */
    TOKEN_QUOTED_NAME, /* `x`: text without quotes */
    TOKEN_STRING,      /* text: the value, escapes resolved */
    TOKEN_BINARY,      /* x'..': text: the bytes */
    TOKEN_INTEGER,
    TOKEN_DECIMAL,
    TOKEN_DOUBLE,
    TOKEN_SYMBOL,      /* operator or punctuation, longest match */
    TOKEN_PARAMETER,   /* ? */
    TOKEN_USER_VARIABLE,   /* @x: text x */
    TOKEN_SYSTEM_VARIABLE, /* @@x.y: text x.y */
    TOKEN_HINT,        /* the inside of a hint comment */
} TokenKind;

typedef struct Token {
    uint8_t kind;
    uint32_t begin, end; /* bytes of the text */
    StrView text;
} Token;

typedef struct TokenList {
    Token *items;
    uint32_t count;
    uint32_t capacity;
} TokenList;

/* The list ends with a TOKEN_END. */
Status sql_tokenize(StrView text, Arena *arena, Diag *diag, TokenList *out_tokens);
