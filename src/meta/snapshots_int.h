#pragma once
/* What the store keeps for snapshots.c. */

typedef struct SnapshotPins SnapshotPins;
SnapshotPins *snapshot_pins_open(void);
void snapshot_pins_close(SnapshotPins *pins);
