#pragma once

#include "base/ids.hpp"

namespace deployclaw {

// Of one request that waits for a person, or waited.
struct ApprovalTag;
using ApprovalId = Id<ApprovalTag>;

}  // namespace deployclaw
