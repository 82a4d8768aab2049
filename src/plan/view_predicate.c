#include "plan/view_int.h"

/* What conditions say: which columns are equal, and whether some conditions imply another one. An atom is a comparison
 * of any expression with a constant, or IN with constants; what several atoms leave of one expression is compared as
 * ranges and as lists of values. All else is compared as it is written. */

/* ---- equal columns ---- */

static bool is_call(const Expr *expr, const char *name, uint32_t arguments)
{
    return expr->kind == EXPR_CALL && expr->argument_count == arguments && strcmp(expr->call.binding->def->name, name) == 0;
}

bool is_column_equality(const Expr *expr)
{
    if (!is_call(expr, "eq", 2))
        return false;
    const Expr *a = expr->arguments[0], *b = expr->arguments[1];
    return a->kind == EXPR_COLUMN && b->kind == EXPR_COLUMN && type_equal(a->type, b->type) && a->type.phys == b->type.phys &&
           !type_is_float(a->type);
}

ColumnId class_of(const ColumnClasses *classes, ColumnId id)
{
    for (uint32_t i = 0; i < classes->ids.count; i++) {
        if (classes->ids.items[i] == id)
            return classes->representatives.items[i];
    }
    return id;
}

static void class_add(PlanContext *context, ColumnClasses *classes, ColumnId id)
{
    for (uint32_t i = 0; i < classes->ids.count; i++) {
        if (classes->ids.items[i] == id)
            return;
    }
    ARRAY_PUSH(context->arena, &classes->ids, id);
    ARRAY_PUSH(context->arena, &classes->representatives, id);
}

static void class_unite(ColumnClasses *classes, ColumnId a, ColumnId b)
{
    ColumnId low = MIN(a, b), high = MAX(a, b);
    for (uint32_t i = 0; i < classes->representatives.count; i++) {
        if (classes->representatives.items[i] == high)
            classes->representatives.items[i] = low;
    }
}

void classes_of(PlanContext *context, const ConjunctList *conjuncts, ColumnClasses *out)
{
    *out = (ColumnClasses){0};
    for (uint32_t i = 0; i < conjuncts->count; i++) {
        const Expr *expr = conjuncts->items[i];
        if (!is_column_equality(expr))
            continue;
        ColumnId a = expr->arguments[0]->column.id, b = expr->arguments[1]->column.id;
        class_add(context, out, a);
        class_add(context, out, b);
        class_unite(out, class_of(out, a), class_of(out, b));
    }
}

/* ---- the canonical form ---- */

typedef struct Canonical {
    PlanContext *context;
    const ColumnClasses *classes;
} Canonical;

static const char *flipped(const char *name)
{
    static const char *const pairs[][2] = {{"lt", "gt"}, {"le", "ge"}, {"gt", "lt"}, {"ge", "le"}};
    for (size_t i = 0; i < COUNT_OF(pairs); i++) {
        if (strcmp(name, pairs[i][0]) == 0)
            return pairs[i][1];
    }
    return NULL;
}

static bool is_symmetric(const FuncBinding *binding)
{
    const char *name = binding->def->name;
    return (binding->flags & FUNC_COMMUTATIVE) != 0 || strcmp(name, "eq") == 0 || strcmp(name, "ne") == 0 ||
           strcmp(name, "eq_for_null") == 0;
}

/* Constants go to the right, other sides into the order of their hashes. */
static bool is_swapped(const Expr *a, const Expr *b)
{
    if (a->kind == EXPR_CONSTANT || b->kind == EXPR_CONSTANT)
        return a->kind == EXPR_CONSTANT && b->kind != EXPR_CONSTANT;
    return expr_hash(a) > expr_hash(b);
}

static Expr *order_arguments(PlanContext *context, Expr *expr)
{
    Expr *a = expr->arguments[0], *b = expr->arguments[1], *turned;
    const char *name = flipped(expr->call.binding->def->name);
    if (is_symmetric(expr->call.binding) && type_equal(a->type, b->type) && is_swapped(a, b)) {
        expr->arguments[0] = b;
        expr->arguments[1] = a;
    } else if (name != NULL && a->kind == EXPR_CONSTANT && b->kind != EXPR_CONSTANT) {
        Diag ignored = {0};
        Expr **sides = ARENA_NEW_ARRAY(context->arena, Expr *, 2);
        sides[0] = b;
        sides[1] = a;
        if (expr_call_by_name(context->arena, context->session, name, sides, 2, &ignored, &turned) == OK)
            return turned;
    }
    return expr;
}

static Expr *canonical_one(void *opaque, Expr *expr)
{
    const Canonical *c = opaque;
    if (expr->kind == EXPR_COLUMN)
        expr->column.id = class_of(c->classes, expr->column.id);
    if (expr->kind == EXPR_CALL && expr->argument_count == 2)
        return order_arguments(c->context, expr);
    return expr;
}

Expr *canonical(PlanContext *context, const ColumnClasses *classes, const Expr *expr)
{
    Canonical c = {context, classes};
    return expr_rewrite(expr_clone(context->arena, expr), canonical_one, &c);
}

/* ---- atoms ---- */

