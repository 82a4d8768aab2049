# This version, the one before it and the next one, which write and read another format level: one file is built once more for each.
TEST_HARNESSES += upgrade
LONG_HARNESSES += upgrade-long
PREVIOUS := $(BUILD)/previous
NEXT := $(BUILD)/next
$(PREVIOUS)/format_level.o: FORMAT_LEVEL := 2
$(NEXT)/format_level.o: FORMAT_LEVEL := 4
.PHONY: harness-upgrade harness-upgrade-long
$(PREVIOUS)/format_level.o $(NEXT)/format_level.o: src/base/format_level.c $(BUILD)/flags
	@mkdir -p $(@D)
	$(call say,CC,$@)
	$(Q)$(CC) $(CFLAGS_ALL) $(OPT) -DMERAK_FORMAT_LEVEL=$(FORMAT_LEVEL) -c $< -o $@
$(PREVIOUS)/merak $(NEXT)/merak: %/merak: $(MAIN_OBJECTS) %/format_level.o $(BUILD)/libmerak.a
	$(call say,LINK,$@)
	$(Q)$(CC) $(LDFLAGS_COMMON) $(LDFLAGS_VARIANT) $(MAIN_OBJECTS) $(@D)/format_level.o $(filter-out %/base/format_level.o,$(LIB_OBJECTS)) $(LIBS) -o $@
harness-upgrade: $(PREVIOUS)/merak $(BUILD)/merak
	@tests/upgrade/upgrade_test.sh $(PREVIOUS)/merak $(BUILD)/merak 1 2
harness-upgrade-long: $(PREVIOUS)/merak $(BUILD)/merak $(NEXT)/merak
	@tests/upgrade/upgrade_test.sh $(PREVIOUS)/merak $(BUILD)/merak 6 2
	@tests/upgrade/upgrade_test.sh $(BUILD)/merak $(NEXT)/merak 6 3
