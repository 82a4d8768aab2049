#pragma once
/* The directory that a power cut after some operation could leave, as a volume in memory. */

#include "crash_states/record.h"
#include "volume/volume.h"

typedef enum CutMode {
    CUT_NOTHING_UNSYNCED, /* every change that was not made durable is lost */
    CUT_ALL,              /* nothing is lost, as after kill -9 */
    CUT_NAMES,            /* unsynced names survive, unsynced data does not */
    CUT_DATA,             /* the reverse */
    CUT_RANDOM,           /* each unsynced change survives or not, data in pieces of 512 bytes */
    CUT_MODES
} CutMode;

/* A disk or a file system that lies: for the test of the test. */
typedef struct CutLies {
    bool forgets_file_syncs;
    bool forgets_directory_syncs;
} CutLies;

typedef struct Cut {
    uint32_t at; /* operations before it */
    CutMode mode;
    uint64_t seed;
    CutLies lies;
} Cut;

Volume *state_build(const FileLog *log, Cut cut, const Environment *environment);
