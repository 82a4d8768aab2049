# Vacuum under what holds objects: `make vacuum VACUUM_OPTIONS="20 7"` is 20 rounds with a seed.
TEST_HARNESSES += vacuum
LONG_HARNESSES += vacuum-long
.PHONY: vacuum harness-vacuum harness-vacuum-long
vacuum: $(BUILD)/merak
	@tests/vacuum/vacuum_test.sh $(VACUUM_OPTIONS)
harness-vacuum: $(BUILD)/merak
	@tests/vacuum/vacuum_test.sh 2 $(TEST_SEED)
harness-vacuum-long: $(BUILD)/merak
	@tests/vacuum/vacuum_test.sh 20
