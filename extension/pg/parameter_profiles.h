// What the samples tell of a statement's parameters: which are literals of its text, how selective
// they are, and which shared values they take. A statement whose literals or parameters take
// several values, or whose ranges are now narrow and now wide, becomes several variants, each with
// its share of the executions.
#pragma once

#include "pg/parameter_values.h"
#include "pg/store.h"

#include <map>
#include <string>
#include <vector>

namespace triage {

struct StatementVariant {
    double share = 1;                // of the statement's executions
    std::vector<WantedValue> wanted; // by parameter
};

class ParameterProfiles {
  public:
    explicit ParameterProfiles(const std::vector<store::ScanStats> &scans);

    // How many elements the longest list of values that is known whole has; typical_list_elements if
    // none is.
    int list_elements(std::int64_t queryid) const;

    // At least one. Values point into this object.
    std::vector<StatementVariant> variants(std::int64_t queryid, const ParameterUses &uses) const;

  private:
    // A condition of a statement on a column, over all the scans (and partitions) where it occurs.
    struct Place {
        std::int64_t queryid;
        RelationId relation;
        AttributeNumber attribute;
        Oid opno;

        auto operator<=>(const Place &) const = default;
    };
    struct Value {
        std::string text;
        double executions = 0;
    };
    struct Profile {
        Operand operand = Operand::Literal;
        ClauseOperator op = ClauseOperator::Other;
        double executions = 0;
        double estimates = 0, selectivity = 0; // the latter summed up over the former
        double usual() const { return estimates > 0 ? selectivity / estimates : 1; }
        double withheld = 0;
        std::vector<Value> values; // the most frequent first; of an IN list, its elements
    };
    // What a condition may be planned with, and in which share of the executions: a value for each
    // of its parameters, or none (some value as selective as the condition usually is).
    struct Option {
        std::vector<const char *> values;
        double share = 1;
    };

    struct Column {
        std::int64_t queryid;
        RelationId relation;
        AttributeNumber attribute;

        auto operator<=>(const Column &) const = default;
    };
    // One of a column's bounds, and the parameters that make it.
    struct Bound {
        const Profile *profile;
        std::vector<std::size_t> parameters;
    };

    const Profile *find(std::int64_t queryid, const ParameterUse &use) const;
    static void add_parameter(std::vector<Bound> &bounds, const Profile *profile, std::size_t i);
    void vary_by_values(std::vector<StatementVariant> &variants, const ParameterUses &uses,
                        const Profile &profile, const std::vector<std::size_t> &parameters) const;
    void vary_by_range(std::vector<StatementVariant> &variants, const Column &column,
                       const std::vector<Bound> &bounds) const;
    double usual_share(const Column &column) const;
    static std::vector<Option> options(const Profile &profile, const ParameterUse &use);
    static std::vector<Option> options_of_list(const Profile &profile, const ParameterUse &use);

    std::map<Place, Profile> profiles_;
    std::map<Column, RangeTotals> ranges_;
};

} // namespace triage
