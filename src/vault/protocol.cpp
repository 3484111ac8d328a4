#include "vault/protocol.hpp"

#include <array>
#include <boost/json/parser.hpp>
#include <boost/json/serialize.hpp>
#include <boost/json/value.hpp>
#include <utility>

#include "vault/wiping_resource.hpp"

namespace deployclaw::vault {
namespace {

namespace json = boost::json;

constexpr std::array kOperations = {
    Operation::kSeal,   Operation::kOpen,   Operation::kReseal,         Operation::kDerive,
    Operation::kStatus, Operation::kRotate, Operation::kCreateAuthority};

std::optional<Operation> parse_operation(std::string_view text) {
  for (const auto operation : kOperations) {
    if (to_string(operation) == text) return operation;
  }
  return std::nullopt;
}

// Parses into wiped memory, the parser's own buffers included, and wipes the frame.
std::optional<json::value> parse_object(std::string& frame) {
  const auto storage = json::make_shared_resource<WipingResource>();
  json::parse_options options;
  options.max_depth = 4;
  json::parser parser(storage, options);
  parser.reset(storage);
  boost::system::error_code error;
  const std::size_t used = parser.write(frame, error);
  const bool whole = !error && used == frame.size();
  wipe_string(frame);
  if (!whole) return std::nullopt;
  json::value value = parser.release();
  if (!value.is_object()) return std::nullopt;
  return value;
}

// {"a":1} and "k", secret → {"a":1,"k":"<base64>"}, in memory that never moves: a string that grows
// leaves its old copy behind. `object` must not be empty.
std::string with_secret(const json::object& object, std::string_view key, const Secret& secret) {
  const std::string open = json::serialize(object);
  std::string encoded = base64_encode(secret.expose());
  std::string out;
  out.reserve(open.size() + key.size() + encoded.size() + 8);
  out.append(open, 0, open.size() - 1);
  out.append(",\"").append(key).append("\":\"").append(encoded).append("\"}");
  wipe_string(encoded);
  return out;
}

const json::string* text_member(const json::object& object, std::string_view name) {
  const auto* member = object.if_contains(name);
  return member == nullptr ? nullptr : member->if_string();
}

std::optional<Bytes> bytes_member(const json::object& object, std::string_view name) {
  const auto* text = text_member(object, name);
  if (text == nullptr) return std::nullopt;
  return base64_decode(std::string_view(*text));
}

std::optional<SealContext> parse_context(const json::object& object) {
  const auto* client_text = text_member(object, "client");
  const auto* name = text_member(object, "name");
  const auto* purpose = text_member(object, "purpose");
  auto salt = bytes_member(object, "salt");
  if (client_text == nullptr || name == nullptr || purpose == nullptr || !salt) return std::nullopt;
  const auto client = ClientId::parse(std::string_view(*client_text));
  if (!client) return std::nullopt;
  SealContext context{.client = *client,
                      .client_salt = *std::move(salt),
                      .agent = {},
                      .name = std::string(*name),
                      .purpose = std::string(*purpose)};
  if (object.contains("agent")) {
    const auto* agent_text = text_member(object, "agent");
    if (agent_text == nullptr) return std::nullopt;
    const auto agent = AgentId::parse(std::string_view(*agent_text));
    if (!agent) return std::nullopt;
    context.agent = *agent;
  }
  return context;
}

json::object encode_context(const SealContext& context) {
  json::object object;
  object["client"] = context.client.to_string();
  object["salt"] = base64_encode(context.client_salt);
  if (!context.agent.is_nil()) object["agent"] = context.agent.to_string();
  object["name"] = context.name;
  object["purpose"] = context.purpose;
  return object;
}

// Which members a request of each operation has beside "op".
struct Members {
  bool context = false;
  bool value = false;
  bool sealed = false;
  bool key_version = false;
};

Members members_of(Operation operation) {
  switch (operation) {
    case Operation::kSeal:
      return {.context = true, .value = true};
    case Operation::kOpen:
    case Operation::kReseal:
      return {.context = true, .sealed = true};
    case Operation::kDerive:
      return {.context = true, .key_version = true};
    case Operation::kCreateAuthority:
      return {.context = true};
    case Operation::kStatus:
    case Operation::kRotate:
      break;
  }
  return {};
}

Status read_members(const json::object& object, Members wanted, Call& call) {
  if (wanted.context) {
    const auto* member = object.if_contains("context");
    auto context = member != nullptr && member->is_object() ? parse_context(member->get_object())
                                                            : std::nullopt;
    if (!context) return fail(Code::kMalformed, "vault request: bad context");
    call.context = *std::move(context);
  }
  if (wanted.value) {
    auto value = bytes_member(object, "value");
    if (!value) return fail(Code::kMalformed, "vault request: bad value");
    call.value = Secret(*std::move(value));
  }
  if (wanted.sealed) {
    const auto* member = object.if_contains("sealed");
    if (member == nullptr || !member->is_object()) {
      return fail(Code::kMalformed, "vault request: bad sealed value");
    }
    call.sealed = json::object(member->get_object(), json::storage_ptr());
  }
  if (wanted.key_version) {
    const auto* member = object.if_contains("keyVersion");
    boost::system::error_code error;
    if (member != nullptr) call.key_version = member->to_number<std::uint32_t>(error);
    if (member == nullptr || error) return fail(Code::kMalformed, "vault request: bad keyVersion");
  }
  return {};
}

std::optional<Code> parse_code(std::string_view text) {
  for (auto code = Code::kInvalid; code <= Code::kInternal;
       code = static_cast<Code>(std::to_underlying(code) + 1)) {
    if (to_string(code) == text) return code;
  }
  return std::nullopt;
}

}  // namespace

Result<Call> parse_call(std::string frame) {
  const auto parsed = parse_object(frame);
  if (!parsed) return fail(Code::kMalformed, "vault request is not a JSON object");
  const json::object& object = parsed->get_object();
  const auto* name = text_member(object, "op");
  const auto operation = name == nullptr ? std::nullopt : parse_operation(std::string_view(*name));
  if (!operation) return fail(Code::kMalformed, "vault request: unknown operation");
  const Members wanted = members_of(*operation);
  const std::size_t count = 1U + wanted.context + wanted.value + wanted.sealed + wanted.key_version;
  if (object.size() != count) return fail(Code::kMalformed, "vault request: unknown member");
  Call call;
  call.operation = *operation;
  if (auto read = read_members(object, wanted, call); !read) return fail(read.error());
  return call;
}

std::string encode_call(const Call& call) {
  const Members wanted = members_of(call.operation);
  json::object object;
  object["op"] = to_string(call.operation);
  if (wanted.context) object["context"] = encode_context(call.context);
  if (wanted.sealed) object["sealed"] = call.sealed;
  if (wanted.key_version) object["keyVersion"] = call.key_version;
  if (wanted.value) return with_secret(object, "value", call.value);
  return json::serialize(object);
}

std::string encode_answer(const Result<Answer>& answer) {
  json::object object;
  object["ok"] = answer.has_value();
  if (!answer) {
    object["code"] = to_string(answer.error().code);
    object["message"] = answer.error().message;
    return json::serialize(object);
  }
  object["body"] = answer->body;
  if (answer->value) return with_secret(object, "value", *answer->value);
  return json::serialize(object);
}

Result<Answer> parse_answer(std::string frame) {
  const auto ill_formed = [] {
    return fail(Code::kUnavailable, "the vault's answer could not be understood");
  };
  const auto parsed = parse_object(frame);
  if (!parsed) return ill_formed();
  const json::object& object = parsed->get_object();
  const auto* ok = object.if_contains("ok");
  if (ok == nullptr || !ok->is_bool()) return ill_formed();
  if (!ok->get_bool()) {
    const auto* name = text_member(object, "code");
    const auto* message = text_member(object, "message");
    if (name == nullptr || message == nullptr) return ill_formed();
    const auto code = parse_code(std::string_view(*name));
    if (!code) return ill_formed();
    return fail(*code, "vault: " + std::string(*message));
  }
  const auto* body = object.if_contains("body");
  if (body == nullptr || !body->is_object()) return ill_formed();
  Answer answer{.body = json::object(body->get_object(), json::storage_ptr()), .value = {}};
  if (object.contains("value")) {
    auto value = bytes_member(object, "value");
    if (!value) return ill_formed();
    answer.value = Secret(*std::move(value));
  }
  return answer;
}

}  // namespace deployclaw::vault
