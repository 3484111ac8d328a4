#include "services/catalogue.hpp"

#include <algorithm>
#include <fstream>
#include <iterator>
#include <system_error>
#include <tuple>
#include <unordered_map>

#include "base/toml_reader.hpp"
#include "services/consistency.hpp"

namespace deployclaw::services {
namespace {

namespace fs = std::filesystem;

struct TextHash {
  using is_transparent = void;
  std::size_t operator()(std::string_view text) const {
    return std::hash<std::string_view>{}(text);
  }
};
using ByName = std::unordered_map<std::string, std::size_t, TextHash, std::equal_to<>>;

bool tried_before(const RuleEntry& a, const RuleEntry& b) {
  const bool a_allows = a.rule->grant != Grant::kDeny;
  const bool b_allows = b.rule->grant != Grant::kDeny;
  if (a_allows != b_allows) return b_allows;
  if (const auto paths = a.path->compare(*b.path); paths != 0) return paths < 0;
  if (a.rule->condition.has_value() != b.rule->condition.has_value()) {
    return a.rule->condition.has_value();
  }
  return std::tie(a.rule->id, a.path->text()) < std::tie(b.rule->id, b.path->text());
}

}  // namespace

struct Catalogue::State {
  std::vector<Service> services;
  std::vector<const CredentialKind*> kinds;
  std::vector<const TcpRule*> tcp;
  std::vector<HostEntry> hosts;
  ByName exact;     // host -> index in `hosts`
  ByName wildcard;  // "example.com" of "*.example.com" -> index in `hosts`

  void index_kinds_and_ports() {
    for (const auto& service : services) {
      for (const auto& kind : service.kinds) kinds.push_back(&kind);
      for (const auto& rule : service.tcp) tcp.push_back(&rule);
    }
    std::ranges::sort(kinds, [](const auto* a, const auto* b) {
      if (a->hosts_required() != b->hosts_required()) return b->hosts_required();
      return a->name < b->name;
    });
  }

  HostEntry& entry_of(const std::string& pattern) {
    const bool is_wildcard = pattern.starts_with("*.");
    auto& names = is_wildcard ? wildcard : exact;
    const auto [found, added] =
        names.try_emplace(is_wildcard ? pattern.substr(2) : pattern, hosts.size());
    if (added) hosts.push_back({.pattern = pattern, .rules = {}, .services = {}});
    return hosts[found->second];
  }

  void index_rules() {
    for (const auto& service : services) {
      for (const auto& rule : service.rules) {
        for (const auto& host : rule.hosts) {
          auto& entry = entry_of(host);
          if (std::ranges::find(entry.services, &service) == entry.services.end()) {
            entry.services.push_back(&service);
          }
          for (const auto& path : rule.paths) entry.rules.push_back({&service, &rule, &path});
        }
      }
    }
    for (auto& entry : hosts) std::ranges::sort(entry.rules, tried_before);
  }

  static Result<Catalogue> finish(std::shared_ptr<State> state, std::vector<std::string> problems) {
    state->index_kinds_and_ports();
    state->index_rules();
    // With unreadable files the whole is inconsistent for reasons that are already named.
    if (problems.empty()) problems = inconsistencies(state->services, state->hosts);
    if (!problems.empty()) {
      return fail(Code::kInvalid, "service catalogue is not valid:\n" + joined_lines(problems));
    }
    return Catalogue(std::move(state));
  }
};

Catalogue::Catalogue() : state_(std::make_shared<State>()) {}

Result<Catalogue> Catalogue::of(std::span<const std::pair<std::string, std::string>> files) {
  auto state = std::make_shared<State>();
  std::vector<std::string> problems;
  for (const auto& [file, text] : files) {
    auto service = read_service(text, file, problems);
    if (!service.name.empty() && fs::path(file).stem() != service.name) {
      problems.push_back(file + ":1: name: must be the file's name");
    }
    state->services.push_back(std::move(service));
  }
  return State::finish(std::move(state), std::move(problems));
}

Result<Catalogue> Catalogue::load(const fs::path& catalog_dir) {
  auto paths = toml_files(catalog_dir / "services", "service catalogue");
  if (!paths) return fail(std::move(paths.error()));
  std::vector<std::pair<std::string, std::string>> files;
  for (const fs::path& path : *paths) {
    std::ifstream in(path, std::ios::binary);
    std::string text{std::istreambuf_iterator<char>(in), std::istreambuf_iterator<char>()};
    if (!in) return fail(Code::kInvalid, "service catalogue: cannot read " + path.string());
    files.emplace_back(path.string(), std::move(text));
  }
  return of(files);
}

std::span<const Service> Catalogue::services() const { return state_->services; }

const Service* Catalogue::find_service(std::string_view name) const {
  const auto found = std::ranges::find(state_->services, name, &Service::name);
  return found == state_->services.end() ? nullptr : &*found;
}

std::span<const CredentialKind* const> Catalogue::kinds() const { return state_->kinds; }

const CredentialKind* Catalogue::find_kind(std::string_view name) const {
  const auto found = std::ranges::find(state_->kinds, name, &CredentialKind::name);
  return found == state_->kinds.end() ? nullptr : *found;
}

const OAuth* Catalogue::find_oauth(std::string_view kind) const {
  for (const auto& service : state_->services) {
    if (!service.oauth) continue;
    const auto& kinds = service.oauth->kinds;
    if (std::ranges::find(kinds, kind) != kinds.end()) return &*service.oauth;
  }
  return nullptr;
}

const HostEntry* Catalogue::find_host(std::string_view host) const {
  const auto own = state_->exact.find(host);
  if (own != state_->exact.end()) return &state_->hosts[own->second];
  while (true) {
    const auto dot = host.find('.');
    if (dot == std::string_view::npos) return nullptr;
    host.remove_prefix(dot + 1);
    const auto found = state_->wildcard.find(host);
    if (found != state_->wildcard.end()) return &state_->hosts[found->second];
  }
}

const Rule* Catalogue::find_rule(std::string_view id) const {
  const auto* service = find_service(id.substr(0, id.find('/')));
  if (service == nullptr) return nullptr;
  const auto found = std::ranges::find(service->rules, id, &Rule::id);
  return found == service->rules.end() ? nullptr : &*found;
}

const TcpRule* Catalogue::find_tcp(std::uint16_t port) const {
  const auto found = std::ranges::find(state_->tcp, port, &TcpRule::port);
  return found == state_->tcp.end() ? nullptr : *found;
}

std::span<const TcpRule* const> Catalogue::tcp_rules() const { return state_->tcp; }

}  // namespace deployclaw::services
