#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "domain/names.hpp"

namespace deployclaw::services {

// An agent's allowed domains, packed: one text, and four bytes for each entry, since a thousand
// agents with hundreds of domains each are in memory at once. What admits a host is what
// domain::AllowedDomain admits, and of several entries the first in the customer's order counts.
// Immutable, safe from any thread; views point into it.
class DomainList {
 public:
  DomainList() = default;
  explicit DomainList(std::span<const domain::AllowedDomain> entries);

  struct Entry {
    std::string_view id;                // "domain:api.example.com:8443"
    std::string_view pattern;           // "api.example.com"
    std::optional<std::uint16_t> port;  // 80 and 443 without
  };
  // The entry that lets `host` (canonical) through on `port`.
  [[nodiscard]] std::optional<Entry> find(std::string_view host, std::uint16_t port) const;
  // The entry that names `host`, whatever its port.
  [[nodiscard]] std::optional<Entry> find_on_any_port(std::string_view host) const;
  // The entry without a port that names `host`.
  [[nodiscard]] std::optional<Entry> find_portless(std::string_view host) const;

  // Bytes on the heap.
  [[nodiscard]] std::size_t memory() const;

 private:
  [[nodiscard]] Entry entry_at(std::uint32_t offset) const;
  [[nodiscard]] std::string_view name_at(std::uint32_t offset) const;
  template <class Fits>
  [[nodiscard]] std::optional<Entry> first(std::string_view host, Fits fits) const;

  std::string text_;                    // the entries' ids in the customer's order, each ended
  std::vector<std::uint32_t> offsets_;  // of the ids, by their names read backwards
};

}  // namespace deployclaw::services
