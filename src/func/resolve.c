#include "func/agg_state.h"
#include "func/families.h"

/* Overload choice and the rules of common types.
 *
 * Implicit conversions have a cost; the overload with the least sum wins, the first of equals.
 * Numbers widen in their order; anything becomes VARCHAR at a high cost. */

Type type_of_letter(char letter)
{
    switch (letter) {
    case 'b':
        return type_of(TYPE_BOOLEAN);
    case 't':
        return type_of(TYPE_TINYINT);
    case 's':
        return type_of(TYPE_SMALLINT);
    case 'i':
        return type_of(TYPE_INT);
    case 'l':
        return type_of(TYPE_BIGINT);
    case 'L':
        return type_of(TYPE_LARGEINT);
    case 'f':
        return type_of(TYPE_FLOAT);
    case 'd':
        return type_of(TYPE_DOUBLE);
    case 'S':
        return type_varchar(0);
    case 'B':
        return type_of(TYPE_VARBINARY);
    case 'a':
        return type_of(TYPE_DATE);
    case 'A':
        return type_of(TYPE_DATETIME);
    case 'T':
        return type_of(TYPE_TIME);
    case 'J':
        return type_of(TYPE_JSON);
    default:
        UNREACHABLE();
    }
}

/* Place in the widening order; -1: not a number. */
static int number_rank(Type type)
{
    switch ((TypeKind)type.kind) {
    case TYPE_BOOLEAN:
        return 0;
    case TYPE_TINYINT:
        return 1;
    case TYPE_SMALLINT:
        return 2;
    case TYPE_INT:
        return 3;
    case TYPE_BIGINT:
        return 4;
    case TYPE_LARGEINT:
        return 5;
    case TYPE_DECIMAL:
        return 6;
    case TYPE_FLOAT:
        return 7;
    case TYPE_DOUBLE:
        return 8;
    default:
        return -1;
    }
}

static bool is_opaque(Type type)
{
    return type.kind == TYPE_BITMAP || type.kind == TYPE_HLL || type.kind == TYPE_PERCENTILE;
}

int cast_implicit_cost(Type source, Type target)
{
    if (source.kind == target.kind)
        return 0;
    if (source.kind == TYPE_NULL)
        return 1;
    if (is_opaque(source) || is_opaque(target))
        return -1;
    int from = number_rank(source);
    int to = number_rank(target);
    if (from >= 0 && to >= 0)
        return to > from ? to - from : 20 + from - to;
    bool both_text = type_is_string(source) && type_is_string(target);
    if (both_text || (type_is_string(source) && target.kind == TYPE_VARBINARY) ||
        (source.kind == TYPE_VARBINARY && type_is_string(target)))
        return 1;
    if (type_is_date(source) && type_is_date(target))
        return source.kind == TYPE_DATE ? 1 : 10;
    if (type_is_string(source))
        return target.kind == TYPE_DOUBLE ? 31 : target.kind == TYPE_DATETIME ? 32 : from >= 0 ? 40 : 36;
    if (type_is_string(target))
        return 50;
    if (type_is_date(source) && to >= 0)
        return 60;
    if (from >= 0 && type_is_date(target))
        return 60;
    if (source.kind == TYPE_JSON || target.kind == TYPE_JSON)
        return 70;
    return type_is_nested(source) && source.kind == target.kind ? 1 : -1;
}

static uint32_t signature_length(const char *arguments)
{
    size_t length = strlen(arguments);
    return (uint32_t)(length > 0 && arguments[length - 1] == '*' ? length - 1 : length);
}

static bool is_variadic(const char *arguments)
{
    size_t length = strlen(arguments);
    return length > 0 && arguments[length - 1] == '*';
}

static char letter_at(const char *arguments, uint32_t i)
{
    uint32_t length = signature_length(arguments);
    return arguments[i < length ? i : length - 1];
}

/* -1: does not fit. */
static int overload_cost(const FuncBindRequest *request, const FuncOverload *overload)
{
    uint32_t length = signature_length(overload->arguments);
    bool fits = is_variadic(overload->arguments) ? request->count >= length : request->count == length;
    if (!fits)
        return -1;
    int cost = 0;
    for (uint32_t i = 0; i < request->count; i++) {
        int one = cast_implicit_cost(request->types[i], type_of_letter(letter_at(overload->arguments, i)));
        if (one < 0)
            return -1;
        cost += one;
    }
    return cost;
}

