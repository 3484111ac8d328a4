#include "services/inject_target.hpp"

#include <algorithm>

#include "http/url.hpp"

namespace deployclaw::services {
namespace {

using Part = TargetPlan::Part;

constexpr std::size_t kMostInQuery = 8;

// ':' may stand in a path as it is, and Telegram's tokens have one.
std::string encode_for_path(std::string_view value) {
  std::string out;
  out.reserve(3 * value.size());
  for (std::size_t begin = 0; begin <= value.size();) {
    const auto end = std::min(value.find(':', begin), value.size());
    auto piece = http::percent_encode(value.substr(begin, end - begin));
    out += piece;
    wipe_string(piece);
    if (end < value.size()) out += ':';
    begin = end + 1;
  }
  return out;
}

Result<std::optional<Part>> plan_path(const std::string& path,
                                      std::span<const Injection> injections,
                                      std::span<const AgentCredential> all) {
  const http::PathSegments segments(path);
  for (const auto& injection : injections) {
    Captures captures;
    if (injection.place->kind != PlaceKind::kPathSegment ||
        !injection.place->path.matches(segments.all(), captures)) {
      continue;
    }
    const auto secret = captures.get("secret");
    const auto decoded = http::percent_decode(secret);
    if (!decoded || *decoded != injection.credential->placeholder) continue;
    const auto begin = static_cast<std::size_t>(secret.data() - path.data());
    const Part part{.injection = &injection, .begin = begin, .end = begin + secret.size()};
    const std::string_view view = path;
    auto clean = hold_no_placeholder(view.substr(0, part.begin), all, "path");
    if (clean) clean = hold_no_placeholder(view.substr(part.end), all, "path");
    if (!clean) return fail(std::move(clean.error()));
    return part;
  }
  auto clean = hold_no_placeholder(path, all, "path");
  if (!clean) return fail(std::move(clean.error()));
  return std::nullopt;
}

struct Pair {
  std::string key;
  std::string value;
  std::size_t begin = 0;        // of the pair in the query
  std::size_t value_begin = 0;  // of the raw value
  std::size_t end = 0;
};

std::string decoded_or_raw(std::string_view text) {
  auto decoded = http::percent_decode(text, true);
  return decoded ? std::move(*decoded) : std::string(text);
}

std::vector<Pair> split_query(std::string_view query) {
  std::vector<Pair> pairs;
  for (std::size_t begin = 0; begin <= query.size();) {
    const auto end = std::min(query.find('&', begin), query.size());
    const auto raw = query.substr(begin, end - begin);
    const auto equals = std::min(raw.find('='), raw.size());
    const auto value = std::min(equals + 1, raw.size());
    pairs.push_back({.key = decoded_or_raw(raw.substr(0, equals)),
                     .value = decoded_or_raw(raw.substr(value)),
                     .begin = begin,
                     .value_begin = begin + value,
                     .end = end});
    begin = end + 1;
  }
  return pairs;
}

// Which of two values of one key would the server read?
Status check_single(const std::vector<Pair>& pairs, const Pair& pair, const Injection& injection) {
  if (std::ranges::count(pairs, pair.key, &Pair::key) == 1) return {};
  return misplaced(*injection.credential, "query, under a key that is there twice");
}

Result<std::vector<Part>> plan_query(std::string_view query, std::span<const Injection> injections,
                                     std::span<const AgentCredential> all) {
  std::vector<Part> parts;
  const auto pairs = split_query(query);
  for (const auto& pair : pairs) {
    const auto* injection = find_injection(injections, pair.value, [&](const Place& place) {
      return place.kind == PlaceKind::kQuery && (place.name == "*" || place.name == pair.key);
    });
    const auto rest_end = injection == nullptr ? pair.end : pair.value_begin;
    auto good = hold_no_placeholder(query.substr(pair.begin, rest_end - pair.begin), all, "query");
    if (good && injection != nullptr) good = check_single(pairs, pair, *injection);
    if (!good) return fail(std::move(good.error()));
    if (injection == nullptr) continue;
    if (parts.size() == kMostInQuery) return misplaced(*injection->credential, "query once more");
    parts.push_back({.injection = injection, .begin = pair.value_begin, .end = pair.end});
  }
  return parts;
}

void replace(std::string& text, const std::vector<Part>& parts, const SecretSource& secrets,
             std::string (*encode)(std::string_view)) {
  std::vector<std::string> values;
  std::size_t size = text.size();
  for (const auto& part : parts) {
    values.push_back(encode(secrets(part.injection->credential->name)->expose_text()));
    size += values.back().size();
  }
  std::string out;
  out.reserve(size);  // so that growing leaves no copy behind
  std::size_t at = 0;
  for (std::size_t i = 0; i < parts.size(); ++i) {
    out.append(text, at, parts[i].begin - at).append(values[i]);
    wipe_string(values[i]);
    at = parts[i].end;
  }
  out.append(text, at);
  text = std::move(out);
}

}  // namespace

Result<TargetPlan> plan_target(const http::CanonicalTarget& target,
                               std::span<const Injection> injections,
                               std::span<const AgentCredential> all) {
  TargetPlan plan;
  auto path = plan_path(target.path, injections, all);
  if (!path) return fail(std::move(path.error()));
  plan.path = *path;
  if (!target.query) return plan;
  auto query = plan_query(*target.query, injections, all);
  if (!query) return fail(std::move(query.error()));
  plan.query = std::move(*query);
  return plan;
}

void apply_target(const TargetPlan& plan, http::CanonicalTarget& target,
                  const SecretSource& secrets) {
  if (plan.path) replace(target.path, {*plan.path}, secrets, encode_for_path);
  if (!plan.query.empty()) replace(*target.query, plan.query, secrets, http::percent_encode);
}

}  // namespace deployclaw::services
