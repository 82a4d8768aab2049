/* Classifiers of resource groups: what their texts mean, whom they are about, and what SHOW says of their weight. */

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

static void who_asks_must_be_meant(void **state)
{
    (void)state;
    StrView roles[] = {STR_VIEW("r1"), STR_VIEW("r2")};
    NameList active = {roles, 2, 2};
    GroupSubject subject = {.user = STR_VIEW("u"), .roles = &active};
    GroupClassifier classifier = {.user = STR_VIEW("u"), .role = STR_VIEW("r2")};
    assert_true(classifier_is_visible(&classifier, &subject));
    classifier.role = STR_VIEW("r3");
    assert_false(classifier_is_visible(&classifier, &subject));
    classifier = (GroupClassifier){.user = STR_VIEW("v")};
    assert_false(classifier_is_visible(&classifier, &subject));
    GroupClassifier network = from("10.1.0.0/16");
    assert_false(classifier_is_visible(&network, &subject)); /* where it comes from is not known */
    subject.has_address = ip_address_parse(STR_VIEW("10.1.200.3:5000"), &subject.address);
    assert_true(classifier_is_visible(&network, &subject));
    assert_true(ip_address_parse(STR_VIEW("10.2.0.1"), &subject.address));
    assert_false(classifier_is_visible(&network, &subject));
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
                                       cmocka_unit_test(who_asks_must_be_meant), cmocka_unit_test(ranges_and_addresses_are_read_strictly)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
