#: make                    build/release/merak; VARIANT=debug|asan|tsan|smallchunk|coverage and CC=clang for others
#: make run                install what is missing, build, start a server with a sample database
#: make test               everything that must pass; make test T=pattern: the unit and SQL tests that match
#: make test-all           the long forms too
#: make quick              unit and SQL tests in one configuration
#: make unit T=pattern     unit tests that match
#: make sql T=pattern      SQL test files that match
#: make check              format, lint, layers, headers, sizes, warnings of gcc and clang, generated docs
#: make asan, make tsan    unit and SQL tests under sanitizers
#: make coverage           lines covered by the tests, a line a folder
#: make fuzz F=parser      one fuzzer for SECONDS=60; make fuzz-replay: all corpora
#: make bench              TPC-H, see bench/tpch/README.md
#: make docs               docs/functions.md and docs/errors.md from the code
#: make format             clang-format what differs from main
#: make deps               install the Debian packages that are needed
#: make install            PREFIX=/usr/local DESTDIR=
#: make compile_commands.json, make clean

# Merak: `make help` lists the targets. Objects live in build/<variant>/, so variants never mix.

VARIANT ?= release
# V=1 shows the commands.
ifeq ($(V),)
Q := @
say = @echo "  $(1) $(patsubst $(CURDIR)/%,%,$(2))"
endif
ifeq ($(origin CC),default)
CC := gcc
endif
BUILD := build/$(VARIANT)
.DEFAULT_GOAL := all
CCACHE := $(shell command -v ccache 2>/dev/null)
PACKAGES := liblz4 libzstd snappy libxxhash libuv openssl libmicrohttpd jansson yaml-0.1 libpcre2-8 libcurl zlib

WARNINGS := -Wall -Wextra -Wshadow -Wconversion -Wstrict-prototypes -Wmissing-prototypes \
  -Wold-style-definition -Wundef -Wvla -Wwrite-strings -Wcast-qual -Wpointer-arith -Wformat=2 \
  -Wimplicit-fallthrough -Wdouble-promotion -Wdate-time -Wframe-larger-than=16384 -Wno-sign-conversion
ifneq (,$(findstring clang,$(CC)))
WARNINGS += -Wcomma -Wmissing-variable-declarations
else
WARNINGS += -Wduplicated-cond -Wlogical-op
endif
ifdef WERROR
WARNINGS += -Werror
endif

CFLAGS_COMMON := -std=gnu11 -D_GNU_SOURCE -Isrc -g -fno-omit-frame-pointer -fno-common \
  -fno-strict-aliasing -ffp-contract=off -ffile-prefix-map=$(CURDIR)=. $(WARNINGS)
HARDENING := -fstack-protector-strong -fstack-clash-protection -U_FORTIFY_SOURCE -D_FORTIFY_SOURCE=2
OPT := -O2
KERNEL_OPT := -O3
LDFLAGS_COMMON := -Wl,-z,relro,-z,now -pthread
ifeq ($(VARIANT),debug)
OPT := -O1
KERNEL_OPT := -O1
CFLAGS_VARIANT := -DMERAK_DEBUG -DMERAK_FAULTS -ftrivial-auto-var-init=pattern
else ifeq ($(VARIANT),asan)
OPT := -O1
KERNEL_OPT := -O1
HARDENING :=
# memcpy(p, NULL, 0) is left alone: it does nothing.
CFLAGS_VARIANT := -DMERAK_DEBUG -DMERAK_FAULTS -DMERAK_NO_CLONES -fsanitize=address,undefined -fno-sanitize=nonnull-attribute -fno-sanitize-recover=all
LDFLAGS_VARIANT := -fsanitize=address,undefined
else ifeq ($(VARIANT),tsan)
HARDENING :=
CFLAGS_VARIANT := -DMERAK_DEBUG -DMERAK_FAULTS -DMERAK_NO_CLONES -fsanitize=thread
LDFLAGS_VARIANT := -fsanitize=thread
else ifeq ($(VARIANT),fuzz)
OPT := -O1
KERNEL_OPT := -O1
# clang's check of pointers takes offset 0 from NULL for an overflow.
CFLAGS_VARIANT := -DMERAK_DEBUG -DMERAK_NO_CLONES -fsanitize=fuzzer-no-link,address,undefined -fno-sanitize=nonnull-attribute,pointer-overflow -fno-sanitize-recover=all
LDFLAGS_VARIANT := -fsanitize=fuzzer,address,undefined
else ifeq ($(VARIANT),coverage)
OPT := -O0
KERNEL_OPT := -O0
CFLAGS_VARIANT := -DMERAK_DEBUG -DMERAK_FAULTS -DMERAK_NO_CLONES --coverage
LDFLAGS_VARIANT := --coverage
else ifeq ($(VARIANT),smallchunk)
# Chunks of four rows: what holds for a chunk of rows must hold for many small ones.
CFLAGS_VARIANT := -DMERAK_DEBUG -DMERAK_FAULTS -DCHUNK_ROWS=4
else
CFLAGS_VARIANT := $(HARDENING)
endif

