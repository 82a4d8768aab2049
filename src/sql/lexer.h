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

/* What a symbol or word can mean between two expressions. */
typedef enum TokenOperator {
    OPERATOR_NONE,
    OPERATOR_OR,
    OPERATOR_PIPES,
    OPERATOR_AND,
    OPERATOR_WORD_SHIFT_LEFT, /* BIT_SHIFT_LEFT: binds less than | */
    OPERATOR_WORD_SHIFT_RIGHT,
    OPERATOR_WORD_SHIFT_RIGHT_LOGICAL,
    OPERATOR_BIT_OR,
    OPERATOR_BIT_AND,
    OPERATOR_SHIFT_LEFT,
    OPERATOR_SHIFT_RIGHT,
    OPERATOR_PLUS,
    OPERATOR_MINUS,
    OPERATOR_MULTIPLY,
    OPERATOR_DIVIDE,
    OPERATOR_MODULO,
    OPERATOR_INT_DIVIDE,
    OPERATOR_BIT_XOR,
} TokenOperator;

typedef struct Token {
    uint8_t kind;
    uint8_t binary_operator; /* TokenOperator */
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
