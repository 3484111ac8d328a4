#pragma once

#include <optional>
#include <string_view>

#include "base/toml_reader.hpp"
#include "http/canonical_target.hpp"
#include "services/service.hpp"

// Parts of a service's file that stand in several places of it; private to this module.
namespace deployclaw::services {

// A JSON pointer to something in a document (RFC 6901).
bool is_pointer(std::string_view text);

// The table `key` of `parent`; nullopt when there is none.
std::optional<BodyCondition> read_condition(TomlReader& parent, std::string_view key);

// "https://host[:port]/path[?query]" in exactly its canonical spelling; nullopt for anything else.
std::optional<http::CanonicalTarget> canonical_https_url(std::string_view url);

// [kinds.test] of a kind whose hosts and places are read already.
TestCall read_test_call(TomlReader reader, const CredentialKind& kind);

}  // namespace deployclaw::services
