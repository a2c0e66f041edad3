#include "core/store_image.h"

#include "core/crc32c.h"

#include <algorithm>
#include <cmath>
#include <cstring>
#include <limits>

namespace triage::store_image {

namespace {

constexpr char magic[8] = {'P', 'G', 'T', 'R', 'I', 'A', 'G', 'E'};
constexpr std::size_t header_bytes = sizeof(magic) + 4 + 4 + 8;
constexpr std::size_t checksum_bytes = 4;

enum class Kind : std::uint8_t { Statement = 1, Scan = 2, Plan = 3, End = 255 };

// Bytes of numbers, little end first, whatever the machine; to a place that has room for all of
// them.
class Encoder {
  public:
    explicit Encoder(char *out) : end_(out) {}

    char *end() const { return end_; }

    template <class Integer> void fixed(Integer value) {
        const auto bits = static_cast<std::make_unsigned_t<Integer>>(value);
        for (std::size_t i = 0; i < sizeof(Integer); i++)
            end_[i] = static_cast<char>(static_cast<std::uint64_t>(bits) >> (8 * i));
        end_ += sizeof(Integer);
    }
    void real(double value) {
        std::uint64_t bits;
        std::memcpy(&bits, &value, sizeof bits);
        fixed(bits);
    }
    void bytes(const void *data, std::size_t length) {
        std::memcpy(end_, data, length);
        end_ += length;
    }
    // Of an array: only those that are not 0, behind their number; most histograms fill few of
    // their buckets.
    template <class Counts> void counts(const Counts &counts) {
        char *number = end_++;
        std::uint8_t used = 0;
        constexpr std::size_t at_once = 4; // to pass by the empty ones
        for (std::size_t i = 0; i < std::size(counts); i += at_once) {
            const std::size_t end = std::min(i + at_once, std::size(counts));
            std::uint64_t any = 0;
            for (std::size_t k = i; k < end; k++)
                any |= counts[k];
            for (std::size_t k = i; any != 0 && k < end; k++)
                if (counts[k] != 0) {
                    fixed(static_cast<std::uint8_t>(k));
                    fixed(counts[k]);
                    used++;
                }
        }
        *number = static_cast<char>(used);
    }

  private:
    char *end_;
};

class Decoder {
  public:
    explicit Decoder(std::span<const unsigned char> bytes) : left_(bytes) {}

    bool failed() const { return failed_; }
    bool at_end() const { return left_.empty(); }

    template <class Integer> Integer fixed() {
        std::uint64_t bits = 0;
        if (const unsigned char *data = take(sizeof(Integer)))
            for (std::size_t i = 0; i < sizeof(Integer); i++)
                bits |= static_cast<std::uint64_t>(data[i]) << (8 * i);
        return static_cast<Integer>(bits);
    }
    // A finite, non-negative number: everything that is stored is one.
    double real() {
        const auto bits = fixed<std::uint64_t>();
        double value;
        std::memcpy(&value, &bits, sizeof value);
        if (!std::isfinite(value) || value < 0)
            failed_ = true;
        return value;
    }
    float short_real() {
        const double value = real();
        if (value > std::numeric_limits<float>::max())
            failed_ = true;
        return failed_ ? 0 : static_cast<float>(value);
    }
    const unsigned char *take(std::size_t length) {
        if (failed_ || left_.size() < length) {
            failed_ = true;
            return nullptr;
        }
        const unsigned char *data = left_.data();
        left_ = left_.subspan(length);
        return data;
    }

