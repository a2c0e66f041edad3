// What the samples tell of a statement's parameters: which are literals of its text, how selective
// they are, and which shared values they take. A statement whose literals take several values
// becomes several variants, each with its share of the executions.
#pragma once

#include "pg/parameter_values.h"
#include "pg/store.h"

#include <map>
#include <string>
#include <vector>

namespace triage {

struct StatementVariant {
    double share = 1;                // of the statement's executions
    std::vector<WantedValue> wanted; // by parameter; values point into the profiles
};

class ParameterProfiles {
  public:
    explicit ParameterProfiles(const std::vector<store::ScanStats> &scans);

    // At least one. Points into this object.
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
        std::vector<std::string> elements; // of a list
        double executions = 0;
    };
    struct Profile {
        Operand operand = Operand::Literal;
        ClauseOperator op = ClauseOperator::Other;
        double estimates = 0, selectivity = 0; // the latter summed up over the former
        double withheld = 0;
        std::vector<Value> values; // the most frequent first
    };

    const Profile *find(std::int64_t queryid, const ParameterUse &use) const;
    static const char *text_for(const Value &value, const ParameterUse &use);

    std::map<Place, Profile> profiles_;
};

} // namespace triage
