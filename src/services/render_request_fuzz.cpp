// Hostile requests against what shows them: never crashes, and what comes out is one JSON text of
// bounded size with nothing hidden in it and no placeholder.
#include <array>
#include <boost/json/parse.hpp>
#include <cstdlib>

#include "base/encoding.hpp"
#include "services/render_request.hpp"

namespace {

using namespace deployclaw;
using namespace deployclaw::services;

constexpr std::array<std::string_view, 9> kServices{
    "gmail",    "microsoft-graph", "sendgrid",          "twilio", "slack",
    "telegram", "discord",         "whatsapp-business", ""};
constexpr std::array<const char*, 6> kTypes{"application/json", "application/x-www-form-urlencoded",
                                            "message/rfc822",   "multipart/related; boundary=b",
                                            "text/plain",       "application/octet-stream"};

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const unsigned char* data, std::size_t size) {
  if (size < 2) return 0;
  const auto service = kServices[data[0] % kServices.size()];
  const std::vector<std::pair<std::string, std::string>> fields{
      {"Content-Type", kTypes[data[1] % kTypes.size()]}};
  const AgentCredential credential{
      .name = "c", .kind = "k", .hosts = {}, .placeholder = "PLACEHOLDER-0123"};
  const PlainRequest request{.method = "POST",
                             .scheme = "https",
                             .authority = "api.example.com",
                             .target = "/api/v10/channels/1/messages?text=x",
                             .fields = fields,
                             .body = {reinterpret_cast<const char*>(data) + 2, size - 2}};
  const auto shown = render_request(request, service, {&credential, 1});
  if (!shown) return 0;
  if (shown->size() > kMostRendered || !is_utf8(*shown)) std::abort();
  for (const char c : *shown) {
    if (static_cast<unsigned char>(c) < 0x20 || c == 0x7f) std::abort();
  }
  if (shown->contains("\xe2\x80\xae") || shown->contains(credential.placeholder)) std::abort();
  boost::system::error_code error;
  const auto read = boost::json::parse(*shown, error);
  if (error || !read.is_object()) std::abort();
  return 0;
}
