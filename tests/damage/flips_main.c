/* Bytes of every object of data, of a snapshot's image and of a backup are flipped one after the other, and the objects cut off at
 * every length; each time a server starts on the volume, answers questions and is written to. An answer is right or an
 * error that names the object, and ADMIN TEST SNAPSHOT finds every change, if nothing did before it. Segments and delete vectors, overlays
 * of columns, objects with segments of several tablets, all are there.
 *
 *   merak-flips [--all]      --all: every byte and every length; else some of each object
 *
 * The last line is "N passed, N failed". */

#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "base/log.h"
#include "failure/fixture.h"
#include "volume/volume.h"

enum { FEW_FLIPS = 16, FEW_CUTS = 6, MOST_OBJECTS = 200, PATH_BYTES = 200, FAILURES_SHOWN = 20 };

typedef struct Object {
    char path[PATH_BYTES];
    ByteBuf bytes;
} Object;

typedef struct Copy {
    const char *name;
    Object objects[MOST_OBJECTS];
    uint32_t count;
} Copy;

/* What is asked of a server; the last ones write. */
static const char *const questions[] = {
    "SELECT count(*), sum(k), sum(v), sum(murmur_hash3_32(s)), min(p) FROM d.dup",
    "SELECT s, v FROM d.dup WHERE k = 77",
    "SELECT count(*), sum(k), sum(v) FROM d.pk",
    "SELECT v FROM d.pk WHERE k = 30",
    "SELECT count(*), max(v) FROM d.pk WHERE k BETWEEN 1000 AND 1100",
    "SELECT count(*), sum(k), min(d) FROM d.auto_made",
    "SELECT k, s FROM d.nested ORDER BY k",
};
static const char *const of_snapshot[] = {
    "SELECT count(*), sum(k), sum(v) FROM d.pk FOR VERSION AS OF 'kept'",
    "RESTORE TABLE d.pk FROM SNAPSHOT kept AS d.again",
    "SELECT count(*), sum(k), sum(v) FROM d.again",
};
static const char *const writes[] = {
    "INSERT INTO d.pk VALUES (9, 5), (3001, 6)",
    "SELECT count(*), count(DISTINCT k), sum(v) FROM d.pk",
    "DELETE FROM d.dup WHERE k % 3 = 1",
    "SELECT count(*), sum(v) FROM d.dup",
};
enum { MOST_ANSWERS = COUNT_OF(questions) + COUNT_OF(of_snapshot) + COUNT_OF(writes) };

typedef struct Answers {
    ByteBuf text[MOST_ANSWERS];
    uint32_t count;
} Answers;

static uint64_t passed, failed;
static bool tries_all;

/* ---- copies of volumes ---- */

static Object *add_object(Copy *copy, const char *path)
{
    CHECK(copy->count < MOST_OBJECTS && strlen(path) < PATH_BYTES);
    Object *object = &copy->objects[copy->count++];
    snprintf(object->path, PATH_BYTES, "%s", path);
    return object;
}

static void note_object(void *context, const char *path, uint64_t size)
{
    (void)size;
    add_object(context, path);
}

static void copy_volume(Volume *volume, Copy *copy)
{
    Diag diag = {0};
    bool is_read = volume->ops->list(volume, "", note_object, copy, &diag) == OK;
    for (uint32_t i = 0; is_read && i < copy->count; i++)
        is_read = volume_get(volume, copy->objects[i].path, &copy->objects[i].bytes, &diag) == OK;
    CHECK(is_read && copy->count > 0);
}

/* A volume in memory with everything of the copy; of one object only so many bytes, one of them changed. */
static Volume *make_volume(const Copy *copy, const Object *damaged, size_t length, size_t at, uint8_t mask)
{
    Diag diag = {0};
    Volume *volume = volume_open_memory(fixture_environment());
    for (uint32_t i = 0; i < copy->count; i++) {
        const Object *object = &copy->objects[i];
        AUTO_BYTEBUF bytes = {0};
        bytebuf_append(&bytes, object->bytes.data, object == damaged ? length : object->bytes.length);
        if (object == damaged && at < length)
            bytes.data[at] = (char)((uint8_t)bytes.data[at] ^ mask);
        CHECK(volume_put(volume, object->path, bytebuf_view(&bytes), &diag) == OK);
    }
    return volume;
}

/* ---- judging ---- */

static void complain(const Copy *copy, const Object *object, size_t length, size_t at, const char *what, const char *text)
{
    if (failed++ < FAILURES_SHOWN)
        printf("FAIL %s, %s, %zu of %zu bytes, byte %zu: %s: %.600s\n", copy->name, object->path, length, object->bytes.length, at, what,
               text);
}

