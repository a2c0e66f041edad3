// The statistics as bytes: what the file of pg/store_file holds. A header, records that tell their
// kind and length, a closing record with their number, and a CRC-32C over all of it. Reading trusts
// nothing: any bytes give either a whole image or a reason why not.
#pragma once

#include "core/application_advice.h"
#include "core/histogram.h"
#include "core/plan_shape.h"
#include "core/scan_statistics.h"

#include <cstdint>
#include <span>
#include <string>
#include <type_traits>

namespace triage::store_image {

inline constexpr std::uint32_t format_version = 4;

struct StatementKey {
    std::uint32_t userid = 0, dbid = 0;
    std::int64_t queryid = 0;

    auto operator<=>(const StatementKey &) const = default;
};

// Times are PostgreSQL's TimestampTz, durations nanoseconds.
struct StatementRecord {
    StatementKey key;
    std::uint32_t main_relation = 0;
    std::uint64_t rows = 0, sampled = 0, generic_plans = 0;
    std::uint64_t total_ns = 0, max_ns = 0;
    std::int64_t first_seen = 0, last_seen = 0;
    std::uint64_t current_plan = 0; // the one taken up last; 0: none yet
    Habits habits;
    std::uint64_t counts[LatencyBuckets::count] = {};
};

struct ScanRecord {
    StatementKey key;
    std::uint32_t relation = 0;
    ScanTotals totals;
};

struct PlanRecord {
    StatementKey key;
    std::uint64_t planid = 0;
    std::uint64_t executions = 0, sampled = 0, total_ns = 0;
    std::int64_t first_seen = 0, last_seen = 0;
    // When it last became the statement's plan, which one was it until then (0: unknown), and how
    // often that happened.
    std::int64_t taken_up = 0;
    std::uint64_t succeeded = 0, times_taken_up = 0;
    std::uint32_t counts[CoarseBuckets::count] = {};
    PlanShape shape;
};
static_assert(std::is_trivially_copyable_v<StatementRecord> &&
              std::is_trivially_copyable_v<ScanRecord> && std::is_trivially_copyable_v<PlanRecord>);

// What else must agree before a file is believed: OIDs and node numbers mean nothing elsewhere.
struct Origin {
    std::uint32_t server_version = 0; // major
    std::uint64_t system_identifier = 0;
};

// Appends one piece after another to a buffer that the caller empties (into a file) whenever it
// likes.
class Writer {
  public:
    explicit Writer(const Origin &origin);
    void add(const StatementRecord &record);
    void add(const ScanRecord &record);
    void add(const PlanRecord &record);
    void finish(std::int64_t stats_since);

    // What was appended since the last call; the checksum goes on over all of it.
    const std::string &pending() const { return buffer_; }
    void clear_pending();

  private:
    std::string buffer_;
    std::uint32_t crc_;
    std::uint32_t records_ = 0;
};

struct Visitor {
    virtual ~Visitor() = default;
    virtual void statement(const StatementRecord &record) = 0;
    virtual void scan(const ScanRecord &record) = 0;
    virtual void plan(const PlanRecord &record) = 0;
};

enum class Verdict { Good, NotOurs, OtherFormat, OtherServer, Truncated, BadChecksum, Corrupt };
const char *reason(Verdict verdict); // for a log line, lower case

// Checks everything (header, checksum, every record) before the visitor sees the first record.
Verdict read(std::span<const unsigned char> bytes, const Origin &origin, Visitor &visitor,
             std::int64_t &stats_since);

// The records alone, without header and checksum: null visitor checks only.
Verdict read_records(std::span<const unsigned char> bytes, Visitor *visitor,
                     std::int64_t &stats_since);

} // namespace triage::store_image
