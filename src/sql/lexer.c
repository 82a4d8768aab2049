#include "sql/lexer.h"

/* One pass over the text. MySQL's version comments (slash, star, bang, digits) are read as text; hint
 * comments (slash, star, plus) become a token; all others are blanks. */

#include "base/status.h"
#include "sql/parser.h"

typedef struct Lexer {
    StrView text;
    uint32_t at;
    uint32_t version_comments; /* open ones */
    Arena *arena;
    Diag *diag;
    TokenList *tokens;
} Lexer;

static bool is_name_start(unsigned char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_' || c >= 0x80;
}

static bool is_digit(unsigned char c)
{
    return c >= '0' && c <= '9';
}

static bool is_name_part(unsigned char c)
{
    return is_name_start(c) || is_digit(c) || c == '$';
}

static unsigned char peek(const Lexer *lexer, uint32_t ahead)
{
    size_t at = (size_t)lexer->at + ahead;
    return at < lexer->text.length ? (unsigned char)lexer->text.data[at] : 0;
}

static Status lexer_error(Lexer *lexer, uint32_t at, const char *what)
{
    uint32_t line, column;
    sql_position(lexer->text, at, &line, &column);
    Status status =
        RAISE(lexer->diag, SYNTAX, "Getting syntax error at line %u, column %u. Detail message: %s.",
              line, column, what);
    if (lexer->diag != NULL) {
        lexer->diag->line = (int)line;
        lexer->diag->column = (int)column + 1;
    }
    return status;
}

static void push(Lexer *lexer, TokenKind kind, uint32_t begin, StrView text)
{
    Token token = {.kind = (uint8_t)kind, .begin = begin, .end = lexer->at, .text = text};
    ARRAY_PUSH(lexer->arena, lexer->tokens, token);
}

static StrView span(const Lexer *lexer, uint32_t begin)
{
    return strview_n(lexer->text.data + begin, lexer->at - begin);
}

static void skip_line(Lexer *lexer)
{
    while (lexer->at < lexer->text.length && peek(lexer, 0) != '\n')
        lexer->at++;
}

static Status skip_block_comment(Lexer *lexer)
{
    uint32_t begin = lexer->at;
    if (peek(lexer, 2) == '!') {
        lexer->at += 3;
        while (is_digit(peek(lexer, 0)) || peek(lexer, 0) == 'M')
            lexer->at++;
        lexer->version_comments++;
        return OK;
    }
    bool is_hint = peek(lexer, 2) == '+';
    lexer->at += 2;
    while (lexer->at < lexer->text.length && !(peek(lexer, 0) == '*' && peek(lexer, 1) == '/'))
        lexer->at++;
    if (lexer->at >= lexer->text.length)
        return lexer_error(lexer, begin, "unterminated comment");
    StrView inside = strview_n(lexer->text.data + begin + 3, lexer->at - MIN(begin + 3, lexer->at));
    lexer->at += 2;
    if (is_hint)
        push(lexer, TOKEN_HINT, begin, inside);
    return OK;
}

/* True when something was skipped. */
static Status skip_blanks(Lexer *lexer)
{
    for (;;) {
        unsigned char c = peek(lexer, 0);
        if (lexer->at >= lexer->text.length)
            return OK;
        if (c == ' ' || (c >= '\t' && c <= '\r') || c == 0)
            lexer->at++;
        else if (c == '#' || (c == '-' && peek(lexer, 1) == '-' &&
                              (peek(lexer, 2) <= ' ' || peek(lexer, 2) == '-')))
            skip_line(lexer);
        else if (c == '/' && peek(lexer, 1) == '*')
            TRY(skip_block_comment(lexer));
        else if (c == '*' && peek(lexer, 1) == '/' && lexer->version_comments > 0) {
            lexer->version_comments--;
            lexer->at += 2;
        } else {
            return OK;
        }
    }
}

static char unescape(char c)
{
    switch (c) {
    case 'n':
        return '\n';
    case 't':
        return '\t';
    case 'r':
        return '\r';
    case '0':
        return '\0';
    case 'b':
        return '\b';
    case 'Z':
        return 26;
    default:
        return c;
    }
}

