/* merak-docs: writes reference pages from the tables of the code. `merak-docs functions` and `merak-docs errors`
 * print Markdown; `make docs` puts it into docs/, and `make check` fails when that is stale. */

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "func/function.h"

enum { GROUPS_MAX = 64 };

static const char *const kinds[] = {[FUNC_SCALAR] = "", [FUNC_AGGREGATE] = "aggregate", [FUNC_WINDOW] = "window", [FUNC_TABLE] = "table"};
static const char *const classes[] = {[ERROR_CLASS_NONE] = "",          [ERROR_CLASS_USER] = "user",
                                      [ERROR_CLASS_RESOURCE] = "resource", [ERROR_CLASS_ENVIRONMENT] = "environment",
                                      [ERROR_CLASS_CORRUPT] = "corrupt",   [ERROR_CLASS_BUG] = "bug"};

/* A cell of a table must not end it. */
static void print_cell(const char *text)
{
    for (; *text != '\0'; text++) {
        if (*text == '|' || *text == '*' || *text == '_' || *text == '<')
            putchar('\\');
        putchar(*text == '\n' ? ' ' : *text);
    }
}

static void print_code(const char *text)
{
    if (*text == '\0')
        return;
    const char *fence = strchr(text, '`') != NULL ? "``" : "`";
    fputs(fence, stdout);
    for (; *text != '\0'; text++) {
        if (*text == '|')
            putchar('\\');
        putchar(*text == '\n' ? ' ' : *text);
    }
    fputs(fence, stdout);
}

static const char *or_empty(const char *text)
{
    return text == NULL ? "" : text;
}

static void print_function(const FuncDef *def)
{
    printf("| `%s` | %s | ", def->name, kinds[def->kind]);
    print_cell(or_empty(def->description));
    fputs(" | ", stdout);
    print_code(or_empty(def->example));
    fputs(" | ", stdout);
    print_code(or_empty(def->example_result));
    fputs(" |\n", stdout);
}

static bool is_shown(const FuncDef *def)
{
    return (def->flags & FUNC_HIDDEN) == 0 && def->name[0] >= 'a' && def->name[0] <= 'z';
}

static int compare_names(const void *a, const void *b)
{
    return strcmp(*(const char *const *)a, *(const char *const *)b);
}

static uint32_t list_groups(const FuncDef *const *all, uint32_t count, const char *groups[GROUPS_MAX])
{
    uint32_t found = 0;
    for (uint32_t i = 0; i < count; i++) {
        bool is_new = is_shown(all[i]);
        for (uint32_t g = 0; is_new && g < found; g++)
            is_new = strcmp(groups[g], or_empty(all[i]->group)) != 0;
        if (is_new && found < GROUPS_MAX)
            groups[found++] = or_empty(all[i]->group);
    }
    qsort(groups, found, sizeof(*groups), compare_names);
    return found;
}

static void print_functions(void)
{
    uint32_t count, shown = 0;
    const char *groups[GROUPS_MAX];
    const FuncDef *const *all = func_all(&count);
    uint32_t group_count = list_groups(all, count, groups);
    for (uint32_t i = 0; i < count; i++)
        shown += is_shown(all[i]);
    printf("# Functions\n\n`make docs` writes this page from the registry of functions: %u names. Beside them there are the operators, CAST,"
           "\nCASE and the other forms of the grammar (`sql.md`).\n",
           shown);
    for (uint32_t g = 0; g < group_count; g++) {
        printf("\n## %s\n\n| name | kind | what | example | result |\n| --- | --- | --- | --- | --- |\n", *groups[g] == '\0' ? "other" : groups[g]);
        const char *last = "";
        for (uint32_t i = 0; i < count; i++) {
            if (!is_shown(all[i]) || strcmp(or_empty(all[i]->group), groups[g]) != 0 || strcmp(last, all[i]->name) == 0)
                continue;
            last = all[i]->name;
            print_function(all[i]);
        }
    }
}

static void print_errors(void)
{
    puts("# Errors\n\n`make docs` writes this page from `src/base/errors.def`. Clients see the number and the SQLSTATE; the name is ours. Classes: user (the\n"
         "statement or its data), resource (a limit, a deadline, a cancel), environment (I/O, a peer), corrupt (stored bytes fail their checks;\n"
         "the message names the object), bug (ours).\n\n| number | SQLSTATE | name | class |\n| --- | --- | --- | --- |");
    for (int code = 1; code < ERR_COUNT_; code++) {
        const ErrorInfo *info = error_info((Status)code);
        printf("| %d | %s | %s | %s |\n", info->mysql_number, info->sqlstate, info->name, classes[info->error_class]);
    }
}

int main(int argc, char **argv)
{
    if (argc == 2 && strcmp(argv[1], "functions") == 0) {
        print_functions();
    } else if (argc == 2 && strcmp(argv[1], "errors") == 0) {
        print_errors();
    } else {
        fputs("usage: merak-docs functions|errors\n", stderr);
        return 2;
    }
    return EXIT_SUCCESS;
}
