#include "dns/address_cache.hpp"

#include <iterator>
#include <utility>

namespace deployclaw::dns {

std::optional<AddressCache::Addresses> AddressCache::find(const std::string& host, Instant now) {
  const auto found = by_host_.find(host);
  if (found == by_host_.end()) return std::nullopt;
  const auto entry = found->second;
  if (entry->until <= now) {
    erase(entry);
    return std::nullopt;
  }
  return entry->addresses;
}

void AddressCache::store(const std::string& host, Addresses addresses, Instant until) {
  const auto known = by_host_.find(host);
  if (known != by_host_.end()) erase(known->second);
  if (capacity_ == 0) return;
  if (entries_.size() >= capacity_) erase(entries_.begin());
  entries_.push_back({host, std::move(addresses), until});
  by_host_.emplace(host, std::prev(entries_.end()));
}

void AddressCache::erase(Entries::iterator entry) {
  by_host_.erase(entry->host);
  entries_.erase(entry);
}

}  // namespace deployclaw::dns
