// Advice on pools as a document, and as JSON.
#pragma once

#include "pool_advice.h"
#include "render/document.h"
#include "render/json.h"

namespace triage::advisor {

Document document_of_pools(const PoolsAdvice &advice);
Json json_of_pools(const PoolsAdvice &advice);
std::string sentence_of_budget(const ConnectionBudget &budget);
Table table_of_budget(const ConnectionBudget &budget);
Json json_of_budget(const ConnectionBudget &budget);

} // namespace triage::advisor
