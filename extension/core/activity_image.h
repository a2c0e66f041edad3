// The log of activity as bytes: what the file of pg/activity_store holds. A header with a CRC-32C
// over everything, then head and slots as they lie in memory. Reading trusts nothing: any bytes
// give either a log that `observe` can go on with, or a reason why not.
#pragma once

#include "core/activity_log.h"

#include <string>
#include <vector>

namespace triage::activity_image {

enum class Verdict { Good, NotOurs, OtherFormat, OtherCluster, Truncated, BadChecksum, Corrupt };
const char *detail(Verdict verdict); // a sentence

std::string write(std::uint64_t system_identifier, const ActivityHead &head,
                  std::span<const ActivitySlot> slots);

// OIDs mean nothing in another cluster. Head and slots are touched only if all is good.
Verdict read(std::span<const unsigned char> bytes, std::uint64_t system_identifier,
             ActivityHead &head, std::vector<ActivitySlot> &slots);

} // namespace triage::activity_image
