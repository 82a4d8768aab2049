#include "sql/ast_command.h"
#include "sql/parser_int.h"

/* SHOW: the words after it name what; then come a name, FROM db, LIKE, WHERE, ORDER BY, LIMIT. */

typedef struct ShowForm {
    const char *words[4];
    bool takes_name;   /* a table or view follows */
    bool from_is_name; /* the first FROM/IN names the table, a second one the database */
} ShowForm;

static const ShowForm forms[] = {
    {{"CREATE", "MATERIALIZED", "VIEW"}, true, false},
    {{"CREATE", "TABLE"}, true, false},
    {{"CREATE", "VIEW"}, true, false},
    {{"CREATE", "DATABASE"}, true, false},
    {{"CREATE", "SCHEMA"}, true, false},
    {{"CREATE", "ROUTINE", "LOAD"}, true, false},
    {{"CREATE", "CATALOG"}, true, false},
    {{"COLUMNS"}, false, true},
    {{"FIELDS"}, false, true},
    {{"INDEXES"}, false, true},
    {{"INDEX"}, false, true},
    {{"KEYS"}, false, true},
    {{"KEY"}, false, true},
    {{"TEMPORARY", "PARTITIONS"}, false, true},
    {{"PARTITIONS"}, false, true},
    {{"TABLETS"}, false, true},
    {{"TABLET"}, false, true},
    {{"DATA"}, false, true},
    {{"TABLE", "STATUS"}, false, false},
    {{"MATERIALIZED", "VIEWS"}, false, false},
    {{"MATERIALIZED", "VIEW"}, false, false},
    {{"ALTER", "TABLE", "COLUMN"}, false, false},
    {{"ALTER", "TABLE", "ROLLUP"}, false, false},
    {{"ALTER", "TABLE", "OPTIMIZE"}, false, false},
    {{"ALTER", "MATERIALIZED", "VIEW"}, false, false},
    {{"DYNAMIC", "PARTITION", "TABLES"}, false, false},
    {{"STORAGE", "VOLUMES"}, false, false},
    {{"RESOURCE", "GROUP"}, true, false},
    {{"COMPUTE", "NODES"}, false, false},
    {{"CHARACTER", "SET"}, false, false},
    {{"PROCEDURE", "STATUS"}, false, false},
    {{"FUNCTION", "STATUS"}, false, false},
    {{"OPEN", "TABLES"}, false, false},
    {{"TABLES"}, false, false},
    {{"VIEWS"}, false, false},
    {{"DATABASES"}, false, false},
    {{"SCHEMAS"}, false, false},
    {{"VARIABLES"}, false, false},
    {{"STATUS"}, false, false},
    {{"PROCESSLIST"}, false, false},
    {{"FUNCTIONS"}, false, false},
    {{"TRIGGERS"}, false, false},
    {{"EVENTS"}, false, false},
    {{"LOAD"}, false, false},
    {{"DELETE"}, false, false},
    {{"DICTIONARY"}, false, false},
    {{"TRANSACTION"}, false, false},
};

static const ShowForm *match_form(const Parser *p, uint32_t *out_words)
{
    for (size_t i = 0; i < COUNT_OF(forms); i++) {
        uint32_t n = 0;
        while (n < 4 && forms[i].words[n] != NULL && is_word_ahead(p, n, forms[i].words[n]))
            n++;
        if (n < 4 && forms[i].words[n] == NULL) {
            *out_words = n;
            return &forms[i];
        }
    }
    return NULL;
}

StrView upper_words(Parser *p, uint32_t first, uint32_t count)
{
    AUTO_BYTEBUF text = {0};
    for (uint32_t i = 0; i < count; i++) {
        StrView word = p->tokens[first + i].text;
        if (i > 0)
            bytebuf_append_char(&text, ' ');
        for (size_t c = 0; c < word.length; c++) {
            char letter = word.data[c];
            bytebuf_append_char(&text, (char)(letter >= 'a' && letter <= 'z' ? letter - 32 : letter));
        }
    }
    return strview_n(arena_strndup(p->arena, text.data == NULL ? "" : text.data, text.length), text.length);
}

static Status parse_from(Parser *p, AstShow *show, bool is_name)
{
    while (accept_word(p, "FROM") || accept_word(p, "IN")) {
        AstName name = {0};
        TRY(parse_name(p, &name));
        if (is_name) {
            show->name = name;
            is_name = false;
        } else {
            show->database = name.parts[name.count - 1];
            if (name.count > 1)
                show->catalog = name.parts[0];
        }
    }
    return OK;
}

static Status parse_show_tail(Parser *p, AstShow *show)
{
    if (accept_word(p, "LIKE")) {
        show->has_pattern = true;
        TRY(parse_string_or_name(p, &show->pattern));
    }
    if (accept_word(p, "WHERE"))
        TRY(parse_expression(p, &show->where));
    if (accept_words(p, "ORDER", "BY"))
        TRY(parse_order_items(p, &show->order));
    if (accept_word(p, "LIMIT")) {
        TRY(parse_expression(p, &show->limit));
        if (accept_symbol(p, ",")) {
            show->offset = show->limit;
            TRY(parse_expression(p, &show->limit));
        } else if (accept_word(p, "OFFSET")) {
            TRY(parse_expression(p, &show->offset));
        }
    }
    return OK;
}

