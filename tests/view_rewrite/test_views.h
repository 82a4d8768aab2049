#pragma once
/* Views for tests and benchmarks of the planner: tables that were filled with their definitions, and candidates made of
 * them without a catalog of views. */

#include "failure/fixture.h"
#include "phys/plan.h"
#include "plan/view_rewrite.h"

enum { MAX_TEST_VIEWS = 128, MAX_TEST_ROWS = 20000 };

typedef struct TestView {
    Arena arena;
    CatalogSnapshot *catalog;
    ViewForm *form;
    uint32_t *ordinals;
    char table[32];
    const char *rest;       /* definition over what is stale; NULL: all is fresh */
    const char *partitions; /* that are fresh then */
} TestView;

typedef struct TestViews {
    Fixture fixture;
    TestView items[MAX_TEST_VIEWS];
    uint32_t count;
} TestViews;

typedef struct TestRun {
    bool with_views;
    bool only_plans;
    ByteBuf *trace; /* NULL: not wanted */
    char **lines;   /* out: sorted rows, mem_free() each */
    uint32_t line_count;
    uint32_t used;        /* out: parts answered from views */
    int64_t planning_us;  /* out */
} TestRun;

/* Ends the process when the statement fails. */
void test_views_must(TestViews *views, const char *sql);
/* properties: of its CREATE TABLE, may be empty. False, with the reason in diag: the definition is none. */
bool test_views_make(TestViews *views, const char *definition, const char *properties, Diag *diag);
void test_views_drop(TestViews *views);
Status test_views_run(TestViews *views, const char *sql, TestRun *run, Diag *diag);
