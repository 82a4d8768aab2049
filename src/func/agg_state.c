#include "func/agg_state.h"

/* States of aggregates as values: for every aggregate f there are
 *   f_state(x, ..)     the state of one row, a scalar function
 *   f_combine(x, ..)   the state of many rows
 *   f_union(s)         one state of many states
 *   f_merge(s)         the result of many states
 *   f_state_union(s, t), f_state_merge(s)  the same of one row, scalar functions
 *
 * All of them wrap the kernel of f. A value begins with a version byte and a tag of the function and the layout of its states,
 * four bytes; what the kernel's serialize() writes follows, or the state's own bytes where the kernel has none (docs/formats.md).
 * The functions have no definitions of their own in the registry: one is made where a name is bound.
 *
 * States come from these functions alone: nothing casts to a state but a state that fits. */

#include "base/hash.h"
#include "func/families.h"
#include "func/nested.h"

typedef enum StateForm { FORM_STATE_UNION, FORM_STATE_MERGE, FORM_STATE, FORM_COMBINE, FORM_UNION, FORM_MERGE } StateForm;

static const struct {
    const char *suffix;
    FuncKind kind;
    uint8_t arguments; /* 0: those of the function */
} forms[] = {[FORM_STATE_UNION] = {"_state_union", FUNC_SCALAR, 2}, [FORM_STATE_MERGE] = {"_state_merge", FUNC_SCALAR, 1},
             [FORM_STATE] = {"_state", FUNC_SCALAR, 0},             [FORM_COMBINE] = {"_combine", FUNC_AGGREGATE, 0},
             [FORM_UNION] = {"_union", FUNC_AGGREGATE, 1},          [FORM_MERGE] = {"_merge", FUNC_AGGREGATE, 1}};

typedef struct StateData {
    FuncBinding inner;
    uint32_t tag;
    bool yields_state;
} StateData;

enum { STATE_VERSION = 1 };

/* Of union and merge: the state of the function lies behind it, aligned as states are. */
typedef struct UnionHead {
    int64_t has_any;
    int64_t unused;
} UnionHead;

/* ---- names ---- */

/* What the functions of sketches are called besides. */
static StrView form_name(StrView name)
{
    static const struct {
        const char *other, *name;
    } others[] = {{"ds_hll_accumulate", "ds_hll_count_distinct_combine"}, {"ds_hll_combine", "ds_hll_count_distinct_union"},
                  {"ds_hll_estimate", "ds_hll_count_distinct_merge"}};
    for (size_t i = 0; i < COUNT_OF(others); i++) {
        if (strview_equal_ci(name, strview(others[i].other)))
            return strview(others[i].name);
    }
    return name;
}

static bool split_name(StrView name, StateForm *out_form, const FuncDef **out_function)
{
    name = form_name(name);
    for (size_t f = 0; f < COUNT_OF(forms); f++) {
        size_t length = strlen(forms[f].suffix);
        if (name.length <= length || !strview_equal_ci(strview_n(name.data + name.length - length, length), strview(forms[f].suffix)))
            continue;
        const FuncDef *function = func_find(strview_n(name.data, name.length - length));
        if (function == NULL || function->kind != FUNC_AGGREGATE)
            continue;
        *out_form = (StateForm)f;
        *out_function = function;
        return true;
    }
    return false;
}

const FuncDef *func_find_form(StrView name, Arena *arena)
{
    const FuncDef *plain = func_find(name);
    const FuncDef *function;
    StateForm form;
    if (plain != NULL || !split_name(name, &form, &function))
        return plain;
    FuncDef *def = ARENA_NEW(arena, FuncDef);
    *def = (FuncDef){.name = arena_printf(arena, "%s%s", function->name, forms[form].suffix), .kind = forms[form].kind, .group = "state",
                     .min_arguments = forms[form].arguments > 0 ? forms[form].arguments : function->min_arguments,
                     .max_arguments = forms[form].arguments > 0 ? forms[form].arguments : function->max_arguments,
                     .bind = func_bind_form, .code = (int)form,
                     .flags = forms[form].arguments == 0 ? FUNC_NEVER_NULL : 0};
    if (def->kind == FUNC_SCALAR)
        def->flags |= FUNC_CAN_RAISE | FUNC_EXPENSIVE;
    return def;
}

/* ---- what states are like ---- */

