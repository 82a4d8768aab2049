#pragma once
/* The oracle: what a refresh of each view must recompute, from what the test itself did to the tables.
 *
 * Every source, a table or a view, has cells: days, months, or one. A cell's state is a number that moves when its rows
 * change. A view's cell remembers the states of the source cells that it was last computed from; it is due when one of
 * them is another now. Nothing here looks at versions, maps or plans of the server. */

#include <stdbool.h>
#include <stdint.h>

enum { DAYS = 12, MONTHS = 2, MOST_CELLS = 12, MOST_SOURCES = 24, MOST_INPUTS = 4, TABLES = 3 };

typedef enum Grain { GRAIN_DAY, GRAIN_MONTH, GRAIN_ALL } Grain;
typedef enum InputMode {
    INPUT_MAIN,  /* its cells make the view's */
    INPUT_REF,   /* read where the view's cell is */
    INPUT_WHOLE, /* read whole */
} InputMode;

typedef struct Input {
    int source;
    InputMode mode;
} Input;

typedef struct Source {
    char name[32];
    char query[1024]; /* of a view */
    Grain grain;
    int level; /* 0: a table */
    Input inputs[MOST_INPUTS];
    int input_count;
    bool is_there[MOST_CELLS]; /* as a partition */
    int64_t rows[MOST_CELLS];
    int64_t hash[MOST_CELLS]; /* of a view's rows */
    int64_t state[MOST_CELLS];
    bool is_known[MOST_CELLS]; /* it was computed */
    int64_t known[MOST_CELLS][MOST_INPUTS][MOST_CELLS];
} Source;

typedef struct Model {
    Source sources[MOST_SOURCES]; /* tables, then views, bases first */
    int count;
} Model;

int cells_of(Grain grain);
int month_of_day(int day);
/* Does the view's cell read the input's cell? */
bool input_feeds(const Model *model, const Source *view, int input, int cell, int input_cell);
/* Which cells there should be, and which of them are due. */
void model_expect(const Model *model, const Source *view, bool out_exists[MOST_CELLS], bool out_due[MOST_CELLS]);
/* The cell was computed from what its inputs are now. */
void model_computed(const Model *model, Source *view, int cell);
