#include "egress/held_records.hpp"

#include <fmt/format.h>

#include <utility>

namespace deployclaw::egress {

void HeldRecords::hold(SpoolRecord record) {
  const std::size_t size = size_of(record);
  const auto found = bytes_.find(record.client);
  const std::size_t bytes = found == bytes_.end() ? 0 : found->second;
  if (bytes + size > kMostOfClient || total_ + size > kMost) {
    count_lost(record.client);
    return;
  }
  bytes_[record.client] = bytes + size;
  total_ += size;
  records_.push_back(std::move(record));
}

void HeldRecords::count_lost(const ClientId& client) {
  ++lost_[client];
  ++lost_ever_;
}

std::vector<SpoolRecord> HeldRecords::take(std::size_t most_bytes) {
  std::vector<SpoolRecord> out;
  for (const auto& [client, count] : std::exchange(lost_, {})) {
    out.push_back({.client = client,
                   .agent = {},
                   .json = fmt::format(R"({{"actionType":"audit_records_lost","outcome":"failure",)"
                                       R"("metadata":{{"records":{},"detail":"the audit spool )"
                                       R"(could not take them"}}}})",
                                       count)});
  }
  for (std::size_t taken = 0; taken < most_bytes && !records_.empty(); records_.pop_front()) {
    const std::size_t size = size_of(records_.front());
    taken += size;
    total_ -= size;
    const auto bytes = bytes_.find(records_.front().client);
    bytes->second -= size;
    if (bytes->second == 0) bytes_.erase(bytes);
    out.push_back(std::move(records_.front()));
  }
  return out;
}

}  // namespace deployclaw::egress
