# Malformed input against a server: `make malformed`; too much of it: `make limits`; under sanitizers in test-all.
TEST_HARNESSES += malformed limits
LONG_HARNESSES += malformed-asan limits-asan
MALFORMED_SOURCES := $(sort $(wildcard tests/malformed/*.c)) tests/sql_runner/server_process.c tests/recovery/peer.c
MALFORMED_OBJECTS := $(MALFORMED_SOURCES:%.c=$(BUILD)/%.o)
.PHONY: malformed limits harness-malformed harness-limits harness-malformed-asan harness-limits-asan
$(filter $(BUILD)/tests/malformed/%,$(MALFORMED_OBJECTS)): CFLAGS_ALL += -Itests $(MARIADB_CFLAGS)
$(BUILD)/merak-malformed: $(MALFORMED_OBJECTS) $(BUILD)/libmerak.a
	$(call say,LINK,$@)
	$(Q)$(CC) $(LDFLAGS_COMMON) $(LDFLAGS_VARIANT) $^ $(LIBS) $(MARIADB_LIBS) -o $@
malformed: $(BUILD)/merak $(BUILD)/merak-malformed
	@$(BUILD)/merak-malformed --server $(BUILD)/merak $(MALFORMED_OPTIONS)
limits: $(BUILD)/merak $(BUILD)/merak-malformed
	@$(BUILD)/merak-malformed --server $(BUILD)/merak --limits $(MALFORMED_OPTIONS)
harness-malformed:
	@$(MAKE) malformed MALFORMED_OPTIONS="--seed $(TEST_SEED)"
harness-limits:
	@$(MAKE) limits MALFORMED_OPTIONS="--seed $(TEST_SEED)"
harness-limits-asan:
	@$(MAKE) VARIANT=asan limits MALFORMED_OPTIONS=--slow
harness-malformed-asan:
	@$(MAKE) VARIANT=asan malformed MALFORMED_OPTIONS=--slow
-include $(MALFORMED_OBJECTS:.o=.d)
