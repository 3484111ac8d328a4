#include "services/credential_kinds.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <boost/json/array.hpp>
#include <cmath>
#include <optional>

#include "domain/json_reading.hpp"
#include "domain/names.hpp"

namespace deployclaw::services {
namespace {

constexpr std::string_view kDigits = "0123456789";
constexpr std::string_view kHex = "0123456789abcdef";
constexpr std::string_view kCapitals = "ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789";
constexpr std::string_view kAlphanumeric =
    "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789";
constexpr std::string_view kWord =
    "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_-";
constexpr std::size_t kMostHosts = 20;
constexpr double kLeastBits = 128;
constexpr std::size_t kLongestPlaceholder = 512;

// "" for a letter that names none.
std::string_view alphabet(char letter) {
  switch (letter) {
    case 'd':
      return kDigits;
    case 'x':
      return kHex;
    case 'a':
      return kAlphanumeric;
    case 'u':
      return kCapitals;
    case 'w':
      return kWord;
    default:
      return {};
  }
}

// One piece of a shape: literal text, or `count` random letters.
struct Piece {
  std::string_view literal;
  std::string_view letters;
  std::size_t count = 0;
};

// Takes a piece off the front; nullopt when the shape is bad there.
std::optional<Piece> take_piece(std::string_view& shape) {
  const auto open = std::min(shape.find('{'), shape.size());
  if (open > 0) {
    const Piece piece{.literal = shape.substr(0, open), .letters = {}};
    shape.remove_prefix(open);
    return piece;
  }
  const auto close = shape.find('}');
  if (close == std::string_view::npos || close < 3 || close > 5) return std::nullopt;
  Piece piece{.literal = {}, .letters = alphabet(shape[1])};
  for (const char c : shape.substr(2, close - 2)) {
    if (c < '0' || c > '9') return std::nullopt;
    piece.count = piece.count * 10 + static_cast<std::size_t>(c - '0');
  }
  if (piece.letters.empty() || piece.count == 0) return std::nullopt;
  shape.remove_prefix(close + 1);
  return piece;
}

// Letters that need no escape in a header, a URL's path and query, and JSON.
bool is_plain(std::string_view literal) {
  return std::ranges::all_of(literal,
                             [](char c) { return kWord.contains(c) || c == '.' || c == ':'; });
}

void read_one_host(const CredentialKind& kind, const boost::json::value& value,
                   const std::string& at, std::vector<std::string>& hosts,
                   std::vector<FieldError>& errors) {
  const auto* text = value.if_string();
  if (text == nullptr) {
    errors.push_back({at, "must be a string"});
    return;
  }
  auto host = domain::host_pattern(*text);
  if (!host) {
    errors.push_back({at, std::move(host.error())});
  } else if (!kind.hosts_required() && std::ranges::find(kind.hosts, *host) == kind.hosts.end()) {
    errors.push_back({at, "is not a host of this kind; leave the field out to use all of them"});
  } else if (std::ranges::find(hosts, *host) == hosts.end()) {
    hosts.push_back(std::move(*host));
  }
}

}  // namespace

std::string make_placeholder(const CredentialKind& kind,
                             const std::function<unsigned(unsigned)>& random_below) {
  std::string out;
  std::string_view shape = kind.placeholder;
  while (!shape.empty()) {
    const auto piece = take_piece(shape);
    if (!piece) break;  // check_placeholder_shape() has refused it
    out += piece->literal;
    for (std::size_t i = 0; i < piece->count; ++i) {
      out += piece->letters[random_below(static_cast<unsigned>(piece->letters.size()))];
    }
  }
  return out;
}

std::string check_placeholder_shape(std::string_view shape) {
  double bits = 0;
  std::size_t length = 0;
  while (!shape.empty()) {
    const auto piece = take_piece(shape);
    if (!piece) return "must be text with {<alphabet><count>}, alphabets d, x, a, u, w";
    if (!is_plain(piece->literal)) return "may have only letters, digits and _-.: as fixed text";
    if (piece->literal.contains("oc-sent") || piece->literal.contains("OPENCLAW")) {
      return "must not resemble OpenClaw's own sentinels";
    }
    length += piece->literal.size() + piece->count;
    if (piece->count > 0) {
      bits += static_cast<double>(piece->count) * std::log2(piece->letters.size());
    }
  }
  if (bits < kLeastBits) return fmt::format("has {:.0f} random bits; 128 are the least", bits);
  if (length > kLongestPlaceholder) return "is longer than 512 characters";
  return {};
}

std::vector<std::string> read_credential_hosts(const CredentialKind& kind,
                                               const boost::json::value* value,
                                               const std::string& pointer,
                                               std::vector<FieldError>& errors) {
  if (value == nullptr) {
    if (kind.hosts_required()) errors.push_back({pointer, "is required for this kind"});
    return kind.hosts;
  }
  std::vector<std::string> hosts;
  const auto* array = value->if_array();
  if (array == nullptr || array->empty() || array->size() > kMostHosts) {
    errors.push_back({pointer, "must be an array of 1 to 20 host names"});
    return hosts;
  }
  for (std::size_t i = 0; i < array->size(); ++i) {
    read_one_host(kind, (*array)[i], domain::pointer_below(pointer, i), hosts, errors);
  }
  return hosts;
}

}  // namespace deployclaw::services
