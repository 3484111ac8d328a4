#include "http/etag.hpp"

#include <optional>

#include "http/ascii.hpp"

namespace deployclaw::http {
namespace {

bool is_etag_char(char c) {
  const auto byte = static_cast<unsigned char>(c);
  return byte == 0x21 || (byte >= 0x23 && byte != 0x7f);
}

struct EntityTag {
  bool weak = false;
  std::string_view opaque;  // quotes included
};

// Takes one entity tag off the front of a list; nullopt when it is malformed.
std::optional<EntityTag> take_tag(std::string_view& list) {
  list = trim_ows(list);
  EntityTag tag;
  if (list.starts_with("W/")) {
    tag.weak = true;
    list.remove_prefix(2);
  }
  if (!list.starts_with('"')) return std::nullopt;
  const auto end = list.find('"', 1);
  if (end == std::string_view::npos) return std::nullopt;
  tag.opaque = list.substr(0, end + 1);
  list = trim_ows(list.substr(end + 1));
  if (list.empty()) return tag;
  if (list.front() != ',') return std::nullopt;
  list.remove_prefix(1);
  return tag;
}

bool list_names(std::string_view list, std::string_view etag, bool strong) {
  list = trim_ows(list);
  if (list == "*") return true;
  bool found = false;
  while (!list.empty()) {
    const auto tag = take_tag(list);
    if (!tag) return false;
    if (tag->opaque == etag && !(strong && tag->weak)) found = true;
  }
  return found;
}

}  // namespace

std::string make_etag(std::string_view version) {
  std::string out = "\"";
  for (const char c : version) {
    if (is_etag_char(c)) out += c;
  }
  out += '"';
  return out;
}

bool if_match_admits(std::string_view header, std::string_view etag) {
  return list_names(header, etag, true);
}

bool if_none_match_names(std::string_view header, std::string_view etag) {
  if (etag.starts_with("W/")) etag.remove_prefix(2);
  return list_names(header, etag, false);
}

}  // namespace deployclaw::http
