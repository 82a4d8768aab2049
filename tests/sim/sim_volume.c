#include "sim/world.h"

/* The shared object store and each node's view of it. An operation takes time on the way there and back; on
 * either way it can fail, and a put that failed may land later. Which errors a real volume gives is kept: "no
 * space" only when nothing was written, anything else says nothing. A local volume makes names durable by
 * put_if_absent() and flush() alone; an object store makes everything durable that has landed. */

#include <string.h>

#include "base/memory.h"

enum { MOST_OBJECTS = 4096, MOST_LATE = 64, LATE_US = 5000000, LATENCY_US = 3000, STALE_US = 500000 };

typedef struct Content {
    uint32_t references;
    size_t size;
    uint8_t bytes[];
} Content;

typedef struct Stored {
    char *path;
    Content *content;
    bool is_durable;
    bool is_removed; /* and may come back */
    int64_t changed_us;
} Stored;

typedef struct LatePut {
    char *path;
    Content *content;
    int64_t due_us;
} LatePut;

typedef struct SimObject {
    VolumeObject object;
    Content *content;
} SimObject;

struct VolumeWriter {
    Node *node;
    char *path;
    ByteBuf bytes;
};

static Stored stored[MOST_OBJECTS];
static uint32_t stored_count;
static LatePut late[MOST_LATE];
static uint32_t late_count;

static Content *new_content(StrView bytes)
{
    Content *content = mem_alloc(sizeof(*content) + bytes.length);
    content->references = 1;
    content->size = bytes.length;
    memcpy(content->bytes, bytes.data, bytes.length);
    return content;
}

static void content_unref(Content *content)
{
    if (--content->references == 0)
        mem_free(content);
}

static Stored *find(const char *path)
{
    for (uint32_t i = 0; i < stored_count; i++) {
        if (!stored[i].is_removed && strcmp(stored[i].path, path) == 0)
            return &stored[i];
    }
    return NULL;
}

static void forget(uint32_t at)
{
    mem_free(stored[at].path);
    content_unref(stored[at].content);
    stored[at] = stored[--stored_count];
}

/* Takes over the content. False: the name is taken. */
static bool land(const char *path, Content *content)
{
    Stored *there = find(path);
    if (there != NULL && world.plant == PLANT_PUT_OVERWRITES && !world.is_local) {
        content_unref(there->content);
        there->content = content;
        return true;
    }
    if (there != NULL) {
        content_unref(content);
        return false;
    }
    CHECK(stored_count < MOST_OBJECTS);
    stored[stored_count++] = (Stored){mem_strdup(path), content, !world.is_local, false, world.now_us};
    return true;
}

static void land_later(const char *path, StrView bytes)
{
    if (late_count == MOST_LATE)
        return;
    late[late_count++] = (LatePut){mem_strdup(path), new_content(bytes), world.now_us + (int64_t)pick(LATE_US)};
}

int64_t store_next_landing(void)
{
    int64_t next = INT64_MAX;
    for (uint32_t i = 0; i < late_count; i++)
        next = MIN(next, late[i].due_us);
    return next;
}

void store_land_due(void)
{
    for (uint32_t i = 0; i < late_count;) {
        if (late[i].due_us > world.now_us) {
            i++;
            continue;
        }
        bool has_landed = land(late[i].path, late[i].content);
        trace("late put of %s %s", late[i].path, has_landed ? "lands" : "finds the name taken");
        mem_free(late[i].path);
        late[i] = late[--late_count];
    }
}

void store_power_cut(void)
{
    for (uint32_t i = stored_count; i-- > 0;) {
        bool comes_back = stored[i].is_removed && chance(2);
        bool is_lost = stored[i].is_removed ? !comes_back : !stored[i].is_durable && chance(2);
        stored[i].is_removed = false;
        stored[i].is_durable = true;
        if (is_lost)
            forget(i);
    }
}

void store_each(const char *prefix, void (*visit)(void *context, const char *path), void *context)
{
    for (uint32_t i = 0; i < stored_count; i++) {
        if (!stored[i].is_removed && strncmp(stored[i].path, prefix, strlen(prefix)) == 0)
            visit(context, stored[i].path);
    }
}

void store_reset(void)
{
    while (stored_count > 0)
        forget(stored_count - 1);
    for (uint32_t i = 0; i < late_count; i++) {
        mem_free(late[i].path);
        content_unref(late[i].content);
    }
    late_count = 0;
}

/* ---- the ways there and back ---- */

