#include "api/auth/email.hpp"

#include <algorithm>

namespace deployclaw::api {
namespace {

bool is_letter_or_digit(char c) { return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9'); }

// RFC 5322 §3.2.3 atext, lower case.
bool is_atext(char c) {
  return is_letter_or_digit(c) ||
         std::string_view("!#$%&'*+-/=?^_`{|}~").find(c) != std::string_view::npos;
}

// Non-empty parts between dots, each of at most `longest` characters that all pass `allowed`.
template <class Allowed>
bool is_dotted(std::string_view text, std::size_t longest, Allowed allowed) {
  while (true) {
    const auto dot = text.find('.');
    const auto part = text.substr(0, dot);
    if (part.empty() || part.size() > longest || !std::ranges::all_of(part, allowed)) return false;
    if (dot == std::string_view::npos) return true;
    text.remove_prefix(dot + 1);
  }
}

bool is_domain(std::string_view text) {
  if (text.find('.') == std::string_view::npos) return false;
  if (!is_dotted(text, 63, [](char c) { return is_letter_or_digit(c) || c == '-'; })) return false;
  if (text.front() == '-' || text.back() == '-') return false;
  if (text.find("-.") != std::string_view::npos || text.find(".-") != std::string_view::npos) {
    return false;
  }
  // A last label of digits alone would be an IP address.
  const auto last = text.substr(text.rfind('.') + 1);
  return !std::ranges::all_of(last, [](char c) { return c >= '0' && c <= '9'; });
}

}  // namespace

std::optional<std::string> normalise_email(std::string_view text) {
  while (!text.empty() && text.front() == ' ') text.remove_prefix(1);
  while (!text.empty() && text.back() == ' ') text.remove_suffix(1);
  if (text.size() > 254) return std::nullopt;
  std::string email(text);
  for (char& c : email) {
    if (c >= 'A' && c <= 'Z') c = static_cast<char>(c + ('a' - 'A'));
  }
  const auto at = email.find('@');
  if (at == std::string::npos || at > 64) return std::nullopt;
  const auto local = std::string_view(email).substr(0, at);
  const auto domain = std::string_view(email).substr(at + 1);
  if (!is_dotted(local, 64, is_atext) || !is_domain(domain)) return std::nullopt;
  return email;
}

}  // namespace deployclaw::api
