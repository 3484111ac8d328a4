// A small program around the sealing core, so that a test in another language can hold the format
// against docs/security/vault-format.md. Not installed.
//   vault_format_tool seal|open|derive KEY_FILE   reads one JSON object from stdin
//   vault_format_tool rotate KEY_FILE
#include <boost/json/parse.hpp>
#include <boost/json/serialize.hpp>
#include <cstdio>
#include <iostream>
#include <iterator>
#include <string>

#include "vault/key_file.hpp"
#include "vault/sealing.hpp"

namespace deployclaw::vault {
namespace {

namespace json = boost::json;

int answer(const json::value& value) {
  std::cout << json::serialize(value) << "\n";
  return 0;
}

int failed(const Error& error) {
  std::cerr << to_string(error.code) << ": " << error.message << "\n";
  return 1;
}

std::string text_of(const json::object& object, const char* name) {
  const auto* member = object.if_contains(name);
  return member != nullptr && member->is_string() ? std::string(member->get_string()) : "";
}

SealContext context_of(const json::object& request) {
  return {.client = ClientId::parse(text_of(request, "client")).value_or(ClientId()),
          .client_salt = base64_decode(text_of(request, "salt")).value_or(Bytes()),
          .agent = AgentId::parse(text_of(request, "agent")).value_or(AgentId()),
          .name = text_of(request, "name"),
          .purpose = text_of(request, "purpose")};
}

int run(const std::string& command, const std::string& key_file) {
  const Time now = SystemClock{}.now();
  bool created = false;
  const auto ring = load_or_create_key_file(key_file, now, created);
  if (!ring) return failed(ring.error());
  if (command == "rotate") {
    const auto rotated = rotate_key_file(key_file, ring->versions(), now);
    return rotated ? answer(rotated->newest()) : failed(rotated.error());
  }

  const std::string input(std::istreambuf_iterator<char>(std::cin), {});
  const json::object request = json::parse(input).as_object();
  const SealContext context = context_of(request);
  if (command == "seal") {
    const auto sealed = seal(*ring, context, Secret::copy_of(text_of(request, "value")));
    return sealed ? answer(*sealed) : failed(sealed.error());
  }
  if (command == "open") {
    const auto value = open(*ring, context, request.at("sealed").as_object());
    return value ? answer(json::value(json::string_view(value->expose_text())))
                 : failed(value.error());
  }
  if (command == "derive") {
    const auto derived = derive_token(
        *ring,
        {.client = context.client, .client_salt = context.client_salt, .agent = context.agent});
    return derived ? answer(json::value(json::string_view(derived->token.expose_text())))
                   : failed(derived.error());
  }
  return failed({.code = Code::kInvalid, .message = "unknown command"});
}

}  // namespace
}  // namespace deployclaw::vault

int main(int count, char** arguments) {
  if (count != 3) {
    std::fputs("usage: vault_format_tool seal|open|derive|rotate KEY_FILE\n", stderr);
    return 2;
  }
  return deployclaw::vault::run(arguments[1], arguments[2]);
}
