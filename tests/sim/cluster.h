#pragma once
/* Servers of the simulated cluster, what clients do to them, and the model of what must come out. */

#include "job/compaction.h"
#include "job/vacuum.h"
#include "meta/checkpoint.h"
#include "sim/world.h"
#include "storage/primary_index.h"

enum { SERVERS = 2, TABLES = 3, KEYED = 2, PARTS = 2, KEYS = 6, MOST_LOADS = 128, CLIENTS = 4 };

/* ---- servers ---- */
typedef struct Server {
    Node node;
    MetaStore *store;
    Vacuum *vacuum;
    Compactor *compactor;
    PrimaryIndexes *keys;
    bool is_up;
    uint32_t users;
    uint64_t starts;
} Server;

typedef struct Cluster {
    Server servers[SERVERS];
    bool is_shared; /* two servers work on one volume */
    bool is_trimmed;          /* the journal, now and then; clocks are not far apart then */
    uint64_t images, trimmed; /* made, objects deleted */
} Cluster;
extern Cluster cluster;

void server_start(Server *server); /* tries until it works */
void server_stop(Server *server, bool crashes);
Server *server_any(void); /* one that is up; waits */
/* Between the two, the fiber works on the server. */
void server_enter(Server *server);
void server_leave(Server *server);

/* ---- the model ---- */
typedef enum Outcome { OUTCOME_NONE, OUTCOME_FAILED, OUTCOME_MAYBE, OUTCOME_ACKED } Outcome;

typedef struct Load {
    uint64_t id;
    char label[32];
    bool is_contended; /* others use the label, too */
    uint32_t rows[TABLES][PARTS]; /* of the keyed table: 1 when it takes part */
    Outcome outcome;
    uint64_t began_step, ended_step;
} Load;

typedef struct Model {
    Load loads[MOST_LOADS + 1]; /* by id */
    uint64_t load_count;
    Outcome created[CLIENTS], dropped[CLIENTS]; /* of each client's newest table of its own */
    uint32_t own_number[CLIENTS];
    uint64_t setting_acked[CLIENTS], setting_sent[CLIENTS];
} Model;
extern Model model;

typedef struct Counts {
    uint32_t rows[MOST_LOADS + 1][TABLES][PARTS];
    uint64_t keys[KEYS]; /* load that wrote the key's value; 0: there is no such key */
    uint32_t key_rows;
} Counts;

/* Reads all tables of one snapshot. */
Status read_all(Server *server, Counts *out, Diag *diag);
/* began_step: loads acknowledged before must be there; 0: none must. */
void check_counts(const Counts *counts, uint64_t began_step);
void check_definitions(Server *server);
void check_labels(Server *server);
void check_leaks(Server *server);
void write_catalog(Server *server, ByteBuf *out);

/* ---- what fibers run ---- */
Status make_tables(Server *server, Diag *diag);
void client_main(void *number);
void reader_main(void *unused);
void maintenance_main(void *unused);
void upkeep_main(void *unused); /* images, trimming */
void nemesis_main(void *unused);
extern uint32_t busy_clients; /* fibers of clients that are not done */
extern bool is_over;          /* clients are: the others stop */
