# Planning a TPC-H query takes under 2 ms; twice that on a busy machine. Scale 1 with `make planning SF=1`.
TEST_HARNESSES += planning
PLANNING_MAIN_OBJECTS := $(BUILD)/tests/planning/planning_main.o
SF ?= 0.01
.PHONY: planning harness-planning
$(PLANNING_MAIN_OBJECTS): CFLAGS_ALL += -Itests $(shell pkg-config --cflags libmariadb)
$(BUILD)/merak-planning: $(PLANNING_MAIN_OBJECTS) $(BUILD)/tests/recovery/peer.o $(BUILD)/tests/sql_runner/server_process.o $(BUILD)/libmerak.a
	$(CC) $(LDFLAGS_COMMON) $(LDFLAGS_VARIANT) $^ $(LIBS) $(shell pkg-config --libs libmariadb) -o $@
planning: $(BUILD)/merak $(BUILD)/merak-planning tpch
	@$(BUILD)/merak-planning --server $(BUILD)/merak --generator $(BUILD)/merak-tpch --bench bench/tpch --sf $(SF)
harness-planning: planning
-include $(PLANNING_MAIN_OBJECTS:.o=.d)
