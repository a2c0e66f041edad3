// One way from a command's data to its output, in whatever format was asked for.
#pragma once

#include "options.h"
#include "render/document.h"

#include <functional>
#include <nlohmann/json_fwd.hpp>

namespace triage::advisor {

// Both views of the data are given; only the one that is asked for is made.
void show(const Options &options, const std::function<Document()> &document,
          const std::function<nlohmann::ordered_json()> &json);

} // namespace triage::advisor