Status bind_error(const FuncBindRequest *request)
{
    AUTO_BYTEBUF types = {0};
    for (uint32_t i = 0; i < request->count; i++) {
        if (i > 0)
            bytebuf_append_text(&types, ", ");
        type_print_sql(request->types[i], &types);
    }
    return RAISE(request->diag, NO_SUCH_FUNCTION,
                 "Getting analyzing error. Detail message: No matching function with signature: "
                 "%.*s(%s).",
                 SV_ARGS(request->name), types.data == NULL ? "" : types.data);
}

Type *bind_argument_array(const FuncBindRequest *request, FuncBinding *out)
{
    Type *types = ARENA_NEW_ARRAY(request->arena, Type, request->count);
    for (uint32_t i = 0; i < request->count; i++)
        types[i] = request->types[i];
    out->argument_types = types;
    return types;
}

void bind_arguments(const FuncBindRequest *request, Type type, FuncBinding *out)
{
    Type *types = bind_argument_array(request, out);
    for (uint32_t i = 0; i < request->count; i++)
        types[i] = type;
}

static Status bind_overload(const FuncBindRequest *request, const FuncDef *def, FuncBinding *out)
{
    const FuncOverload *best = NULL;
    int best_cost = INT32_MAX;
    for (uint32_t i = 0; i < def->overload_count; i++) {
        int cost = overload_cost(request, &def->overloads[i]);
        if (cost >= 0 && cost < best_cost) {
            best = &def->overloads[i];
            best_cost = cost;
        }
    }
    if (best == NULL)
        return bind_error(request);
    Type *types = bind_argument_array(request, out);
    for (uint32_t i = 0; i < request->count; i++) {
        Type wanted = type_of_letter(letter_at(best->arguments, i));
        /* Strings of any length pass as they are. */
        if (!(type_is_string(wanted) && type_is_string(types[i])))
            types[i] = wanted;
    }
    out->result = type_of_letter(best->result);
    out->kernel = best->kernel;
    out->aggregate = best->aggregate;
    return OK;
}

Status func_resolve(const FuncBindRequest *request, FuncBinding *out_binding)
{
    const FuncDef *def = func_find_form(request->name, request->arena);
    if (def == NULL)
        return bind_error(request);
    bool too_many = def->max_arguments != FUNC_ANY_ARGUMENTS && request->count > def->max_arguments;
    if (request->count < def->min_arguments || too_many)
        return bind_error(request);
    *out_binding = (FuncBinding){.def = def, .flags = def->flags, .argument_count = request->count};
    if (def->bind != NULL)
        return def->bind(request, def, out_binding);
    return bind_overload(request, def, out_binding);
}

static Type decimal_of_integer(Type type)
{
    static const uint8_t digits[] = {[TYPE_BOOLEAN] = 1, [TYPE_TINYINT] = 3,  [TYPE_SMALLINT] = 5,
                                     [TYPE_INT] = 10,    [TYPE_BIGINT] = 19, [TYPE_LARGEINT] = 38};
    return type_decimal(digits[type.kind], 0);
}

/* Too many digits: DOUBLE. Only a side of more than 38 makes the other one so wide. */
static Type common_decimal(Type a, Type b)
{
    uint8_t scale = MAX(a.scale, b.scale);
    int whole = MAX(a.precision - a.scale, b.precision - b.scale);
    bool is_wide = type_is_wide_decimal(a) || type_is_wide_decimal(b);
    if (whole + scale > (is_wide ? DECIMAL_WIDE_PRECISION : DECIMAL_MAX_PRECISION))
        return type_of(TYPE_DOUBLE);
    return type_decimal((uint8_t)(whole + scale), scale);
}

static bool fits_float(Type type)
{
    return type.kind == TYPE_FLOAT || type.kind <= TYPE_SMALLINT;
}

static Type common_number(Type a, Type b)
{
    /* Integers of up to 16 bits fit into the mantissa of a FLOAT. */
    if (type_is_float(a) || type_is_float(b))
        return type_of(fits_float(a) && fits_float(b) ? TYPE_FLOAT : TYPE_DOUBLE);
    if (a.kind == TYPE_DECIMAL || b.kind == TYPE_DECIMAL)
        return common_decimal(a.kind == TYPE_DECIMAL ? a : decimal_of_integer(a),
                              b.kind == TYPE_DECIMAL ? b : decimal_of_integer(b));
    return a.kind > b.kind ? a : b;
}

