#pragma once

#include <boost/json/object.hpp>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/clock.hpp"
#include "base/result.hpp"
#include "base/secret.hpp"
#include "services/catalogue.hpp"
#include "services/credential_kinds.hpp"
#include "services/oauth_grant.hpp"

namespace deployclaw::api::credentials {

// A credential as the customer gave it, checked.
struct CredentialRequest {
  std::string name;
  const services::CredentialKind* kind = nullptr;
  std::vector<std::string> hosts;
  bool hosts_given = false;
  Secret value;  // 8 to 8192 bytes, no control characters; empty only with a grant
  // What the value, an access token, is renewed with. Its own access token is empty: that is
  // `value`.
  std::optional<services::OAuthGrant> grant;
  std::optional<Time> expires_at;
};

// Reads {name, value, kind?, hosts?, oauth?, expiresAt?}; pointers are below `base`. With
// `present_kind` (a replacement) there is no name, and kind, if given, must be that one. The caller
// wipes `object`. kInvalid with fields; no error quotes the value.
Result<CredentialRequest> read_credential(const services::Catalogue& catalogue,
                                          const boost::json::object& object, std::string_view base,
                                          std::optional<std::string> present_kind);

}  // namespace deployclaw::api::credentials