# Asked for once, and only when something is compiled: `make deps` works before the packages are there.
once = $(eval $(1) := $(shell $(2)))$($(1))
PACKAGE_CFLAGS = $(call once,PACKAGE_CFLAGS,pkg-config --cflags $(PACKAGES))
PACKAGE_LIBS = $(call once,PACKAGE_LIBS,pkg-config --libs $(PACKAGES))
MARIADB_CFLAGS = $(call once,MARIADB_CFLAGS,pkg-config --cflags libmariadb)
MARIADB_LIBS = $(call once,MARIADB_LIBS,pkg-config --libs libmariadb)
CFLAGS_ALL = $(CFLAGS_COMMON) $(CFLAGS_VARIANT) $(CFLAGS) $(PACKAGE_CFLAGS)
# Roaring and bzip2 have no pkg-config file in some distributions.
LIBS = $(PACKAGE_LIBS) -lroaring -lbz2 -lm

FOLDERS := $(shell sed -n 's/^\([a-z]*\):.*/\1/p' src/layers.txt)
SOURCES := $(foreach f,$(FOLDERS),$(shell find src/$(f) -name '*.c' 2>/dev/null | sort))
MAIN_SOURCES := $(filter src/main/%,$(SOURCES))
LIB_SOURCES := $(filter-out src/main/%,$(SOURCES))
LIB_OBJECTS := $(LIB_SOURCES:%.c=$(BUILD)/%.o)
MAIN_OBJECTS := $(MAIN_SOURCES:%.c=$(BUILD)/%.o)
UNIT_SOURCES := $(shell find tests/unit -name '*_test.c' 2>/dev/null | sort)
UNIT_BINARIES := $(UNIT_SOURCES:%.c=$(BUILD)/%)

.PHONY: all lib unit clean help deps run test test-all check asan tsan coverage install format
all: $(BUILD)/merak
lib: $(BUILD)/libmerak.a

$(BUILD)/src/vector/%.o $(BUILD)/src/func/%.o $(BUILD)/src/codec/%.o $(BUILD)/src/expr/%.o $(BUILD)/src/exec/%.o $(BUILD)/src/format/parquet/%.o: OPT := $(KERNEL_OPT)
# Objects are made anew when the compiler or a flag changes.
FLAGS_NOW := $(CC) $(filter-out -Werror,$(CFLAGS_COMMON)) $(CFLAGS_VARIANT) $(CFLAGS) $(OPT) $(KERNEL_OPT)
$(BUILD)/flags: FORCE
	@mkdir -p $(@D)
	@echo '$(FLAGS_NOW)' | cmp -s - $@ || echo '$(FLAGS_NOW)' > $@
.PHONY: FORCE
FORCE:
$(BUILD)/%.o: %.c $(BUILD)/flags
	@mkdir -p $(@D)
	$(call say,CC,$<)
	$(Q)$(CCACHE) $(CC) $(CFLAGS_ALL) $(OPT) -MMD -MP -c $< -o $@

$(BUILD)/libmerak.a: $(LIB_OBJECTS)
	@rm -f $@
	$(Q)ar rcsT $@ $^

# The release binary is stripped; merak.debug beside it has the symbols, where gdb looks for them.
$(BUILD)/merak: $(MAIN_OBJECTS) $(BUILD)/libmerak.a
	$(call say,LINK,$@)
	$(Q)$(CC) $(LDFLAGS_COMMON) $(LDFLAGS_VARIANT) $(MAIN_OBJECTS) $(BUILD)/libmerak.a $(LIBS) -o $@.linked
