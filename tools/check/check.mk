# `make check`: all that must hold before tests are run. tools/check/README.md says what each is for.

CHECKS := selftest lint shell headers-gcc headers-clang warnings-gcc warnings-clang tidy docs
.PHONY: $(CHECKS:%=check-%)
check: $(CHECKS:%=check-%)
	@echo "check: all is well"

CHECKED_SOURCES = $(SOURCES) $(UNIT_SOURCES) $(RUNNER_SOURCES) $(wildcard bench/tpch/*.c)
CHECK_CFLAGS = $(filter-out $(WARNINGS) -ffile-prefix-map=%,$(CFLAGS_COMMON)) $(PACKAGE_CFLAGS) $(MARIADB_CFLAGS) -Itests -Ibench
CLANG_WARNINGS = $(filter-out -Wduplicated-cond -Wlogical-op -Wframe-larger-than=%,$(WARNINGS)) -Wcomma -Wmissing-variable-declarations
HEADERS = $(shell find src -name '*.h' -not -name '*.inc.h' | sed 's|^src/||' | sort)
JOBS ?= 2
BASE ?= main

check-selftest:
	@tools/check/selftest.py
	@mkdir -p build/check
	@printf '/* Bad. */\n#include <stdlib.h>\nint bad(const char *t);\nint bad(const char *t)\n{\n    return atoi(t);\n}\n' > build/check/bad.c
	@! tools/check/tidy.sh -std=gnu11 build/check/bad.c > build/check/out || { echo "clang-tidy does not fail"; exit 1; }
	@! printf 'no/such.h\n' | tools/check/headers.sh gcc -Isrc > build/check/out || { echo "the header check does not fail"; exit 1; }
	@printf 'if [ ]; then\n' > build/check/bad.sh
	@! shellcheck -S error -s bash build/check/bad.sh > build/check/out || { echo "shellcheck does not fail"; exit 1; }
check-lint:
	@tools/check/lint.py
check-shell:
	@shellcheck -x -S error -s bash $(shell find .ci tools tests -type f \( -name '*.sh' -o -path .ci/run \) | sort)
check-headers-gcc check-headers-clang: check-headers-%:
	@printf '%s\n' $(HEADERS) | tools/check/headers.sh $* $(CHECK_CFLAGS)
check-warnings-gcc:
	@$(MAKE) --no-print-directory -s WERROR=1 all tpch $(BUILD)/merak-sqltest
check-warnings-clang:
	@printf '%s\n' $(CHECKED_SOURCES) | xargs -P $(JOBS) -n 8 clang -fsyntax-only -Werror $(CHECK_CFLAGS) $(CLANG_WARNINGS)
check-docs: $(BUILD)/merak-docs
	@$(BUILD)/merak-docs functions | diff -q docs/functions.md - && $(BUILD)/merak-docs errors | diff -q docs/errors.md - || \
	  { echo "docs/ is stale: make docs"; exit 1; }
check-tidy:
	@printf '%s\n' $(filter-out tests/unit/%,$(CHECKED_SOURCES)) | xargs -P $(JOBS) -n 8 tools/check/tidy.sh "$(CHECK_CFLAGS)"

# The same for the files that differ from BASE, which takes a moment only.
CHANGED = $(filter $(CHECKED_SOURCES),$(shell git diff --name-only --diff-filter=d $(BASE) -- 2>/dev/null))
.PHONY: check-changed
check-changed:
	@$(if $(CHANGED),printf '%s\n' $(CHANGED) | xargs -P $(JOBS) -n 8 clang -fsyntax-only -Werror $(CHECK_CFLAGS) $(CLANG_WARNINGS),true)
	@$(if $(filter-out tests/unit/%,$(CHANGED)),printf '%s\n' $(filter-out tests/unit/%,$(CHANGED)) | xargs -P $(JOBS) -n 4 tools/check/tidy.sh "$(CHECK_CFLAGS)",true)

# clang-format on the lines that differ from BASE; tables and macros laid out by hand elsewhere stay.

format:
	@git clang-format --extensions c,h $(BASE) -- src tests bench || true
