# 32 clients of mixed queries: short ones must not starve.
TEST_HARNESSES += concurrency
CONCURRENCY_OBJECTS := $(BUILD)/tests/concurrency/concurrency_main.o
.PHONY: harness-concurrency
$(CONCURRENCY_OBJECTS): CFLAGS_ALL += -Itests $(shell pkg-config --cflags libmariadb)
$(BUILD)/merak-concurrency: $(CONCURRENCY_OBJECTS) $(BUILD)/tests/recovery/peer.o $(BUILD)/tests/sql_runner/server_process.o $(BUILD)/libmerak.a
	$(CC) $(LDFLAGS_COMMON) $(LDFLAGS_VARIANT) $^ $(LIBS) $(shell pkg-config --libs libmariadb) -o $@
harness-concurrency: $(BUILD)/merak $(BUILD)/merak-concurrency
	@$(BUILD)/merak-concurrency --server $(BUILD)/merak
-include $(CONCURRENCY_OBJECTS:.o=.d)
