// Which column of a partitioned table a partition's column is: statistics are of partitions,
// recommendations are for the table that the statements name.
#pragma once

#include "core/index_definition.h"
#include "pg/pg.h"

#include <map>
#include <utility>

namespace triage {

class RootColumns {
  public:
    // The column itself, if the relation is no partition (or is gone).
    std::pair<RelationId, AttributeNumber> find(RelationId relation, AttributeNumber attribute);

  private:
    std::map<std::pair<RelationId, AttributeNumber>, std::pair<RelationId, AttributeNumber>> known_;
};

} // namespace triage