typedef enum AtomKind { ATOM_NONE, ATOM_EQ, ATOM_NE, ATOM_LT, ATOM_LE, ATOM_GT, ATOM_GE, ATOM_IN, ATOM_NOT_IN } AtomKind;

typedef struct Atom {
    AtomKind kind;
    const Expr *key;
    Expr *const *values; /* constants of the key's type, none NULL */
    uint32_t count;
} Atom;

static bool are_constants_of(const Expr *key, Expr *const *values, uint32_t count)
{
    for (uint32_t i = 0; i < count; i++) {
        bool fits = values[i]->kind == EXPR_CONSTANT && !values[i]->constant.value.is_null && type_equal(values[i]->type, key->type) &&
                    values[i]->type.phys == key->type.phys;
        if (!fits)
            return false;
    }
    return true;
}

static Atom atom_of(const Expr *expr)
{
    static const char *const names[] = {
        [ATOM_EQ] = "eq", [ATOM_NE] = "ne", [ATOM_LT] = "lt", [ATOM_LE] = "le", [ATOM_GT] = "gt", [ATOM_GE] = "ge"};
    Atom atom = {.kind = ATOM_NONE};
    if (expr->kind == EXPR_IN && expr->argument_count > 1)
        atom = (Atom){expr->is_negated ? ATOM_NOT_IN : ATOM_IN, expr->arguments[0], expr->arguments + 1, expr->argument_count - 1};
    for (AtomKind kind = ATOM_EQ; kind <= ATOM_GE && expr->kind == EXPR_CALL; kind++) {
        if (is_call(expr, names[kind], 2))
            atom = (Atom){kind, expr->arguments[0], expr->arguments + 1, 1};
    }
    bool is_atom = atom.kind != ATOM_NONE && atom.key->kind != EXPR_CONSTANT && !type_is_float(atom.key->type) &&
                   !type_is_nested(atom.key->type) && are_constants_of(atom.key, atom.values, atom.count);
    return is_atom ? atom : (Atom){.kind = ATOM_NONE};
}

/* Is the atom TRUE for the value? */
static bool atom_holds(const Atom *atom, const Datum *value)
{
    int order = 0;
    bool is_listed = false;
    for (uint32_t i = 0; i < atom->count && !is_listed; i++) {
        order = datum_compare(atom->key->type, value, &atom->values[i]->constant.value);
        is_listed = order == 0;
    }
    switch (atom->kind) {
    case ATOM_EQ:
    case ATOM_IN:
        return is_listed;
    case ATOM_NE:
    case ATOM_NOT_IN:
        return !is_listed;
    case ATOM_LT:
        return order < 0;
    case ATOM_LE:
        return order <= 0;
    case ATOM_GT:
        return order > 0;
    case ATOM_GE:
        return order >= 0;
    case ATOM_NONE:
        break;
    }
    return false;
}

/* ---- implication ---- */

/* Conditions that hold together: a list, and one of an OR's branches on top of it. */
typedef struct Facts {
    const struct Facts *outer;
    Expr *const *items;
    uint32_t count;
    bool is_branch;
} Facts;

static bool is_fact(const Facts *facts, const Expr *condition)
{
    for (; facts != NULL; facts = facts->outer) {
        for (uint32_t i = 0; i < facts->count; i++) {
            if (expr_equal(facts->items[i], condition))
                return true;
        }
    }
    return false;
}

/* Do all facts about the atom's key hold for the value? */
static bool is_possible(const Facts *facts, const Expr *key, const Datum *value)
{
    for (; facts != NULL; facts = facts->outer) {
        for (uint32_t i = 0; i < facts->count; i++) {
            Atom fact = atom_of(facts->items[i]);
            if (fact.kind != ATOM_NONE && expr_equal(fact.key, key) && !atom_holds(&fact, value))
                return false;
        }
    }
    return true;
}

/* Does one fact, a range, leave no value for which the wanted atom is not TRUE? */
static bool range_implies(const Atom *fact, const Atom *wanted)
{
    bool is_low = fact->kind == ATOM_GT || fact->kind == ATOM_GE, is_high = fact->kind == ATOM_LT || fact->kind == ATOM_LE;
    bool is_strict = fact->kind == ATOM_GT || fact->kind == ATOM_LT;
    if (!is_low && !is_high)
        return false;
    for (uint32_t i = 0; i < wanted->count; i++) {
        int order = datum_compare(fact->key->type, &fact->values[0]->constant.value, &wanted->values[i]->constant.value);
        int inwards = is_low ? order : -order; /* > 0: the bound is tighter than the value */
        bool implies = false;
        if (wanted->kind == ATOM_NE || wanted->kind == ATOM_NOT_IN || wanted->kind == (is_low ? ATOM_GT : ATOM_LT))
            implies = inwards > 0 || (inwards == 0 && is_strict);
        else if (wanted->kind == (is_low ? ATOM_GE : ATOM_LE))
            implies = inwards >= 0;
        if (!implies)
            return false;
    }
    return true;
}