static void print_layout(const FuncBinding *inner, ByteBuf *out)
{
    bool is_plain = inner->aggregate->serialize == NULL;
    bytebuf_append_text(out, inner->def->name);
    for (uint32_t i = 0; i < inner->argument_count && (inner->def->flags & FUNC_STATE_UNTYPED) == 0; i++) {
        Type type = inner->argument_types[i];
        bytebuf_append_char(out, ',');
        if (type_is_string(type))
            bytebuf_append_text(out, "text");
        else if (is_plain && (type_is_integer(type) || type.kind == TYPE_BOOLEAN))
            bytebuf_append_text(out, "integer");
        else if (is_plain && type_is_float(type))
            bytebuf_append_text(out, "real");
        else if (type.kind == TYPE_DECIMAL)
            bytebuf_printf(out, "%s.%u", type_is_wide_decimal(type) ? "wide" : "decimal", type.scale);
        else
            type_print(type, out);
    }
}

static uint32_t layout_tag(const FuncBinding *inner)
{
    AUTO_BYTEBUF text = {0};
    print_layout(inner, &text);
    return (uint32_t)hash_bytes(text.data, text.length);
}

/* The function of a state, bound to what it is a state of. */
static Status bind_function_of(const FuncBindRequest *request, Type state, FuncBinding *out)
{
    FuncBindRequest inner = {.name = type_state_function(state), .session = request->session, .arena = request->arena, .diag = request->diag};
    inner.types = type_state_arguments(state, &inner.count);
    inner.constants = ARENA_NEW_ARRAY(request->arena, const Datum *, MAX(inner.count, 1u));
    return func_resolve(&inner, out);
}

bool func_state_fits(Type target, Type source, Arena *arena)
{
    static const FuncSession session = {0};
    Diag unheard = {0};
    FuncBindRequest request = {.session = &session, .arena = arena, .diag = &unheard};
    FuncBinding a;
    FuncBinding b;
    if (!type_is_state(target) || !type_is_state(source))
        return false;
    return bind_function_of(&request, target, &a) == OK && bind_function_of(&request, source, &b) == OK && layout_tag(&a) == layout_tag(&b);
}

/* ---- kernels ---- */

static AggContext inner_context(const AggContext *context)
{
    AggContext inner = *context;
    inner.binding = &((const StateData *)context->binding->data)->inner;
    return inner;
}

static void write_state(AggContext *inner, uint32_t tag, const uint8_t *state, ByteBuf *bytes)
{
    const AggKernel *kernel = inner->binding->aggregate;
    bytebuf_put_u8(bytes, STATE_VERSION);
    bytebuf_put_u32(bytes, tag);
    if (kernel->serialize != NULL)
        kernel->serialize(inner, state, bytes);
    else
        bytebuf_append(bytes, state, kernel->state_bytes);
}

static Status read_state(AggContext *inner, uint32_t tag, StrView bytes, uint8_t *state)
{
    const AggKernel *kernel = inner->binding->aggregate;
    ByteReader reader = byte_reader(bytes.data, bytes.length);
    uint8_t version = byte_reader_u8(&reader);
    uint32_t found = byte_reader_u32(&reader);
    if (reader.failed || version != STATE_VERSION || found != tag)
        return RAISE(inner->diag, CORRUPT, "the value is no state of %s()", inner->binding->def->name);
    if (kernel->serialize != NULL)
        return kernel->deserialize(inner, &reader, state);
    StrView plain = byte_reader_bytes(&reader, kernel->state_bytes);
    if (plain.length != kernel->state_bytes || byte_reader_left(&reader) > 0)
        return RAISE(inner->diag, CORRUPT, "the state of %s() has a wrong length", inner->binding->def->name);
    memcpy(state, plain.data, plain.length);
    return OK;
}

static void begin_state(AggContext *inner, uint8_t *state)
{
    memset(state, 0, inner->binding->aggregate->state_bytes);
    if (inner->binding->aggregate->init != NULL)
        inner->binding->aggregate->init(inner, state);
}

static void end_state(AggContext *inner, uint8_t *state)
{
    if (inner->binding->aggregate->destroy != NULL)
        inner->binding->aggregate->destroy(inner, state);
}

static void put_state(AggContext *inner, uint32_t tag, const uint8_t *state, ByteBuf *scratch, Vector *out, uint32_t row)
{
    bytebuf_clear(scratch);
    write_state(inner, tag, state, scratch);
    Str value = str_make(scratch->data, scratch->length);
    ((Str *)out->data)[row] = str_copy(inner->arena, &value);
}

