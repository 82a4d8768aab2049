#include "sql/keywords.h"

/* One table, sorted as lower case, searched by bisection. */

#include <stdlib.h>
#include <strings.h>

#include "sql/parser.h"

static const SqlKeyword keywords[] = {
    {"ACCESS", false}, {"ACTION", false}, {"ACTIVE", false}, {"ADD", true}, {"ADMIN", false},
    {"ADVISOR", false}, {"AFTER", false}, {"AGG_STATE", false}, {"AGGREGATE", false}, {"ALL", true},
    {"ALTER", true}, {"ANALYZE", true}, {"AND", true}, {"ANTI", false}, {"APPLY", false},
    {"ARRAY", true}, {"AS", true}, {"ASC", true}, {"ASOF", false}, {"ASYNC", false},
    {"AUDIT", false}, {"AUTHENTICATION", false}, {"AUTHORS", false}, {"AUTO", false},
    {"AUTO_INCREMENT", false}, {"AUTOMATED", false}, {"AVG", false}, {"AWARE", false},
    {"BACKEND", false}, {"BACKENDS", false}, {"BACKUP", false}, {"BASE", false}, {"BEFORE", false},
    {"BEGIN", false}, {"BERNOULLI", false}, {"BETWEEN", true}, {"BIGINT", true}, {"BIT_AND", false},
    {"BIT_OR", false}, {"BIT_SHIFT_LEFT", false}, {"BIT_SHIFT_RIGHT", false},
    {"BIT_SHIFT_RIGHT_LOGICAL", false}, {"BITMAP", true}, {"BITMAP_UNION", false},
    {"BLACKHOLE", false}, {"BLACKLIST", false}, {"BLOCK", false}, {"BOOLEAN", false},
    {"BOTH", true}, {"BRANCH", false}, {"BROKER", false}, {"BUCKETS", false}, {"BUILTIN", false},
    {"BY", true}, {"CACHE", false}, {"CALL", false}, {"CANCEL", false}, {"CASE", true},
    {"CAST", false}, {"CATALOG", false}, {"CATALOGS", false}, {"CEIL", false}, {"CHAIN", false},
    {"CHAR", true}, {"CHARACTER", true}, {"CHARSET", false}, {"CHECK", true}, {"CLASSIFIER", false},
    {"CLEAN", false}, {"CLEAR", false}, {"CLUSTER", false}, {"CLUSTERS", false}, {"CNGROUP", false},
    {"COLLATE", true}, {"COLLATION", false}, {"COLOCATE", false}, {"COLUMN", true},
    {"COLUMNS", false}, {"COMMENT", false}, {"COMMIT", false}, {"COMMITTED", false},
    {"COMPACT", false}, {"COMPACTION", true}, {"COMPUTE", false}, {"CONFIG", false},
    {"CONNECTION", false}, {"CONNECTIONS", false}, {"CONSISTENT", false}, {"CONTINUE", false},
    {"CONVERT", true}, {"COSTS", false}, {"COUNT", false}, {"CREATE", true}, {"CROSS", true},
    {"CUBE", true}, {"CUME_DIST", false}, {"CUMULATIVE", false}, {"CURRENT", false},
    {"CURRENT_DATE", true}, {"CURRENT_ROLE", true}, {"CURRENT_TIME", true},
    {"CURRENT_TIMESTAMP", true}, {"CURRENT_USER", true}, {"DATA", false}, {"DATABASE", true},
    {"DATABASES", true}, {"DATACACHE", false}, {"DATE", false}, {"DATETIME", false}, {"DAY", false},
    {"DAYS", false}, {"DEALLOCATE", false}, {"DECIMAL", true}, {"DECOMMISSION", false},
    {"DEFAULT", true}, {"DEFERRED", false}, {"DELETE", true}, {"DENSE_RANK", false}, {"DESC", true},
    {"DESCRIBE", true}, {"DIALECT", false}, {"DICTIONARY", false}, {"DICTIONARY_GET", false},
    {"DISABLE", false}, {"DISTINCT", true}, {"DISTRIBUTED", false}, {"DISTRIBUTION", false},
    {"DIV", false}, {"DO", false}, {"DOUBLE", true}, {"DROP", true}, {"DUAL", true},
    {"DUPLICATE", false}, {"DYNAMIC", false}, {"ELSE", true}, {"ENABLE", false}, {"ENCLOSE", false},
    {"END", false}, {"ENGINE", false}, {"ENGINES", false}, {"ERRORS", false}, {"ESCAPE", false},
    {"EVENTS", false}, {"EVERY", false}, {"EXCEPT", true}, {"EXCLUDE", false}, {"EXECUTE", false},
    {"EXISTS", true}, {"EXPLAIN", true}, {"EXPORT", false}, {"EXTERNAL", false}, {"EXTRACT", false},
    {"FAILPOINT", false}, {"FAILPOINTS", false}, {"FALSE", true}, {"FIELD", false},
    {"FIELDS", false}, {"FILE", false}, {"FILES", false}, {"FILTER", false}, {"FIRST", false},
    {"FIRST_VALUE", false}, {"FLOAT", true}, {"FLOOR", false}, {"FN", false}, {"FOLLOWER", false},
    {"FOLLOWING", false}, {"FOR", true}, {"FORCE", true}, {"FORMAT", false}, {"FREE", false},
    {"FROM", true}, {"FRONTEND", false}, {"FRONTENDS", false}, {"FULL", true}, {"FUNCTION", true},
    {"GLOBAL", false}, {"GRANT", true}, {"GRANTS", false}, {"GROUP", true}, {"GROUP_CONCAT", false},
    {"GROUPING", true}, {"GROUPING_ID", true}, {"GROUPS", true}, {"HASH", false}, {"HAVING", true},
    {"HELP", false}, {"HISTOGRAM", false}, {"HLL", true}, {"HLL_UNION", false}, {"HOST", true},
    {"HOSTS", false}, {"HOUR", false}, {"HOURS", false}, {"HUB", false}, {"IDENTIFIED", false},
    {"IDENTITY", false}, {"IF", true}, {"IGNORE", true}, {"IMAGE", false}, {"IMMEDIATE", false},
    {"IMPERSONATE", false}, {"IN", true}, {"INACTIVE", false}, {"INCREMENTAL", false},
    {"INDEX", true}, {"INDEXES", false}, {"INFILE", true}, {"INNER", true}, {"INSERT", true},
    {"INSTALL", false}, {"INT", true}, {"INTEGER", true}, {"INTEGRATION", false},
    {"INTEGRATIONS", false}, {"INTERMEDIATE", false}, {"INTERSECT", true}, {"INTERVAL", false},
    {"INTO", true}, {"INVOKER", false}, {"IS", true}, {"ISOLATION", false}, {"JOB", false},
    {"JOIN", true}, {"JSON", true}, {"KEY", true}, {"KEYS", true}, {"KILL", true}, {"LABEL", false},
    {"LAG", false}, {"LARGEINT", true}, {"LAST", false}, {"LAST_VALUE", false}, {"LATERAL", true},
    {"LEAD", false}, {"LEFT", true}, {"LESS", false}, {"LEVEL", false}, {"LIKE", true},
    {"LIMIT", true}, {"LIST", false}, {"LOAD", true}, {"LOCAL", false}, {"LOCALTIME", true},
    {"LOCALTIMESTAMP", true}, {"LOCATION", false}, {"LOCATIONS", false}, {"LOCK", false},
    {"LOGICAL", false}, {"LOGS", false}, {"MANUAL", false}, {"MAP", false}, {"MAPPING", false},
    {"MAPPINGS", false}, {"MASKING", false}, {"MATCH", false}, {"MATCH_ALL", false},
    {"MATCH_ANY", false}, {"MATCHED", false}, {"MATERIALIZED", false}, {"MAX", false},
    {"MAXVALUE", true}, {"MERGE", false}, {"META", false}, {"MICROSECOND", false},
    {"MILLISECOND", false}, {"MIN", false}, {"MINUS", true}, {"MINUTE", false}, {"MINUTES", false},
    {"MOD", true}, {"MODE", false}, {"MODIFY", false}, {"MONTH", false}, {"MULTIPLE", false},
    {"NAME", false}, {"NAMES", false}, {"NEGATIVE", false}, {"NGRAMBF", false}, {"NO", false},
    {"NODE", false}, {"NODES", false}, {"NONE", false}, {"NOT", true}, {"NOTHING", false},
    {"NTILE", false}, {"NULL", true}, {"NULLS", false}, {"NUMBER", false}, {"NUMERIC", false},
    {"OBSERVER", false}, {"OF", false}, {"OFF", false}, {"OFFSET", false}, {"ON", true},
    {"ONLY", false}, {"OPEN", false}, {"OPERATE", false}, {"OPTIMIZE", false}, {"OPTIMIZER", false},
    {"OPTION", false}, {"OR", true}, {"ORDER", true}, {"OUTER", true}, {"OUTFILE", true},
    {"OVER", true}, {"OVERWRITE", false}, {"PARAMETER", false}, {"PARTITION", true},
    {"PARTITIONS", false}, {"PASSWORD", false}, {"PATH", false}, {"PAUSE", false},
    {"PENDING", false}, {"PERCENT_RANK", false}, {"PERCENTILE", true}, {"PERCENTILE_UNION", false},
    {"PIPE", false}, {"PIPES", false}, {"PIVOT", true}, {"PLAN", false}, {"PLUGIN", false},
    {"PLUGINS", false}, {"POLICIES", false}, {"POLICY", false}, {"PRECEDING", false},
    {"PREDICATE", false}, {"PREPARE", false}, {"PRIMARY", true}, {"PRIORITY", false},
    {"PRIVILEGES", false}, {"PROBABILITY", false}, {"PROC", false}, {"PROCEDURE", true},
    {"PROCESSLIST", false}, {"PROFILE", false}, {"PROFILELIST", false}, {"PROPERTIES", false},
    {"PROPERTY", false}, {"PROVIDER", false}, {"PROVIDERS", false}, {"QUALIFY", true},
    {"QUARTER", false}, {"QUERIES", false}, {"QUERY", false}, {"QUEUE", false}, {"QUOTA", false},
    {"RANDOM", false}, {"RANGE", true}, {"RANK", false}, {"READ", true}, {"REASON", false},
    {"RECOVER", false}, {"REFRESH", false}, {"REGEXP", true}, {"RELEASE", true}, {"RENAME", true},
    {"REPAIR", false}, {"REPEATABLE", false}, {"REPLACE", true}, {"REPLACE_IF_NOT_NULL", false},
    {"REPLICA", false}, {"REPOSITORIES", false}, {"REPOSITORY", false}, {"RESOURCE", false},
    {"RESOURCES", false}, {"RESTORE", false}, {"RESUME", false}, {"RETENTION", false},
    {"RETRY", false}, {"RETURN", false}, {"RETURNS", false}, {"REVERT", false}, {"REVOKE", true},
    {"RIGHT", true}, {"RLIKE", true}, {"ROLE", false}, {"ROLES", false}, {"ROLLBACK", false},
    {"ROLLUP", false}, {"ROUTINE", false}, {"ROW", true}, {"ROW_NUMBER", false}, {"ROWS", true},
    {"RULE", false}, {"RULES", false}, {"RUNNING", false}, {"SAMPLE", false}, {"SCHEDULE", false},
    {"SCHEDULER", false}, {"SCHEMA", true}, {"SCHEMAS", true}, {"SECOND", false},
    {"SECURITY", false}, {"SELECT", true}, {"SEMI", false}, {"SEPARATOR", false},
    {"SERIALIZABLE", false}, {"SESSION", false}, {"SET", true}, {"SETS", false}, {"SHOW", true},
    {"SIGNED", false}, {"SKIP", false}, {"SKIP_HEADER", false}, {"SMALLINT", true},
    {"SNAPSHOT", false}, {"SNAPSHOTS", false}, {"SOURCE", false}, {"SPLIT", false},
    {"SQLBLACKLIST", false}, {"START", false}, {"STATS", false}, {"STATUS", false}, {"STOP", false},
    {"STORAGE", false}, {"STREAM", false}, {"STRICT", false}, {"STRING", false}, {"STRUCT", false},
    {"SUBMIT", false}, {"SUM", false}, {"SUSPEND", false}, {"SWAP", false}, {"SYNC", false},
    {"SYSTEM", true}, {"SYSTEM_TIME", false}, {"TABLE", true}, {"TABLES", false}, {"TABLET", false},
    {"TABLETS", false}, {"TAG", false}, {"TARGET", false}, {"TASK", false}, {"TEMPORARY", false},
    {"TERMINATED", true}, {"TEXT", true}, {"THAN", false}, {"THEN", true}, {"TIME", false},
    {"TIMES", false}, {"TIMESTAMP", false}, {"TIMESTAMPADD", false}, {"TIMESTAMPDIFF", false},
    {"TINYINT", true}, {"TO", true}, {"TRACE", false}, {"TRANSACTION", false},
    {"TRANSACTIONS", false}, {"TRANSLATE", false}, {"TRIGGERS", false}, {"TRIM_SPACE", false},
    {"TRUE", true}, {"TRUNCATE", false}, {"TYPE", false}, {"TYPES", false}, {"UNBOUNDED", false},
    {"UNCOMMITTED", false}, {"UNINSTALL", false}, {"UNION", true}, {"UNIQUE", true},
    {"UNLOCK", false}, {"UNSET", false}, {"UNSIGNED", true}, {"UPDATE", true}, {"USAGE", false},
    {"USE", true}, {"USER", false}, {"USERS", false}, {"USING", true}, {"VACUUM", false},
    {"VALUE", false}, {"VALUES", true}, {"VARBINARY", false}, {"VARCHAR", true},
    {"VARIABLES", false}, {"VERBOSE", false}, {"VERIFY", false}, {"VERSION", false},
    {"VIEW", false}, {"VIEWS", false}, {"VOLUME", false}, {"VOLUMES", false}, {"WAREHOUSE", false},
    {"WAREHOUSES", false}, {"WARNINGS", false}, {"WEEK", false}, {"WHEN", true}, {"WHERE", true},
    {"WHITELIST", false}, {"WITH", true}, {"WORK", false}, {"WRITE", false}, {"YEAR", false},
};

