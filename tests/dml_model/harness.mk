# Random statements against a reference in memory: `make dml-model DML_MODEL_SECONDS=1800`; a seed again: --seed N.
TEST_HARNESSES += dml-model
LONG_HARNESSES += dml-model-long
DML_MODEL_SOURCES := $(sort $(wildcard tests/dml_model/*.c)) tests/sql_runner/server_process.c tests/sql_runner/client.c
DML_MODEL_OBJECTS := $(DML_MODEL_SOURCES:%.c=$(BUILD)/%.o)
DML_MODEL_SECONDS ?= 20
.PHONY: dml-model harness-dml-model harness-dml-model-long
$(filter $(BUILD)/tests/dml_model/%,$(DML_MODEL_OBJECTS)): CFLAGS_ALL += -Itests
$(BUILD)/merak-dml-model: $(DML_MODEL_OBJECTS) $(BUILD)/libmerak.a
	$(CC) $(LDFLAGS_COMMON) $(LDFLAGS_VARIANT) $^ $(LIBS) $(shell pkg-config --libs libmariadb) -o $@
dml-model: $(BUILD)/merak $(BUILD)/merak-dml-model
	@$(BUILD)/merak-dml-model --server $(BUILD)/merak --self-check | tail -1
	@$(BUILD)/merak-dml-model --server $(BUILD)/merak --seconds $(DML_MODEL_SECONDS) $(DML_MODEL_OPTIONS)
harness-dml-model:
	@$(MAKE) dml-model DML_MODEL_OPTIONS="--seed $(TEST_SEED)"
harness-dml-model-long:
	@$(MAKE) dml-model DML_MODEL_SECONDS=1800
-include $(DML_MODEL_OBJECTS:.o=.d)