/* Resolves doubled quotes and backslashes; \% and \_ stay as they are, for LIKE. */
static StrView resolve_string(Lexer *lexer, uint32_t begin, uint32_t end, char quote)
{
    char *out = arena_alloc_bytes(lexer->arena, end - begin + 1);
    size_t n = 0;
    const char *s = lexer->text.data;
    for (uint32_t i = begin; i < end; i++) {
        if (s[i] == '\\' && i + 1 < end) {
            i++;
            if (s[i] == '%' || s[i] == '_')
                out[n++] = '\\';
            out[n++] = unescape(s[i]);
        } else {
            out[n++] = s[i];
            i += s[i] == quote; /* doubled */
        }
    }
    return strview_n(out, n);
}

static Status lex_string(Lexer *lexer)
{
    uint32_t begin = lexer->at;
    char quote = (char)peek(lexer, 0);
    bool is_plain = true;
    lexer->at++;
    for (; lexer->at < lexer->text.length; lexer->at++) {
        char c = (char)peek(lexer, 0);
        if (c == '\\') {
            is_plain = false;
            lexer->at++;
        } else if (c == quote && (char)peek(lexer, 1) == quote) {
            is_plain = false;
            lexer->at++;
        } else if (c == quote) {
            break;
        }
    }
    if (lexer->at >= lexer->text.length)
        return lexer_error(lexer, begin, "unterminated string");
    StrView value = is_plain ? strview_n(lexer->text.data + begin + 1, lexer->at - begin - 1)
                             : resolve_string(lexer, begin + 1, lexer->at, quote);
    lexer->at++;
    push(lexer, TOKEN_STRING, begin, value);
    return OK;
}

static Status lex_quoted_name(Lexer *lexer)
{
    uint32_t begin = lexer->at++;
    uint32_t first = lexer->at;
    while (lexer->at < lexer->text.length && (peek(lexer, 0) != '`' || peek(lexer, 1) == '`'))
        lexer->at += peek(lexer, 0) == '`' ? 2 : 1;
    if (lexer->at >= lexer->text.length)
        return lexer_error(lexer, begin, "unterminated quoted name");
    StrView raw = strview_n(lexer->text.data + first, lexer->at - first);
    lexer->at++;
    if (strview_find(raw, STR_VIEW("``")) != SIZE_MAX) {
        char *out = arena_alloc_bytes(lexer->arena, raw.length);
        size_t n = 0;
        for (size_t i = 0; i < raw.length; i++) {
            out[n++] = raw.data[i];
            i += raw.data[i] == '`';
        }
        raw = strview_n(out, n);
    }
    push(lexer, TOKEN_QUOTED_NAME, begin, raw);
    return OK;
}

static bool follows_point(const Lexer *lexer, uint32_t begin)
{
    const TokenList *tokens = lexer->tokens;
    if (tokens->count < 2)
        return false;
    const Token *point = &tokens->items[tokens->count - 1];
    const Token *name = point - 1;
    return point->end == begin && point->kind == TOKEN_SYMBOL && strview_is(point->text, ".") &&
           name->end == point->begin && (name->kind == TOKEN_WORD || name->kind == TOKEN_QUOTED_NAME);
}

static void lex_number(Lexer *lexer)
{
    uint32_t begin = lexer->at;
    TokenKind kind = TOKEN_INTEGER;
    while (is_digit(peek(lexer, 0)))
        lexer->at++;
    if (follows_point(lexer, begin)) { /* t.1a, t.1 */
        while (is_name_part(peek(lexer, 0)))
            lexer->at++;
        push(lexer, TOKEN_WORD, begin, span(lexer, begin));
        return;
    }
    if (peek(lexer, 0) == '.' && !is_name_start(peek(lexer, 1))) {
        kind = TOKEN_DECIMAL;
        lexer->at++;
        while (is_digit(peek(lexer, 0)))
            lexer->at++;
    }
    unsigned char e = peek(lexer, 0);
    unsigned char sign = peek(lexer, 1);
    bool has_sign = sign == '+' || sign == '-';
    if ((e == 'e' || e == 'E') && is_digit(peek(lexer, has_sign ? 2 : 1))) {
        kind = TOKEN_DOUBLE;
        lexer->at += has_sign ? 2 : 1;
        while (is_digit(peek(lexer, 0)))
            lexer->at++;
    } else if (kind == TOKEN_INTEGER && is_name_part(e) && e < 0x80) {
        kind = TOKEN_WORD; /* names may begin with digits */
        while (is_name_part(peek(lexer, 0)))
            lexer->at++;
    }
    push(lexer, kind, begin, span(lexer, begin));
}