  private:
    std::span<const unsigned char> left_;
    bool failed_ = false;
};

void encode(Encoder &out, const StatementKey &key) {
    out.fixed(key.userid);
    out.fixed(key.dbid);
    out.fixed(key.queryid);
}

void decode(Decoder &in, StatementKey &key) {
    key.userid = in.fixed<std::uint32_t>();
    key.dbid = in.fixed<std::uint32_t>();
    key.queryid = in.fixed<std::int64_t>();
}

template <class Counts> bool decode_counts(Decoder &in, Counts &counts) {
    static_assert(sizeof(counts) / sizeof(counts[0]) <= UINT8_MAX);
    const auto used = in.fixed<std::uint8_t>();
    for (int i = 0; i < used; i++) {
        const auto place = in.fixed<std::uint8_t>();
        const auto count = in.fixed<std::remove_reference_t<decltype(counts[0])>>();
        if (place >= std::size(counts))
            return false;
        counts[place] = count;
    }
    return true;
}

void encode(Encoder &out, const StatementRecord &record) {
    encode(out, record.key);
    out.fixed(record.main_relation);
    out.fixed(record.rows);
    out.fixed(record.sampled);
    out.fixed(record.generic_plans);
    out.fixed(record.total_ns);
    out.fixed(record.max_ns);
    out.fixed(record.first_seen);
    out.fixed(record.last_seen);
    out.fixed(record.current_plan);
    out.counts(record.habits.counts);
    out.counts(record.counts);
}

bool decode(Decoder &in, StatementRecord &record) {
    decode(in, record.key);
    record.main_relation = in.fixed<std::uint32_t>();
    record.rows = in.fixed<std::uint64_t>();
    record.sampled = in.fixed<std::uint64_t>();
    record.generic_plans = in.fixed<std::uint64_t>();
    record.total_ns = in.fixed<std::uint64_t>();
    record.max_ns = in.fixed<std::uint64_t>();
    record.first_seen = in.fixed<std::int64_t>();
    record.last_seen = in.fixed<std::int64_t>();
    record.current_plan = in.fixed<std::uint64_t>();
    return decode_counts(in, record.habits.counts) && decode_counts(in, record.counts);
}

void encode(Encoder &out, const ScanRecord &record) {
    const ScanTotals &totals = record.totals;
    encode(out, record.key);
    out.fixed(record.relation);
    out.fixed(totals.executions);
    out.fixed(totals.sequential);
    out.fixed(totals.sorted);
    out.fixed(totals.limited);
    out.real(totals.estimated_rows);
    out.real(totals.actual_rows);
    out.real(totals.rows_removed);
    out.fixed(static_cast<std::uint8_t>(totals.clause_count));
    for (std::uint32_t i = 0; i < totals.clause_count; i++) {
        const ClauseTotals &clause = totals.clauses[i];
        out.fixed(clause.identity.attribute);
        out.fixed(static_cast<std::uint8_t>(clause.identity.op));
        out.fixed(static_cast<std::uint8_t>(clause.identity.operand));
        out.fixed(clause.identity.opno);
        out.fixed(clause.estimates);
        out.real(clause.selectivity_sum);
        out.real(clause.worst_selectivity);
        out.fixed(clause.withheld);
    }
    out.fixed(static_cast<std::uint8_t>(totals.value_count));
    for (std::uint32_t i = 0; i < totals.value_count; i++) {
        const KeptValue &value = totals.values[i];
        const auto length = static_cast<std::uint8_t>(strnlen(value.text, longest_kept_value));
        out.fixed(value.clause);
        out.fixed(value.executions);
        out.real(value.sharing_rows);
        out.fixed(length);
        out.bytes(value.text, length);
    }
    out.fixed(static_cast<std::uint8_t>(totals.range_count));
    for (std::uint32_t i = 0; i < totals.range_count; i++) {
        const RangeTotals &range = totals.ranges[i];
        out.fixed(range.attribute);
        out.fixed(range.executions);
        out.real(range.first);
        out.real(range.second);
        out.real(range.third);
    }
}

bool decode(Decoder &in, ScanRecord &record) {
    ScanTotals &totals = record.totals;
    decode(in, record.key);
    record.relation = in.fixed<std::uint32_t>();
    totals.executions = in.fixed<std::uint64_t>();
    totals.sequential = in.fixed<std::uint64_t>();
    totals.sorted = in.fixed<std::uint64_t>();
    totals.limited = in.fixed<std::uint64_t>();
    totals.estimated_rows = in.real();
    totals.actual_rows = in.real();
    totals.rows_removed = in.real();
    totals.clause_count = in.fixed<std::uint8_t>();
    if (totals.clause_count > most_clauses_a_scan)
        return false;
    for (std::uint32_t i = 0; i < totals.clause_count; i++) {
        ClauseTotals &clause = totals.clauses[i];
        clause.identity.attribute = in.fixed<std::int16_t>();
        const auto op = in.fixed<std::uint8_t>();
        const auto operand = in.fixed<std::uint8_t>();
        clause.identity.opno = in.fixed<std::uint32_t>();
        clause.estimates = in.fixed<std::uint64_t>();
        clause.selectivity_sum = in.real();
        clause.worst_selectivity = in.real();
        clause.withheld = in.fixed<std::uint64_t>();
        if (op > static_cast<std::uint8_t>(ClauseOperator::Other) ||
            operand > static_cast<std::uint8_t>(Operand::Join))
            return false;
        clause.identity.op = static_cast<ClauseOperator>(op);
        clause.identity.operand = static_cast<Operand>(operand);
    }
    totals.value_count = in.fixed<std::uint8_t>();
    if (totals.value_count > most_values_a_scan)
        return false;
    for (std::uint32_t i = 0; i < totals.value_count; i++) {
        KeptValue &value = totals.values[i];
        value.clause = in.fixed<std::uint8_t>();
        value.executions = in.fixed<std::uint32_t>();
        value.sharing_rows = in.short_real();
        const auto length = in.fixed<std::uint8_t>();
        const unsigned char *text = in.take(length);
        if (text == nullptr || length > longest_kept_value || value.clause >= totals.clause_count ||
            std::memchr(text, 0, length))
            return false;
        std::memcpy(value.text, text, length);
    }
    totals.range_count = in.fixed<std::uint8_t>();
    if (totals.range_count > most_ranges_a_scan)
        return false;
    for (std::uint32_t i = 0; i < totals.range_count; i++) {
        RangeTotals &range = totals.ranges[i];
        range.attribute = in.fixed<std::int16_t>();
        range.executions = in.fixed<std::uint64_t>();
        range.first = in.real();
        range.second = in.real();
        range.third = in.real();
    }
    return true;
}

void encode(Encoder &out, const PlanRecord &record) {
    encode(out, record.key);
    out.fixed(record.planid);
    out.fixed(record.executions);
    out.fixed(record.sampled);
    out.fixed(record.total_ns);
    out.fixed(record.first_seen);
    out.fixed(record.last_seen);
    out.fixed(record.taken_up);
    out.fixed(record.succeeded);
    out.fixed(record.times_taken_up);
    out.counts(record.counts);
    out.fixed(record.shape.hash.total);
    out.fixed(static_cast<std::uint8_t>(record.shape.count));
    for (std::uint32_t i = 0; i < record.shape.count; i++) {
        const PlanShapeNode &node = record.shape.nodes[i];
        out.fixed(static_cast<std::uint8_t>(node.node));
        out.fixed(node.depth);
        out.fixed(node.join_type);
        out.fixed(node.parallel);
        out.fixed(node.relation);
        out.fixed(node.index);
    }
}

bool decode(Decoder &in, PlanRecord &record) {
    decode(in, record.key);
    record.planid = in.fixed<std::uint64_t>();
    record.executions = in.fixed<std::uint64_t>();
    record.sampled = in.fixed<std::uint64_t>();
    record.total_ns = in.fixed<std::uint64_t>();
    record.first_seen = in.fixed<std::int64_t>();
    record.last_seen = in.fixed<std::int64_t>();
    record.taken_up = in.fixed<std::int64_t>();
    record.succeeded = in.fixed<std::uint64_t>();
    record.times_taken_up = in.fixed<std::uint64_t>();
    if (!decode_counts(in, record.counts))
        return false;
    record.shape.hash.total = in.fixed<std::uint32_t>();
    record.shape.count = in.fixed<std::uint8_t>();
    if (record.shape.count > PlanShape::most_nodes || record.shape.hash.total < record.shape.count)
        return false;
    for (std::uint32_t i = 0; i < record.shape.count; i++) {
        PlanShapeNode &node = record.shape.nodes[i];
        const auto kind = in.fixed<std::uint8_t>();
        node.depth = in.fixed<std::uint8_t>();
        node.join_type = in.fixed<std::uint8_t>();
        node.parallel = in.fixed<std::uint8_t>();
        node.relation = in.fixed<std::uint32_t>();
        node.index = in.fixed<std::uint32_t>();
        if (kind >= static_cast<std::uint8_t>(PlanNode::Count))
            return false;
        node.node = static_cast<PlanNode>(kind);
    }
    record.shape.hash.value = record.planid;
    return true;
}

constexpr std::size_t record_header_bytes = 1 + 4;

template <class Record> void append(std::string &buffer, Kind kind, const Record &record) {
    // A field takes what it takes in the record, a count or a text a byte more.
    char bytes[record_header_bytes + 2 * sizeof(Record)];
    Encoder contents(bytes + record_header_bytes);
    encode(contents, record);
    Encoder header(bytes);
    header.fixed(static_cast<std::uint8_t>(kind));
    header.fixed(static_cast<std::uint32_t>(contents.end() - header.end() - 4));
    buffer.append(bytes, contents.end());
}

// Appends a piece of at most `most` bytes that `encode` writes.
template <std::size_t most, class Encode> void append_piece(std::string &buffer, Encode encode) {
    char bytes[most];
    Encoder out(bytes);
    encode(out);
    buffer.append(bytes, out.end());
}

// Decodes one whole record of its kind; false unless its length is exactly what it needs.
template <class Record> bool whole(std::span<const unsigned char> bytes, Record &record) {
    Decoder in(bytes);
    return decode(in, record) && !in.failed() && in.at_end();
}

} // namespace

Writer::Writer(const Origin &origin) : crc_(0) {
    append_piece<header_bytes>(buffer_, [&](Encoder &out) {
        out.bytes(magic, sizeof magic);
        out.fixed(format_version);
        out.fixed(origin.server_version);
        out.fixed(origin.system_identifier);
    });
}

void Writer::add(const StatementRecord &record) {
    append(buffer_, Kind::Statement, record);
    records_++;
}

void Writer::add(const ScanRecord &record) {
    append(buffer_, Kind::Scan, record);
    records_++;
}

void Writer::add(const PlanRecord &record) {
    append(buffer_, Kind::Plan, record);
    records_++;
}

void Writer::finish(std::int64_t stats_since) {
    append_piece<record_header_bytes + 12>(buffer_, [&](Encoder &out) {
        out.fixed(static_cast<std::uint8_t>(Kind::End));
        out.fixed(std::uint32_t{12});
        out.fixed(records_);
        out.fixed(stats_since);
    });
    crc_ = crc32c(crc_, buffer_.data(), buffer_.size());
    append_piece<checksum_bytes>(buffer_, [&](Encoder &out) { out.fixed(crc_); });
}

void Writer::clear_pending() {
    crc_ = crc32c(crc_, buffer_.data(), buffer_.size());
    buffer_.clear();
}

const char *reason(Verdict verdict) {
    switch (verdict) {
    case Verdict::Good:
        return "it is good";
    case Verdict::NotOurs:
        return "it is not a statistics file";
    case Verdict::OtherFormat:
        return "it was written by another version of pg_triage";
    case Verdict::OtherServer:
        return "it was written by another server";
    case Verdict::Truncated:
        return "it is truncated";
    case Verdict::BadChecksum:
        return "its checksum is wrong";
    case Verdict::Corrupt:
        break;
    }
    return "its contents make no sense";
}

Verdict read_records(std::span<const unsigned char> bytes, Visitor *visitor,
                     std::int64_t &stats_since) {
    Decoder in(bytes);
    std::uint32_t records = 0;
    while (!in.at_end()) {
        const auto kind = static_cast<Kind>(in.fixed<std::uint8_t>());
        const auto length = in.fixed<std::uint32_t>();
        const unsigned char *data = in.take(length);
        if (in.failed())
            return Verdict::Truncated;
        const std::span<const unsigned char> payload(data, length);
        switch (kind) {
        case Kind::Statement: {
            StatementRecord record;
            if (!whole(payload, record))
                return Verdict::Corrupt;
            if (visitor)
                visitor->statement(record);
            break;
        }
        case Kind::Scan: {
            ScanRecord record;
            if (!whole(payload, record))
                return Verdict::Corrupt;
            if (visitor)
                visitor->scan(record);
            break;
        }
        case Kind::Plan: {
            PlanRecord record;
            if (!whole(payload, record))
                return Verdict::Corrupt;
            if (visitor)
                visitor->plan(record);
            break;
        }
        case Kind::End: {
            Decoder end(payload);
            const auto expected = end.fixed<std::uint32_t>();
            stats_since = end.fixed<std::int64_t>();
            const bool sound = !end.failed() && end.at_end() && in.at_end();
            return sound && expected == records ? Verdict::Good : Verdict::Corrupt;
        }
        default:
            return Verdict::Corrupt;
        }
        records++;
    }
    return Verdict::Truncated;
}

Verdict read(std::span<const unsigned char> bytes, const Origin &origin, Visitor &visitor,
             std::int64_t &stats_since) {
    if (bytes.size() < sizeof(magic) || std::memcmp(bytes.data(), magic, sizeof magic) != 0)
        return Verdict::NotOurs;
    if (bytes.size() < header_bytes + checksum_bytes)
        return Verdict::Truncated;
    Decoder header(bytes.subspan(sizeof magic));
    if (header.fixed<std::uint32_t>() != format_version)
        return Verdict::OtherFormat;
    const bool same_version = header.fixed<std::uint32_t>() == origin.server_version;
    const bool same_system = header.fixed<std::uint64_t>() == origin.system_identifier;
    if (!same_version || !same_system)
        return Verdict::OtherServer;
    const std::size_t summed = bytes.size() - checksum_bytes;
    const auto records = bytes.subspan(header_bytes, summed - header_bytes);
    Decoder checksum(bytes.subspan(summed));
    if (checksum.fixed<std::uint32_t>() != crc32c(0, bytes.data(), summed)) {
        // A file cut short tells so itself: its last record is missing.
        std::int64_t ignored;
        return read_records(records, nullptr, ignored) == Verdict::Truncated ? Verdict::Truncated
                                                                             : Verdict::BadChecksum;
    }
    if (const Verdict verdict = read_records(records, nullptr, stats_since);
        verdict != Verdict::Good)
        return verdict;
    return read_records(records, &visitor, stats_since);
}

} // namespace triage::store_image
