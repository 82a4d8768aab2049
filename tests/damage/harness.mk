# Damaged and missing objects under a server that is started on them.
TEST_HARNESSES += damage
.PHONY: damage harness-damage
damage harness-damage: $(BUILD)/merak
	@MERAK=$(BUILD)/merak tests/damage/damage_test.sh
