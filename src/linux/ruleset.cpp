#include "linux/ruleset.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <boost/json/array.hpp>
#include <boost/json/object.hpp>
#include <boost/json/serialize.hpp>
#include <iterator>
#include <map>

namespace deployclaw::linux {

namespace json = boost::json;

namespace {

struct ExpectedRule {
  const char* comment;  // the rule's name: ruleset_text() gives each one
  const char* verdict;
};

struct ExpectedChain {
  const char* name;
  const char* type;
  const char* hook;
  int priority;
  std::vector<ExpectedRule> rules;
};

const std::vector<ExpectedChain>& expected_chains() {
  static const std::vector<ExpectedChain> kChains = {
      {"guard",
       "filter",
       "prerouting",
       -300,
       {{"log ipv6", "log"}, {"ipv6", "drop"}, {"log spoofed", "log"}, {"spoofed", "drop"}}},
      {"steer",
       "nat",
       "prerouting",
       -110,
       {{"explicit proxy", "dnat"},
        {"dns over tcp", "dnat"},
        {"dns over udp", "dnat"},
        {"all other tcp", "dnat"}}},
      {"host",
       "filter",
       "input",
       -10,
       {{"answers to the host", "accept"},
        {"to the proxy", "accept"},
        {"led to egress over tcp", "accept"},
        {"led to egress over udp", "accept"},
        {"log anything else", "log"},
        {"anything else", "drop"}}},
      {"transit",
       "filter",
       "forward",
       -10,
       {{"log from agents", "log"}, {"from agents", "drop"}, {"to agents", "drop"}}},
  };
  return kChains;
}

constexpr std::string_view kAgentSet = "agents";
// The sets that hold each interface's own allowance of log lines, one for each reason to drop.
constexpr std::array<std::string_view, 4> kLogSets = {"log_ipv6", "log_spoofed", "log_host",
                                                      "log_forwarded"};

std::string text_at(const json::object& object, const char* key) {
  const auto* value = object.if_contains(key);
  return value != nullptr && value->is_string() ? std::string(value->get_string()) : std::string();
}

// The rule's last statement is its verdict: {"drop": null}, {"dnat": {…}}.
std::string verdict_of(const json::object& rule) {
  const auto* expr = rule.if_contains("expr");
  if (expr == nullptr || !expr->is_array() || expr->get_array().empty()) return {};
  const auto& last = expr->get_array().back();
  if (!last.is_object() || last.get_object().empty()) return {};
  return std::string(last.get_object().begin()->key());
}

// The objects of one kind ("rule") in a listing, in order.
Result<std::vector<const json::object*>> objects_of(const json::value& listing, const char* kind) {
  const auto* root = listing.if_object();
  const auto* all = root == nullptr ? nullptr : root->if_contains("nftables");
  if (all == nullptr || !all->is_array()) return fail(Code::kMalformed, "not an nftables listing");
  std::vector<const json::object*> found;
  for (const auto& item : all->get_array()) {
    const auto* object = item.is_object() ? item.get_object().if_contains(kind) : nullptr;
    if (object != nullptr && object->is_object()) found.push_back(&object->get_object());
  }
  return found;
}

Status check_chain(const ExpectedChain& expected, const json::object& chain,
                   const std::vector<const json::object*>& rules) {
  const std::string where = std::string("chain ") + expected.name;
  const auto* priority = chain.if_contains("prio");
  if (text_at(chain, "type") != expected.type || text_at(chain, "hook") != expected.hook ||
      text_at(chain, "policy") != "accept" || priority == nullptr || !priority->is_int64() ||
      priority->get_int64() != expected.priority) {
    return fail(Code::kCorrupt, where + " is not on its hook");
  }
  std::vector<const json::object*> mine;
  std::ranges::copy_if(rules, std::back_inserter(mine), [&](const json::object* rule) {
    return text_at(*rule, "chain") == expected.name;
  });
  if (mine.size() != expected.rules.size()) {
    return fail(Code::kCorrupt,
                fmt::format("{} has {} rules, not {}", where, mine.size(), expected.rules.size()));
  }
  for (std::size_t i = 0; i < mine.size(); ++i) {
    const auto& [comment, verdict] = expected.rules[i];
    if (text_at(*mine[i], "comment") != comment || verdict_of(*mine[i]) != verdict) {
      return fail(Code::kCorrupt, fmt::format("{}: rule '{}' is not in its place", where, comment));
    }
  }
  return {};
}

Status check_sets(const std::vector<const json::object*>& sets) {
  const auto named = [&](std::string_view name) {
    return std::ranges::find_if(
        sets, [&](const json::object* set) { return text_at(*set, "name") == name; });
  };
  const auto agents = named(kAgentSet);
  if (agents == sets.end() || (*agents)->contains("flags")) {
    return fail(Code::kCorrupt, "the set of agents is not there");
  }
  for (const auto name : kLogSets) {
    if (named(name) == sets.end()) return fail(Code::kCorrupt, "a set of log limits is missing");
  }
  if (sets.size() != 1 + kLogSets.size()) return fail(Code::kCorrupt, "unexpected number of sets");
  return {};
}

std::uint64_t packets_of(const json::object& counter) {
  const auto* value = counter.if_contains("packets");
  return value != nullptr && value->is_number() ? value->to_number<std::uint64_t>() : 0;
}

Result<FirewallEntry> read_element(const json::value& element) {
  const auto* object = element.if_object();
  const auto* parts = object == nullptr ? nullptr : object->if_contains("concat");
  if (parts == nullptr || !parts->is_array() || parts->get_array().size() != 2 ||
      !parts->at(0).is_string() || !parts->at(1).is_string()) {
    return fail(Code::kMalformed, "unexpected element in the set of agents");
  }
  const auto address = parse_ipv4(parts->at(1).get_string());
  if (!address) return fail(address.error());
  return FirewallEntry{std::string(parts->at(0).get_string()), *address};
}

}  // namespace

// `fwd` and `host`-like reserved words: chain names here are checked by the tests against nft.
std::string ruleset_text(const FirewallConfig& config, const std::vector<FirewallEntry>& agents) {
  std::string elements;
  for (const auto& [interface, address] : agents) {
    elements +=
        fmt::format("{}\"{}\" . {}", elements.empty() ? "" : ", ", interface, address.to_string());
  }
  if (!elements.empty()) elements = fmt::format("    elements = {{ {} }}\n", elements);
  // A rule that logs is one of its own: its limit must never keep the drop after it from happening.
  // The limits are kept for each interface, so that one agent's flood hides nothing of another's.
  // What is dropped on its way to an agent is none of the agent's doing and not logged.
  return fmt::format(
      R"(table inet {table} {{
  counter spoofed {{ }}
  counter ipv6 {{ }}
  counter host {{ }}
  counter forwarded {{ }}
  set agents {{
    type ifname . ipv4_addr
{elements}  }}
  set log_ipv6 {{ type ifname; size 65535; flags dynamic,timeout; timeout 1m; }}
  set log_spoofed {{ type ifname; size 65535; flags dynamic,timeout; timeout 1m; }}
  set log_host {{ type ifname; size 65535; flags dynamic,timeout; timeout 1m; }}
  set log_forwarded {{ type ifname; size 65535; flags dynamic,timeout; timeout 1m; }}
  chain guard {{
    type filter hook prerouting priority raw; policy accept;
    iifname "{prefix}*" meta nfproto ipv6 update @log_ipv6 {{ iifname limit rate {rate}/second burst {rate} packets }} log prefix "ipv6" group {group} snaplen 64 comment "log ipv6"
    iifname "{prefix}*" meta nfproto ipv6 counter name "ipv6" drop comment "ipv6"
    iifname "{prefix}*" iifname . ip saddr != @agents update @log_spoofed {{ iifname limit rate {rate}/second burst {rate} packets }} log prefix "spoofed" group {group} snaplen 64 comment "log spoofed"
    iifname "{prefix}*" iifname . ip saddr != @agents counter name "spoofed" drop comment "spoofed"
  }}
  chain steer {{
    type nat hook prerouting priority -110; policy accept;
    iifname "{prefix}*" ip daddr {gateway} tcp dport {proxy} dnat ip to {gateway}:{proxy} comment "explicit proxy"
    iifname "{prefix}*" tcp dport 53 dnat ip to {gateway}:{dns} comment "dns over tcp"
    iifname "{prefix}*" udp dport 53 dnat ip to {gateway}:{dns} comment "dns over udp"
    iifname "{prefix}*" meta l4proto tcp dnat ip to {gateway}:{transparent} comment "all other tcp"
  }}
  chain host {{
    type filter hook input priority -10; policy accept;
    iifname "{prefix}*" ct state established ct direction reply accept comment "answers to the host"
    iifname "{prefix}*" ip daddr {gateway} tcp dport {proxy} accept comment "to the proxy"
    iifname "{prefix}*" ip daddr {gateway} ct status dnat tcp dport {{ {transparent}, {dns} }} accept comment "led to egress over tcp"
    iifname "{prefix}*" ip daddr {gateway} ct status dnat udp dport {dns} accept comment "led to egress over udp"
    iifname "{prefix}*" update @log_host {{ iifname limit rate {rate}/second burst {rate} packets }} log prefix "host" group {group} snaplen 64 comment "log anything else"
    iifname "{prefix}*" counter name "host" drop comment "anything else"
  }}
  chain transit {{
    type filter hook forward priority -10; policy accept;
    iifname "{prefix}*" update @log_forwarded {{ iifname limit rate {rate}/second burst {rate} packets }} log prefix "forwarded" group {group} snaplen 64 comment "log from agents"
    iifname "{prefix}*" counter name "forwarded" drop comment "from agents"
    oifname "{prefix}*" counter name "forwarded" drop comment "to agents"
  }}
}}
)",
      fmt::arg("table", config.names.table), fmt::arg("prefix", config.names.interface_prefix),
      fmt::arg("gateway", config.gateway.to_string()), fmt::arg("proxy", config.proxy_port),
      fmt::arg("dns", config.dns_port), fmt::arg("transparent", config.transparent_port),
      fmt::arg("group", config.log_group), fmt::arg("rate", config.logs_per_second),
      fmt::arg("elements", elements));
}

