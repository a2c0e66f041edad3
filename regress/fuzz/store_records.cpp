// The records of the statistics file without header and checksum, added up as the store does.
#include "target.h"

#include "core/store_image.h"

#include <cmath>

using namespace triage;
using namespace triage::store_image;

namespace {

std::string name_of(std::uint32_t) {
    return "name";
}

struct Adder : Visitor {
    LatencyHistogram latency;
    ScanTotals totals;

    void statement(const StatementRecord &record) override {
        LatencyHistogram one;
        std::copy(std::begin(record.counts), std::end(record.counts), one.counts.begin());
        latency += one;
        require(std::isfinite(one.percentile_ms(0.95)), "a percentile is a number");
    }
    void scan(const ScanRecord &record) override {
        require(record.totals.clause_count <= most_clauses_a_scan, "no more clauses than fit");
        for (std::uint32_t i = 0; i < record.totals.value_count; i++)
            require(record.totals.values[i].clause < record.totals.clause_count,
                    "a value is of a clause");
        if (hash_of_clauses(record.totals) == hash_of_clauses(totals))
            totals.add(record.totals);
        else
            totals = record.totals;
    }
    void plan(const PlanRecord &record) override {
        require(!describe(record.shape, name_of).empty() || record.shape.count == 0,
                "a plan has a text");
    }
};

} // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t *data, std::size_t size) {
    Adder adder;
    std::int64_t stats_since = 0;
    read_records({data, size}, &adder, stats_since);
    return 0;
}