/* A list of values, cut by the other facts: the wanted atom holds for each that is left. */
static bool list_implies(const Facts *facts, const Atom *fact, const Atom *wanted)
{
    if (fact->kind != ATOM_EQ && fact->kind != ATOM_IN)
        return false;
    for (uint32_t i = 0; i < fact->count; i++) {
        const Datum *value = &fact->values[i]->constant.value;
        if (!atom_holds(wanted, value) && is_possible(facts, fact->key, value))
            return false;
    }
    return true;
}

static bool excludes_implies(const Atom *fact, const Atom *wanted)
{
    if ((fact->kind != ATOM_NE && fact->kind != ATOM_NOT_IN) || (wanted->kind != ATOM_NE && wanted->kind != ATOM_NOT_IN))
        return false;
    for (uint32_t i = 0; i < wanted->count; i++) {
        if (atom_holds(fact, &wanted->values[i]->constant.value))
            return false;
    }
    return true;
}

static bool atom_implied(const Facts *facts, const Atom *wanted)
{
    for (const Facts *f = facts; f != NULL; f = f->outer) {
        for (uint32_t i = 0; i < f->count; i++) {
            Atom fact = atom_of(f->items[i]);
            if (fact.kind == ATOM_NONE || !expr_equal(fact.key, wanted->key))
                continue;
            if (range_implies(&fact, wanted) || list_implies(facts, &fact, wanted) || excludes_implies(&fact, wanted))
                return true;
        }
    }
    return false;
}

/* Both sides of an equality, or the key of an atom, are the expression: it is not NULL. */
static bool is_never_null(const Facts *facts, const Expr *expr)
{
    for (; facts != NULL; facts = facts->outer) {
        for (uint32_t i = 0; i < facts->count; i++) {
            const Expr *fact = facts->items[i];
            Atom atom = atom_of(fact);
            if (atom.kind != ATOM_NONE && expr_equal(atom.key, expr))
                return true;
            if (is_call(fact, "eq", 2) && (expr_equal(fact->arguments[0], expr) || expr_equal(fact->arguments[1], expr)))
                return true;
        }
    }
    return !expr->is_nullable;
}

static bool implied(const Facts *facts, const Expr *condition);

/* Some OR among the facts: whichever branch it is, the condition follows. */
static bool implied_by_branches(const Facts *facts, const Expr *condition)
{
    for (const Facts *f = facts; f != NULL && !facts->is_branch; f = f->outer) {
        for (uint32_t i = 0; i < f->count; i++) {
            const Expr *either = f->items[i];
            bool all = either->kind == EXPR_OR;
            for (uint32_t b = 0; all && b < either->argument_count; b++) {
                Expr *branch = either->arguments[b];
                bool is_and = branch->kind == EXPR_AND;
                Facts more = {facts, is_and ? branch->arguments : &branch, is_and ? branch->argument_count : 1, true};
                all = implied(&more, condition);
            }
            if (all)
                return true;
        }
    }
    return false;
}

static bool implied_junction(const Facts *facts, const Expr *condition)
{
    bool wants_all = condition->kind == EXPR_AND;
    for (uint32_t i = 0; i < condition->argument_count; i++) {
        if (implied(facts, condition->arguments[i]) != wants_all)
            return !wants_all;
    }
    return wants_all;
}

static bool implied(const Facts *facts, const Expr *condition)
{
    if (is_fact(facts, condition))
        return true;
    Atom atom = atom_of(condition);
    if (atom.kind != ATOM_NONE && atom_implied(facts, &atom))
        return true;
    if (is_column_equality(condition) && condition->arguments[0]->column.id == condition->arguments[1]->column.id)
        return is_never_null(facts, condition->arguments[0]);
    if (is_call(condition, "is_not_null", 1) && is_never_null(facts, condition->arguments[0]))
        return true;
    if ((condition->kind == EXPR_AND || condition->kind == EXPR_OR) && implied_junction(facts, condition))
        return true;
    return implied_by_branches(facts, condition);
}

bool conjuncts_imply(PlanContext *context, const ConjunctList *conjuncts, const Expr *condition)
{
    (void)context;
    Facts facts = {NULL, conjuncts->items, conjuncts->count, false};
    return implied(&facts, condition);
}

/* Text compared with a constant is cast to the type of all text, which changes no value. */
static const Expr *without_text_cast(const Expr *expr)
{
    bool is_text_cast = expr->kind == EXPR_CALL && expr->call.is_cast && expr->type.kind == TYPE_VARCHAR;
    const Expr *inner = is_text_cast ? expr->arguments[0] : expr;
    bool is_text = inner->type.kind == TYPE_VARCHAR || inner->type.kind == TYPE_CHAR;
    return is_text && (expr->type.length == 0 || (inner->type.length > 0 && inner->type.length <= expr->type.length)) ? inner : expr;
}

const Expr *constant_of(const ConjunctList *conjuncts, const Expr *expr)
{
    for (uint32_t i = 0; i < conjuncts->count; i++) {
        Atom atom = atom_of(conjuncts->items[i]);
        if (atom.kind == ATOM_EQ && (expr_equal(atom.key, expr) || expr_equal(without_text_cast(atom.key), expr)))
            return atom.values[0];
    }
    return NULL;
}
