#include "sql/ast_command.h"
#include "sql/parser_int.h"

/* Tasks, pipes, cache warm-up, and PAUSE | RESUME | STOP | SUSPEND of jobs. */

Status parse_submit(Parser *p, AstStatement *out)
{
    out->kind = AST_STATEMENT_SUBMIT_TASK;
    AstTask *task = out->task = ARENA_NEW(p->arena, AstTask);
    p->at++;
    while (peek_token(p)->kind == TOKEN_HINT)
        p->at++;
    TRY(expect_word(p, "TASK"));
    if (!is_word(p, "AS") && !is_word(p, "SCHEDULE") && !is_word(p, "PROPERTIES"))
        TRY(parse_name(p, &task->name));
    for (;;) {
        if (accept_word(p, "SCHEDULE")) {
            bool has_start = false;
            task->is_scheduled = true;
            TRY(parse_every(p, &has_start, &task->start, &task->every));
        } else if (is_word(p, "PROPERTIES")) {
            TRY(parse_optional_properties(p, &task->properties));
        } else {
            break;
        }
    }
    TRY(expect_word(p, "AS"));
    uint32_t begin = peek_token(p)->begin;
    TRY(parse_statement(p, &task->inner));
    task->inner_text = text_between(p, begin, last_end(p));
    return OK;
}

/* CACHE SELECT ... [PROPERTIES (..)] */
Status parse_cache(Parser *p, AstStatement *out)
{
    AstCommand *command = new_command(p, out, "CACHE SELECT");
    p->at++;
    TRY(parse_statement(p, &command->inner));
    return parse_optional_properties(p, &command->properties);
}

Status parse_create_pipe(Parser *p, AstStatement *out, bool or_replace)
{
    AstCommand *command = new_command(p, out, "CREATE PIPE");
    command->or_replace = or_replace;
    TRY(parse_if_not_exists(p, &command->if_not_exists));
    TRY(parse_name(p, &command->name));
    if (accept_word(p, "COMMENT"))
        TRY(parse_string(p, &command->text));
    TRY(parse_optional_properties(p, &command->properties));
    TRY(expect_word(p, "AS"));
    return parse_statement(p, &command->inner);
}

Status parse_alter_pipe(Parser *p, AstStatement *out)
{
    AstCommand *command = new_command(p, out, "ALTER PIPE");
    TRY(parse_name(p, &command->name));
    if (accept_word(p, "SET")) {
        command->text = STR_VIEW("SET");
        return parse_properties(p, &command->properties);
    }
    if (accept_word(p, "SUSPEND") || accept_word(p, "RESUME")) {
        command->text = upper_words(p, p->at - 1, 1);
        return OK;
    }
    TRY(expect_word(p, "RETRY"));
    if (accept_word(p, "ALL")) {
        command->text = STR_VIEW("RETRY ALL");
        return OK;
    }
    TRY(expect_word(p, "FILE"));
    command->text = STR_VIEW("RETRY FILE");
    return parse_string(p, &command->text2);
}

/* ALTER TASK [IF EXISTS] t {SUSPEND | RESUME | SET (..)} */
Status parse_alter_task(Parser *p, AstStatement *out)
{
    AstCommand *command = new_command(p, out, "ALTER TASK");
    TRY(parse_if_exists(p, &command->if_exists));
    TRY(parse_name(p, &command->name));
    if (accept_word(p, "SUSPEND") || accept_word(p, "RESUME")) {
        command->text = upper_words(p, p->at - 1, 1);
        return OK;
    }
    TRY(expect_word(p, "SET"));
    command->text = STR_VIEW("SET");
    return parse_properties(p, &command->properties);
}

/* PAUSE|RESUME|STOP ROUTINE LOAD FOR j, SUSPEND|RESUME {PIPE|TASK|WAREHOUSE} x */
Status parse_job_control(Parser *p, AstStatement *out)
{
    static const char *const objects[] = {"ROUTINE LOAD", "WAREHOUSE", "TASK", "PIPE"};
    uint32_t verb = p->at++;
    for (size_t i = 0; i < COUNT_OF(objects); i++) {
        if (!accept_phrase(p, objects[i]))
            continue;
        StrView word = upper_words(p, verb, 1);
        AstCommand *command =
            new_command(p, out, arena_printf(p->arena, "%.*s %s", SV_ARGS(word), objects[i]));
        (void)accept_word(p, "FOR");
        TRY(parse_if_exists(p, &command->if_exists));
        return parse_name(p, &command->name);
    }
    return syntax_error(p, "'ROUTINE', 'WAREHOUSE', 'TASK', 'PIPE'");
}
