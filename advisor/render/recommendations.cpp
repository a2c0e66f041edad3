#include "render/recommendations.h"

#include "emit/index_ddl.h"
#include "render/json.h"
#include "render/units.h"

#include <fmt/format.h>

namespace triage::advisor {

namespace {

constexpr std::size_t ddl_width = 92; // with the list's indentation and the semicolon within 100

std::string title_of(const Recommendation &it) {
    return fmt::format("{}{} index on {}: estimated {} off the workload, {}, {} statement{}",
                       it.id ? fmt::format("#{} ", *it.id) : "", it.kind, it.relation,
                       show_percent(it.improvement), show_bytes(static_cast<double>(it.size_bytes)),
                       it.queries, it.queries == 1 ? "" : "s");
}

} // namespace

List list_of_recommendations(const std::vector<Recommendation> &recommendations) {
    List list;
    list.numbered = true;
    for (const Recommendation &recommendation : recommendations) {
        Item item{title_of(recommendation), {}, {}};
        if (!recommendation.reason.empty())
            item.lines.push_back(recommendation.reason);
        if (!recommendation.generic_plan_ok)
            item.lines.push_back(
                "A generic plan of a prepared statement cannot use it: its literal has "
                "to be in the statement's text.");
        item.code = broken_into_lines(recommendation.ddl, ddl_width);
        if (!item.code.ends_with(';'))
            item.code += ";";
        list.items.push_back(item);
    }
    return list;
}

Json json_of_recommendations(const std::vector<Recommendation> &recommendations) {
    Json json = Json::array();
    for (const Recommendation &it : recommendations)
        json.push_back({{"id", json_or_null(it.id)},
                        {"status", text_or_null(it.status)},
                        {"rank", it.rank},
                        {"relation", it.relation},
                        {"kind", it.kind},
                        {"ddl", it.ddl},
                        {"estimated_size_bytes", it.size_bytes},
                        {"estimated_improvement", it.improvement},
                        {"cost_before", it.cost_before},
                        {"cost_after", it.cost_after},
                        {"write_cost", it.write_cost},
                        {"statements", it.queries},
                        {"generic_plan_ok", it.generic_plan_ok},
                        {"reason", text_or_null(it.reason)}});
    return json;
}

} // namespace triage::advisor
