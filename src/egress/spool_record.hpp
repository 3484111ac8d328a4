#pragma once

#include <compare>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

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
  Admission charge = {};  // of an intent or an outcome, where the ledger counted it
};

// An intent that has no outcome yet.
struct OpenIntent {
  ClientId client;
  AgentId agent;
  std::uint64_t worker = 0;
  std::uint64_t id = 0;
  auto operator<=>(const OpenIntent&) const = default;
  // The record of how it ended.
  [[nodiscard]] SpoolRecord ended(std::string json) const;
};

// No record is larger, in bytes of the spool.
inline constexpr std::size_t kMostRecord = 128UL * 1024;

void append_record(std::string& out, const SpoolRecord& record);
[[nodiscard]] std::size_t size_of(const SpoolRecord& record);

// Takes one record from the front of `bytes`. False when there is none that verifies.
bool take_record(std::string_view& bytes, SpoolRecord& record);

// Where the first record that verifies begins, following the lengths from the front of `bytes`.
std::optional<std::size_t> find_record(std::string_view bytes);

// Whether `bytes`, which hold no good record, are what a crash leaves of a write that had no effect
// yet: the front of a record, or zeros. Anything else was written and has been damaged.
bool looks_torn(std::string_view bytes);

}  // namespace deployclaw::egress
