# Harnesses of reliability; each target ends in a line "N passed, N failed".
TEST_HARNESSES += sim

# The deterministic simulator of metadata and transactions: `make sim SEEDS=2000`; one seed again:
# build/release/merak-sim --seed N. It first finds what is planted.
SIM_SOURCES := $(sort $(wildcard tests/sim/*.c))
SIM_OBJECTS := $(SIM_SOURCES:%.c=$(BUILD)/%.o)
SEEDS ?= 2000
.PHONY: sim
$(SIM_OBJECTS): CFLAGS_ALL += -Itests
$(BUILD)/merak-sim: $(SIM_OBJECTS) $(BUILD)/libmerak.a
	$(CC) $(LDFLAGS_COMMON) $(LDFLAGS_VARIANT) $^ $(LIBS) -o $@
sim: $(BUILD)/merak-sim
	@$(BUILD)/merak-sim --all --seeds $(SEEDS)
-include $(SIM_OBJECTS:.o=.d)

# The journal protocol in spin: holds as it is, fails with each rule left out.
TEST_HARNESSES += model
.PHONY: model
model:
	@tests/model/check.sh

# kill -9 under load: `make kill-loop KILLS=200`.
TEST_HARNESSES += kill-loop
KILL_SOURCES := $(sort $(wildcard tests/recovery/*.c)) tests/sql_runner/server_process.c
KILL_OBJECTS := $(KILL_SOURCES:%.c=$(BUILD)/%.o)
KILLS ?= 25
.PHONY: kill-loop
$(filter $(BUILD)/tests/recovery/%,$(KILL_OBJECTS)): CFLAGS_ALL += -Itests $(shell pkg-config --cflags libmariadb)
$(BUILD)/merak-kill-loop: $(KILL_OBJECTS) $(BUILD)/libmerak.a
	$(CC) $(LDFLAGS_COMMON) $(LDFLAGS_VARIANT) $^ $(LIBS) $(shell pkg-config --libs libmariadb) -o $@
kill-loop: $(BUILD)/merak $(BUILD)/merak-kill-loop
	@$(BUILD)/merak-kill-loop --server $(BUILD)/merak --self-check | tail -3
	@$(BUILD)/merak-kill-loop --server $(BUILD)/merak --kills $(KILLS)
-include $(KILL_OBJECTS:.o=.d)

# 32 clients of mixed queries: short ones must not starve.
TEST_HARNESSES += concurrency
CONCURRENCY_OBJECTS := $(BUILD)/tests/concurrency/concurrency_main.o
.PHONY: concurrency
$(CONCURRENCY_OBJECTS): CFLAGS_ALL += -Itests $(shell pkg-config --cflags libmariadb)
$(BUILD)/merak-concurrency: $(CONCURRENCY_OBJECTS) $(BUILD)/tests/recovery/peer.o $(BUILD)/tests/sql_runner/server_process.o $(BUILD)/libmerak.a
	$(CC) $(LDFLAGS_COMMON) $(LDFLAGS_VARIANT) $^ $(LIBS) $(shell pkg-config --libs libmariadb) -o $@
concurrency: $(BUILD)/merak $(BUILD)/merak-concurrency
	@$(BUILD)/merak-concurrency --server $(BUILD)/merak
-include $(CONCURRENCY_OBJECTS:.o=.d)
