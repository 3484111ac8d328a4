#pragma once

#include <cstdint>
#include <filesystem>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/result.hpp"
#include "services/service.hpp"

namespace deployclaw::services {

// One path pattern of a rule, as it is looked up.
struct RuleEntry {
  const Service* service;
  const Rule* rule;
  const PathPattern* path;
};

// The rules of one host pattern in the order in which they are tried: refusals first, then the
// narrowest path, then those with a condition on the body. The first that matches decides.
struct HostEntry {
  std::string pattern;
  std::vector<RuleEntry> rules;
  std::vector<const Service*> services;  // that have rules here
};

// The services that this platform knows: the checked content of <catalog>/services/*.toml.
// Immutable once loaded, cheap to copy, safe from any thread.
class Catalogue {
 public:
  // An empty catalogue: knows no host, no kind.
  Catalogue();

  // Reads every *.toml in `<catalog_dir>/services`. One bad file refuses the whole: the error
  // (kInvalid) names each problem as "file:line: field: why", one a line. Refused too: two kinds or
  // rules of one name, a kind with a host for which no rule decides, rules of two services that
  // could both decide one request differently, and a token endpoint that an agent could ask itself.
  // kNotFound when the folder is absent or empty.
  static Result<Catalogue> load(const std::filesystem::path& catalog_dir);

  // The same from texts: {file name, TOML}. For tests.
  static Result<Catalogue> of(std::span<const std::pair<std::string, std::string>> files);

  [[nodiscard]] std::span<const Service> services() const;
  // nullptr when unknown. Pointers live as long as any copy of this catalogue.
  [[nodiscard]] const Service* find_service(std::string_view name) const;
  // All kinds, by name, but "generic" and its like (hosts_required) last.
  [[nodiscard]] std::span<const CredentialKind* const> kinds() const;
  [[nodiscard]] const CredentialKind* find_kind(std::string_view name) const;
  // How tokens of that kind of credential are renewed; nullptr when they are not.
  [[nodiscard]] const OAuth* find_oauth(std::string_view kind) const;

  // The entry that decides for `host` (canonical): its own, else that of the longest wildcard above
  // it, else nullptr: not a host of the catalogue.
  [[nodiscard]] const HostEntry* find_host(std::string_view host) const;
  // The rule of that id ("gmail/send"); nullptr when unknown.
  [[nodiscard]] const Rule* find_rule(std::string_view id) const;
  // The rule of a port that no HTTP is spoken on, nullptr for any other port.
  [[nodiscard]] const TcpRule* find_tcp(std::uint16_t port) const;
  [[nodiscard]] std::span<const TcpRule* const> tcp_rules() const;

 private:
  struct State;
  explicit Catalogue(std::shared_ptr<const State> state) : state_(std::move(state)) {}
  std::shared_ptr<const State> state_;
};

// Reads one service from TOML text. `file` names it in problems, which are appended to `problems`
// as "file:line: field: why"; the result is meaningful only when none were.
Service read_service(std::string_view toml_text, const std::string& file,
                     std::vector<std::string>& problems);

}  // namespace deployclaw::services
