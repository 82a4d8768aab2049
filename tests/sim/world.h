#pragma once
/* A deterministic world: fibers on one thread, simulated time and randomness, nodes that crash, and an object
 * store that loses answers, lands puts late, and forgets what was not durable. All choices come from one seed.
 *
 * Locks and conditions of the code under test go through ThreadOps, clocks through Environment, bytes through
 * Volume: nothing of it touches the system. */

#include <stdio.h>
#include <ucontext.h>

#include "base/environment.h"
#include "base/thread.h"
#include "volume/volume.h"

typedef struct Node Node;
typedef struct Fiber Fiber;

/* A wrong behaviour that is planted to see whether the checkers find it. */
typedef enum Plant {
    PLANT_NONE,
    PLANT_FLUSH_LIES,      /* flush() answers before anything is durable */
    PLANT_PUT_LIES,        /* put_if_absent() answers before the object is durable */
    PLANT_PUT_OVERWRITES,  /* put_if_absent() does not exclude */
    PLANT_UNKNOWN_IS_FAILED, /* the client takes "unknown" for "failed" */
    PLANT_READ_UNHELD,     /* a reader goes on without its snapshot */
    PLANT_LOAD_TWICE,      /* a client repeats a load under another label */
    PLANT_DELETE_EARLY,    /* vacuum deletes what a load in progress has written */
    PLANT_COUNT
} Plant;
const char *plant_name(Plant plant);

typedef struct World {
    uint64_t seed;
    Plant plant;
    bool traces;
    Random random;
    int64_t now_us;
    uint64_t steps;
    uint64_t trace_hash;
    bool has_faults;
    bool is_local; /* a directory that survives kill -9 and loses unsynced names in a power cut; else an object store */
    Fiber *current;
    bool has_failed;
    char failure[512];
} World;
extern World world;

void world_begin(uint64_t seed, Plant plant, bool traces);
void world_end(void);
/* True with a chance of one in n. */
bool chance(uint64_t n);
uint64_t pick(uint64_t below);
void trace(const char *format, ...) PRINTF_LIKE(1, 2);
/* Records the first violation; the seed is over then. */
void violation(const char *format, ...) PRINTF_LIKE(1, 2);

/* ---- fibers ---- */
void fiber_start(void (*run)(void *), void *argument);
void fiber_sleep(int64_t us);
void fiber_set_node(Node *node); /* what the running fiber works on; NULL: none */
/* Runs until all fibers are done. */
void world_run(void);

/* ---- nodes and volumes ---- */
struct Node {
    Volume volume; /* first: its facade of the shared store */
    Environment environment;
    uint32_t number;
    bool is_crashed;
    int64_t clock_skew_us;
    int64_t cut_until_us; /* writes do not get through until then */
    char **dirty;         /* paths put since the last flush */
    uint32_t dirty_count, dirty_room;
};
void node_begin(Node *node, uint32_t number);
void node_end(Node *node);
/* Nothing that the node does from now on has an effect; its fibers run to their ends. */
void node_crash(Node *node);
/* Names and objects that were not durable are gone, or not. */
void store_power_cut(void);
void store_land_due(void);
int64_t store_next_landing(void); /* INT64_MAX: none in flight */
void store_each(const char *prefix, void (*visit)(void *context, const char *path), void *context);
void store_reset(void);
