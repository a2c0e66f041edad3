#include "pg/redact.h"

#include "pg/column_facts.h"
#include "pg/guc.h"

#include <cmath>
#include <cstring>

namespace triage::predicates {

namespace {

constexpr int most_list_elements = 32; // of an IN list; the rest is taken to be like these

// Puts a value down if the rule lets it out; false if not.
bool keep_value(Condition &condition, const column_facts::Column &column,
                const CommonValue *common) {
    ScanSample &scan = condition.scan->scan;
    if (common == nullptr || common->printed == nullptr)
        return false;
    // Whole rows; the frequency was one count divided by another, in four bytes.
    const double sharing_rows = std::floor(common->frequency * column.profile.rows * (1 + 1e-6));
    const std::size_t length = strlen(common->printed);
    if (!may_keep_value(column.secrecy, sharing_rows, length, guc::min_shared_rows) ||
        scan.value_count >= most_values_a_scan)
        return false;
    ValueSample &value = scan.values[scan.value_count++];
    value.clause = static_cast<std::uint8_t>(condition.clause);
    value.sharing_rows = static_cast<float>(sharing_rows);
    memcpy(value.text, common->printed, length + 1);
    return true;
}

struct ListEstimate {
    Condition &condition;
    const column_facts::Column &column;
    double selectivity = 0;
    bool estimated = true, withheld = false;
};

void estimate_element(void *context, Oid type, Datum element, bool is_null) {
    auto &list = *static_cast<ListEstimate *>(context);
    if (is_null)
        return;
    const ColumnValue value = datum_values::value_for(list.column.type, type, element);
    const CommonValue *common = list.column.profile.find_common(value);
    if (const auto selectivity = list.column.profile.equal_selectivity(value, common))
        list.selectivity += *selectivity;
    else
        list.estimated = false;
    if (!keep_value(list.condition, list.column, common))
        list.withheld = true;
}

// col = ANY (array), or with `negated` col <> ALL (array).
void estimate_list(Condition &condition, const column_facts::Column &column, bool negated,
                   ClauseSample &clause) {
    ListEstimate list{condition, column};
    if (!datum_values::visit_elements(column.type, condition.value, most_list_elements,
                                      estimate_element, &list)) {
        clause.withheld = true;
        return;
    }
    clause.withheld = list.withheld;
    if (!list.estimated)
        return;
    const double matching = std::min(list.selectivity, 1.0);
    clause.selectivity = static_cast<float>(
        negated ? std::max(0.0, 1 - matching - column.profile.null_fraction) : matching);
}

Comparison mirrored(Comparison comparison) {
    switch (comparison) {
    case Comparison::Less:
        return Comparison::Greater;
    case Comparison::LessEqual:
        return Comparison::GreaterEqual;
    case Comparison::GreaterEqual:
        return Comparison::LessEqual;
    case Comparison::Greater:
        break;
    }
    return Comparison::Less;
}

// The literal beginning of a LIKE pattern, into a buffer of fixed size.
std::string_view literal_prefix(std::string_view pattern, std::array<char, 64> &buffer) {
    std::size_t length = 0;
    for (std::size_t i = 0; i < pattern.size() && length < buffer.size(); i++) {
        if (pattern[i] == '%' || pattern[i] == '_')
            break;
        if (pattern[i] == '\\' && ++i >= pattern.size())
            break;
        buffer[length++] = pattern[i];
    }
    return {buffer.data(), length};
}

void set_selectivity(ClauseSample &clause, std::optional<double> selectivity) {
    if (selectivity)
        clause.selectivity = static_cast<float>(*selectivity);
}

void estimate_comparison(Condition &condition, const column_facts::Operator &op,
                         const column_facts::Column &column, ClauseSample &clause) {
    const ColumnProfile &profile = column.profile;
    const ColumnValue value = datum_values::value_for(column.type, condition.type, condition.value);
    const CommonValue *common = profile.find_common(value);
    clause.withheld = !keep_value(condition, column, common);
    switch (op.op) {
    case ClauseOperator::Equal:
        set_selectivity(clause, profile.equal_selectivity(value, common));
        break;
    case ClauseOperator::NotEqual:
        if (const auto equal = profile.equal_selectivity(value, common))
            clause.selectivity =
                static_cast<float>(std::max(0.0, 1 - *equal - profile.null_fraction));
        break;
    case ClauseOperator::Range:
        set_selectivity(clause, profile.range_selectivity(condition.column_on_the_right
                                                              ? mirrored(op.comparison)
                                                              : op.comparison,
                                                          value));
        break;
    case ClauseOperator::Prefix: {
        std::array<char, 64> buffer;
        const std::string_view prefix =
            op.pattern ? literal_prefix(value.bytes, buffer) : value.bytes;
        if (prefix.empty()) // LIKE '%...'
            clause.identity.op = ClauseOperator::Other;
        else
            set_selectivity(clause, profile.prefix_selectivity(prefix));
        break;
    }
    default:
        break;
    }
}

ClauseOperator clause_operator(const Condition &condition, const column_facts::Operator *op) {
    switch (condition.form) {
    case Condition::Form::IsNull:
        return ClauseOperator::IsNull;
    case Condition::Form::IsNotNull:
        return ClauseOperator::IsNotNull;
    case Condition::Form::IsTrue:
    case Condition::Form::IsFalse:
        return ClauseOperator::Equal;
    case Condition::Form::AnyOf:
        return op->op == ClauseOperator::Equal ? ClauseOperator::In : ClauseOperator::Other;
    case Condition::Form::AllOf:
        return op->op == ClauseOperator::NotEqual ? op->op : ClauseOperator::Other;
    case Condition::Form::Compare:
        break;
    }
    // A pattern that is not known may begin with anything; a pattern never stands on the left.
    if (op->op == ClauseOperator::Prefix && (!condition.known || condition.column_on_the_right))
        return ClauseOperator::Other;
    return op->op;
}

void estimate_without_value(const Condition &condition, const column_facts::Column &column,
                            ClauseSample &clause) {
    const ColumnProfile &profile = column.profile;
    if (!profile.analyzed)
        return;
    if (condition.form == Condition::Form::IsNull)
        clause.selectivity = static_cast<float>(profile.null_fraction);
    else if (condition.form == Condition::Form::IsNotNull)
        clause.selectivity = static_cast<float>(1 - profile.null_fraction);
    else if (clause.identity.op == ClauseOperator::Equal)
        set_selectivity(clause, profile.average_equal_selectivity());
}

} // namespace

void redact(Condition &condition) {
    ClauseSample &clause = condition.scan->scan.clauses[condition.clause];
    const column_facts::Operator *op =
        OidIsValid(condition.opno) ? column_facts::find_operator(condition.opno) : nullptr;
    clause.identity.attribute = condition.attribute;
    clause.identity.operand = condition.operand;
    clause.identity.opno = condition.column_on_the_right && OidIsValid(op->commutator)
                               ? op->commutator
                               : condition.opno;
    clause.identity.op = clause_operator(condition, op);

    const column_facts::Column *column =
        column_facts::find_column(condition.scan->scan.relation, condition.attribute);
    const bool has_value = condition.known && !condition.is_null;
    if (column == nullptr) // not looked at, which is not to say that it was withheld
        return;
    if (condition.form == Condition::Form::IsTrue || condition.form == Condition::Form::IsFalse) {
        ColumnValue truth;
        truth.kind = ValueKind::Integer;
        truth.integer = condition.form == Condition::Form::IsTrue;
        set_selectivity(clause, column->profile.equal_selectivity(truth));
        keep_value(condition, *column, column->profile.find_common(truth));
    } else if (!has_value) {
        if (!condition.known)
            estimate_without_value(condition, *column, clause);
        clause.withheld = condition.operand == Operand::Parameter && !condition.known;
    } else if (condition.form == Condition::Form::AnyOf ||
               condition.form == Condition::Form::AllOf) {
        if (clause.identity.op == ClauseOperator::Other)
            clause.withheld = true;
        else
            estimate_list(condition, *column, condition.form == Condition::Form::AllOf, clause);
    } else {
        estimate_comparison(condition, *op, *column, clause);
    }
}

} // namespace triage::predicates
