#include "linux/nftables.hpp"

#include <nftables/libnftables.h>

#include <boost/json/parse.hpp>
#include <utility>

#include "linux/ruleset.hpp"

namespace deployclaw::linux {

namespace json = boost::json;

namespace {

struct FreeContext {
  void operator()(nft_ctx* context) const { nft_ctx_free(context); }
};

// Runs nft commands as one transaction and gives the JSON they print. A context binds its netlink
// socket to the namespace of the thread that makes it and caches the ruleset, so each call has its
// own.
Result<std::string> run_nft(const std::string& commands) {
  const std::unique_ptr<nft_ctx, FreeContext> context(nft_ctx_new(NFT_CTX_DEFAULT));
  if (!context) return fail(Code::kInternal, "nftables: cannot make a context");
  nft_ctx_output_set_flags(context.get(), NFT_CTX_OUTPUT_JSON);
  if (nft_ctx_buffer_output(context.get()) != 0 || nft_ctx_buffer_error(context.get()) != 0) {
    return fail(Code::kInternal, "nftables: cannot buffer output");
  }
  if (nft_run_cmd_from_buffer(context.get(), commands.c_str()) != 0) {
    std::string text = nft_ctx_get_error_buffer(context.get());
    const auto code = text.find("No such file or directory") != std::string::npos ? Code::kNotFound
                      : text.find("Operation not permitted") != std::string::npos ? Code::kForbidden
                                                                                  : Code::kInternal;
    if (const auto end = text.find('\n'); end != std::string::npos) text.resize(end);
    return fail(code, "nftables: " + text);
  }
  return std::string(nft_ctx_get_output_buffer(context.get()));
}

}  // namespace

struct Firewall::State {
  FirewallConfig config;
  std::vector<std::string> loaded_rules;  // as read back after load(); empty before

  [[nodiscard]] std::string table() const { return "inet " + config.names.table; }
  [[nodiscard]] std::string set() const { return table() + " agents"; }

  [[nodiscard]] Result<json::value> list() const {
    const auto text = run_nft("list table " + table());
    if (!text) return fail(text.error());
    boost::system::error_code error;
    auto listing = json::parse(*text, error);
    if (error) return fail(Code::kMalformed, "nftables: the listing is not JSON");
    return listing;
  }
  [[nodiscard]] Result<TableReading> read() const {
    const auto listing = list();
    if (!listing) return fail(listing.error());
    return read_table(*listing);
  }
};

Firewall::Firewall(FirewallConfig config)
    : state_(std::make_unique<State>(State{std::move(config), {}})) {}

Firewall::~Firewall() = default;

Status Firewall::load() {
  std::vector<FirewallEntry> agents;
  auto present = state_->read();
  if (present) {
    agents = std::move(present->agents);
  } else if (present.error().code == Code::kMalformed) {
    // A set that we do not understand is not ours to keep.
    agents.clear();
  } else if (present.error().code != Code::kNotFound) {
    return context("read the firewall table", present.error());
  }
  const auto loaded = run_nft(replace_command(state_->config, agents));
  if (!loaded) return context("load the firewall table", loaded.error());
  state_->loaded_rules.clear();
  const auto listing = state_->list();
  if (!listing) return context("read the firewall table back", listing.error());
  if (auto checked = check_structure(*listing); !checked) {
    return context("read the firewall table back", checked.error());
  }
  auto reading = read_table(*listing);
  if (!reading) return context("read the firewall table back", reading.error());
  if (reading->agents != agents) {
    return fail(Code::kCorrupt, "the firewall table lost agents while being replaced");
  }
  state_->loaded_rules = std::move(reading->rules);
  return {};
}

Status Firewall::verify() {
  const auto listing = state_->list();
  if (!listing) return fail(listing.error());
  if (auto checked = check_structure(*listing); !checked) return checked;
  if (state_->loaded_rules.empty()) return {};
  const auto reading = read_table(*listing);
  if (!reading) return fail(reading.error());
  if (reading->rules != state_->loaded_rules) {
    return fail(Code::kCorrupt, "a rule of the firewall table was altered");
  }
  return {};
}

Status Firewall::add_agent(const FirewallEntry& entry) {
  if (!state_->config.names.number_of(entry.interface)) {
    return fail(Code::kInvalid, "not an agent interface: " + entry.interface);
  }
  const auto present = list_agents();
  if (!present) return fail(present.error());
  std::string commands;
  for (const auto& other : *present) {
    if (other == entry) continue;
    if (other.interface != entry.interface && other.address != entry.address) continue;
    commands += "delete element " + state_->set() + " { \"" + other.interface + "\" . " +
                other.address.to_string() + " }\n";
  }
  commands += "add element " + state_->set() + " { \"" + entry.interface + "\" . " +
              entry.address.to_string() + " }\n";
  const auto done = run_nft(commands);
  if (!done) return context("admit " + entry.interface, done.error());
  return {};
}

Status Firewall::remove_agent(const std::string& interface) {
  const auto present = list_agents();
  if (!present && present.error().code == Code::kNotFound) return {};
  if (!present) return fail(present.error());
  std::string commands;
  for (const auto& entry : *present) {
    if (entry.interface != interface) continue;
    commands += "delete element " + state_->set() + " { \"" + entry.interface + "\" . " +
                entry.address.to_string() + " }\n";
  }
  if (commands.empty()) return {};
  const auto done = run_nft(commands);
  if (!done) return context("shut out " + interface, done.error());
  return {};
}

Result<std::vector<FirewallEntry>> Firewall::list_agents() {
  auto reading = state_->read();
  if (!reading) return fail(reading.error());
  return std::move(reading->agents);
}

Result<FirewallCounters> Firewall::counters() {
  const auto reading = state_->read();
  if (!reading) return fail(reading.error());
  return reading->counters;
}

Status Firewall::unload() {
  const auto table = state_->table();
  const auto done = run_nft("add table " + table + "\ndelete table " + table + "\n");
  state_->loaded_rules.clear();
  if (!done) return fail(done.error());
  return {};
}

}  // namespace deployclaw::linux
