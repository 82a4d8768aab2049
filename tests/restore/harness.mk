# Meta directories put back, restores to a moment, volumes copied and emptied, and what the offline tools say of them.
TEST_HARNESSES += restore
.PHONY: restore-test harness-restore
restore-test harness-restore: $(BUILD)/merak
	@MERAK=$(BUILD)/merak tests/restore/restore_test.sh
