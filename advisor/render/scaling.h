// Advice on replicas as a document, and as JSON.
#pragma once

#include "render/document.h"
#include "render/json.h"
#include "scaling_advice.h"

namespace triage::advisor {

Document document_of_scaling(const ScalingAdvice &advice);
Json json_of_scaling(const ScalingAdvice &advice);

} // namespace triage::advisor
