#include "sql/parser_int.h"

/* Token helpers, names, literals, property lists. */

#include <stdio.h>
#include <strings.h>

const Token *peek_ahead(const Parser *p, uint32_t ahead)
{
    return &p->tokens[MIN(p->at + ahead, p->token_count - 1)];
}

static bool token_is_word(const Token *token, const char *word)
{
    return token->kind == TOKEN_WORD && (token->text.data[0] | 0x20) == (word[0] | 0x20) &&
           strncasecmp(token->text.data, word, token->text.length) == 0 &&
           word[token->text.length] == '\0';
}

bool is_word(const Parser *p, const char *word)
{
    return token_is_word(peek_token(p), word);
}

bool is_word_ahead(const Parser *p, uint32_t ahead, const char *word)
{
    return token_is_word(peek_ahead(p, ahead), word);
}

bool is_symbol(const Parser *p, const char *symbol)
{
    const Token *token = peek_token(p);
    return token->kind == TOKEN_SYMBOL && strview_is(token->text, symbol);
}

bool is_symbol_ahead(const Parser *p, uint32_t ahead, const char *symbol)
{
    const Token *token = peek_ahead(p, ahead);
    return token->kind == TOKEN_SYMBOL && strview_is(token->text, symbol);
}

bool accept_word(Parser *p, const char *word)
{
    bool matches = is_word(p, word);
    p->at += matches;
    return matches;
}

bool accept_words(Parser *p, const char *first, const char *second)
{
    bool matches = is_word(p, first) && is_word_ahead(p, 1, second);
    p->at += matches ? 2 : 0;
    return matches;
}

bool accept_symbol(Parser *p, const char *symbol)
{
    bool matches = is_symbol(p, symbol);
    p->at += matches;
    return matches;
}

Status syntax_error(Parser *p, const char *expected)
{
    const Token *token = peek_token(p);
    uint32_t line, column;
    sql_position(p->text, token->begin, &line, &column);
    StrView near = token->kind == TOKEN_END ? STR_VIEW("<EOF>")
                                            : text_between(p, token->begin, token->end);
    near.length = MIN(near.length, (size_t)100);
    Status status = RAISE(p->diag, SYNTAX,
                          "Getting syntax error at line %u, column %u. Detail message: Unexpected "
                          "input '%.*s', the most similar input is {%s}.",
                          line, column, SV_ARGS(near), expected);
    if (p->diag != NULL) {
        p->diag->line = (int)line;
        p->diag->column = (int)column + 1;
    }
    return status;
}

static Status expected_token(Parser *p, const char *token)
{
    char quoted[64];
    (void)snprintf(quoted, sizeof(quoted), strcmp(token, ")") == 0 ? "',', '%s'" : "'%s'", token);
    return syntax_error(p, quoted);
}

Status expect_word(Parser *p, const char *word)
{
    return accept_word(p, word) ? OK : expected_token(p, word);
}

Status expect_symbol(Parser *p, const char *symbol)
{
    return accept_symbol(p, symbol) ? OK : expected_token(p, symbol);
}

Status enter_depth(Parser *p)
{
    if (++p->depth > PARSER_MAX_DEPTH)
        return RAISE(p->diag, LIMIT_EXCEEDED,
                     "Getting syntax error. Detail message: expression or query is nested more than "
                     "%d levels deep.",
                     PARSER_MAX_DEPTH);
    return OK;
}

uint32_t last_end(const Parser *p)
{
    return p->at == 0 ? 0 : p->tokens[p->at - 1].end;
}

StrView text_between(const Parser *p, uint32_t begin, uint32_t end)
{
    return strview_n(p->text.data + begin, end - begin);
}

bool at_statement_end(const Parser *p)
{
    return peek_token(p)->kind == TOKEN_END || is_symbol(p, ";");
}

static bool phrase_word(const Token *token, const char *phrase, size_t length)
{
    return token->kind == TOKEN_WORD && token->text.length == length &&
           strncasecmp(token->text.data, phrase, length) == 0;
}

bool accept_phrase(Parser *p, const char *phrase)
{
    uint32_t words = 0;
    while (*phrase != '\0') {
        size_t length = strcspn(phrase, " ");
        if (!phrase_word(peek_ahead(p, words), phrase, length))
            return false;
        words++;
        phrase += length + (phrase[length] == ' ');
    }
    p->at += words;
    return true;
}

Status parse_if_exists(Parser *p, bool *out_if_exists)
{
    if (!accept_word(p, "IF"))
        return OK;
    *out_if_exists = true;
    return expect_word(p, "EXISTS");
}

Status parse_if_not_exists(Parser *p, bool *out_if_not_exists)
{
    if (!accept_word(p, "IF"))
        return OK;
    *out_if_not_exists = true;
    TRY(expect_word(p, "NOT"));
    return expect_word(p, "EXISTS");
}

