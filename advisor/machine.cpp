#include "machine.h"

#include "interrupt.h"

#include <fstream>
#include <sstream>
#include <string>

namespace triage::advisor {

namespace {

struct ProcessorTime {
    double busy = 0, total = 0; // clock ticks since boot
};

std::optional<ProcessorTime> read_processor_time() {
    std::ifstream file("/proc/stat");
    std::string line, name;
    if (!std::getline(file, line))
        return std::nullopt;
    std::istringstream fields(line);
    fields >> name;
    ProcessorTime time;
    // user nice system idle iowait irq softirq steal; guest time is in user time already
    for (int field = 0; field < 8; field++) {
        double ticks = 0;
        fields >> ticks;
        time.total += ticks;
        if (field != 3 && field != 4)
            time.busy += ticks;
    }
    return name == "cpu" && time.total > 0 ? std::optional(time) : std::nullopt;
}

struct Memory {
    double total = 0, available = 0; // bytes
};

std::optional<Memory> read_memory() {
    std::ifstream file("/proc/meminfo");
    double total = 0, available = -1;
    for (std::string line; std::getline(file, line);) {
        std::istringstream fields(line);
        std::string name;
        double kilobytes = 0;
        fields >> name >> kilobytes;
        if (name == "MemTotal:")
            total = kilobytes;
        else if (name == "MemAvailable:")
            available = kilobytes;
    }
    if (total <= 0 || available < 0)
        return std::nullopt;
    return Memory{1024 * total, 1024 * available};
}

} // namespace

MachineLoad measure_machine(std::chrono::milliseconds watched) {
    const auto before = read_processor_time();
    interruptible_sleep(watched);
    const auto after = read_processor_time();
    MachineLoad load;
    if (before && after && after->total > before->total)
        load.cpu_percent = 100 * (after->busy - before->busy) / (after->total - before->total);
    if (const auto memory = read_memory())
        load.memory_percent = 100 * (memory->total - memory->available) / memory->total;
    return load;
}

std::optional<double> free_memory_bytes() {
    const auto memory = read_memory();
    return memory ? std::optional(memory->available) : std::nullopt;
}

std::optional<double> total_memory_bytes() {
    const auto memory = read_memory();
    return memory ? std::optional(memory->total) : std::nullopt;
}

} // namespace triage::advisor
