// Hostile heads and JSON texts against injection: never crashes, and the real value shows up only
// where a placeholder stood in its place; an error changes nothing.
#include <cstdlib>

#include "services/injection.hpp"

namespace {

using namespace deployclaw;
using namespace deployclaw::services;

const std::string kPlaceholder = "PLACEHOLDER-0123";
const std::string kValue = "<<the real value>>";

struct Setup {
  AgentCredential credential{
      .name = "c", .kind = "k", .hosts = {"a.example.com"}, .placeholder = kPlaceholder};
  std::vector<Place> places;
  std::vector<Injection> injections;
  Secret value = Secret::copy_of(kValue);

  Setup() {
    places = {{.kind = PlaceKind::kHeader, .name = "*", .prefix = "*", .path = {}},
              {.kind = PlaceKind::kBasicPassword, .name = "", .prefix = "", .path = {}},
              {.kind = PlaceKind::kQuery, .name = "key", .prefix = "", .path = {}},
              {.kind = PlaceKind::kPathSegment,
               .name = "",
               .prefix = "",
               .path = *PathPattern::parse("/bot{secret}/**")},
              {.kind = PlaceKind::kBody, .name = "/d/token", .prefix = "", .path = {}}};
    for (const auto& place : places) injections.push_back({&credential, &place});
  }
};

void check_json(const Setup& setup, std::string_view text, const SecretSource& source) {
  std::string body(text);
  const auto used = inject_body(body, setup.injections, {&setup.credential, 1}, source);
  if ((!used || used->empty()) && body != text) std::abort();
  if (used && body.find(kPlaceholder) != std::string::npos) std::abort();
}

void check_head(const Setup& setup, std::string_view text, const SecretSource& source) {
  auto head = http::parse_request_head(text);
  if (!head) return;
  auto target = http::canonical_target(head->target);
  if (!target) return;
  const auto before = target->origin_form();
  const auto fields = head->headers.all();
  const auto used = inject_head(*head, *target, setup.injections, {&setup.credential, 1}, source);
  const bool changed = target->origin_form() != before || head->headers.all() != fields;
  if (changed != (used && !used->empty())) std::abort();
  if (!used) return;
  for (const auto& [name, value] : head->headers.all()) {
    if (!http::is_safe_field(name, value)) std::abort();
    if (value.find(kPlaceholder) != std::string::npos) std::abort();
  }
  if (target->origin_form().find(kPlaceholder) != std::string::npos) std::abort();
  if (!http::canonical_target(target->origin_form())) std::abort();
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const unsigned char* data, std::size_t size) {
  static const Setup setup;
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  const SecretSource source = [](std::string_view) { return &setup.value; };
  check_json(setup, text, source);
  check_head(setup, text, source);
  return 0;
}
