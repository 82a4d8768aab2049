# N-th failure loops over allocation, the volume and the fault points: `make failures`; under sanitizers in test-all.
TEST_HARNESSES += failures
LONG_HARNESSES += failures-asan
FAILURE_SOURCES := $(sort $(wildcard tests/failure/*.c))
FAILURE_OBJECTS := $(FAILURE_SOURCES:%.c=$(BUILD)/%.o)
.PHONY: failures harness-failures harness-failures-asan
$(FAILURE_OBJECTS): CFLAGS_ALL += -Itests
$(BUILD)/merak-failures: $(FAILURE_OBJECTS) $(BUILD)/libmerak.a
	$(CC) $(LDFLAGS_COMMON) $(LDFLAGS_VARIANT) $^ $(LIBS) -o $@
failures: $(BUILD)/merak-failures
	@$(BUILD)/merak-failures
harness-failures: failures
# With faults compiled in: every fault point fails where it is passed, and none is passed by nobody.
.PHONY: failure-points
failure-points: $(BUILD)/merak-failures
	@tests/failure/check_points.sh $(BUILD)/merak-failures
harness-failures-asan:
	@$(MAKE) VARIANT=asan failure-points
-include $(FAILURE_OBJECTS:.o=.d)
