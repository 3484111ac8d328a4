#include "vault/client.hpp"

#include <utility>

#include "net/unix_frames.hpp"
#include "vault/protocol.hpp"

namespace deployclaw::vault {
namespace {

// Rotation waits for the disk.
constexpr auto kRotateDeadline = std::chrono::seconds(30);

std::unexpected<Error> no_answer_in(const char* what) {
  return fail(Code::kUnavailable, std::string("the vault's answer has no ") + what);
}

Result<boost::json::object> sealed_of(Result<Answer> answer) {
  if (!answer) return fail(std::move(answer).error());
  auto* sealed = answer->body.if_contains("sealed");
  if (sealed == nullptr || !sealed->is_object()) return no_answer_in("sealed value");
  return std::move(sealed->get_object());
}

Result<boost::json::object> body_of(Result<Answer> answer) {
  if (!answer) return fail(std::move(answer).error());
  return std::move(answer->body);
}

}  // namespace

struct VaultClient::State {
  State(boost::asio::any_io_executor executor, std::string path,
        std::chrono::milliseconds call_deadline)
      : frames(std::move(executor), std::move(path), kMaxVaultFrame), deadline(call_deadline) {}

  Task<Result<Answer>> call(Call request, std::chrono::milliseconds limit) {
    std::string frame = encode_call(request);
    auto reply = co_await frames.call(std::move(frame), limit);
    if (!reply) {
      Error error = std::move(reply).error();
      if (error.code != Code::kCancelled) error.code = Code::kUnavailable;
      co_return context("vault", std::move(error));
    }
    co_return parse_answer(*std::move(reply));
  }

  net::FrameClient frames;
  std::chrono::milliseconds deadline;
};

VaultClient::VaultClient(boost::asio::any_io_executor executor, std::string socket_path,
                         std::chrono::milliseconds deadline)
    : state_(std::make_shared<State>(std::move(executor), std::move(socket_path), deadline)) {}

VaultClient::~VaultClient() = default;

Task<Result<boost::json::object>> VaultClient::seal(SealContext context, Secret value) {
  Call request;
  request.operation = Operation::kSeal;
  request.context = std::move(context);
  request.value = std::move(value);
  auto answer = co_await state_->call(std::move(request), state_->deadline);
  co_return sealed_of(std::move(answer));
}

Task<Result<Secret>> VaultClient::open(SealContext context, boost::json::object sealed) {
  Call request;
  request.operation = Operation::kOpen;
  request.context = std::move(context);
  request.sealed = std::move(sealed);
  auto answer = co_await state_->call(std::move(request), state_->deadline);
  if (!answer) co_return fail(std::move(answer).error());
  if (!answer->value) co_return no_answer_in("value");
  co_return *std::move(answer->value);
}

Task<Result<boost::json::object>> VaultClient::reseal(SealContext context,
                                                      boost::json::object sealed) {
  Call request;
  request.operation = Operation::kReseal;
  request.context = std::move(context);
  request.sealed = std::move(sealed);
  auto answer = co_await state_->call(std::move(request), state_->deadline);
  co_return sealed_of(std::move(answer));
}

Task<Result<DerivedToken>> VaultClient::derive_token(TokenContext context) {
  Call request;
  request.operation = Operation::kDerive;
  request.context.client = context.client;
  request.context.client_salt = std::move(context.client_salt);
  request.context.agent = context.agent;
  request.context.purpose = std::move(context.purpose);
  request.key_version = context.key_version;
  auto answer = co_await state_->call(std::move(request), state_->deadline);
  if (!answer) co_return fail(std::move(answer).error());
  const auto* version = answer->body.if_contains("keyVersion");
  boost::system::error_code error;
  DerivedToken derived;
  if (version != nullptr) derived.key_version = version->to_number<std::uint32_t>(error);
  if (version == nullptr || error || !answer->value) co_return no_answer_in("token");
  derived.token = *std::move(answer->value);
  co_return derived;
}

Task<Result<SealedAuthority>> VaultClient::create_authority(SealContext context) {
  Call request;
  request.operation = Operation::kCreateAuthority;
  request.context = std::move(context);
  auto answer = co_await state_->call(std::move(request), state_->deadline);
  if (!answer) co_return fail(std::move(answer).error());
  const auto* certificate = answer->body.if_contains("certificate");
  if (certificate == nullptr || !certificate->is_string()) co_return no_answer_in("certificate");
  SealedAuthority made;
  made.certificate = std::string(certificate->get_string());
  auto sealed = sealed_of(std::move(answer));
  if (!sealed) co_return fail(std::move(sealed).error());
  made.sealed = *std::move(sealed);
  co_return made;
}

Task<Result<boost::json::object>> VaultClient::status() {
  Call request;
  request.operation = Operation::kStatus;
  auto answer = co_await state_->call(std::move(request), state_->deadline);
  co_return body_of(std::move(answer));
}

Task<Result<boost::json::object>> VaultClient::rotate() {
  Call request;
  request.operation = Operation::kRotate;
  auto answer = co_await state_->call(std::move(request), kRotateDeadline);
  co_return body_of(std::move(answer));
}

}  // namespace deployclaw::vault