static int hex_value(char c)
{
    if (c >= '0' && c <= '9')
        return c - '0';
    c = (char)(c | 0x20);
    return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

static Status lex_binary(Lexer *lexer)
{
    uint32_t begin = lexer->at++;
    TRY(lex_string(lexer));
    Token *token = &lexer->tokens->items[lexer->tokens->count - 1];
    size_t length = token->text.length;
    char *bytes = arena_alloc_bytes(lexer->arena, length / 2 + 1);
    for (size_t i = 0; i + 1 < length; i += 2) {
        int high = hex_value(token->text.data[i]);
        int low = hex_value(token->text.data[i + 1]);
        if (high < 0 || low < 0)
            return lexer_error(lexer, begin, "bad hexadecimal literal");
        bytes[i / 2] = (char)(high * 16 + low);
    }
    if (length % 2 != 0)
        return lexer_error(lexer, begin, "Binary literal must contain an even number of digits");
    token->kind = TOKEN_BINARY;
    token->begin = begin;
    token->text = strview_n(bytes, length / 2);
    return OK;
}

static TokenOperator word_operator(StrView word)
{
    static const struct {
        StrView word;
        TokenOperator binary_operator;
    } words[] = {{{"OR", 2}, OPERATOR_OR},
                 {{"AND", 3}, OPERATOR_AND},
                 {{"DIV", 3}, OPERATOR_INT_DIVIDE},
                 {{"MOD", 3}, OPERATOR_MODULO},
                 {{"BIT_SHIFT_LEFT", 14}, OPERATOR_WORD_SHIFT_LEFT},
                 {{"BIT_SHIFT_RIGHT", 15}, OPERATOR_WORD_SHIFT_RIGHT},
                 {{"BIT_SHIFT_RIGHT_LOGICAL", 23}, OPERATOR_WORD_SHIFT_RIGHT_LOGICAL}};
    if (word.length > 3 && word.length < 14)
        return OPERATOR_NONE;
    for (size_t i = 0; i < COUNT_OF(words); i++) {
        if (strview_equal_ci(word, words[i].word))
            return words[i].binary_operator;
    }
    return OPERATOR_NONE;
}

static void lex_word(Lexer *lexer)
{
    uint32_t begin = lexer->at;
    while (is_name_part(peek(lexer, 0)))
        lexer->at++;
    StrView word = span(lexer, begin);
    push(lexer, TOKEN_WORD, begin, word);
    lexer->tokens->items[lexer->tokens->count - 1].binary_operator = (uint8_t)word_operator(word);
}

static void lex_variable(Lexer *lexer)
{
    uint32_t begin = lexer->at;
    bool is_system = peek(lexer, 1) == '@';
    lexer->at += is_system ? 2 : 1;
    bool is_quoted = peek(lexer, 0) == '`';
    lexer->at += is_quoted;
    uint32_t first = lexer->at;
    while (is_name_part(peek(lexer, 0)) || (is_system && peek(lexer, 0) == '.'))
        lexer->at++;
    StrView name = span(lexer, first);
    lexer->at += is_quoted && peek(lexer, 0) == '`';
    push(lexer, is_system ? TOKEN_SYSTEM_VARIABLE : TOKEN_USER_VARIABLE, begin, name);
}

static void lex_symbol(Lexer *lexer)
{
    static const struct {
        char text[4];
        uint8_t length;
        uint8_t binary_operator;
    } symbols[] = {{"<=>", 3, 0}, {"->>", 3, 0}, {"...", 3, 0}, {"<<", 2, OPERATOR_SHIFT_LEFT},
                   {">>", 2, OPERATOR_SHIFT_RIGHT}, {"<=", 2, 0}, {">=", 2, 0}, {"<>", 2, 0},
                   {"!=", 2, 0}, {"||", 2, OPERATOR_PIPES}, {"&&", 2, OPERATOR_AND}, {":=", 2, 0},
                   {"->", 2, 0}, {"=>", 2, 0}, {"==", 2, 0}, {"|", 1, OPERATOR_BIT_OR},
                   {"&", 1, OPERATOR_BIT_AND}, {"+", 1, OPERATOR_PLUS}, {"-", 1, OPERATOR_MINUS},
                   {"*", 1, OPERATOR_MULTIPLY}, {"/", 1, OPERATOR_DIVIDE}, {"%", 1, OPERATOR_MODULO},
                   {"^", 1, OPERATOR_BIT_XOR}};
    uint32_t begin = lexer->at;
    unsigned char c = peek(lexer, 0);
    bool is_plain = c == ',' || c == '(' || c == ')' || c == ';' || c == '[' || c == ']';
    for (size_t i = 0; !is_plain && i < COUNT_OF(symbols); i++) {
        size_t length = symbols[i].length;
        if (lexer->text.length - begin < length ||
            memcmp(lexer->text.data + begin, symbols[i].text, length) != 0)
            continue;
        lexer->at += (uint32_t)length;
        push(lexer, TOKEN_SYMBOL, begin, span(lexer, begin));
        lexer->tokens->items[lexer->tokens->count - 1].binary_operator = symbols[i].binary_operator;
        return;
    }
    lexer->at++;
    push(lexer, TOKEN_SYMBOL, begin, span(lexer, begin));
}

/* Is a name, a string, `]` or `)` directly in front? Then a point is a separator: t.1a, a[1].2x. */
static bool follows_name(const Lexer *lexer)
{
    if (lexer->tokens->count == 0)
        return false;
    const Token *last = &lexer->tokens->items[lexer->tokens->count - 1];
    return last->end == lexer->at && (last->kind == TOKEN_WORD || last->kind == TOKEN_QUOTED_NAME ||
                                      last->kind == TOKEN_USER_VARIABLE);
}

/* $$ body $$ of functions: a string without escapes. */
static Status lex_dollar_string(Lexer *lexer)
{
    uint32_t begin = lexer->at;
    StrView rest = strview_n(lexer->text.data + begin + 2, lexer->text.length - begin - 2);
    size_t end = strview_find(rest, STR_VIEW("$$"));
    if (end == SIZE_MAX)
        return lexer_error(lexer, begin, "unterminated $$ string");
    lexer->at += (uint32_t)end + 4;
    push(lexer, TOKEN_STRING, begin, strview_n(rest.data, end));
    return OK;
}

static Status lex_token(Lexer *lexer)
{
    unsigned char c = peek(lexer, 0);
    unsigned char next = peek(lexer, 1);
    if (c == '\'' || c == '"')
        return lex_string(lexer);
    if (c == '`')
        return lex_quoted_name(lexer);
    if (c == '$' && next == '$')
        return lex_dollar_string(lexer);
    if ((c == 'x' || c == 'X') && (next == '\'' || next == '"'))
        return lex_binary(lexer);
    if (is_name_start(c) || (c == '$' && is_name_part(next))) { /* $1: a column of a file without names */
        lex_word(lexer);
        return OK;
    }
    /* After a point comes a name: t.1a */
    if (is_digit(c) || (c == '.' && is_digit(next) && !follows_name(lexer))) {
        lex_number(lexer);
        return OK;
    }
    if (c == '@' && (next == '@' || next == '`' || is_name_part(next))) {
        lex_variable(lexer);
        return OK;
    }
    if (c == '?') {
        lexer->at++;
        push(lexer, TOKEN_PARAMETER, lexer->at - 1, STR_VIEW("?"));
        return OK;
    }
    lex_symbol(lexer);
    return OK;
}

Status sql_tokenize(StrView text, Arena *arena, Diag *diag, TokenList *out_tokens)
{
    if (text.length >= UINT32_MAX)
        return RAISE(diag, PACKET_TOO_LARGE, "statement of %zu bytes is too long", text.length);
    Lexer lexer = {.text = text, .arena = arena, .diag = diag, .tokens = out_tokens};
    for (;;) {
        TRY(skip_blanks(&lexer));
        if (lexer.at >= text.length)
            break;
        TRY(lex_token(&lexer));
    }
    push(&lexer, TOKEN_END, lexer.at, STR_VIEW("<EOF>"));
    return OK;
}

void sql_position(StrView text, uint32_t offset, uint32_t *out_line, uint32_t *out_column)
{
    *out_line = 1;
    *out_column = 0;
    for (uint32_t i = 0; i < offset && i < text.length; i++) {
        (*out_column)++;
        if (text.data[i] == '\n') {
            (*out_line)++;
            *out_column = 0;
        }
    }
}
