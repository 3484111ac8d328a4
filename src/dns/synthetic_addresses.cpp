#include "dns/synthetic_addresses.hpp"

#include <algorithm>

namespace deployclaw::dns {
namespace {

using Ipv4 = boost::asio::ip::address_v4;

constexpr std::uint32_t kBase = 0xC6120000;  // 198.18.0.0
constexpr std::uint32_t kSize = 1U << 17;    // /15
// The first and the last address of the range are never given: some programs refuse them.
constexpr std::uint32_t kFirst = 1;
constexpr std::uint32_t kLast = kSize - 2;
static_assert(SyntheticAddresses::kMaxCapacity < kLast - kFirst);

bool is_usable(std::uint32_t offset) { return offset >= kFirst && offset <= kLast; }

}  // namespace

SyntheticAddresses::SyntheticAddresses(std::size_t capacity)
    : capacity_(std::clamp<std::size_t>(capacity, 1, kMaxCapacity)) {}

bool SyntheticAddresses::is_synthetic(Ipv4 address) {
  return (address.to_uint() & ~(kSize - 1)) == kBase;
}

Ipv4 SyntheticAddresses::address_of(std::string_view host) {
  const auto found = by_host_.find(host);
  if (found != by_host_.end()) {
    entries_.splice(entries_.end(), entries_, found->second);
    return found->second->address;
  }
  const auto offset = fresh_offset();  // never the one that is taken away next
  if (entries_.size() >= capacity_) evict_oldest();
  insert(std::string(host), offset);
  return entries_.back().address;
}

std::optional<std::string> SyntheticAddresses::host_of(Ipv4 address) {
  if (!is_synthetic(address)) return std::nullopt;
  const auto found = by_offset_.find(address.to_uint() - kBase);
  if (found == by_offset_.end()) return std::nullopt;
  entries_.splice(entries_.end(), entries_, found->second);
  return found->second->host;
}

SyntheticTable SyntheticAddresses::table() const {
  return {.entries = {entries_.begin(), entries_.end()}, .next = next_};
}

void SyntheticAddresses::preload(const SyntheticTable& table) {
  by_host_.clear();
  by_offset_.clear();
  entries_.clear();
  next_ = is_usable(table.next) ? table.next : kFirst;
  for (const auto& [host, address] : table.entries) {
    const auto offset = address.to_uint() - kBase;
    if (!is_synthetic(address) || !is_usable(offset)) continue;
    if (by_host_.contains(host) || by_offset_.contains(offset)) continue;
    if (entries_.size() >= capacity_) evict_oldest();
    insert(host, offset);
  }
}

void SyntheticAddresses::insert(std::string host, std::uint32_t offset) {
  const auto entry =
      entries_.insert(entries_.end(), SyntheticEntry{std::move(host), Ipv4(kBase + offset)});
  by_host_.emplace(entry->host, entry);
  by_offset_.emplace(offset, entry);
}

void SyntheticAddresses::evict_oldest() {
  const auto& oldest = entries_.front();
  by_host_.erase(oldest.host);
  by_offset_.erase(oldest.address.to_uint() - kBase);
  entries_.pop_front();
}

// Goes round the whole range. The range is twice the capacity, so a free one is always found, and
// walking over those in use is paid for by the calls that put them there.
std::uint32_t SyntheticAddresses::fresh_offset() {
  for (;;) {
    const auto offset = next_;
    next_ = offset == kLast ? kFirst : offset + 1;
    if (!by_offset_.contains(offset)) return offset;
  }
}

}  // namespace deployclaw::dns
