# States that a power cut may leave: `make crash-states CRASH_OPTIONS="--seed 1 --states 5000"`; more of them in test-all.
TEST_HARNESSES += crash-states
LONG_HARNESSES += crash-states-all
CRASH_SOURCES := $(sort $(wildcard tests/crash_states/*.c)) tests/failure/fixture.c
CRASH_OBJECTS := $(CRASH_SOURCES:%.c=$(BUILD)/%.o)
CRASH_CALLS := open openat close write fsync linkat unlinkat mkdirat
.PHONY: crash-states harness-crash-states harness-crash-states-all
$(filter $(BUILD)/tests/crash_states/%,$(CRASH_OBJECTS)): CFLAGS_ALL += -Itests
$(BUILD)/merak-crash-states: $(CRASH_OBJECTS) $(BUILD)/libmerak.a
	$(call say,LINK,$@)
	$(Q)$(CC) $(LDFLAGS_COMMON) $(LDFLAGS_VARIANT) $(CRASH_CALLS:%=-Wl,--wrap=%) $^ $(LIBS) -o $@
crash-states: $(BUILD)/merak-crash-states
	@$(BUILD)/merak-crash-states $(CRASH_OPTIONS)
harness-crash-states:
	@$(MAKE) crash-states CRASH_OPTIONS="--seed $(TEST_SEED)"
harness-crash-states-all:
	@$(MAKE) crash-states CRASH_OPTIONS="--states 20000"
-include $(CRASH_OBJECTS:.o=.d)
