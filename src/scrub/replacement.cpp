#include "scrub/replacement.hpp"

#include "base/encoding.hpp"

namespace deployclaw::scrub {
namespace {

std::string fitted(std::string text, std::size_t size) {
  text.resize(size, '*');
  return text;
}

std::string hex_like(std::string_view found, std::string_view plain) {
  std::string text = hex_encode(bytes_of(plain));
  if (found.find_first_of("abcdef") != std::string_view::npos) return text;
  for (char& c : text) c = c >= 'a' ? static_cast<char>(c - 32) : c;
  return text;
}

std::string base64_like(std::string_view found, std::string_view plain, std::size_t alignment) {
  std::string text = inner_base64(plain, alignment);
  if (found.find_first_of("-_") == std::string_view::npos) return text;
  for (char& c : text) c = c == '+' ? '-' : c == '/' ? '_' : c;
  return text;
}

}  // namespace

std::string replacement_for(const PatternIndex& index, const Pattern& pattern, Form form,
                            std::string_view found) {
  const Value& value = index.values[pattern.value];
  if (!form.percent && !form.json && !form.html) {
    const std::string plain = fitted(value.placeholder, value.size);
    if (form.coding == Coding::kHex) return hex_like(found, plain);
    if (form.coding == Coding::kBase64) return base64_like(found, plain, pattern.alignment);
  }
  return fitted(value.placeholder, found.size());
}

}  // namespace deployclaw::scrub
