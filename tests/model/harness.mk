# The journal protocol in spin: it holds as it is, and fails with each rule left out.
TEST_HARNESSES += model
LONG_HARNESSES += model-long
.PHONY: model harness-model harness-model-long
model harness-model:
	@tests/model/check.sh
harness-model-long:
	@tests/model/check.sh long
