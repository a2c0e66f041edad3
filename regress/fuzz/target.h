// A fuzz target: one function over any bytes, called by libFuzzer (make fuzz) or by replay.cpp
// (make check). A property that does not hold ends the program like a crash.
#pragma once

#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <cstdlib>

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t *data, std::size_t size);

inline void require(bool holds, const char *what) {
    if (holds)
        return;
    std::fprintf(stderr, "property violated: %s\n", what);
    std::abort();
}
