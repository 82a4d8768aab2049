#include "vector/selection.h"

SelectionRows selection_rows[256];
uint8_t selection_counts[256];

__attribute__((constructor)) static void fill_rows(void)
{
    for (uint32_t bits = 0; bits < 256; bits++) {
        for (uint32_t place = 0; place < SELECTION_STEP; place++) {
            if ((bits >> place & 1) != 0)
                selection_rows[bits].offsets[selection_counts[bits]++] = (uint16_t)place;
        }
    }
}
