#include "views/model.h"

int cells_of(Grain grain)
{
    return grain == GRAIN_DAY ? DAYS : grain == GRAIN_MONTH ? MONTHS : 1;
}

/* The days are the last five of a month and the first seven of the next. */
int month_of_day(int day)
{
    return day < 5 ? 0 : 1;
}

bool input_feeds(const Model *model, const Source *view, int input, int cell, int input_cell)
{
    const Source *source = &model->sources[view->inputs[input].source];
    if (view->inputs[input].mode == INPUT_WHOLE || view->grain == GRAIN_ALL || source->grain == GRAIN_ALL)
        return true;
    if (view->grain == source->grain)
        return cell == input_cell;
    return month_of_day(input_cell) == cell; /* a month of days */
}

/* Without rows all states are one: what came and went between two refreshes left nothing. */
static int64_t state_of(const Source *source, int cell)
{
    return source->rows[cell] > 0 ? source->state[cell] : 0;
}

void model_expect(const Model *model, const Source *view, bool out_exists[MOST_CELLS], bool out_due[MOST_CELLS])
{
    for (int cell = 0; cell < cells_of(view->grain); cell++) {
        bool exists = view->grain == GRAIN_ALL, has_rows = exists, differs = false;
        for (int i = 0; i < view->input_count; i++) {
            const Source *source = &model->sources[view->inputs[i].source];
            for (int c = 0; c < cells_of(source->grain); c++) {
                if (!input_feeds(model, view, i, cell, c))
                    continue;
                if (view->inputs[i].mode == INPUT_MAIN) {
                    exists |= source->is_there[c];
                    has_rows |= source->rows[c] > 0;
                }
                differs |= state_of(source, c) != view->known[cell][i][c];
            }
        }
        out_exists[cell] = exists;
        out_due[cell] = exists && (view->is_known[cell] ? differs : has_rows);
    }
}

void model_computed(const Model *model, Source *view, int cell)
{
    view->is_known[cell] = true;
    for (int i = 0; i < view->input_count; i++) {
        const Source *source = &model->sources[view->inputs[i].source];
        for (int c = 0; c < MOST_CELLS; c++)
            view->known[cell][i][c] = state_of(source, c);
    }
}
