#pragma once

#include <cstdint>
#include <deque>
#include <map>

#include "base/ids.hpp"

namespace deployclaw::egress {

// How many bytes of the spool belong to which client. A client may hold as much as it leaves free:
// one alone half of the spool, two that both want all of it a third each. So nobody can fill it
// for everyone. Counted in blocks: what a client holds is overstated by a block at most. Pure.
class SpoolShares {
 public:
  // `most` is the size of the whole spool, in bytes.
  explicit SpoolShares(std::uint64_t most) : most_(most), block_(most / 256) {}

  // A record that ends at `end`; positions only grow.
  void add(const ClientId& client, std::uint64_t bytes, std::uint64_t end);
  // Everything before `position` is in the database.
  void release(std::uint64_t position);
  // What lies behind `position` is void.
  void take_back(std::uint64_t position);

  [[nodiscard]] bool fits(const ClientId& client, std::uint64_t bytes) const;

 private:
  struct Block {
    std::uint64_t start = 0;
    std::uint64_t end = 0;
    std::map<ClientId, std::uint64_t> held;
  };
  void forget(const Block& block);

  const std::uint64_t most_;
  const std::uint64_t block_;
  std::deque<Block> blocks_;
  std::map<ClientId, std::uint64_t> held_;
  std::uint64_t total_ = 0;
};

}  // namespace deployclaw::egress
