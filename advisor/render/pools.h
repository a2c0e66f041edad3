// Advice on pools as a document, and as JSON.
#pragma once

#include "core/pool_model.h"
#include "render/document.h"
#include "render/json.h"

namespace triage::advisor {

struct AdvisedPool {
    PoolObservation observation;
    PoolAdvice advice;
    std::vector<LoadPoint> at_rate; // waits at rates that were asked for, at size `asked_size`
    int asked_size = 0;
};

Document document_of_pools(const PoolMachine &machine, const std::vector<AdvisedPool> &pools);
Json json_of_pools(const PoolMachine &machine, const std::vector<AdvisedPool> &pools);

} // namespace triage::advisor
