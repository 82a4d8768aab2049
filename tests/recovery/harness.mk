# kill -9 under load: `make kill-loop KILLS=200`.
TEST_HARNESSES += kill-loop
LONG_HARNESSES += kill-loop-long
KILL_SOURCES := $(sort $(wildcard tests/recovery/*.c)) tests/sql_runner/server_process.c
KILL_OBJECTS := $(KILL_SOURCES:%.c=$(BUILD)/%.o)
KILLS ?= 25
.PHONY: kill-loop harness-kill-loop
$(filter $(BUILD)/tests/recovery/%,$(KILL_OBJECTS)): CFLAGS_ALL += -Itests $(shell pkg-config --cflags libmariadb)
$(BUILD)/merak-kill-loop: $(KILL_OBJECTS) $(BUILD)/libmerak.a
	$(CC) $(LDFLAGS_COMMON) $(LDFLAGS_VARIANT) $^ $(LIBS) $(shell pkg-config --libs libmariadb) -o $@
kill-loop: $(BUILD)/merak $(BUILD)/merak-kill-loop
	@$(BUILD)/merak-kill-loop --server $(BUILD)/merak --self-check | tail -3
	@$(BUILD)/merak-kill-loop --server $(BUILD)/merak --kills $(KILLS)
.PHONY: harness-kill-loop-long
harness-kill-loop: $(BUILD)/merak $(BUILD)/merak-kill-loop
	@$(BUILD)/merak-kill-loop --server $(BUILD)/merak --self-check | tail -3
	@$(BUILD)/merak-kill-loop --server $(BUILD)/merak --kills $(KILLS) --seed $(TEST_SEED)
harness-kill-loop-long: $(BUILD)/merak $(BUILD)/merak-kill-loop
	@$(BUILD)/merak-kill-loop --server $(BUILD)/merak --kills 200
-include $(KILL_OBJECTS:.o=.d)
