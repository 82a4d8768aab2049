#include "tpch/tpch_tables.h"

#include <stdlib.h>

#include "tpch/tpch_words.h"

/* The list of tables and the numbers of rows that follow from a scale factor. */

static int64_t region_keys(const TpchScale *scale)
{
    (void)scale;
    return NUM_REGIONS;
}

static int64_t nation_keys(const TpchScale *scale)
{
    (void)scale;
    return NUM_NATIONS;
}

static int64_t supplier_keys(const TpchScale *scale)
{
    return scale->num_suppliers;
}

static int64_t customer_keys(const TpchScale *scale)
{
    return scale->num_customers;
}

static int64_t part_keys(const TpchScale *scale)
{
    return scale->num_parts;
}

static int64_t order_keys(const TpchScale *scale)
{
    return scale->num_orders;
}

const TpchTable tpch_tables[TPCH_NUM_TABLES] = {
    {"region", "r_regionkey,r_name,r_comment", region_keys, region_generate, 256},
    {"nation", "n_nationkey,n_name,n_regionkey,n_comment", nation_keys, nation_generate, 256},
    {"supplier", "s_suppkey,s_name,s_address,s_nationkey,s_phone,s_acctbal,s_comment",
     supplier_keys, supplier_generate, 320},
    {"customer",
     "c_custkey,c_name,c_address,c_nationkey,c_phone,c_acctbal,c_mktsegment,c_comment",
     customer_keys, customer_generate, 320},
    {"part",
     "p_partkey,p_name,p_mfgr,p_brand,p_type,p_size,p_container,p_retailprice,p_comment",
     part_keys, part_generate, 320},
    {"partsupp", "ps_partkey,ps_suppkey,ps_availqty,ps_supplycost,ps_comment", part_keys,
     partsupp_generate, 4 * 320},
    {"orders",
     "o_orderkey,o_custkey,o_orderstatus,o_totalprice,o_orderdate,o_orderpriority,o_clerk,"
     "o_shippriority,o_comment",
     order_keys, orders_generate, 320},
    {"lineitem",
     "l_orderkey,l_partkey,l_suppkey,l_linenumber,l_quantity,l_extendedprice,l_discount,l_tax,"
     "l_returnflag,l_linestatus,l_shipdate,l_commitdate,l_receiptdate,l_shipinstruct,l_shipmode,"
     "l_comment",
     order_keys, lineitem_generate, 7 * 320},
};

const TpchTable *tpch_table_find(const char *name)
{
    for (int i = 0; i < TPCH_NUM_TABLES; i++) {
        if (strcmp(tpch_tables[i].name, name) == 0)
            return &tpch_tables[i];
    }
    return NULL;
}

Status tpch_scale_parse(const char *text, TpchScale *out_scale, Diag *diag)
{
    char *end;
    double factor = strtod(text, &end);
    if (end == text || *end != '\0' || !(factor >= 0.001 && factor <= 10000))
        return RAISE(diag, INVALID_ARGUMENT,
                     "scale factor \"%s\" is not a number from 0.001 to 10000", text);
    /* The official generator cuts off what it does not support; here 1.5 is an error instead. */
    int64_t thousandths = (int64_t)(1000 * factor);
    if (factor >= 1 && thousandths % 1000 != 0)
        return RAISE(diag, INVALID_ARGUMENT,
                     "scale factor \"%s\" above 1 is not a whole number", text);
    *out_scale = (TpchScale){
        .num_parts = 200 * thousandths,
        .num_suppliers = 10 * thousandths,
        .num_customers = 150 * thousandths,
        .num_orders = 1500 * thousandths,
        .num_clerks = thousandths < 1000 ? 1000 : thousandths,
    };
    return OK;
}
