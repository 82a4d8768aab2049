# The journal protocol in spin: it holds as it is, and fails with each rule left out.
TEST_HARNESSES += model
.PHONY: model harness-model
model harness-model:
	@tests/model/check.sh
