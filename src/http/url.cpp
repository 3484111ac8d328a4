#include "http/url.hpp"

#include "base/encoding.hpp"
#include "http/ascii.hpp"

namespace deployclaw::http {
namespace {

std::unexpected<Error> refuse(std::string_view why) {
  return fail(Code::kMalformed, "malformed_path", "The path " + std::string(why) + ".");
}

}  // namespace

std::optional<std::string> percent_decode(std::string_view text, bool plus_is_space) {
  std::string out;
  out.reserve(text.size());
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (text[i] == '+' && plus_is_space) {
      out += ' ';
    } else if (text[i] != '%') {
      out += text[i];
    } else {
      if (i + 2 >= text.size()) return std::nullopt;
      const int high = hex_value(text[i + 1]);
      const int low = hex_value(text[i + 2]);
      if (high < 0 || low < 0) return std::nullopt;
      out += static_cast<char>(high * 16 + low);
      i += 2;
    }
  }
  return out;
}

std::string percent_encode(std::string_view text) {
  constexpr std::string_view kDigits = "0123456789ABCDEF";
  std::string out;
  out.reserve(text.size());
  for (const char c : text) {
    if (is_unreserved(c)) {
      out += c;
      continue;
    }
    const auto byte = static_cast<unsigned char>(c);
    out += '%';
    out += kDigits[byte >> 4];
    out += kDigits[byte & 15];
  }
  return out;
}

Result<std::string> canonical_path(std::string_view raw) {
  if (raw.empty() || raw.front() != '/') return refuse("does not start with '/'");
  std::string path;
  if (raw.find('%') == std::string_view::npos) {
    path = raw;
  } else {
    auto decoded = percent_decode(raw);
    if (!decoded) return refuse("has a bad percent escape");
    // An escape that decodes to a delimiter would change the number of segments after decoding, and
    // one that decodes to '%' would invite a second decoding.
    for (std::size_t i = 0; i + 2 < raw.size(); ++i) {
      if (raw[i] != '%') continue;
      const auto c = static_cast<char>(hex_value(raw[i + 1]) * 16 + hex_value(raw[i + 2]));
      if (c == '/' || c == '\\' || c == '%') return refuse("has an encoded delimiter");
      i += 2;
    }
    path = std::move(*decoded);
  }
  for (const char c : raw) {
    if (c == '?' || c == '#') return refuse("has a delimiter of another part");
  }
  for (const char c : path) {
    if (is_control(c)) return refuse("has a control character");
    if (c == '\\') return refuse("has a backslash");
  }
  if (!is_utf8(path)) return refuse("is not valid UTF-8");

  std::size_t start = 1;
  while (start <= path.size()) {
    auto end = path.find('/', start);
    const bool last = end == std::string::npos;
    if (last) end = path.size();
    const std::string_view segment = std::string_view(path).substr(start, end - start);
    if (segment.empty() && !last) return refuse("has an empty segment");
    if (segment == "." || segment == "..") return refuse("has a dot segment");
    start = end + 1;
  }
  return path;
}

std::vector<std::pair<std::string, std::string>> parse_query(std::string_view query) {
  std::vector<std::pair<std::string, std::string>> out;
  while (!query.empty()) {
    const auto end = query.find('&');
    const std::string_view pair = query.substr(0, end);
    query = end == std::string_view::npos ? std::string_view{} : query.substr(end + 1);
    if (pair.empty()) continue;
    const auto equals = pair.find('=');
    auto key = percent_decode(pair.substr(0, equals), true);
    auto value = equals == std::string_view::npos ? std::optional<std::string>("")
                                                  : percent_decode(pair.substr(equals + 1), true);
    if (key && value) out.emplace_back(std::move(*key), std::move(*value));
  }
  return out;
}

}  // namespace deployclaw::http
