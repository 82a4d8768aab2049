#pragma once
/* Resource groups as the catalog knows them: records of the module "resource_group", by name. They are kept and shown; no query is
 * put into one yet. Each says how much of the
 * processors, of memory and how many statements at once its queries may have, and which queries are its own: classifiers. The two
 * built-in groups are there without a record; altering one makes it. */

#include "meta/access.h"
#include "meta/change.h"

#define DEFAULT_GROUP "default_wg"
#define DEFAULT_MV_GROUP "default_mv_wg"
#define DEFAULT_MEM_POOL "default_mem_pool"

enum { DEFAULT_GROUP_ID = 2, DEFAULT_MV_GROUP_ID = 3, GROUP_MOST_WEIGHT = 65535 };

typedef enum GroupQueryType {
    GROUP_QUERY_NONE = 0,
    GROUP_QUERY_SELECT = 1,
    GROUP_QUERY_INSERT = 2,
} GroupQueryType;

typedef enum GroupType { GROUP_NORMAL, GROUP_SHORT_QUERY, GROUP_MV } GroupType;

/* [min, max) */
typedef struct CostRange {
    bool is_set;
    double min, max;
} CostRange;

/* What is not set matches everything. */
typedef struct GroupClassifier {
    uint64_t id;
    StrView user, role;   /* empty: not set */
    uint32_t query_types; /* bits of GroupQueryType; 0: not set */
    StrView source_ip;    /* "10.1.0.0/16" */
    uint32_t network, mask;
    uint64_t *database_ids;
    uint32_t database_count;
    CostRange cpu_cost, mem_cost;
} GroupClassifier;

/* Numbers: -1 is not set. */
typedef struct ResourceGroupDef {
    uint64_t id;
    StrView name;
    GroupType type;
    int64_t cpu_weight, exclusive_cpu_cores, max_cpu_cores;
    double mem_limit; /* of the memory of the process, up to 1; below 0: not set */
    StrView mem_pool; /* empty: its own */
    int64_t big_query_mem_limit, big_query_scan_rows_limit, big_query_cpu_second_limit;
    int64_t concurrency_limit;
    double spill_mem_limit_threshold;
    GroupClassifier *classifiers;
    uint32_t classifier_count;
} ResourceGroupDef;

/* Who asks. */
typedef struct GroupSubject {
    StrView user;
    const NameList *roles; /* active */
    bool has_address;
    uint32_t address; /* IPv4 of the client */
} GroupSubject;

void resource_group_init(ResourceGroupDef *group, StrView name); /* nothing set */
/* Texts in arena. cores: what default_wg has as its weight. False: there is none of that name. */
bool resource_group_find(const CatalogSnapshot *catalog, StrView name, uint32_t cores, Arena *arena, ResourceGroupDef *out);
/* All of them, the built-in ones included, in order of names. */
uint32_t resource_group_all(const CatalogSnapshot *catalog, uint32_t cores, Arena *arena, ResourceGroupDef **out);
bool resource_group_is_builtin(StrView name);
/* Cores that are reserved: 0 for most. */
int64_t resource_group_exclusive(const ResourceGroupDef *group);
int64_t resource_group_weight(const ResourceGroupDef *group); /* 0 beside exclusive cores */
bool resource_group_has_pool(const ResourceGroupDef *group);  /* shares its memory with others */

bool cost_range_parse(StrView text, CostRange *out); /* "[min, max)" */
void group_number_print(double value, ByteBuf *out);
void cost_range_print(const CostRange *range, ByteBuf *out);
bool source_ip_parse(StrView text, uint32_t *out_network, uint32_t *out_mask); /* "a.b.c.d/n" */
bool ip_address_parse(StrView text, uint32_t *out);                            /* "a.b.c.d", what follows ':' left out */

/* Is it about this user, with these roles, from there? */
bool classifier_is_visible(const GroupClassifier *classifier, const GroupSubject *subject);
/* How exactly it describes a query, as SHOW tells it. */
double classifier_weight(const GroupClassifier *classifier);

void change_put_resource_group(Change *change, const ResourceGroupDef *group);
void change_drop_resource_group(Change *change, StrView name);
