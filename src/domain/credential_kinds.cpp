#include "domain/credential_kinds.hpp"

#include <algorithm>
#include <boost/json/array.hpp>
#include <cctype>

#include "domain/json_reading.hpp"
#include "domain/names.hpp"

namespace deployclaw::domain {
namespace {

constexpr std::string_view kDigits = "0123456789";
constexpr std::string_view kHex = "0123456789abcdef";
constexpr std::string_view kCapitals = "ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789";
constexpr std::string_view kAlphanumeric =
    "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789";
constexpr std::string_view kWord =
    "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_-";
constexpr std::size_t kMostHosts = 20;

std::string_view alphabet(char letter) {
  switch (letter) {
    case 'd':
      return kDigits;
    case 'x':
      return kHex;
    case 'u':
      return kCapitals;
    case 'w':
      return kWord;
    default:
      return kAlphanumeric;
  }
}

const std::vector<CredentialKind>& table() {
  static const std::vector<CredentialKind> kTable = {
      {"openai", {"api.openai.com"}, "sk-{a48}"},
      {"anthropic", {"api.anthropic.com"}, "sk-ant-api03-{w93}AA"},
      {"gemini", {"generativelanguage.googleapis.com"}, "AIza{w35}"},
      {"openrouter", {"openrouter.ai"}, "sk-or-v1-{x64}"},
      {"mistral", {"api.mistral.ai"}, "{a32}"},
      {"groq", {"api.groq.com"}, "gsk_{a52}"},
      {"xai", {"api.x.ai"}, "xai-{a80}"},
      {"deepseek", {"api.deepseek.com"}, "sk-{x32}"},
      {"telegram", {"api.telegram.org"}, "7{d9}:AA{w33}"},
      {"slack",
       {"slack.com", "files.slack.com", "wss-primary.slack.com", "wss-backup.slack.com"},
       "xoxb-{d12}-{d13}-{a24}"},
      {"slack-app",
       {"slack.com", "wss-primary.slack.com", "wss-backup.slack.com"},
       "xapp-1-A{u10}-{d13}-{x64}"},
      {"discord", {"discord.com", "gateway.discord.gg"}, "MT{a24}.G{w5}.{w38}"},
      {"github", {"api.github.com"}, "ghp_{a36}"},
      {"gmail", {"gmail.googleapis.com", "www.googleapis.com"}, "ya29.{w160}"},
      {"generic", {}, "dcph_{a40}"},
  };
  return kTable;
}

}  // namespace

std::span<const CredentialKind> credential_kinds() { return table(); }

const CredentialKind* find_credential_kind(std::string_view name) {
  const auto found = std::ranges::find(table(), name, &CredentialKind::name);
  return found == table().end() ? nullptr : &*found;
}

std::string make_placeholder(const CredentialKind& kind,
                             const std::function<unsigned(unsigned)>& random_below) {
  std::string out;
  const auto shape = kind.placeholder;
  for (std::size_t at = 0; at < shape.size(); ++at) {
    if (shape[at] != '{') {
      out += shape[at];
      continue;
    }
    const auto letters = alphabet(shape[at + 1]);
    std::size_t count = 0;
    for (at += 2; shape[at] != '}'; ++at) {
      count = count * 10 + static_cast<std::size_t>(shape[at] - '0');
    }
    for (; count > 0; --count) out += letters[random_below(static_cast<unsigned>(letters.size()))];
  }
  return out;
}

std::vector<std::string> read_credential_hosts(const CredentialKind& kind,
                                               const boost::json::value* value,
                                               const std::string& pointer,
                                               std::vector<FieldError>& errors) {
  std::vector<std::string> hosts;
  if (value == nullptr) {
    if (kind.hosts.empty()) errors.push_back({pointer, "is required for this kind"});
    hosts.assign(kind.hosts.begin(), kind.hosts.end());
    return hosts;
  }
  const auto* array = value->if_array();
  if (array == nullptr || array->empty() || array->size() > kMostHosts) {
    errors.push_back({pointer, "must be an array of 1 to 20 host names"});
    return hosts;
  }
  for (std::size_t i = 0; i < array->size(); ++i) {
    const auto at = pointer_below(pointer, i);
    const auto* text = (*array)[i].if_string();
    if (text == nullptr) {
      errors.push_back({at, "must be a string"});
      continue;
    }
    auto host = host_pattern(*text);
    if (!host) {
      errors.push_back({at, std::move(host.error())});
    } else if (!kind.hosts.empty() &&
               std::ranges::find(kind.hosts, std::string_view(*host)) == kind.hosts.end()) {
      errors.push_back({at, "is not a host of this kind; leave the field out to use all of them"});
    } else if (std::ranges::find(hosts, *host) == hosts.end()) {
      hosts.push_back(std::move(*host));
    }
  }
  return hosts;
}

}  // namespace deployclaw::domain
