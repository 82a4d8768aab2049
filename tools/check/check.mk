# `make check`: all that must hold before tests are run.

CHECKS := warnings-gcc
.PHONY: $(CHECKS:%=check-%)
check: $(CHECKS:%=check-%)
check-warnings-gcc:
	@$(MAKE) --no-print-directory -s WERROR=1 all tpch build/release/merak-sqltest