static Status gone(Diag *diag, const char *path)
{
    return RAISE(diag, IO, "the way to object \"%s\" is cut", path);
}

static void travel(void)
{
    fiber_sleep((int64_t)pick(LATENCY_US) + (world.has_faults && chance(50) ? 200000 : 0));
}

static bool fails(uint64_t one_in)
{
    return world.has_faults && chance(one_in);
}

static bool is_cut(const Node *node)
{
    return node->is_crashed || world.now_us < node->cut_until_us;
}

static void note_dirty(Node *node, const char *path)
{
    if (node->dirty_count == node->dirty_room) {
        node->dirty_room = MAX(node->dirty_room * 2, 16u);
        node->dirty = mem_realloc(node->dirty, node->dirty_room * sizeof(char *));
    }
    node->dirty[node->dirty_count++] = mem_strdup(path);
}

/* A put that does not get there whole: nothing, or something later. */
static Status lose(Node *node, const char *path, StrView bytes, Diag *diag)
{
    if (!world.is_local && chance(3))
        land_later(path, bytes);
    else if (world.is_local && chance(3) && !node->is_crashed)
        land(path, new_content(bytes));
    return gone(diag, path);
}

static Status put(Node *node, const char *path, StrView bytes, bool *out_is_there, Diag *diag)
{
    *out_is_there = false;
    if (node->is_crashed) /* before anything was sent */
        return gone(diag, path);
    travel();
    if (is_cut(node) || fails(60))
        return lose(node, path, bytes, diag);
    if (fails(200))
        return RAISE(diag, NO_SPACE, "no space for object \"%s\"", path);
    bool has_landed = land(path, new_content(bytes));
    *out_is_there = true;
    travel();
    if (is_cut(node) || fails(60))
        return gone(diag, path); /* there, but nobody hears of it */
    return has_landed ? OK : RAISE(diag, OBJECT_EXISTS, "object \"%s\" exists already", path);
}

/* A directory is synced as a whole. */
static void make_directory_durable(const char *path)
{
    size_t length = (size_t)(strrchr(path, '/') - path) + 1;
    for (uint32_t i = 0; i < stored_count; i++) {
        if (strncmp(stored[i].path, path, length) == 0 && strchr(stored[i].path + length, '/') == NULL)
            stored[i].is_durable = true;
    }
}

static Status sim_put_if_absent(Volume *volume, const char *path, StrView bytes, Diag *diag)
{
    bool is_there;
    Status status = put((Node *)volume, path, bytes, &is_there, diag);
    if ((status == OK || status == ERR_OBJECT_EXISTS) && world.plant != PLANT_PUT_LIES)
        make_directory_durable(path);
    return status;
}

static Status sim_put(Volume *volume, const char *path, StrView bytes, Diag *diag)
{
    bool is_there;
    Node *node = (Node *)volume;
    TRY(put(node, path, bytes, &is_there, diag));
    note_dirty(node, path);
    return OK;
}

static Status sim_flush(Volume *volume, Diag *diag)
{
    Node *node = (Node *)volume;
    char **paths = node->dirty;
    uint32_t count = node->dirty_count;
    node->dirty = NULL;
    node->dirty_count = node->dirty_room = 0;
    travel();
    bool has_failed = is_cut(node) || fails(100);
    for (uint32_t i = 0; i < count; i++) {
        Stored *object = find(paths[i]);
        if (has_failed)
            note_dirty(node, paths[i]);
        else if (object != NULL && world.plant != PLANT_FLUSH_LIES)
            object->is_durable = true;
        mem_free(paths[i]);
    }
    mem_free(paths);
    return has_failed ? gone(diag, "of a directory") : OK;
}

static Status sim_open_object(Volume *volume, const char *path, Diag *diag, VolumeObject **out_object)
{
    const Node *node = (const Node *)volume;
    travel();
    if (node->is_crashed || fails(150))
        return gone(diag, path);
    const Stored *there = find(path);
    if (there == NULL)
        return RAISE(diag, NO_SUCH_OBJECT, "object \"%s\" does not exist", path);
    SimObject *object = mem_alloc_zero(sizeof(*object));
    object->content = there->content;
    object->content->references++;
    object->object = (VolumeObject){volume, object->content->bytes, object->content->size};
    *out_object = &object->object;
    return OK;
}

static void sim_close_object(VolumeObject *object)
{
    content_unref(((SimObject *)object)->content);
    mem_free(object);
}

