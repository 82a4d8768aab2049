#include "func/families.h"

/* Gathers all families into one table sorted by name, once, at the first look-up, and adds what docs.def
 * says about each function. */

#include <stdlib.h>

#include "base/thread.h"

static const FuncTable *const tables[] = {
#define FUNC_FAMILY(name) &func_table_##name,
#include "func/families.def"
#undef FUNC_FAMILY
};

static const struct FuncDoc {
    const char *name, *example, *result, *description;
} docs[] = {
#define DOC(name, example, result, description) {name, example, result, description},
#include "func/docs.def"
#undef DOC
};

static const FuncDef **sorted;
static uint32_t sorted_count;
static pthread_once_t sorted_once = PTHREAD_ONCE_INIT;

static int compare_defs(const void *a, const void *b)
{
    return strcmp((*(const FuncDef *const *)a)->name, (*(const FuncDef *const *)b)->name);
}

static int compare_doc(const void *name, const void *doc)
{
    return strcmp(name, ((const struct FuncDoc *)doc)->name);
}

/* docs.def is sorted by name. */
static void add_doc(FuncDef *def)
{
    const struct FuncDoc *doc = bsearch(def->name, docs, COUNT_OF(docs), sizeof(docs[0]), compare_doc);
    if (doc == NULL)
        return;
    def->example = doc->example;
    def->example_result = doc->result;
    def->description = doc->description;
}

static void gather(void)
{
    for (size_t t = 0; t < COUNT_OF(tables); t++)
        sorted_count += tables[t]->count;
    sorted = mem_alloc(sorted_count * sizeof(*sorted));
    FuncDef *copies = mem_alloc(sorted_count * sizeof(*copies));
    uint32_t n = 0;
    for (size_t t = 0; t < COUNT_OF(tables); t++) {
        for (uint32_t i = 0; i < tables[t]->count; i++) {
            copies[n] = tables[t]->defs[i];
            add_doc(&copies[n]);
            sorted[n] = &copies[n];
            n++;
        }
    }
    qsort(sorted, sorted_count, sizeof(*sorted), compare_defs);
}

const FuncDef *const *func_all(uint32_t *out_count)
{
    pthread_once(&sorted_once, gather);
    *out_count = sorted_count;
    return sorted;
}

const FuncDef *func_find(StrView name)
{
    uint32_t count;
    const FuncDef *const *all = func_all(&count);
    uint32_t low = 0;
    uint32_t high = count;
    char folded[80];
    if (name.length >= sizeof(folded))
        return NULL;
    for (size_t i = 0; i < name.length; i++)
        folded[i] = (char)(name.data[i] >= 'A' && name.data[i] <= 'Z' ? name.data[i] + 32 : name.data[i]);
    folded[name.length] = '\0';
    while (low < high) {
        uint32_t middle = (low + high) / 2;
        int order = strcmp(folded, all[middle]->name);
        if (order == 0)
            return all[middle];
        if (order < 0)
            high = middle;
        else
            low = middle + 1;
    }
    return NULL;
}
