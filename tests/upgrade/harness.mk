# This version and the next one, which writes and reads a higher format level: one file is built once more for it.
TEST_HARNESSES += upgrade
LONG_HARNESSES += upgrade-long
NEXT := $(BUILD)/next
.PHONY: harness-upgrade harness-upgrade-long
$(NEXT)/format_level.o: src/base/format_level.c $(BUILD)/flags
	@mkdir -p $(@D)
	$(call say,CC,$@)
	$(Q)$(CC) $(CFLAGS_ALL) $(OPT) -DMERAK_FORMAT_LEVEL=2 -c $< -o $@
$(NEXT)/merak: $(MAIN_OBJECTS) $(NEXT)/format_level.o $(BUILD)/libmerak.a
	$(call say,LINK,$@)
	$(Q)$(CC) $(LDFLAGS_COMMON) $(LDFLAGS_VARIANT) $(MAIN_OBJECTS) $(NEXT)/format_level.o $(filter-out %/base/format_level.o,$(LIB_OBJECTS)) $(LIBS) -o $@
harness-upgrade: $(BUILD)/merak $(NEXT)/merak
	@tests/upgrade/upgrade_test.sh $(BUILD)/merak $(NEXT)/merak 2
harness-upgrade-long: $(BUILD)/merak $(NEXT)/merak
	@tests/upgrade/upgrade_test.sh $(BUILD)/merak $(NEXT)/merak 6
