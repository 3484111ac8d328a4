#include "services/body_values.hpp"

#include <algorithm>
#include <boost/json/array.hpp>
#include <boost/json/object.hpp>
#include <boost/json/serialize.hpp>

#include "base/encoding.hpp"
#include "http/ascii.hpp"
#include "http/url.hpp"

namespace deployclaw::services {
namespace {

namespace json = boost::json;

// One reference token, its escapes undone.
std::string token_of(std::string_view text) {
  std::string out;
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (text[i] == '~' && i + 1 < text.size()) {
      out += text[++i] == '1' ? '/' : '~';
    } else {
      out += text[i];
    }
  }
  return out;
}

void add_value(const json::value& value, std::vector<std::string>& out) {
  if (out.size() >= kMostValues) return;
  if (const auto* text = value.if_string()) {
    out.emplace_back(*text);
  } else if (value.is_number() || value.is_bool()) {
    out.push_back(json::serialize(value));
  }
}

void walk(const json::value& value, std::string_view pointer, std::vector<std::string>& out) {
  if (out.size() >= kMostValues) return;
  if (pointer.empty()) return add_value(value, out);
  const auto end = std::min(pointer.find('/', 1), pointer.size());
  const auto token = pointer.substr(1, end - 1);
  const auto rest = pointer.substr(end);
  if (token == "*") {
    const auto* array = value.if_array();
    if (array == nullptr) return;
    for (std::size_t i = 0; i < std::min(array->size(), kMostValues); ++i) {
      walk((*array)[i], rest, out);
    }
  } else if (const auto* object = value.if_object()) {
    const auto* member = object->if_contains(token_of(token));
    if (member != nullptr) walk(*member, rest, out);
  } else if (const auto* array = value.if_array()) {
    const bool is_index = !token.empty() && token.size() <= 4 &&
                          std::ranges::all_of(token, [](char c) { return c >= '0' && c <= '9'; });
    if (!is_index) return;
    const auto index = static_cast<std::size_t>(std::stoul(std::string(token)));
    if (index < array->size()) walk((*array)[index], rest, out);
  }
}

std::string_view trimmed(std::string_view text) {
  const auto begin = text.find_first_not_of(" \t\r\n");
  if (begin == std::string_view::npos) return {};
  return text.substr(begin, text.find_last_not_of(" \t\r\n") - begin + 1);
}

bool begins_ignoring_case(std::string_view text, std::string_view with) {
  return text.size() >= with.size() &&
         http::equals_ignoring_case(text.substr(0, with.size()), with);
}

// A parameter of a field's value: name="to"; of the first that has it, "" when none does.
std::string parameter(std::string_view value, std::string_view name) {
  while (value.contains(';')) {
    value = trimmed(value.substr(value.find(';') + 1));
    if (!begins_ignoring_case(value, name)) continue;
    auto rest = trimmed(value.substr(name.size()));
    if (!rest.starts_with('=')) continue;
    rest = trimmed(rest.substr(1));
    if (!rest.starts_with('"')) return std::string(trimmed(rest.substr(0, rest.find(';'))));
    rest.remove_prefix(1);
    return std::string(rest.substr(0, rest.find('"')));
  }
  return {};
}

// The head of a message or part: up to its first empty line.
std::string_view head_of(std::string_view text) {
  return text.substr(0, std::min(text.find("\r\n\r\n"), text.find("\n\n")));
}

std::optional<std::string> multipart_value(std::string_view boundary, std::string_view body,
                                           std::string_view key) {
  if (boundary.empty() || boundary.size() > 200) return std::nullopt;
  const auto mark = "--" + std::string(boundary);
  auto at = body.find(mark);
  while (at != std::string_view::npos) {
    const auto begin = at + mark.size();
    const auto next = body.find(mark, begin);
    auto part = body.substr(begin, next == std::string_view::npos ? next : next - begin);
    at = next;
    if (part.starts_with("\r\n")) part.remove_prefix(2);
    const auto head = head_of(part);
    const auto disposition = mime_field(head, "content-disposition");
    if (!disposition || parameter(*disposition, "name") != key) continue;
    auto value = part.substr(std::min(head.size() + 4, part.size()));
    if (value.ends_with("\r\n")) value.remove_suffix(2);
    return std::string(value);
  }
  return std::nullopt;
}

}  // namespace

std::vector<std::string> json_values(const json::value& body, std::string_view pointer) {
  std::vector<std::string> out;
  if (pointer.starts_with('/')) walk(body, pointer, out);
  return out;
}

std::optional<std::string> form_value(std::string_view content_type, std::string_view body,
                                      std::string_view key) {
  if (begins_ignoring_case(content_type, "multipart/form-data")) {
    return multipart_value(parameter(content_type, "boundary"), body, key);
  }
  if (!begins_ignoring_case(content_type, "application/x-www-form-urlencoded")) return std::nullopt;
  std::optional<std::string> joined;
  for (auto& [name, value] : http::parse_query(body)) {
    if (name != key) continue;
    if (joined) {
      *joined += ", " + value;
    } else {
      joined = std::move(value);
    }
  }
  return joined;
}

std::optional<std::string> mime_field(std::string_view message, std::string_view name) {
  std::optional<std::string> found;
  bool inside = false;
  auto head = head_of(message);
  while (!head.empty()) {
    const auto end = std::min(head.find('\n'), head.size());
    auto line = head.substr(0, end);
    head.remove_prefix(std::min(end + 1, head.size()));
    if (line.ends_with('\r')) line.remove_suffix(1);
    if (line.starts_with(' ') || line.starts_with('\t')) {
      if (inside) found->append(" ").append(trimmed(line));
      continue;
    }
    const auto colon = std::min(line.find(':'), line.size());
    inside = http::equals_ignoring_case(trimmed(line.substr(0, colon)), name);
    if (!inside) continue;
    const auto value = trimmed(line.substr(std::min(colon + 1, line.size())));
    if (found) {
      found->append(", ").append(value);
    } else {
      found = std::string(value);
    }
  }
  return found;
}

std::string lenient_base64(std::string_view text) {
  std::string out;
  unsigned bits = 0;
  int count = 0;
  for (const char c : text) {
    unsigned value = 0;
    if (c >= 'A' && c <= 'Z') {
      value = static_cast<unsigned>(c - 'A');
    } else if (c >= 'a' && c <= 'z') {
      value = static_cast<unsigned>(c - 'a') + 26;
    } else if (c >= '0' && c <= '9') {
      value = static_cast<unsigned>(c - '0') + 52;
    } else if (c == '-' || c == '+') {
      value = 62;
    } else if (c == '_' || c == '/') {
      value = 63;
    } else if (c == '=' || c == '\r' || c == '\n') {
      continue;
    } else {
      return {};
    }
    bits = (bits << 6U) | value;
    count += 6;
    if (count >= 8) {
      count -= 8;
      out += static_cast<char>((bits >> static_cast<unsigned>(count)) & 0xFFU);
    }
  }
  return out;
}

}  // namespace deployclaw::services
