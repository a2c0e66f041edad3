#include "render/targets.h"

#include "render/json.h"
#include "render/units.h"

namespace triage::advisor {

namespace {

Cell verdict_of(const TargetResult &target) {
    if (!target.ok)
        return {"no evidence", Tone::Faint};
    return *target.ok ? Cell{"pass", Tone::Good} : Cell{"FAIL", Tone::Bad};
}

} // namespace

Table table_of_targets(const std::vector<TargetResult> &targets) {
    Table table{{{"target"},
                 {"result"},
                 {"figure", Align::Right},
                 {"limit", Align::Right},
                 {"severity"},
                 {"detail", Align::Left, true}},
                {}};
    for (const TargetResult &target : targets)
        table.rows.push_back(
            {target.target, verdict_of(target), show_figure(target.figure, target.unit),
             show_figure(target.limit, target.unit), target.severity, target.detail});
    return table;
}

Json json_of_targets(const std::vector<TargetResult> &targets) {
    Json json = Json::array();
    for (const TargetResult &target : targets)
        json.push_back({{"target", target.target},
                        {"ok", json_or_null(target.ok)},
                        {"figure", json_or_null(target.figure)},
                        {"limit", json_or_null(target.limit)},
                        {"unit", target.unit},
                        {"severity", target.severity},
                        {"detail", text_or_null(target.detail)}});
    return json;
}

} // namespace triage::advisor
