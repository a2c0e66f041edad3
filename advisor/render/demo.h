// The result of a demo as a document and as JSON.
#pragma once

#include "demo/result.h"
#include "render/document.h"

#include <nlohmann/json_fwd.hpp>

namespace triage::advisor {

Document document_of_demo(const DemoResult &result);
nlohmann::ordered_json json_of_demo(const DemoResult &result);

} // namespace triage::advisor
