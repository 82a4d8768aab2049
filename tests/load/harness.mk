# Stream Load and the other HTTP interfaces, each test against a server of its own: `make load-test T=transaction`.
# Needs curl, the mariadb client, gzip, bzip2, lz4, zstd.
TEST_HARNESSES += load
LONG_HARNESSES += load-asan
LOAD_TESTS := $(sort $(wildcard tests/load/*_test.sh))
.PHONY: load-test harness-load harness-load-asan
load-test: $(BUILD)/merak
	@failed=0; for t in $(foreach t,$(LOAD_TESTS),$(if $(findstring $(or $(T),load),$(t)),$(t))); do \
	  MERAK=$(BUILD)/merak bash $$t || failed=1; done; exit $$failed
harness-load: load-test
harness-load-asan:
	@$(MAKE) VARIANT=asan load-test
