#include "json_figures.h"

#include "exit_status.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <fstream>
#include <iostream>
#include <sstream>

namespace triage::advisor {

namespace {

[[noreturn]] void reject(const std::string &detail) {
    throw Failure(ExitStatus::Usage, "observations are not valid", detail,
                  "The form of the file is described in docs/pools.md.");
}

bool is_figure(const Json &value) {
    return value.is_number() && std::isfinite(value.get<double>()) && value.get<double>() >= 0;
}

} // namespace

Figures::Figures(const Json &object, std::string place)
    : object_(&object), place_(std::move(place)) {
    if (!object.is_object())
        reject(fmt::format("{} is not an object.", place_));
}

const Json *Figures::member(const char *key) const {
    const auto at = object_->find(key);
    return at == object_->end() || at->is_null() ? nullptr : &*at;
}

bool Figures::has(const char *key) const {
    return member(key) != nullptr;
}

std::optional<double> Figures::find(const char *key) const {
    const Json *value = member(key);
    if (!value)
        return std::nullopt;
    if (!is_figure(*value))
        reject(fmt::format("{}.{} is not a number of at least 0.", place_, key));
    return value->get<double>();
}

double Figures::get(const char *key, double otherwise) const {
    return find(key).value_or(otherwise);
}

double Figures::need(const char *key) const {
    const auto value = find(key);
    if (!value)
        reject(fmt::format("{}.{} is missing.", place_, key));
    return *value;
}

double Figures::need_positive(const char *key) const {
    const double value = need(key);
    if (value <= 0)
        reject(fmt::format("{}.{} must be more than 0.", place_, key));
    return value;
}

int Figures::count(const char *key, int otherwise) const {
    const double value = get(key, otherwise);
    if (value != std::floor(value) || value > 1e6)
        reject(fmt::format("{}.{} is not a whole number of at most a million.", place_, key));
    return static_cast<int>(value);
}

bool Figures::flag(const char *key, bool otherwise) const {
    const Json *value = member(key);
    if (!value)
        return otherwise;
    if (!value->is_boolean())
        reject(fmt::format("{}.{} is neither true nor false.", place_, key));
    return value->get<bool>();
}

std::string Figures::text(const char *key) const {
    const std::string value = text(key, "");
    if (value.empty())
        reject(fmt::format("{}.{} is missing.", place_, key));
    return value;
}

std::string Figures::text(const char *key, const std::string &otherwise) const {
    const Json *value = member(key);
    if (!value)
        return otherwise;
    if (!value->is_string())
        reject(fmt::format("{}.{} is not a text.", place_, key));
    // It goes into configuration files, where a line end would begin a setting of its own.
    const std::string text = value->get<std::string>();
    if (std::any_of(text.begin(), text.end(), [](unsigned char c) { return c < ' ' || c == 127; }))
        reject(fmt::format("{}.{} holds a line end or another control character.", place_, key));
    return text;
}

Figures Figures::object(const char *key) const {
    const Json *value = member(key);
    if (!value)
        reject(fmt::format("{}.{} is missing.", place_, key));
    return {*value, fmt::format("{}.{}", place_, key)};
}

std::vector<Figures> Figures::list(const char *key) const {
    std::vector<Figures> objects;
    const Json *value = member(key);
    if (!value)
        return objects;
    if (!value->is_array())
        reject(fmt::format("{}.{} is not a list.", place_, key));
    for (const Json &element : *value)
        objects.emplace_back(element, fmt::format("{}.{}[{}]", place_, key, objects.size()));
    return objects;
}

std::vector<std::optional<double>> Figures::figures(const char *key) const {
    std::vector<std::optional<double>> numbers;
    const Json *value = member(key);
    if (!value)
        return numbers;
    if (!value->is_array())
        reject(fmt::format("{}.{} is not a list.", place_, key));
    for (const Json &element : *value) {
        if (element.is_null())
            numbers.push_back(std::nullopt);
        else if (is_figure(element))
            numbers.push_back(element.get<double>());
        else
            reject(fmt::format("{}.{}[{}] is not a number of at least 0.", place_, key,
                               numbers.size()));
    }
    return numbers;
}

Json parse_json_file(const std::string &text) {
    Json file = Json::parse(text, nullptr, false);
    if (file.is_discarded())
        reject("The text is not JSON.");
    return file;
}

std::string read_text_file(const std::string &path) {
    std::ostringstream text;
    if (path == "-") {
        text << std::cin.rdbuf();
    } else {
        std::ifstream file(path);
        if (!file)
            throw Failure(ExitStatus::Usage, fmt::format("cannot read file \"{}\"", path));
        text << file.rdbuf();
    }
    return text.str();
}

} // namespace triage::advisor
