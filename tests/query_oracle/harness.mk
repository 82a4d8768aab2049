# Random queries against oracles: `make query-oracle QUERY_ORACLE_OPTIONS="--first 77 --seeds 1 --verbose"`.
TEST_HARNESSES += query-oracle
LONG_HARNESSES += query-oracle-long query-oracle-asan query-oracle-smallchunk
QUERY_ORACLE_SOURCES := $(sort $(wildcard tests/query_oracle/*.c)) tests/sql_runner/server_process.c tests/sql_runner/client.c
QUERY_ORACLE_OBJECTS := $(QUERY_ORACLE_SOURCES:%.c=$(BUILD)/%.o)
QUERY_ORACLE_OPTIONS ?= --seeds 12 --seconds 25
.PHONY: query-oracle harness-query-oracle harness-query-oracle-long harness-query-oracle-asan harness-query-oracle-smallchunk
$(filter $(BUILD)/tests/query_oracle/%,$(QUERY_ORACLE_OBJECTS)): CFLAGS_ALL += -Itests
$(BUILD)/merak-query-oracle: $(QUERY_ORACLE_OBJECTS) $(BUILD)/libmerak.a
	$(CC) $(LDFLAGS_COMMON) $(LDFLAGS_VARIANT) $^ $(LIBS) $(shell pkg-config --libs libmariadb) -o $@
query-oracle: $(BUILD)/merak $(BUILD)/merak-query-oracle
	@$(BUILD)/merak-query-oracle --server $(BUILD)/merak $(QUERY_ORACLE_OPTIONS)
harness-query-oracle: query-oracle
harness-query-oracle-long:
	@$(MAKE) query-oracle QUERY_ORACLE_OPTIONS="--first 1000 --seeds 100000 --seconds 1800"
harness-query-oracle-asan:
	@$(MAKE) VARIANT=asan query-oracle QUERY_ORACLE_OPTIONS="--first 500 --seeds 100000 --seconds 300"
harness-query-oracle-smallchunk:
	@$(MAKE) VARIANT=smallchunk query-oracle QUERY_ORACLE_OPTIONS="--first 700 --seeds 100000 --seconds 300"
-include $(QUERY_ORACLE_OBJECTS:.o=.d)