static void combine_init(AggContext *context, uint8_t *state)
{
    AggContext inner = inner_context(context);
    begin_state(&inner, state);
}
static Status combine_update(AggContext *context, const Vector *const *arguments, uint32_t count, Rows rows, uint8_t *const *groups,
                             uint32_t offset)
{
    AggContext inner = inner_context(context);
    return inner.binding->aggregate->update(&inner, arguments, count, rows, groups, offset);
}
static Status combine_update_one(AggContext *context, const Vector *const *arguments, uint32_t count, Rows rows, uint8_t *state)
{
    AggContext inner = inner_context(context);
    return inner.binding->aggregate->update_one(&inner, arguments, count, rows, state);
}
static Status combine_merge(AggContext *context, uint8_t *const *sources, uint8_t *const *targets, uint32_t count, uint32_t offset)
{
    AggContext inner = inner_context(context);
    return inner.binding->aggregate->merge(&inner, sources, targets, count, offset);
}
static Status combine_finish(AggContext *context, uint8_t *const *groups, uint32_t count, uint32_t offset, uint32_t first, Vector *out)
{
    const StateData *data = context->binding->data;
    AggContext inner = inner_context(context);
    AUTO_BYTEBUF scratch = {0};
    for (uint32_t i = 0; i < count; i++)
        put_state(&inner, data->tag, groups[i] + offset, &scratch, out, first + i);
    return OK;
}
static void combine_serialize(AggContext *context, const uint8_t *state, ByteBuf *out)
{
    AggContext inner = inner_context(context);
    inner.binding->aggregate->serialize(&inner, state, out);
}
static Status combine_deserialize(AggContext *context, ByteReader *reader, uint8_t *state)
{
    AggContext inner = inner_context(context);
    return inner.binding->aggregate->deserialize(&inner, reader, state);
}
static void combine_destroy(AggContext *context, uint8_t *state)
{
    AggContext inner = inner_context(context);
    end_state(&inner, state);
}

static void union_init(AggContext *context, uint8_t *state)
{
    AggContext inner = inner_context(context);
    ((UnionHead *)(void *)state)->has_any = 0;
    begin_state(&inner, state + sizeof(UnionHead));
}

/* temporary has room for a state of the function. */
static Status take_state(AggContext *inner, uint32_t tag, const Str *value, uint8_t *temporary, uint8_t *state)
{
    uint8_t *source = temporary;
    uint8_t *target = state + sizeof(UnionHead);
    ((UnionHead *)(void *)state)->has_any = 1;
    begin_state(inner, temporary);
    Status status = read_state(inner, tag, str_view(value), temporary);
    if (status == OK)
        status = inner->binding->aggregate->merge(inner, &source, &target, 1, 0);
    end_state(inner, temporary);
    return status;
}

