/* Classification of queries: which classifiers match, and which of them is the best. */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "meta/resource_group.h"

static GroupClassifier from(const char *network)
{
    GroupClassifier classifier = {.source_ip = strview(network)};
    assert_true(source_ip_parse(classifier.source_ip, &classifier.network, &classifier.mask));
    return classifier;
}

static void weights_count_conditions_and_their_precision(void **state)
{
    (void)state;
    GroupClassifier classifier = {.user = STR_VIEW("u")};
    assert_float_equal(classifier_weight(&classifier), 1, 0);
    classifier.role = STR_VIEW("r");
    assert_float_equal(classifier_weight(&classifier), 2, 0);
    classifier.query_types = GROUP_QUERY_SELECT;
    assert_float_equal(classifier_weight(&classifier), 3.1, 1e-9);
    classifier.query_types = GROUP_QUERY_SELECT | GROUP_QUERY_INSERT;
    assert_float_equal(classifier_weight(&classifier), 3.05, 1e-9);
    GroupClassifier wide = from("10.0.0.0/8"), narrow = from("10.1.2.0/24"), one = from("10.1.2.3/32");
    assert_float_equal(classifier_weight(&narrow), 1.359375, 1e-9);
    assert_true(classifier_weight(&wide) < classifier_weight(&narrow));
    assert_true(classifier_weight(&narrow) < classifier_weight(&one));
    uint64_t databases[] = {7, 8};
    GroupClassifier two = {.database_ids = databases, .database_count = 2};
    assert_float_equal(classifier_weight(&two), 20, 0);
}

static void every_condition_must_hold(void **state)
{
    (void)state;
    StrView roles[] = {STR_VIEW("r1"), STR_VIEW("r2")};
    NameList active = {roles, 2, 2};
    uint64_t one[] = {7}, both[] = {7, 8};
    GroupSubject subject = {.user = STR_VIEW("u"),
                            .roles = &active,
                            .type = GROUP_QUERY_SELECT,
                            .database_ids = one,
                            .database_count = 1,
                            .cpu_cost = 100,
                            .mem_cost = 5};
    GroupClassifier classifier = {.user = STR_VIEW("u"), .role = STR_VIEW("r2")};
    assert_true(classifier_matches(&classifier, &subject));
    classifier.role = STR_VIEW("r3");
    assert_false(classifier_matches(&classifier, &subject));
    GroupClassifier inserts = {.query_types = GROUP_QUERY_INSERT};
    assert_false(classifier_matches(&inserts, &subject));
    /* all databases of the query must be named; a query of none is not meant */
    GroupClassifier database = {.database_ids = one, .database_count = 1};
    assert_true(classifier_matches(&database, &subject));
    subject.database_ids = both;
    subject.database_count = 2;
    assert_false(classifier_matches(&database, &subject));
    subject.database_count = 0;
    assert_false(classifier_matches(&database, &subject));
    GroupClassifier costs = {.cpu_cost = {true, 100, 200}, .mem_cost = {true, 0, 5}};
    assert_false(classifier_matches(&costs, &subject)); /* the end is excluded */
    costs.mem_cost.max = 6;
    assert_true(classifier_matches(&costs, &subject));
    GroupClassifier network = from("10.1.0.0/16");
    assert_false(classifier_matches(&network, &subject)); /* where it comes from is not known */
    subject.has_address = ip_address_parse(STR_VIEW("10.1.200.3:5000"), &subject.address);
    assert_true(classifier_matches(&network, &subject));
    assert_true(ip_address_parse(STR_VIEW("10.2.0.1"), &subject.address));
    assert_false(classifier_matches(&network, &subject));
}

static void the_best_classifier_wins(void **state)
{
    (void)state;
    GroupClassifier by_user = {.user = STR_VIEW("u")}, by_type = {.user = STR_VIEW("u"), .query_types = GROUP_QUERY_SELECT};
    GroupClassifier other = {.user = STR_VIEW("v")}, any = {.query_types = GROUP_QUERY_SELECT};
    ResourceGroupDef groups[] = {{.classifiers = &by_user, .classifier_count = 1},
                                 {.classifiers = &by_type, .classifier_count = 1},
                                 {.classifiers = &other, .classifier_count = 1},
                                 {.classifiers = NULL, .classifier_count = 0}};
    GroupSubject subject = {.user = STR_VIEW("u"), .type = GROUP_QUERY_SELECT};
    assert_int_equal(resource_group_choose(groups, 4, &subject), 1);
    subject.type = GROUP_QUERY_INSERT;
    assert_int_equal(resource_group_choose(groups, 4, &subject), 0);
    subject.user = STR_VIEW("w");
    assert_int_equal(resource_group_choose(groups, 4, &subject), -1);
    /* a group of short queries goes first */
    ResourceGroupDef short_too[] = {groups[1], {.type = GROUP_SHORT_QUERY, .classifiers = &any, .classifier_count = 1}};
    subject = (GroupSubject){.user = STR_VIEW("u"), .type = GROUP_QUERY_SELECT};
    assert_int_equal(resource_group_choose(short_too, 2, &subject), 1);
}

static void ranges_and_addresses_are_read_strictly(void **state)
{
    (void)state;
    static const char *const wrong[] = {"", "[1,2]", "(1,2)", "[2,1)", "[1,1)", "[,)", "[1)", "1,2", "[a,b)", "[nan,1)"};
    CostRange range;
    for (size_t i = 0; i < sizeof(wrong) / sizeof(*wrong); i++)
        assert_false(cost_range_parse(strview(wrong[i]), &range));
    assert_true(cost_range_parse(STR_VIEW(" [ -Infinity , 1.5e3 ) "), &range));
    AUTO_BYTEBUF text = {0};
    cost_range_print(&range, &text);
    assert_true(strview_is(bytebuf_view(&text), "[-Infinity, 1500.0)"));
    static const char *const no_network[] = {"",         "1.2.3.4",   "1.2.3/8",  "1.2.3.4/33",  "1.2.3.256/8",
                                             "1.2.3.4/", "a.b.c.d/8", "1..2.3/8", "1.2.3.4.5/8", "::1/64"};
    uint32_t network, mask;
    for (size_t i = 0; i < sizeof(no_network) / sizeof(*no_network); i++)
        assert_false(source_ip_parse(strview(no_network[i]), &network, &mask));
    assert_true(source_ip_parse(STR_VIEW("192.168.1.1/0"), &network, &mask));
    assert_int_equal(mask, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(weights_count_conditions_and_their_precision),
                                       cmocka_unit_test(every_condition_must_hold), cmocka_unit_test(the_best_classifier_wins),
                                       cmocka_unit_test(ranges_and_addresses_are_read_strictly)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
