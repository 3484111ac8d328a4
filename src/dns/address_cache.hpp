#pragma once

#include <chrono>
#include <list>
#include <optional>
#include <string>
#include <unordered_map>
#include <vector>

#include "dns/global_address.hpp"

namespace deployclaw::dns {

// Answers of nameservers for as long as they hold; the oldest goes when it is full. An empty list
// means that the name has no address. Private to this module. Single-threaded.
class AddressCache {
 public:
  using Instant = std::chrono::steady_clock::time_point;
  using Addresses = std::vector<Address>;

  explicit AddressCache(std::size_t capacity) : capacity_(capacity) {}

  // Nullopt when nothing is known, or no longer.
  std::optional<Addresses> find(const std::string& host, Instant now);
  void store(const std::string& host, Addresses addresses, Instant until);
  [[nodiscard]] std::size_t size() const { return by_host_.size(); }

 private:
  struct Entry {
    std::string host;
    Addresses addresses;
    Instant until;
  };
  using Entries = std::list<Entry>;

  void erase(Entries::iterator entry);

  const std::size_t capacity_;
  Entries entries_;  // in the order they were stored
  std::unordered_map<std::string, Entries::iterator> by_host_;
};

}  // namespace deployclaw::dns