static Status take_states(AggContext *context, const Vector *states, Rows rows, uint8_t *const *groups, uint32_t offset, uint8_t *one)
{
    const StateData *data = context->binding->data;
    AggContext inner = inner_context(context);
    VectorView view = vector_view(states);
    AUTO_ARENA scratch;
    arena_init(&scratch, NULL);
    uint8_t *temporary = arena_alloc_zero(&scratch, MAX(data->inner.aggregate->state_bytes, 8u));
    for (FOR_ROWS(rows, i, row)) {
        if (view_is_null(&view, row))
            continue;
        const Str *value = &((const Str *)view.data)[view_index(&view, row)];
        TRY(take_state(&inner, data->tag, value, temporary, one != NULL ? one : groups[i] + offset));
    }
    return OK;
}
static Status union_update(AggContext *context, const Vector *const *arguments, uint32_t count, Rows rows, uint8_t *const *groups,
                           uint32_t offset)
{
    (void)count;
    return take_states(context, arguments[0], rows, groups, offset, NULL);
}
static Status union_update_one(AggContext *context, const Vector *const *arguments, uint32_t count, Rows rows, uint8_t *state)
{
    (void)count;
    return take_states(context, arguments[0], rows, NULL, 0, state);
}
static Status union_merge(AggContext *context, uint8_t *const *sources, uint8_t *const *targets, uint32_t count, uint32_t offset)
{
    AggContext inner = inner_context(context);
    for (uint32_t i = 0; i < count; i++)
        ((UnionHead *)(void *)(targets[i] + offset))->has_any |= ((const UnionHead *)(const void *)(sources[i] + offset))->has_any;
    return inner.binding->aggregate->merge(&inner, sources, targets, count, offset + (uint32_t)sizeof(UnionHead));
}
static Status union_finish(AggContext *context, uint8_t *const *groups, uint32_t count, uint32_t offset, uint32_t first, Vector *out)
{
    const StateData *data = context->binding->data;
    AggContext inner = inner_context(context);
    AUTO_BYTEBUF scratch = {0};
    uint32_t behind = offset + (uint32_t)sizeof(UnionHead);
    if (!data->yields_state)
        TRY(inner.binding->aggregate->finish(&inner, groups, count, behind, first, out));
    for (uint32_t i = 0; i < count; i++) {
        if (((const UnionHead *)(const void *)(groups[i] + offset))->has_any == 0)
            vector_set_null(out, first + i);
        else if (data->yields_state)
            put_state(&inner, data->tag, groups[i] + behind, &scratch, out, first + i);
    }
    return OK;
}
static void union_serialize(AggContext *context, const uint8_t *state, ByteBuf *out)
{
    const StateData *data = context->binding->data;
    AggContext inner = inner_context(context);
    bytebuf_put_u8(out, ((const UnionHead *)(const void *)state)->has_any != 0);
    write_state(&inner, data->tag, state + sizeof(UnionHead), out);
}
static Status union_deserialize(AggContext *context, ByteReader *reader, uint8_t *state)
{
    const StateData *data = context->binding->data;
    AggContext inner = inner_context(context);
    ((UnionHead *)(void *)state)->has_any = byte_reader_u8(reader);
    size_t left = byte_reader_left(reader);
    return read_state(&inner, data->tag, byte_reader_bytes(reader, left), state + sizeof(UnionHead));
}
static void union_destroy(AggContext *context, uint8_t *state)
{
    AggContext inner = inner_context(context);
    end_state(&inner, state + sizeof(UnionHead));
}

/* ---- scalar forms ---- */

static AggContext scalar_context(const FuncContext *context)
{
    const StateData *data = context->binding->data;
    return (AggContext){.binding = &data->inner, .session = context->session, .arena = context->arena, .diag = context->diag};
}

static Status state_kernel(FuncContext *context, const Vector *const *arguments, uint32_t count, Rows rows, Vector *out)
{
    const StateData *data = context->binding->data;
    AggContext inner = scalar_context(context);
    AUTO_BYTEBUF scratch = {0};
    AUTO_ARENA space;
    arena_init(&space, NULL);
    uint8_t *state = arena_alloc_zero(&space, MAX(data->inner.aggregate->state_bytes, 8u));
    for (FUNC_ROWS(context, rows, i, row)) {
        uint16_t at = (uint16_t)row;
        uint8_t *groups[] = {state};
        begin_state(&inner, state);
        Status status = data->inner.aggregate->update(&inner, arguments, count, (Rows){&at, 1}, groups, 0);
        if (status == OK)
            put_state(&inner, data->tag, state, &scratch, out, row);
        end_state(&inner, state);
        TRY(status);
    }
    return OK;
}

/* The states of the row's arguments become one; all are NULL: so is the result. */
static Status fold_kernel(FuncContext *context, const Vector *const *arguments, uint32_t count, Rows rows, Vector *out)
{
    const StateData *data = context->binding->data;
    AggContext inner = scalar_context(context);
    AUTO_BYTEBUF scratch = {0};
    AUTO_ARENA space;
    arena_init(&space, NULL);
    uint32_t bytes = MAX(data->inner.aggregate->state_bytes, 8u);
    uint8_t *state = arena_alloc_zero(&space, bytes + sizeof(UnionHead));
    uint8_t *temporary = arena_alloc_zero(&space, bytes);
    for (FUNC_ROWS(context, rows, i, row)) {
        Status status = OK;
        uint8_t *groups[] = {state + sizeof(UnionHead)};
        ((UnionHead *)(void *)state)->has_any = 0;
        begin_state(&inner, groups[0]);
        for (uint32_t a = 0; a < count && status == OK; a++) {
            VectorView view = vector_view(arguments[a]);
            if (!view_is_null(&view, row))
                status = take_state(&inner, data->tag, &((const Str *)view.data)[view_index(&view, row)], temporary, state);
        }
        if (status == OK && ((const UnionHead *)(const void *)state)->has_any == 0)
            vector_set_null(out, row);
        else if (status == OK && data->yields_state)
            put_state(&inner, data->tag, groups[0], &scratch, out, row);
        else if (status == OK)
            status = data->inner.aggregate->finish(&inner, groups, 1, 0, row, out);
        end_state(&inner, groups[0]);
        TRY(status);
    }
    return OK;
}