/* [START ("...")] [EVERY (INTERVAL n unit)] */
Status parse_every(Parser *p, bool *out_has_start, StrView *out_start, AstExpr **out_every)
{
    if (is_word(p, "START") && is_symbol_ahead(p, 1, "(")) {
        p->at += 2;
        *out_has_start = true;
        TRY(parse_string(p, out_start));
        TRY(expect_symbol(p, ")"));
    }
    if (!accept_word(p, "EVERY"))
        return OK;
    TRY(expect_symbol(p, "("));
    TRY(parse_expression(p, out_every));
    if ((*out_every)->kind != AST_INTERVAL)
        return syntax_error(p, "'INTERVAL'");
    return expect_symbol(p, ")");
}

Status parse_any_word(Parser *p, StrView *out)
{
    const Token *token = peek_token(p);
    if (token->kind != TOKEN_WORD && token->kind != TOKEN_QUOTED_NAME)
        return syntax_error(p, "a name");
    *out = token->text;
    p->at++;
    return OK;
}

Status parse_identifier(Parser *p, StrView *out)
{
    const Token *token = peek_token(p);
    if (token->kind == TOKEN_WORD && sql_is_reserved(token->text))
        return syntax_error(p, "a legal identifier");
    return parse_any_word(p, out);
}

Status parse_name(Parser *p, AstName *out)
{
    out->count = 0;
    TRY(parse_identifier(p, &out->parts[out->count++]));
    while (is_symbol(p, ".") && out->count < 4) {
        p->at++;
        TRY(parse_any_word(p, &out->parts[out->count++]));
    }
    return OK;
}

Status parse_string(Parser *p, StrView *out)
{
    if (peek_token(p)->kind != TOKEN_STRING)
        return syntax_error(p, "a string");
    *out = peek_token(p)->text;
    p->at++;
    return OK;
}

Status parse_string_or_name(Parser *p, StrView *out)
{
    return peek_token(p)->kind == TOKEN_STRING ? parse_string(p, out) : parse_any_word(p, out);
}

Status parse_integer(Parser *p, uint64_t *out)
{
    const Token *token = peek_token(p);
    uint64_t value = 0;
    if (token->kind != TOKEN_INTEGER)
        return syntax_error(p, "an integer");
    for (size_t i = 0; i < token->text.length; i++) {
        if (__builtin_mul_overflow(value, (uint64_t)10, &value) ||
            __builtin_add_overflow(value, (uint64_t)(token->text.data[i] - '0'), &value))
            return syntax_error(p, "an integer of 64 bits");
    }
    *out = value;
    p->at++;
    return OK;
}

/* A type ends where its angle brackets and parentheses close. */
Status parse_type_name(Parser *p, Type *out)
{
    uint32_t begin = peek_token(p)->begin;
    StrView first;
    TRY(parse_any_word(p, &first));
    (void)(strview_equal_ci(first, STR_VIEW("signed")) && accept_word(p, "INTEGER"));
    (void)(strview_equal_ci(first, STR_VIEW("unsigned")) && accept_word(p, "INTEGER"));
    (void)(strview_equal_ci(first, STR_VIEW("double")) && accept_word(p, "PRECISION"));
    uint32_t end = last_end(p);
    if (strview_equal_ci(first, STR_VIEW("double")))
        end = begin + 6;
    int depth = 0;
    if (is_symbol(p, "(") || is_symbol(p, "<")) {
        do {
            if (peek_token(p)->kind == TOKEN_END)
                return syntax_error(p, "the end of the type");
            depth += is_symbol(p, "(") || is_symbol(p, "<");
            depth -= is_symbol(p, ")") || is_symbol(p, ">");
            depth -= is_symbol(p, ">>") ? 2 : 0;
            p->at++;
        } while (depth > 0);
        end = last_end(p);
    }
    return type_parse(text_between(p, begin, end), p->arena, p->diag, out);
}

Status parse_identifier_list(Parser *p, AstStrList *out)
{
    TRY(expect_symbol(p, "("));
    do {
        StrView name;
        TRY(parse_string_or_name(p, &name));
        AST_PUSH(p->arena, out, name);
    } while (accept_symbol(p, ","));
    return expect_symbol(p, ")");
}

Status parse_properties(Parser *p, AstProperties *out)
{
    TRY(expect_symbol(p, "("));
    while (!is_symbol(p, ")")) {
        StrView key;
        StrView value;
        TRY(parse_string_or_name(p, &key));
        while (accept_symbol(p, ".")) {
            StrView more = {0};
            TRY(parse_any_word(p, &more));
            key.length = (size_t)(more.data + more.length - key.data);
        }
        TRY(expect_symbol(p, "="));
        const Token *token = peek_token(p);
        if (token->kind == TOKEN_END)
            return syntax_error(p, "a property value");
        value = token->text;
        p->at++;
        AST_PUSH(p->arena, &out->keys, key);
        AST_PUSH(p->arena, &out->values, value);
        if (!accept_symbol(p, ","))
            break;
    }
    return expect_symbol(p, ")");
}

Status parse_optional_properties(Parser *p, AstProperties *out)
{
    return accept_word(p, "PROPERTIES") ? parse_properties(p, out) : OK;
}
