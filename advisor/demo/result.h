// What a demo has to tell, as plain data.
#pragma once

#include "demo/figures.h"
#include "demo/hospital.h"
#include "demo/loop.h"
#include "report_data.h"

#include <optional>
#include <string>
#include <vector>

namespace triage::advisor {

struct WorkflowResult {
    std::string name;
    bool writes = false;
    Figures before, after;
};

// What must be true for the demo to have worked.
struct DemoCheck {
    std::string what;
    bool ok = false;
    std::string detail;
};

struct DemoResult {
    std::string server_version;
    HospitalSize hospital;
    Interval before, after; // when the load was measured
    std::vector<WorkflowResult> workflows;
    LoopResult loop;
    // Of one transaction of the writing workflows: before, and while the indexes were built.
    std::optional<double> longest_write_before_ms, longest_write_building_ms;
    std::vector<DemoCheck> checks;
    Report report;
};

// The median over the reading workflows of the improvement of their mean time.
std::optional<double> median_read_improvement(const DemoResult &result);

// Judges everything else of the result.
std::vector<DemoCheck> check_demo(const DemoResult &result);

} // namespace triage::advisor
