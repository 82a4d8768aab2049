# Materialized views against an oracle: `make view-oracle VIEW_SEEDS=20 VIEW_SECONDS=60`.
TEST_HARNESSES += view-oracle view-quarantine
LONG_HARNESSES += view-oracle-long
VIEW_SOURCES := tests/views/model.c tests/views/view_oracle_main.c tests/sql_runner/server_process.c
VIEW_OBJECTS := $(VIEW_SOURCES:%.c=$(BUILD)/%.o)
VIEW_SEEDS ?= 2
VIEW_SECONDS ?= 10
.PHONY: view-oracle harness-view-oracle harness-view-oracle-long
$(filter $(BUILD)/tests/views/%,$(VIEW_OBJECTS)): CFLAGS_ALL += -Itests $(shell pkg-config --cflags libmariadb)
$(BUILD)/merak-view-oracle: $(VIEW_OBJECTS) $(BUILD)/libmerak.a
	$(CC) $(LDFLAGS_COMMON) $(LDFLAGS_VARIANT) $^ $(LIBS) $(shell pkg-config --libs libmariadb) -o $@
view-oracle: $(BUILD)/merak $(BUILD)/merak-view-oracle
	@$(BUILD)/merak-view-oracle --server $(BUILD)/merak --seeds $(VIEW_SEEDS) --seconds $(VIEW_SECONDS)
harness-view-oracle: view-oracle
harness-view-oracle-long: $(BUILD)/merak $(BUILD)/merak-view-oracle
	@$(BUILD)/merak-view-oracle --server $(BUILD)/merak --seeds 30 --seconds 60
# Damaged definitions of views.
QUARANTINE_OBJECTS := $(BUILD)/tests/views/quarantine_main.o $(BUILD)/tests/failure/fixture.o
.PHONY: harness-view-quarantine
$(BUILD)/tests/views/quarantine_main.o: CFLAGS_ALL += -Itests
$(BUILD)/merak-view-quarantine: $(QUARANTINE_OBJECTS) $(BUILD)/libmerak.a
	$(CC) $(LDFLAGS_COMMON) $(LDFLAGS_VARIANT) $^ $(LIBS) -o $@
harness-view-quarantine: $(BUILD)/merak-view-quarantine
	@$(BUILD)/merak-view-quarantine
-include $(VIEW_OBJECTS:.o=.d) $(QUARANTINE_OBJECTS:.o=.d)
