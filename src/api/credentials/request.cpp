#include "api/credentials/request.hpp"

#include <algorithm>

#include "domain/names.hpp"
#include "http/fields.hpp"

namespace deployclaw::api::credentials {
namespace {

namespace json = boost::json;

// A shorter one would be found in texts that have nothing to do with it, and be hidden there.
constexpr std::size_t kShortestValue = 8;
constexpr std::size_t kLongestValue = 8192;

Secret checked_value(http::Fields& in) {
  const auto* value = in.optional_value("value");
  if (value == nullptr) {
    in.error("value", "is required");
    return {};
  }
  const auto* text = value->if_string();
  if (text == nullptr || text->size() < kShortestValue || text->size() > kLongestValue) {
    in.error("value", "must be a string of 8 to 8192 bytes");
    return {};
  }
  // It goes into headers and URLs: a line break would forge others.
  const bool clean = std::ranges::none_of(
      *text, [](char c) { return static_cast<unsigned char>(c) < 0x20 || c == '\x7f'; });
  if (!clean) {
    in.error("value", "must not contain line breaks or control characters");
    return {};
  }
  return Secret::copy_of(std::string_view(*text));
}

std::string checked_name(http::Fields& in) {
  const auto* value = in.optional_value("name");
  if (value == nullptr) {
    in.error("name", "is required");
    return {};
  }
  const auto* text = value->if_string();
  if (text == nullptr) {
    in.error("name", "must be a string");
    return {};
  }
  auto name = domain::credential_name(*text);
  if (!name) {
    in.error("name", std::move(name.error()));
    return {};
  }
  return std::move(*name);
}

}  // namespace

Result<CredentialRequest> read_credential(const services::Catalogue& catalogue,
                                          const json::object& object, std::string_view base,
                                          std::optional<std::string> present_kind) {
  http::Fields in(object, std::string(base));
  CredentialRequest out;
  if (!present_kind) out.name = checked_name(in);
  out.value = checked_value(in);
  const auto kind = in.optional_string("kind", {.min = 1, .max = 64});
  if (present_kind && kind && *kind != *present_kind) {
    in.error("kind", "cannot be changed; delete the credential and add another");
  }
  const auto wanted = present_kind ? *present_kind : kind.value_or("generic");
  out.kind = catalogue.find_kind(wanted);
  const auto* hosts = in.optional_value("hosts");
  out.hosts_given = hosts != nullptr;
  if (out.kind == nullptr) {
    in.error("kind", "is not a known kind of credential");
  } else if (hosts != nullptr || !present_kind) {
    std::vector<FieldError> errors;
    out.hosts = services::read_credential_hosts(*out.kind, hosts, in.pointer("hosts"), errors);
    for (auto& error : errors) in.error_at(std::move(error.pointer), std::move(error.detail));
  }
  if (auto good = in.finish(); !good) return fail(std::move(good.error()));
  return out;
}

}  // namespace deployclaw::api::credentials
