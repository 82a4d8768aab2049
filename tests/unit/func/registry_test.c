#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <cmocka.h>

#include "func/function.h"

/* The registry makes sense: no name twice, every function documented and with an example that is run, kernels
 * and flags that fit together. */

static const struct {
    const char *name, *example, *result, *description;
} docs[] = {
#define DOC(name, example, result, description) {name, example, result, description},
#include "func/docs.def"
#undef DOC
};

static void test_names(void **state)
{
    uint32_t count;
    const FuncDef *const *all = func_all(&count);
    (void)state;
    assert_true(count > 400);
    for (uint32_t i = 0; i < count; i++) {
        assert_ptr_equal(func_find(strview(all[i]->name)), all[i]);
        for (const char *c = all[i]->name; *c != '\0'; c++)
            assert_true((*c >= 'a' && *c <= 'z') || (*c >= '0' && *c <= '9') || *c == '_');
        if (i > 0 && strcmp(all[i - 1]->name, all[i]->name) >= 0)
            fail_msg("%s() is registered twice", all[i]->name);
    }
}

static void test_docs(void **state)
{
    uint32_t count;
    const FuncDef *const *all = func_all(&count);
    (void)state;
    for (size_t d = 0; d < COUNT_OF(docs); d++) {
        if (func_find(strview(docs[d].name)) == NULL)
            fail_msg("docs.def describes %s(), which does not exist", docs[d].name);
        if (d > 0 && strcmp(docs[d - 1].name, docs[d].name) >= 0)
            fail_msg("docs.def is not sorted at %s", docs[d].name);
        size_t length = strlen(docs[d].description);
        if (length < 8 || docs[d].description[length - 1] != '.')
            fail_msg("the description of %s() is no sentence", docs[d].name);
    }
    for (uint32_t i = 0; i < count; i++) {
        if (all[i]->group == NULL)
            fail_msg("%s() belongs to no group", all[i]->name);
        bool is_shown = (all[i]->flags & FUNC_HIDDEN) == 0;
        if (is_shown && (all[i]->description == NULL || all[i]->example == NULL || all[i]->example_result == NULL))
            fail_msg("%s() is not in docs.def", all[i]->name);
    }
}

/* Every example is a test of tests/sql/functions/examples.test, with the same result. */
static void test_examples(void **state)
{
    AUTO_BYTEBUF text = {0};
    char block[4096];
    size_t got;
    (void)state;
    FILE *file = fopen("tests/sql/functions/examples.test", "rb");
    assert_non_null(file);
    while ((got = fread(block, 1, sizeof(block), file)) > 0)
        bytebuf_append(&text, block, got);
    fclose(file);
    for (size_t d = 0; d < COUNT_OF(docs); d++) {
        AUTO_BYTEBUF wanted = {0};
        bytebuf_printf(&wanted, "\nSELECT %s\n----\n%s\n", docs[d].example, docs[d].result);
        if (strview_find(bytebuf_view(&text), bytebuf_view(&wanted)) == SIZE_MAX)
            fail_msg("examples.test lacks this test of %s():%s", docs[d].name, wanted.data);
    }
}

static void check_aggregate(const FuncDef *def, const AggKernel *kernel)
{
    bool has_parts = kernel->update != NULL && kernel->update_one != NULL && kernel->merge != NULL && kernel->finish != NULL;
    bool both_forms = (kernel->serialize == NULL) == (kernel->deserialize == NULL);
    if (!has_parts || !both_forms || kernel->state_bytes % 8 != 0)
        fail_msg("the aggregate %s() lacks a part", def->name);
}

static void check_overloads(const FuncDef *def)
{
    for (uint32_t o = 0; o < def->overload_count; o++) {
        const FuncOverload *overload = &def->overloads[o];
        size_t length = strlen(overload->arguments);
        bool repeats = length > 0 && overload->arguments[length - 1] == '*';
        size_t letters = length - repeats;
        bool is_aggregate = def->kind == FUNC_AGGREGATE;
        if ((overload->aggregate != NULL) != is_aggregate || (overload->kernel != NULL) == is_aggregate)
            fail_msg("%s(%s) has the wrong kind of kernel", def->name, overload->arguments);
        if (is_aggregate)
            check_aggregate(def, overload->aggregate);
        if (letters > def->max_arguments || (!repeats && letters < def->min_arguments))
            fail_msg("%s(%s) does not fit its number of arguments", def->name, overload->arguments);
        for (size_t l = 0; l < letters; l++)
            assert_non_null(strchr("btsilLfdSBaATJ", overload->arguments[l]));
        assert_non_null(strchr("btsilLfdSBaATJ", overload->result));
        for (uint32_t p = 0; p < o; p++) {
            if (strcmp(def->overloads[p].arguments, overload->arguments) == 0)
                fail_msg("%s(%s) is there twice", def->name, overload->arguments);
        }
    }
}

static void test_kernels(void **state)
{
    uint32_t count;
    const FuncDef *const *all = func_all(&count);
    (void)state;
    for (uint32_t i = 0; i < count; i++) {
        const FuncDef *def = all[i];
        if ((def->bind == NULL) == (def->overload_count == 0))
            fail_msg("%s() needs either a bind function or overloads", def->name);
        if (def->min_arguments > def->max_arguments)
            fail_msg("%s() takes more arguments at least than at most", def->name);
        bool claims_both = (def->flags & FUNC_NEVER_NULL) != 0 && (def->flags & FUNC_NULL_IF_ANY_NULL) != 0;
        if (claims_both && def->max_arguments > 0)
            fail_msg("%s() can't be both never NULL and NULL for NULL", def->name);
        check_overloads(def);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_names), cmocka_unit_test(test_docs),
                                       cmocka_unit_test(test_examples), cmocka_unit_test(test_kernels)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
