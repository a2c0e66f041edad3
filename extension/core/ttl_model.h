// What an application's cache with a time to live would do for data that is read and written at
// known rates: how often it hits, how often what it returns is out of date, and by how much.
//
// Each key is read and written at random moments (Poisson); an entry is filled by a miss and
// dropped after the time to live, no write reaches it before. How popular keys are follows Zipf's
// law.
#pragma once

#include <limits>

namespace triage {

struct TtlWorkload {
    double reads_per_s = 0, writes_per_s = 0; // over all keys
    double keys = 1;                          // that are read at all
    double read_skew = 0.8;                   // Zipf's exponent; 0: all keys alike
    double write_skew = 0;                    // of the same keys in the same order
};

struct TtlOutcome {
    double hit_rate = 0;    // share of the reads that the cache answers
    double stale_share = 0; // share of all reads answered with what a write has overtaken
    double behind_s =
        0; // mean time since the overtaking write, over all reads answered by the cache
    double entries = 0; // expected number in the cache
};

TtlOutcome ttl_outcome(const TtlWorkload &workload, double ttl_s);

// The longest time to live, up to `longest_s`, for which at most this share of the reads is stale.
double ttl_for_staleness(const TtlWorkload &workload, double stale_share, double longest_s = 86400);

// The shortest time to live that reaches this hit rate; infinity if none does.
double ttl_for_hit_rate(const TtlWorkload &workload, double hit_rate, double longest_s = 86400);

} // namespace triage