std::string replace_command(const FirewallConfig& config,
                            const std::vector<FirewallEntry>& agents) {
  // `add` first, so that `delete` also works where there is none; all one transaction.
  return fmt::format("add table inet {0}\ndelete table inet {0}\n{1}", config.names.table,
                     ruleset_text(config, agents));
}

Status check_structure(const json::value& listing) {
  const auto tables = objects_of(listing, "table");
  if (!tables) return fail(tables.error());
  if (tables->size() != 1) return fail(Code::kCorrupt, "no such table");
  // A dormant table is there and does nothing.
  if (tables->front()->contains("flags")) return fail(Code::kCorrupt, "the table has flags");
  const auto sets = objects_of(listing, "set");
  const auto chains = objects_of(listing, "chain");
  const auto rules = objects_of(listing, "rule");
  if (!sets || !chains || !rules) return fail(Code::kMalformed, "not an nftables listing");
  if (auto checked = check_sets(*sets); !checked) return checked;
  if (chains->size() != expected_chains().size()) {
    return fail(Code::kCorrupt, "unexpected number of chains");
  }
  for (const auto& expected : expected_chains()) {
    const auto chain = std::ranges::find_if(*chains, [&](const json::object* object) {
      return text_at(*object, "name") == expected.name;
    });
    if (chain == chains->end()) {
      return fail(Code::kCorrupt, std::string("chain ") + expected.name + " is missing");
    }
    if (auto checked = check_chain(expected, **chain, *rules); !checked) return checked;
  }
  return {};
}

