# Damaged and missing objects under a server that is started on them.
TEST_HARNESSES += damage
.PHONY: damage harness-damage
damage harness-damage: $(BUILD)/merak
	@MERAK=$(BUILD)/merak tests/damage/damage_test.sh
# What merak fsck finds; more bytes in the long form, unit tests flip every one.
TEST_HARNESSES += fsck
LONG_HARNESSES += fsck-long
.PHONY: harness-fsck harness-fsck-long
harness-fsck: $(BUILD)/merak
	@MERAK=$(BUILD)/merak tests/damage/fsck_test.sh
harness-fsck-long: $(BUILD)/merak
	@MERAK=$(BUILD)/merak tests/damage/fsck_test.sh 300
