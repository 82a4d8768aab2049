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
# Bytes of objects of data, snapshots and backups under a server within the process; every byte and every length in the long form.
TEST_HARNESSES += flips
LONG_HARNESSES += flips-all
FLIPS_OBJECTS := $(patsubst %.c,$(BUILD)/%.o,tests/damage/flips_main.c tests/failure/fixture.c)
.PHONY: harness-flips harness-flips-all
$(BUILD)/tests/damage/flips_main.o: CFLAGS_ALL += -Itests
$(BUILD)/merak-flips: $(FLIPS_OBJECTS) $(BUILD)/libmerak.a
	$(call say,LINK,$@)
	$(Q)$(CC) $(LDFLAGS_COMMON) $(LDFLAGS_VARIANT) $^ $(LIBS) -o $@
harness-flips: $(BUILD)/merak-flips
	@$(BUILD)/merak-flips
harness-flips-all: $(BUILD)/merak-flips
	@$(BUILD)/merak-flips --all
-include $(BUILD)/tests/damage/flips_main.d