typedef struct Trial {
    const Copy *copy;
    const Object *object;
    size_t length, at;
    bool is_found, is_wrong, is_lenient; /* lenient: nothing need find it */
} Trial;

static void judge(Trial *trial, const char *sql, Status status, const char *text, const Diag *diag, const ByteBuf *right)
{
    bool names_it = status != OK && strstr(diag->message, trial->object->path) != NULL;
    trial->is_found = trial->is_found || names_it;
    if (names_it || (status == OK && strcmp(text, right->data) == 0) || trial->is_wrong)
        return;
    trial->is_wrong = true;
    complain(trial->copy, trial->object, trial->length, trial->at, sql, status == OK ? text : diag->message);
}

/* trial NULL: the right answers are learned. */
static void ask(Fixture *f, const char *const *statements, uint32_t count, Answers *answers, Trial *trial)
{
    for (uint32_t i = 0; i < count; i++) {
        Diag diag = {0};
        AUTO_BYTEBUF text = {0};
        bytebuf_append_text(&text, " ");
        Status status = fixture_run(f, statements[i], &text, &diag);
        if (trial == NULL) {
            if (status != OK)
                fprintf(stderr, "%s: %s\n", statements[i], diag.message);
            CHECK(status == OK);
            bytebuf_append(&answers->text[answers->count], text.data, text.length);
            bytebuf_append(&answers->text[answers->count], "", 1);
        } else {
            bytebuf_append(&text, "", 1);
            judge(trial, statements[i], status, text.data, &diag, &answers->text[answers->count]);
        }
        answers->count++;
        if (status != OK && strncmp(statements[i], "SELECT", 6) != 0) { /* what would be asked next was not done */
            answers->count++;
            i++;
        }
    }
}

static void ask_all(Fixture *f, bool has_snapshot, Answers *answers, Trial *trial)
{
    answers->count = 0;
    ask(f, questions, COUNT_OF(questions), answers, trial);
    if (has_snapshot)
        ask(f, of_snapshot, COUNT_OF(of_snapshot), answers, trial);
    ask(f, writes, COUNT_OF(writes), answers, trial);
}

/* Is the change seen by whoever looks for it? */
static void test_snapshot(Fixture *f, const char *name, Trial *trial)
{
    Diag diag = {0};
    AUTO_BYTEBUF text = {0};
    char sql[80];
    snprintf(sql, sizeof(sql), "ADMIN TEST SNAPSHOT %s", name);
    Status status = fixture_run(f, sql, &text, &diag);
    bytebuf_append(&text, "", 1);
    trial->is_found = trial->is_found || strstr(status == OK ? text.data : diag.message, trial->object->path) != NULL;
}

static void run_trial(Trial *in_out, Answers *answers, bool has_snapshot, uint8_t mask)
{
    Fixture f;
    Diag diag = {0};
    Trial trial = *in_out;
    const Copy *copy = trial.copy;
    const Object *object = trial.object;
    size_t length = trial.length, at = trial.at;
    if (fixture_attach(&f, make_volume(copy, object, length, at, mask), &diag) != OK) {
        trial.is_found = strstr(diag.message, object->path) != NULL;
    } else {
        status_ignore(fixture_run(&f, "CREATE SNAPSHOT later", NULL, &diag)); /* what is written to can be found no more */
        ask_all(&f, has_snapshot, answers, &trial);
        test_snapshot(&f, "later", &trial);
        if (has_snapshot)
            test_snapshot(&f, "kept", &trial);
    }
    fixture_close(&f);
    if (!trial.is_found && !trial.is_wrong && !trial.is_lenient)
        complain(copy, object, length, at, "nothing has found it", diag.message);
    passed += (trial.is_found || trial.is_lenient) && !trial.is_wrong;
    *in_out = trial;
}

static void try_damage(const Copy *copy, const Object *object, Answers *answers, bool has_snapshot, size_t length, size_t at, uint8_t mask)
{
    Trial trial = {.copy = copy, .object = object, .length = length, .at = at};
    run_trial(&trial, answers, has_snapshot, mask);
}

/* Nothing refers to what vacuum would delete: its loss is not seen. */
static bool is_named(const Copy *copy, const Object *object, Answers *answers, bool has_snapshot)
{
    Trial trial = {.copy = copy, .object = object, .at = SIZE_MAX, .is_lenient = true};
    run_trial(&trial, answers, has_snapshot, 0);
    return trial.is_found;
}

static bool is_chosen(const Object *object)
{
    return strncmp(object->path, "data/", 5) == 0 || strstr(object->path, "/snapshot/") != NULL;
}

