# The privilege matrix; the long form tries every single privilege with every statement.
TEST_HARNESSES += privileges
LONG_HARNESSES += privileges-long
.PHONY: harness-privileges harness-privileges-long
harness-privileges: $(BUILD)/merak
	@/usr/bin/python3 tests/privileges/matrix.py $(BUILD)/merak
harness-privileges-long: $(BUILD)/merak
	@/usr/bin/python3 tests/privileges/matrix.py $(BUILD)/merak --long
