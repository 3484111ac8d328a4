#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "audit/record.hpp"

namespace deployclaw::audit {

// A point of a client's chain that is known from elsewhere: a checkpoint, a former export, or the
// last record that retention removed. The chain must go through it.
struct Anchor {
  ClientId client;
  std::int64_t seq = 0;
  Hash hash = {};
};

// One thing that does not hold.
struct Finding {
  ClientId client;
  std::int64_t seq = 0;
  std::string what;
};

// What was seen of one client's chain.
struct Chain {
  ClientId client;
  std::int64_t first_seq = 0;
  std::int64_t last_seq = 0;
  Hash last_hash = {};
};

struct VerifyReport {
  std::vector<Chain> chains;      // by client, in order of first appearance
  std::vector<Finding> findings;  // empty when everything holds
  [[nodiscard]] bool holds() const { return findings.empty(); }
};

// Recomputes every hash and follows every client's chain. `records` may mix clients; each client's
// must come in order of seq, as an export does. Finds an edited record (its hash), one inserted,
// deleted or moved (seq or previous hash), and a clock that ran backwards. A chain must begin at
// seq 1 or right after an anchor. The end of a chain can only be judged by an anchor: one beyond
// the last record means truncation, one that differs means the history was replaced. Pure.
VerifyReport verify(std::span<const Record> records, std::span<const Anchor> anchors = {});

}  // namespace deployclaw::audit
