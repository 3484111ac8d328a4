#include "api/web/template.hpp"

#include <vector>

namespace deployclaw::api::web {
namespace {

struct Section {
  std::string key;
  bool shown;
};

bool all_shown(const std::vector<Section>& open) {
  for (const auto& section : open) {
    if (!section.shown) return false;
  }
  return true;
}

}  // namespace

std::string escape_html(std::string_view text) {
  std::string out;
  out.reserve(text.size());
  for (const char c : text) {
    switch (c) {
      case '&':
        out += "&amp;";
        break;
      case '<':
        out += "&lt;";
        break;
      case '>':
        out += "&gt;";
        break;
      case '"':
        out += "&quot;";
        break;
      case '\'':
        out += "&#39;";
        break;
      default:
        out += c;
    }
  }
  return out;
}

Result<std::string> fill_template(std::string_view text, const Values& values) {
  std::string out;
  std::vector<Section> open;
  while (true) {
    const auto start = text.find("{{");
    if (all_shown(open)) out += text.substr(0, start);
    if (start == std::string_view::npos) break;
    const auto end = text.find("}}", start);
    if (end == std::string_view::npos) return fail(Code::kInvalid, "a {{ without its }}");
    std::string_view tag = text.substr(start + 2, end - start - 2);
    text.remove_prefix(end + 2);
    const char kind = tag.empty() ? ' ' : tag.front();
    if (kind == '#' || kind == '^' || kind == '/') tag.remove_prefix(1);
    const auto value = values.find(tag);
    if (value == values.end()) {
      return fail(Code::kInvalid, "{{" + std::string(tag) + "}} is no known value");
    }
    if (kind == '#' || kind == '^') {
      open.push_back({std::string(tag), value->second.empty() == (kind == '^')});
    } else if (kind == '/') {
      if (open.empty() || open.back().key != tag) {
        return fail(Code::kInvalid, "{{/" + std::string(tag) + "}} closes nothing");
      }
      open.pop_back();
    } else if (all_shown(open)) {
      out += escape_html(value->second);
    }
  }
  if (!open.empty()) return fail(Code::kInvalid, "{{#" + open.back().key + "}} is not closed");
  return out;
}

}  // namespace deployclaw::api::web
