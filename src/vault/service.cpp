#include "vault/service.hpp"

#include <boost/json/array.hpp>
#include <functional>
#include <utility>

#include "base/log.hpp"
#include "vault/key_file.hpp"
#include "vault/sealing.hpp"

namespace deployclaw::vault {
namespace {

Result<Answer> sealed_answer(Result<boost::json::object> sealed) {
  if (!sealed) return fail(std::move(sealed).error());
  Answer answer;
  answer.body["sealed"] = *std::move(sealed);
  return answer;
}

Result<Answer> opened_answer(Result<Secret> value) {
  if (!value) return fail(std::move(value).error());
  return Answer{.body = {}, .value = *std::move(value)};
}

Result<Answer> derived_answer(Result<DerivedToken> derived) {
  if (!derived) return fail(std::move(derived).error());
  Answer answer;
  answer.body["keyVersion"] = derived->key_version;
  answer.value = std::move(derived->token);
  return answer;
}

Result<Answer> authority_answer(Result<SealedAuthority> made) {
  if (!made) return fail(std::move(made).error());
  Answer answer;
  answer.body["certificate"] = std::move(made->certificate);
  answer.body["sealed"] = std::move(made->sealed);
  return answer;
}

TokenContext token_context(const Call& call) {
  return {.client = call.context.client,
          .client_salt = call.context.client_salt,
          .agent = call.context.agent,
          .purpose = call.context.purpose,
          .key_version = call.key_version};
}

}  // namespace

Service::Service(Keyring keyring, CallerPolicy policy, std::string key_file, const Clock& clock,
                 BlockingPool& pool)
    : keyring_(std::move(keyring)),
      policy_(std::move(policy)),
      key_file_(std::move(key_file)),
      clock_(clock),
      pool_(pool),
      started_(clock.now()) {}

Task<std::string> Service::handle(uid_t uid, std::string frame) {
  const auto call = parse_call(std::move(frame));
  if (!call) {
    ++malformed_;
    log::warn("vault request malformed", {{"uid", uid}, {"reason", call.error().message}});
    co_return encode_answer(fail(call.error()));
  }
  const std::string& purpose = call->context.purpose;
  if (!policy_.allows(uid, call->operation, purpose)) {
    ++counts_[call->operation].refused;
    // The purpose is the caller's own text; a known one is short.
    log::warn("vault refused", {{"uid", uid},
                                {"operation", to_string(call->operation)},
                                {"purpose", purpose.substr(0, 32)}});
    co_return encode_answer(fail(Code::kForbidden, "uid " + std::to_string(uid) + " may not " +
                                                       std::string(to_string(call->operation)) +
                                                       " this"));
  }
  const auto answer = co_await act(*call);
  if (answer) {
    ++counts_[call->operation].ok;
  } else {
    ++counts_[call->operation].failed;
    log::warn("vault call failed", {{"uid", uid},
                                    {"operation", to_string(call->operation)},
                                    {"client", call->context.client.to_string()},
                                    {"agent", call->context.agent.to_string()},
                                    {"error", answer.error().message}});
  }
  co_return encode_answer(answer);
}

Task<Result<Answer>> Service::act(const Call& call) {
  switch (call.operation) {
    case Operation::kSeal:
      co_return sealed_answer(seal(keyring_, call.context, call.value));
    case Operation::kOpen:
      co_return opened_answer(open(keyring_, call.context, call.sealed));
    case Operation::kReseal:
      co_return sealed_answer(reseal(keyring_, call.context, call.sealed));
    case Operation::kDerive:
      co_return derived_answer(derive_token(keyring_, token_context(call)));
    case Operation::kCreateAuthority:
      co_return authority_answer(create_authority(keyring_, call.context, clock_.now()));
    case Operation::kStatus:
      co_return status();
    case Operation::kRotate:
      break;
  }
  auto rotated = co_await rotate();
  co_return rotated;
}

Task<Result<Answer>> Service::rotate() {
  if (key_file_.empty()) {
    co_return fail(Code::kUnsupported,
                   "the master keys come from DEPLOYCLAW_MASTER_KEYS: add a version there and "
                   "restart the vault");
  }
  if (rotating_) co_return fail(Code::kConflict, "a rotation is under way");
  rotating_ = true;
  std::function<Result<Keyring>()> work = [path = key_file_, versions = keyring_.versions(),
                                           now = clock_.now()] {
    return rotate_key_file(path, versions, now);
  };
  auto ring = co_await run_blocking(pool_, std::move(work));
  rotating_ = false;
  if (!ring) co_return fail(std::move(ring).error());
  keyring_ = *std::move(ring);
  log::warn("master key version added: back the key file up now",
            {{"version", keyring_.newest()}, {"file", key_file_}});
  Answer answer;
  answer.body["newest"] = keyring_.newest();
  answer.body["keyFile"] = key_file_;
  co_return answer;
}

Answer Service::status() const {
  boost::json::array versions;
  for (const auto& version : keyring_.versions()) {
    versions.push_back(
        {{"version", version.version}, {"createdAt", version.created}, {"check", version.check}});
  }
  boost::json::object counters;
  for (const auto& [operation, count] : counts_) {
    counters[to_string(operation)] = {
        {"ok", count.ok}, {"refused", count.refused}, {"failed", count.failed}};
  }
  counters["malformed"] = malformed_;
  Answer answer;
  answer.body["newest"] = keyring_.newest();
  answer.body["versions"] = std::move(versions);
  answer.body["startedAt"] = format_time(started_);
  answer.body["memoryLocked"] = keyring_.locked();
  answer.body["counters"] = std::move(counters);
  return answer;
}

}  // namespace deployclaw::vault
