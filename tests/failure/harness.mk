# N-th failure loops over allocation, the volume and the fault points: `make failures`; under sanitizers in test-all.
TEST_HARNESSES += failures memory-limits
LONG_HARNESSES += failures-asan
FAILURE_OBJECTS := $(patsubst %.c,$(BUILD)/%.o,tests/failure/failure_main.c tests/failure/beside.c tests/failure/fixture.c)
MEMORY_OBJECTS := $(patsubst %.c,$(BUILD)/%.o,tests/failure/memory_main.c tests/failure/fixture.c)
.PHONY: failures harness-failures harness-failures-asan
$(FAILURE_OBJECTS) $(MEMORY_OBJECTS): CFLAGS_ALL += -Itests
$(BUILD)/merak-failures: $(FAILURE_OBJECTS) $(BUILD)/libmerak.a
	$(CC) $(LDFLAGS_COMMON) $(LDFLAGS_VARIANT) $^ $(LIBS) -o $@
failures: $(BUILD)/merak-failures
	@$(BUILD)/merak-failures
harness-failures: failures
$(BUILD)/merak-memory: $(MEMORY_OBJECTS) $(BUILD)/libmerak.a
	$(CC) $(LDFLAGS_COMMON) $(LDFLAGS_VARIANT) $^ $(LIBS) -o $@
# No query uses more than a tenth above its limit.
.PHONY: harness-memory-limits
harness-memory-limits: $(BUILD)/merak-memory
	@$(BUILD)/merak-memory
# With faults compiled in: every fault point fails where it is passed, and none is passed by nobody.
.PHONY: failure-points
failure-points: $(BUILD)/merak-failures
	@tests/failure/check_points.sh $(BUILD)/merak-failures
harness-failures-asan:
	@$(MAKE) VARIANT=asan failure-points
-include $(FAILURE_OBJECTS:.o=.d) $(MEMORY_OBJECTS:.o=.d)
