# The deterministic simulator of metadata and transactions: `make sim SEEDS=2000`; one seed again:
# build/release/merak-sim --seed N. It first finds what is planted.
TEST_HARNESSES += sim
SIM_SOURCES := $(sort $(wildcard tests/sim/*.c))
SIM_OBJECTS := $(SIM_SOURCES:%.c=$(BUILD)/%.o)
SEEDS ?= 2000
.PHONY: sim harness-sim
$(SIM_OBJECTS): CFLAGS_ALL += -Itests
$(BUILD)/merak-sim: $(SIM_OBJECTS) $(BUILD)/libmerak.a
	$(CC) $(LDFLAGS_COMMON) $(LDFLAGS_VARIANT) $^ $(LIBS) -o $@
sim: $(BUILD)/merak-sim
	@$(BUILD)/merak-sim --all --seeds $(SEEDS)
harness-sim: sim
-include $(SIM_OBJECTS:.o=.d)
