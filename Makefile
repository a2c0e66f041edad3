# pg_triage: extension (this file, PGXS), advisor (advisor/Makefile), unit tests (regress/unit/Makefile).
#
#   make demo          the whole loop in a throw-away cluster (DEMO_OPTIONS='--keep' and so on)
#   make check         every test in throw-away clusters
#   make fuzz          coverage-guided fuzzing of every parser of bytes, one minute each
#   make, make install, make installcheck, PG_CONFIG=...   as in any PGXS extension

EXTENSION = pg_triage
EXTVERSION := $(shell sed -n "s/^default_version *= *'\(.*\)'/\1/p" pg_triage.control)
MODULE_big = pg_triage
PGFILEDESC = "pg_triage - finds, builds and verifies indexes without keeping private values"

OBJS = $(patsubst %.cpp,%.o,$(sort $(wildcard extension/core/*.cpp extension/pg/*.cpp)))
DATA_built = sql/pg_triage--$(EXTVERSION).sql
DATA = $(wildcard sql/pg_triage--*--*.sql)
EXTRA_CLEAN = $(OBJS:.o=.d) $(DATA_built)

# Debian's PGXS asks for LLVM bitcode; it would buy nothing for code that is all hooks and workers.
override with_llvm = no

PG_CPPFLAGS = -I$(srcdir)/extension
# make FAULTS=1: failures on demand, for tests (extension/pg/faults.h).
ifneq ($(FAULTS),)
PG_CPPFLAGS += -DPG_TRIAGE_FAULTS
endif
# -fno-plt: the server's functions are called by their addresses, with no table of jumps to be read in between.
# -Wno-register, -Wno-volatile: the server headers are C and use what C++17/20 took away.
PG_CXXFLAGS = -std=gnu++20 -fvisibility=hidden -fno-plt -Wall -Wextra -Wshadow=compatible-local -Wno-register -Wno-volatile -Wno-missing-field-initializers -Wno-unused-parameter -MMD -MP $(WERROR)
SHLIB_LINK = -lstdc++

# pg_regress and pg_isolation_regress; both keep their expected output in expected/.
REGRESS = $(patsubst regress/sql/%.sql,%,$(sort $(wildcard regress/sql/*.sql)))
REGRESS_OPTS = --inputdir=regress --encoding=UTF8
ISOLATION = $(patsubst regress/specs/%.spec,%,$(sort $(wildcard regress/specs/*.spec)))
ISOLATION_OPTS = --inputdir=regress --outputdir=.
TAP_TESTS = 1
PROVE_TESTS = regress/t/*.pl

# These find, or install, a server by themselves. (PGXS has a check of its own, which refuses.)
by_themselves = check demo fuzz bench-warm bench-curve bench-ttl bench-pool bench-lanes bench-size bench-what-if bench-overhead bench-advisor bench-churn
ifneq ($(filter $(by_themselves),$(MAKECMDGOALS)),)
check:
	PG_CONFIG='$(PG_CONFIG)' FAULTS='$(FAULTS)' VALGRIND='$(VALGRIND)' regress/tools/check

fuzz:
	regress/tools/fuzz '$(FUZZ_OPTIONS)'

demo:
	PG_CONFIG='$(PG_CONFIG)' regress/tools/demo $(DEMO_OPTIONS)

bench-pool bench-lanes:
	regress/tools/install-packages bench
	regress/bench/pool/$(if $(filter bench-lanes,$@),lanes,bench) $(if $(PG_CONFIG),--pg-config '$(PG_CONFIG)') $(BENCH_OPTIONS)

# A static pattern: an implicit rule is not searched for a phony target.
bench-warm bench-curve bench-ttl bench-size bench-what-if bench-overhead bench-advisor bench-churn: bench-%:
	PG_CONFIG='$(PG_CONFIG)' regress/tools/bench $* $(BENCH_OPTIONS)

.PHONY: $(by_themselves)
endif
ifneq ($(filter-out $(by_themselves),$(or $(MAKECMDGOALS),all)),)
PG_CONFIG ?= pg_config
PGXS := $(shell $(PG_CONFIG) --pgxs)
include $(PGXS)

-include $(OBJS:.o=.d)

# Objects built for one server, or in another way, are no use for another.
# FORCE is phony, as PGXS makes every file that is only a prerequisite an intermediate one, never out of date.
build/server-version: FORCE
	@mkdir -p $(@D)
	@echo '$(VERSION) $(FAULTS)' | cmp -s - $@ || echo '$(VERSION) $(FAULTS)' > $@
.PHONY: FORCE
$(OBJS): build/server-version
endif

# PGXS builds one of MODULE_big and PROGRAM: the advisor has a makefile of its own.
advisor:
	$(MAKE) -C advisor PG_CONFIG='$(PG_CONFIG)' WERROR='$(WERROR)'

install-advisor:
	$(MAKE) -C advisor install PG_CONFIG='$(PG_CONFIG)' WERROR='$(WERROR)'

.PHONY: advisor install-advisor

sql/pg_triage--$(EXTVERSION).sql: sql/pg_triage.sql pg_triage.control
	cp $< $@
