// Figures of the machine that this program runs on, for a server that runs on it, too.
#pragma once

#include <chrono>
#include <optional>

namespace triage::advisor {

struct MachineLoad {
    std::optional<double> cpu_percent;    // busy share of all processors while it was watched
    std::optional<double> memory_percent; // share that is neither free nor reclaimable
};

// Figures that the machine does not give are left out.
MachineLoad measure_machine(std::chrono::milliseconds watched);

// What programs could still take without swapping; mostly page cache that can be given up.
std::optional<double> free_memory_bytes();
std::optional<double> total_memory_bytes();

} // namespace triage::advisor
