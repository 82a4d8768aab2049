# What `make test` runs, in this order, and what `make test-all` adds. A harness NAME is a target harness-NAME whose
# output ends with "N passed, N failed"; tests/README.md says more. Folders add their own in tests/*/harness.mk.

TEST_HARNESSES := unit sql sql-one-thread sql-spill sql-smallchunk sql-smallchunk-spill runner-selftest tpch-data fuzz-replay unit-asan sql-asan
LONG_HARNESSES := unit-tsan sql-tsan tpch-data-all

.PHONY: harness-unit harness-sql harness-sql-one-thread harness-sql-spill harness-sql-smallchunk harness-sql-smallchunk-spill \
  harness-runner-selftest \
  harness-tpch-data harness-tpch-data-all harness-fuzz-replay
harness-unit: unit
harness-sql: sql
harness-sql-one-thread:
	@$(MAKE) sql SQL_OPTIONS="--name one_thread --set worker_threads=1 --session 'SET pipeline_dop = 1'"
harness-sql-spill:
	@$(MAKE) sql SQL_OPTIONS="--name spill --session 'SET enable_spill = true' --session \"SET spill_mode = 'force'\""
harness-sql-smallchunk:
	@$(MAKE) VARIANT=smallchunk sql SQL_OPTIONS="--name smallchunk --start-seconds 60"
harness-sql-smallchunk-spill:
	@$(MAKE) VARIANT=smallchunk sql SQL_OPTIONS="--name smallchunk_spill --start-seconds 60 \
	  --session 'SET enable_spill = true' --session \"SET spill_mode = 'force'\""
harness-runner-selftest: $(BUILD)/merak $(BUILD)/merak-sqltest
	@tests/sql_runner/selftest.sh $(BUILD)/merak-sqltest $(BUILD)/merak
harness-tpch-data: tpch
	@tests/tpch_md5.sh 0.01
harness-tpch-data-all: tpch
	@tests/tpch_md5.sh 0.1 1
harness-fuzz-replay:
	@$(MAKE) VARIANT=asan fuzz-replay

# Random tests: the short forms have this seed, so that the answer is about the change and not about the dice; the long
# forms take one of their own, and print it.
TEST_SEED ?= 1

export TSAN_OPTIONS := suppressions=$(CURDIR)/tests/tsan.supp
export UBSAN_OPTIONS := print_stacktrace=1

# Tests under a sanitizer or with coverage: unit-asan, sql-tsan, ...
harness-unit-%:
	@$(MAKE) VARIANT=$* unit
harness-sql-asan harness-sql-tsan harness-sql-coverage: harness-sql-%:
	@$(MAKE) VARIANT=$* sql SQL_OPTIONS="--name $* --start-seconds 60"
