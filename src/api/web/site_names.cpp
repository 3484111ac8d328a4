// What a name tells: type and how long it may be kept. See site.hpp.
#include <algorithm>
#include <array>

#include "api/web/site.hpp"

namespace deployclaw::api::web {
namespace {

constexpr std::array<std::pair<std::string_view, std::string_view>, 18> kTypes{{
    {".html", "text/html; charset=utf-8"},
    {".css", "text/css; charset=utf-8"},
    {".js", "text/javascript; charset=utf-8"},
    {".mjs", "text/javascript; charset=utf-8"},
    {".json", "application/json"},
    {".map", "application/json"},
    {".svg", "image/svg+xml"},
    {".png", "image/png"},
    {".webp", "image/webp"},
    {".avif", "image/avif"},
    {".jpg", "image/jpeg"},
    {".ico", "image/x-icon"},
    {".woff2", "font/woff2"},
    {".txt", "text/plain; charset=utf-8"},
    {".xml", "application/xml"},
    {".webmanifest", "application/manifest+json"},
    {".pdf", "application/pdf"},
    {".wasm", "application/wasm"},
}};

bool is_hash_char(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_' ||
         c == '-';
}

}  // namespace

std::string_view media_type(std::string_view path) {
  const auto* const found =
      std::ranges::find_if(kTypes, [path](const auto& type) { return path.ends_with(type.first); });
  return found == kTypes.end() ? "application/octet-stream" : found->second;
}

bool is_hashed_name(std::string_view path) {
  constexpr std::size_t kShortestHash = 8;
  if (!path.starts_with("/assets/")) return false;
  const auto dot = path.rfind('.');
  const auto name = path.substr(path.rfind('/') + 1, dot - path.rfind('/') - 1);
  // The hash may hold '-' itself, so what is looked for is a mark with enough behind it.
  for (std::size_t at = 0; at + kShortestHash < name.size(); ++at) {
    if (at == 0 || (name[at] != '-' && name[at] != '.')) continue;
    if (std::ranges::all_of(name.substr(at + 1), is_hash_char)) return true;
  }
  return false;
}

std::string content_security_policy(std::string_view counter) {
  const std::string also = counter.empty() ? "" : " " + std::string(counter);
  return "default-src 'none'; script-src 'self'" + also +
         "; style-src 'self'; img-src 'self' data:; font-src 'self'; connect-src 'self'" + also +
         "; manifest-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'";
}

}  // namespace deployclaw::api::web
