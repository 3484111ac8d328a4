// Placeholders in whole JSON texts: request bodies and WebSocket messages.
#include <fmt/format.h>

#include <algorithm>
#include <boost/json/array.hpp>
#include <boost/json/object.hpp>

#include "http/json_body.hpp"
#include "services/injection.hpp"
#include "services/json_locate.hpp"
#include "services/places.hpp"

namespace deployclaw::services {
namespace {

namespace json = boost::json;

constexpr std::size_t kLargestText = 1024 * 1024;

bool has_place(std::span<const Injection> injections, PlaceKind kind) {
  return std::ranges::any_of(injections,
                             [kind](const Injection& i) { return i.place->kind == kind; });
}

struct Part {
  const Injection* injection = nullptr;
  JsonSpan span;
};

// The strings that are placeholders at their places. Two places may not be one.
std::vector<Part> find_parts(const json::value& root, std::string_view text, PlaceKind kind,
                             std::span<const Injection> injections) {
  std::vector<Part> parts;
  for (const auto& injection : injections) {
    if (injection.place->kind != kind) continue;
    boost::system::error_code error;
    const auto* found = root.find_pointer(injection.place->name, error);
    if (found == nullptr || !found->is_string()) continue;
    if (std::string_view(found->get_string()) != injection.credential->placeholder) continue;
    const auto span = locate_json_string(text, injection.place->name);
    // Written with escapes it is not replaced, and then refused as misplaced.
    if (!span ||
        text.substr(span->begin, span->end - span->begin) != injection.credential->placeholder) {
      continue;
    }
    parts.push_back({.injection = &injection, .span = *span});
  }
  std::ranges::sort(parts, {}, [](const Part& part) { return part.span.begin; });
  return parts;
}

// How many strings and keys below `value` hold a placeholder; `culprit` is the last one found.
std::size_t count_placeholders(const json::value& value, std::span<const AgentCredential> all,
                               const AgentCredential*& culprit) {
  const auto in_text = [&](std::string_view text) -> std::size_t {
    const auto found = std::ranges::find_if(
        all, [text](const AgentCredential& c) { return text.contains(c.placeholder); });
    if (found == all.end()) return 0;
    culprit = &*found;
    return 1;
  };
  std::size_t count = 0;
  if (const auto* text = value.if_string()) {
    count += in_text(*text);
  } else if (const auto* object = value.if_object()) {
    for (const auto& member : *object) {
      count += in_text(member.key()) + count_placeholders(member.value(), all, culprit);
    }
  } else if (const auto* array = value.if_array()) {
    for (const auto& item : *array) count += count_placeholders(item, all, culprit);
  }
  return count;
}

std::string json_escape(std::string_view value) {
  std::string out;
  out.reserve(6 * value.size());
  for (const char c : value) {
    if (c == '"' || c == '\\') {
      out += '\\';
      out += c;
    } else if (static_cast<unsigned char>(c) < 0x20) {
      fmt::format_to(std::back_inserter(out), "\\u{:04x}", static_cast<unsigned>(c));
    } else {
      out += c;
    }
  }
  return out;
}

void replace(std::string& text, const std::vector<Part>& parts, const SecretSource& secrets) {
  std::vector<std::string> values;
  std::size_t size = text.size();
  for (const auto& part : parts) {
    values.push_back(json_escape(secrets(part.injection->credential->name)->expose_text()));
    size += values.back().size();
  }
  std::string out;
  out.reserve(size);  // so that growing leaves no copy behind
  std::size_t at = 0;
  for (std::size_t i = 0; i < parts.size(); ++i) {
    out.append(text, at, parts[i].span.begin - at).append(values[i]);
    wipe_string(values[i]);
    at = parts[i].span.end;
  }
  out.append(text, at);
  text = std::move(out);
}

Result<Injected> inject_json(std::string& text, PlaceKind kind, std::string_view where,
                             std::span<const Injection> injections,
                             std::span<const AgentCredential> all, const SecretSource& secrets) {
  const bool plain = !text.contains('\\') && std::ranges::none_of(all, [&](const auto& c) {
    return text.contains(c.placeholder);
  });
  if (plain) return Injected{};
  if (!has_place(injections, kind)) {
    auto clean = hold_no_placeholder(text, all, where);
    if (!clean) return fail(std::move(clean.error()));
    return Injected{};
  }
  const auto root = http::parse_json(text, {.max_bytes = kLargestText});
  if (!root) return fail(root.error());
  const auto parts = find_parts(*root, text, kind, injections);
  const AgentCredential* culprit = nullptr;
  if (count_placeholders(*root, all, culprit) != parts.size()) return misplaced(*culprit, where);
  Injected used;
  for (const auto& part : parts) {
    const auto secret = value_of(*part.injection, secrets);
    if (!secret) return fail(secret.error());
    auto fits = check_fit(*part.injection->place, (*secret)->expose_text());
    if (!fits) return fail(std::move(fits.error()));
    note(used, *part.injection);
  }
  replace(text, parts, secrets);
  return used;
}

}  // namespace

bool injects_body(std::span<const Injection> injections) {
  return has_place(injections, PlaceKind::kBody);
}

bool injects_messages(std::span<const Injection> injections) {
  return has_place(injections, PlaceKind::kWebSocket);
}

Result<Injected> inject_body(std::string& body, std::span<const Injection> injections,
                             std::span<const AgentCredential> all, const SecretSource& secrets) {
  return inject_json(body, PlaceKind::kBody, "body", injections, all, secrets);
}

Result<Injected> inject_message(std::string& message, std::span<const Injection> injections,
                                std::span<const AgentCredential> all, const SecretSource& secrets) {
  return inject_json(message, PlaceKind::kWebSocket, "message", injections, all, secrets);
}

}  // namespace deployclaw::services
