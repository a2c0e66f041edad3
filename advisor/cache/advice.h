// What the cache figures of a server mean: how the data classes fare, which relations crowd out
// others, what another size of shared_buffers would bring, and how long an application may keep
// what it read.
#pragma once

#include "core/ttl_model.h"

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

namespace triage::advisor {

// One table or index; blocks are the server's.
struct CachedRelation {
    std::string name, data_class;
    bool is_index = false;
    std::int64_t blocks = 0;      // of the relation
    std::int64_t resident = 0;    // of those: in shared buffers
    std::int64_t rarely_used = 0; // of those: with a usage count of at most 1
    std::int64_t working_set = 0; // blocks in use in the last hours
    double fetched = 0, hit = 0;  // since the statistics began
};

struct CachedClass {
    std::string data_class;
    std::int64_t resident = 0, working_set = 0;
    double fetched = 0, hit = 0;

    std::optional<double> hit_rate() const;
};

// In order of what was asked of them, most first.
std::vector<CachedClass> by_class(const std::vector<CachedRelation> &relations);

// Relations that fill a good part of the buffers with what is hardly used again, largest first.
std::vector<CachedRelation> polluters(const std::vector<CachedRelation> &relations,
                                      std::int64_t pool_blocks);

// A point of the server's miss-ratio curve.
struct SizePoint {
    double bytes = 0;
    std::optional<double> hit_rate;
    double error = 0;
    bool observed = false;
    bool at_least = false; // not observed, but no lower than this
};

struct SizeAdvice {
    enum class Verdict { Unknown, Keep, Grow, Shrink } verdict = Verdict::Unknown;
    double bytes = 0;             // advised size
    double hit_rate = 0;          // there
    double reads_saved_per_s = 0; // against the present size; negative: added
};

// The smallest observed size whose hit rate lies within `tolerance` of the best that was observed
// within `most_bytes`. Differences within the sample's error do not count.
SizeAdvice advise_size(const std::vector<SizePoint> &curve, double present_bytes,
                       double accesses_per_s, double most_bytes, double tolerance = 0.005);

// How a table is read and written.
struct TableRates {
    std::string name, data_class;
    TtlWorkload workload;
};

struct TtlAdvice {
    std::string data_class;
    double reads_per_s = 0, writes_per_s = 0;
    double default_ttl_s = 0;
    TtlOutcome at_default;
    double ttl_s = 0; // keeps the staleness that was asked for
    TtlOutcome at_advised;
};

// The time to live that pg_triage starts from for a data class.
double default_ttl_of(const std::string &data_class);

// One for each class that is read, in order of its name.
std::vector<TtlAdvice> advise_ttl(const std::vector<TableRates> &tables, double stale_share);

} // namespace triage::advisor