/* Statements without a form of their own: every leading word is the name. */
static Status parse_free_form(Parser *p, AstShow *show)
{
    uint32_t first = p->at;
    uint32_t count = 0;
    while (peek_token(p)->kind == TOKEN_WORD && !is_word(p, "FROM") && !is_word(p, "LIKE") &&
           !is_word(p, "WHERE") && !is_word(p, "ORDER") && !is_word(p, "LIMIT") && !is_word(p, "FOR") &&
           !is_word(p, "IN")) {
        p->at++;
        count++;
    }
    if (count == 0)
        return syntax_error(p, "what to show");
    show->what = upper_words(p, first, count);
    while (peek_token(p)->kind == TOKEN_STRING) {
        show->text = peek_token(p)->text;
        p->at++;
    }
    if (!accept_word(p, "FOR"))
        return OK;
    show->is_role = accept_word(p, "ROLE");
    const Token *behind = peek_ahead(p, 1);
    bool has_name = behind->kind == TOKEN_WORD || behind->kind == TOKEN_STRING || behind->kind == TOKEN_QUOTED_NAME;
    if (has_name && strview_is(show->what, "GRANTS"))
        (void)accept_word(p, "USER"); /* FOR USER name; without a name, the user is called so */
    if (show->is_role || strview_is(show->what, "PROCESSLIST") || strview_is(show->what, "ROUTINE LOAD"))
        return parse_string_or_name(p, &show->text);
    if (!strview_is(show->what, "GRANTS") && !strview_is(show->what, "PROPERTY") &&
        !strview_is(show->what, "AUTHENTICATION"))
        return parse_name(p, &show->name);
    show->user = ARENA_NEW(p->arena, AstUserName);
    return parse_user_name(p, show->user);
}

static Status parse_show_warnings(Parser *p, AstShow *show)
{
    /* SHOW COUNT(*) WARNINGS */
    if (!is_word(p, "COUNT") || !is_symbol_ahead(p, 1, "("))
        return OK;
    p->at += 2;
    if (!accept_symbol(p, "*"))
        return syntax_error(p, "*");
    if (!accept_symbol(p, ")"))
        return syntax_error(p, ")");
    if (!is_word(p, "WARNINGS") && !is_word(p, "ERRORS"))
        return syntax_error(p, "WARNINGS");
    show->what = is_word(p, "WARNINGS") ? STR_VIEW("COUNT WARNINGS") : STR_VIEW("COUNT ERRORS");
    p->at++;
    return OK;
}

/* HELP ['topic'] */
Status parse_help(Parser *p, AstStatement *out)
{
    out->kind = AST_STATEMENT_SHOW;
    out->show = ARENA_NEW(p->arena, AstShow);
    out->show->what = STR_VIEW("HELP");
    out->show->text = STR_VIEW("%");
    p->at++;
    bool has_topic = peek_token(p)->kind != TOKEN_END && !is_symbol(p, ";");
    return has_topic ? parse_string_or_name(p, &out->show->text) : OK;
}

/* SHOW DATA is about the database then, SHOW TABLET about an id. */
static bool may_lack_name(StrView what)
{
    return strview_is(what, "DATA") || strview_is(what, "TABLET") || strview_is(what, "TABLETS");
}

Status parse_show(Parser *p, AstStatement *out)
{
    out->kind = AST_STATEMENT_SHOW;
    AstShow *show = ARENA_NEW(p->arena, AstShow);
    out->show = show;
    p->at++;
    show->is_full = accept_word(p, "FULL");
    show->is_global = accept_word(p, "GLOBAL") && true;
    show->is_verbose = accept_word(p, "VERBOSE");
    (void)(accept_word(p, "SESSION") || accept_word(p, "LOCAL"));
    show->is_all = accept_word(p, "ALL");
    show->is_builtin = is_word(p, "BUILTIN") && is_word_ahead(p, 1, "FUNCTIONS");
    p->at += show->is_builtin;
    show->is_temporary = is_word(p, "TEMPORARY") && is_word_ahead(p, 1, "TABLES");
    p->at += show->is_temporary;
    TRY(parse_show_warnings(p, show));
    if (show->what.length > 0)
        return OK;
    uint32_t words = 0;
    const ShowForm *form = match_form(p, &words);
    if (form == NULL) {
        TRY(parse_free_form(p, show));
    } else {
        show->what = upper_words(p, p->at, words);
        p->at += words;
        if (form->takes_name) {
            (void)(accept_word(p, "IF") && accept_word(p, "NOT") && accept_word(p, "EXISTS"));
            TRY(parse_name(p, &show->name));
        }
        if (strview_is(show->what, "DICTIONARY") && peek_token(p)->kind != TOKEN_END && !is_symbol(p, ";"))
            TRY(parse_name(p, &show->name));
    }
    TRY(parse_from(p, show, form != NULL && form->from_is_name));
    if (form != NULL && form->from_is_name && show->name.count == 0 && !may_lack_name(show->what))
        return syntax_error(p, "FROM");
    TRY(parse_show_tail(p, show));
    /* What is left belongs to forms that are answered by their name alone. */
    while (form == NULL && peek_token(p)->kind != TOKEN_END && !is_symbol(p, ";"))
        p->at++;
    return OK;
}