Result<TableReading> read_table(const json::value& listing) {
  TableReading reading;
  for (const auto* kind : {"chain", "rule"}) {
    const auto objects = objects_of(listing, kind);
    if (!objects) return fail(objects.error());
    for (const auto* object : *objects) {
      auto stable = *object;
      stable.erase("handle");
      reading.rules.push_back(json::serialize(stable));
    }
  }
  const auto sets = objects_of(listing, "set");
  if (!sets) return fail(sets.error());
  for (const auto* set : *sets) {
    if (text_at(*set, "name") != kAgentSet) continue;
    const auto* elements = set->if_contains("elem");
    if (elements == nullptr || !elements->is_array()) continue;
    for (const auto& element : elements->get_array()) {
      auto entry = read_element(element);
      if (!entry) return fail(entry.error());
      reading.agents.push_back(std::move(*entry));
    }
  }
  std::ranges::sort(reading.agents, std::less<>{});
  const auto counters = objects_of(listing, "counter");
  if (!counters) return fail(counters.error());
  std::map<std::string, std::uint64_t> packets;
  for (const auto* counter : *counters) packets[text_at(*counter, "name")] = packets_of(*counter);
  reading.counters = {.spoofed = packets["spoofed"],
                      .ipv6 = packets["ipv6"],
                      .host = packets["host"],
                      .forwarded = packets["forwarded"]};
  return reading;
}

}  // namespace deployclaw::linux
