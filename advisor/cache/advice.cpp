#include "cache/advice.h"

#include <algorithm>
#include <cmath>
#include <map>

namespace triage::advisor {

namespace {

// From these on a relation crowds out others: its share of the pool, how little of that is used
// again, and how small its share of the hits is against its share of the pool.
constexpr double notable_share = 0.05, rarely_used_share = 0.8, fair_hits = 0.25;

constexpr double longest_ttl_s = 86400;

// The class's tables side by side, each with this time to live; weighted by their reads.
TtlOutcome outcome_of(const std::vector<const TableRates *> &tables, double ttl_s) {
    TtlOutcome sum;
    double reads = 0, hits = 0;
    for (const TableRates *table : tables) {
        const TtlOutcome outcome = ttl_outcome(table->workload, ttl_s);
        const double table_reads = table->workload.reads_per_s;
        reads += table_reads;
        hits += table_reads * outcome.hit_rate;
        sum.hit_rate += table_reads * outcome.hit_rate;
        sum.stale_share += table_reads * outcome.stale_share;
        sum.behind_s += table_reads * outcome.hit_rate * outcome.behind_s;
        sum.entries += outcome.entries;
    }
    if (reads > 0) {
        sum.hit_rate /= reads;
        sum.stale_share /= reads;
    }
    sum.behind_s = hits > 0 ? sum.behind_s / hits : 0;
    return sum;
}

double longest_within(const std::vector<const TableRates *> &tables, double stale_share) {
    if (outcome_of(tables, longest_ttl_s).stale_share <= stale_share)
        return longest_ttl_s;
    double low = 0, high = longest_ttl_s;
    for (int step = 0; step < 50; step++) {
        const double middle = (low + high) / 2;
        (outcome_of(tables, middle).stale_share <= stale_share ? low : high) = middle;
    }
    return low;
}

} // namespace

std::optional<double> CachedClass::hit_rate() const {
    return fetched > 0 ? std::optional(hit / fetched) : std::nullopt;
}

std::vector<CachedClass> by_class(const std::vector<CachedRelation> &relations) {
    std::map<std::string, CachedClass> classes;
    for (const CachedRelation &relation : relations) {
        CachedClass &sum = classes[relation.data_class];
        sum.data_class = relation.data_class;
        sum.resident += relation.resident;
        sum.working_set += relation.working_set;
        sum.fetched += relation.fetched;
        sum.hit += relation.hit;
    }
    std::vector<CachedClass> result;
    for (auto &[name, sum] : classes)
        result.push_back(std::move(sum));
    std::stable_sort(result.begin(), result.end(), [](const auto &left, const auto &right) {
        return left.fetched > right.fetched;
    });
    return result;
}

std::vector<CachedRelation> polluters(const std::vector<CachedRelation> &relations,
                                      std::int64_t pool_blocks) {
    double hits = 0;
    for (const CachedRelation &relation : relations)
        hits += relation.hit;
    std::vector<CachedRelation> result;
    for (const CachedRelation &relation : relations) {
        const auto resident = static_cast<double>(relation.resident);
        const double share = resident / static_cast<double>(std::max<std::int64_t>(pool_blocks, 1));
        if (share >= notable_share &&
            static_cast<double>(relation.rarely_used) >= rarely_used_share * resident &&
            relation.hit < fair_hits * share * hits)
            result.push_back(relation);
    }
    std::stable_sort(result.begin(), result.end(), [](const auto &left, const auto &right) {
        return left.resident > right.resident;
    });
    return result;
}

SizeAdvice advise_size(const std::vector<SizePoint> &curve, double present_bytes,
                       double accesses_per_s, double most_bytes, double tolerance) {
    std::vector<SizePoint> usable;
    const SizePoint *present = nullptr;
    for (const SizePoint &point : curve) {
        if (!point.observed || !point.hit_rate)
            continue;
        if (std::abs(point.bytes - present_bytes) < 0.01 * present_bytes)
            present = &point;
        if (point.bytes <= std::max(most_bytes, present_bytes))
            usable.push_back(point);
    }
    if (!present || usable.empty())
        return {};
    std::sort(usable.begin(), usable.end(),
              [](const auto &left, const auto &right) { return left.bytes < right.bytes; });
    double best = 0, error = 0;
    for (const SizePoint &point : usable)
        if (*point.hit_rate > best) {
            best = *point.hit_rate;
            error = point.error;
        }
    const auto chosen = std::find_if(usable.begin(), usable.end(), [&](const SizePoint &point) {
        return *point.hit_rate >= best - std::max(tolerance, error + point.error);
    });
    SizeAdvice advice;
    advice.bytes = chosen->bytes;
    advice.hit_rate = *chosen->hit_rate;
    advice.reads_saved_per_s = (*chosen->hit_rate - *present->hit_rate) * accesses_per_s;
    advice.verdict = chosen->bytes > 1.01 * present_bytes   ? SizeAdvice::Verdict::Grow
                     : chosen->bytes < 0.99 * present_bytes ? SizeAdvice::Verdict::Shrink
                                                            : SizeAdvice::Verdict::Keep;
    return advice;
}

double default_ttl_of(const std::string &data_class) {
    static const std::map<std::string, double> defaults = {
        {"patient_data", 1800}, {"clinical_data", 900},  {"vital_signs", 900},
        {"ai_inference", 3600}, {"emergency_data", 300}, {"reference_data", 3600},
        {"audit_data", 300},    {"other", 900}};
    const auto found = defaults.find(data_class);
    return found == defaults.end() ? 900 : found->second;
}

std::vector<TtlAdvice> advise_ttl(const std::vector<TableRates> &tables, double stale_share) {
    std::map<std::string, std::vector<const TableRates *>> classes;
    for (const TableRates &table : tables)
        if (table.workload.reads_per_s > 0)
            classes[table.data_class].push_back(&table);
    std::vector<TtlAdvice> result;
    for (const auto &[name, members] : classes) {
        TtlAdvice advice;
        advice.data_class = name;
        for (const TableRates *table : members) {
            advice.reads_per_s += table->workload.reads_per_s;
            advice.writes_per_s += table->workload.writes_per_s;
        }
        advice.default_ttl_s = default_ttl_of(name);
        advice.at_default = outcome_of(members, advice.default_ttl_s);
        advice.ttl_s = longest_within(members, stale_share);
        advice.at_advised = outcome_of(members, advice.ttl_s);
        result.push_back(std::move(advice));
    }
    return result;
}

} // namespace triage::advisor
