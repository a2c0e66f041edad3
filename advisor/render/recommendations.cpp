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

constexpr double enough_executions = 100;

// Details written by another version may lack anything.
Json parsed(const std::string &details) {
    Json json = Json::parse(details, nullptr, false);
    return json.is_object() ? json : Json::object();
}

double number(const Json &object, const char *name) {
    const auto found = object.find(name);
    return found != object.end() && found->is_number() ? found->get<double>() : 0;
}

std::string text(const Json &object, const char *name) {
    const auto found = object.find(name);
    return found != object.end() && found->is_string() ? found->get<std::string>() : std::string();
}

std::vector<std::string> lacking(const Recommendation &it, const Json &details) {
    std::vector<std::string> lines;
    const Json evidence = details.value("evidence", Json::object());
    if (text(evidence, "source") == "texts")
        lines.push_back("How often the statements run: they were given as texts.");
    else if (number(details, "calls") < enough_executions)
        lines.push_back(
            fmt::format("More than {:.0f} executions to judge by.", number(details, "calls")));
    const Json skipped = evidence.value("skipped", Json::object());
    for (const auto &[why, count] : skipped.items())
        if (count.is_number())
            lines.push_back(fmt::format("{:.0f} statements of the workload, left out: {}.",
                                        count.get<double>(), why));
    if (!it.generic_plan_ok)
        lines.push_back("That the statements keep their literals: a generic plan cannot use it.");
    lines.push_back(
        "A measurement: all of this is the planner's estimate until the index is built.");
    return lines;
}

std::string indented(const std::string &plan) {
    std::string result = "  ";
    for (char c : plan)
        result += c == '\n' ? std::string("\n  ") : std::string(1, c);
    return result;
}

Item item_of(const Json &statement, const StatementOfRecommendation *known) {
    Item item{known ? shortened(known->query, 92)
                    : "statement " + statement.value("queryid", Json()).dump(),
              {},
              {}};
    item.lines.push_back(fmt::format(
        "{}; estimated cost of one: {:.4g} before, {:.4g} after",
        known && known->calls_a_day ? show_count(known->calls_a_day) + " calls a day"
                                    : show_count(number(statement, "calls")) + " calls so far",
        number(statement, "cost_before"), number(statement, "cost_after")));
    const std::string before = text(statement, "plan_before"),
                      after = text(statement, "plan_after");
    if (!before.empty())
        item.code = "before\n" + indented(before) + "\nafter\n" + indented(after);
    return item;
}

} // namespace

std::vector<Section>
explanation_of(const std::vector<Recommendation> &recommendations,
               const std::map<std::string, StatementOfRecommendation> &statements) {
    std::vector<Section> sections;
    const List list = list_of_recommendations(recommendations);
    for (std::size_t i = 0; i < recommendations.size(); i++) {
        const Recommendation &it = recommendations[i];
        const Json details = parsed(it.details);
        List served, missing;
        for (const Json &statement : details.value("statements", Json::array())) {
            const auto known = statements.find(statement.value("queryid", Json()).dump());
            served.items.push_back(
                item_of(statement, known == statements.end() ? nullptr : &known->second));
        }
        for (const std::string &line : lacking(it, details))
            missing.items.push_back({line, {}, {}});
        sections.push_back({list.items[i].title.text,
                            {List{{{it.reason, {}, list.items[i].code}}, false},
                             Paragraph{fmt::format(
                                 "Cost of its statements, all calls: {:.4g} before, {:.4g} after; "
                                 "keeping it up to date: {:.4g}; size: {}.",
                                 it.cost_before, it.cost_after, it.write_cost,
                                 show_bytes(static_cast<double>(it.size_bytes)))},
                             Paragraph{"Statements that gain, most first:"}, served,
                             Paragraph{"Not known:"}, missing}});
    }
    return sections;
}

Json json_of_explanation(const Recommendation &recommendation,
                         const std::map<std::string, StatementOfRecommendation> &statements) {
    const Json details = parsed(recommendation.details);
    Json json{{"statements", Json::array()}, {"not_known", lacking(recommendation, details)}};
    for (Json statement : details.value("statements", Json::array())) {
        const auto known = statements.find(statement.value("queryid", Json()).dump());
        if (known != statements.end()) {
            statement["query"] = known->second.query;
            statement["calls_a_day"] = json_or_null(known->second.calls_a_day);
        }
        json["statements"].push_back(statement);
    }
    return json;
}

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
