#pragma once

#include <boost/asio/ip/address_v4.hpp>
#include <cstdint>
#include <list>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

namespace deployclaw::dns {

// What one agent was told: which address stands for which name.
struct SyntheticEntry {
  std::string host;
  boost::asio::ip::address_v4 address;
  bool operator==(const SyntheticEntry&) const = default;
};

// The table as it outlives a process. `next` is where the search for a fresh address goes on.
struct SyntheticTable {
  std::vector<SyntheticEntry> entries;  // least recently used first
  std::uint32_t next = 1;
  bool operator==(const SyntheticTable&) const = default;
};

// One agent's make-believe addresses out of 198.18.0.0/15 (RFC 2544, never routed): a program
// that ignores proxies resolves a name, connects to the address, and egress reads the name back
// from it. A name keeps its address until `capacity` other names were used after it; an address
// that was taken from a name comes last in line to be given again. O(1) per call. Single-threaded.
class SyntheticAddresses {
 public:
  static constexpr std::size_t kMaxCapacity = 65'000;

  // `capacity` is held to 1 … kMaxCapacity. A name costs up to about 400 bytes.
  explicit SyntheticAddresses(std::size_t capacity = 4'096);
  SyntheticAddresses(const SyntheticAddresses&) = delete;
  SyntheticAddresses& operator=(const SyntheticAddresses&) = delete;

  // The address that stands for `host` (canonical, dns/host_name.hpp), a fresh one if it has none.
  boost::asio::ip::address_v4 address_of(std::string_view host);
  // The name behind an address that an agent connects to; nullopt when it was never given, or
  // was taken back.
  std::optional<std::string> host_of(boost::asio::ip::address_v4 address);

  [[nodiscard]] SyntheticTable table() const;
  // Puts a former table in place of what is there, so that a restarted process answers as the old
  // one did. Entries outside the range, repeated, or beyond the capacity (the least recently used
  // ones) are left out.
  void preload(const SyntheticTable& table);

  [[nodiscard]] std::size_t size() const { return by_host_.size(); }
  [[nodiscard]] std::size_t capacity() const { return capacity_; }
  static bool is_synthetic(boost::asio::ip::address_v4 address);

 private:
  using Entries = std::list<SyntheticEntry>;

  void insert(std::string host, std::uint32_t offset);
  void evict_oldest();
  std::uint32_t fresh_offset();

  const std::size_t capacity_;
  std::uint32_t next_ = 1;
  Entries entries_;                                                  // least recently used first
  std::unordered_map<std::string_view, Entries::iterator> by_host_;  // views into entries_
  std::unordered_map<std::uint32_t, Entries::iterator> by_offset_;
};

}  // namespace deployclaw::dns
