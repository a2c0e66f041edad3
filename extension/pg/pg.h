// The one way in which C++ code of this extension includes PostgreSQL's headers.
//
// Standard C++ headers come first (postgres.h defines macros that break them), then the server's C
// headers inside one extern "C" block. Include this before any further server header, and put those
// inside a PG_HEADERS_BEGIN/END pair.
#pragma once

#include <algorithm>
#include <array>
#include <atomic>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <exception>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <span>
#include <string>
#include <string_view>
#include <type_traits>
#include <unordered_map>
#include <unordered_set>
#include <utility>
#include <vector>

// What is declared in between can be seen from outside of the library: the server's symbols, and
// the functions that it calls. Everything else is hidden, so that calls need no table of addresses.
#define PG_HEADERS_BEGIN _Pragma("GCC visibility push(default)") extern "C" {
#define PG_HEADERS_END                                                                             \
    }                                                                                              \
    _Pragma("GCC visibility pop")

PG_HEADERS_BEGIN
#include "postgres.h"
#include "fmgr.h"
#include "miscadmin.h"
#include "utils/builtins.h"
PG_HEADERS_END

// Of variables that each execution of a statement touches. A backend that runs one statement among
// those of many backends finds none of its own memory near by: what it writes lies side by side, on
// a page of its own; what it only reads does not, and so stays the same memory for all backends.
#define PG_TRIAGE_READ_MOSTLY [[gnu::section("pg_triage_read_mostly")]]
#define PG_TRIAGE_WRITTEN [[gnu::section("pg_triage_written")]]

// libintl.h behind postgres.h replaces these by macros; C++ code wants the functions.
#undef gettext
#undef dgettext
#undef ngettext
#undef dngettext
