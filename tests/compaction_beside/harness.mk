# Changes that come while segments are merged, against a twin that is never merged: `make compaction-beside BESIDE_OPTIONS="--seed 1"`.
TEST_HARNESSES += compaction-beside
LONG_HARNESSES += compaction-beside-all
BESIDE_OBJECTS := $(patsubst %.c,$(BUILD)/%.o,tests/compaction_beside/compaction_beside_main.c tests/failure/beside.c tests/failure/fixture.c)
.PHONY: compaction-beside harness-compaction-beside harness-compaction-beside-all
$(BESIDE_OBJECTS): CFLAGS_ALL += -Itests
$(BUILD)/merak-compaction-beside: $(BESIDE_OBJECTS) $(BUILD)/libmerak.a
	$(call say,LINK,$@)
	$(Q)$(CC) $(LDFLAGS_COMMON) $(LDFLAGS_VARIANT) $^ $(LIBS) -o $@
compaction-beside: $(BUILD)/merak-compaction-beside
	@$(BUILD)/merak-compaction-beside $(BESIDE_OPTIONS)
harness-compaction-beside:
	@$(MAKE) compaction-beside BESIDE_OPTIONS="--seed $(TEST_SEED) --rounds 60"
harness-compaction-beside-all:
	@$(MAKE) compaction-beside BESIDE_OPTIONS="--rounds 3000"
-include $(BESIDE_OBJECTS:.o=.d)