static Status sim_get(Volume *volume, const char *path, ByteBuf *out_bytes, Diag *diag)
{
    VolumeObject *object;
    TRY(sim_open_object(volume, path, diag, &object));
    bytebuf_append(out_bytes, object->data, object->size);
    sim_close_object(object);
    return OK;
}

static Status sim_open_writer(Volume *volume, const char *path, Diag *diag, VolumeWriter **out_writer)
{
    Node *node = (Node *)volume;
    if (node->is_crashed)
        return gone(diag, path);
    VolumeWriter *writer = mem_alloc_zero(sizeof(*writer));
    writer->node = node;
    writer->path = mem_strdup(path);
    *out_writer = writer;
    return OK;
}

static Status sim_append(VolumeWriter *writer, const void *data, size_t length, Diag *diag)
{
    if (writer->node->is_crashed || fails(400))
        return gone(diag, writer->path);
    bytebuf_append(&writer->bytes, data, length);
    return OK;
}

static void sim_abort(VolumeWriter *writer)
{
    bytebuf_deinit(&writer->bytes);
    mem_free(writer->path);
    mem_free(writer);
}

static Status sim_commit(VolumeWriter *writer, Diag *diag)
{
    Status status = sim_put(&writer->node->volume, writer->path, bytebuf_view(&writer->bytes), diag);
    if (status == OK && world.plant == PLANT_DELETE_EARLY && chance(20))
        find(writer->path)->is_removed = true;
    sim_abort(writer);
    return status;
}

static Status sim_remove(Volume *volume, const char *path, Diag *diag)
{
    const Node *node = (const Node *)volume;
    if (node->is_crashed)
        return gone(diag, path);
    travel();
    if (is_cut(node) || fails(60))
        return gone(diag, path);
    Stored *object = find(path);
    if (object != NULL) {
        trace("node %u deletes %s", node->number, path);
        object->changed_us = world.now_us;
        object->is_removed = true;
    }
    return OK;
}

/* New objects may be left out, removed ones still be named. */
static Status sim_list(Volume *volume, const char *prefix, void (*visit)(void *context, const char *path, uint64_t size),
                       void *context, Diag *diag)
{
    const Node *node = (const Node *)volume;
    travel();
    if (node->is_crashed || fails(60))
        return gone(diag, prefix);
    for (uint32_t i = 0; i < stored_count; i++) {
        const Stored *object = &stored[i];
        bool is_young = world.now_us - object->changed_us < STALE_US;
        bool is_stale = is_young && fails(2);
        if (object->is_removed == is_stale && strncmp(object->path, prefix, strlen(prefix)) == 0)
            visit(context, object->path, object->content->size);
    }
    return OK;
}

static void sim_close(Volume *volume)
{
    (void)volume;
}

static const VolumeOps sim_ops = {
    .put_if_absent = sim_put_if_absent,
    .put = sim_put,
    .flush = sim_flush,
    .get = sim_get,
    .open_object = sim_open_object,
    .close_object = sim_close_object,
    .open_writer = sim_open_writer,
    .append = sim_append,
    .commit = sim_commit,
    .abort = sim_abort,
    .remove = sim_remove,
    .list = sim_list,
    .close = sim_close,
};

/* ---- nodes ---- */

static int64_t wall_us(void *context)
{
    return 1700000000000000 + world.now_us + ((const Node *)context)->clock_skew_us;
}

static int64_t monotonic_us(void *context)
{
    (void)context;
    return world.now_us;
}

static uint64_t random_u64(void *context)
{
    (void)context;
    return random_next(&world.random);
}

static void sleep_us(void *context, int64_t us)
{
    (void)context;
    fiber_sleep(us);
}

void node_begin(Node *node, uint32_t number)
{
    *node = (Node){.number = number};
    node->environment = (Environment){node, wall_us, monotonic_us, random_u64, sleep_us};
    node->volume = (Volume){.ops = &sim_ops, .environment = &node->environment, .url = "sim://"};
    if (world.has_faults && chance(3))
        node->clock_skew_us = (int64_t)pick(7200000000) - 3600000000;
}

void node_crash(Node *node)
{
    trace("node %u crashes", node->number);
    node->is_crashed = true;
}

void node_end(Node *node)
{
    for (uint32_t i = 0; i < node->dirty_count; i++)
        mem_free(node->dirty[i]);
    mem_free(node->dirty);
    node->dirty = NULL;
    node->dirty_count = node->dirty_room = 0;
}