static void damage_object(const Copy *copy, const Object *object, Answers *answers, bool has_snapshot)
{
    size_t size = object->bytes.length;
    size_t flips = tries_all || size < FEW_FLIPS ? size : FEW_FLIPS, cuts = tries_all || size < FEW_CUTS ? size : FEW_CUTS;
    for (size_t i = 0; i < flips; i++)
        try_damage(copy, object, answers, has_snapshot, size, flips == 1 ? 0 : (size - 1) * i / (flips - 1), (uint8_t)(1u << i % 8));
    for (size_t i = 0; i < cuts; i++)
        try_damage(copy, object, answers, has_snapshot, cuts == 1 ? 0 : (size - 1) * i / (cuts - 1), SIZE_MAX, 0);
}

static void damage_copy(const Copy *copy, bool has_snapshot)
{
    Fixture f;
    Diag diag = {0};
    Answers answers = {0};
    uint32_t chosen = 0;
    uint64_t before = passed + failed, bytes = 0;
    Status status = fixture_attach(&f, make_volume(copy, NULL, 0, 0, 0), &diag);
    if (status != OK)
        fprintf(stderr, "%s: %s\n", copy->name, diag.message);
    CHECK(status == OK);
    ask_all(&f, has_snapshot, &answers, NULL);
    fixture_close(&f);
    for (uint32_t i = 0; i < copy->count; i++) {
        if (!is_chosen(&copy->objects[i]) || !is_named(copy, &copy->objects[i], &answers, has_snapshot))
            continue;
        chosen++;
        bytes += copy->objects[i].bytes.length;
        damage_object(copy, &copy->objects[i], &answers, has_snapshot);
    }
    for (uint32_t i = 0; i < MOST_ANSWERS; i++)
        bytebuf_deinit(&answers.text[i]);
    printf("%s: %u objects that are named, of %llu bytes, damaged %llu times\n", copy->name, chosen, (unsigned long long)bytes,
           (unsigned long long)(passed + failed - before));
}

/* ---- the cluster ---- */

static void must(Fixture *f, const char *sql, ByteBuf *out)
{
    Diag diag = {0};
    Status status = fixture_run(f, sql, out, &diag);
    if (status != OK)
        fprintf(stderr, "%s: %s\n", sql, diag.message);
    CHECK(status == OK);
}

/* The folder in the backup's location that is named in the answer. */
static Volume *open_backup(const char *directory)
{
    char path[PATH_BYTES + 200];
    Volume *volume = NULL;
    Diag diag = {0};
    DIR *folder = opendir(directory);
    CHECK(folder != NULL);
    for (struct dirent *entry; (entry = readdir(folder)) != NULL;) {
        if (strncmp(entry->d_name, "merak-backup", 12) != 0 || volume != NULL)
            continue;
        snprintf(path, sizeof(path), "%s/%s", directory, entry->d_name);
        CHECK(volume_open_local(path, fixture_environment(), &diag, &volume) == OK);
    }
    closedir(folder);
    CHECK(volume != NULL);
    return volume;
}

static void build(Copy *cluster, Copy *backup)
{
    Fixture f;
    Diag diag = {0};
    char sql[300], directory[100];
    fixture_open(&f, false);
    must(&f, "DELETE FROM d.pk WHERE murmur_hash3_32(k) % 5 = 1", NULL);
    CHECK(fixture_finalize(&f, &diag) == OK);
    must(&f, "SET partial_update_mode = 'column'", NULL);
    must(&f, "UPDATE d.pk SET v = murmur_hash3_32(k) * 1048576 + murmur_hash3_32(k + 1) WHERE k % 9 <> 1", NULL);
    must(&f, "SET partial_update_mode = 'auto'", NULL);
    must(&f, "CREATE SNAPSHOT kept", NULL);
    must(&f, "ALTER SYSTEM CREATE IMAGE", NULL);
    copy_volume(f.volume, cluster);
    snprintf(directory, sizeof(directory), "%s/backup", f.directory);
    snprintf(sql, sizeof(sql), "CREATE STORAGE VOLUME safe TYPE = LOCAL LOCATIONS = ('file://%s') PROPERTIES ('enabled' = 'true')",
             directory);
    must(&f, sql, NULL);
    must(&f, "BACKUP CLUSTER AS one TO safe", NULL);
    Volume *volume = open_backup(directory);
    copy_volume(volume, backup);
    volume_close(volume);
    fixture_close(&f);
}

int main(int argc, char **argv)
{
    static Copy cluster = {.name = "cluster"}, backup = {.name = "backup"};
    tries_all = argc > 1 && strcmp(argv[1], "--all") == 0;
    if (log_open("/dev/null", LOG_LEVEL_ERROR, NULL) != OK)
        return 2;
    build(&cluster, &backup);
    damage_copy(&cluster, true);
    damage_copy(&backup, false);
    printf("%llu passed, %llu failed\n", (unsigned long long)passed, (unsigned long long)failed);
    return failed == 0 ? 0 : 1;
}
