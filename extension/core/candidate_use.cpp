#include "core/candidate_use.h"

#include <algorithm>

namespace triage {
namespace {

bool is_word(char c) {
    return c == '_' || (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
           static_cast<unsigned char>(c) >= 0x80;
}

bool is_known(const KeyExpression &key) {
    return key.attribute != 0 || !key.expression.empty();
}

} // namespace

bool mentions(const std::string &sql, const std::string &column) {
    if (column.empty())
        return false;
    for (std::size_t at = sql.find(column); at != std::string::npos;
         at = sql.find(column, at + 1)) {
        std::size_t end = at + column.size();
        if ((at == 0 || !is_word(sql[at - 1])) && (end == sql.size() || !is_word(sql[end])))
            return true;
    }
    return false;
}

CandidateUse::CandidateUse(const IndexDefinition &definition, const Relation &relation)
    : definition_(definition), relation_(relation) {
    for (const std::string &condition : definition.predicate) {
        condition_columns_.emplace_back();
        for (const Attribute &attribute : relation.attributes)
            if (mentions(condition, attribute.name))
                condition_columns_.back().push_back(attribute.number);
    }
}

bool CandidateUse::possible(const RelationAccess &access) const {
    if (access.relation != definition_.relation || definition_.keys.empty())
        return false;
    // A clause of which no key is known may be about anything. An OR is one: each of its arms is an
    // access of its own, but only as far as there are few.
    if (std::any_of(access.clauses.begin(), access.clauses.end(),
                    [](const Clause &clause) { return !is_known(clause.key); }))
        return true;
    return may_imply_predicate(access) &&
           (!definition_.predicate.empty() || leads(access) || covers(access));
}

bool CandidateUse::concerns(const Clause &clause, AttributeNumber column) const {
    if (clause.key.attribute != 0)
        return clause.key.attribute == column;
    return std::any_of(
        relation_.attributes.begin(), relation_.attributes.end(), [&](const Attribute &attribute) {
            return attribute.number == column && mentions(clause.key.expression, attribute.name);
        });
}

// A condition follows from clauses on its columns, or from none. One whose columns could not be
// read may follow from anything.
bool CandidateUse::may_imply_predicate(const RelationAccess &access) const {
    return std::all_of(
        condition_columns_.begin(), condition_columns_.end(), [&](const auto &columns) {
            return columns.empty() ||
                   std::any_of(access.clauses.begin(), access.clauses.end(),
                               [&](const Clause &clause) {
                                   return std::any_of(columns.begin(), columns.end(),
                                                      [&](AttributeNumber column) {
                                                          return concerns(clause, column);
                                                      });
                               });
        });
}

// A B-tree is for those who give its first key: for a condition on a later one alone there is a
// candidate that begins with it. The other methods can do with any of their keys.
bool CandidateUse::leads(const RelationAccess &access) const {
    auto end = definition_.method == IndexMethod::Btree ? definition_.keys.begin() + 1
                                                        : definition_.keys.end();
    return std::any_of(definition_.keys.begin(), end,
                       [&](const KeyColumn &column) { return is_looked_for(access, column.key); });
}

bool CandidateUse::is_looked_for(const RelationAccess &access, const KeyExpression &key) {
    return std::any_of(access.clauses.begin(), access.clauses.end(),
                       [&](const Clause &clause) { return clause.key == key; }) ||
           std::any_of(access.order_by.begin(), access.order_by.end(),
                       [&](const SortColumn &column) { return column.key == key; }) ||
           std::find(access.group_by.begin(), access.group_by.end(), key) != access.group_by.end();
}

// Read from end to end in place of the table.
bool CandidateUse::covers(const RelationAccess &access) const {
    return !access.whole_row &&
           std::all_of(access.columns_read.begin(), access.columns_read.end(),
                       [&](AttributeNumber column) {
                           return std::any_of(definition_.keys.begin(), definition_.keys.end(),
                                              [&](const KeyColumn &key) {
                                                  return key.key.attribute == column;
                                              }) ||
                                  std::binary_search(definition_.include.begin(),
                                                     definition_.include.end(), column);
                       });
}

} // namespace triage
