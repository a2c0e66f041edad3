// JSON of values that may be unknown.
#pragma once

#include <nlohmann/json.hpp>

#include <optional>
#include <string>

namespace triage::advisor {

using Json = nlohmann::ordered_json;

template <class Value> Json json_or_null(const std::optional<Value> &value) {
    return value ? Json(*value) : Json(nullptr);
}

inline Json text_or_null(const std::string &text) {
    return text.empty() ? Json(nullptr) : Json(text);
}

} // namespace triage::advisor