ifeq ($(VARIANT),release)
	$(Q)objcopy --only-keep-debug --compress-debug-sections $@.linked $@.debug
	$(Q)objcopy --strip-all --add-gnu-debuglink=$@.debug $@.linked
endif
	$(Q)mv $@.linked $@

# One binary a unit test file; `make unit T=pattern` builds and runs what matches.
$(BUILD)/tests/unit/%: tests/unit/%.c $(BUILD)/libmerak.a
	@mkdir -p $(@D)
	$(call say,CC,$<)
	$(Q)$(CCACHE) $(CC) $(CFLAGS_ALL) $(OPT) -Itests -MMD -MP -c $< -o $@.o
	$(Q)$(CC) $(LDFLAGS_COMMON) $(LDFLAGS_VARIANT) $@.o $(BUILD)/libmerak.a $(LIBS) -lcmocka -o $@

# The TPC-H data generator, a program of its own over the base layer.
TPCH_SOURCES := $(wildcard bench/tpch/*.c) $(filter src/base/%,$(LIB_SOURCES))
TPCH_OBJECTS := $(TPCH_SOURCES:%.c=$(BUILD)/%.o)
.PHONY: tpch bench
tpch: $(BUILD)/merak-tpch
$(BUILD)/bench/tpch/%.o: CFLAGS_COMMON += -Ibench
$(BUILD)/merak-tpch: $(TPCH_OBJECTS)
	$(call say,LINK,$@)
	$(Q)$(CC) $(LDFLAGS_COMMON) $(LDFLAGS_VARIANT) $^ $(LIBS) -o $@

# Sizes and decode rates of the columns of a stopped server's data: build/release/merak-segments DIR.
.PHONY: segbench
segbench: $(BUILD)/merak-segments
$(BUILD)/merak-segments: $(BUILD)/bench/segment/segment_bench.o $(BUILD)/libmerak.a
	$(call say,LINK,$@)
	$(Q)$(CC) $(LDFLAGS_COMMON) $(LDFLAGS_VARIANT) $^ $(LIBS) -o $@

# Decode times of a Parquet file; see the head of its source.
.PHONY: parquetbench
parquetbench: $(BUILD)/merak-parquet
$(BUILD)/merak-parquet: $(BUILD)/bench/parquet/parquet_bench.o $(BUILD)/libmerak.a
	$(call say,LINK,$@)
	$(Q)$(CC) $(LDFLAGS_COMMON) $(LDFLAGS_VARIANT) $^ $(LIBS) -o $@

# Small transactions a second against a running server; see the head of its source.
.PHONY: commitbench
commitbench: $(BUILD)/merak-commit-bench
$(BUILD)/bench/commit/%.o: CFLAGS_ALL += $(MARIADB_CFLAGS)
$(BUILD)/merak-commit-bench: $(BUILD)/bench/commit/commit_bench.o $(BUILD)/libmerak.a
	$(call say,LINK,$@)
	$(Q)$(CC) $(LDFLAGS_COMMON) $(LDFLAGS_VARIANT) $^ $(LIBS) $(MARIADB_LIBS) -o $@

# What candidate views cost the planner; bench/planning/README.md.
PLANNING_OBJECTS := $(BUILD)/bench/planning/planning_bench.o $(BUILD)/tests/view_rewrite/test_views.o $(BUILD)/tests/failure/fixture.o
.PHONY: bench-planning
$(BUILD)/bench/planning/%.o: CFLAGS_ALL += -Itests
$(BUILD)/merak-bench-planning: $(PLANNING_OBJECTS) $(BUILD)/libmerak.a
	$(call say,LINK,$@)
	$(Q)$(CC) $(LDFLAGS_COMMON) $(LDFLAGS_VARIANT) $^ $(LIBS) -o $@
bench-planning: $(BUILD)/merak-bench-planning
	@$(BUILD)/merak-bench-planning

# What it costs to find out that nothing changed; bench/views/README.md.
.PHONY: bench-views
$(BUILD)/bench/views/%.o: CFLAGS_ALL += -Itests
$(BUILD)/merak-bench-views: $(BUILD)/bench/views/decide_bench.o $(BUILD)/tests/failure/fixture.o $(BUILD)/libmerak.a
	$(call say,LINK,$@)
	$(Q)$(CC) $(LDFLAGS_COMMON) $(LDFLAGS_VARIANT) $^ $(LIBS) -o $@
bench-views: $(BUILD)/merak-bench-views
	@$(BUILD)/merak-bench-views

# `make bench BENCH="--sf 0.1 --runs 3"`; see bench/tpch/README.md for what must be installed.
bench: all tpch
	node bench/tpch/run.mjs $(BENCH)

# Fuzzing with clang's libFuzzer: `make fuzz F=segment SECONDS=60` runs tests/fuzz/fuzz_segment.c from its corpus.
SECONDS ?= 60
.PHONY: fuzz fuzz-replay
fuzz:
	$(MAKE) CC=clang VARIANT=fuzz build/fuzz/fuzz_$(F)
	@mkdir -p build/fuzz/found/$(F)
	build/fuzz/fuzz_$(F) -max_total_time=$(SECONDS) -print_final_stats=1 build/fuzz/found/$(F) tests/fuzz/corpus/$(F)
# The targets that need a server without sockets, or the configuration, have those objects too.
$(BUILD)/libfuzz.a: $(BUILD)/tests/failure/fixture.o $(BUILD)/src/main/config.o $(BUILD)/src/main/cluster_yaml.o
	@rm -f $@
	$(Q)ar rcsT $@ $^
$(BUILD)/tests/fuzz/%.o: CFLAGS_ALL += -Itests
build/fuzz/fuzz_%: tests/fuzz/fuzz_%.c $(BUILD)/libfuzz.a $(BUILD)/libmerak.a
	$(call say,LINK,$@)
	$(Q)$(CC) $(CFLAGS_ALL) -Itests $(OPT) $(LDFLAGS_VARIANT) $< $(BUILD)/libfuzz.a $(BUILD)/libmerak.a $(LIBS) -o $@
# The same targets on the files of their corpora, without a fuzzing engine.
FUZZ_TARGETS := $(patsubst tests/fuzz/fuzz_%.c,%,$(wildcard tests/fuzz/fuzz_*.c))
REPLAY_BINARIES := $(FUZZ_TARGETS:%=$(BUILD)/tests/fuzz/replay_%)
$(BUILD)/tests/fuzz/replay_%: $(BUILD)/tests/fuzz/fuzz_%.o $(BUILD)/tests/fuzz/replay.o $(BUILD)/libfuzz.a $(BUILD)/libmerak.a
	$(call say,LINK,$@)
	$(Q)$(CC) $(LDFLAGS_COMMON) $(LDFLAGS_VARIANT) $^ $(LIBS) -o $@
fuzz-replay: $(REPLAY_BINARIES)
	@for t in $(FUZZ_TARGETS); do find tests/fuzz/corpus/$$t -type f | sort | xargs $(BUILD)/tests/fuzz/replay_$$t; done

UNIT_CHOSEN = $(strip $(foreach b,$(UNIT_BINARIES),$(if $(findstring $(or $(T),unit),$(b)),$(b))))
unit: $(UNIT_CHOSEN)
	@tests/run_units.sh $(UNIT_CHOSEN)

# The runner of tests/sql: `make sql T=pattern SQL_OPTIONS="--session 'SET pipeline_dop=1'"` runs the files that match.
RUNNER_SOURCES := $(wildcard tests/sql_runner/*.c)
RUNNER_OBJECTS := $(RUNNER_SOURCES:%.c=$(BUILD)/%.o)
SQL_FILES = $(strip $(foreach f,$(shell find tests/sql -name '*.test' | sort),$(if $(findstring $(or $(T),tests/sql),$(f)),$(f))))
SQL_JOBS ?= 2
.PHONY: sql quick
$(RUNNER_OBJECTS): CFLAGS_ALL += -Itests $(MARIADB_CFLAGS)
$(BUILD)/merak-sqltest: $(RUNNER_OBJECTS) $(BUILD)/libmerak.a
	$(call say,LINK,$@)
	$(Q)$(CC) $(LDFLAGS_COMMON) $(LDFLAGS_VARIANT) $^ $(LIBS) $(MARIADB_LIBS) -o $@
sql: $(BUILD)/merak $(BUILD)/merak-sqltest
	@$(if $(SQL_FILES),$(BUILD)/merak-sqltest --server $(BUILD)/merak --jobs $(SQL_JOBS) $(SQL_OPTIONS) $(SQL_FILES),echo "0 passed, 0 failed")

# What every change must pass: unit tests and SQL tests in one configuration.
quick: $(UNIT_BINARIES) $(BUILD)/merak $(BUILD)/merak-sqltest
	@tools/check/lint.py
	@$(MAKE) --no-print-directory -s check-docs check-changed
	@tests/run_units.sh $(UNIT_BINARIES)
	@$(MAKE) --no-print-directory sql

# Reference pages from the tables of the code.
.PHONY: docs
$(BUILD)/merak-docs: $(BUILD)/tools/docs/docs_main.o $(BUILD)/libmerak.a
	$(call say,LINK,$@)
	$(Q)$(CC) $(LDFLAGS_COMMON) $(LDFLAGS_VARIANT) $^ $(LIBS) -o $@
docs: $(BUILD)/merak-docs
	@$(BUILD)/merak-docs functions > docs/functions.md
	@$(BUILD)/merak-docs errors > docs/errors.md

# Everything, each harness with its count; the last line is the sum. tests/README.md says how to add one.
include tests/harness.mk
-include $(filter-out tests/harness.mk,$(wildcard tests/*/harness.mk))
include tools/check/check.mk
test: deps
	@$(if $(T),$(MAKE) --no-print-directory test-matching T=$(T),tests/run_harnesses.sh $(TEST_HARNESSES))
