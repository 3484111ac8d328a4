#pragma once

#include <cstddef>
#include <cstdint>
#include <deque>
#include <map>
#include <vector>

#include "egress/spool_record.hpp"

namespace deployclaw::egress {

// Outcomes and events that the spool could not take, until it can. Bounded for each client and in
// all; what is beyond is counted, and take() adds a record that tells how many. Pure.
class HeldRecords {
 public:
  static constexpr std::size_t kMostOfClient = 1UL << 20;  // bytes
  static constexpr std::size_t kMost = 64UL << 20;

  void hold(SpoolRecord record);
  // One more of the client that will never be written.
  void count_lost(const ClientId& client);
  // The first ones held, of about `most_bytes`, behind one event for each client that lost some.
  std::vector<SpoolRecord> take(std::size_t most_bytes);

  [[nodiscard]] bool empty() const { return records_.empty() && lost_.empty(); }
  [[nodiscard]] std::size_t bytes() const { return total_; }
  // Ever.
  [[nodiscard]] std::uint64_t lost() const { return lost_ever_; }

 private:
  std::deque<SpoolRecord> records_;
  std::map<ClientId, std::size_t> bytes_;
  std::map<ClientId, std::uint64_t> lost_;
  std::size_t total_ = 0;
  std::uint64_t lost_ever_ = 0;
};

}  // namespace deployclaw::egress
