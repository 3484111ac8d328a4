#pragma once

#include <boost/json/value.hpp>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "services/path_pattern.hpp"

// What one file of catalog/services says, checked. Plain immutable values.
namespace deployclaw::services {

// Where a secret goes into a request.
enum class PlaceKind : std::uint8_t {
  kHeader,         // `name`: `prefix` + secret; name "*" is any field, prefix "*" any one word
  kBasicUser,      // the user half of Authorization: Basic (RFC 7617)
  kBasicPassword,  // its password half
  kQuery,          // the value of the key `name`; "*" is any key
  kPathSegment,    // the {secret} of `path`
  kBody,           // the string at JSON pointer `name` of the body
  kWebSocket,      // the string at JSON pointer `name` of a text message from the agent
};
std::string_view to_string(PlaceKind kind);

struct Place {
  PlaceKind kind = PlaceKind::kHeader;
  std::string name;
  std::string prefix;  // kHeader
  PathPattern path;    // kPathSegment
};

// Holds when the JSON body has a value equal to one of `equals` at `pointer` (RFC 6901).
struct BodyCondition {
  std::string pointer;
  std::vector<boost::json::value> equals;
  [[nodiscard]] bool holds(const boost::json::value& body) const;
};

// One cheap request without effect that tells whether a service takes a credential. The platform
// makes it when a person asks; to one URL of the catalogue, so no permission of the agent is used.
struct TestCall {
  std::string method = "GET";  // or POST
  std::string host;            // one of the kind's
  std::uint16_t port = 443;
  std::string path;  // canonical, but for "{secret}" where the secret is a part of it
  std::optional<std::string> query;
  std::vector<std::pair<std::string, std::string>> headers;
  std::size_t place = 0;  // of the kind's places, where the secret goes
  std::vector<std::int64_t> accepted = {200};
  std::vector<std::int64_t> refused = {401};
  // Of an answer whose status is accepted, for services that say no under 200.
  std::optional<BodyCondition> accepted_body;
  std::optional<BodyCondition> refused_body;
  // As in a Host field.
  [[nodiscard]] std::string authority() const;
};

// A kind of credential. The placeholder that the agent sees has the secret's shape, so that client
// libraries which check it accept it.
struct CredentialKind {
  std::string name;
  std::string title;
  std::string service;             // the name of the file's service
  std::vector<std::string> hosts;  // where the secret may be sent; empty: the customer says
  // The placeholder's shape: literal text with "{<alphabet><count>}" for random characters. The
  // alphabets are d (digits), x (lower-case hex), a (letters and digits), u (capitals and digits)
  // and w (a plus '_' and '-'). At least 128 bits.
  std::string placeholder;
  std::vector<Place> places;
  std::optional<TestCall> test;  // how a value is tried; not every service has a way
  [[nodiscard]] bool hosts_required() const { return hosts.empty(); }
};

// How an access token is renewed. It happens in the platform, never in the agent.
struct OAuth {
  std::vector<std::string> kinds;  // the service's kinds of credential that are such tokens
  // The one URL that is asked: https, taken apart.
  std::string host;
  std::uint16_t port = 443;
  std::string path;
  bool basic_client = false;  // client id and secret in Authorization: Basic instead of the body
  // As in a Host field.
  [[nodiscard]] std::string authority() const;
};

// What a rule asks of the agent's permissions.
enum class Grant : std::uint8_t {
  kScope,  // one of domain::kScopes
  kModel,  // a credential of the service: model calls are bounded by spend
  kDeny,   // never
};

// The bit of a method in Rule::methods; 0 for one that no rule can name.
std::uint8_t method_bit(std::string_view method);

// One line of the catalogue: hosts × methods × path × condition → what it is and what it needs.
struct Rule {
  std::string id;     // "gmail/send", unique
  std::string where;  // "catalog/services/gmail.toml:41"
  std::vector<std::string> hosts;
  std::uint8_t methods = 0;  // method_bit() of each; GET includes HEAD
  bool websocket = false;    // WebSocket handshakes only; otherwise none
  std::vector<PathPattern> paths;
  std::optional<BodyCondition> condition;
  Grant grant = Grant::kDeny;
  std::string scope;        // kScope
  std::string action_type;  // of the audit: "email_sent", "model_call", …
  std::string target;       // of the audit: a template, see target_naming.hpp
  std::string reason;       // kDeny: why, for the agent's developer
};

// A protocol that is no HTTP, known by its port, to any host of the agent's allowed domains.
struct TcpRule {
  std::string id;  // "imap/993"
  std::uint16_t port = 0;
  std::string scope;
  std::string action_type;
};

struct Service {
  std::string name;
  std::string title;
  std::vector<std::string> hosts;  // exact or with one leading "*."
  // Query keys, compared without case, with which the service takes another method or other fields
  // than the ones that are seen: never let through.
  std::vector<std::string> refused_query;
  std::vector<CredentialKind> kinds;
  std::optional<OAuth> oauth;
  std::vector<Rule> rules;
  std::vector<TcpRule> tcp;
};

}  // namespace deployclaw::services