test-all: deps
	@tests/run_harnesses.sh $(TEST_HARNESSES) $(LONG_HARNESSES)
.PHONY: test-matching
test-matching: $(UNIT_CHOSEN) $(if $(SQL_FILES),$(BUILD)/merak $(BUILD)/merak-sqltest)
	@tests/sum_lines.sh "$(if $(UNIT_CHOSEN),tests/run_units.sh $(UNIT_CHOSEN),true)" "$(MAKE) --no-print-directory -s sql T=$(T)"

asan:
	@tests/run_harnesses.sh unit-asan sql-asan fuzz-replay
tsan:
	@tests/run_harnesses.sh unit-tsan sql-tsan
coverage:
	@tests/run_harnesses.sh unit-coverage sql-coverage
	@tools/coverage.sh build/coverage

# Installs the Debian packages that are missing: all, or those of one purpose (build, test, check).
deps:
	@tools/install_deps.sh $(DEPS)
# A server on ./merak-data with a sample database, until Ctrl-C.
run:
	@tools/install_deps.sh build
	@$(MAKE) --no-print-directory -s all tpch
	@tools/run.sh

PREFIX ?= /usr/local
install: $(BUILD)/merak
	install -d $(DESTDIR)$(PREFIX)/bin $(DESTDIR)$(PREFIX)/share/doc/merak
	install -m 755 $(BUILD)/merak $(DESTDIR)$(PREFIX)/bin/merak
	install -m 644 LICENSE README.md CHANGELOG.md $(DESTDIR)$(PREFIX)/share/doc/merak

# For clangd and clang-tidy.
.PHONY: compile_commands.json
compile_commands.json:
	@tools/compile_commands.sh "$(CC) $(CFLAGS_ALL) $(OPT) -Itests -Ibench" $(SOURCES) $(UNIT_SOURCES) $(RUNNER_SOURCES) $(TPCH_SOURCES) > $@

help:
	@sed -n 's/^#: //p' $(firstword $(MAKEFILE_LIST))

clean:
	rm -rf build

-include $(BUILD)/tools/docs/docs_main.d $(BUILD)/bench/parquet/parquet_bench.d $(BUILD)/bench/segment/segment_bench.d $(LIB_OBJECTS:.o=.d) $(MAIN_OBJECTS:.o=.d) $(UNIT_BINARIES:%=%.d) $(TPCH_OBJECTS:.o=.d) $(RUNNER_OBJECTS:.o=.d) $(wildcard $(BUILD)/tests/fuzz/*.d)
