#pragma once

#include <compare>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <tuple>

#include "base/ids.hpp"
#include "egress/ledger.hpp"
#include "egress/messages.hpp"

// One record as it lies in the spool. Pure.
namespace deployclaw::egress {

// Whose it is was set by the supervisor, not by the worker.
struct SpoolRecord {
  RecordKind kind = RecordKind::kEvent;
  ClientId client;
  AgentId agent;
  std::uint64_t worker = 0;  // which run of a worker; with id it names an intent
  std::uint64_t id = 0;
  std::string json;
  // Where the ledger counted it: of an intent, what was admitted; of an outcome, what its model
  // call has cost, on the day of `at`; of kLower, what is still reserved.
  Admission charge = {};
};

// An intent that has no outcome yet.
struct OpenIntent {
  ClientId client;
  AgentId agent;
  std::uint64_t worker = 0;
  std::uint64_t id = 0;
  Admission charge = {};  // no part of its name
  auto operator<=>(const OpenIntent& other) const { return name() <=> other.name(); }
  bool operator==(const OpenIntent& other) const { return name() == other.name(); }
  // The record of how it ended. All that was reserved counts as spent.
  [[nodiscard]] SpoolRecord ended(std::string json) const;

 private:
  using Name = std::tuple<const ClientId&, const AgentId&, std::uint64_t, std::uint64_t>;
  [[nodiscard]] Name name() const { return {client, agent, worker, id}; }
};

// A worker picks its ids and does not know its number, so it cannot pick ids that meet.
inline std::size_t hash_value(const OpenIntent& intent) { return intent.worker ^ intent.id; }

// No record is larger, in bytes of the spool.
inline constexpr std::size_t kMostRecord = 128UL * 1024;

// Of a charge, beside the record without it.
inline constexpr std::size_t kChargeBytes = 17;
inline bool is_charged(const SpoolRecord& record) { return record.charge.at != 0; }

void append_record(std::string& out, const SpoolRecord& record);
[[nodiscard]] std::size_t size_of(const SpoolRecord& record);

// Takes one record from the front of `bytes`. False when there is none that verifies.
bool take_record(std::string_view& bytes, SpoolRecord& record);

// Where the first record that verifies begins, following the lengths from the front of `bytes`.
std::optional<std::size_t> find_record(std::string_view bytes);

// What a disk writes whole or not at all.
inline constexpr std::size_t kSector = 512;

// Whether `bytes`, which begin at `in_sector` of a sector and hold no good record that the lengths
// lead to, are what a crash leaves of a write that had no effect yet: each record lacks a sector
// (there are zeros) or its end, and nothing behind it verifies. Anything else was written and has
// been damaged.
bool looks_torn(std::string_view bytes, std::size_t in_sector);

}  // namespace deployclaw::egress
