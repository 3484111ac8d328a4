#include "egress/spool_shares.hpp"

namespace deployclaw::egress {

void SpoolShares::add(const ClientId& client, std::uint64_t bytes, std::uint64_t end) {
  if (blocks_.empty() || blocks_.back().end - blocks_.back().start >= block_) {
    blocks_.push_back({.start = end - bytes, .end = end, .held = {}});
  }
  blocks_.back().end = end;
  blocks_.back().held[client] += bytes;
  held_[client] += bytes;
  total_ += bytes;
}

void SpoolShares::forget(const Block& block) {
  for (const auto& [client, bytes] : block.held) {
    total_ -= bytes;
    const auto found = held_.find(client);
    found->second -= bytes;
    if (found->second == 0) held_.erase(found);
  }
}

void SpoolShares::release(std::uint64_t position) {
  while (!blocks_.empty() && blocks_.front().end <= position) {
    forget(blocks_.front());
    blocks_.pop_front();
  }
}

void SpoolShares::take_back(std::uint64_t position) {
  // A block that begins before the position stays: the overstatement goes when it is released.
  while (!blocks_.empty() && blocks_.back().start >= position) {
    forget(blocks_.back());
    blocks_.pop_back();
  }
  if (!blocks_.empty() && blocks_.back().end > position) blocks_.back().end = position;
}

bool SpoolShares::fits(const ClientId& client, std::uint64_t bytes) const {
  const auto found = held_.find(client);
  const std::uint64_t held = found == held_.end() ? 0 : found->second;
  // What it would hold, and as much again left free for others.
  return total_ + bytes <= most_ && held + bytes <= most_ - total_ - bytes;
}

}  // namespace deployclaw::egress