/* ---- binding ---- */

static const AggKernel *wrapped_kernel(Arena *arena, const AggKernel *inner, bool takes_states)
{
    AggKernel *kernel = ARENA_NEW(arena, AggKernel);
    if (takes_states) {
        *kernel = (AggKernel){.state_bytes = inner->state_bytes + (uint32_t)sizeof(UnionHead), .update = union_update,
                              .update_one = union_update_one, .merge = union_merge, .finish = union_finish,
                              .init = inner->init != NULL ? union_init : NULL, .destroy = inner->destroy != NULL ? union_destroy : NULL,
                              .serialize = inner->serialize != NULL ? union_serialize : NULL,
                              .deserialize = inner->serialize != NULL ? union_deserialize : NULL};
    } else {
        *kernel = (AggKernel){.state_bytes = inner->state_bytes, .update = combine_update, .update_one = combine_update_one,
                              .merge = combine_merge, .finish = combine_finish, .init = inner->init != NULL ? combine_init : NULL,
                              .destroy = inner->destroy != NULL ? combine_destroy : NULL,
                              .serialize = inner->serialize != NULL ? combine_serialize : NULL,
                              .deserialize = inner->serialize != NULL ? combine_deserialize : NULL};
    }
    return kernel;
}

/* f_union(s), f_merge(s), f_state_union(s, t), f_state_merge(s) */
static Status bind_of_states(const FuncBindRequest *request, const FuncDef *function, StateData *data, FuncBinding *out)
{
    Type state = request->types[0];
    for (uint32_t i = 0; i < request->count; i++) {
        Type type = request->types[i];
        if (type.kind == TYPE_NULL && request->count > 1)
            continue;
        if (!type_is_state(type) || !strview_equal_ci(type_state_function(type), strview(function->name)) ||
            (type_is_state(state) && !type_same_state(state, type) && !func_state_fits(state, type, request->arena)))
            return bind_error(request);
        state = type;
    }
    if (!type_is_state(state))
        return bind_error(request);
    TRY(bind_function_of(request, state, &data->inner));
    bind_arguments(request, state, out);
    out->result = data->yields_state ? state : data->inner.result;
    out->kernel = fold_kernel;
    return OK;
}

/* f_state(x, ..), f_combine(x, ..) */
static Status bind_of_rows(const FuncBindRequest *request, const FuncDef *function, StateData *data, FuncBinding *out)
{
    FuncBindRequest inner = *request;
    Type *types = ARENA_NEW_ARRAY(request->arena, Type, MAX(request->count, 1u));
    inner.name = strview(function->name);
    TRY(func_resolve(&inner, &data->inner));
    for (uint32_t i = 0; i < request->count; i++)
        types[i] = request->types[i].kind == TYPE_NULL ? data->inner.argument_types[i] : request->types[i];
    out->argument_types = data->inner.argument_types;
    out->result = type_state(request->arena, strview(function->name), types, request->count);
    out->kernel = state_kernel;
    return OK;
}

Status func_bind_form(const FuncBindRequest *request, const FuncDef *def, FuncBinding *out)
{
    StateForm form;
    const FuncDef *function;
    StateData *data = ARENA_NEW(request->arena, StateData);
    if (!split_name(strview(def->name), &form, &function))
        return bind_error(request);
    data->yields_state = form != FORM_MERGE && form != FORM_STATE_MERGE;
    bool takes_states = forms[form].arguments > 0;
    TRY(takes_states ? bind_of_states(request, function, data, out) : bind_of_rows(request, function, data, out));
    data->tag = layout_tag(&data->inner);
    out->data = data;
    if (forms[form].kind == FUNC_AGGREGATE) {
        out->kernel = NULL;
        out->aggregate = wrapped_kernel(request->arena, data->inner.aggregate, takes_states);
    }
    return OK;
}