/* The field of b that stands for field i of a: of that name when all of a's names are there. */
static uint32_t field_like(Type a, uint32_t i, Type b)
{
    uint32_t found = i;
    for (uint32_t f = 0; a.kind == TYPE_STRUCT && f < a.nested->count; f++) {
        uint32_t g = 0;
        while (g < b.nested->count && !strview_equal_ci(a.nested->names[f], b.nested->names[g]))
            g++;
        if (g == b.nested->count)
            return i;
        if (f == i)
            found = g;
    }
    return found;
}

static Status common_nested(Type a, Type b, Arena *arena, Diag *diag, Type *out)
{
    uint32_t count = a.nested->count;
    if (b.nested->count != count)
        return RAISE(diag, ANALYSIS, "Getting analyzing error. Detail message: nested types differ in size.");
    Type *types = ARENA_NEW_ARRAY(arena, Type, count);
    for (uint32_t i = 0; i < count; i++)
        TRY(type_common(a.nested->types[i], b.nested->types[field_like(a, i, b)], arena, diag, &types[i]));
    *out = a.kind == TYPE_ARRAY ? type_array(arena, types[0])
           : a.kind == TYPE_MAP ? type_map(arena, types[0], types[1])
                                : type_struct(arena, types, a.nested->names, count);
    return OK;
}

Status type_common(Type a, Type b, Arena *arena, Diag *diag, Type *out_type)
{
    *out_type = a;
    a.phys = (uint8_t)type_default_phys(a);
    b.phys = (uint8_t)type_default_phys(b);
    if (a.kind == TYPE_VARBINARY && b.kind == TYPE_VARBINARY && !type_same_state(a, b)) {
        *out_type = type_of(TYPE_VARBINARY);
        return OK;
    }
    if (type_equal(a, b) || b.kind == TYPE_NULL)
        *out_type = a;
    else if (a.kind == TYPE_NULL)
        *out_type = b;
    else if (type_is_numeric(a) && type_is_numeric(b))
        *out_type = common_number(a, b);
    else if (type_is_date(a) && type_is_date(b))
        *out_type = type_of(TYPE_DATETIME);
    else if (type_is_string(a) && type_is_string(b))
        *out_type = type_varchar(a.length == 0 || b.length == 0 ? 0 : MAX(a.length, b.length));
    else if (type_is_nested(a) && a.kind == b.kind)
        return common_nested(a, b, arena, diag, out_type);
    else if (a.kind == TYPE_JSON || b.kind == TYPE_JSON)
        *out_type = type_of(TYPE_JSON);
    else if (type_is_nested(a) || type_is_nested(b))
        return RAISE(diag, ANALYSIS, "Getting analyzing error. Detail message: types have no common type.");
    else
        *out_type = type_varchar(0);
    return OK;
}

Status type_common_comparison(Type a, Type b, Arena *arena, Diag *diag, Type *out_type)
{
    bool a_text = type_is_string(a);
    bool b_text = type_is_string(b);
    if (a_text != b_text) {
        Type other = a_text ? b : a;
        if (type_is_numeric(other)) {
            *out_type = type_of(TYPE_DOUBLE);
            return OK;
        }
        if (type_is_date(other)) {
            *out_type = type_of(TYPE_DATETIME);
            return OK;
        }
    }
    bool date_and_number = (type_is_date(a) && type_is_numeric(b)) || (type_is_date(b) && type_is_numeric(a));
    if (date_and_number) {
        *out_type = type_of(TYPE_DOUBLE);
        return OK;
    }
    return type_common(a, b, arena, diag, out_type);
}

bool func_look_at_memory(FuncContext *context)
{
    context->newest_block = context->arena->blocks;
    context->is_over_memory |= mem_over_limit(context->arena->tracker);
    return !context->is_over_memory;
}

enum { LARGE_BYTES = 256 * 1024 };

static bool has_room(FuncContext *context, int64_t bytes)
{
    Diag unheard = {0};
    return mem_check_room(context->arena->tracker, bytes, &unheard) == OK;
}

bool func_look_at_lists(FuncContext *context, const Vector *out)
{
    for (uint32_t c = 0; c < out->child_count; c++) {
        const Vector *child = &out->children[c];
        uint32_t width = phys_width((PhysKind)child->type.phys) + 1;
        bool is_large = (uint64_t)child->capacity * width >= LARGE_BYTES;
        if (is_large && out->child_rows + out->child_rows / 8 >= child->capacity &&
            !has_room(context, (int64_t)child->capacity * 2 * width))
            context->is_over_memory = true;
    }
    return !context->is_over_memory;
}