const SqlKeyword *sql_keywords(size_t *out_count)
{
    *out_count = COUNT_OF(keywords);
    return keywords;
}

static int compare_word(const void *key, const void *entry)
{
    const StrView *word = key;
    const char *name = ((const SqlKeyword *)entry)->word;
    size_t length = strlen(name);
    int order = strncasecmp(word->data, name, MIN(word->length, length));
    return order != 0 ? order : (word->length > length) - (word->length < length);
}

const SqlKeyword *sql_keyword_find(StrView word)
{
    return bsearch(&word, keywords, COUNT_OF(keywords), sizeof(keywords[0]), compare_word);
}

bool sql_is_reserved(StrView word)
{
    const SqlKeyword *keyword = sql_keyword_find(word);
    return keyword != NULL && keyword->is_reserved;
}

static bool is_plain_name(StrView name)
{
    bool has_letter = false;
    for (size_t i = 0; i < name.length; i++) {
        char c = name.data[i];
        bool is_letter = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_';
        if (!is_letter && !(c >= '0' && c <= '9'))
            return false;
        has_letter |= is_letter;
    }
    return has_letter && !(name.data[0] >= '0' && name.data[0] <= '9');
}

bool sql_needs_quotes(StrView name)
{
    /* Words that begin an expression of their own, or end one, though they are not reserved. */
    static const char *const special[] = {"CAST", "TRY_CAST", "DATE", "DATETIME", "TIMESTAMP", "INTERVAL",
                                          "MAP", "EXTRACT", "BINARY", "DIV", "END", "ESCAPE", "MATCH",
                                          "MATCH_ANY", "MATCH_ALL", "SEMI", "ANTI", "ASOF", "OFFSET",
                                          "SAMPLE", "TABLESAMPLE", "WINDOW", "STRAIGHT_JOIN", "NATURAL",
                                          "NULLS", "EXCLUDE", "TABLET", "REPLICA", "TEMPORARY", "ROLLUP",
                                          "SEPARATOR", "PARTITIONS", "BIT_SHIFT_LEFT", "BIT_SHIFT_RIGHT",
                                          "BIT_SHIFT_RIGHT_LOGICAL"};
    if (!is_plain_name(name) || sql_is_reserved(name))
        return true;
    for (size_t i = 0; i < COUNT_OF(special); i++) {
        if (strview_equal_ci(name, strview(special[i])))
            return true;
    }
    return false;
}
