#pragma once

#include <boost/json/value.hpp>
#include <string>
#include <vector>

#include "base/result.hpp"
#include "linux/nftables.hpp"

namespace deployclaw::linux {

// The table in kernel terms, as `nft --json list table` tells it. Pure; private to this module.
struct TableReading {
  std::vector<std::string> rules;  // every chain and rule in order, volatile parts left out
  std::vector<FirewallEntry> agents;
  FirewallCounters counters;
};

// kMalformed when `listing` is not such an answer.
Result<TableReading> read_table(const boost::json::value& listing);

// Whether the reading is structurally the table of ruleset_text(): every chain on its hook with its
// priority, every rule in its place with its verdict, nothing more. kCorrupt naming what is wrong.
Status check_structure(const boost::json::value& listing);

// The transaction that puts the table in place of whatever is there.
std::string replace_command(const FirewallConfig& config, const std::vector<FirewallEntry>& agents);

}  // namespace deployclaw::linux
