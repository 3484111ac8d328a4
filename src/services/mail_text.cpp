#include "services/mail_text.hpp"

#include <algorithm>

#include "base/encoding.hpp"
#include "http/ascii.hpp"

namespace deployclaw::services {
namespace {

using http::equals_ignoring_case;
using http::trim_ows;

constexpr std::size_t kDeepest = 8;
constexpr std::size_t kMostParts = 64;
constexpr std::size_t kMostFields = 512;
constexpr std::size_t kLongestWord = 1024;  // RFC 2047 allows 75

std::string lower(std::string_view text) {
  std::string out(text);
  for (char& c : out) c = http::ascii_lower(c);
  return out;
}

// Takes one line off the front, without its end.
std::string_view take_line(std::string_view& text) {
  const auto end = std::min(text.find('\n'), text.size());
  auto line = text.substr(0, end);
  text.remove_prefix(std::min(end + 1, text.size()));
  if (line.ends_with('\r')) line.remove_suffix(1);
  return line;
}

std::string decode_base64(std::string_view text) {
  std::string clean;
  clean.reserve(text.size());
  for (const char c : text) {
    if (c == '=') break;
    if (c == '-') {
      clean += '+';
    } else if (c == '_') {
      clean += '/';
    } else if ((c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') ||
               c == '+' || c == '/') {
      clean += c;
    }
  }
  while (clean.size() % 4 != 0) clean += '=';
  const auto bytes = base64_decode(clean);
  // What is none is shown as it stands, so that nothing is hidden behind a bad letter.
  return bytes ? std::string(bytes->begin(), bytes->end()) : std::string(text);
}

std::string decode_quoted(std::string_view text, bool in_word) {
  std::string out;
  out.reserve(text.size());
  while (!text.empty()) {
    const char c = text.front();
    if (c == '=' && text.size() >= 3 && http::hex_value(text[1]) >= 0 &&
        http::hex_value(text[2]) >= 0) {
      out += static_cast<char>(http::hex_value(text[1]) * 16 + http::hex_value(text[2]));
      text.remove_prefix(3);
    } else if (!in_word && c == '=' && (text.starts_with("=\r\n") || text.starts_with("=\n"))) {
      text.remove_prefix(text[1] == '\r' ? 3 : 2);
    } else {
      out += in_word && c == '_' ? ' ' : c;
      text.remove_prefix(1);
    }
  }
  return out;
}

bool is_known_charset(std::string_view charset) {
  return charset == "utf-8" || charset == "us-ascii" || charset == "iso-8859-1" ||
         charset == "windows-1252";
}

// "=?utf-8?B?…?=" at the front; nullopt when there is none that is known.
struct Word {
  std::string text;
  std::size_t size;
};
std::optional<Word> encoded_word(std::string_view text) {
  if (!text.starts_with("=?")) return std::nullopt;
  text = text.substr(0, kLongestWord);
  const auto charset_end = text.find('?', 2);
  if (charset_end == std::string_view::npos || charset_end + 2 >= text.size() ||
      text[charset_end + 2] != '?') {
    return std::nullopt;
  }
  const auto end = text.find("?=", charset_end + 3);
  if (end == std::string_view::npos) return std::nullopt;
  const auto charset = lower(text.substr(2, charset_end - 2));
  const auto content = text.substr(charset_end + 3, end - charset_end - 3);
  const char kind = http::ascii_lower(text[charset_end + 1]);
  if (!is_known_charset(charset) || (kind != 'b' && kind != 'q')) return std::nullopt;
  auto bytes = kind == 'b' ? decode_base64(content) : decode_quoted(content, true);
  return Word{as_utf8(bytes, charset), end + 2};
}

std::string decode_words(std::string_view text) {
  std::string out;
  std::string_view between;  // white space behind an encoded word: nothing, if another follows
  while (!text.empty()) {
    if (auto word = encoded_word(text)) {
      out += word->text;
      text.remove_prefix(word->size);
      const auto spaces = std::min(text.find_first_not_of(" \t"), text.size());
      between = text.substr(0, spaces);
      text.remove_prefix(spaces);
      continue;
    }
    out += std::exchange(between, {});
    out += text.front();
    text.remove_prefix(1);
  }
  out += between;
  return out;
}

// Takes the head off the front. nullopt when a line is no field.
std::optional<MailFields> take_head(std::string_view& text) {
  MailFields fields;
  while (!text.empty()) {
    const auto line = take_line(text);
    if (line.empty()) break;
    if (line.front() == ' ' || line.front() == '\t') {
      if (fields.empty()) return std::nullopt;
      fields.back().second += ' ';
      fields.back().second += trim_ows(line);
      continue;
    }
    const auto colon = line.find(':');
    if (colon == std::string_view::npos || fields.size() >= kMostFields) return std::nullopt;
    fields.emplace_back(trim_ows(line.substr(0, colon)), trim_ows(line.substr(colon + 1)));
  }
  return fields;
}

std::string_view find(const MailFields& fields, std::string_view name) {
  for (const auto& [key, value] : fields) {
    if (equals_ignoring_case(key, name)) return value;
  }
  return {};
}

std::vector<std::string_view> split_parts(std::string_view body, const std::string& boundary) {
  const std::string mark = "--" + boundary;
  std::vector<std::string_view> parts;
  std::optional<std::size_t> begin;
  std::size_t at = 0;
  while (at <= body.size()) {
    const auto end = std::min(body.find('\n', at), body.size());
    const auto line = body.substr(at, end - at);
    if (line.starts_with(mark)) {
      if (begin) parts.push_back(body.substr(*begin, at - std::min(at, *begin)));
      begin = std::min(end + 1, body.size());
      if (line.substr(mark.size()).starts_with("--")) return parts;
    }
    at = end + 1;
  }
  if (begin) parts.push_back(body.substr(*begin));  // its end is missing: shown all the same
  return parts;
}

bool collect(const MailFields& head, std::string_view body, std::size_t depth,
             std::vector<MailPart>& out) {
  const auto content_type = find(head, "content-type");
  auto type = lower(trim_ows(content_type.substr(0, content_type.find(';'))));
  if (type.empty()) type = "text/plain";
  const auto boundary = field_parameter(content_type, "boundary");
  if (type.starts_with("multipart/") && !boundary.empty()) {
    if (depth >= kDeepest) return false;
    for (auto part : split_parts(body, boundary)) {
      auto inner = take_head(part);
      // A part without a head of its own: all of it is its body.
      if (!inner) inner.emplace();
      if (!collect(*inner, part, depth + 1, out)) return false;
    }
    return true;
  }
  if (out.size() >= kMostParts) return false;
  const auto disposition = find(head, "content-disposition");
  const auto coding = lower(find(head, "content-transfer-encoding"));
  MailPart part{.type = std::move(type),
                .charset = lower(field_parameter(content_type, "charset")),
                .name = field_parameter(disposition, "filename"),
                .field = field_parameter(disposition, "name"),
                .attached = lower(disposition).starts_with("attachment"),
                .content = coding == "base64"             ? decode_base64(body)
                           : coding == "quoted-printable" ? decode_quoted(body, false)
                                                          : std::string(body)};
  if (part.name.empty()) part.name = field_parameter(content_type, "name");
  part.name = decode_words(part.name);
  out.push_back(std::move(part));
  return true;
}

}  // namespace

std::string field_parameter(std::string_view value, std::string_view name) {
  while (true) {
    const auto semicolon = value.find(';');
    if (semicolon == std::string_view::npos) return {};
    value = trim_ows(value.substr(semicolon + 1));
    const auto equals = value.find_first_of("=;");
    if (equals == std::string_view::npos || value[equals] == ';') continue;
    const auto key = trim_ows(value.substr(0, equals));
    value = trim_ows(value.substr(equals + 1));
    std::string text;
    if (value.starts_with('"')) {
      std::size_t i = 1;
      for (; i < value.size() && value[i] != '"'; ++i) {
        if (value[i] == '\\' && i + 1 < value.size()) ++i;
        text += value[i];
      }
      value.remove_prefix(std::min(i + 1, value.size()));
    } else {
      text = trim_ows(value.substr(0, value.find(';')));
    }
    if (equals_ignoring_case(key, name)) return text;
  }
}

std::string as_utf8(std::string_view bytes, std::string_view charset) {
  if (charset != "iso-8859-1" && charset != "windows-1252") return std::string(bytes);
  std::string out;
  for (const char c : bytes) {
    const auto byte = static_cast<unsigned char>(c);
    if (byte < 0x80) {
      out += c;
    } else {
      out += static_cast<char>(0xc0U | byte >> 6U);
      out += static_cast<char>(0x80U | (byte & 0x3fU));
    }
  }
  return out;
}

std::optional<Mail> read_mail(std::string_view text) {
  auto head = take_head(text);
  if (!head || head->empty()) return std::nullopt;
  Mail mail;
  if (!collect(*head, text, 0, mail.parts)) return std::nullopt;
  for (auto& [name, value] : *head) value = decode_words(value);
  mail.fields = std::move(*head);
  return mail;
}

std::optional<std::vector<MailPart>> read_parts(std::string_view content_type,
                                                std::string_view body) {
  const MailFields head{{"content-type", std::string(content_type)}};
  std::vector<MailPart> parts;
  if (!collect(head, body, 0, parts)) return std::nullopt;
  return parts;
}

}  // namespace deployclaw::services
